"""What can still be opened of a take that cannot be read whole: of a newer version, damaged, cut off, out of order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.controls.base import shown
from studio.score.events import Event
from studio.score.format import (
    VERSION,
    Score,
    ScoreError,
    parse_checkpoint,
    parse_event,
    parse_header,
    parse_object,
    parse_snapshot,
)

MOST_TOLD = 5  # lines that are named one by one


@dataclass(frozen=True)
class Salvaged:
    """A score, and what of its file is not in it, in words for a person; nothing where the file was whole."""

    score: Score
    left_out: tuple[str, ...] = ()


def salvage(path: str | Path) -> Salvaged:
    """Read what can be read of the score in a file; raises ScoreError where there is nothing to go on."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ScoreError(f"cannot read the score {path} ({error.strerror}); check the path") from error
    return salvage_text(data.decode("utf-8", errors="replace"), Path(path).name)


def salvage_text(text: str, name: str = "score") -> Salvaged:
    """Read what can be read of the score in a text, `name` in errors.

    Raises ScoreError for an empty one, or one whose header does not say what was played, and at which size.
    """
    try:
        return Salvaged(Score.parse(text, name)) if text.endswith("\n") else salvage_lines(text, name)
    except ScoreError:
        return salvage_lines(text, name)


def salvage_lines(text: str, name: str) -> Salvaged:
    """Read a score line by line, and leave out what cannot be read."""
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not numbered:
        raise ScoreError(f"{name} is empty, so there is nothing in it to open; delete it, and record another take")
    values = parse_object(*numbered[0], name)
    left_out = [newer] if (newer := newer_version(values)) else []
    score = Score(parse_header(values | ({"studio": VERSION} if left_out else {}), name))
    events, lost, last = list[Event](), Counter[str](), None
    for number, line in numbered[1:]:
        try:
            line_values = parse_object(number, line, name)
            where = f"{name}, line {number}"
            if "checkpoint" in line_values:
                last = parse_checkpoint(line_values, where)
            elif "snapshot" in line_values:
                score.snapshot = parse_snapshot(line_values, where)
            else:
                events.append(parse_event(line_values, Score(replace(score.header, start=0)), where))
        except ScoreError as error:
            lost[what_is_lost(line)] += 1
            if sum(lost.values()) <= MOST_TOLD:
                left_out.append(f"left out: {error}")
    score.events = sorted(events, key=lambda event: max(event.frame, score.header.start))
    if score.events != events:
        left_out.append("lines that were out of order were put in the order of their frames")
    if sum(lost.values()) > MOST_TOLD:
        left_out.append("left out in all: " + ", ".join(f"{count} {kind}" for kind, count in lost.items()))
    header = replace(score.header, digest="" if left_out else score.header.digest)
    score = Score(header, score.events, score.snapshot)
    if last and header.frames is None:
        score = score.to_checkpoint(replace(last, digest="" if left_out else last.digest))
    return Salvaged(score, tuple(left_out))


def newer_version(values: dict[str, Any]) -> str:
    """Say that a header is of a newer version of the studio; nothing where it is not."""
    version = values.get("studio")
    if isinstance(version, bool) or not isinstance(version, int) or version <= VERSION:
        return ""
    return (
        f"the take is of version {shown(version)}, this studio plays {VERSION}: what it knows of it is opened, as "
        "another film; update the studio for the rest"
    )


def what_is_lost(line: str) -> str:
    """Name what a line that cannot be read was about."""
    if '"picture"' in line[:200]:
        return "pictures"
    return "snapshots, without which the take begins clean" if '"snapshot"' in line[:20] else "lines"
