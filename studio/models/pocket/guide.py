"""What the decoder is told of strokes: the subjects' own pictures where they stand, at the picture's resolution."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from studio.models.pocket.appearance import placement
from studio.trajectory import Placement

SIDES = (192, 96, 48)  # of a picture's levels, each the mean of 2x2 of the one before
Levels = tuple[Tensor, ...]  # (4, S, S) of each of `SIDES`, premultiplied RGBA in 0..1


def premultiplied(picture: NDArray[np.uint8]) -> Tensor:
    """Give a picture (h, w, 4) with straight alpha as premultiplied RGBA in 0..1: (4, h, w)."""
    values = torch.tensor(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255
    return torch.cat([values[:3] * values[3:], values[3:]])


def sprite_levels(picture: NDArray[np.uint8]) -> Levels:
    """Make the levels of a square picture (s, s, 4) with straight alpha; one that is smaller is enlarged."""
    whole = premultiplied(picture)
    if whole.shape[-1] != SIDES[0]:
        whole = F.interpolate(whole[None], size=(SIDES[0], SIDES[0]), mode="bilinear", antialias=True)[0]
    levels = [whole]
    for _ in SIDES[1:]:
        levels.append(F.avg_pool2d(levels[-1][None], 2)[0])
    return tuple(levels)


def level_for(pixels: Tensor) -> Tensor:
    """Give the numbers of the levels from which subjects of a width in pixels are drawn: the smallest that is as wide.

    A larger one would be sampled with holes, a smaller one is blurred.
    """
    return torch.stack([pixels <= side for side in SIDES[1:]]).sum(0)


def draw_guide(painted: Sequence[tuple[Levels, Placement]], side: int) -> Tensor:
    """Draw (1, 4, side, side) of what is painted in a frame, in its order; premultiplied, without light.

    Only where a subject stands anything is computed.
    """
    guide = torch.zeros(1, 4, side, side)
    for levels, one in painted:
        x, y, size, facing = torch.tensor([(one.x, one.y, one.size, -one.facing)]).unbind(1)  # stored looking left
        if one.size <= 0:
            continue
        rows, columns = (_span(at, one.size, side) for at in (one.y, one.x))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        level = levels[int(level_for(size * side))]
        grid = placement(x, y, size, facing, side)[:, rows, columns]
        drawn = F.grid_sample(level[None], grid, align_corners=False)
        under = guide[:, :, rows, columns]
        guide[:, :, rows, columns] = drawn + under * (1 - drawn[:, 3:])
    return guide


def _span(middle: float, size: float, side: int) -> slice:
    """Give the pixels that a subject can touch along an axis, with one beside it for what is mixed at its edge."""
    first, last = (middle - size / 2) * side - 1.5, (middle + size / 2) * side + 1.5
    return slice(max(0, int(first)), min(side, int(last) + 1))
