"""What an OSC message means: `/studio/CONTROL/FIELD value`, as a control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from studio.controls import CONTROLS, Control, ControlError, ControlState, Erase, Stroke, from_message
from studio.controls.base import shown

ROOT = "studio"
WAYS = (
    "/studio/CONTROL/FIELD value, /studio/CONTROL/NAME/FIELD value for one with names, "
    "/studio/stroke/ID x y [label [size]], /studio/erase/ID, /studio/preset NAME"
)


def control_of(address: str, values: Sequence[object], state: ControlState) -> Control:
    """Give the control that a message sets, on top of those in force; raises ControlError with what to send."""
    root, *parts = address.strip("/").split("/")
    if root != ROOT or not parts:
        raise ControlError(f"address is {shown(address)}; possible: {WAYS}")
    kind, rest = parts[0], parts[1:]
    if kind not in CONTROLS:
        raise ControlError(f"control is {shown(kind)}; possible: {', '.join(CONTROLS)}")
    if any(isinstance(value, bytes) for value in values):
        raise ControlError(f"{kind} got bytes; pictures do not come by OSC, send them over the page or its API")
    way: Callable[..., Control] = SHORT.get((kind, len(rest)), by_field)
    return way(CONTROLS[kind], rest, values, state)


def stroke_at(kind: type[Control], rest: Sequence[str], values: Sequence[Any], state: ControlState) -> Control:
    """Put a subject somewhere: the one of this id, which keeps its label and size, or a new one with its label."""
    before = in_force(Stroke, rest[0], state)
    label = values[2] if len(values) > 2 else before and before.label
    if not 2 <= len(values) <= 4 or not label:
        raise ControlError(
            f"stroke {shown(rest[0])} got {shown(list(values))}; send x y label, later x y; and a size if you like"
        )
    size = values[3] if len(values) > 3 else before.size if before else Stroke.size
    return Stroke(rest[0], label, ((0.0, values[0], values[1]),), size=size)


def erase(kind: type[Control], rest: Sequence[str], values: Sequence[Any], state: ControlState) -> Control:
    return Erase(rest[0])


def by_field(kind: type[Control], rest: Sequence[str], values: Sequence[Any], state: ControlState) -> Control:
    """Set one field: of what is in force, or, where nothing has this name yet, of a new control."""
    named = bool(kind.slot_field)
    if len(rest) != 1 + named:
        address = f"/{ROOT}/{kind.kind}/{f'{kind.slot_field.upper()}/' if named else ''}FIELD"
        raise ControlError(f"{kind.kind} is set by {address} value")
    if not values:
        raise ControlError(f"{kind.kind} {rest[-1]} got no value; send one")
    field, value = rest[-1], values[0] if len(values) == 1 else list(values)
    before = in_force(kind, rest[0], state) if named else state[kind]
    if before is None:
        return from_message({"kind": kind.kind, kind.slot_field: rest[0], field: value})
    message = before.to_message()
    if isinstance(message.get(field), bool) and value in (0, 1):
        value = bool(value)  # a button of a controller says 0 or 1
    afresh = dict.fromkeys(kind.momentary, ()) | ({"begun": None} if kind is Stroke else {})
    return from_message(message | afresh | {field: value})


def in_force(kind: type[Any], name: str, state: ControlState) -> Any:
    """The control of a name, None where there is none."""
    held = state.all(kind).get(name)
    return held and held.control


SHORT: dict[tuple[str, int], Callable[..., Control]] = {("stroke", 1): stroke_at, ("erase", 1): erase}


def joined(address: str, before: Sequence[object], values: Sequence[object]) -> Sequence[object]:
    """Give the values that a newer message leaves of one that waits: a place alone keeps the label that came before."""
    _, *parts = address.strip("/").split("/")
    is_place = (parts[0] if parts else "", len(parts) - 1) == ("stroke", 1)
    return [*values, *before[len(values) :]] if is_place else values


class Waiting:
    """What has come and is not played yet: the newest values of each address.

    lost: how many values a newer one took the place of, since it was last asked.
    """

    MOST = 256  # addresses

    def __init__(self) -> None:
        self._newest: dict[str, tuple[Sequence[object], Any]] = {}
        self.lost = 0

    def __bool__(self) -> bool:
        return bool(self._newest)

    def put(self, address: str, values: Sequence[object], sender: Any) -> bool:
        """Add a message; False where there is no more room."""
        if address not in self._newest and len(self._newest) >= self.MOST:
            return False
        before = self._newest.pop(address, None)  # the newest goes last
        if before is not None:
            self.lost += 1
            values = joined(address, before[0], values)
        self._newest[address] = (values, sender)
        return True

    def take(self) -> list[tuple[str, Sequence[object], Any]]:
        """Give all, (address, values, sender), in the order their newest came; nothing waits then."""
        newest, self._newest = self._newest, {}
        return [(address, *rest) for address, rest in newest.items()]


def folded(
    messages: Sequence[tuple[str, Sequence[object], Any]],
    state: ControlState,
    frame: int,
    refuse: Callable[[str, Any, str], None],
) -> list[Control]:
    """Give the controls that messages set, one of each slot.

    refuse: is told (address, sender, why) of a message that sets none.
    """
    made: dict[Any, Control] = {}
    for address, values, sender in messages:
        try:
            control = control_of(address, values, state)
        except ControlError as error:
            refuse(address, sender, str(error))
            continue
        made.pop(control.slot, None)
        made[control.slot] = control
        state = state.after(control, frame)
    return list(made.values())
