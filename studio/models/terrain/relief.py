"""Heights to a picture: colours by height, and light from the upper left."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

HIGHEST = 22.16864013671875  # metres; these three are the package's own
LOW = 0.1  # metres below which heights are told about linearly, above it by their logarithm
CELL = 0.1  # metres from one height to the next
CLEARER = 4  # pixels a height's side
LIGHT = (-0.55, -0.55, 0.63)  # where it comes from: x to the right, y down, z up
COLOURS = (  # metres, and what is there
    (0.0, (38, 70, 104)),
    (0.08, (66, 116, 140)),
    (0.13, (203, 188, 142)),
    (0.35, (126, 146, 82)),
    (0.9, (78, 108, 66)),
    (1.7, (128, 116, 94)),
    (2.8, (150, 143, 136)),
    (4.0, (240, 242, 245)),
)


def heights_of(latent: Tensor) -> Tensor:
    """Give the heights in metres, 0 and more, of a latent in -1..1, of any shape."""
    share = ((latent + 1) / 2).clamp(0, 1)
    return LOW * torch.sinh(share * math.asinh(HIGHEST / LOW))


def relief(latent: Tensor) -> np.ndarray:
    """Give the picture of a latent (1, h, w): uint8 (4 h, 4 w, 3)."""
    fine = F.interpolate(latent[None].float(), scale_factor=CLEARER, mode="bicubic", align_corners=False)
    heights = heights_of(fine)[0, 0]
    light = shaded(heights).numpy()[..., None]
    return (coloured(heights.numpy()) * light).clip(0, 255).round().astype(np.uint8)


def shaded(heights: Tensor) -> Tensor:
    """Give how bright each place is, about 0.3..1.2: by the angle of its ground to the light."""
    edged = F.pad(heights[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    step = 2 * CELL / CLEARER
    dx, dy = (edged[1:-1, 2:] - edged[1:-1, :-2]) / step, (edged[2:, 1:-1] - edged[:-2, 1:-1]) / step
    x, y, z = LIGHT
    facing = (z - x * dx - y * dy) / (1 + dx.square() + dy.square()).sqrt()
    return 0.35 + 0.95 * facing.clamp(0, 1)


def coloured(heights: np.ndarray) -> np.ndarray:
    """Give the colours (h, w, 3) of heights in metres."""
    at, colours = zip(*COLOURS)
    return np.stack([np.interp(heights, at, channel) for channel in zip(*colours)], -1)
