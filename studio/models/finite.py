"""Weights and pictures that are numbers: a single NaN in a file makes every picture black, so it is refused where it is
read; and a model that overflows is told from one that draws black."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studio.models.errors import CheckpointError, NotFinite
from studio.models.weight_files import QUANTIZED


def is_finite(tensor: Tensor) -> bool:
    """Whether there is neither NaN nor infinity in a tensor; whole numbers and tensors without data are finite."""
    if not tensor.is_floating_point() or tensor.is_meta or not tensor.numel():
        return True
    ready = tensor.float() if tensor.element_size() == 1 else tensor  # 8-bit floats know no order
    return all(bool(end.isfinite()) for end in ready.aminmax())  # the ends, and NaN is one: no copy is made


def check_finite(weights: Iterable[tuple[str, Tensor]], source: Path | str) -> None:
    """Raise CheckpointError for the first of the named weights that holds NaN or infinity; source: where they stand.

    For one of whole numbers too, see `check_unpacked`.
    """
    for name, weight in weights:
        check_unpacked(name, weight, source)
        if not is_finite(weight):
            wrong = int((~weight.float().isfinite()).sum())
            raise CheckpointError(
                f"{source} holds numbers that are not finite: {wrong:,} of the {weight.numel():,} in {name} are NaN or "
                "infinite, and every picture would be black. Download it again, or get another file: its training or "
                "conversion went wrong."
            )


def check_unpacked(name: str, weight: Tensor, source: Path | str) -> None:
    """Raise CheckpointError for a matrix of whole numbers: a quantized weight, which is another without its scale."""
    if weight.ndim < 2 or weight.is_floating_point() or "position_ids" in name:
        return
    raise CheckpointError(
        f"{source} holds {name} in whole numbers ({str(weight.dtype).removeprefix('torch.')}): {QUANTIZED}"
    )


def to_pictures(parts: Iterable[Tensor]) -> list[np.ndarray]:
    """Give uint8 (H, W, 3) pictures of pixels (F, 3, H, W) in 0..255, on any device, part by part.

    Raises NotFinite, with the pictures, where a pixel is no number: it would be black without a word.
    """
    made, finite = [], []
    for pixels in parts:
        finite.append(pixels.sum().isfinite())
        made.append(pixels.round().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1))
    pictures = list(torch.cat(made).contiguous().cpu().numpy())
    if not bool(torch.stack(finite).all()):
        raise NotFinite(pictures)
    return pictures
