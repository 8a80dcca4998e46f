"""The model of one seat: which it is, and another that was chosen, on its way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from studio.ui.errors import LibraryError
from studio.ui.model_load import LoadProgress, ModelLoad

if TYPE_CHECKING:
    from studio.models.base import Model
    from studio.session.session import Session
    from studio.ui.library import Library


class ModelChoice:
    """What a seat's session plays, of what the library has; without a library there is nothing to choose.

    hand_over: takes a loaded model, gives the kinds of control it does not play, with the reasons. load: the last one;
    last_progress: how far it was when a page was told last.
    """

    def __init__(self, session: Session, library: Library | None, hand_over: Callable[[Model], dict[str, str]]) -> None:
        self.load: ModelLoad | None = None
        self.last_progress: LoadProgress | None = None
        self._session, self._library, self._hand_over = session, library, hand_over
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model that is played, as a person chose it: a folder's name is its last part."""
        model = self._session.model
        return self._library.name_of(model) if self._library else model.name

    @property
    def chosen(self) -> str:
        """The model that was chosen, if it is only on its way too; empty for the one that every page opens with."""
        name = self.progress.name if self.progress and self.progress.under_way else self.name
        return name if self._library is not None and name != self._library.home else ""

    @property
    def has_choice(self) -> bool:
        """Whether there is another model to choose."""
        return self._library is not None and self._library.has_choice

    @property
    def progress(self) -> LoadProgress | None:
        """How far the model that was chosen last is on its way."""
        return self.load.progress if self.load else None

    def offers(self) -> list[dict[str, Any]]:
        """Give every model there is to choose, as the page reads it."""
        return self._library.offers() if self._library else []

    def check(self, name: str) -> None:
        """Raise LibraryError for a model that this server has not."""
        if self._library is not None:
            self._library.check(name)
        elif name != self.name:
            raise LibraryError(f"this server plays one model, {self.name}; render on that")

    def get(self, name: str, size: tuple[int, int] | None = None) -> Model:
        """Give a model beside the one that plays, loaded if need be, at a size (H, W) if one is given."""
        if self._library is None:
            return self._session.model
        return self._library.of_size(name, size) if size else self._library.get(name)

    def choose(self, name: object) -> None:
        """Have a model made ready; the session goes over to it by itself. Raises LibraryError for what cannot be."""
        with self._lock:
            if self._library is None:
                raise LibraryError("this server plays one model")
            if self.progress and self.progress.under_way:
                raise LibraryError(f"{self.progress.name} is on its way; call it off first")
            self.load = ModelLoad(self._library, name, self._hand_over)

    def cancel(self) -> None:
        """Call off the model that is on its way, if one is."""
        if self.load:
            self.load.cancel()

    def release_unused(self) -> None:
        """Let go of the models that nobody plays any more."""
        if self._library:
            self._library.release_unused()

    def release(self) -> None:
        """Let go of the session, which is over."""
        if self._library:
            self._library.release(self._session)
