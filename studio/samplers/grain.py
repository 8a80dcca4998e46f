"""Noise that goes along with what is painted and with the camera, in place of noise that is new in every frame.

A stream carries one field of noise at the resolution of pixels, which each picture's flow moves on (RealWonder, arXiv
2603.05449, by Go-with-the-Flow's warper); a chunk begins from, and is noised anew by, what its cells gather of it. Half
of its channels are for the beginning, the other half for every step after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from studio.controls import Sampling, strokes
from studio.geometry.camera import camera_step
from studio.geometry.flow import flow_between
from studio.geometry.noise_warp import NoiseField, degraded, latent_noise, new_field, warp_noise
from studio.trajectory import Placement, glide, place

if TYPE_CHECKING:
    from studio.controls import ControlState, Stroke
    from studio.models.base import Capabilities, Model
    from studio.samplers.rows import Row

Places = tuple[Placement, ...]


@dataclass(frozen=True, eq=False)
class Grain:
    """The noise that one stream carries along.

    field: as it lies in a picture; seed: what it is drawn by; places: where the subjects are in that picture.
    """

    field: NoiseField
    seed: int
    places: Places


@dataclass(frozen=True, eq=False)
class Carried:
    """A chunk's part of it. noise: (chunk, 2 C, h, w); after: the grain in its last picture."""

    noise: Tensor
    after: Grain


def carry(grain: Grain | None, model: Model, state: ControlState, pictures: range, counts: Sequence[int]) -> Carried:
    """Carry noise on through the pictures of a chunk.

    pictures: their numbers; counts: how many each latent frame stands for, of which the last one's noise is its. None
    before it, or another seed: it begins at the chunk's first picture.
    """
    (channels, *cells), seed = model.latent, state[Sampling].seed
    if grain is None or grain.seed != seed:
        grain = Grain(new_field(model.size, 2 * channels, seed, pictures[0]), seed, ())
    places = glided(strokes(state), pictures, {one.id: one for one in grain.places})
    flows = [
        flow_between(before, now, model.size, camera_step(state, picture, model.size))
        for before, now, picture in zip([grain.places, *places], places, pictures)
    ]
    field, latents = grain.field, []
    for first, end in pairwise([0, *accumulate(counts)]):
        field = warp_noise(field, flows[first:end], seed, pictures[first], in_place=field is not grain.field)
        latents.append(latent_noise(field, (cells[0], cells[1])))
    return Carried(torch.stack(latents).to(model.device), Grain(field, seed, places[-1]))


def glided(painted: Mapping[str, tuple[Stroke, int]], pictures: range, before: Mapping[str, Placement]) -> list[Places]:
    """Give the subjects' places in each picture of a chunk; a dragged one goes evenly from where it was to the hand."""
    rows = []
    for number, picture in enumerate(pictures, 1):
        share = number / len(pictures)
        rows.append(
            tuple(
                glide(stroke, before.get(id), place(stroke, picture - since), share)
                for id, (stroke, since) in painted.items()
            )
        )
    return rows


def grain_after(rows: Sequence[Row], grain: Grain | None) -> Grain | None:
    """Give the grain as rows in flight leave it, or as it was where none is in flight; None where the last has none."""
    if not rows:
        return grain
    return rows[-1].grain.after if rows[-1].grain else None


def carried_noise(carried: Carried, step: int, fresh: Tensor, follow: float) -> Tensor:
    """Give a chunk's noise at a step (chunk, C, h, w): what was carried along, by a share, and fresh for the rest."""
    first, later = carried.noise.chunk(2, dim=1)
    return degraded(first if step == 0 else later, fresh, follow)


def grain_bytes(able: Capabilities, rows: int) -> int:
    """Compute what a stream's grain takes: its fields, and what so many latent frames in flight have of it."""
    channels, height, width = able.latent
    fields = 1 + rows // able.chunk
    return fields * prod(able.size) * (8 * channels + 8) + rows * 8 * channels * height * width
