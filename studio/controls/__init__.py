"""What a person can set. One frozen dataclass a file; `CONTROLS` is the table.

To add a control: a file here, its line in `CONTROLS`, and its effect in `InForce.after`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import MISSING, fields
from typing import Any

from studio.controls.base import Control, ControlError, shown, to_message
from studio.controls.facing import Facing, facings
from studio.controls.in_force import InForce
from studio.controls.lora import Lora
from studio.controls.pause import Pause
from studio.controls.picture import Picture
from studio.controls.prompt import Prompt
from studio.controls.sampling import Sampling
from studio.controls.similarity import Similarity
from studio.controls.sink import Sink
from studio.controls.stroke import Erase, Stroke
from studio.controls.structure import Structure

CONTROLS: dict[str, type[Control]] = {
    "prompt": Prompt,
    "sampling": Sampling,
    "stroke": Stroke,
    "erase": Erase,
    "pause": Pause,
    "picture": Picture,
    "similarity": Similarity,
    "structure": Structure,
    "lora": Lora,
    "sink": Sink,
}


def slot(control: Control) -> Hashable:
    """The place a control takes: its kind, or ("stroke", id) for a stroke and its erasure."""
    return control.slot


def from_message(message: Any) -> Control:
    """The control a message means; raises ControlError with what to do for anything else."""
    if not isinstance(message, dict):
        raise ControlError(f'a control is an object with a "kind", got {shown(message)}')
    kind = message.get("kind")
    if not isinstance(kind, str) or kind not in CONTROLS:
        raise ControlError(f"control kind is {shown(kind)}; possible kinds: {', '.join(CONTROLS)}")
    known = {field.name: field for field in fields(CONTROLS[kind])}
    given = {name: value for name, value in message.items() if name != "kind"}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ControlError(f"{kind} has no field {shown(unknown[0])}; its fields: {', '.join(known)}")
    missing = [name for name, field in known.items() if field.default is MISSING and name not in given]
    if missing:
        raise ControlError(f"{kind} lacks {missing[0]!r}; add it (fields: {', '.join(known)})")
    return CONTROLS[kind](**given)


__all__ = [
    "CONTROLS",
    "Control",
    "ControlError",
    "Erase",
    "Facing",
    "InForce",
    "Lora",
    "Pause",
    "Picture",
    "Prompt",
    "Sampling",
    "Similarity",
    "Sink",
    "Stroke",
    "Structure",
    "facings",
    "from_message",
    "slot",
    "to_message",
]
