"""What a person can set. One frozen dataclass a file; `CONTROLS` is the table.

To add a control: a file here and its line in `CONTROLS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from studio.controls.base import Control, ControlError, shown, to_message
from studio.controls.facing import Facing, facings
from studio.controls.lora import Lora, lora_weights
from studio.controls.pause import Pause
from studio.controls.picture import Picture
from studio.controls.prompt import Prompt, active_prompts
from studio.controls.sampling import Sampling
from studio.controls.similarity import Similarity
from studio.controls.sink import Sink
from studio.controls.state import ControlState, Held
from studio.controls.stroke import Erase, Stroke, strokes
from studio.controls.structure import Structure
from studio.controls.upgrade import upgrade

CONTROLS: dict[str, type[Control]] = {
    "prompt": Prompt,
    "sampling": Sampling,
    "picture": Picture,
    "similarity": Similarity,
    "structure": Structure,
    "sink": Sink,
    "lora": Lora,
    "stroke": Stroke,
    "erase": Erase,
    "pause": Pause,
}


def opening_events(state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
    """Yield the (frame, control) pairs that fold to this state again: what a take that begins at a frame starts with.

    Strokes keep the frame they took effect at, so a path goes on where it is.
    """
    for kind in CONTROLS.values():
        yield from kind.opening(state, frame)


def from_message(message: Any) -> Control:
    """The control a message means; raises ControlError with what to do for anything else."""
    if not isinstance(message, dict):
        raise ControlError(f'a control is an object with a "kind", got {shown(message)}')
    message = upgrade(message)
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
    "ControlState",
    "Erase",
    "Facing",
    "Held",
    "Lora",
    "Pause",
    "Picture",
    "Prompt",
    "Sampling",
    "Similarity",
    "Sink",
    "Stroke",
    "Structure",
    "active_prompts",
    "facings",
    "from_message",
    "lora_weights",
    "opening_events",
    "strokes",
    "to_message",
]
