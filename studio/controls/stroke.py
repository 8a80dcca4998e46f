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
from studio.controls.facing import Point
from studio.controls.stance import STILL
from studio.controls.state import ControlState, Held
from studio.controls.takeover import MOST_LATE, settled

MODES = ("drag", "pin", "path")
MOST_POINTS = 2048
LONGEST_PATH = 1e6  # frames: eleven hours at 24 frames a second
LONGEST_BEGUN = 5 * LONGEST_PATH  # a delay, and two laps there and back
SIZES = (0.1, 0.8)
MOST_STROKES = 64
UNNAMED = "thing"  # the label of what was taken hold of without one: no word that is heard
Ranges = tuple[tuple[str, float, float], ...]
GRAB: Ranges = (("frame", 0.0, 2.0**53), ("x", 0.0, 1.0), ("y", 0.0, 1.0))
LEAD: Ranges = (("frames", 1e-9, MOST_LATE), ("dx", -1.0, 1.0), ("dy", -1.0, 1.0))
STOOD: Ranges = (("frames", 0.0, STILL), ("x", 0.0, 1.0), ("y", 0.0, 1.0))


@dataclass(frozen=True)
class Stroke(Control):
    """A subject, by its label, and its place in time.

    points: (t, x, y): t frames after the frame the stroke takes effect at (>= 0, not falling); x, y in 0..1 of the
    picture, the centre of the subject; 1..2048 of them. size: 0.1..0.8 of the picture's width.
    mode: "drag" is at its last point until the next message, "pin" at its first for ever, "path" goes along its
    points, and starts over at the end if `loop`, or else stays there.

    Of a path. ping_pong: with `loop`, it goes back the way it came and does not jump. delay: frames it waits at its
    first point before it sets out. begun: frames of its time, the delay among them, that are over when it takes effect;
    None: as many as make it go on at the share of a lap where the path is whose place it takes.
    pressure: how hard a pen was pressed at each point, 0..1; the size is 0.5 + pressure times as large there, within
    0.1..0.8. Empty, and 0.5, is neutral.

    stiffness: how firmly a model that was not taught strokes is held to the thing that is pasted for it, 0..1: 0 while
    the picture begins to form, 1 to the end, so that the thing keeps its shape.

    Of a drag. grab: (frame, x, y), the frame a person saw when the hand took hold of the subject and where it was in
    it; the same in every message of one drag. lead: made of it as the stroke takes effect, see `takeover.lead_of`.
    stood: (frames, x, y), since when the subject has not moved and where, made likewise, see `stance.stood_of`.
    """

    id: str
    label: str
    points: tuple[Point, ...]
    mode: str = "drag"
    size: float = 0.34
    loop: bool = True
    ping_pong: bool = False
    delay: float = 0.0
    begun: float | None = 0.0
    pressure: tuple[float, ...] = ()
    grab: tuple[float, ...] = ()
    lead: tuple[float, ...] = ()
    stiffness: float = 0.5
    stood: tuple[float, ...] = ()
    kind: ClassVar[str] = "stroke"
    plural: ClassVar[str] = "strokes"
    slot_field: ClassVar[str] = "id"
    timed: ClassVar[bool] = True
    momentary: ClassVar[tuple[str, ...]] = ("grab", "lead", "stood")

    def __post_init__(self) -> None:
        settle(
            self,
            id=check_stroke_id(self.id),
            label=check_text("stroke label", self.label, 1, 80),
            points=check_points(self.points),
            mode=check_choice("stroke mode", self.mode, MODES),
            size=check_number("stroke size", self.size, *SIZES),
            loop=check_flag("stroke loop", self.loop),
            ping_pong=check_flag("stroke ping_pong", self.ping_pong),
            delay=check_number("stroke delay", self.delay, 0.0, LONGEST_PATH),
            begun=self.begun if self.begun is None else check_number("stroke begun", self.begun, 0.0, LONGEST_BEGUN),
            pressure=check_pressure(self.pressure, len(self.points)),
            grab=check_numbers("stroke grab", self.grab, GRAB),
            lead=check_numbers("stroke lead", self.lead, LEAD),
            stiffness=check_number("stroke stiffness", self.stiffness, 0.0, 1.0),
            stood=check_numbers("stroke stood", self.stood, STOOD),
        )

    def fold(self, state: ControlState, frame: int) -> ControlState:
        return state.put(self.slot, Held(settled(self, state.slots.get(self.slot), frame), frame))

    def anew(self) -> Stroke:
        return replace(self, begun=0.0, lead=(), stood=()) if self.begun or self.lead or self.stood else self


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


def check_room(state: ControlState, stroke: Stroke) -> None:
    """Raise ControlError where a stroke would be one more than there may be."""
    if stroke.slot not in state.slots and len(state.names(Stroke.kind)) >= MOST_STROKES:
        raise ControlError(
            f"there are {MOST_STROKES} subjects in the picture, as many as are possible; "
            f"remove one before you paint {stroke.label!r}"
        )


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


def check_pressure(values: object, points: int) -> tuple[float, ...]:
    """The pressure at each of so many points, or none, as a tuple of floats."""
    if not isinstance(values, tuple | list) or len(values) not in (0, points):
        raise ControlError(f"stroke pressure is {shown(values)}; send a number from 0 to 1 for each point, or none")
    return tuple(check_number("stroke pressure", value, 0.0, 1.0) for value in values)


def check_numbers(name: str, values: object, ranges: Ranges) -> tuple[float, ...]:
    """A tuple of numbers, each within its own range, or an empty one."""
    if not isinstance(values, tuple | list) or len(values) not in (0, len(ranges)):
        wanted = ", ".join(part for part, _, _ in ranges)
        raise ControlError(f"{name} is {shown(values)}; send [{wanted}], or [] for none")
    return tuple(check_number(f"{name}: {part}", value, *ends) for value, (part, *ends) in zip(values, ranges))
