"""Where a stroke is so many frames after it took effect: the one formula, which the page has too (ui/web/course.js)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from studio.controls.facing import Facing, Point, facings

if TYPE_CHECKING:
    from studio.controls.stroke import Stroke

NEUTRAL = 0.5  # how hard a pen is pressed that changes nothing: what a browser says of a mouse


@dataclass(frozen=True)
class Place:
    """x, y: 0..1 of the picture; sign: +1 looks to the right, -1 to the left, 0 not known; pressure: 0..1."""

    x: float
    y: float
    sign: int = 0
    pressure: float = NEUTRAL


@dataclass(frozen=True)
class Course:
    """A path in time: its points, there and back if it goes so; how hard the pen was pressed, as points (t, p, 0).

    length: frames of one lap.
    """

    points: tuple[Point, ...]
    pressure: tuple[Point, ...]
    facings: tuple[Facing, ...]

    @property
    def length(self) -> float:
        return self.points[-1][0]


def where(stroke: Stroke, elapsed: float) -> Place:
    """Give the place of a stroke, so many frames after it took effect."""
    return MODES[stroke.mode](stroke, max(0.0, float(elapsed)))


def dragged(stroke: Stroke, elapsed: float) -> Place:
    """Say where the hand is, the last point, and by how much the subject still is ahead of it."""
    _, x, y = stroke.points[-1]
    if stroke.lead and (share := left_of(stroke.lead, elapsed)):
        _, dx, dy = stroke.lead
        x, y = (min(1.0, max(0.0, value)) for value in (x + share * dx, y + share * dy))
    return Place(x, y, facings(stroke.points)[-1].sign, stroke.pressure[-1] if stroke.pressure else NEUTRAL)


def left_of(lead: tuple[float, ...], elapsed: float) -> float:
    """Give the share of a lead (frames, dx, dy) that is left: it goes evenly over its frames."""
    return max(0.0, 1 - elapsed / lead[0])


def pinned(stroke: Stroke, elapsed: float) -> Place:
    """Give the first point, for ever."""
    return Place(*stroke.points[0][1:], pressure=stroke.pressure[0] if stroke.pressure else NEUTRAL)


def along(stroke: Stroke, elapsed: float) -> Place:
    """Go along the points in time, from one to the next on a straight line.

    Before the first turn it looks where it is about to go; in a second lap as it looked at the end of the first.
    """
    course = course_of(stroke)
    elapsed, lap = lap_time(stroke, course, elapsed)
    now, known = interpolate(course.points, elapsed), course.facings
    reached = bisect_right(course.points, elapsed, key=lambda point: point[0])
    sign = (known[reached - 1].after(now) if reached else known[0]).sign
    first = next((facing.sign for facing in known if facing.sign), 0)
    pressure = interpolate(course.pressure, elapsed)[1] if course.pressure else NEUTRAL
    return Place(now[1], now[2], sign or (known[-1].sign if lap else first), pressure)


def lap_time(stroke: Stroke, course: Course, elapsed: float) -> tuple[float, bool]:
    """Give how far into its lap a path is, in frames, and whether that is not its first."""
    elapsed = time_on(stroke, elapsed)
    lap = stroke.loop and course.length > 0 and elapsed >= course.length
    return (elapsed % course.length, True) if lap else (elapsed, False)


def time_on(stroke: Stroke, elapsed: float) -> float:
    """Count the frames of its own time that a path has gone, which waits for its delay first."""
    return max(0.0, elapsed + (stroke.begun or 0.0) - stroke.delay)


def course_of(stroke: Stroke) -> Course:
    """Give the course of a path."""
    return make_course(stroke.points, stroke.pressure, stroke.loop and stroke.ping_pong)


@lru_cache(maxsize=64)  # 1 to 4 MB of a path of 2,048 points; a path asks for it every frame
def make_course(points: tuple[Point, ...], pressure: tuple[float, ...], back: bool) -> Course:
    """Make a course; `back`: the way back follows the way there, in as much time."""
    pressed = tuple((t, p, 0.0) for (t, _, _), p in zip(points, pressure))
    if back:
        points, pressed = there_and_back(points), there_and_back(pressed)
    return Course(points, pressed, tuple(facings(points)))


def there_and_back(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Give points in time and the same again in the other order: it ends where it began."""
    end = points[-1][0] * 2 if points else 0.0
    return (*points, *((end - t, x, y) for t, x, y in points[-2::-1]))


def interpolate(points: tuple[Point, ...], t: float) -> Point:
    """Give the point at time t on the polyline; its first before it, its last after it."""
    after = bisect_right(points, t, key=lambda point: point[0])
    if after == 0 or after == len(points):
        return points[max(0, after - 1)]
    (t0, x0, y0), (t1, x1, y1) = points[after - 1], points[after]
    share = (t - t0) / (t1 - t0)
    return t, x0 + share * (x1 - x0), y0 + share * (y1 - y0)


MODES = {"drag": dragged, "pin": pinned, "path": along}
