"""The score: what was played, and when. A readable JSON-lines file that replays bit for bit.

The first line is the header; every other line is a control with the frame it took effect at. Lines of a frame before
the first are what was in force when the take began: a path that was under way goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from studio.controls import Control, ControlError, ControlState, from_message, to_message
from studio.controls.base import shown

if TYPE_CHECKING:
    from studio.frames import Frame
    from studio.models.base import Model

VERSION = 2
READ = (1, 2)  # 1 is 0.2's: its controls are brought up to date as they are read (`controls.upgrade`)
LARGEST = 2**32 - 1  # frame number
log = logging.getLogger("studio")


class ScoreError(ValueError):
    """A score that cannot be read or played: names the line and the remedy."""


@dataclass(frozen=True)
class Header:
    """What a take was played on.

    weights: 12 hex digits that name the model's weights; start: the first frame's number; frames: how many were made
    (None while the take is still being recorded, or if its recording was cut off); digest: of all frames' hashes.
    """

    model: str
    weights: str
    width: int
    height: int
    start: int = 0
    frames: int | None = None
    sampler: str = "stream"
    digest: str = ""


HEADER_TYPES: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "weights": str,
    "width": int,
    "height": int,
    "start": int,
    "frames": (int, type(None)),
    "sampler": str,
    "digest": str,
}


@dataclass(frozen=True)
class Event:
    """A control and the frame it took effect at."""

    frame: int
    control: Control


@dataclass
class Score:
    """A take: its header, and every control in the order they took effect."""

    header: Header
    events: list[Event] = field(default_factory=list)

    @classmethod
    def read(cls, path: str | Path) -> Score:
        """The score in a file; raises ScoreError that names the line and what to do about it."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise ScoreError(f"cannot read the score {path} ({error.strerror}); check the path") from error
        except UnicodeDecodeError as error:
            raise ScoreError(f"{path} is no text file; give a score that the studio recorded (.jsonl)") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, name: str = "score") -> Score:
        """The score in a text. A last line that was cut off in the writing is left out, with a warning."""
        *lines, rest = text.split("\n")
        if rest.strip():
            if lines and not is_json(rest):
                log.warning("%s: its last line was cut off and is left out; the rest is played", name)
            else:
                lines.append(rest)
        numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
        if not numbered:
            raise ScoreError(f"{name} is empty; a score begins with a header line, record a take to get one")
        header = read_header(parsed(numbered[0], name), name)
        score = cls(header)
        for number, line in numbered[1:]:
            score.events.append(read_event(parsed((number, line), name), score, f"{name}, line {number}"))
        return score

    def lines(self) -> Iterator[str]:
        """The lines of the file, without their newlines."""
        yield header_line(self.header)
        for event in self.events:
            yield event_line(event)

    def write(self, path: str | Path) -> Path:
        """Write the file whole or not at all; raises OSError."""
        path = Path(path)
        part = path.with_name(path.name + ".part")
        try:
            part.write_text("".join(line + "\n" for line in self.lines()), encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    @property
    def length(self) -> int:
        """How many frames there are to play: to the last control, if the recording was cut off."""
        if self.header.frames is not None:
            return self.header.frames
        return max((event.frame for event in self.events), default=self.header.start) - self.header.start + 1

    def copy(self) -> Score:
        """The same take, to go its own way from here."""
        return Score(self.header, list(self.events))

    def finished(self, digest: Digest) -> Score:
        """The take with its number of frames and their digest in the header."""
        return Score(replace(self.header, frames=digest.frames, digest=str(digest)), list(self.events))

    def opening(self) -> ControlState:
        """The controls in force at the first frame."""
        state = ControlState()
        for event in self.events:
            if event.frame <= self.header.start:
                state = state.after(event.control, event.frame)
        return state


def header_line(header: Header) -> str:
    values = {name: value for name, value in asdict(header).items() if value not in (None, "")}
    return json.dumps({"studio": VERSION, **values})


def event_line(event: Event) -> str:
    return json.dumps({"frame": event.frame, **to_message(event.control)}, ensure_ascii=False)


def is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def parsed(numbered: tuple[int, str], name: str) -> dict[str, Any]:
    """The object a line holds."""
    number, line = numbered
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ScoreError(
            f"{name}, line {number} is no JSON ({error}): {shown(line)}; correct the line or take it out"
        ) from error
    if not isinstance(value, dict):
        raise ScoreError(f"{name}, line {number} must be a JSON object, got {shown(line)}; correct it or take it out")
    return value


def read_header(values: dict[str, Any], name: str) -> Header:
    """The header of a first line, checked."""
    version = values.pop("studio", None)
    where = f"{name}, line 1"
    if version is None:
        raise ScoreError(f'{where} is no header: it lacks "studio"; give a score that the studio recorded')
    if version not in READ:
        raise ScoreError(f"{where}: the score's version is {shown(version)}, this studio plays {VERSION}; update it")
    missing = [name for name in ("model", "weights", "width", "height") if name not in values]
    if missing:
        raise ScoreError(f'{where}: the header lacks "{missing[0]}"; add it (fields: {", ".join(HEADER_TYPES)})')
    # A field of a later studio of the same version is left unread: it says more, and nothing else.
    known = {field.name: values[field.name] for field in fields(Header) if field.name in values}
    for key, value in known.items():
        if isinstance(value, bool) or not isinstance(value, HEADER_TYPES[key]):
            raise ScoreError(f'{where}: "{key}" is {shown(value)}; correct it')
        if isinstance(value, int) and not 0 <= value <= LARGEST:
            raise ScoreError(f'{where}: "{key}" is {shown(value)}; it must be 0 to {LARGEST}, correct it')
    return Header(**known)


def read_event(values: dict[str, Any], score: Score, where: str) -> Event:
    """The event of a line, checked against those before it."""
    frame = values.pop("frame", None)
    if isinstance(frame, bool) or not isinstance(frame, int) or not 0 <= frame <= LARGEST:
        raise ScoreError(f'{where}: "frame" is {shown(frame)}; give the number of a frame, 0 or more')
    start = score.header.start
    before = max((start, *(event.frame for event in score.events[-1:])))
    if max(frame, start) < before:
        raise ScoreError(f"{where}: frame {frame} comes after frame {before}; put the lines in order of their frames")
    try:
        return Event(frame, from_message(values))
    except ControlError as error:
        raise ScoreError(f"{where}: {error}") from error


class ScoreWriter:
    """Appends a take to a file line by line while it is played, so that a crash loses nothing.

    A disk that refuses is told once, in the log and in `problem`; the take goes on in memory, where the session keeps
    it, and `finish` tries once more to write it whole.
    """

    def __init__(self, path: str | Path, header: Header) -> None:
        self.path = Path(path)
        self.problem: str | None = None
        self._file: IO[str] | None = None
        self._attempt(lambda: self._start(header))

    def add(self, event: Event) -> None:
        if self._file is not None:
            self._attempt(lambda: self._append(event_line(event)))

    def finish(self, score: Score) -> None:
        """Write the score whole, now that its number of frames is known."""
        self._close()
        self._attempt(lambda: score.write(self.path))

    def _start(self, header: Header) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", encoding="utf-8")
        self._append(header_line(header))

    def _append(self, line: str) -> None:
        assert self._file is not None
        self._file.write(line + "\n")
        self._file.flush()

    def _attempt(self, write: Callable[[], Any]) -> None:
        try:
            write()
            self.problem = None
        except OSError as error:
            self._close()
            self.problem = (
                f"cannot write the score {self.path} ({error.strerror or error}); the take is kept in memory: "
                "make room, then stop the recording or save it elsewhere"
            )
            log.warning(self.problem)

    def _close(self) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        with suppress(OSError):  # what it still held could not be written: `finish` writes the whole score again
            file.close()


class Digest:
    """One hash over the hashes of a take's frames."""

    def __init__(self) -> None:
        self.frames = 0
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, frame: Frame) -> None:
        self._hash.update(frame.hash.encode())
        self.frames += 1

    def __str__(self) -> str:
        return self._hash.hexdigest()


def replay(score: Score | str | Path, model: Model | None = None) -> Iterator[Frame]:
    """Every frame of a take, made again: the same frames, bit for bit, on the same kind of machine.

    model: a loaded one, to save loading it. Raises ScoreError before the first frame if the take cannot be played here.
    """
    from studio.engine import Engine
    from studio.samplers import SAMPLERS

    score = score if isinstance(score, Score) else Score.read(score)
    header = score.header
    if header.sampler not in SAMPLERS:
        raise ScoreError(f"the take's sampler is {header.sampler!r}; there are: {', '.join(SAMPLERS)}; correct line 1")
    engine = Engine(playable(score, model), header.sampler, start=header.start, state=score.opening())
    waiting = [event for event in score.events if event.frame > header.start]
    return frames_of(engine, waiting, header.start, score.length)


def frames_of(engine: Any, waiting: list[Event], start: int, length: int) -> Iterator[Frame]:
    """Step the engine through the events."""
    applied = 0
    for index in range(start, start + length):
        due = applied
        while due < len(waiting) and waiting[due].frame <= index:
            due += 1
        engine.apply([(number + 1, waiting[number].control) for number in range(applied, due)])
        applied = due
        try:
            frame = engine.step()
        except ControlError as error:  # a session checks what it is sent; a file may have been changed since
            raise ScoreError(
                f"the take cannot be played at frame {index}: {error}; correct or take out its line"
            ) from error
        yield frame


def playable(score: Score, model: Model | None) -> Model:
    """The model a take was played on, loaded if need be, and shown to be the same."""
    header = score.header
    model = opened(header) if model is None else model
    if model.weights_id != header.weights:
        raise ScoreError(
            f"the take was played on weights {header.weights} of {header.model}, here are {model.weights_id}; "
            "install the studio version it was recorded with, give the options it was played with (LoRAs, decoder), "
            "or write these in line 1 to play it anew on them"
        )
    height, width = model.size
    if (width, height) != (header.width, header.height):
        raise ScoreError(
            f"the take is {header.width}x{header.height}, the model {header.model} makes {width}x{height}; "
            "correct line 1"
        )
    return model


def opened(header: Header) -> Model:
    """The model a header names, a name or a folder, at the take's size; nothing is downloaded for it."""
    from studio.hub.download import find_downloaded
    from studio.models.errors import UnknownModel
    from studio.models.loader import accepted_options, load
    from studio.models.registry import MODELS

    try:
        sized = "size" in accepted_options(header.model)
        options: dict[str, Any] = {"size": (header.height, header.width)} if sized else {}
    except UnknownModel as error:
        raise ScoreError(
            f"the take's model is {header.model!r}; this studio has: {', '.join(MODELS)}, and any folder that is where "
            "the take says; update the studio, or say where the model is now: --model"
        ) from error
    entry = MODELS.get(header.model)
    if entry and any(find_downloaded(part) is None for part in entry.parts.values()):
        raise ScoreError(
            f"the take was played on {header.model}, which is not on this machine; `studio models get {header.model}` "
            "downloads it"
        )
    return load(header.model, **options)


def render(
    score: Score | str | Path,
    path: str | Path,
    *,
    model: Model | None = None,
    fps: int = 24,
    progress: Callable[[Iterable[Frame], int], Iterable[Frame]] | None = None,
) -> Path:
    """Play a take again into a video file; `progress(frames, total)` may wrap the frames to show how far it is."""
    from studio.outputs.video import VideoFile

    score = score if isinstance(score, Score) else Score.read(score)
    frames: Iterable[Frame] = replay(score, model)
    video = VideoFile(path, fps)
    try:
        for frame in progress(frames, score.length) if progress else frames:
            video.put(frame)
    finally:
        video.close()
    return video.path
