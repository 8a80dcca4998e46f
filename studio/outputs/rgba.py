"""Pictures as other programs want them."""

from __future__ import annotations

import numpy as np


def opaque(picture: np.ndarray) -> np.ndarray:
    """Give a picture, uint8 (H, W, 3), with a fourth channel of 255, contiguous."""
    filled = np.full((*picture.shape[:2], 4), 255, np.uint8)
    filled[..., :3] = picture
    return filled
