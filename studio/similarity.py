"""Is this picture new enough to draw? StreamDiffusion's stochastic similarity filter, in a form that cannot mislead.

The original takes a cosine in half precision: identical grey frames are drawn, a change of brightness is not seen, and
after a cut the old picture stays for dozens of frames. Here the measure is the root mean square difference of small
float32 thumbnails, and after a change the steps in flight are let out before anything is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.controls import (
    Backdrop,
    Sampling,
    Structure,
    active_prompts,
    lora_weights,
    own_subjects,
    regions,
    strokes,
)
from studio.noise import uniform

if TYPE_CHECKING:
    from studio.controls import ControlState

THUMBNAIL = 32
TILE = 8  # latent cells
IDENTICAL = 1e-7

Box = tuple[slice, slice]  # rows and columns of a latent


@dataclass(frozen=True, eq=False)
class SimilarityState:
    """What the filter remembers.

    drawn: the thumbnail of the picture that the last drawn frame was drawn from; key: what else that was drawn under;
    skipped: frames left out since; due: frames still to be drawn whatever they look like; frames: all it was asked of.
    """

    drawn: Tensor | None = None
    key: object = None
    skipped: int = 0
    due: int = 0
    frames: int = 0


NO_PICTURE = torch.zeros(3, 0, 0)  # its thumbnail


class SimilarityFilter:
    """Lets a frame be skipped when its picture is like the last one drawn, the more surely the more alike they are.

    threshold: the difference, 0..1, from which a picture is always drawn; below it the chance to skip rises evenly to 1
    for identical pictures (arXiv 2312.12491, section 3.5). most: the most skips in a row. drain: frames drawn after a
    change whatever they look like: those in flight, which come out before the one that changed.
    """

    def __init__(
        self,
        threshold: float = 0.02,
        most: int = 10,
        drain: int = 0,
        seed: int = 0,
        state: SimilarityState | None = None,
    ) -> None:
        if not 0 <= threshold <= 1 or most < 0 or drain < 0:
            raise ValueError(f"threshold is 0..1, most and drain 0 or more; got {threshold}, {most} and {drain}")
        self.threshold, self.most, self.drain, self.seed = max(threshold, IDENTICAL), most, drain, seed
        self._state = state or SimilarityState()

    def is_new(self, picture: np.ndarray | Tensor | None, key: object = None) -> bool:
        """Tell whether to draw a frame from this picture: uint8 (H, W, 3), or float (3, H, W) in 0..1, or none at all.

        key: what else it is drawn under (`conditioning_key`); another than the last drawn frame's is a change. The
        first frame always is new.
        """
        state, small = self._state, NO_PICTURE if picture is None else thumbnail(picture)
        apart = 1.0 if state.key != key else difference(state.drawn, small)
        changed = apart >= self.threshold
        chance = float(uniform(self.seed, state.frames, 0, 1)[0])
        skip = not changed and not state.due and state.skipped < self.most and chance >= apart / self.threshold
        if skip:
            self._state = SimilarityState(state.drawn, state.key, state.skipped + 1, 0, state.frames + 1)
        else:
            due = self.drain if changed else max(0, state.due - 1)
            self._state = SimilarityState(small, key, 0, due, state.frames + 1)
        return not skip

    def snapshot(self) -> SimilarityState:
        """Give what the filter remembers; a value."""
        return self._state

    def restore(self, state: SimilarityState) -> None:
        """Go back to a snapshot."""
        self._state = state


def conditioning_key(state: ControlState, seen: bool = False) -> tuple[object, ...]:
    """Give all that a frame is told beside its picture: equal for two frames that differ in nothing else.

    seen: whether the picture shows where strokes are; of them only the labels count then, which are heard.
    """
    painted = strokes(state)
    labels = tuple(stroke.label for stroke, _ in painted.values())
    moving = (labels if seen else (painted, state.frame)) if painted else None  # what is painted may move
    backdrop = state[Backdrop].words, state[Backdrop].source == "none"
    words = active_prompts(state), regions(state), own_subjects(state) if painted else (), backdrop
    return words, state[Sampling], state[Structure], lora_weights(state), moving


def difference(drawn: Tensor | None, small: Tensor) -> float:
    """Give the root mean square difference of two thumbnails, 0..1; 1 if there is only one."""
    if drawn is None or drawn.shape != small.shape:
        return 1.0
    return float((small - drawn).square().mean().sqrt()) if small.numel() else 0.0


def thumbnail(picture: np.ndarray | Tensor) -> Tensor:
    """Give a small float32 copy in 0..1, (3, 32, 32), by averaging areas; the type tells the range, not the content."""
    return mean_colours(picture, (THUMBNAIL, THUMBNAIL))


def mean_colours(picture: np.ndarray | Tensor, size: tuple[int, int]) -> Tensor:
    """Give a picture's mean colours on a grid of `size` (h, w), float32 (3, h, w) in 0..1."""
    pixels = picture if isinstance(picture, Tensor) else torch.tensor(picture)
    if pixels.ndim != 3:
        raise ValueError(f"a picture is uint8 (H, W, 3) or float (3, H, W), got shape {tuple(pixels.shape)}")
    if pixels.dtype == torch.uint8:
        pixels = pixels.permute(2, 0, 1).float() / 255
    return F.adaptive_avg_pool2d(pixels.float(), size)


def changed_box(drawn: Tensor, now: Tensor, threshold: float) -> Box | None:
    """Give the smallest box of whole tiles (8x8 cells) that holds every cell (3, h, w) that differs; None if none does.

    A cell differs from the threshold on, by the root mean square of its colours: one that does is enough for its tile.
    """
    differs = (now - drawn).square().mean(0).sqrt() >= max(threshold, IDENTICAL)
    if not differs.any():
        return None
    return tile_span(differs.any(1)), tile_span(differs.any(0))


def tile_span(differs: Tensor) -> slice:
    """Give the whole tiles from the first to the last of the places (n,) that differ; the last tile may be smaller."""
    places = differs.nonzero()
    first, last = int(places.min()) // TILE, int(places.max()) // TILE
    return slice(first * TILE, min(len(differs), (last + 1) * TILE))


def grow_box(box: Box, size: tuple[int, int]) -> Box:
    """Give the box with a tile more on each side, inside of `size` (h, w)."""
    rows, columns = (
        slice(max(0, part.start - TILE), min(most, part.stop + TILE)) for part, most in zip(box, size, strict=True)
    )
    return rows, columns


def box_within(box: Box, part: Box) -> Box:
    """Tell where a part of the whole is within a box of it."""
    rows, columns = (
        slice(inner.start - outer.start, inner.stop - outer.start) for outer, inner in zip(box, part, strict=True)
    )
    return rows, columns
