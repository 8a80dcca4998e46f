"""What a stroke takes over from the one in whose place it comes: its way of looking, its progress, what a hand missed.

All of it is put into the stroke's own fields, so a take begun at any frame replays exactly.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.controls.course import course_of, left_of, time_on, where
from studio.controls.facing import TURN, Point, trail
from studio.controls.stance import stood_of

if TYPE_CHECKING:
    from studio.controls.state import Held
    from studio.controls.stroke import Stroke

MOST_LATE = 72  # frames, 3 s at 24 a second: what was seen longer ago is no grab, but an old message sent again
SHORTEST = 6  # frames a lead is given back over at least
FASTEST = 0.02  # of the picture in a frame: no lead is given back faster
NOTHING = 1e-6  # of the picture


def settled(stroke: Stroke, held: Held[Stroke] | None, frame: int) -> Stroke:
    """Give a stroke as it is in force from a frame on; held: what is in its place until then."""
    if stroke.mode == "drag":
        points = trail((*history(stroke, held, frame), *stroke.points))
        pressure = stroke.pressure[-1:] * len(points)
        lead, stood = lead_of(stroke, held, frame), stood_of(stroke, held, frame)
        return replace(stroke, points=points, pressure=pressure, begun=0.0, lead=lead, stood=stood)
    return stroke if stroke.begun is not None else replace(stroke, begun=progress(stroke, held, frame))


def history(stroke: Stroke, held: Held[Stroke] | None, frame: int) -> tuple[Point, ...]:
    """Give the points before a drag's own that tell which way it looks.

    They are those of the drag before it; where a hand took hold of a path, a short way in the direction it looked.
    """
    if held is None or held.control.mode == "drag":
        before = held.control if held else stroke
        return before.points if before.mode == "drag" and before.label == stroke.label else ()
    if not stroke.grab or not (sign := where(held.control, frame - held.frame).sign):
        return ()
    _, x, y = stroke.points[0]
    travel = sign * TURN * 1.01
    behind = min(1.0, max(0.0, x - travel))
    return (0.0, behind, y), (0.0, behind + travel, y)


def lead_of(stroke: Stroke, held: Held[Stroke] | None, frame: int) -> tuple[float, ...]:
    """Give how far a dragged subject is ahead of the hand, (frames it takes to give that back, dx, dy); () for not.

    A hand takes hold of what it sees, and the subject has gone on since: in the first frame it is where it was in the
    last, moved as the hand has moved, and is under the hand when as many frames have gone by as the picture was late.
    """
    if held is None:
        return stroke.lead
    before = held.control
    if not stroke.grab:
        return ()
    if before.mode == "drag" and before.grab == stroke.grab:
        return rest_of(before.lead, frame - held.frame)
    saw, x, y = stroke.grab
    at = where(before, frame - 1 - held.frame)  # in the last picture that was drawn before
    far = math.hypot(at.x - x, at.y - y)
    if far <= NOTHING or not 0 < frame - saw <= MOST_LATE:
        return ()
    return max(frame - saw, SHORTEST, far / FASTEST), at.x - x, at.y - y


def rest_of(lead: tuple[float, ...], elapsed: float) -> tuple[float, ...]:
    """Give what is left of a lead after so many frames."""
    if not lead or not (share := left_of(lead, elapsed)):
        return ()
    frames, dx, dy = lead
    return frames - elapsed, share * dx, share * dy


def progress(stroke: Stroke, held: Held[Stroke] | None, frame: int) -> float:
    """Give the `begun` with which a path is as far along as the one in its place: at the same share of a lap.

    While that one still waits for its delay, this one waits on for as long.
    """
    if held is None or held.control.mode != "path" or stroke.mode != "path":
        return 0.0
    before, elapsed = held.control, frame - held.frame
    gone, lap, mine = time_on(before, elapsed), course_of(before).length, course_of(stroke).length
    if not gone or not lap:
        return max(0.0, stroke.delay - max(0.0, before.delay - (before.begun or 0.0) - elapsed))
    share = gone / lap
    if before.loop and share >= 2:
        share = 1 + share % 1  # a second lap looks as every later one does
    return stroke.delay + min(share, 2.0) * mine
