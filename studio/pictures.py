"""Encoded pictures to pixels: decoded, turned upright, their middle cropped to a size. On the CPU, in bytes."""

from __future__ import annotations

import io
import warnings
from functools import lru_cache

import numpy as np

from studio.controls import ControlError

FEWEST_ACROSS = 8  # pixels a side: below that there is nothing to draw from
MOST_PIXELS = 64_000_000


@lru_cache(maxsize=8)
def pixels(data: bytes, size: tuple[int, int]) -> np.ndarray:
    """The picture in the bytes of a JPEG, PNG or WebP, uint8 (H, W, 3), read-only, at `size` (H, W).

    Upright, as the camera was held; the middle of it, its shape kept; what is transparent is black. The last few are
    remembered. Raises ControlError for bytes that are no whole picture, or one too small or too large.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    # Broken bytes come out of Pillow's readers as any of these.
    broken = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError)
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as picture:
            warnings.simplefilter("ignore")
            _check(picture.size)
            upright = ImageOps.exif_transpose(picture)
            fitted = np.asarray(ImageOps.fit(_rgb(upright), size[::-1], Image.Resampling.BICUBIC))
    except ControlError:
        raise
    except (*broken, OverflowError, MemoryError, Image.DecompressionBombError) as error:
        why = str(error)[:120] or type(error).__name__
        raise ControlError(
            f"picture of {len(data):,} bytes cannot be decoded ({why}); send a whole JPEG, PNG or WebP"
        ) from None
    fitted.setflags(write=False)
    return fitted


def _rgb(picture):
    """In RGB; what is transparent is black."""
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer).convert("RGB")


def _check(size: tuple[int, int]) -> None:
    """That a picture of this (width, height) can be drawn from."""
    width, height = size
    if min(size) < FEWEST_ACROSS:
        raise ControlError(
            f"picture is {width}x{height}, {FEWEST_ACROSS} pixels a side are the fewest; send it larger"
        )
    if width * height > MOST_PIXELS:
        raise ControlError(
            f"picture is {width}x{height}, at most {MOST_PIXELS:,} pixels are possible; send it smaller"
        )
