"""A row: what is in flight between two ticks, in every sampler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, TypeVar

import torch
from torch import Tensor

from studio.conditioning import Conditioning
from studio.controls import Sampling
from studio.schedule import add_noise

if TYPE_CHECKING:
    from studio.samplers.grain import Carried
    from studio.samplers.pin import Pin

R = TypeVar("R", bound="Row")


@dataclass(frozen=True, eq=False)
class Row:
    """A chunk in flight: its first frame, its sigmas and step, its noisy latent x (chunk, C, h, w) at that step.

    source: the latent it was begun from, zero for none. sampling, cond: how it is drawn, and what its frames are told;
    in a causal stream what was in force at its last tick, elsewhere what was when it began. anchor: what its guidance
    keeps of it from step to step. negative: whether the negative prompt is meant (`negated`). pin: what of its clean
    latent is held to a reference between steps. grain: noise that was carried along to it, see `samplers.grain`.
    """

    frame: int
    sigmas: tuple[float, ...]
    x: Tensor
    source: Tensor
    sampling: Sampling
    cond: Conditioning | None = None
    step_index: int = 0
    anchor: Tensor | None = None
    negative: bool = False
    pin: Pin | None = None
    grain: Carried | None = None

    @property
    def sigma(self) -> float:
        """Its noise level, in (0, 1]."""
        return self.sigmas[self.step_index]

    @property
    def steps_left(self) -> int:
        """Steps to go, this one among them."""
        return len(self.sigmas) - self.step_index

    @property
    def length(self) -> int:
        """Its latent frames."""
        return len(self.x)

    @property
    def target(self) -> float:
        """The noise level that its step goes on to: the next one, after the last 0."""
        return (*self.sigmas, 0.0)[self.step_index + 1]

    @property
    def conditioning(self) -> Conditioning:
        """What its frames are told, one row a frame; a row has it before it is denoised."""
        assert self.cond is not None, f"frame {self.frame} was told nothing"
        return self.cond

    def negated(self) -> Self:
        """Give the same row under the negative prompt: what a guidance asks `Denoise` for."""
        return replace(self, negative=True)


def noise_left(row: Row, clean: Tensor) -> Tensor:
    """Give the noise that is in a row beside its clean latent: with it a step goes on along the same path.

    For a flow map, whose clean latent is x - sigma u, the next x is then x - (sigma - target) u: Euler's step.
    """
    return (row.x - (1 - row.sigma) * clean) / row.sigma


def renoise(row: R, clean: Tensor, noise: Tensor) -> R:
    """Give the row a step further down: its clean latent, what is pinned of it held, under fresh noise, or none.

    See `Pin.hold` and `Sampling.add_noise`.
    """
    step = row.step_index + 1
    clean = clean if row.pin is None else row.pin.hold(clean, step)
    noise = noise if row.sampling.add_noise else torch.zeros_like(noise)
    return replace(row, x=add_noise(clean, noise, row.sigmas[step]), step_index=step)


def admits_next_tick(rows: Sequence[Row], steps: int) -> bool:
    """Tell whether a new row of so many steps would come out after the one before it: a stream batch."""
    return not rows or rows[-1].steps_left < steps


def admits_alone(rows: Sequence[Row], steps: int) -> bool:
    """Tell whether no row is in flight: a rollout."""
    return not rows
