"""What every control shares: the base class, and the checks at the boundary."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar, Self

from studio.controls.errors import ControlError
from studio.controls.state import ControlState, Held
from studio.controls.widgets import Widget

EVERY_NAME = "*"  # of a control that clears: all the slots of the kind


@dataclass(frozen=True)
class Control:
    """Something a person set: a frozen value, valid by construction. All that a kind of control is stands in its class.

    The page folds controls as the server does, from what these say of a kind (`studio.controls.describe`).

    kind: its name in messages and scores; plural: what many of it are called, its kind where empty.
    slot_field: the field that names its slot, for a kind with a slot for each name; empty for a kind with one slot.
    clears: the kind whose slot, of the same name, it empties ("*": all of them).
    belongs_to: the kind with whose slot, of the same name, its own is emptied.
    settled: the fields for which it may take another value than it was given, which the page is told then.
    absent: the values with which it leaves its slot empty; a kind with one slot is absent as its `initial`.
    timed: whether the frame it took effect at matters later. undoable: whether it is a step that undo takes back.
    momentary: the fields that matter only as it takes effect, which undo does not send again.
    widgets: how it is shown in the panel.
    """

    kind: ClassVar[str]
    plural: ClassVar[str] = ""
    slot_field: ClassVar[str] = ""
    clears: ClassVar[str] = ""
    belongs_to: ClassVar[str] = ""
    settled: ClassVar[tuple[str, ...]] = ()
    absent: ClassVar[Mapping[str, object]] = MappingProxyType({})
    timed: ClassVar[bool] = False
    undoable: ClassVar[bool] = True
    momentary: ClassVar[tuple[str, ...]] = ()
    widgets: ClassVar[tuple[Widget, ...]] = ()

    @property
    def slot(self) -> Hashable:
        """The place a control takes: a later control of the same slot replaces an earlier one."""
        return (self.clears or self.kind, getattr(self, self.slot_field)) if self.slot_field else self.kind

    @classmethod
    def initial(cls) -> Self | None:
        """Give the control in force before anybody sent one; None for a kind with a slot for each name."""
        return None if cls.slot_field else cls()

    @property
    def is_absent(self) -> bool:
        """Whether it leaves its slot empty."""
        if not self.slot_field:
            return self == self.initial()
        return bool(self.absent) and all(getattr(self, name) == value for name, value in self.absent.items())

    def fold(self, state: ControlState, frame: int) -> ControlState:
        """Give the controls in force once this one has taken effect at a frame."""
        if self.clears:
            return state.drop(*self.emptied(state))
        if self.is_absent:
            return state.drop(self.slot)
        return state.put(self.slot, Held(self, frame if self.timed else 0))

    def emptied(self, state: ControlState) -> list[Hashable]:
        """Give the slots that a control that clears empties: of its name, or all, and what belongs to them."""
        name = getattr(self, self.slot_field)
        return [
            slot
            for slot, held in state.slots.items()
            if isinstance(slot, tuple)
            and self.clears in (slot[0], held.control.belongs_to)
            and name in (slot[1], EVERY_NAME)
        ]

    def anew(self) -> Self:
        """Give the control as it is when all that is timed begins anew."""
        return self

    @classmethod
    def opening(cls, state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
        """Yield the (frame, control) pairs of this kind that a take begins with.

        One that is timed keeps the frame it took effect at, so that a path goes on where it is.
        """
        held = state.all(cls).values() if cls.slot_field else (state.held(cls),)
        for one in held:
            if not one.control.is_absent:
                yield one.frame if cls.timed else frame, one.control

    def to_message(self) -> dict[str, Any]:
        """Give the control as a JSON-able dict with its "kind", which `from_message` reads again."""
        return {"kind": self.kind} | {field.name: getattr(self, field.name) for field in fields(self)}

    def to_summary(self) -> dict[str, Any]:
        """Give what a page is told of the control while it is in force: the message, without what would be too much."""
        return self.to_message()

    @classmethod
    def from_message(cls, values: Mapping[str, Any]) -> Self:
        """Make the control of a message's fields, "kind" left out; raises ControlError with what to do."""
        known = {field.name: field for field in fields(cls)}
        if unknown := [name for name in values if name not in known]:
            raise ControlError(f"{cls.kind} has no field {shown(unknown[0])}; its fields: {', '.join(known)}")
        missing = [name for name, field in known.items() if field.default is MISSING and name not in values]
        if missing:
            raise ControlError(f"{cls.kind} lacks {missing[0]!r}; add it (fields: {', '.join(known)})")
        return cls(**values)


def shown(value: object, limit: int = 60) -> str:
    """The value as an error message shows it: never longer than `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def from_base64(name: str, value: object, remedy: str) -> object:
    """Bytes of a text in base64; anything else as it is. ControlError, with the remedy, for a text that is none."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ControlError(f"{name} is not base64 ({error}); {remedy}") from None


def check_text(name: str, value: object, low: int, high: int) -> str:
    """The text stripped, if it is one of low..high characters."""
    if not isinstance(value, str):
        raise ControlError(f"{name} must be text, got {shown(value)}; send a string of {low} to {high} characters")
    value = value.strip()
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ControlError(f"{name} holds half a character ({shown(value)}), which no file can keep; type it again")
    if len(value) < low:
        raise ControlError(f"{name} is empty; type {low} to {high} characters")
    if len(value) > high:
        raise ControlError(f"{name} has {len(value)} characters, {low} to {high} are possible; shorten it")
    return value


def own_number(value: object) -> object:
    """Give a number of another library, as NumPy's int64 and float32, as Python's own; anything else as it is."""
    if isinstance(value, int | float):
        return value
    return int(value) if isinstance(value, Integral) else float(value) if isinstance(value, Real) else value


def check_number(name: str, value: object, low: float, high: float) -> float:
    """The value as a float, if it is a finite number in low..high."""
    value = own_number(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        raise ControlError(f"{name} must be a finite number, got {shown(value)}; send one from {low:g} to {high:g}")
    if not low <= value <= high:
        raise ControlError(f"{name} is {shown(value)}; send a number from {low:g} to {high:g}")
    return float(value)


def check_integer(name: str, value: object, low: int, high: int) -> int:
    """The value as an int, if it is a whole number in low..high (2.0 counts, True does not)."""
    value = own_number(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (isinstance(value, float) and not value.is_integer())
    ):
        raise ControlError(f"{name} must be a whole number, got {shown(value)}; send one from {low} to {high}")
    if not low <= value <= high:
        raise ControlError(f"{name} is {shown(int(value))}; send a whole number from {low} to {high}")
    return int(value)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """The value, if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ControlError(f"{name} is {shown(value)}; choose one of: {', '.join(choices)}")
    return value


def check_flag(name: str, value: object) -> bool:
    """The value, if it is true or false."""
    if not isinstance(value, bool):
        raise ControlError(f"{name} must be true or false, got {shown(value)}; send true or false")
    return value


def settle(control: Control, **values: object) -> None:
    """Put checked values into a frozen control; only for `__post_init__`."""
    for name, value in values.items():
        object.__setattr__(control, name, value)
