"""Residual classifier-free guidance (StreamDiffusion, arXiv 2312.12491, section 3.2): an anchor next to free.

The paper keeps a virtual residual noise a row, (x - (1 - sigma) anchor) / sigma, and guides the noise prediction with
it. In terms of the clean latent that is guidance away from the anchor itself at every level, so nothing accumulates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.guidance.base import guide_from_anchor

if TYPE_CHECKING:
    from torch import Tensor

    from studio.guidance.base import Denoise, R


def self_guidance(denoise: Denoise[R], rows: Sequence[R]) -> tuple[Sequence[Tensor], Sequence[R]]:
    """Guide away from the latent a row was begun from, zero when it was pure noise: free."""
    (clean,) = denoise(rows)
    return [guide_from_anchor(row, c, row.source) for row, c in zip(rows, clean, strict=True)], rows


def initialize_guidance(denoise: Denoise[R], rows: Sequence[R]) -> tuple[Sequence[Tensor], Sequence[R]]:
    """Guide away from a row's first clean latent under the negative prompt, kept as its anchor from there on.

    It costs one row more for every row that has no anchor yet: a new one, or one in flight when this was turned on.
    """
    new = [row for row in rows if row.anchor is None]
    (answers,) = denoise([*rows, *(row.negated() for row in new)])
    anchors = dict(zip((row.frame for row in new), answers[len(rows) :], strict=True))
    guided, anchored = [], []
    for row, clean in zip(rows, answers[: len(rows)], strict=True):
        anchor = anchors[row.frame] if row.anchor is None else row.anchor
        guided.append(guide_from_anchor(row, clean, anchor))
        anchored.append(replace(row, anchor=anchor))
    return guided, anchored
