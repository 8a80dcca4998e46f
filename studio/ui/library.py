"""The models a server's pages choose from: what is on offer, what is loaded, and one on its way to a seat.

A loaded model is shared by all who play it, and goes when nobody does: only sessions hold on to it.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from studio.hub.catalogue import list_models
from studio.models.loader import load
from studio.models.registry import MODELS
from studio.session.session import Session
from studio.ui.seats import Waiting

if TYPE_CHECKING:
    from studio.models.base import Model

Tell = Callable[..., None]
log = logging.getLogger("studio")
UNDER_WAY = ("waiting", "download", "load")


class LibraryError(ValueError):
    """A choice that cannot be: says what is possible."""


class Cancelled(Exception):
    """The person thought better of it."""


@dataclass(frozen=True)
class Progress:
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
        return self.stage in UNDER_WAY


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
        listing: Callable[[], list[Any]] = list_models,
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
        self._kept: Model | None = None  # the home model is kept ready until a page plays something else instead
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._coming_home: threading.Thread | None = None
        self._trouble = ""

    # What there is

    @property
    def choice(self) -> bool:
        """Is there anything to choose?"""
        return self._offered is None or bool(set(self._offered) - {self.home})

    def offers(self) -> list[dict[str, Any]]:
        """Everything a page may choose, as the page reads it: what fits this machine first."""
        known = [asdict(item) for item in self._listing()]
        items = [item for item in known if self._may(item["name"])]
        if all(item["name"] != self.home for item in items):
            about = {"what": "what this server was opened with", "licence": "", "here": True, "fits": True}
            items.insert(0, {"name": self.home, "download_bytes": 0, "memory_bytes": 0, "reason": "", **about})
        return [item | {"loaded": item["name"] in self._loaded} for item in items]

    def _may(self, name: str) -> bool:
        return self._offered is None or name in self._offered or name == self.home

    def check(self, name: Any) -> str:
        """The name, if a page may choose it; raises LibraryError with what is possible, or why it does not fit."""
        offers = {item["name"]: item for item in self.offers()}
        if not isinstance(name, str) or name not in offers:
            raise LibraryError(f"model is {str(name)[:60]!r}; this server offers: {', '.join(offers)}")
        if not offers[name]["fits"] and name not in self._loaded:
            raise LibraryError(f"{name} does not fit this machine: {offers[name]['reason']}")
        return name

    def name_of(self, model: Model) -> str:
        """The name a model was chosen by."""
        return next((name for name, loaded in self._loaded.items() if loaded is model), model.name)

    # Getting one

    def get(self, name: str, tell: Tell = lambda **_: None, cancel: threading.Event | None = None) -> Model:
        """The model of a name: the one that is loaded, or else downloaded, loaded and shown to draw, one at a time.

        tell(stage=..., done=..., total=..., what=...) hears how far it is. Raises Cancelled, and whatever went wrong.
        """
        cancel = cancel or threading.Event()
        with self._turn(cancel):
            if (model := self._loaded.get(name)) is not None:
                return model
            tell(stage="load")
            options = self._options.get(name, {})
            model = self._load(self._address.get(name, name), progress=downloading(tell), cancel=cancel, **options)
            # Whatever is done once and lazily is done now, and a checkpoint that cannot draw is found out now.
            Session(model).step()
            self._loaded[name] = model
            return model

    @contextmanager
    def _turn(self, cancel: threading.Event) -> Iterator[None]:
        """Two models loaded at once may not fit where one after the other does."""
        while not self._loading.acquire(timeout=0.2):
            heed(cancel)
        try:
            heed(cancel)
            yield
        finally:
            self._loading.release()

    # Sessions

    def open(self) -> None:
        """Load the home model, so that the first page need not wait."""
        self._kept = self.get(self.home)

    def session(self) -> Session:
        """A session on the home model; raises Waiting while that is loaded again."""
        with self._lock:
            model = self._loaded.get(self.home)
            if model is None:
                self._come_home()
                trouble = f" The last attempt ended: {self._trouble}." if self._trouble else ""
                raise Waiting(f"{self.home} is being loaded; this page starts by itself.{trouble}")
            self._kept = model
            session = Session(model)
            self._sessions.append(session)
            return session

    def _come_home(self) -> None:
        def load() -> None:
            try:
                self.open()
                self._trouble = ""
            except Exception as error:  # said to every page that waits, which asks again
                log.exception("%s could not be loaded again", self.home)
                self._trouble = said(error)

        if self._coming_home is None or not self._coming_home.is_alive():
            self._coming_home = threading.Thread(target=load, name="studio-home", daemon=True)
            self._coming_home.start()

    def leave(self, session: Session) -> None:
        """The session is over."""
        with self._lock:
            self._sessions = [other for other in self._sessions if other is not session]
        self.tidy()

    def tidy(self, again: float = 0.5) -> None:
        """Let go of what nobody plays; the home model only when something else is played instead.

        A thread may have such a model in hand for one moment more, and a collection under way hides it from ours: what
        is still there is looked at again after `again` seconds, then at longer and longer intervals.
        """
        with self._lock:
            playing = [session.model for session in self._sessions]
            if playing and all(model is not self._kept for model in playing):
                self._kept = None
        del playing
        if self._idle():
            self.sweep()
        if self._idle():
            later = threading.Timer(again, self.tidy, [min(2 * again, 60.0)])
            later.daemon = True
            later.start()

    def _idle(self) -> bool:
        """Is a model still loaded that nobody plays?"""
        with self._lock:
            held = {id(session.model) for session in self._sessions} | {id(self._kept)}
            return any(id(model) not in held for model in self._loaded.values())

    @staticmethod
    def sweep() -> None:
        """Free what nobody holds: models hold themselves, by what they remember, and do not go by themselves."""
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()


class Arrival:
    """One model on its way to one seat, on a thread of its own, while what is played plays on."""

    def __init__(self, library: Library, name: str, hand_over: Callable[[Model], dict[str, str]]) -> None:
        """hand_over: takes the loaded model, gives the kinds of control it does not play, with the reasons."""
        self.progress = Progress(library.check(name))
        self._library, self._hand_over = library, hand_over
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, name="studio-arrival", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Give up: at once in a download, after it in a load, which nothing can interrupt."""
        self._cancel.set()

    def _tell(self, **news: Any) -> None:
        self.progress = replace(self.progress, **news)

    def _run(self) -> None:
        name = self.progress.name
        try:
            self._bring(name)
        except Exception as error:  # whatever it is, it is told, and the session plays on with what it had
            if self._cancel.is_set():
                self._tell(stage="cancelled", what=f"{name} was called off; what was fetched is kept.")
            else:
                log.warning("%s could not be played", name, exc_info=error)
                self._tell(stage="failed", what=f"{name} could not be played: {said(error)}")
        if self.progress.stage != "ready":
            self._library.sweep()  # what was loaded of it
            self._library.tidy()

    def _bring(self, name: str) -> None:
        model = self._library.get(name, self._tell, self._cancel)
        heed(self._cancel)
        refused = self._hand_over(model)
        self._tell(stage="ready", what=" ".join(f"{why}." for why in refused.values()))


def downloading(tell: Tell) -> Callable[[int, int, str], None]:
    """What `load` calls while it downloads; with the last byte there, it loads."""

    def progress(done: int, total: int, what: str) -> None:
        if done < total:
            tell(stage="download", done=done, total=total, what=what)
        else:
            tell(stage="load", done=0, total=0, what="")

    return progress


def heed(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise Cancelled("called off")


def said(error: Exception) -> str:
    """An error in the words it came with, or its kind where it came with none; never longer than a person reads."""
    text = str(error).strip() or type(error).__name__
    return text if len(text) <= 600 else text[:597] + "..."


def words(name: str, refused: Mapping[str, str]) -> str:
    """What a person is told of the kinds of control that a model does not take: {kind: why}."""
    plural = {"stroke": "strokes", "picture": "pictures", "lora": "LoRAs"}
    told = {kind: why for kind, why in refused.items() if kind != "erase" or "stroke" not in refused}
    return " ".join(f"{name} takes no {plural.get(kind, kind)}: {why}." for kind, why in told.items())
