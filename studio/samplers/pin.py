"""The pin of two-clock drags: between steps, a row's clean latent is held to a reference where things were pasted.

x' = (1 - sigma) (mask r + (1 - mask) x0) + sigma noise (Time-to-Move, arXiv 2511.08633, on a few steps). What is pinned
hears the stroke down to the step that its stiffness chooses, the rest is the model's own from the first. No forward is
added; r is encoded once for a row and what is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.samplers.forward import to_device
from studio.trajectory import Placement
from studio.underpaint.reference import blank, course, key_of, origins, reference, things

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.models.base import Model, StreamEncoder
    from studio.samplers.rows import Row
    from studio.underpaint.reference import Places, Thing


@dataclass(frozen=True, eq=False)
class Pin:
    """What of a row is held, and to what.

    reference: latent (chunk, C, h, w); masks: how much of it counts at each re-noising, (steps - 1, chunk, 1, h, w) in
    0..1. places: where the things are in the row's last picture. key: names what it was made of.
    """

    reference: Tensor
    masks: Tensor
    places: tuple[Placement, ...]
    key: str

    def hold(self, clean: Tensor, step: int) -> Tensor:
        """Give a clean latent (chunk, C, h, w) with what is pinned in its place, on the way to a step, 1 the first."""
        return torch.lerp(clean, self.reference.to(clean), self.masks[step - 1].to(clean))


class Pins:
    """Pins the rows of one stream. `places`: where its things were in the last picture of the chunk that came out."""

    def __init__(self, model: Model, frame: int) -> None:
        """frame: the number of the next picture."""
        self.model, self.frame = model, frame
        self.shown: np.ndarray | None = None
        self.places: Places = ()
        self.told: object = None  # what was set when the rows in flight were pinned

    def clear(self) -> None:
        """Forget where things were: the next picture has none before it."""
        self.places = ()

    def watch(self, frame: int, shown: np.ndarray | None) -> None:
        """Take in the number of the next picture, and the one before it."""
        self.frame, self.shown = frame, shown

    def pin(self, rows: Sequence[Row], state: ControlState, is_cold: bool) -> tuple[Row, ...]:
        """Give the rows in flight, the oldest first, each with its pin. is_cold: nothing has come out before them."""
        if self.model.capabilities.strokes != "cutouts":
            return tuple(rows)
        moved = things(state)
        if not moved:
            return tuple(row if row.pin is None else replace(row, pin=None) for row in rows)
        frame, before, pinned = self.frame, self.places, []
        for row in rows:
            is_first = is_cold and not pinned
            count = self.pictures_of(row, is_first)
            if row.steps_left > 1 and (row.pin is None or state.slots is not self.told):
                row = self._pinned(row, moved, range(frame, frame + count), before, is_first)
            before = row.pin.places if row.pin else before
            frame += count
            pinned.append(row)
        return tuple(pinned)

    def take_out(self, row: Row, is_cold: bool) -> None:
        """Take in that a row has come out."""
        self.places = row.pin.places if row.pin else ()
        self.frame += self.pictures_of(row, is_cold)

    def pictures_of(self, row: Row, is_first: bool) -> int:
        """Count the pictures of a row."""
        several = self.model.capabilities.pictures
        return len(row.x) * several - (several - 1 if is_first else 0)

    def _pinned(self, row: Row, moved: Sequence[Thing], frames: range, before: Places, is_first: bool) -> Row:
        """Give a row with its pin, as it is where that is made of the same."""
        origin = {} if is_first else origins(moved, before)
        placed = course(moved, frames, origin)
        key = key_of(moved, placed, origin)
        if row.pin is not None and row.pin.key == key:
            return row
        shown = blank(self.model.size) if is_first or self.shown is None else self.shown
        held = [steps_held(thing.stroke.stiffness, len(row.sigmas) - 1) for thing in moved]
        levels = sorted(set(held))
        crude = reference(shown, moved, placed, origin, [[count >= level for count in held] for level in levels])
        latent = self._encoded(crude.pictures, None if is_first else shown)
        several = self.model.capabilities.pictures
        cells = [pooled(cover, latent.shape, several, is_first) for cover in crude.covers]
        none, steps = torch.zeros_like(cells[0]), range(1, len(row.sigmas))
        masks = [next((mask for mask, level in zip(cells, levels) if level >= step), none) for step in steps]
        masks[0] = torch.maximum(masks[0], pooled(crude.left[None], latent.shape, 1, False))
        stacked = to_device(torch.stack(masks), row.x.device)
        return replace(row, pin=Pin(latent.to(row.x.device), stacked, placed[-1], key))

    def _encoded(self, pictures: np.ndarray, shown: np.ndarray | None) -> Tensor:
        """Encode the pictures of a row, (m, H, W, 3) uint8, that follow the one that was shown: (chunk, C, h, w)."""
        encoder, several = self.model.video_encoder, self.model.capabilities.pictures
        if shown is None:
            return encode_clip(encoder, pictures, several)
        return encode_clip(encoder, np.concatenate([shown[None], pictures]), several)[1:]


def steps_held(stiffness: float, renoisings: int) -> int:
    """Give at how many re-noisings a thing is held: the first at stiffness 0, all of them at 1."""
    return 1 + round(stiffness * (renoisings - 1))


@torch.no_grad()
def encode_clip(encoder: StreamEncoder, pictures: np.ndarray, several: int) -> Tensor:
    """Encode a clip (1 + several n, H, W, 3) uint8 as latents (1 + n, C, h, w), float32.

    Where the encoder's lead leaves a last latent short, the last picture is repeated.
    """
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    missing = -(len(pixels) + encoder.lead) % several
    return encoder.encode(torch.cat([pixels, pixels[-1:].expand(missing, -1, -1, -1)]), encoder.start())[0]


def pooled(alpha: np.ndarray, latent: torch.Size, several: int, is_first: bool) -> Tensor:
    """Give alpha (m, H, W) of pictures as that of latents, (n, 1, h, w): a cell's mean, the most of its pictures."""
    (height, width), (rows, columns) = alpha.shape[1:], latent[2:]
    cells = F.avg_pool2d(torch.from_numpy(alpha)[:, None], (height // rows, width // columns))
    if is_first:
        cells = torch.cat([cells[:1].expand(several - 1, -1, -1, -1), cells])
    return cells.unflatten(0, (-1, several)).amax(1)
