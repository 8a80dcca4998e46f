"""Subjects of one's own on the track map: which one a label names, and a plane of a picture without any training.

The transformer draws whatever plane stands on the map. Training turned the thumbnails of its subjects into planes much
as a 5x5 filter would (`studio.training.vocabulary` fits it and wrote `filter.safetensors`); the same filter makes a
plane of any other picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from studio.controls import OwnSubject
from studio.controls.subject import folded, named_exactly
from studio.models.pocket.appearance import KNOWN, PLANE, AppearanceMemory
from studio.models.pocket.guide import premultiplied

FILTER = "filter.safetensors"  # in the weights' folder; no part of what `weights_id` is made of
SAME = 0.999  # cosine from which on a label is a word that the memory has


def read_filter(folder: Path) -> Tensor | None:
    """Read the filter (4, 4, 5, 5) across channels of a weights' folder; None where there is none."""
    from safetensors.torch import load_file

    path = folder / FILTER
    return load_file(path)["filter"].float() if path.is_file() else None


def plane_of(pixels: np.ndarray, across: Tensor) -> Tensor:
    """Make the plane (1, 4, 48, 48), premultiplied, of a picture uint8 (s, s, 4) with straight alpha."""
    small = F.interpolate(
        premultiplied(pixels)[None], size=PLANE, mode="area" if pixels.shape[0] >= PLANE else "bilinear"
    )
    return F.conv2d(small, across, padding=across.shape[-1] // 2)


def named(
    label: str, owned: tuple[OwnSubject, ...], memory: AppearanceMemory, vector: Callable[[str], Tensor]
) -> OwnSubject | None:
    """Give the subject of one's own that a label names, None where it names none of them.

    It does by its name or a word of it, whatever the model knows by that; else, unless the label is itself a word of
    the model's, by saying the name among others; else by being as near to one of its words as a known label is to a
    key (`KNOWN`), and nearer than to any of the model's. vector: a text's, (1, 384), unit length.
    """
    if (exact := named_exactly(label, owned)) is not None or not owned:
        return exact
    mine = vector(label)
    known, said = float(memory.likeness(mine)), set(folded(label).split())
    saying = [one for one in owned if set(one.name.split()) <= said]
    if saying and known < SAME:
        return max(saying, key=lambda one: len(one.name))
    near = [max(float(mine @ vector(word).T) for word in one.words) for one in owned]
    best = max(range(len(owned)), key=near.__getitem__)
    return owned[best] if near[best] >= max(KNOWN, known) else None
