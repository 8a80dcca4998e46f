"""Drawing only the part of a picture that changed (`Similarity.regions`): boxes of latent cells, cut out and pasted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from studio.conditioning import Conditioning
from studio.controls import Picture, Sampling, Similarity
from studio.pictures import decoded
from studio.similarity import Box, box_within, changed_box, conditioning_key, grow_box, mean_colours

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.models.base import Model

WHOLE: Box = (slice(None), slice(None))


@dataclass(frozen=True, eq=False)
class DrawnPicture:
    """The picture that the drawing shows: as it was last drawn, cell by cell (3, h, w), and under what it was drawn."""

    cells: Tensor
    key: object


def box_that_changed(
    model: Model,
    state: ControlState,
    cond: Conditioning,
    drawn: DrawnPicture | None,
    painted: np.ndarray | None = None,
) -> tuple[Box, DrawnPicture | None]:
    """Give the box of cells that is new in a frame, and the picture that the drawing shows then.

    It is the whole where anything but the picture changed, where a control picture speaks of all of it, and where
    nothing changed at all: so what boxes have left at their seams is gone once the picture stands still.
    painted: the underpainting (H, W, 3), where the frame begins from one.
    """
    similarity = state[Similarity]
    comes = painted is not None or bool(state[Picture].data)
    if not (similarity.regions and similarity.threshold and comes) or state[Sampling].drift:
        return WHOLE, None
    picture = decoded(state[Picture].data, model.size) if painted is None else painted
    now = DrawnPicture(mean_colours(picture, model.latent[1:]), conditioning_key(state, painted is not None))
    if drawn is None or drawn.key != now.key or any(part.ndim > 3 for part in cond.extra.values()):
        return WHOLE, now
    box = changed_box(drawn.cells, now.cells, similarity.threshold)
    if box is None:
        return WHOLE, now
    shown = drawn.cells.clone()
    shown[:, *box] = now.cells[:, *box]
    return box, replace(now, cells=shown)


def box_to_draw(kept: Box, size: tuple[int, int]) -> Box:
    """Give the box that is drawn for the sake of a part: a tile more around it, inside of `size` (h, w)."""
    return kept if kept == WHOLE else grow_box(kept, size)


def crop(latent: Tensor, box: Box) -> Tensor:
    """Give the box of a latent (..., h, w)."""
    return latent[..., *box]


def crop_conditioning(cond: Conditioning, box: Box) -> Conditioning:
    """Give the conditioning with its maps cut to the box."""
    if box == WHOLE:
        return cond
    heard = tuple(tuple(replace(one, share=crop(one.share, box)) for one in row) for row in cond.regions)
    return replace(cond, tracks=crop(cond.tracks, box), regions=heard)


def paste_box(last: Tensor | None, clean: Tensor, box: Box, kept: Box) -> Tensor:
    """Give a frame's latent (C, h, w): clean (1, C, h, w) where it is new, the last frame's where it is not."""
    if box == WHOLE:
        return clean[0]
    assert last is not None, "a frame that is drawn in part has one before it"
    whole = last.clone()
    whole[:, *kept] = clean[0][:, *box_within(box, kept)]
    return whole
