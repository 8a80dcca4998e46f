"""Things pasted on a picture where strokes put them, to a part of a pixel. In numpy and Pillow alone: a replay is exact
whatever else is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from studio.trajectory import Placement

if TYPE_CHECKING:
    from PIL import Image

FAINT = 0.002  # alpha from which a pixel is seen to be covered
COARSE = 64  # cells a side, at most, over which colours are spread
Thing = tuple[np.ndarray, Placement]  # RGBA uint8 (h, w, 4), straight alpha, and where it is


def paste(picture: np.ndarray, things: Sequence[Thing]) -> tuple[np.ndarray, np.ndarray]:
    """Paste things on a picture (H, W, 3) uint8, a later one over an earlier: the picture, and alpha (H, W) float32.

    A thing's width is its placement's size, a share of the picture's width; its height keeps its shape, and its middle
    is at (x, y). It looks to the left as it is stored, and is mirrored where it faces right. What is out of the picture
    is cut off. alpha: 0..1, how much of the picture the things cover together. Their pixels are not to be written to
    from now on: of the last few the size that was asked for is remembered.
    """
    drawn, bare = picture.copy(), np.ones(picture.shape[:2], np.float32)
    for pixels, place in things:
        sprite, rows, columns = placed(pixels, place, picture.shape[:2])
        left = 255 - sprite[..., 3:].astype(np.uint16)
        under = drawn[rows, columns] * left + 128
        under += under >> 8  # with the next line a division by 255, to the nearest whole number
        drawn[rows, columns] = np.minimum((under >> 8) + sprite[..., :3], 255)
        bare[rows, columns] *= left[..., 0] * np.float32(1 / 255)
    return drawn, np.subtract(1, bare, out=bare)


def placed(pixels: np.ndarray, place: Placement, size: tuple[int, int]) -> tuple[np.ndarray, slice, slice]:
    """Give a thing as it lies on a picture of `size` (H, W): premultiplied uint8 (h, w, 4), its rows and columns."""
    height, width = size
    across = max(1, round(place.size * width))
    down = max(1, round(across * pixels.shape[0] / pixels.shape[1]))
    sprite = resized(Pixels(pixels), across, down, place.facing > 0)
    top, down = divmod(place.y * height - sprite.height / 2, 1)
    left, right = divmod(place.x * width - sprite.width / 2, 1)
    moved = np.asarray(shifted(sprite, down, right))
    rows, own_rows = overlap(int(top), moved.shape[0], height)
    columns, own_columns = overlap(int(left), moved.shape[1], width)
    return moved[own_rows, own_columns], rows, columns


@dataclass(frozen=True, eq=False)
class Pixels:
    """An array that is the same as itself alone, so that what was made of it can be found again."""

    array: np.ndarray

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pixels) and other.array is self.array

    def __hash__(self) -> int:
        return id(self.array)


@lru_cache(maxsize=32)
def resized(pixels: Pixels, width: int, height: int, mirrored: bool) -> Image.Image:
    """Give RGBA of another size, premultiplied, every pixel counted, with a clear rim of one pixel around it."""
    from PIL import Image, ImageOps

    whole = Image.fromarray(pixels.array).convert("RGBa").resize((width, height), Image.Resampling.HAMMING)
    rimmed = Image.new("RGBa", (width + 2, height + 2))
    rimmed.paste(ImageOps.mirror(whole) if mirrored else whole, (1, 1))
    return rimmed


def shifted(sprite: Image.Image, down: float, right: float) -> Image.Image:
    """Move a picture with a clear rim by parts of a pixel, in 0..1, down and to the right."""
    from PIL import Image

    moved = (1, 0, -right, 0, 1, -down)  # of each pixel, where it comes from
    return sprite.transform(sprite.size, Image.Transform.AFFINE, moved, Image.Resampling.BILINEAR)


def overlap(start: int, length: int, whole: int) -> tuple[slice, slice]:
    """Give which part of 0..whole a stretch covers, and which part of the stretch that is; empty where none."""
    first, last = min(max(start, 0), whole), min(max(start + length, 0), whole)
    return slice(first, last), slice(first - start, last - start) if last > first else slice(0, 0)


def filled(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill what is marked of a picture (H, W, 3) uint8 from what is around it; hole (H, W) in 0..1, or True and False.

    Pull and push: colours are averaged over ever larger squares until none is empty, and spread back from there. A
    picture that is all hole comes back as it is.
    """
    marked = hole > FAINT  # what shines through a soft edge is not the picture's own colour
    if marked.all() or not marked.any():
        return picture
    part = around(marked)
    whole, hole_there = picture.copy(), marked[part]
    whole[part][hole_there] = smoothed(picture[part], hole_there)[hole_there]
    return whole


def smoothed(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Give the colours (h, w, 3) uint8 that spread into a hole (h, w), worked out on at most `COARSE` cells a side."""
    from PIL import Image

    height, width = hole.shape
    step = -(-max(height, width) // COARSE)
    known = np.where(hole, np.uint8(0), np.uint8(255))
    cells = Image.fromarray(np.dstack([picture, known])).convert("RGBa").reduce(step)
    low = np.asarray(cells).astype(np.float32)
    colours, share = low[..., :3], low[..., 3:] / 255
    enough = np.minimum(1.0, step * share) / np.maximum(share, 1e-6)
    spread_out = np.rint(spread(colours * enough, share * enough).clip(0, 255)).astype(np.uint8)
    size = (spread_out.shape[1] * step, spread_out.shape[0] * step)
    return np.asarray(Image.fromarray(spread_out).resize(size, Image.Resampling.BILINEAR))[:height, :width]


def around(marked: np.ndarray) -> tuple[slice, slice]:
    """Give the rows and columns that hold all that is marked of (H, W), and what is near enough to fill it from."""
    ends = []
    for axis in (1, 0):
        places = np.flatnonzero(marked.any(axis))
        first, last = int(places[0]), int(places[-1]) + 1
        margin = max(8, (last - first) // 4)
        ends.append(slice(max(0, first - margin), min(marked.shape[1 - axis], last + margin)))
    return ends[0], ends[1]


def spread(colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Give colours (h, w, C), which are premultiplied by how far each is known (h, w, 1), where they are not known."""
    own = colours / np.maximum(known, 1e-6)
    if known.all() or max(known.shape[:2]) == 1:
        return own
    height, width = known.shape[:2]
    pad = ((0, height % 2), (0, width % 2), (0, 0))
    low, low_known = mean_of(np.pad(colours, pad), 2), mean_of(np.pad(known, pad), 2)
    share = np.minimum(1.0, 4 * low_known) / np.maximum(low_known, 1e-6)  # one pixel in four that is known is enough
    wide = doubled(spread(low * share, low_known * share))[:height, :width]
    return own * known + wide * (1 - known)


def mean_of(values: np.ndarray, step: int) -> np.ndarray:
    """Average squares of (h, w, C), h and w multiples of the step."""
    height, width, channels = values.shape
    return values.reshape(height // step, step, width // step, step, channels).mean((1, 3))


def doubled(values: np.ndarray) -> np.ndarray:
    """Spread (h, w, C) over twice the pixels, smoothly."""
    edge = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = np.empty((2 * values.shape[0], *edge.shape[1:]), np.float32)
    tall[0::2], tall[1::2] = 0.75 * edge[1:-1] + 0.25 * edge[:-2], 0.75 * edge[1:-1] + 0.25 * edge[2:]
    wide = np.empty((tall.shape[0], 2 * values.shape[1], values.shape[2]), np.float32)
    wide[:, 0::2] = 0.75 * tall[:, 1:-1] + 0.25 * tall[:, :-2]
    wide[:, 1::2] = 0.75 * tall[:, 1:-1] + 0.25 * tall[:, 2:]
    return wide
