"""Motion transfer: a driving video becomes paths, beside the session; the page makes strokes of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from studio.motion import FilmError, Motion, MotionFinder
from studio.ui.offline import ToldJob, tell
from studio.ui.protocol import MotionFound

if TYPE_CHECKING:
    from studio.ui.seat import Seat

JOB = "motion"  # its name in `offline`
log = logging.getLogger("studio")


class MotionJob(ToldJob[MotionFound]):
    """What moves in a video, a picture at each step."""

    def __init__(self, data: bytes, name: str, shape: tuple[int, int], tell: Callable[[MotionFound], object]) -> None:
        """name: of the file; shape: (H, W) of what is played."""
        super().__init__(MotionFound(name), tell)
        self._data, self._shape = data, shape

    def _work(self) -> Iterator[None]:
        finder = MotionFinder(self._data, self._shape)
        self._data = b""
        steps = finder.steps()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                self._end(end.value)
                return
            self.report(done=finder.frames, total=max(finder.total, finder.frames))
            yield

    def _end(self, motion: Motion) -> None:
        things = [asdict(thing) for thing in motion.things]
        self.report(stage="done", things=things, seconds=round(motion.seconds, 2), note="; ".join(motion.remarks))

    def _failure(self, error: Exception) -> dict[str, object]:
        if not isinstance(error, FilmError):
            log.error("motion could not be found", exc_info=error)  # a fault of ours
        return {"stage": "failed", "note": f"{self.progress.name} gives no motion: {error}."}


def begin(seat: Seat, data: bytes, name: str) -> None:
    """Begin to find the motion in a video, for the seat's page."""
    job = MotionJob(data, name[:100], seat.session.model.size, partial(tell, seat))
    seat.offline.run(JOB, job.steps())
