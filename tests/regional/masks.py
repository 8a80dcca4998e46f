"""Masks of regions, as PNG bytes."""

import io
from functools import cache

import numpy as np
from PIL import Image

from studio.controls import Region


@cache
def mask(left=0.0, right=1.0, side=64, level=255):
    """White from `left` to `right` of the width."""
    pixels = np.zeros((side, side), np.uint8)
    pixels[:, round(left * side) : round(right * side)] = level
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


LEFT = Region("left", "a frozen lake", mask(0, 0.5))
RIGHT = Region("right", "a burning forest", mask(0.5, 1), 0.6)
WHOLE = Region("whole", "a city at night", mask())
