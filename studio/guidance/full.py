"""Classifier-free guidance (Ho and Salimans, arXiv 2207.12598): negative + scale (positive - negative)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.guidance.base import guide_away

if TYPE_CHECKING:
    from torch import Tensor

    from studio.guidance.base import Denoise, R


def full_guidance(denoise: Denoise[R], rows: Sequence[R]) -> tuple[Sequence[Tensor], Sequence[R]]:
    """Guide away from the clean latents under the negative prompt, drawn at every step: twice the work."""
    clean, negative = denoise(rows, [row.negated() for row in rows])
    return [guide_away(c, n, row.sampling.scale) for row, c, n in zip(rows, clean, negative, strict=True)], rows
