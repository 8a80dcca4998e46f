"""The line that a seat plays, on disk while it is played, so that a server that is started anew goes on from it.

A file is a score that is being recorded: it begins with a checkpoint, which a few seconds later is another, and has all
that was set since; its last line says how many frames were played, with what was still to come. What is written is a
checkpoint that the session has anyway, by the sweeper's thread: the frames wait for nothing but the copy of a list.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from studio.controls import Control, ControlError, Picture, from_message, to_message
from studio.score import Digest, Event, Score, ScoreError
from studio.score.format import event_line, header_line, snapshot_line
from studio.session.history import SessionSnapshot

if TYPE_CHECKING:
    from studio.session.opening import Line
    from studio.session.session import Session

CHECKPOINT_EVERY = 4.0  # seconds
LARGEST = 48 * 2**20  # bytes of a checkpoint; pocket's has 3 MB
MOST_BYTES = 384 * 2**20  # of all files together
MOST_FRAMES = 480  # that are made again before a session goes on
ENDING = ".line"
log = logging.getLogger("studio")


@dataclass(frozen=True)
class SavedLine:
    """A line as it was written: the score from its checkpoint, its frames, and what was still to come."""

    score: Score
    frames: int
    scheduled: tuple[Event, ...] = ()
    waiting: tuple[Control, ...] = ()

    @property
    def frame(self) -> int:
        """The number of the frame it goes on with."""
        return self.score.header.start + self.frames

    def go_on(self, session: Session) -> bool:
        """Have a session go on with it; False, and said in the log, where it cannot: then it is at a frame 0."""
        try:
            session.resume(self.score, self.frames, self.scheduled, self.waiting)
        except (
            ValueError,
            RuntimeError,
            TypeError,
            LookupError,
        ) as error:  # ScoreError and ControlError are ValueErrors
            log.warning("a session does not go on where it was (%s); its picture begins anew", error)
            session.reset()
            return False
        return True


class LineFile:
    """Writes the line of one session, a part at a time. For one thread at a time."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._file: IO[str] | None = None
        self._begin: SessionSnapshot | None = None  # the checkpoint in the file
        self._digest, self._last_hash = Digest(), ""
        self._events: list[Event] = []
        self._begun_at = 0.0
        self._told: object = None  # of the last line written
        self._said = False

    def save(self, session: Session) -> None:
        """Write what was played since the last time. Raises OSError; then the next time begins with a checkpoint."""
        is_due = self._file is None or self._clock() - self._begun_at >= CHECKPOINT_EVERY
        line = session.played_since(None if is_due else self._begin)
        if line is None or not self._fits(line, session):
            return self.remove()
        told = (line.start.engine.frame + len(line.hashes), line.events[-1:], line.scheduled, line.waiting)
        if told == self._told:
            return None
        try:
            if is_due or not self._goes_on(line):
                self._write_checkpoint(line)
            self._append(line)
            self._told = told
        except ScoreError as error:
            self._say(f"{session.model.name}: {error}")
            self.remove()
        except OSError:
            self.close()
            raise
        return None

    def close(self) -> None:
        """Let go of the file, which stays."""
        file, self._file, self._told = self._file, None, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def remove(self) -> None:
        """Let go of the file and remove it."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _fits(self, line: Line, session: Session) -> bool:
        if not line.is_clean and line.bytes > LARGEST:
            self._say(
                f"a checkpoint of {session.model.name} has {line.bytes / 1e6:.0f} MB, {LARGEST / 1e6:.0f} are kept"
            )
            return False
        return len(line.hashes) <= MOST_FRAMES

    def _say(self, why: str) -> None:
        if not self._said:
            log.info("%s: after a restart of the server its picture begins anew, with all that was set", why)
        self._said = True

    def _goes_on(self, line: Line) -> bool:
        """Whether the line is what is in the file, and more; not after somebody went back."""
        frames, events = self._digest.frames, self._events
        return (
            line.start is self._begin
            and len(line.hashes) >= frames
            and (not frames or line.hashes[frames - 1] == self._last_hash)
            and list(line.events[: len(events)]) == events
        )

    def _write_checkpoint(self, line: Line) -> None:
        """Begin the file anew, whole or not at all, at a line's checkpoint; nobody else can read it."""
        self.close()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part, snapshot = self.path.with_suffix(".part"), line.snapshot()
        part.unlink(missing_ok=True)
        make_room(self.path, len(snapshot) * 2)
        file = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
        try:
            lines = [header_line(line.header), *([snapshot_line(snapshot)] if snapshot else [])]
            file.writelines(one + "\n" for one in [*lines, *map(event_line, line.opening)])
            self._begin, self._digest, self._last_hash, self._events = line.start, Digest(), "", []
            self._write_rest(file, line)
            os.fsync(file.fileno())
            part.replace(self.path)
        except BaseException:
            file.close()
            part.unlink(missing_ok=True)
            raise
        self._file, self._begun_at = file, self._clock()

    def _append(self, line: Line) -> None:
        if self._file is not None:
            self._write_rest(self._file, line)

    def _write_rest(self, file: IO[str], line: Line) -> None:
        """Write what the file has not of a line, and its end."""
        for event in line.events[len(self._events) :]:
            file.write(event_line(event) + "\n")
        for hash in line.hashes[self._digest.frames :]:
            self._digest.add_hash(hash)
        self._events, self._last_hash = list(line.events), line.hashes[-1] if line.hashes else ""
        file.write(end_line(self._digest, line) + "\n")
        file.flush()


def end_line(digest: Digest, line: Line) -> str:
    """Give a score's checkpoint with what is still to come; a picture on its way is left out."""
    scheduled = [{"frame": event.frame, **to_message(event.control)} for event in line.scheduled]
    waiting = [to_message(control) for control in line.waiting if not isinstance(control, Picture)]
    values = {"checkpoint": digest.frames, "digest": str(digest), "scheduled": scheduled, "waiting": waiting}
    return json.dumps({name: value for name, value in values.items() if value or name == "checkpoint"})


def read_line(path: Path) -> SavedLine | None:
    """Read a line; None where there is none. Raises OSError and ScoreError."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ScoreError(f"{path} is damaged: {error}") from error
    score = Score.parse(text, str(path))
    ends = [one for one in text.split("\n")[:-1] if one.startswith('{"checkpoint"')]
    if not ends:
        return None
    try:
        end = json.loads(ends[-1])
        scheduled = tuple(read_event(values) for values in end.get("scheduled", ()))
        waiting = tuple(map(from_message, end.get("waiting", ())))
        frames = min(int(end["checkpoint"]), MOST_FRAMES)
    except (ValueError, TypeError, KeyError, ControlError) as error:
        raise ScoreError(f"{path} is damaged: {error}") from error
    return SavedLine(
        replace(score, header=replace(score.header, digest=end.get("digest", ""))), frames, scheduled, waiting
    )


def read_event(values: dict[str, Any]) -> Event:
    """Read what is still to come."""
    return Event(int(values.pop("frame")), from_message(values))


def make_room(path: Path, needed: int) -> None:
    """Remove the lines written longest ago, until there is room for another; those of taken seats are the newest."""
    others = [(one.stat().st_mtime, one.stat().st_size, one) for one in line_files(path.parent) if one != path]
    total = sum(size for _, size, _ in others) + needed
    for _, size, one in sorted(others, key=lambda other: other[0]):
        if total <= MOST_BYTES:
            return
        one.unlink(missing_ok=True)
        total -= size


def line_files(folder: Path) -> Iterator[Path]:
    """Yield the lines in a folder."""
    yield from sorted(folder.glob(f"*{ENDING}"))


class SavedLines:
    """The lines of a server's seats, in a folder.

    A file is named as a saved seat's (`saved.file_name`): only who knows the seat's id finds it.
    """

    def __init__(self, folder: Path, name_of: Callable[[str], str], oldest: float) -> None:
        """oldest: seconds after which a line that nobody came back for is removed."""
        self.folder, self._name_of = folder, name_of
        self._files: dict[str, LineFile] = {}
        self._problem = ""
        self._lock = threading.Lock()
        with suppress(OSError):
            for path in line_files(folder):
                if time.time() - path.stat().st_mtime > oldest:
                    path.unlink(missing_ok=True)

    def save(self, id: str, session: Session) -> None:
        """Write what was played since the last time; a disk that refuses is told once."""
        try:
            with self._lock:
                self._files.setdefault(id, LineFile(self._path(id))).save(session)
            self._problem = ""
        except OSError as error:
            problem = error.strerror or str(error)
            if problem != self._problem:
                log.warning(
                    "what is played cannot be saved in %s (%s): after a restart of the server pictures begin anew",
                    self.folder,
                    problem,
                )
            self._problem = problem

    def load(self, id: str) -> SavedLine | None:
        """Give the line that a seat played; None if there is none that can be read."""
        try:
            return read_line(self._path(id))
        except (OSError, ScoreError) as error:
            log.warning("what was played cannot be read: %s; the picture begins anew", error)
            return None

    def leave(self, id: str) -> None:
        """Note that the seat is no longer taken; what was saved waits for its page."""
        with self._lock:
            if file := self._files.pop(id, None):
                file.close()

    def _path(self, id: str) -> Path:
        return self.folder / (self._name_of(id).removesuffix(".json") + ENDING)
