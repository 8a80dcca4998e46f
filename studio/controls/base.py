"""What every control shares: the base class, its error, and the checks at the boundary."""

from __future__ import annotations

import base64
import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from studio.controls.state import ControlState, Held


class ControlError(ValueError):
    """A control that cannot be: says what was got, what is possible, and what to do."""


@dataclass(frozen=True)
class Control:
    """Something a person set: a frozen value, valid by construction. All that a kind of control is stands in its class.

    kind: its name in messages and scores; timed: whether the frame it took effect at matters later.
    """

    kind: ClassVar[str]
    timed: ClassVar[bool] = False

    @property
    def slot(self) -> Hashable:
        """The place a control takes: a later control of the same slot replaces an earlier one."""
        return self.kind

    @classmethod
    def initial(cls) -> Self | None:
        """Give the control in force before anybody sent one; None for a kind with a slot for each name."""
        return cls()

    def fold(self, state: ControlState, frame: int) -> ControlState:
        """Give the controls in force once this one has taken effect at a frame."""
        return state.drop(self.slot) if self == self.initial() else state.put(self.slot, Held(self))

    @classmethod
    def opening(cls, state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
        """Yield the (frame, control) pairs of this kind that a take begins with."""
        if (control := state.held(cls).control) != cls.initial():
            yield frame, control


def to_message(control: Control) -> dict[str, Any]:
    """The control as a JSON-able dict with its "kind"; bytes become base64 text."""
    values = {field.name: getattr(control, field.name) for field in fields(control)}
    return {"kind": control.kind} | {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in values.items()
    }


def shown(value: Any, limit: int = 60) -> str:
    """The value as an error message shows it: never longer than `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def check_text(name: str, value: Any, low: int, high: int) -> str:
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


def check_number(name: str, value: Any, low: float, high: float) -> float:
    """The value as a float, if it is a finite number in low..high."""
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not number or (isinstance(value, float) and not math.isfinite(value)):
        raise ControlError(f"{name} must be a finite number, got {shown(value)}; send one from {low:g} to {high:g}")
    if not low <= value <= high:
        raise ControlError(f"{name} is {shown(value)}; send a number from {low:g} to {high:g}")
    return float(value)


def check_integer(name: str, value: Any, low: int, high: int) -> int:
    """The value as an int, if it is a whole number in low..high (2.0 counts, True does not)."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise ControlError(f"{name} must be a whole number, got {shown(value)}; send one from {low} to {high}")
    if not low <= value <= high:
        raise ControlError(f"{name} is {shown(int(value))}; send a whole number from {low} to {high}")
    return int(value)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """The value, if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ControlError(f"{name} is {shown(value)}; choose one of: {', '.join(choices)}")
    return value


def check_flag(name: str, value: Any) -> bool:
    """The value, if it is true or false."""
    if not isinstance(value, bool):
        raise ControlError(f"{name} must be true or false, got {shown(value)}; send true or false")
    return value


def settle(control: Control, **values: Any) -> None:
    """Put checked values into a frozen control; only for `__post_init__`."""
    for name, value in values.items():
        object.__setattr__(control, name, value)
