"""Pictures that come in: decoded, turned upright, cropped to a size; and their edges. On the CPU, in bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from studio.controls import ControlError, image_file
from studio.controls.image_file import on_paper

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST = image_file.LARGEST  # pixels altogether
REMEMBERED = 16  # decoded pictures
WEAK, STRONG = 100, 200  # of the edges' slope, as ControlNets for Canny edges are shown it


@lru_cache(maxsize=REMEMBERED)
def decoded(data: bytes, size: tuple[int, int]) -> np.ndarray:
    """Decode a picture file, uint8 (H, W, 3): upright, on white, its middle cropped to the shape of `size` (H, W).

    Raises ControlError for bytes that are no picture, or one too small or too large to draw from. The last few are
    remembered, read-only: whoever sent one, the similarity filter and the model all look at it.
    """
    with image_file.reading(data) as picture:
        picture.draft("RGB", (2 * size[1], 2 * size[0]))  # a large JPEG is decoded no larger than is of use
        check_shape(picture.size)
        pixels = fitted(image_file.seen(picture), size)
    pixels.flags.writeable = False
    return pixels


def as_bytes(picture: object, signed: bool = False) -> np.ndarray:
    """Give a picture held as an array or a PIL image as uint8 (H, W, 3).

    Arrays are uint8, or floats in [0, 1], or with `signed` in [-1, 1]. What the numbers mean is declared and never
    guessed from them, so that a bright picture is not read as another kind of picture than a dark one.
    """
    from PIL import Image

    if isinstance(picture, Image.Image):
        return np.asarray(on_paper(image_file.seen(picture)))
    array = np.asarray(picture)
    if array.ndim != 3 or array.shape[2] != 3:
        raise ControlError(f"a picture is (height, width, 3), got {array.shape}; put the channels last, without alpha")
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise ControlError(f"a picture is uint8 or float, got {array.dtype}; convert it")
    low = -1.0 if signed else 0.0
    if not (array.min(initial=low) >= low and array.max(initial=1.0) <= 1.0):  # a NaN fails too
        raise ControlError(
            f"a float picture is in [{low:g}, 1], got {array.min():g} to {array.max():g}; scale it or declare it signed"
        )
    return np.round((array - low) / (1 - low) * 255).astype(np.uint8)


def cropped(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crop uint8 (h, w, 3) to (H, W, 3): the middle of the picture, in the shape of `size` (H, W)."""
    from PIL import Image

    if pixels.shape[:2] == tuple(size):
        return pixels
    check_shape((pixels.shape[1], pixels.shape[0]))
    return fitted(Image.fromarray(pixels), size)


def fitted(picture: Image, size: tuple[int, int]) -> np.ndarray:
    """Give the middle of a picture, resampled to `size` (H, W): uint8 (H, W, 3)."""
    from PIL import Image, ImageOps

    return np.asarray(ImageOps.fit(on_paper(picture), (size[1], size[0]), Image.Resampling.BICUBIC))


def check_shape(size: tuple[int, int]) -> None:
    """Raise ControlError unless a picture of this (width, height) can be drawn from."""
    image_file.check_shape(size, LARGEST)


def edges(pixels: np.ndarray) -> np.ndarray:
    """Find the edges of a picture, uint8 (H, W, 3) -> (H, W, 3): white lines, one pixel wide, on black.

    Canny's detector (IEEE PAMI 1986): slopes of the smoothed grey picture, thinned across the edge, and of the weak
    ones those that touch a strong one.
    """
    from PIL import Image, ImageFilter

    grey = Image.fromarray(pixels).convert("L").filter(ImageFilter.GaussianBlur(1))
    padded = np.pad(np.asarray(grey, np.int32), 1, mode="edge")
    across = padded[:, 2:] - padded[:, :-2]
    down = padded[2:] - padded[:-2]
    slope_x = across[:-2] + 2 * across[1:-1] + across[2:]
    slope_y = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    slope = np.abs(slope_x) + np.abs(slope_y)
    thin = slope * _is_ridge(slope, slope_x, slope_y)
    lines = _touching(thin >= WEAK, thin >= STRONG)
    return np.repeat(lines[:, :, None].astype(np.uint8) * 255, 3, 2)


def _is_ridge(slope: np.ndarray, slope_x: np.ndarray, slope_y: np.ndarray) -> np.ndarray:
    """Mark where the slope is highest across its own direction, (H, W)."""
    around = np.pad(slope, 1)
    height, width = slope.shape
    flat = np.abs(slope_y) * 5 < np.abs(slope_x) * 2  # tan 22.5° is nearly 2/5
    steep = np.abs(slope_x) * 5 < np.abs(slope_y) * 2
    falling = slope_x * slope_y > 0
    ridge = np.zeros(slope.shape, bool)
    ways = ((flat, 0, 1), (steep & ~flat, 1, 0), (~flat & ~steep & falling, 1, 1), (~flat & ~steep & ~falling, 1, -1))
    for where, y, x in ways:
        before = around[1 - y : 1 - y + height, 1 - x : 1 - x + width]
        after = around[1 + y : 1 + y + height, 1 + x : 1 + x + width]
        ridge |= where & (slope > before) & (slope >= after)
    return ridge


def _touching(weak: np.ndarray, strong: np.ndarray) -> np.ndarray:
    """Mark what of `weak` is joined to `strong` by a chain of neighbours."""
    while True:
        wide = np.pad(strong, 1)
        wide = wide[:-2] | wide[1:-1] | wide[2:]
        grown = (wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]) & weak
        if (grown == strong).all():
            return strong
        strong = grown
