"""The pin of two-clock drags: between steps, a row's clean latent is held to a reference where things were pasted.

x' = (1 - sigma) (mask r + (1 - mask) x0) + sigma noise (Time-to-Move, arXiv 2511.08633, on a few steps). What is pinned
is held down to the step that its stiffness chooses, at the stiffest in the clean latent that comes out too: the frames
to come then remember it where it is. The rest is the model's own from the first. No forward is added; r is encoded once
for a row and what is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.controls import Camera, strokes
from studio.geometry.camera import STILL, camera_between
from studio.models.base import encode_whole
from studio.regional import labels_heard
from studio.samplers.forward import to_device
from studio.samplers.grain import glided
from studio.trajectory import Placement
from studio.underpaint.reference import blank, course, key_of, origins, reference, things

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.models.base import Model, StreamEncoder
    from studio.samplers.rows import Row
    from studio.underpaint.reference import Places, Thing, Views


@dataclass(frozen=True, eq=False)
class Pin:
    """What of a row is held, and to what.

    reference: latent (chunk, C, h, w); masks: how much of it counts after each step, (steps, chunk, 1, h, w) in 0..1.
    places: where the things are in the row's last picture. key: names what it was made of.
    """

    reference: Tensor
    masks: Tensor
    places: tuple[Placement, ...]
    key: str

    def hold(self, clean: Tensor, step: int) -> Tensor:
        """Give a clean latent (chunk, C, h, w) with what is pinned in its place, after so many steps, 1 the first."""
        return torch.lerp(clean, self.reference.to(clean), self.masks[step - 1].to(clean))


class Pins:
    """Pins the rows of one stream. `places`: where its things were in the last picture of the chunk that came out."""

    def __init__(self, model: Model, frame: int) -> None:
        """frame: the number of the next picture."""
        self.model, self.frame = model, frame
        self.shown: np.ndarray | None = None
        self.clear()

    def clear(self) -> None:
        """Forget where things were: the next picture has none before it."""
        self.restore(())

    def restore(self, places: Places) -> None:
        """Go back to where things were; what the rows in flight hold was pinned under other strokes, maybe."""
        self.places: Places = places
        # What is set, and the picture that is next, now and at the last good tick: while both stay, so do the pins.
        self._told: tuple[object, int] = (None, self.frame)
        self._told_last = self._told

    def watch(self, frame: int, shown: np.ndarray | None) -> None:
        """Take in the number of the next picture, and the one before it."""
        self.frame, self.shown = frame, shown

    def pin(self, rows: Sequence[Row], state: ControlState, is_cold: bool) -> tuple[Row, ...]:
        """Give the rows in flight, the oldest first, each with its pin. is_cold: nothing has come out before them."""
        if self.model.capabilities.strokes != "cutouts":
            return tuple(rows)
        self._told = state.slots, self.frame
        is_told = self._told_last[0] is self._told[0] and self._told_last[1] == self._told[1]
        moved = things(state)
        if not (moved or state[Camera].moves):
            return tuple(row if row.pin is None else replace(row, pin=None) for row in rows)
        last, before, pinned = self.frame - 1, self.places, []
        for row, frames in zip(rows, self.numbers(rows, is_cold), strict=True):
            is_first = is_cold and not pinned
            views = [STILL if is_first else camera_between(state, last, at, self.model.size) for at in frames]
            if not moved and all(view is STILL for view in views):
                row = replace(row, pin=None)
            elif row.pin is None or not is_told:
                row = self._pinned(row, moved, frames, before, views, is_first)
            before = row.pin.places if row.pin else before
            pinned.append(row)
        return tuple(pinned)

    def placed(self, rows: Sequence[Row], state: ControlState, is_cold: bool) -> list[tuple[Places, ...]] | None:
        """Give, of each latent frame of rows that were pinned, where subjects are in each of its pictures.

        What is dragged goes on to the hand as its pin does. None where no label of theirs is heard.
        """
        if not labels_heard(self.model, state):
            return None
        painted, moved, before, placed = strokes(state), things(state), self.places, []
        several = self.model.capabilities.pictures
        for row, frames in zip(rows, self.numbers(rows, is_cold), strict=True):
            is_first = is_cold and not placed
            ways = glided(painted, frames, {} if is_first else origins(moved, before))
            ends = range(1 if is_first else several, len(ways) + 1, several)
            placed += [tuple(ways[max(0, end - several) : end]) for end in ends]
            before = row.pin.places if row.pin else before
        return placed

    def numbers(self, rows: Sequence[Row], is_cold: bool) -> list[range]:
        """Give the numbers of the pictures of rows in flight, the oldest first."""
        counts = [self.pictures_of(row, is_cold and not place) for place, row in enumerate(rows)]
        return [range(start, start + count) for count, start in zip(counts, accumulate(counts, initial=self.frame))]

    def commit(self) -> None:
        """Take in that the rows which were pinned have been through their step: after one that failed all are anew."""
        self._told_last = self._told

    def take_out(self, row: Row, is_cold: bool) -> None:
        """Take in that a row has come out."""
        self.places = row.pin.places if row.pin else ()
        self.frame += self.pictures_of(row, is_cold)

    def pictures_of(self, row: Row, is_first: bool) -> int:
        """Count the pictures of a row."""
        several = self.model.capabilities.pictures
        return len(row.x) * several - (several - 1 if is_first else 0)

    def pictures_after(self, rows: Sequence[Row], is_empty: bool, length: int) -> tuple[range, list[int]]:
        """Give the numbers of the pictures of a row behind these, and how many each of its latent frames stands for.

        is_empty: nothing has come out before the rows; length: latent frames of the row.
        """
        first = self.frame + sum(self.pictures_of(row, is_empty and not place) for place, row in enumerate(rows))
        several, is_cold = self.model.capabilities.pictures, is_empty and not rows
        counts = [1 if is_cold and not place else several for place in range(length)]
        return range(first, first + sum(counts)), counts

    def _pinned(
        self, row: Row, moved: Sequence[Thing], frames: range, before: Places, views: Views, is_first: bool
    ) -> Row:
        """Give a row with its pin, as it is where that is made of the same."""
        origin = {} if is_first else origins(moved, before)
        placed = course(moved, frames, origin)
        key = key_of(moved, placed, origin, views)
        if row.pin is not None and row.pin.key == key:
            return row
        shown = blank(self.model.size) if is_first or self.shown is None else self.shown
        held = [steps_held(thing.stroke.stiffness, len(row.sigmas)) for thing in moved]
        levels = sorted({1, *held})
        counts = [[count >= level for count in held] for level in levels]
        crude = reference(shown, moved, placed, origin, counts, views)
        latent = self._encoded(crude.pictures, None if is_first else shown)
        several = self.model.capabilities.pictures
        cells = [pooled(cover, latent.shape, several, is_first) for cover in crude.covers]
        steps, none = range(1, len(row.sigmas) + 1), torch.zeros_like(cells[0])
        masks = [next((mask for mask, level in zip(cells, levels) if level >= step), none) for step in steps]
        left = pooled(crude.left[None], latent.shape, 1, False)
        masks = [torch.maximum(mask, left) if step <= levels[-1] else mask for step, mask in zip(steps, masks)]
        if crude.carried is not None:
            masks[0] = torch.maximum(masks[0], pooled(crude.carried, latent.shape, several, is_first))
        stacked = to_device(torch.stack(masks), row.x.device)
        return replace(row, pin=Pin(latent.to(row.x.device), stacked, placed[-1], key))

    def _encoded(self, pictures: np.ndarray, shown: np.ndarray | None) -> Tensor:
        """Encode the pictures of a row, (m, H, W, 3) uint8, that follow the one that was shown: (chunk, C, h, w)."""
        encoder, several = self.model.video_encoder, self.model.capabilities.pictures
        if shown is None:
            return encode_clip(encoder, pictures, several)
        return encode_clip(encoder, np.concatenate([shown[None], pictures]), several)[1:]


def steps_held(stiffness: float, steps: int) -> int:
    """Give after how many steps a thing is held: after the first at stiffness 0, after all of them at 1."""
    return 1 + round(stiffness * (steps - 1))


@torch.no_grad()
def encode_clip(encoder: StreamEncoder, pictures: np.ndarray, several: int) -> Tensor:
    """Encode a clip (1 + several n, H, W, 3) uint8 as latents (1 + n, C, h, w), float32; see `encode_whole`."""
    return encode_whole(encoder, torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255, several)


def pooled(alpha: np.ndarray, latent: torch.Size, several: int, is_first: bool) -> Tensor:
    """Give alpha (m, H, W) of pictures as that of latents, (n, 1, h, w): a cell's mean, the most of its pictures."""
    (height, width), (rows, columns) = alpha.shape[1:], latent[2:]
    cells = F.avg_pool2d(torch.from_numpy(alpha)[:, None], (height // rows, width // columns))
    if is_first:
        cells = torch.cat([cells[:1].expand(several - 1, -1, -1, -1), cells])
    return cells.unflatten(0, (-1, several)).amax(1)
