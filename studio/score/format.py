"""The score's file: what was set, and when, as JSON lines a person can read.

The first line is the header; every other line is a control with the frame it took effect at. Lines of a frame before
the first are what was in force when the take began: a path that was under way goes on where it was. While a take is
recorded its file also has checkpoints, `{"checkpoint": frames, "digest": "..."}`: how many frames there are so far, and
the digest of them. A recording that was cut off is played to the last of them, or to the last control.

A take that begins in mid-play has, next to its header, `{"snapshot": "..."}`: all that its first frame goes on from, as
base64 of a safetensors file.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

from studio.controls import ControlError, ControlState, from_message, to_message
from studio.controls.base import shown
from studio.score.events import Event

VERSION = 2  # written
VERSIONS = (1, 2)  # read; 1 is 0.2's: its controls are brought up to date as they are read (`controls.upgrade`)
MAX_FRAME = 2**32 - 1
log = logging.getLogger("studio")


class ScoreError(ValueError):
    """A score that cannot be read or played: names the line and the remedy."""


@dataclass(frozen=True)
class Header:
    """What a take was played on.

    weights: 12 hex digits that name the model's weights; start: the first frame's number; frames: how many were made
    (None while the take is still being recorded); digest: of all frames' hashes; clean: whether the first frame was
    made without a past or the score has a snapshot of it, else the take replays like it was, not as it was; processor,
    torch: `score.environment`. versions: of a take that was edited or rendered anew, what it came from, the first
    first: the name and `Score.fingerprint` of each; title: what a person calls it.
    """

    model: str
    weights: str
    width: int
    height: int
    start: int = 0
    frames: int | None = None
    sampler: str = "stream"
    digest: str = ""
    clean: bool = True
    processor: str = ""
    torch: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    title: str = ""


HEADER_TYPES: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "weights": str,
    "width": int,
    "height": int,
    "start": int,
    "frames": (int, type(None)),
    "sampler": str,
    "digest": str,
    "clean": bool,
    "processor": str,
    "torch": str,
    "versions": list,
    "title": str,
}


@dataclass(frozen=True)
class Checkpoint:
    """How far a recording has come: frames made, and the digest of their hashes."""

    frames: int
    digest: str


@dataclass
class Score:
    """A take: its header, and every control in the order they took effect.

    snapshot: what its first frame goes on from, where it begins in mid-play (`score.snapshot`); empty at a clean start.
    """

    header: Header
    events: list[Event] = field(default_factory=list)
    snapshot: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, source: str | Path | bytes, name: str = "") -> Score:
        """Read the score in a file, or in what an export carries (`read_score`); no model is opened.

        Raises ScoreError that names the line and what to do.
        """
        return read_score(source, name)

    @classmethod
    def parse(cls, text: str, name: str = "score") -> Score:
        """Read the score in a text, `name` in errors. A last line that was cut off is left out, with a warning."""
        numbered = [(number, line) for number, line in enumerate(whole_lines(text, name), 1) if line.strip()]
        if not numbered:
            raise ScoreError(f"{name} is empty; a score begins with a header line, record a take to get one")
        score, last = cls(parse_header(parse_object(*numbered[0], name), name)), None
        for number, line in numbered[1:]:
            values, where = parse_object(number, line, name), f"{name}, line {number}"
            if "checkpoint" in values:
                last = parse_checkpoint(values, where)
            elif "snapshot" in values:
                score.snapshot = parse_snapshot(values, where)
            else:
                score.events.append(parse_event(values, score, where))
        return score.to_checkpoint(last) if last and score.header.frames is None else score

    def lines(self) -> Iterator[str]:
        """Yield the lines of the file, without their newlines."""
        yield header_line(self.header)
        if self.snapshot:
            yield snapshot_line(self.snapshot)
        for event in self.events:
            yield event_line(event)

    def write(self, path: str | Path) -> Path:
        """Write the file whole or not at all, and give its path; raises OSError."""
        path = Path(path)
        part = path.with_name(path.name + ".part")
        try:
            with part.open("w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in self.lines())
                file.flush()
                os.fsync(file.fileno())  # a name must not come to the disk before what it names
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    @property
    def text(self) -> str:
        """The whole file."""
        return "\n".join([*self.lines(), ""])

    @property
    def length(self) -> int:
        """How many frames there are to play: to the last control, if the recording was cut off."""
        if self.header.frames is not None:
            return self.header.frames
        return max((event.frame for event in self.events), default=self.header.start) - self.header.start + 1

    @property
    def fingerprint(self) -> str:
        """Give 12 hex digits that name what is in it."""
        digest = hashlib.blake2b(digest_size=6)
        for line in self.lines():
            digest.update(line.encode())
        return digest.hexdigest()

    def version_of(self, parent: Score, name: str) -> Score:
        """Give a copy that says what it came from, by a name that its parent has."""
        versions = (*parent.header.versions, (name, parent.fingerprint))
        return replace(self, header=replace(self.header, versions=versions))

    def ended(self, frames: int, digest: str = "") -> Score:
        """Give a copy with its number of frames, and the digest of their hashes, in the header."""
        return Score(replace(self.header, frames=frames, digest=digest), list(self.events), self.snapshot)

    def to_checkpoint(self, last: Checkpoint) -> Score:
        """Give a copy with the length of a recording that was cut off, and its digest unless a control came later."""
        frames = max(last.frames, self.length if self.events else 0)
        return self.ended(frames, last.digest if frames == last.frames else "")

    def opening(self) -> ControlState:
        """Give the controls in force at the first frame."""
        state = ControlState()
        for event in self.events:
            if event.frame <= self.header.start:
                state = state.after(event.control, event.frame)
        return state


def read_score(source: str | Path | bytes, name: str = "") -> Score:
    """Read a score: a file of lines, or a picture, video or zip that carries one; by path or as bytes.

    name: what errors call it, the path if empty. Raises ScoreError that says what was got and what to do.
    """
    name = name or ("what was given" if isinstance(source, bytes) else str(source))
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
            return Score.parse(text_of(file, name), name)
    except OSError as error:
        raise ScoreError(f"cannot read the score {name} ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ScoreError(f"{name} is no text file; give a score that the studio recorded (.jsonl)") from error


def text_of(file: BinaryIO, name: str) -> str:
    """Give the text of a score's file, or that a picture, a video or a zip carries."""
    begins = file.read(64).lstrip()
    file.seek(0)
    if begins[:1] in (b"{", b""):
        return file.read().decode("utf-8")
    from studio.outputs.carriers import NoText, read_text

    try:
        return read_text(file, name)
    except NoText as error:
        raise ScoreError(str(error)) from error


def header_line(header: Header) -> str:
    """Give the first line of the file."""
    values = {name: value for name, value in asdict(header).items() if value not in (None, "", ())}
    if header.clean:
        del values["clean"]
    return json.dumps({"studio": VERSION, **values})


def event_line(event: Event) -> str:
    """Give the line of a control."""
    return json.dumps({"frame": event.frame, **to_message(event.control)}, ensure_ascii=False)


def snapshot_line(snapshot: bytes) -> str:
    """Give the line of a snapshot."""
    return json.dumps({"snapshot": base64.b64encode(snapshot).decode()})


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """Give the line of a checkpoint."""
    return json.dumps({"checkpoint": checkpoint.frames, "digest": checkpoint.digest})


def whole_lines(text: str, name: str) -> list[str]:
    """Give the lines of a text without one at its end that was cut off in the writing."""
    *lines, rest = text.split("\n")
    if rest.strip():
        if lines and not is_json(rest):
            log.warning("%s: its last line was cut off and is left out; the rest is played", name)
        else:
            lines.append(rest)
    return lines


def is_json(line: str) -> bool:
    """Whether a line is a whole JSON value."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def parse_object(number: int, line: str, name: str) -> dict[str, Any]:
    """Read the object a line holds."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ScoreError(
            f"{name}, line {number} is no JSON ({error}): {shown(line)}; correct the line or take it out"
        ) from error
    if not isinstance(value, dict):
        raise ScoreError(f"{name}, line {number} must be a JSON object, got {shown(line)}; correct it or take it out")
    return value


def parse_header(values: dict[str, Any], name: str) -> Header:
    """Read the header of a first line, checked."""
    version = values.pop("studio", None)
    where = f"{name}, line 1"
    if version is None:
        raise ScoreError(f'{where} is no header: it lacks "studio"; give a score that the studio recorded')
    if version not in VERSIONS:
        raise ScoreError(f"{where}: the score's version is {shown(version)}, this studio plays {VERSION}; update it")
    missing = [name for name in ("model", "weights", "width", "height") if name not in values]
    if missing:
        raise ScoreError(f'{where}: the header lacks "{missing[0]}"; add it (fields: {", ".join(HEADER_TYPES)})')
    # A field of a later studio of the same version is left unread: it says more, and nothing else.
    known = {field.name: values[field.name] for field in fields(Header) if field.name in values}
    for key, value in known.items():
        if isinstance(value, bool) != (HEADER_TYPES[key] is bool) or not isinstance(value, HEADER_TYPES[key]):
            raise ScoreError(f'{where}: "{key}" is {shown(value)}; correct it')
        if isinstance(value, int) and not 0 <= value <= MAX_FRAME:
            raise ScoreError(f'{where}: "{key}" is {shown(value)}; it must be 0 to {MAX_FRAME}, correct it')
    known["versions"] = parse_versions(known.get("versions", []), where)
    return Header(**known)


def parse_versions(values: list[Any], where: str) -> tuple[tuple[str, str], ...]:
    """Read what a take came from: pairs of a name and a fingerprint."""
    for value in values:
        if not (isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)):
            raise ScoreError(f'{where}: "versions" has {shown(value)}; each is a name and a fingerprint, correct it')
    return tuple((name, fingerprint) for name, fingerprint in values)


def parse_checkpoint(values: dict[str, Any], where: str) -> Checkpoint:
    """Read a checkpoint."""
    frames, digest = values["checkpoint"], values.get("digest", "")
    if isinstance(frames, bool) or not isinstance(frames, int) or not 0 <= frames <= MAX_FRAME:
        raise ScoreError(f'{where}: "checkpoint" is {shown(frames)}; give the number of frames, or take the line out')
    if not isinstance(digest, str):
        raise ScoreError(f'{where}: "digest" is {shown(digest)}; give a text, or take the line out')
    return Checkpoint(frames, digest)


def parse_snapshot(values: dict[str, Any], where: str) -> bytes:
    """Read a snapshot's bytes; what is in them is read once there is a model (`score.snapshot`)."""
    try:
        return base64.b64decode(values["snapshot"], validate=True)
    except (TypeError, ValueError) as error:
        raise ScoreError(f"{where}: the snapshot is no base64 ({error}); the take cannot begin without it") from error


def parse_event(values: dict[str, Any], score: Score, where: str) -> Event:
    """Read the event of a line, checked against those of the score before it."""
    frame = values.pop("frame", None)
    if isinstance(frame, bool) or not isinstance(frame, int) or not 0 <= frame <= MAX_FRAME:
        raise ScoreError(f'{where}: "frame" is {shown(frame)}; give the number of a frame, 0 or more')
    start = score.header.start
    before = max((start, *(event.frame for event in score.events[-1:])))
    if max(frame, start) < before:
        raise ScoreError(f"{where}: frame {frame} comes after frame {before}; put the lines in order of their frames")
    try:
        return Event(frame, from_message(values))
    except ControlError as error:
        raise ScoreError(f"{where}: {error}") from error
