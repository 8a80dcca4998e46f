"""Whether a subject moves or has come to rest, by where it was in the last half second; with hysteresis.

A subject that rests moves again once it has gone `START` within `STILL` frames; one that moves rests once it has not
gone `KEEP`. What lies between changes nothing, so a trembling hand does not make it flicker.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.controls.course import course_of, interpolate, lap_time, where

if TYPE_CHECKING:
    from studio.controls.state import Held
    from studio.controls.stroke import Stroke

STILL = 12  # frames: half a second
START, KEEP = 0.02, 0.008  # of the picture's width
BACK = 96  # frames that are looked back over for the last plain answer; nothing plain in them is rest
Position = tuple[float, float]


def is_moving(at: Callable[[float], Position], time: float) -> bool:
    """Whether what is at `at(t)`, t in frames, moves at a time: a pure function of where it was before."""
    for back in range(BACK):
        gone = travelled(at, time - back)
        if gone >= START:
            return True
        if gone <= KEEP:
            return False
    return False


def travelled(at: Callable[[float], Position], time: float) -> float:
    """Give how far away it was within the last half second, at most."""
    x, y = at(time)
    return max(math.hypot(x - then[0], y - then[1]) for then in (at(time - STILL / 2), at(time - STILL)))


def moves(stroke: Stroke, elapsed: float) -> bool:
    """Whether a stroke's subject moves, so many frames after the stroke took effect."""
    if stroke.mode == "drag":
        return bool(stroke.stood) and stroke.stood[0] + elapsed < STILL
    return stroke.mode == "path" and is_moving(way_of(stroke), elapsed)


def way_of(stroke: Stroke) -> Callable[[float], Position]:
    """Give where a path's subject is so many frames after it took effect, as `course.along` does without the rest.

    Before that, too: of a path that was set again, `begun` frames are over.
    """
    course = course_of(stroke)
    return lambda elapsed: interpolate(course.points, lap_time(stroke, course, elapsed)[0])[1:]


def stood_of(stroke: Stroke, held: Held[Stroke] | None, frame: int) -> tuple[float, ...]:
    """Give since how many frames a dragged subject has not moved as a drag takes effect, and from where: (n, x, y).

    () for one that has only just been put there, which rests. held: what was in the stroke's place until then.
    """
    if held is None:
        return stroke.stood
    before, elapsed, (_, x, y) = held.control, frame - held.frame, stroke.points[-1]
    if before.label != stroke.label:
        return ()
    if before.mode != "drag":
        return (0.0, x, y) if moves(before, elapsed) else ()
    last = where(before, elapsed)
    age, left_x, left_y = before.stood or (STILL, last.x, last.y)
    age = min(age + elapsed, STILL)
    if math.hypot(x - left_x, y - left_y) > (KEEP if age < STILL else START):
        return 0.0, x, y
    return age, left_x, left_y
