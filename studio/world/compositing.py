"""Composites subjects on painted backgrounds at sub-pixel places, as tensors: the drawn world as a batch sees it.

Everything a training step or an evaluation needs is drawn here, in batches, by `grid_sample`; nothing is stored but
the sprite pack and the painted backgrounds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from studio.models.pocket.appearance import placement
from studio.models.pocket.guide import level_for, sprite_levels
from studio.world.subject_pictures import codes, open_picture

SIZE = 256
# Light that falls on subjects, by time of day (linear multipliers of R, G, B).
LIGHT = {"day": (1.0, 1.0, 1.0), "sunset": (1.0, 0.90, 0.80), "night": (0.70, 0.76, 0.94), "dawn": (0.97, 0.92, 1.0)}


@dataclass(frozen=True)
class Sprites:
    """labels and their pictures: premultiplied RGBA in 0..1, float16, (N, 4, S, S) of each of `SIDES`, largest first.

    shadow: float32 (N, 1, 80, 80), a blurred silhouette 1.25 times the sprite's width.
    """

    labels: tuple[str, ...]
    levels: tuple[Tensor, ...]
    shadow: Tensor

    @property
    def full(self) -> Tensor:
        """(N, 4, 192, 192)."""
        return self.levels[0]

    def index(self, label: str) -> int:
        return self.labels.index(label)


@cache
def sprites() -> Sprites:
    """The subjects that a net is trained on."""
    return pack_of(codes("sprites"))


@cache
def added() -> Sprites:
    """Subjects that no net is trained on (`vocabulary`)."""
    return pack_of(codes("added"))


@cache
def every_sprite() -> Sprites:
    """The trained subjects and then the added ones."""
    return joined(sprites(), added())


def joined(*packs: Sprites) -> Sprites:
    """Give all sprites of several packs, in their order."""
    levels = tuple(torch.cat(level) for level in zip(*(pack.levels for pack in packs), strict=True))
    labels = tuple(label for pack in packs for label in pack.labels)
    return Sprites(labels, levels, torch.cat([pack.shadow for pack in packs]))


def pack_of(labels: Iterable[str]) -> Sprites:
    """Open the pictures of these subjects."""
    labels = tuple(labels)
    return sprites_of(labels, [open_picture(label) for label in labels])


def sprites_of(labels: Sequence[str], pictures: Sequence[NDArray[np.uint8]]) -> Sprites:
    """Make sprites of N square pictures (s, s, 4) with straight alpha."""
    levels = [sprite_levels(picture) for picture in pictures]
    whole = torch.stack([level[0][3:] for level in levels])
    bell = torch.exp(-0.5 * (torch.arange(-7.0, 8.0) / 3.2) ** 2)
    bell = (bell / bell.sum()).view(1, 1, 1, -1)
    padded = F.pad(F.avg_pool2d(whole, 3), (15, 15, 15, 15))
    halves = tuple(torch.stack(level).half() for level in zip(*levels, strict=True))
    return Sprites(tuple(labels), halves, F.conv2d(F.conv2d(padded, bell), bell.mT))


def placed(pack: Sprites, subjects: Tensor, grid: Tensor, pixels: Tensor) -> Tensor:
    """Draw sprites by their numbers (N,) on clear pictures: (N, 4, S, S), premultiplied; -1 draws nothing.

    grid: `placement`'s (N, S, S, 2). pixels: (N,) across each, which chooses its level.
    """
    drawn = torch.zeros(len(grid), 4, *grid.shape[1:3])
    chosen = level_for(pixels)
    for number, level in enumerate(pack.levels):
        here = (chosen == number) & (subjects >= 0)
        if here.any():
            drawn[here] = F.grid_sample(level[subjects[here]].float(), grid[here], align_corners=False)
    return drawn


def composite(
    pictures: Tensor, subjects: Tensor, x, y, size, facing, light: Tensor, pack: Sprites | None = None
) -> tuple[Tensor, Tensor]:
    """Draw one subject on each picture with a soft shadow below it.

    Args:
        pictures: (N, 3, S, S) in 0..1. subjects: (N,) sprite numbers, -1 for none. x, y, size: (N,) in 0..1.
        facing: (N,) of +-1. light: (N, 3). pack: whose sprites; the trained subjects' if left out.
    Returns: pictures, and the subject's alpha (N, 1, S, S).
    """
    made, drawn = stand(pictures, subjects, x, y, size, facing, light, pack)
    return made, drawn[:, 3:]


def stand(
    pictures: Tensor, subjects: Tensor, x, y, size, facing, light: Tensor, pack: Sprites | None = None
) -> tuple[Tensor, Tensor]:
    """Draw as `composite` does: pictures, and the subject as it is without light, (N, 4, S, S), premultiplied."""
    pack, side = pack or sprites(), pictures.shape[-1]
    drawn = placed(pack, subjects, placement(x, y, size, facing, side), size * side)
    below = placement(x, y + 0.05 * size, 1.25 * size, facing, side)
    there = (subjects >= 0).float()[:, None, None, None]
    shadow = F.grid_sample(pack.shadow[subjects.clamp_min(0)], below, align_corners=False) * there
    lit = drawn[:, :3] * light[:, :, None, None]
    return pictures * (1 - 0.38 * shadow) * (1 - drawn[:, 3:]) + lit, drawn


def over(under: Tensor, drawn: Tensor) -> Tensor:
    """Lay one picture, premultiplied RGBA, over another."""
    return drawn + under * (1 - drawn[:, 3:])
