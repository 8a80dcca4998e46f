"""Is this picture new enough to draw? StreamDiffusion's stochastic similarity filter, in a form that cannot mislead.

The original takes a cosine in half precision: identical grey frames are drawn, a change of brightness is not seen, and
after a cut the old picture stays for dozens of frames. Here the measure is the root mean square difference of small
float32 thumbnails, and after a change the rungs in flight are let out before anything is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.noise import uniform

THUMBNAIL = 32


@dataclass(frozen=True)
class SimilarityState:
    """What the filter remembers: the last drawn picture's thumbnail, skips since, draws still due, pictures seen."""

    drawn: Tensor | None = None
    skipped: int = 0
    due: int = 0
    seen: int = 0


class SimilarityFilter:
    """Lets a picture be skipped when it is like the last one drawn, the more surely the more alike they are.

    threshold: the difference, 0..1, from which a picture is always drawn; below it the chance to skip rises evenly to 1
    for identical pictures (arXiv 2312.12491, section 3.5). most: the most skips in a row. drain: pictures drawn after a
    change whatever they look like, rungs in flight - 1.
    """

    def __init__(self, threshold: float = 0.02, most: int = 10, drain: int = 0, seed: int = 0) -> None:
        if not 0 <= threshold <= 1 or most < 0 or drain < 0:
            raise ValueError(f"threshold is 0..1, most and drain 0 or more; got {threshold}, {most} and {drain}")
        self.threshold, self.most, self.drain, self.seed = threshold, most, drain, seed
        self._state = SimilarityState()

    def is_new(self, picture: np.ndarray | Tensor) -> bool:
        """Whether to draw this picture: uint8 (H, W, 3), or float (3, H, W) in 0..1. The first one always is."""
        state, small = self._state, thumbnail(picture)
        apart = 1.0 if state.drawn is None else float((small - state.drawn).square().mean().sqrt())
        changed = apart >= max(self.threshold, 1e-7)
        lot = float(uniform(self.seed, state.seen, 0, 1)[0])
        skip = not changed and not state.due and state.skipped < self.most and lot >= apart / max(self.threshold, 1e-7)
        if skip:
            self._state = SimilarityState(state.drawn, state.skipped + 1, 0, state.seen + 1)
        else:
            due = self.drain if changed else max(0, state.due - 1)
            self._state = SimilarityState(small, 0, due, state.seen + 1)
        return not skip

    def snapshot(self) -> SimilarityState:
        """What the filter remembers; a value."""
        return self._state

    def restore(self, state: SimilarityState) -> None:
        """Back to a snapshot."""
        self._state = state


def thumbnail(picture: np.ndarray | Tensor) -> Tensor:
    """A small float32 copy in 0..1, (3, 32, 32), by averaging areas. The type tells the range, never the content."""
    pixels = torch.as_tensor(picture)
    if pixels.ndim != 3:
        raise ValueError(f"a picture is uint8 (H, W, 3) or float (3, H, W), got shape {tuple(pixels.shape)}")
    if pixels.dtype == torch.uint8:
        pixels = pixels.permute(2, 0, 1).float() / 255
    return F.adaptive_avg_pool2d(pixels.float(), THUMBNAIL)
