"""Edits as a page asks for them, and a take as it shows it: events that belong together, on lanes.

An edit is a JSON object, `{"edit": "move", "events": [3, 4], "by": 12}`: the name of a function of `edit` and its
arguments. A list of them makes a take of the one it was recorded as; undo takes the last one off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from studio.controls import CONTROLS, Control, ControlError, Prompt, Stroke, from_message
from studio.controls.base import shown
from studio.score import edit
from studio.score.edit import MOST_EVENTS, EditError
from studio.score.events import Event
from studio.score.format import MAX_FRAME, Score

MOST_EDITS = 1000
LARGE = ("kind", "points", "pressure", "data")  # what a page is not told of a control: it is large, or known
TOGETHER = 12  # frames: events of a slot no further apart are one gesture, as those of a drag
Read = Callable[[str, Any], Any]


def whole(name: str, value: Any) -> int:
    """Read a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_FRAME:
        raise EditError(f"{name} is {shown(value)}; send a whole number")
    return value


def places(name: str, value: Any) -> list[int]:
    """Read the places of events."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_EVENTS:
        raise EditError(f"{name} is {shown(value)}; send a list of the events' places, as [3]")
    return [whole(name, one) for one in value]


def fields_of(name: str, value: Any) -> dict[str, Any]:
    """Read values by the names of fields."""
    if not isinstance(value, dict):
        raise EditError(f'{name} is {shown(value)}; send an object, as {{"text": "a lake"}}')
    return value


def control_of(name: str, value: Any) -> Control:
    """Read a control."""
    try:
        return from_message(value)
    except ControlError as error:
        raise EditError(str(error)) from error


# By its name: the function, and how each of its arguments is read.
EDITS: dict[str, tuple[Callable[..., Score], Mapping[str, Read]]] = {
    "move": (edit.move, {"events": places, "by": whole}),
    "delete": (edit.delete, {"events": places}),
    "insert": (edit.insert, {"frame": whole, "control": control_of}),
    "change": (edit.change, {"events": places, "values": fields_of}),
    "retime": (edit.retime, {"first": whole, "last": whole, "frames": whole}),
    "loop": (edit.loop, {"first": whole, "last": whole, "times": whole}),
    "trim": (edit.trim, {"first": whole, "last": whole}),
}


def apply_edits(score: Score, edits: object, take: Callable[[str], Score] | None = None) -> Score:
    """Give the score after a list of edits, one after another; raises EditError that says which cannot be.

    take: gives the take of a name, for an edit that joins one: `{"edit": "join", "take": "a name"}`.
    """
    if not isinstance(edits, list) or len(edits) > MOST_EDITS:
        raise EditError(f"edits are {shown(edits)}; send a list of at most {MOST_EDITS}")
    for one in edits:
        score = apply_edit(score, one, take)
    return score


def apply_edit(score: Score, values: object, take: Callable[[str], Score] | None = None) -> Score:
    """Give the score after one edit."""
    name = values.get("edit") if isinstance(values, dict) else values
    if name == "join" and take is not None and isinstance(values, dict):
        return edit.join(score, take(str(values.get("take"))))
    if not isinstance(values, dict) or not isinstance(name, str) or name not in EDITS:
        raise EditError(f"edit is {shown(name)}; possible: {', '.join(EDITS)}, join")
    function, readers = EDITS[name]
    if wrong := set(readers) ^ (set(values) - {"edit"}):
        raise EditError(f"{name} has {sorted(readers)}, and {shown(sorted(wrong))} is missing, or not of it")
    return function(score, **{key: read(key, values[key]) for key, read in readers.items()})


@dataclass
class Gesture:
    """Events of one slot that belong together: one, or those of a drag.

    events: their places in the score; first, last: frames; opening: whether it is in force as the take begins.
    """

    kind: str
    slot: str
    events: list[int]
    first: int
    last: int
    words: str
    values: dict[str, Any]
    opening: bool = False


def gestures(score: Score) -> list[Gesture]:
    """Give the take's events as they are shown, in the order of their beginning; `values` are the first event's."""
    start, open_ones = score.header.start, dict[tuple[str, str], Gesture]()
    found: list[Gesture] = []
    for place, event in enumerate(score.events):
        key, is_opening = lane_of(event.control), event.frame <= start
        one = open_ones.get(key)
        if one and not is_opening and not one.opening and belongs(event, one, score):
            one.events.append(place)
            one.last = event.frame
            continue
        frame = max(event.frame, start)
        made = Gesture(*key, [place], frame, frame, words_of(event.control), shown_values(event.control), is_opening)
        open_ones[key] = made
        found.append(made)
    return found


def belongs(event: Event, gesture: Gesture, score: Score) -> bool:
    """Whether an event goes on with a gesture: soon after it, of a slider or a hand, and no other words."""
    before = score.events[gesture.events[-1]].control
    if event.frame - gesture.last > TOGETHER or isinstance(event.control, Prompt):
        return False
    return getattr(before, "label", None) == getattr(event.control, "label", None)


def lane_of(control: Control) -> tuple[str, str]:
    """Give the kind of a control, and the name of its slot if it has one."""
    return control.kind, str(getattr(control, control.slot_field)) if control.slot_field else ""


def words_of(control: Control) -> str:
    """Say in a few words what a control sets."""
    match control:
        case Prompt():
            return control.title
        case Stroke():
            return f"{control.label}, {control.mode}"
    return CONTROLS[control.kind].plural or control.kind


def shown_values(control: Control) -> dict[str, Any]:
    """Give the values that a page may show and change: all but what is large."""
    return {name: value for name, value in control.to_summary().items() if name not in LARGE}
