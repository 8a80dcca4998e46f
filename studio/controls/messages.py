"""Controls as messages, and what a page must know of them to show and fold them as the server does."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from studio.controls.base import Control, shown
from studio.controls.errors import ControlError
from studio.controls.state import ControlState
from studio.controls.table import CONTROLS
from studio.controls.upgrade import upgrade


def to_message(control: Control) -> dict[str, object]:
    """Give a control as a JSON-able dict with its "kind"."""
    return control.to_message()


def from_message(message: object) -> Control:
    """Give the control a message means; raises ControlError with what to do for anything else."""
    if not isinstance(message, dict):
        raise ControlError(f'a control is an object with a "kind", got {shown(message)}')
    message = upgrade(message)
    kind = message.get("kind")
    if not isinstance(kind, str) or kind not in CONTROLS:
        raise ControlError(f"control kind is {shown(kind)}; possible kinds: {', '.join(CONTROLS)}")
    return CONTROLS[kind].from_message({name: value for name, value in message.items() if name != "kind"})


def describe() -> list[dict[str, object]]:
    """Give every kind of control as JSON: its slots, what it clears, when it is absent, and its widgets.

    From this alone `web/controls.js` folds, undoes and shows controls.
    """
    return [describe_kind(kind) for kind in CONTROLS.values()]


def describe_kind(kind: type[Control]) -> dict[str, object]:
    """Give one kind of control as `describe` does."""
    initial = kind.initial()
    return {
        "kind": kind.kind,
        "fields": [field.name for field in fields(kind)],
        "slot_field": kind.slot_field,
        "clears": kind.clears,
        "belongs_to": kind.belongs_to,
        "absent": dict(kind.absent),
        "initial": initial and initial.to_summary(),
        "timed": kind.timed,
        "undoable": kind.undoable,
        "momentary": list(kind.momentary),
        "widgets": [widget.describe() for widget in kind.widgets],
    }


def state_message(state: ControlState) -> dict[str, object]:
    """Give the controls in force as a page reads them: by kind its message, or the list of them where it has names.

    A message in such a list has a "since", the frame it took effect at, where its kind is timed.
    """
    kinds = [kind for kind in CONTROLS.values() if not kind.clears]
    return {kind.kind: held_messages(state, kind) for kind in kinds}


def held_messages(state: ControlState, kind: type[Control]) -> dict[str, Any] | list[dict[str, Any]]:
    """Give what is in force of one kind as `state_message` does."""
    if not kind.slot_field:
        return state[kind].to_summary()
    held = state.all(kind).values()
    return [one.control.to_summary() | ({"since": one.frame} if kind.timed else {}) for one in held]
