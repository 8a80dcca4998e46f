"""No guidance: the model's own clean latent. Right for distilled models, which have theirs built in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from studio.guidance.base import Denoise, R


def no_guidance(denoise: Denoise[R], rows: Sequence[R]) -> tuple[Sequence[Tensor], Sequence[R]]:
    """Give the clean latents as the model draws them: one row a row."""
    (clean,) = denoise(rows)
    return clean, rows
