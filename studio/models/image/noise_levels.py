"""The noise levels of variance-preserving image models, told in the studio's own: flow matching's sigma.

Such a model is trained on x_vp = a x0 + b noise, a² + b² = 1, at 1000 timesteps. Divided by a + b that is the studio's
x = (1 - sigma) x0 + sigma noise with sigma = b / (a + b), so samplers, noise and guidance need to know nothing of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from studio.models.errors import CheckpointError

PREDICTIONS = ("epsilon", "v_prediction", "sample")
LCM_STEPS = 50  # levels latent consistency models are distilled at (arXiv 2311.05556, section 3.2): 999, 979, ... 19
NO_SIGNAL = 2e-3  # below this share of the picture, noise tells nothing of it: x0 from epsilon is a division by zero


@dataclass(frozen=True, eq=False)
class NoiseLevel:
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
        self.all_sigmas: list[float] = (self.b / (self.a + self.b)).tolist()
        if prediction == "epsilon" and self.a[-1] < NO_SIGNAL:
            raise CheckpointError(
                "its last level is pure noise (zero terminal SNR), where a model that predicts the noise (epsilon) "
                'tells nothing of the picture; such a scheduler needs prediction_type "v_prediction"'
            )
        if any(low >= high for low, high in zip(self.all_sigmas, self.all_sigmas[1:])):
            raise CheckpointError("its alphas_cumprod do not fall from timestep to timestep; correct the scheduler")
        self.at = lru_cache(maxsize=256)(self._at)

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """Give `steps` sigmas, highest first: those of timesteps evenly spaced from T strength - 1 down.

        On a distilled grid the same of its levels, as LCM's scheduler chooses them; where the part of it below
        `strength` is too short for so many steps, off the grid.
        """
        count = len(self.all_sigmas)
        if not (1 <= steps <= count * strength and 0 < strength <= 1):
            raise ValueError(
                f"{steps} steps from strength {strength:g}; possible: strength in (0, 1], 1 to {count} x strength steps"
            )
        below = int(self.grid * strength + 1e-9)
        if below >= steps:
            stride = count // self.grid
            timesteps = [(below - step * below // steps) * stride - 1 for step in range(steps)]
        else:
            timesteps = [max(round(count * strength * (1 - step / steps)), 1) - 1 for step in range(steps)]
        return tuple(self.all_sigmas[t] for t in timesteps)

    def sigmas_at(self, t_index_list: Sequence[int]) -> tuple[float, ...]:
        """The sigmas, highest first, of the timesteps at these places, see `timesteps_at`."""
        return tuple(self.all_sigmas[t] for t in timesteps_at(t_index_list, len(self.all_sigmas)))

    def timestep(self, sigma: float) -> int:
        """Give the timestep of a level of the sigmas; ValueError for a sigma that is no level of the checkpoint."""
        place = bisect_left(self.all_sigmas, sigma - 1e-6)
        if place == len(self.all_sigmas) or self.all_sigmas[place] > sigma + 1e-6:
            raise ValueError(
                f"sigma {sigma:g} is no level of this model; take one of sigmas(steps, strength), "
                f"from {self.all_sigmas[0]:.4f} to {self.all_sigmas[-1]:.4f}"
            )
        return place

    def _at(self, sigmas: tuple[float, ...], device: torch.device | str) -> NoiseLevel:
        """Give the levels of rows at these sigmas, on a device; remembered as `at`."""
        timesteps = torch.tensor([self.timestep(sigma) for sigma in sigmas])
        a, b = (part[timesteps][:, None, None, None] for part in (self.a, self.b))
        return NoiseLevel(timesteps.to(device), *(part.float().to(device) for part in (a, b, a + b)))

    def clean(self, output: Tensor, noisy: Tensor, level: NoiseLevel) -> Tensor:
        """Give x0, float32, from what the net says of noisy = a x0 + b noise, (F, C, h, w) both; v = a noise - b x0.

        In float32 whatever the net runs in: at the highest level a is .068, and the division makes 15 of every error.
        """
        output, noisy = output.float(), noisy.float()
        if self.prediction == "epsilon":
            return (noisy - level.b * output) / level.a
        if self.prediction == "v_prediction":
            return level.a * noisy - level.b * output
        return output


def timesteps_at(t_index_list: Sequence[int], count: int = 1000) -> list[int]:
    """Give the timesteps that StreamDiffusion's users mean by a list of places, such as [32, 45]: 359 and 99.

    They are places in the 50 of LCM's scheduler, whatever the checkpoint's own is: 999, 979, ... 19 of `count` 1000
    (arXiv 2312.12491; `StreamDiffusion.prepare`). Raises ValueError unless they rise within 0..49.
    """
    places, stride = list(t_index_list), count // LCM_STEPS
    if not places or places != sorted(set(places)) or not 0 <= places[0] <= places[-1] < LCM_STEPS:
        raise ValueError(f"t_index_list is {places}; possible: 1 or more places that rise within 0 to {LCM_STEPS - 1}")
    return [(LCM_STEPS - place) * stride - 1 for place in places]
