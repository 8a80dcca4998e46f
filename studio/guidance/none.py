"""No guidance: the model's own clean latent. Right for distilled models, which have theirs built in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from studio.guidance.base import Denoise
    from studio.samplers.rows import Row


def no_guidance(denoise: Denoise, rows: Sequence[Row]) -> tuple[Sequence[Tensor], Sequence[Row]]:
    """Give the clean latents as the model draws them: one row a row."""
    (clean,) = denoise(rows)
    return clean, rows
