"""The stream of an image model: frames that do not see each other, each on its own step (StreamDiffusion, 2312.12491).

A frame keeps the controls it began under to its end, so whatever a person changes, nothing in flight is lost or mixed:
the change shows from the next frame on that begins.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from studio.conditioning import Conditioning, Rows, condition_frames
from studio.controls import Sampling, Structure
from studio.noise import drifting_noise
from studio.samplers.base import Sampler
from studio.samplers.boxes import (
    WHOLE,
    DrawnPicture,
    box_that_changed,
    box_to_draw,
    crop,
    crop_conditioning,
    paste_box,
)
from studio.samplers.forward import picture_sigmas
from studio.samplers.picture_source import PictureSource
from studio.samplers.rows import Row, admits_alone, admits_next_tick
from studio.schedule import add_noise
from studio.similarity import Box

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.guidance import Denoise
    from studio.models.base import Model
    from studio.underpaint.pocket_stream import PocketSnapshot

REMEMBERED = 64  # noises, of one step each


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureRow(Row):
    """A frame in flight: x and source are (1, C, h, w), or its box of them where only that part is drawn.

    state: the controls it began under, and keeps to its end. kept: what of the frame is new, inside of the box; the
    rest of the box is drawn for its sake, and left as it was. shows: the picture that the drawing shows once this
    frame is drawn. number: the picture's, by which strokes move; painted: the underpainting (H, W, 3), where a
    control picture is made of it.
    """

    state: ControlState
    box: Box = WHOLE
    kept: Box = WHOLE
    shows: DrawnPicture | None = None
    number: int | None = None
    painted: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class PictureStreamSnapshot:
    """All that the stream holds. shown: of the newest frame begun; last: the latent (C, h, w) that came out last;
    backdrop: the pocket model's stream, while strokes are painted on that; view: how far the camera has gone over it.

    What the rows are told is left out: it is large, and made again from their controls.
    """

    frame: int
    rows: tuple[PictureRow, ...]
    shown: DrawnPicture | None
    last: Tensor | None
    backdrop: PocketSnapshot | None = None  # none in snapshots from before there was one
    view: np.ndarray | None = None  # nor was there a camera over it


class PictureStream(Sampler[PictureRow, PictureStreamSnapshot]):
    """Draws an independent model's frames, a batch of them in flight, each a step further down than the next.

    After fewer steps were chosen those in flight come out first, one a tick, and none begins until there is room; after
    more, a few ticks give None.
    """

    independent: ClassVar[bool] = True
    can_admit = staticmethod(admits_next_tick)

    def __init__(self, model: Model, start: int = 0) -> None:
        if model.chunk != 1:
            raise ValueError(f"{model.name} draws {model.chunk} frames as one; pictures are drawn one by one")
        self._noise = lru_cache(maxsize=REMEMBERED)(self._draw_noise)
        self.source = self._source = PictureSource(model)
        self._ahead = 0
        super().__init__(model, start)

    def restart(self, frame: int) -> None:
        """Start clean: nothing in flight, the next frame is number `frame`."""
        super().restart(frame)
        self._shown: DrawnPicture | None = None
        self._last: Tensor | None = None
        self._negatives: dict[int, Conditioning] = {}  # what frames in flight are told under their negative prompts
        self._source.restore()

    def watch(self, frame: int, shown: np.ndarray | None, state: ControlState) -> None:
        """Take in by how much pictures' numbers are ahead of frames': frames that were left out have none."""
        self._ahead = frame - self.frame

    @torch.no_grad()
    def tick(self, state: ControlState) -> Tensor | None:
        """Move every row a step down, see `Sampler.tick`; after an error the backdrop too is what it was."""
        before = self._source.snapshot()
        try:
            return super().tick(state)
        except BaseException:
            self._source.restore(*before)
            raise

    def new_row(self, state: ControlState, frame: int, is_first: bool) -> PictureRow:
        """Begin a frame from what is painted under it, from the picture in force, or from none."""
        sampling, number = state[Sampling], frame + self._ahead
        begun = self._source.begin(state, number)
        sigmas = picture_sigmas(self.model, sampling, 1.0 if begun.latent is None else sampling.strength)
        cond = condition_frames(self.model, state, [number], painted=begun.painted)
        kept, shows = box_that_changed(self.model, state, cond, self._shown, begun.seen)
        box = box_to_draw(kept, self.model.latent[1:])
        fresh = self._noise(sampling.seed, frame if sampling.drift else 0, 0, sampling.drift)
        source = torch.zeros_like(fresh) if begun.latent is None else begun.latent
        return PictureRow(
            frame=frame,
            sigmas=sigmas,
            x=crop(add_noise(source, fresh, sigmas[0])[None], box),
            source=crop(source[None], box),
            sampling=sampling,
            cond=crop_conditioning(cond, box),
            state=state,
            box=box,
            kept=kept,
            shows=shows,
            number=number,
            painted=begun.painted if "structure" in cond.extra else None,
        )

    def noise_of(self, row: PictureRow, step: int) -> Tensor:
        """Give the noise of a row's step, its box of (C, h, w): every frame has it alike, or it drifts."""
        sampling = row.sampling
        return crop(self._noise(sampling.seed, row.frame if sampling.drift else 0, step, sampling.drift), row.box)

    def _draw_noise(self, seed: int, frame: int, step: int, drift: int) -> Tensor:
        return drifting_noise(seed, frame, step, self.model.latent, drift).to(self.model.device)

    def _advance(self, rows: tuple[PictureRow, ...], state: ControlState) -> Tensor | None:
        """Move the rows a step down; the drawing then shows what the newest of them was begun from."""
        latents = super()._advance(rows, state)
        self._shown = rows[-1].shows
        return latents

    def denoiser(self, rows: Sequence[PictureRow], state: ControlState) -> Denoise[PictureRow]:
        """Give the forward of any batches of these rows: one call for all that are told in the same shapes."""

        def denoise_batches(*batches: Sequence[PictureRow]) -> list[list[Tensor]]:
            asked = [(row.negative, row.frame, place, i) for place, b in enumerate(batches) for i, row in enumerate(b)]
            order = [batches[place][i] for *_, place, i in sorted(asked)]
            clean = dict(zip(((place, i) for *_, place, i in sorted(asked)), self._forward(order), strict=True))
            return [[clean[place, i] for i in range(len(batch))] for place, batch in enumerate(batches)]

        return denoise_batches

    def _forward(self, rows: Sequence[PictureRow]) -> list[Tensor]:
        """Give the rows' clean latents (1, C, h, w)."""
        conds = [self._negative(row) if row.negative else row.conditioning for row in rows]
        groups: dict[Hashable, list[int]] = {}
        for place, (row, cond) in enumerate(zip(rows, conds, strict=True)):
            groups.setdefault((row.x.shape, shapes(cond)), []).append(place)
        answers: dict[int, Tensor] = {}
        for places in groups.values():
            batch = Rows(
                torch.cat([rows[place].x for place in places]),
                tuple(rows[place].sigma for place in places),
                Conditioning.cat([conds[place] for place in places]),
                tuple(rows[place].frame for place in places),
            )
            answers |= zip(places, self.model.denoise(batch).split(1), strict=True)
        return [answers[place] for place in range(len(rows))]

    def _negative(self, row: PictureRow) -> Conditioning:
        """Give what a frame is told under its negative prompt, made when it is first asked for."""
        if row.frame not in self._negatives:
            self._negatives[row.frame] = row_conditioning(self.model, row, negative=True)
        return self._negatives[row.frame]

    def finish(self, row: PictureRow, clean: Tensor) -> Tensor:
        """Give the frame's latent, (1, C, h, w): where it is not new it is the last frame's."""
        self._negatives.pop(row.frame, None)
        self._last = latent = paste_box(self._last, clean, row.box, row.kept)
        self.frame = row.frame + 1
        return latent[None]

    def snapshot(self) -> PictureStreamSnapshot:
        """Give all that the stream holds; good for any number of restores."""
        rows = tuple(replace(row, cond=None) for row in self._rows)
        return PictureStreamSnapshot(self.frame, rows, self._shown, self._last, *self._source.snapshot())

    def snapshot_bytes(self, state: ControlState) -> int:
        """Compute the most bytes that a snapshot takes: of each row its latents."""
        latent = 4 * prod(self.model.latent)
        cells = 12 * prod(self.model.latent[1:])  # the colours that the drawing shows
        rows = len(picture_sigmas(self.model, state[Sampling]))
        painted = 3 * prod(self.model.size) if state[Structure].strength else 0
        return rows * (3 * latent + cells + painted) + cells + 2 * latent + self._source.snapshot_bytes(state)

    def restore(self, snapshot: PictureStreamSnapshot) -> None:
        """Go back to a snapshot, bit for bit."""
        self.frame, self._shown, self._last, self._negatives = snapshot.frame, snapshot.shown, snapshot.last, {}
        self._rows = tuple(replace(row, cond=row_conditioning(self.model, row)) for row in snapshot.rows)
        self._source.restore(snapshot.backdrop, snapshot.view)


class PictureRollout(PictureStream):
    """One frame at a time instead of a batch of them: the same frames, each from newer controls, at more cost."""

    can_admit = staticmethod(admits_alone)


def row_conditioning(model: Model, row: PictureRow, negative: bool = False) -> Conditioning:
    """Give what the box of a frame is told under the controls it began under, or under their negative prompt."""
    number = row.frame if row.number is None else row.number
    return crop_conditioning(condition_frames(model, row.state, [number], negative, row.painted), row.box)


def shapes(cond: Conditioning) -> tuple[Hashable, ...]:
    """Give what conditionings must share to be told in one call."""
    extra = tuple((name, part.shape) for name, part in sorted(cond.extra.items()))
    return cond.prompts[0].states.shape, cond.tracks.shape, extra, bool(cond.regions)
