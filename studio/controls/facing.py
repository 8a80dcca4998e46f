"""Which way a subject looks: the direction of its horizontal travel, with hysteresis.

A turn needs `TURN` of the picture's width, measured from the furthest place reached, so a trembling hand turns nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

TURN = 0.02
Point = tuple[float, float, float]  # t in frames, x, y in 0..1


@dataclass(frozen=True)
class Facing:
    """The fold over places: `sign` is +1 (right), -1 (left) or 0 (not yet known).

    `furthest` is the place furthest along in that direction, `turned_at` the place the last turn was made from.
    """

    sign: int
    furthest: Point
    turned_at: Point

    def after(self, point: Point) -> Facing:
        """The facing after moving on to a point."""
        travel = point[1] - self.furthest[1]
        if self.sign * travel > 0:
            return Facing(self.sign, point, self.turned_at)
        if abs(travel) > TURN:
            return Facing(1 if travel > 0 else -1, point, self.furthest)
        return self


def facings(points: Iterable[Point]) -> list[Facing]:
    """The facing at every point, in order."""
    folded: list[Facing] = []
    for point in points:
        folded.append(folded[-1].after(point) if folded else Facing(0, point, point))
    return folded


def trail(points: Iterable[Point]) -> tuple[Point, ...]:
    """The at most three points that say of a dragged subject all that many do: where it is and which way it looks."""
    points = list(points)
    last = facings(points)[-1]
    kept = (last.turned_at[1:], last.furthest[1:], points[-1][1:])
    return tuple((0.0, *place) for place, _ in groupby(kept))
