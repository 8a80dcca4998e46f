"""One model on its way to a seat, while what is played plays on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.models.base import Model
    from studio.ui.library import Library

Report = Callable[..., None]  # report(stage=..., done=..., total=..., what=...): fields of a LoadProgress that changed
log = logging.getLogger("studio")
UNDER_WAY = ("waiting", "download", "load")


class Cancelled(Exception):
    """The person thought better of it."""


@dataclass(frozen=True)
class LoadProgress:
    """How far a model is on its way to a seat.

    stage: "waiting" (for another load to end), "download", "load", then "ready", "failed" or "cancelled"; done and
    total in bytes, total 0 where it is not known; what: a file's name, or the words for the person.
    """

    name: str
    stage: str = "waiting"
    done: int = 0
    total: int = 0
    what: str = ""

    @property
    def under_way(self) -> bool:
        """Whether it has not come to an end."""
        return self.stage in UNDER_WAY


class ModelLoad:
    """One model on its way to one seat, on a thread of its own, while what is played plays on."""

    def __init__(self, library: Library, name: object, hand_over: Callable[[Model], dict[str, str]]) -> None:
        """hand_over: takes the loaded model, gives the kinds of control it does not play, with the reasons."""
        self.progress = LoadProgress(library.check(name))
        self._library, self._hand_over = library, hand_over
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, name="studio-model-load", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Give up: at once in a download, after it in a load, which nothing can interrupt."""
        self._cancel.set()

    def _report(self, **changes: str | int) -> None:
        self.progress = replace(self.progress, **changes)

    def _run(self) -> None:
        name = self.progress.name
        try:
            self._load(name)
        except Exception as error:  # whatever it is, it is told, and the session plays on with what it had
            if self._cancel.is_set():
                self._report(stage="cancelled", what=f"{name} was called off; what was fetched is kept.")
            else:
                log.warning("%s could not be played", name, exc_info=error)
                self._report(stage="failed", what=f"{name} could not be played: {error_text(error)}")
        if self.progress.stage != "ready":
            self._library.free_memory()  # what was loaded of it
            self._library.release_unused()

    def _load(self, name: str) -> None:
        model = self._library.get(name, self._report, self._cancel)
        raise_if_cancelled(self._cancel)
        refused = self._hand_over(model)
        self._report(stage="ready", what=" ".join(f"{why}." for why in refused.values()))


def downloading(report: Report) -> Callable[[int, int, str], None]:
    """Make what `load` calls while it downloads; with the last byte there, it loads."""

    def progress(done: int, total: int, what: str) -> None:
        if done < total:
            report(stage="download", done=done, total=total, what=what)
        else:
            report(stage="load", done=0, total=0, what="")

    return progress


def raise_if_cancelled(cancel: threading.Event) -> None:
    """Raise Cancelled once somebody has called it off."""
    if cancel.is_set():
        raise Cancelled("called off")


def error_text(error: Exception) -> str:
    """Give an error in its own words, or its kind where it came with none; never longer than a person reads."""
    text = str(error).strip() or type(error).__name__
    return text if len(text) <= 600 else text[:597] + "..."
