"""How frames are drawn from noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_choice, check_integer, check_number, settle

GUIDANCE_KINDS = ("none", "full", "self", "initialize")


@dataclass(frozen=True)
class Sampling(Control):
    """Seed (0..2**32-1), guidance kind and scale (0..10; 1 is no guidance), and rungs of the ladder (1..16)."""

    seed: int = 0
    guidance: str = "none"
    scale: float = 1.0
    rungs: int = 2
    kind: ClassVar[str] = "sampling"

    def __post_init__(self) -> None:
        settle(
            self,
            seed=check_integer("seed", self.seed, 0, 2**32 - 1),
            guidance=check_choice("guidance", self.guidance, GUIDANCE_KINDS),
            scale=check_number("guidance scale", self.scale, 0.0, 10.0),
            rungs=check_integer("rungs", self.rungs, 1, 16),
        )
