"""Composites subjects on painted backgrounds at sub-pixel places, as tensors: the drawn world as a batch sees it.

Everything a training step or an evaluation needs is drawn here, in batches, by `grid_sample`; nothing is stored but
the sprite pack and the painted backgrounds.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from studio.models.pocket.appearance import placement

SIZE = 256
SPRITE = 128
COLUMNS = 16
PACK = Path(__file__).parent / "sprites"
# Light that falls on subjects, by time of day (linear multipliers of R, G, B).
LIGHT = {"day": (1.0, 1.0, 1.0), "sunset": (1.0, 0.90, 0.80), "night": (0.70, 0.76, 0.94), "dawn": (0.97, 0.92, 1.0)}


def pack_sprites(assets: Path, codes: dict[str, str], out: Path = PACK, name: str = "sprites", **quality: Any) -> None:
    """Writes the sprites of `codes` (label -> emoji code) found in `assets` as one atlas beside its labels.

    Lossless, unless `quality` says otherwise: options of Pillow's webp writer.
    """
    labels = sorted(codes)
    rows = -(-len(labels) // COLUMNS)
    atlas = Image.new("RGBA", (COLUMNS * SPRITE, rows * SPRITE))
    for number, label in enumerate(labels):
        sprite = Image.open(assets / f"{codes[label]}.webp").convert("RGBA")
        sprite = _trimmed(sprite).resize((SPRITE, SPRITE), Image.Resampling.LANCZOS)
        atlas.paste(sprite, (number % COLUMNS * SPRITE, number // COLUMNS * SPRITE))
    out.mkdir(parents=True, exist_ok=True)
    atlas.save(out / f"{name}.webp", **(quality or dict(lossless=True, quality=100, method=6)))
    (out / f"{name}.json").write_text(
        json.dumps({"labels": labels, "codes": codes}, ensure_ascii=False, indent=0), encoding="utf-8"
    )


def _trimmed(sprite: Image.Image) -> Image.Image:
    """The sprite's visible part, centred in a square with a 4 % margin, so that `size` means what is seen."""
    down, across = np.nonzero(np.asarray(sprite.getchannel("A")) > 12)
    left, top, right, bottom = map(int, (across.min(), down.min(), across.max() + 1, down.max() + 1))
    side = round(max(right - left, bottom - top) * 1.08)
    square = Image.new("RGBA", (side, side))
    square.paste(sprite.crop((left, top, right, bottom)), ((side - right + left) // 2, (side - bottom + top) // 2))
    return square


@dataclass(frozen=True)
class Sprites:
    """labels and their pictures: premultiplied RGBA in 0..1, (N, 4, 128, 128), and the same at half size."""

    labels: tuple[str, ...]
    full: Tensor
    half: Tensor
    shadow: Tensor  # (N, 1, 80, 80): a blurred silhouette 1.25 times the sprite's width

    def index(self, label: str) -> int:
        return self.labels.index(label)


@cache
def sprites(folder: Path = PACK) -> Sprites:
    """The subjects that a net is trained on."""
    return _unpacked(folder, "sprites")


@cache
def added() -> Sprites:
    """Subjects that no net is trained on (`vocabulary`)."""
    return _unpacked(PACK, "added")


@cache
def every_sprite() -> Sprites:
    """The trained subjects and then the added ones."""
    return joined(sprites(), added())


def joined(*packs: Sprites) -> Sprites:
    """All sprites of several packs, in their order."""
    pictures = (torch.cat([getattr(pack, name) for pack in packs]) for name in ("full", "half", "shadow"))
    return Sprites(tuple(label for pack in packs for label in pack.labels), *pictures)


def _unpacked(folder: Path, name: str) -> Sprites:
    labels = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["labels"]
    atlas = np.asarray(Image.open(folder / f"{name}.webp").convert("RGBA"))
    tiles = atlas.reshape(-1, SPRITE, COLUMNS, SPRITE, 4).transpose(0, 2, 4, 1, 3).reshape(-1, 4, SPRITE, SPRITE)
    full = torch.from_numpy(tiles[: len(labels)].copy()).float() / 255
    full[:, :3] *= full[:, 3:]
    return assembled(tuple(labels), full)


def assembled(labels: tuple[str, ...], full: Tensor) -> Sprites:
    """A pack of pictures, premultiplied RGBA in 0..1, (N, 4, 128, 128): their smaller copies and shadows are made."""
    half = F.avg_pool2d(full, 2)
    bell = torch.exp(-0.5 * (torch.arange(-7.0, 8.0) / 3.2) ** 2)
    bell = (bell / bell.sum()).view(1, 1, 1, -1)
    padded = F.pad(half[:, 3:], (15, 15, 15, 15))
    return Sprites(labels, full, half, F.conv2d(F.conv2d(padded, bell), bell.mT))


def composite(
    pictures: Tensor, subjects: Tensor, x, y, size, facing, light: Tensor, pack: Sprites | None = None
) -> tuple[Tensor, Tensor]:
    """Draws one subject on each picture with a soft shadow below it.

    Args:
        pictures: (N, 3, S, S) in 0..1. subjects: (N,) sprite numbers, -1 for none. x, y, size: (N,) in 0..1.
        facing: (N,) of +-1. light: (N, 3). pack: whose sprites; the trained subjects' if left out.
    Returns: pictures, and the subject's alpha (N, 1, S, S).
    """
    pack = pack or sprites()
    grid = placement(x, y, size, facing, pictures.shape[-1])
    number = subjects.clamp_min(0)
    small = size * pictures.shape[-1] <= 72
    drawn = torch.empty(len(pictures), 4, *pictures.shape[-2:])
    for chosen, level in ((small, pack.half), (~small, pack.full)):
        if chosen.any():
            drawn[chosen] = F.grid_sample(level[number[chosen]], grid[chosen], align_corners=False)
    there = (subjects >= 0).float()[:, None, None, None]
    drawn = drawn * there
    colour, alpha = drawn[:, :3] * light[:, :, None, None], drawn[:, 3:]
    below = placement(x, y + 0.05 * size, 1.25 * size, facing, pictures.shape[-1])
    shadow = F.grid_sample(pack.shadow[number], below, align_corners=False) * there
    return pictures * (1 - 0.38 * shadow) * (1 - alpha) + colour, alpha
