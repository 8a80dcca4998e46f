"""Strokes to places: where each subject is in a frame, and which way it looks.

A pure function of the strokes in force and the frame number: no frame depends on how it was reached.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from studio.controls import Facing, Stroke, facings
from studio.controls.stroke import Point


@dataclass(frozen=True)
class Placement:
    """A subject in a frame. x, y: its centre in 0..1 of the picture; size in 0.1..0.8 of its width.

    facing: +1.0 when it last travelled to the right, -1.0 to the left or never: as pictures of animals are drawn.
    """

    id: str
    label: str
    x: float
    y: float
    size: float
    facing: float


def placements(strokes: Mapping[str, tuple[Stroke, int]], frame: int) -> list[Placement]:
    """Give the place of every stroke in a frame, in the order of drawing: a later one covers an earlier one."""
    return [place(stroke, frame - since) for stroke, since in strokes.values()]


def place(stroke: Stroke, elapsed: float) -> Placement:
    """Give the place of one stroke, so many frames after it took effect."""
    at, sign = MODES[stroke.mode](stroke, max(0.0, float(elapsed)))
    return Placement(stroke.id, stroke.label, at[1], at[2], stroke.size, 1.0 if sign > 0 else -1.0)


def dragged(stroke: Stroke, elapsed: float) -> tuple[Point, int]:
    """Say where the hand is: the last point."""
    return stroke.points[-1], facings(stroke.points)[-1].sign


def pinned(stroke: Stroke, elapsed: float) -> tuple[Point, int]:
    """Give the first point, for ever."""
    return stroke.points[0], 0


def along(stroke: Stroke, elapsed: float) -> tuple[Point, int]:
    """Go along the points in time, from one to the next on a straight line.

    Before the first turn it looks where it is about to go; in a second lap as it looked at the end of the first.
    """
    length = stroke.points[-1][0]
    lap = stroke.loop and length > 0 and elapsed >= length
    if lap:
        elapsed %= length
    now = interpolate(stroke.points, elapsed)
    known = path_facings(stroke.points)
    reached = bisect_right(stroke.points, elapsed, key=lambda point: point[0])
    sign = (known[reached - 1].after(now) if reached else known[0]).sign
    first = next((facing.sign for facing in known if facing.sign), 0)
    return now, sign or (known[-1].sign if lap else first)


def interpolate(points: tuple[Point, ...], t: float) -> Point:
    """Give the point at time t on the polyline; its first before it, its last after it."""
    after = bisect_right(points, t, key=lambda point: point[0])
    if after == 0 or after == len(points):
        return points[max(0, after - 1)]
    (t0, x0, y0), (t1, x1, y1) = points[after - 1], points[after]
    share = (t - t0) / (t1 - t0)
    return t, x0 + share * (x1 - x0), y0 + share * (y1 - y0)


@lru_cache(maxsize=64)  # about 1 MB of a path of 2,048 points
def path_facings(points: tuple[Point, ...]) -> tuple[Facing, ...]:
    """Give the facing at each point of a path; kept, since a path asks for it every frame."""
    return tuple(facings(points))


MODES = {"drag": dragged, "pin": pinned, "path": along}
