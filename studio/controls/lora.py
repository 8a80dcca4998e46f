"""A learned style laid over the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from studio.controls.base import Control, check_number, check_text, settle
from studio.controls.state import ControlState
from studio.controls.widgets import Slider, Widget

WEIGHTS = (-2.0, 2.0)


@dataclass(frozen=True)
class Lora(Control):
    """The weight, -2..2, of one of the LoRAs the model was opened with, by its name; 0 takes it away."""

    name: str
    weight: float = 1.0
    kind: ClassVar[str] = "lora"
    plural: ClassVar[str] = "LoRAs"
    slot_field: ClassVar[str] = "name"
    absent: ClassVar[Mapping[str, object]] = MappingProxyType({"weight": 0.0})
    widgets: ClassVar[tuple[Widget, ...]] = (Slider("weight", "Weight", section="styles", limits=WEIGHTS, step=0.05),)

    def __post_init__(self) -> None:
        settle(
            self,
            name=check_text("LoRA name", self.name, 1, 120),
            weight=check_number("LoRA weight", self.weight, *WEIGHTS),
        )


def lora_weights(state: ControlState) -> dict[str, float]:
    """Give the weight of every LoRA that is laid on, by name."""
    return {name: held.control.weight for name, held in state.all(Lora).items()}
