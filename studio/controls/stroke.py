"""A labelled stroke on the picture: where a subject is, or the path it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

from studio.controls.base import (
    EVERY_NAME,
    Control,
    check_choice,
    check_flag,
    check_number,
    check_text,
    settle,
    shown,
)
from studio.controls.errors import ControlError
from studio.controls.facing import Point, trail
from studio.controls.state import ControlState, Held

MODES = ("drag", "pin", "path")
MOST_POINTS = 2048
LONGEST_PATH = 1e6  # frames: eleven hours at 24 frames a second
SIZES = (0.1, 0.8)


@dataclass(frozen=True)
class Stroke(Control):
    """A subject, by its label, and its place in time.

    points: (t, x, y): t frames after the frame the stroke takes effect at (>= 0, not falling); x, y in 0..1 of the
    picture, the centre of the subject; 1..2048 of them. size: 0.1..0.8 of the picture's width.
    mode: "drag" is at its last point until the next message, "pin" at its first for ever, "path" goes along its
    points, and starts over at the end if `loop`, or else stays there.
    """

    id: str
    label: str
    points: tuple[Point, ...]
    mode: str = "drag"
    size: float = 0.34
    loop: bool = True
    kind: ClassVar[str] = "stroke"
    plural: ClassVar[str] = "strokes"
    slot_field: ClassVar[str] = "id"
    timed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(
            self,
            id=check_stroke_id(self.id),
            label=check_text("stroke label", self.label, 1, 80),
            points=check_points(self.points),
            mode=check_choice("stroke mode", self.mode, MODES),
            size=check_number("stroke size", self.size, *SIZES),
            loop=check_flag("stroke loop", self.loop),
        )

    def fold(self, state: ControlState, frame: int) -> ControlState:
        return state.put(self.slot, Held(self._continued(state), frame))

    def _continued(self, state: ControlState) -> Stroke:
        """A dragged stroke keeps, in its own points, the little of its history that tells which way it looks.

        So it does not matter to a replay or to a take's first frame how many messages brought it there.
        """
        if self.mode != "drag":
            return self
        held = state.slots.get(self.slot)
        before = held.control if held else self
        history = before.points if before.mode == "drag" and before.label == self.label else ()
        return replace(self, points=trail((*history, *self.points)))


@dataclass(frozen=True)
class Erase(Control):
    """Takes a stroke away by its id; "*" takes all away."""

    id: str
    kind: ClassVar[str] = "erase"
    slot_field: ClassVar[str] = "id"
    clears: ClassVar[str] = "stroke"

    def __post_init__(self) -> None:
        settle(self, id=check_text("stroke id", self.id, 1, 64))


def strokes(state: ControlState) -> dict[str, tuple[Stroke, int]]:
    """Give the strokes in force by id, each with the frame it took effect at; the first painted first, as drawn."""
    return {id: (held.control, held.frame) for id, held in state.all(Stroke).items()}


def check_stroke_id(value: object) -> str:
    """The id of a stroke: 1..64 characters, and not "*", which means all of them."""
    value = check_text("stroke id", value, 1, 64)
    if value == EVERY_NAME:
        raise ControlError('stroke id is "*", which means every stroke; give this stroke a name of its own')
    return value


def check_points(points: object) -> tuple[Point, ...]:
    """The points as a tuple of float triples, if every one is valid."""
    if not isinstance(points, tuple | list) or not points:
        raise ControlError(f"stroke points are {shown(points)}; send 1 to {MOST_POINTS} triples (t, x, y)")
    if len(points) > MOST_POINTS:
        raise ControlError(
            f"stroke has {len(points)} points, 1 to {MOST_POINTS} are possible; leave out some that lie close together"
        )
    checked = tuple(check_point(number, point) for number, point in enumerate(points))
    for number, (before, after) in enumerate(pairwise(checked), 1):
        if after[0] < before[0]:
            raise ControlError(
                f"stroke point {number} is at t={after[0]:g}, before the one ahead of it at t={before[0]:g}; "
                "send the points in order of time"
            )
    return checked


def check_point(number: int, point: object) -> Point:
    """One (t, x, y) as floats."""
    if not isinstance(point, tuple | list) or len(point) != 3:
        raise ControlError(f"stroke point {number} is {shown(point)}; a point is three numbers: t in frames, x, y")
    return (
        check_number(f"stroke point {number}: t", point[0], 0.0, LONGEST_PATH),
        check_number(f"stroke point {number}: x", point[1], 0.0, 1.0),
        check_number(f"stroke point {number}: y", point[2], 0.0, 1.0),
    )
