"""What a guidance is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor


@dataclass(frozen=True)
class Guidance:
    """Where a row's anchor comes from, and so what it costs.

    "nowhere": there is none. "negative": the row's clean latent under the negative prompt, at every step: twice the
    work. "first": the same at the row's first step alone, kept from there on: one row more while a row is new.
    "source": the latent the row was begun from, zero when it was pure noise: free.
    """

    anchor: Literal["nowhere", "negative", "first", "source"]

    @property
    def is_residual(self) -> bool:
        """Whether the anchor stands for a residual noise, of which `Sampling.delta` tells how much to count on."""
        return self.anchor in ("first", "source")

    def takes_part(self, scale: float) -> bool:
        """Whether anything is to be done at this scale: at 1 every guidance is none."""
        return self.anchor != "nowhere" and scale != 1


def guided(clean: Tensor, anchor: Tensor, scale: float) -> Tensor:
    """clean + (scale - 1)(clean - anchor): the anchor at scale 0, the clean latent itself, bit for bit, at 1."""
    return clean + (scale - 1) * (clean - anchor)


def counted(anchor: Tensor, x: Tensor, sigma: float, delta: float) -> Tensor:
    """The anchor of residual guidance when it counts on only the share `delta` of a row's virtual residual noise.

    The paper guides with delta * (x - (1 - sigma) anchor) / sigma; the clean latent which that noise means at x is
    delta anchor + (1 - delta) x / (1 - sigma). delta 1 is the anchor itself, bit for bit; else sigma is below 1.
    """
    return anchor if delta == 1 else delta * anchor + (1 - delta) / (1 - sigma) * x
