"""A learned style laid over the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_number, check_text, settle
from studio.controls.state import ControlState, Held


@dataclass(frozen=True)
class Lora(Control):
    """The weight, -2..2, of one of the LoRAs the model was opened with, by its name; 0 takes it away."""

    name: str
    weight: float = 1.0
    kind: ClassVar[str] = "lora"

    def __post_init__(self) -> None:
        settle(
            self,
            name=check_text("LoRA name", self.name, 1, 120),
            weight=check_number("LoRA weight", self.weight, -2.0, 2.0),
        )

    @property
    def slot(self) -> tuple[str, str]:
        return ("lora", self.name)

    @classmethod
    def initial(cls) -> None:
        return None

    def fold(self, state: ControlState, frame: int) -> ControlState:
        return state.put(self.slot, Held(self)) if self.weight else state.drop(self.slot)

    @classmethod
    def opening(cls, state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
        for held in state.all(cls).values():
            yield frame, held.control


def lora_weights(state: ControlState) -> dict[str, float]:
    """Give the weight of every LoRA that is laid on, by name."""
    return {name: held.control.weight for name, held in state.all(Lora).items()}
