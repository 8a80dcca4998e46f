"""Words heard in a part of the picture: whose they are, and what share of what each place hears is theirs.

Prompt and regions stand side by side in cross-attention, each text's scores raised by the logarithm of its share there:
softmax(q k + log share) is the mean of what each text says alone, weighted by its share times the sum of its scores'
exponentials. A text whose share is 0 is not heard; where no region is, the prompt has all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.controls import Backdrop, lora_weights, regions, strokes
from studio.controls.region import MOST_REGIONS, grey_mask
from studio.controls.stroke import UNNAMED
from studio.trajectory import Placement, placements

if TYPE_CHECKING:
    from studio.conditioning import PromptStates
    from studio.controls import ControlState
    from studio.models.base import Model

Size = tuple[int, int]
Pictures = Sequence[Sequence[Placement]]  # where subjects are in each of some pictures, in one order
EDGE = 0.4  # of a subject's half width: how wide the soft edge is of the part where its label is heard


@dataclass(frozen=True, eq=False)
class RegionWords:
    """Words of a part of one frame. share: (h, w) float32 in 0..1 on the latent's cells, how much is heard of them."""

    states: PromptStates
    share: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", self.share.cpu())  # from a file it comes on the model's device


def words_by_region(
    model: Model, state: ControlState, frames: Sequence[int], placed: Sequence[Pictures] | None = None
) -> tuple[tuple[RegionWords, ...], ...]:
    """Give what is heard in parts of frames, by the pictures' numbers, beside the prompt; () where nothing is painted.

    Regions first, then the labels of strokes where the model hears them. They are at most 8 texts: of more labels the
    last painted ones, which are in front. placed: of each frame where subjects are in each of its pictures, where a
    frame stands for several.
    """
    able, painted, labels = model.capabilities, regions(state), labels_heard(model, state)
    if not able.hears_regions or not (painted or labels):
        return ()
    cells, loras = model.latent[1:], lora_weights(state)
    always = [
        RegionWords(model.prepare(one.text, loras), one.strength * mask_cells(one.mask, cells))
        for one in painted.values()
        if one.strength
    ]
    texts = {label: model.prepare(label, loras) for label in labels}
    aspect, share = model.size[0] / model.size[1], state[Backdrop].words
    if placed is None:
        placed = [(placements(strokes(state) if labels else {}, int(frame)),) for frame in frames]
    each = [
        [
            RegionWords(texts[ways[0].label], share * swept_cells(ways, cells, aspect))
            for ways in zip(*pictures, strict=True)
            if ways[0].label in texts
        ]
        for pictures in placed
    ]
    heard = tuple((*always, *moving) for moving in each)
    return heard if any(heard) else ()


def labels_heard(model: Model, state: ControlState) -> tuple[str, ...]:
    """Give the labels of strokes that are heard where their subjects are."""
    able = model.capabilities
    if able.strokes not in ("cutouts", "underpainting") or not (able.hears_regions and state[Backdrop].words):
        return ()
    room = MOST_REGIONS - len(regions(state))
    painted = (stroke.label for stroke, _ in reversed(strokes(state).values()))
    newest = dict.fromkeys(label for label in painted if label != UNNAMED)
    return tuple(newest)[: max(0, room)]


@lru_cache(maxsize=32)
def mask_cells(mask: bytes, cells: Size) -> Tensor:
    """Give the share of each cell (h, w) that a region's mask covers, float32; the mask is laid over all of them."""
    from PIL import Image

    small = grey_mask(mask).resize((cells[1], cells[0]), Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(small, np.float32) / 255)


def swept_cells(ways: Sequence[Placement], cells: Size, aspect: float) -> Tensor:
    """Give how much of each cell (h, w) is a subject's in any of some pictures, float32: the most in one of them."""
    return torch.stack([subject_cells(at, cells, aspect) for at in ways]).amax(0)


def subject_cells(at: Placement, cells: Size, aspect: float) -> Tensor:
    """Give how much of each cell (h, w) is a subject's, float32: a disc of its width with a soft edge.

    aspect: height of the picture over its width, of which sizes are shares.
    """
    down, across = ((torch.arange(count) + 0.5) / count for count in cells)
    far = torch.hypot((down[:, None] - at.y) * aspect, across[None] - at.x) / (at.size / 2)
    return ((1 + EDGE / 2 - far) / EDGE).clamp(0, 1)


@dataclass(frozen=True, eq=False)
class SideBySide:
    """What stands beside the prompt in one forward of F rows.

    texts: R texts, each once; shares: (F, 1 + R, h, w), how much is heard of the prompt and of each text.
    """

    texts: tuple[PromptStates, ...]
    shares: Tensor

    def bias(self, lengths: Sequence[int], grid: Size) -> Tensor:
        """Give what is added to the scores of cross-attention, (F, tokens, all states), float32.

        lengths: states of the prompt and of each text; grid: rows and columns of tokens, to which shares are averaged.
        """
        raised = F.adaptive_avg_pool2d(self.shares, grid).flatten(2).log()
        each = (raised[:, text, :, None].expand(-1, -1, length) for text, length in enumerate(lengths))
        return torch.cat(list(each), -1)


def side_by_side(rows: Sequence[Sequence[RegionWords]]) -> SideBySide:
    """Gather the words of rows of one forward; of one row's words that are the same the shares come together.

    What a row does not hear has the share 0 there. The prompt's is what all regions of a row leave of it.
    """
    texts = tuple(dict.fromkeys(one.states for row in rows for one in row))
    like = next(one.share for row in rows for one in row)
    shares = torch.stack([torch.stack(row_shares(row, texts, like)) for row in rows])
    return SideBySide(texts, shares)


def row_shares(row: Sequence[RegionWords], texts: Sequence[PromptStates], like: Tensor) -> list[Tensor]:
    """Give the shares (h, w) of a row's prompt and of each text."""
    rest = [
        math.prod([1 - one.share for one in row if one.states is states], start=torch.ones_like(like))
        for states in texts
    ]
    return [math.prod(rest, start=torch.ones_like(like)), *(1 - left for left in rest)]
