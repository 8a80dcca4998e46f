"""A learned style laid over the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_number, check_text, settle


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
