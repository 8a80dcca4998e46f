"""What a seat leaves on disk while it is taken, so that its page finds it again when the server was started anew."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.controls import ControlState, Pause, Picture, Stroke, from_message

MOST_SEATS = 64
LARGEST = 256 * 1024  # bytes of one
OLDEST = 7 * 86400.0  # seconds
LONGEST_KEY = 100  # characters
log = logging.getLogger("studio")


@dataclass(frozen=True)
class SavedSeat:
    """What a page gets back: the controls in force as messages, and its takes by their names.

    model: the one that was chosen; empty for the one that every page opens with. recording: the take that is being
    recorded, or empty. unfinished: those of the takes that were cut off. left_out: the kinds of control in force that
    are not among the controls. bookmarks: the names of their files. views: the secret of its picture's address.
    """

    model: str
    controls: tuple[dict[str, Any], ...]
    takes: tuple[str, ...] = ()
    recording: str = ""
    unfinished: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    bookmarks: tuple[str, ...] = ()
    views: str = ""

    def state(self) -> ControlState:
        """Give the controls in force, as they are at the first frame of a session; raises ControlError."""
        return ControlState.of(*map(from_message, self.controls)).restarted(0)

    def without(self, kind: str) -> SavedSeat:
        """Give it without the controls of a kind."""
        controls = tuple(control for control in self.controls if control["kind"] != kind)
        return replace(self, controls=controls, left_out=(*self.left_out, kind))

    @classmethod
    def of(cls, state: ControlState, **fields: Any) -> SavedSeat:
        """Take down what is in force. A picture that comes in stays out: a camera's would fill the disk."""
        controls = [held.control for held in state.slots.values()]
        kept = tuple(one.to_message() for one in controls if one.kind not in (Picture.kind, Pause.kind))
        left_out = (Picture.kind,) if state[Picture].data else ()
        return cls(controls=kept, left_out=left_out, **fields)


class SavedSeats:
    """The saved seats of this person's servers, a file each that nobody else can read. For one thread at a time.

    A file's name is a hash of the seat's id, which only the seat's page knows: who sees the folder can claim no seat.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: dict[str, SavedSeat] = {}  # of the seats that are taken, by their files' names
        self._problem = ""
        self._lock = threading.Lock()
        self.works = self._attempt(self._open)

    def save(self, key: str, seat: SavedSeat) -> None:
        """Write what has changed since the last time. A disk that refuses is told once."""
        with self._lock:
            name = file_name(key)
            if not self.works or self._written.get(name) == seat:
                return
            is_new = name not in self._written
            if self._attempt(lambda: write_private(self.folder / name, small_enough(seat))):
                self._written[name] = seat
                if is_new:
                    self._attempt(self._remove_old)

    def load(self, key: object) -> SavedSeat | None:
        """Give what was saved under a key; None if there is nothing that can be read."""
        if not self.works or not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
            return None
        path = self.folder / file_name(key)
        try:
            return parse(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            log.warning("the saved session %s cannot be read: %s; its page begins anew", path, error)
            return None

    def leave(self, key: str) -> None:
        """The seat is no longer taken; what was saved waits for its page."""
        with self._lock:
            self._written.pop(file_name(key), None)

    def _open(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._remove_old()

    def _remove_old(self) -> None:
        """Remove what is too old, and the oldest of too many; what belongs to a seat that is taken stays."""
        now = time.time()
        found = [(path.stat().st_mtime, path) for path in self.folder.glob("*.json") if path.name not in self._written]
        found.sort(reverse=True)
        for place, (written_at, path) in enumerate(found, len(self._written)):
            if place >= MOST_SEATS or now - written_at > OLDEST:
                path.unlink(missing_ok=True)

    def _attempt(self, write: Callable[[], object]) -> bool:
        """Whether it could be done; what the disk says is told once, until it says something else."""
        try:
            write()
        except OSError as error:
            problem = error.strerror or str(error)
            if problem != self._problem:
                log.warning(
                    "sessions cannot be saved in %s (%s): a page that comes back after the server was started anew "
                    "begins with nothing; name another folder by STUDIO_STATE_DIR",
                    self.folder,
                    problem,
                )
            self._problem = problem
            return False
        self._problem = ""
        return True


def file_name(key: str) -> str:
    """Give the name of the file of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:40] + ".json"


def small_enough(seat: SavedSeat) -> str:
    """Give the text of a saved seat; without its strokes where it would be too large."""
    text = json.dumps({"studio": 1, **vars(seat)})
    return text if len(text) <= LARGEST else json.dumps({"studio": 1, **vars(seat.without(Stroke.kind))})


def parse(text: str) -> SavedSeat:
    """Read a saved seat; raises ValueError, TypeError and KeyError for what is none."""
    values = json.loads(text)
    names = {key: tuple(map(str, values[key])) for key in ("takes", "unfinished", "left_out")}
    names["bookmarks"] = tuple(map(str, values.get("bookmarks", ())))  # older files have none
    seat = SavedSeat(
        str(values["model"]),
        tuple(values["controls"]),
        recording=str(values["recording"]),
        **names,
        views=str(values.get("views", "")),
    )
    seat.state()  # raises ControlError for what a control cannot be
    return seat


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, that only this person can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # somebody may have deleted it
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # a name must not come to the disk before what it names
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
