"""Finds the motion of a video, a picture at a step."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from studio.motion.film import FilmError, open_film
from studio.motion.paths import MovingThing, moving_things
from studio.motion.tracks import Tracker

SIDE = 256  # pixels of the longer side that motion is looked for at
LEAST = 8  # pictures
DARK = 12  # of 255: a picture is black if nothing in it is brighter
FAR = 0.1  # of the picture's width: the camera moves if it goes so far


@dataclass(frozen=True)
class Motion:
    """What moves in a video. seconds: how much of it was read; remarks: what is to be known of it, in words."""

    things: tuple[MovingThing, ...]
    seconds: float
    remarks: tuple[str, ...]


class MotionFinder:
    """Reads a video's bytes and follows what moves in it. total: pictures, about; 0 where that is not known."""

    def __init__(self, data: bytes, shape: tuple[int, int]) -> None:
        """shape: (H, W) of what is played, to whose shape the video is cropped. Raises FilmError."""
        self._tracker = Tracker()
        self.film, self._pictures = open_film(data, SIDE, shape)
        self.total = self.film.total
        self.frames = 0

    def steps(self) -> Generator[None, None, Motion]:
        """Take in a picture at each step; gives the motion. Raises FilmError, with why, where there is none."""
        size, is_black = (0, 0), True
        for picture in self._pictures:
            size = picture.shape[:2]
            is_black = is_black and bool(picture.max() <= DARK)
            self._tracker.add(picture)
            self.frames += 1
            yield
        self.check(is_black)
        tracker, rate = self._tracker, self.film.rate
        things = moving_things(tracker.seen, tracker.ground(), size, rate)
        remarks = [*self.film.remarks, *said(tracker, size)]
        if not things:
            raise FilmError("; ".join(["nothing in it moves by itself that could be followed", *remarks]))
        return Motion(things, tracker.frames / rate, tuple(remarks))

    def check(self, is_black: bool) -> None:
        """Raise FilmError for what no motion can be in."""
        if not self.frames:
            raise FilmError("it has no pictures; give a video")
        if is_black:
            raise FilmError("all its pictures are black")
        if self.frames < LEAST:
            more = "; ".join(["", *self.film.remarks])
            raise FilmError(f"it has {self.frames} pictures, {LEAST} are needed to see motion{more}")


def said(tracker: Tracker, size: tuple[int, ...]) -> Iterator[str]:
    """Yield what is to be known of how a video was followed."""
    if tracker.cuts:
        yield f"it has {len(tracker.cuts)} cut{'s' if len(tracker.cuts) > 1 else ''}, where each thing's path ends"
    if np.ptp(tracker.ground(), axis=0).max() > FAR * size[1]:
        yield "its camera moves, which is in no path"


def find_motion(data: bytes, shape: tuple[int, int]) -> Motion:
    """Find what moves in a video's bytes, for pictures of a shape (H, W). Raises FilmError."""
    steps = MotionFinder(data, shape).steps()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
