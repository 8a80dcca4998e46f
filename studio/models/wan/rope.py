"""Wan's rotary embedding in time, height and width (RoFormer, arXiv 2104.09864, split over three axes)."""

from __future__ import annotations

import torch
from torch import Tensor


def rope_3d(positions: Tensor, height: int, width: int, head: int, device: torch.device | str | None = None) -> Tensor:
    """Give tokens' rotations in time, height and width, as cosines and sines: (B, F) -> (B, F·tokens, 1, head/2, 2).

    Wan's split: 2·(head // 6) numbers each for height and width, the rest for time; theta 10000. The angles are taken
    in float64, on the CPU where the device has none; what is moved to `device` is float32.
    """
    positions = positions.cpu() if positions.device.type == "mps" else positions
    side = 2 * (head // 6)
    rows, columns = torch.arange(height, device=positions.device), torch.arange(width, device=positions.device)
    parts = zip((positions, rows, columns), (head - 2 * side, side, side), strict=True)
    time, row, column = (rope_freqs(places, size).to(device or positions.device) for places, size in parts)
    shape = (*positions.shape, height, width, -1, -1)
    table = [time[:, :, None, None].expand(shape), row[:, None].expand(shape), column.expand(shape)]
    return torch.cat(table, dim=-2).flatten(1, 3).unsqueeze(2)


def rope_freqs(places: Tensor, size: int) -> Tensor:
    """Give cosines and sines (..., size/2, 2), float32, of places (...) at `size` / 2 frequencies, theta 10000."""
    waves = 10000.0 ** -(torch.arange(0, size, 2, dtype=torch.float64, device=places.device) / size)
    angles = places.double()[..., None] * waves
    return torch.view_as_real(torch.polar(torch.ones_like(angles), angles).to(torch.complex64))


def apply_rope(x: Tensor, rotation: Tensor, heads: int) -> Tensor:
    """Rotate x (B, T, width) in heads: (B, T, heads, head); neighbours in a head are one complex number."""
    pairs = x.float().unflatten(-1, (heads, -1, 2))
    if torch.compiler.is_compiling():  # which fuses real numbers and not complex ones
        (real, imaginary), (cosine, sine) = pairs.unbind(-1), rotation.unbind(-1)
        parts = (real * cosine - imaginary * sine, real * sine + imaginary * cosine)
        return torch.stack(parts, -1).flatten(-2).to(x.dtype)
    return torch.view_as_real(torch.view_as_complex(pairs) * torch.view_as_complex(rotation)).flatten(-2).to(x.dtype)
