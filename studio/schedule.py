"""Noise levels and the arithmetic between them: flow matching, x = (1 - sigma) x0 + sigma noise, sigma in 0..1."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

PREDICTIONS = ("velocity", "wiener")


def warp(sigma: float, shift: float) -> float:
    """Give the level moved towards noise by `shift` >= 1 (SD3, arXiv 2403.03206, equation 23); 0 and 1 stay."""
    return shift * sigma / (1 + (shift - 1) * sigma)


def sigmas(steps: int, shift: float = 1.0, strength: float = 1.0) -> tuple[float, ...]:
    """Give `steps` levels evenly spaced from `strength` down, warped.

    sigmas(4, 5) is Self-Forcing's 1, .9375, .8333, .625. A chunk is denoised once at every level; after the last one
    its clean latent is the result.
    """
    if steps < 1 or shift <= 0:
        raise ValueError(f"a schedule needs 1 or more steps and a shift above 0, got {steps} and {shift}")
    return tuple(warp(strength * (1 - step / steps), shift) for step in range(steps))


def per_row(sigma: Tensor | float, like: Tensor) -> Tensor:
    """Give levels of any leading shape ready to multiply a tensor of that leading shape plus (C, h, w) or the like."""
    level = torch.as_tensor(sigma, dtype=torch.float32, device=like.device)
    return level.reshape(level.shape + (1,) * (like.ndim - level.ndim))


def add_noise(clean: Tensor, noise: Tensor, sigma: Tensor | float) -> Tensor:
    """Give (1 - sigma) clean + sigma noise, the levels one a row (the leading dimensions of `clean`) or one for all.

    A number stays a number, rounded to float32 as a tensor of it would be: sending it to a device would wait for that.
    """
    level = per_row(sigma, clean) if isinstance(sigma, Tensor) else float(np.float32(sigma))
    return (1 - level) * clean + level * noise


def clean_from(prediction: str, x: Tensor, sigma: Tensor | float, output: Tensor) -> Tensor:
    """Give the clean latent that a model's output means at noise level `sigma`, float32.

    velocity: output = noise - x0, so x0 = x - sigma output (flow matching; Wan).
    wiener: x0 = skip x + c output: the best linear guess for a unit-variance latent plus a learned rest whose scale is
    the guess's own error (EDM's preconditioning, arXiv 2206.00364, table 1, carried to flow matching).
    """
    level = per_row(sigma, x)  # float32, and so is the result
    if prediction == "velocity":
        return x - level * output
    if prediction == "wiener":
        power = (1 - level).square() + level.square()
        return (1 - level) / power * x + level * power.rsqrt() * output
    raise ValueError(f"prediction is {prediction!r}; possible: {', '.join(PREDICTIONS)}")
