"""Two lines of what was played, side by side from where they part: drawn again beside the session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from studio.session.redraw import begin_of, end_of, fork_of, redraw
from studio.ui.offline import tell
from studio.ui.protocol import ComparedFrames, ComparisonBegun
from studio.ui.thumbnails import data_url

if TYPE_CHECKING:
    from studio.frames import Frame
    from studio.session.history import Stretch
    from studio.ui.seat import Seat

    Line = tuple[Stretch, ...]

JOB = "a comparison"
MOST_FRAMES = 120  # of each line
SIDE = 192  # pixels, at most
ENDED: Any = object()


def compare(seat: Seat, one: int, other: int | None) -> None:
    """Begin to draw a branch beside another, or (None) beside what is played; the page is told, then gets each frame.

    Raises ValueError for a branch that there is not, and for two that are the same.
    """
    session = seat.session
    left, right = session.line(one), session.line(other)
    branches = session.history.branches
    names = [branches.named(one).name, "now" if other is None else branches.named(other).name]
    if one == other or not (left and right):
        raise ValueError("there are not two to compare; choose a branch, and another or what is played")
    fork = fork_of(left, right)
    lines = left, right
    firsts = [line[0].frame for line in lines]
    if fork is not None:  # from the checkpoint before it, so that nothing is drawn that is not shown
        firsts = [max(begin_of(line, fork).frame for line in lines)] * 2
    frames = min(MOST_FRAMES, max(end_of(line) - first for line, first in zip(lines, firsts, strict=True)))
    tell(seat, ComparisonBegun(names, fork, firsts, frames))  # before its first frame can come
    seat.offline.run(JOB, drawn(seat, lines, firsts, frames))


def drawn(seat: Seat, lines: Sequence[Line], firsts: Sequence[int], frames: int) -> Iterator[None]:
    """Draw the lines in step, a frame at each step of the job, and tell the page every pair."""
    session = seat.session
    model, sampler = session.model, session.engine.sampler_name
    strips = [redraw(model, sampler, line, first) for line, first in zip(lines, firsts, strict=True)]
    place = 0
    for pair in in_step(strips):
        if pair is not None:
            pictures = ["" if frame is None else data_url(frame.picture, SIDE) for frame in pair]
            tell(seat, ComparedFrames(place, pictures))
            place += 1
        if place >= frames:
            return
        yield


def in_step(strips: Sequence[Iterator[Frame | None]]) -> Iterator[tuple[Frame | None, ...] | None]:
    """Yield a frame of each at once; None of one that has ended, and instead of all for what is drawn to get there."""
    heads: list[Frame | None] = []
    for strip in strips:
        head = None
        while (head := next(strip, ENDED)) is None:
            yield None
        heads.append(head if head is not ENDED else None)
    while any(head is not None for head in heads):
        yield tuple(heads)
        heads = [next(strip, None) for strip in strips]
