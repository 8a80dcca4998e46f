"""Small pictures for the page, in the text of a message."""

from __future__ import annotations

import base64

import numpy as np

from studio.ui.mailbox import encode_jpeg

THUMBNAIL = 96  # pixels, at most


def data_url(picture: np.ndarray, most: int = THUMBNAIL) -> str:
    """Give a picture, uint8 (H, W, 3), as a JPEG of at most so many pixels a side, in a data URL."""
    step = max(1, -(-max(picture.shape[:2]) // most))
    small = np.ascontiguousarray(picture[::step, ::step])
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(small)).decode()
