"""Takes that a person brings back: what of a file can be opened is, and what cannot is said."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from studio.controls import ControlError, Picture
from studio.controls.image_file import reading
from studio.outputs.carriers import NoText, kind_of
from studio.score import Event, Score, ScoreError, read_score
from studio.score.format import VERSION, parse_event, parse_header, parse_object, parse_snapshot, text_of
from studio.ui.errors import TakeRefused
from studio.ui.security import WIDEST_PICTURE
from studio.ui.takes import take_path

if TYPE_CHECKING:
    from studio.ui.recorder import Take
    from studio.ui.seat import Seat

USUAL_FPS = 24.0
MOST_FRAMES = 24 * 3600 * 6  # six hours


@dataclass
class Opened:
    """A take that was opened. take: as it is listed; remarks: what is not as it was; recorded: a take that ended."""

    take: Take
    remarks: list[str] = field(default_factory=list)
    recorded: Take | None = None


def open_take(seat: Seat, data: bytes, name: str) -> Opened:
    """Open the take that a file is, or carries, at a seat: it is listed, and plays from its first frame.

    What is played now is kept as a branch; a recording ends. Raises TakeRefused with what is wrong, and QuotaExceeded.
    """
    began = time.monotonic()
    name = PurePath(name).name[:80] or "the file"
    try:
        score, remarks = read_what_is_whole(data, name)
        if not score.length or score.length > MOST_FRAMES:
            raise TakeRefused(f"{name} has {score.length:,} frames; a take of 1 to {MOST_FRAMES:,} can be opened")
        score.events = [event for event in score.events if is_readable(event, remarks)]
        if score.header.frames is None:
            score = score.ended(score.length)
        recorded = seat.stop_recording()
        take = seat.recorder.keep_last(score, USUAL_FPS, take_path(seat.recorder.folder, PurePath(name).stem))
        seat.played = True
        remarks += seat.session.open_take(score)
        seat.run()
    except (ScoreError, ControlError, ValueError) as error:
        raise TakeRefused(str(error)) from error
    finally:
        seat.reading.spend(time.monotonic() - began)
    return Opened(take, remarks, recorded)


def read_what_is_whole(data: bytes, name: str) -> tuple[Score, list[str]]:
    """Read a take, or what can be read of it: the score, and what is not in it.

    Raises ScoreError where there is nothing to go on, and TakeRefused for what carries no take.
    """
    try:
        return read_score(data, name), []
    except ScoreError as error:
        if isinstance(error.__cause__, NoText | UnicodeDecodeError):
            raise TakeRefused(str(error)) from error
        return salvage(text_in(data, name), name, error)


def text_in(data: bytes, name: str) -> str:
    """Give the score's text, as far as it is one."""
    is_text = not kind_of(data[:16]) and data.lstrip()[:1] == b"{"
    return data.decode("utf-8", "replace") if is_text else text_of(io.BytesIO(data), name)


def salvage(text: str, name: str, why: ScoreError) -> tuple[Score, list[str]]:
    """Read a score line by line and leave out what cannot be read; raises ScoreError where its first line is none."""
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not numbered:
        raise why
    values, remarks = parse_object(*numbered[0], name), list[str]()
    if isinstance(version := values.get("studio"), int) and version > VERSION:
        remarks.append(f"it is of version {version}, this studio plays {VERSION}: what is known of it is played")
        values["studio"] = VERSION
    score, lost = Score(parse_header(values, name)), list[ScoreError]()
    for number, line in numbered[1:]:
        try:
            read_into(score, number, line, name)
        except ScoreError as error:
            lost.append(error)
    if lost:
        remarks.append(
            f"{len(lost)} of its {len(numbered)} lines cannot be read and are left out, the first: {lost[0]}"
        )
    header = replace(score.header, digest="")
    return Score(header, score.events, score.snapshot), remarks


def read_into(score: Score, number: int, line: str, name: str) -> None:
    """Read a line into a score; raises ScoreError."""
    values, where = parse_object(number, line, name), f"line {number}"
    if "snapshot" in values:
        score.snapshot = parse_snapshot(values, where)
    elif "checkpoint" not in values:
        score.events.append(parse_event(values, score, where))


def is_readable(event: Event, remarks: list[str]) -> bool:
    """Whether an event's picture, if it has one, can be read and is not too large to read for everybody's sake."""
    if not isinstance(event.control, Picture) or not event.control.data:
        return True
    try:
        with reading(event.control.data) as opened:
            if max(opened.size) <= WIDEST_PICTURE:
                return True
            why = f"it is {opened.size[0]}x{opened.size[1]}, at most {WIDEST_PICTURE} a side"
    except ControlError as error:
        why = str(error)
    remark = f"pictures are left out that cannot be read, the first at frame {event.frame} ({why})"
    if not any(one.startswith("pictures are left out") for one in remarks):
        remarks.append(remark)
    return False
