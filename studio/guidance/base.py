"""What a guidance is, and the one line of arithmetic all of them share.

Nothing here needs torch when it is loaded: the controls read the table of guidances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    from studio.samplers.rows import Row


R = TypeVar("R", bound="Row")
R_contra = TypeVar("R_contra", bound="Row", contravariant=True)


class Denoise(Protocol[R_contra]):
    """What a guidance asks of the model."""

    def __call__(self, *batches: Sequence[R_contra]) -> Sequence[Sequence[Tensor]]:
        """Give the clean latents (chunk, C, h, w) of every row, batch by batch; `Row.negated` asks for the negative's.

        Where rows see each other a batch is one forward; where they do not, all batches are one. The first batch holds
        the rows as they are, in their order.
        """
        ...


class Guide(Protocol):
    """A guidance: how the clean latents of rows come about."""

    def __call__(self, denoise: Denoise[R], rows: Sequence[R]) -> tuple[Sequence[Tensor], Sequence[R]]:
        """Give the guided x0 of every row, and the rows with what is kept of them for the steps to come: `Row.anchor`.

        denoise is called once, or more often at the price of further forwards.
        """
        ...


@dataclass(frozen=True)
class Guidance:
    """A line of `GUIDANCES`: the function, and whether it stands on a residual noise.

    Of a residual noise `Sampling.delta` says which share is counted on, which is possible below sigma 1 only.
    """

    guide: Guide
    is_residual: bool = False


def guide_away(clean: Tensor, anchor: Tensor, scale: float) -> Tensor:
    """Give clean + (scale - 1)(clean - anchor): the anchor at scale 0, the clean latent itself, bit for bit, at 1."""
    return clean + (scale - 1) * (clean - anchor)


def discount_anchor(anchor: Tensor, x: Tensor, sigma: float, delta: float) -> Tensor:
    """Give the anchor of residual guidance that counts on only the share `delta` of a row's virtual residual noise.

    The paper guides with delta * (x - (1 - sigma) anchor) / sigma; the clean latent which that noise means at x is
    delta anchor + (1 - delta) x / (1 - sigma). delta 1 is the anchor itself, bit for bit; else sigma is below 1.
    """
    if delta == 1:
        return anchor
    if sigma >= 1:
        raise ValueError(f"delta is {delta:g} at sigma {sigma:g}, pure noise, where delta is 1: send 1")
    return delta * anchor + (1 - delta) / (1 - sigma) * x


def guide_from_anchor(row: Row, clean: Tensor, anchor: Tensor) -> Tensor:
    """Guide a row's clean latent away from an anchor by its scale and delta (`Row.sampling`)."""
    sampling = row.sampling
    return guide_away(clean, discount_anchor(anchor, row.x, row.sigma, sampling.delta), sampling.scale)
