"""How frames are drawn from noise."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from studio.controls.base import (
    Control,
    ControlError,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    settle,
    shown,
)
from studio.controls.state import ControlState
from studio.controls.widgets import Choice, Slider, Toggle, Whole, Widget
from studio.guidance import GUIDANCES

GUIDANCE_KINDS = tuple(GUIDANCES)
SEEDS = (-(2**63), 2**64 - 1)  # what other tools call a seed: 64 bits, with a sign or without
ANY_SEED = -1
SEEDS_DRAWN = 2**32  # so many are drawn from
PAGE_COUNTS_TO = 2**53 - 1  # JavaScript's largest whole number
SCALES = (0.0, 10.0)
STEPS = (1, 16)
FIRST_STEPS = (0, 16)  # 0: the model's own
STRENGTHS = (0.02, 1.0)
DELTAS = (0.0, 5.0)
DRIFTS = (0, 1000)  # frames
FOLLOWS = (0.0, 1.0)
T_INDICES = 50  # places of a `t_index_list`: the timesteps 999, 979, ... 19


@dataclass(frozen=True)
class Sampling(Control):
    """Seed, guidance kind and scale (0..10; 1 is no guidance), and number of denoising steps (1..16).

    seed: any whole number of 64 bits. -1 draws one, once, as the control is made: what is in force, in a score and on
    the page is the one that was drawn. Any other negative one is that plus 2**64, as torch reads it.
    Of image models also: strength: how far a picture that comes in is taken back towards noise before it is drawn anew,
    0.02..1. delta: the share of the residual noise that "self" and "initialize" count on, 0..5; 1 is exact, less leaves
    grain (StreamDiffusion's own examples use 0.5). drift: frames from one noise to the next, 0..1000; 0 holds it still.
    t_index_list: the steps as StreamDiffusion's users give them, (32, 45) of 50: places 0..49, rising, in the timesteps
    999, 979, ... 19; it takes the place of steps, which is its length then, and of strength. add_noise: whether a frame
    is noised anew between steps (StreamDiffusion's `do_add_noise`); without, the next x is (1 - sigma) x0.
    Of video models also: follow: the share of the noise, 0..1, that goes along with strokes and camera, from the next
    chunk on; 0 draws all of it anew (RealWonder has 0.5). first_steps: steps of the first chunk after a clean start,
    0..16; 0 is the model's own number.
    """

    seed: int = 0
    guidance: str = "none"
    scale: float = 1.0
    steps: int = 2
    strength: float = 0.6
    delta: float = 1.0
    drift: int = 0
    t_index_list: tuple[int, ...] = ()
    add_noise: bool = True
    follow: float = 0.0
    first_steps: int = 0
    kind: ClassVar[str] = "sampling"
    settled: ClassVar[tuple[str, ...]] = ("seed",)
    widgets: ClassVar[tuple[Widget, ...]] = (
        Whole("seed", "Seed", section="sampling", order=10, info="Any whole number; -1 draws one."),
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
            "first_steps",
            "Steps of the first chunk",
            section="sampling",
            order=45,
            needs="cache steps",
            advanced=True,
            limits=FIRST_STEPS,
            shown=(0, 8),
            step=1,
            info="After a clean start, where nothing has come before; 0 is the model's own number.",
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
        Toggle(
            "add_noise",
            "Noise anew between steps",
            section="prompt",
            order=65,
            needs="noise steps",
            advanced=True,
            info="Off is smoother and flatter: the steps go on from the guess itself.",
        ),
        Slider(
            "follow",
            "Noise follows motion",
            section="camera motion",
            order=50,
            needs="cache",
            limits=FOLLOWS,
            step=0.05,
            info="The share of the noise that goes along with strokes and camera; half is a good one. A model that "
            "knows painted subjects by itself hears the camera by this alone.",
        ),
    )

    def __post_init__(self) -> None:
        indices = check_t_index_list(self.t_index_list)
        settle(
            self,
            seed=check_seed(self.seed),
            guidance=check_choice("guidance", self.guidance, tuple(GUIDANCES)),
            scale=check_number("guidance scale", self.scale, *SCALES),
            steps=len(indices) or check_integer("steps", self.steps, *STEPS),
            strength=check_number("strength", self.strength, *STRENGTHS),
            delta=check_number("delta", self.delta, *DELTAS),
            drift=check_integer("drift", self.drift, *DRIFTS),
            t_index_list=indices,
            add_noise=check_flag("add_noise", self.add_noise),
            follow=check_number("follow", self.follow, *FOLLOWS),
            first_steps=check_integer("first_steps", self.first_steps, *FIRST_STEPS),
        )

    def to_summary(self) -> dict[str, Any]:
        """Give the message, with a seed that JavaScript cannot count to as text."""
        return self.to_message() | {"seed": self.seed if self.seed <= PAGE_COUNTS_TO else str(self.seed)}

    @classmethod
    def opening(cls, state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
        """Yield it always: a take says its seed."""
        yield frame, state[cls]


def check_seed(value: object) -> int:
    """Give a seed as 0..2**64-1: any whole number of 64 bits, or the text of one; -1 draws one."""
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,20}\s*", value):
        value = int(value)
    seed = check_integer("seed", value, *SEEDS)
    return secrets.randbelow(SEEDS_DRAWN) if seed == ANY_SEED else seed % 2**64


def check_t_index_list(value: object) -> tuple[int, ...]:
    """Give the places as a tuple of whole numbers, if they rise; an empty one means that steps and strength count."""
    if not isinstance(value, tuple | list) or len(value) > STEPS[1]:
        raise ControlError(
            f"t_index_list is {shown(value)}; send 0 to {STEPS[1]} places, such as [32, 45], or [], and steps"
        )
    places = tuple(check_integer("t_index_list's place", place, 0, T_INDICES - 1) for place in value)
    if any(before >= after for before, after in pairwise(places)):
        raise ControlError(f"t_index_list is {shown(value)}; its places rise, from more noise to less: sort them")
    return places
