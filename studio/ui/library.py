"""The models a server's pages choose from: what is on offer, and what is loaded.

A loaded model is shared by all who play it, and goes when nobody does: only sessions hold on to it.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from studio.controls import Sampling
from studio.hub.catalogue import Listing, list_models
from studio.models.loader import load
from studio.models.playable import advise
from studio.models.registry import MODELS
from studio.session.session import Session
from studio.ui.errors import LibraryError, Waiting
from studio.ui.model_load import Report, downloading, error_text, raise_if_cancelled

if TYPE_CHECKING:
    from studio.models.base import Model

log = logging.getLogger("studio")


class Library:
    """What one server may play. `home` is the model every page opens with: a name in the catalogue, or a folder.

    offered: the names a page may choose, the home's aside; None offers the whole catalogue. A page names models and
    never folders. listing, load: as in studio.models. options: what the home model is loaded with.
    """

    def __init__(
        self,
        home: str,
        offered: Collection[str] | None = None,
        *,
        listing: Callable[[], Sequence[Listing]] = list_models,
        load: Callable[..., Model] = load,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._listing, self._load = listing, load
        self.home = home if home in MODELS else Path(home).name
        if home not in MODELS and self.home in MODELS:
            self.home += " (folder)"
        self._address = {self.home: home}
        self._options = {self.home: dict(options or {})}
        self._offered = offered
        self._loaded: WeakValueDictionary[str, Model] = WeakValueDictionary()
        self._home_model: Model | None = None  # the home model is kept ready until a page plays something else instead
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._reload_thread: threading.Thread | None = None
        self._home_error = ""

    # What there is

    @property
    def has_choice(self) -> bool:
        """Whether there is anything to choose."""
        return self._offered is None or bool(set(self._offered) - {self.home})

    def offers(self) -> list[dict[str, Any]]:
        """Give everything a page may choose, as the page reads it: what fits this machine first."""
        known = [asdict(item) for item in self._listing()]
        items = [item for item in known if self._is_offered(item["name"])]
        if all(item["name"] != self.home for item in items):
            about = {"what": "what this server was opened with", "licence": "", "here": True, "fits": True}
            items.insert(
                0, {"name": self.home, "download_bytes": 0, "memory_bytes": 0, "reason": "", "expect": "", **about}
            )
        return [item | {"loaded": item["name"] in self._loaded} for item in items]

    def _is_offered(self, name: str) -> bool:
        return self._offered is None or name in self._offered or name == self.home

    def check(self, name: object) -> str:
        """Give the name, if a page may choose it; raises LibraryError with what is possible, or why it does not fit."""
        offers = {item["name"]: item for item in self.offers()}
        if not isinstance(name, str) or name not in offers:
            raise LibraryError(f"model is {str(name)[:60]!r}; this server offers: {', '.join(offers)}")
        if not offers[name]["fits"] and name not in self._loaded:
            raise LibraryError(f"{name} does not fit this machine: {offers[name]['reason']}")
        return name

    def name_of(self, model: Model) -> str:
        """Give the name a model was chosen by."""
        return next((name for name, loaded in self._loaded.items() if loaded is model), model.name)

    # Getting one

    def get(self, name: str, report: Report = lambda **_: None, cancel: threading.Event | None = None) -> Model:
        """Give the model of a name: the one that is loaded, or else one that is downloaded, loaded and shown to draw.

        One at a time. report(stage=..., done=..., total=..., what=...) is called with how far it is. Raises Cancelled,
        and whatever went wrong.
        """
        cancel = cancel or threading.Event()
        with self._loading_turn(cancel):
            if (model := self._loaded.get(name)) is not None:
                return model
            report(stage="load")
            options = self._options.get(name, {})
            model = self._load(self._address.get(name, name), progress=downloading(report), cancel=cancel, **options)
            # Whatever is done once and lazily is done now, and a checkpoint that cannot draw is found out now.
            Session(model).step()
            if told := advise(model, Sampling(steps=model.capabilities.steps)):
                log.warning("%s: %s", name, told)
            self._loaded[name] = model
            return model

    def of_size(self, name: str, size: tuple[int, int]) -> Model:
        """Load the model of a name at a size (H, W), for one rendering; raises OptionError for one it cannot have."""
        with self._loading_turn(threading.Event()):
            return self._load(self._address.get(name, name), size=size, **self._options.get(name, {}))

    @contextmanager
    def _loading_turn(self, cancel: threading.Event) -> Iterator[None]:
        """Two models loaded at once may not fit where one after the other does."""
        while not self._loading.acquire(timeout=0.2):
            raise_if_cancelled(cancel)
        try:
            raise_if_cancelled(cancel)
            yield
        finally:
            self._loading.release()

    # Sessions

    def open(self) -> None:
        """Load the home model, so that the first page need not wait."""
        self._home_model = self.get(self.home)

    def session(self) -> Session:
        """Make a session on the home model; raises Waiting while that is loaded again."""
        with self._lock:
            model = self._loaded.get(self.home)
            if model is None:
                self._reload_home()
                last = f" The last attempt ended: {self._home_error}." if self._home_error else ""
                raise Waiting(f"{self.home} is being loaded; this page starts by itself.{last}")
            self._home_model = model
            session = Session(model)
            self._sessions.append(session)
            return session

    def _reload_home(self) -> None:
        def load() -> None:
            try:
                self.open()
                self._home_error = ""
            except Exception as error:  # said to every page that waits, which asks again
                log.exception("%s could not be loaded again", self.home)
                self._home_error = error_text(error)

        if self._reload_thread is None or not self._reload_thread.is_alive():
            self._reload_thread = threading.Thread(target=load, name="studio-home-model", daemon=True)
            self._reload_thread.start()

    def release(self, session: Session) -> None:
        """Let go of a session that is over."""
        with self._lock:
            self._sessions = [other for other in self._sessions if other is not session]
        self.release_unused()

    def release_unused(self, again: float = 0.5) -> None:
        """Let go of what nobody plays; the home model only when something else is played instead.

        A thread may have such a model in hand for one moment more, and a collection under way hides it from ours: what
        is still there is looked at again after `again` seconds, then at longer and longer intervals.
        """
        with self._lock:
            playing = [session.model for session in self._sessions]
            if playing and all(model is not self._home_model for model in playing):
                self._home_model = None
        del playing
        if self._has_unused():
            self.free_memory()
        if self._has_unused():
            later = threading.Timer(again, self.release_unused, [min(2 * again, 60.0)])
            later.daemon = True
            later.start()

    def _has_unused(self) -> bool:
        """Whether a model is still loaded that nobody plays."""
        with self._lock:
            held = {id(session.model) for session in self._sessions} | {id(self._home_model)}
            return any(id(model) not in held for model in self._loaded.values())

    @staticmethod
    def free_memory() -> None:
        """Free what nobody holds: models hold themselves, by what they remember, and do not go by themselves."""
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()
