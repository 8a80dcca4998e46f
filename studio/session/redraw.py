"""Lines of what was played, drawn again beside the session: every frame as it was shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from studio.engine import Engine
from studio.frames import Frame
from studio.models.base import Model
from studio.session.history import Stretch


def end_of(line: Sequence[Stretch]) -> int:
    """Give the number of the frame that a line goes on with."""
    return line[-1].frame + len(line[-1].hashes)


def begin_of(line: Sequence[Stretch], frame: int) -> Stretch:
    """Give the stretch of a line that a frame is in, the first for one before it."""
    return next((one for one in reversed(line) if one.frame <= frame), line[0])


def fork_of(one: Sequence[Stretch], other: Sequence[Stretch]) -> int | None:
    """Give the first frame that two lines do not share; None if they share no checkpoint, or are the same."""
    starts = {id(stretch.start): place for place, stretch in enumerate(one)}
    shared = [(starts[id(stretch.start)], place) for place, stretch in enumerate(other) if id(stretch.start) in starts]
    if not shared:
        return None
    mine, theirs = shared[-1]
    shown = [[hash for stretch in line for hash in stretch.hashes] for line in (one[mine:], other[theirs:])]
    same = next((place for place, (here, there) in enumerate(zip(*shown)) if here != there), min(map(len, shown)))
    return None if same == max(map(len, shown)) else one[mine].frame + same


def redraw(model: Model, sampler: str, line: Sequence[Stretch], first: int) -> Iterator[Frame | None]:
    """Yield the frames of a line from one on, bit for bit as they were shown; None for each that is drawn to get there.

    first: the number of a frame that the line has. On an engine of its own, so that nobody else is disturbed.
    """
    line = line[line.index(begin_of(line, first)) :]
    engine = Engine(model, sampler)
    engine.restore(line[0].start.engine)
    ends = [*(later.frame for _, later in pairwise(line)), end_of(line)]
    for stretch, end in zip(line, ends, strict=True):
        if stretch.is_clean:
            engine.restore(stretch.start.engine)
        waiting = list(stretch.events)
        while engine.frame < end:
            while waiting and waiting[0].frame <= engine.frame:
                engine.apply([(engine.revision, waiting.pop(0).control)])
            frame = engine.step()
            yield frame if frame.index >= first else None
