"""Files of things that were cut out."""

import io

import numpy as np
from PIL import Image


def png(width=12, height=8, alpha=None, kind="PNG"):
    """The bytes of a thing on a transparent ground, or of one with this alpha all over."""
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., :3] = (200, 90, 30)
    pixels[1:-1, 1:-1, 3] = 255
    if alpha is not None:
        pixels[..., 3] = alpha
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()
