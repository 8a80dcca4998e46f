"""How frames are drawn from noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_choice, check_integer, check_number, settle
from studio.controls.state import ControlState
from studio.controls.widgets import Choice, Slider, Widget

GUIDANCE_KINDS = ("none", "full", "self", "initialize")
SEEDS = (0, 2**32 - 1)
SCALES = (0.0, 10.0)
STEPS = (1, 16)
STRENGTHS = (0.02, 1.0)
DELTAS = (0.0, 5.0)
DRIFTS = (0, 1000)  # frames


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
    widgets: ClassVar[tuple[Widget, ...]] = (
        Slider("seed", "Seed", section="sampling", order=10, limits=SEEDS, shown=(0, 9999), step=1),
        Choice(
            "guidance",
            "Guidance",
            section="sampling",
            order=20,
            choices=GUIDANCE_KINDS,
            info="Pushes towards the words, at a scale above 1.",
        ),
        Slider("scale", "Scale", section="sampling", order=30, limits=SCALES, shown=(0, 5), step=0.05),
        Slider(
            "steps",
            "Steps",
            section="sampling",
            order=40,
            needs="steps",
            limits=STEPS,
            shown=(1, 8),
            step=1,
            info="Steps a picture: more is finer, slower.",
        ),
        Slider(
            "strength",
            "Strength",
            section="picture",
            order=10,
            needs="camera source",
            limits=STRENGTHS,
            step=0.01,
            info="How much of the picture is drawn anew; 1 keeps nothing of it.",
        ),
        Slider(
            "delta",
            "Delta",
            section="prompt",
            order=50,
            needs="noise",
            advanced=True,
            limits=DELTAS,
            shown=(0, 2),
            step=0.05,
            info="The share of the noise still there that guidance counts on; 1 is exact, less leaves grain.",
        ),
        Slider(
            "drift",
            "Noise drift, frames",
            section="prompt",
            order=60,
            needs="noise",
            advanced=True,
            limits=DRIFTS,
            shown=(0, 200),
            step=1,
            info="How long one noise takes to become the next; 0 holds it still.",
        ),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            seed=check_integer("seed", self.seed, *SEEDS),
            guidance=check_choice("guidance", self.guidance, GUIDANCE_KINDS),
            scale=check_number("guidance scale", self.scale, *SCALES),
            steps=check_integer("steps", self.steps, *STEPS),
            strength=check_number("strength", self.strength, *STRENGTHS),
            delta=check_number("delta", self.delta, *DELTAS),
            drift=check_integer("drift", self.drift, *DRIFTS),
        )

    @classmethod
    def opening(cls, state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
        """Yield it always: a take says its seed."""
        yield frame, state[cls]
