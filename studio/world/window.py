"""A camera on a picture: a window of it, enlarged to the whole. Pan is where it is, zoom how much smaller it is."""

import torch
import torch.nn.functional as F
from torch import Tensor


def window(pictures: Tensor, zoom: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Look at pictures (N, 3, H, W) through a window of 1/zoom their sides, as pictures of the same size.

    Bilinear, and whole at zoom 1, bit for bit. A window never shows less than a pixel a pixel, so nothing can alias.

    Args:
        zoom: (N,), 1 or more. x, y: (N,) the window's centre in 0..1; it is moved in where it would reach outside.
    Raises ValueError where zoom is below 1.
    """
    if bool((zoom < 1).any()):
        raise ValueError(f"a window has a zoom of 1 or more, not {float(zoom.min()):g}")
    half = 0.5 / zoom
    ones = torch.zeros(len(pictures), 2, 3, dtype=pictures.dtype, device=pictures.device)
    for axis, centre in enumerate((x, y)):
        ones[:, axis, axis] = 1 / zoom
        ones[:, axis, 2] = 2 * torch.minimum(torch.maximum(centre, half), 1 - half) - 1
    grid = F.affine_grid(ones, [*pictures.shape], align_corners=False)
    seen = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return torch.where((zoom == 1)[:, None, None, None], pictures, seen)


def seen(zoom: Tensor, x: Tensor, y: Tensor, at_x: Tensor, at_y: Tensor) -> tuple[Tensor, Tensor]:
    """Say where a place of the picture (at_x, at_y), each (N,) in 0..1, is in the window: beyond 0..1 it is outside."""
    half = 0.5 / zoom
    places = []
    for centre, at in ((x, at_x), (y, at_y)):
        clamped = torch.minimum(torch.maximum(centre, half), 1 - half)
        places.append(0.5 + (at - clamped) * zoom)
    return places[0], places[1]
