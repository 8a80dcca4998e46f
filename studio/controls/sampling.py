"""How frames are drawn from noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_choice, check_integer, check_number, settle
from studio.controls.state import ControlState

GUIDANCE_KINDS = ("none", "full", "self", "initialize")


@dataclass(frozen=True)
class Sampling(Control):
    """Seed (0..2**32-1), guidance kind and scale (0..10; 1 is no guidance), and number of denoising steps (1..16).

    Of image models also: strength: how far a picture that comes in is taken back towards noise before it is drawn anew,
    0.02..1. delta: the share of the residual noise that "self" and "initialize" count on, 0..5; 1 is exact, less leaves
    grain (StreamDiffusion's own examples use 0.5). drift: frames from one noise to the next, 0..1000; 0 holds it still.
    """

    seed: int = 0
    guidance: str = "none"
    scale: float = 1.0
    steps: int = 2
    strength: float = 0.6
    delta: float = 1.0
    drift: int = 0
    kind: ClassVar[str] = "sampling"

    def __post_init__(self) -> None:
        settle(
            self,
            seed=check_integer("seed", self.seed, 0, 2**32 - 1),
            guidance=check_choice("guidance", self.guidance, GUIDANCE_KINDS),
            scale=check_number("guidance scale", self.scale, 0.0, 10.0),
            steps=check_integer("steps", self.steps, 1, 16),
            strength=check_number("strength", self.strength, 0.02, 1.0),
            delta=check_number("delta", self.delta, 0.0, 5.0),
            drift=check_integer("drift", self.drift, 0, 1000),
        )

    @classmethod
    def opening(cls, state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
        """Yield it always: a take says its seed."""
        yield frame, state[cls]
