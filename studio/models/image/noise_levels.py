"""The noise levels of variance-preserving image models, told in the studio's own: flow matching's sigma.

Such a model is trained on x_vp = a x0 + b noise, a² + b² = 1, at 1000 timesteps. Divided by a + b that is the studio's
x = (1 - sigma) x0 + sigma noise with sigma = b / (a + b), so samplers, noise and guidance need to know nothing of it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from studio.models.errors import CheckpointError

PREDICTIONS = ("epsilon", "v_prediction", "sample")
LCM_STEPS = 50  # levels latent consistency models are distilled at (arXiv 2311.05556, section 3.2): 999, 979, ... 19
NO_SIGNAL = 2e-3  # below this share of the picture, noise tells nothing of it: x0 from epsilon is a division by zero


@dataclass(frozen=True, eq=False)
class Told:
    """One level a row: timestep t (F,) int64; a, b, and scale = a + b, float32 (F, 1, 1, 1)."""

    t: Tensor
    a: Tensor
    b: Tensor
    scale: Tensor


class Levels:
    """alphas_cumprod (T,): the checkpoint's; grid: how many levels it was distilled at, 0 for any of the T.

    The square roots are taken once, in float64, and rounded once to float32.
    """

    def __init__(self, alphas_cumprod: Tensor, prediction: str, grid: int = 0):
        if prediction not in PREDICTIONS:
            raise CheckpointError(f"its prediction is {prediction!r}; possible: {', '.join(PREDICTIONS)}")
        signal = alphas_cumprod.double().clamp(0, 1)
        self.a, self.b = signal.sqrt(), (1 - signal).sqrt()
        self.prediction, self.grid = prediction, grid
        self.sigmas: list[float] = (self.b / (self.a + self.b)).tolist()
        if prediction == "epsilon" and self.a[-1] < NO_SIGNAL:
            raise CheckpointError(
                "its last level is pure noise (zero terminal SNR), where a model that predicts the noise (epsilon) "
                'tells nothing of the picture; such a scheduler needs prediction_type "v_prediction"'
            )
        if any(low >= high for low, high in zip(self.sigmas, self.sigmas[1:])):
            raise CheckpointError("its alphas_cumprod do not fall from timestep to timestep; correct the scheduler")
        self.told = lru_cache(maxsize=256)(self._told)

    def ladder(self, rungs: int, strength: float = 1.0) -> tuple[float, ...]:
        """`rungs` sigmas, highest first: those of timesteps evenly spaced from T strength - 1 down.

        On a distilled grid the same of its levels, as LCM's scheduler chooses them; where the part of it below
        `strength` is too short for so many rungs, off the grid.
        """
        count = len(self.sigmas)
        if not (1 <= rungs <= count * strength and 0 < strength <= 1):
            raise ValueError(
                f"{rungs} rungs from strength {strength:g}; possible: strength in (0, 1], 1 to {count} x strength rungs"
            )
        below = int(self.grid * strength + 1e-9)
        if below >= rungs:
            step = count // self.grid
            steps = [(below - rung * below // rungs) * step - 1 for rung in range(rungs)]
        else:
            steps = [max(round(count * strength * (1 - rung / rungs)), 1) - 1 for rung in range(rungs)]
        return tuple(self.sigmas[step] for step in steps)

    def timestep(self, sigma: float) -> int:
        """The timestep of a level of the ladder; ValueError for a sigma that is none of the checkpoint's levels."""
        place = bisect_left(self.sigmas, sigma - 1e-6)
        if place == len(self.sigmas) or self.sigmas[place] > sigma + 1e-6:
            raise ValueError(
                f"sigma {sigma:g} is no level of this model; take one of ladder(rungs, strength), "
                f"from {self.sigmas[0]:.4f} to {self.sigmas[-1]:.4f}"
            )
        return place

    def _told(self, sigmas: tuple[float, ...], device: torch.device | str) -> Told:
        steps = torch.tensor([self.timestep(sigma) for sigma in sigmas])
        a, b = (part[steps][:, None, None, None] for part in (self.a, self.b))
        return Told(steps.to(device), *(part.float().to(device) for part in (a, b, a + b)))

    def clean(self, output: Tensor, noisy: Tensor, told: Told) -> Tensor:
        """x0 float32 from what the net says of noisy = a x0 + b noise, (F, C, h, w) both; v = a noise - b x0.

        In float32 whatever the net runs in: at the highest level a is .068, and the division makes 15 of every error.
        """
        output, noisy = output.float(), noisy.float()
        if self.prediction == "epsilon":
            return (noisy - told.b * output) / told.a
        if self.prediction == "v_prediction":
            return told.a * noisy - told.b * output
        return output
