"""Things pasted on a picture where strokes put them, to a quarter of a pixel.

In numpy and Pillow alone: a replay is exact whatever else is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from studio.trajectory import Placement

PARTS = 4  # of a pixel: places are told apart so finely
FAINT = 0.002  # alpha from which a pixel is seen to be covered
COARSE = 32  # cells a side, at most, over which colours are spread
SQUARES = (8, 2, 1)  # of so many cells a side, over which they are averaged
Thing = tuple[np.ndarray, Placement]  # RGBA uint8 (h, w, 4), straight alpha, and where it is


def paste(picture: np.ndarray, things: Sequence[Thing]) -> tuple[np.ndarray, np.ndarray]:
    """Paste things on a picture (H, W, 3) uint8, a later one over an earlier: the picture, and alpha (H, W) float32.

    A thing's width is its placement's size, a share of the picture's width; its height keeps its shape, and its middle
    is at (x, y). It looks to the left as it is stored, and is mirrored where it faces right. What is out of the picture
    is cut off. alpha: 0..1, how much of the picture the things cover together. Their pixels are not to be written to
    from now on: how the last few were drawn is remembered.
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
    top, below = divmod(round(PARTS * (place.y * height - down / 2)), PARTS)
    left, beside = divmod(round(PARTS * (place.x * width - across / 2)), PARTS)
    sprite = drawn_at(Pixels(pixels), (across, down), place.facing > 0, (beside, below))
    rows, own_rows = overlap(top, sprite.shape[0], height)
    columns, own_columns = overlap(left, sprite.shape[1], width)
    return sprite[own_rows, own_columns], rows, columns


@dataclass(frozen=True, eq=False)
class Pixels:
    """An array that is the same as itself alone, so that what was made of it can be found again."""

    array: np.ndarray

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pixels) and other.array is self.array

    def __hash__(self) -> int:
        return id(self.array)


@lru_cache(maxsize=4 * 16)
def drawn_at(pixels: Pixels, size: tuple[int, int], mirrored: bool, moved: tuple[int, int]) -> np.ndarray:
    """Give RGBA premultiplied, uint8 (height + 1, width + 1, 4), of another size (width, height), every pixel counted.

    moved: to the right and down, in parts of a pixel, so many of `PARTS`.
    """
    from PIL import Image

    whole = np.asarray(Image.fromarray(pixels.array).convert("RGBa").resize(size, Image.Resampling.HAMMING))
    whole = whole[:, ::-1] if mirrored else whole
    right, down = moved
    rimmed = np.pad(whole, ((1, 1), (1, 1), (0, 0))).astype(np.uint32)
    tall = rimmed[1:] * (PARTS - down) + rimmed[:-1] * down
    wide = tall[:, 1:] * (PARTS - right) + tall[:, :-1] * right
    sprite = ((wide + PARTS**2 // 2) // PARTS**2).astype(np.uint8)
    sprite.flags.writeable = False
    return sprite


def overlap(start: int, length: int, whole: int) -> tuple[slice, slice]:
    """Give which part of 0..whole a stretch covers, and which part of the stretch that is; empty where none."""
    first, last = min(max(start, 0), whole), min(max(start + length, 0), whole)
    return slice(first, last), slice(first - start, last - start) if last > first else slice(0, 0)


def filled(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill what is marked of a picture (H, W, 3) uint8 from what is around it; hole (H, W) in 0..1, or True and False.

    Pull and push: colours are averaged over ever smaller squares, and where one is empty the larger one's are taken. A
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

    bilinear, (height, width) = Image.Resampling.BILINEAR, hole.shape
    step = -(-max(height, width) // COARSE)
    known = np.where(hole, np.uint8(0), np.uint8(255))
    cells = Image.fromarray(np.dstack([picture, known])).convert("RGBa").reduce(step)
    colours = cells.reduce(COARSE).convert("RGBA").convert("RGB")
    for size in SQUARES:
        low = np.asarray(cells.reduce(size) if size > 1 else cells).astype(np.float32)
        wide = np.asarray(colours.resize((low.shape[1], low.shape[0]), bilinear))
        share = low[..., 3:] / 255
        enough = np.minimum(1, size * share)  # a square that is known in part is known well enough
        mixed = low[..., :3] * (enough / np.maximum(share, 1e-6)) + wide * (1 - enough)
        colours = Image.fromarray(np.uint8(mixed.clip(0, 255) + 0.5))
    whole = colours.resize((colours.width * step, colours.height * step), bilinear)
    return np.asarray(whole)[:height, :width]


def around(marked: np.ndarray) -> tuple[slice, slice]:
    """Give the rows and columns that hold all that is marked of (H, W), and what is near enough to fill it from."""
    ends = []
    for axis in (1, 0):
        places = np.flatnonzero(marked.any(axis))
        first, last = int(places[0]), int(places[-1]) + 1
        margin = max(8, (last - first) // 4)
        ends.append(slice(max(0, first - margin), min(marked.shape[1 - axis], last + margin)))
    return ends[0], ends[1]
