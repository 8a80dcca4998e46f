"""The stream of an image model: frames that do not see each other, each on its own step (StreamDiffusion, 2312.12491).

A frame keeps the controls it began under to its end, so whatever a person changes, nothing in flight is lost or mixed:
the change shows from the next frame on that begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from studio.conditioning import Conditioning, Rows, condition_frames
from studio.controls import Picture, Sampling, Similarity, Structure, active_prompts, lora_weights, strokes
from studio.guidance import GUIDANCES, Guidance, counted, guided
from studio.noise import drifting
from studio.pictures import decoded
from studio.samplers.base import Row
from studio.schedule import add_noise
from studio.similarity import Box, around, cells, changed_box, inside

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.models.base import Model

REMEMBERED = 64  # noises, of one step each
WHOLE: Box = (slice(None), slice(None))


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureRow(Row):
    """A frame in flight: x and source are (1, C, h, w), or its box of them where only that part is drawn.

    cond: one row, what it is told; negative: the same under the negative prompt, where its guidance asks for it. kept:
    what of the frame is new, inside of the box; the rest of the box is drawn for its sake, and left as it was.
    """

    state: ControlState
    cond: Conditioning
    negative: Conditioning | None
    box: Box = WHOLE
    kept: Box = WHOLE

    @property
    def guidance(self) -> Guidance:
        return GUIDANCES[self.state[Sampling].guidance]

    @property
    def is_guided(self) -> bool:
        return self.guidance.takes_part(self.state[Sampling].scale)

    @property
    def asks_negative(self) -> bool:
        """Whether this step also needs the clean latent under the negative prompt."""
        return self.is_guided and (self.guidance.anchor == "negative" or self._lacks_anchor)

    @property
    def _lacks_anchor(self) -> bool:
        return self.guidance.anchor == "first" and self.anchor is None


@dataclass(frozen=True, eq=False)
class Seen:
    """What the drawing has to show: the picture as it was last drawn, cell by cell (3, h, w), and what it was told."""

    cells: Tensor
    told: Any


@dataclass(frozen=True, eq=False)
class PictureStreamSnapshot:
    """All that the stream holds. last: the latent (C, h, w) that came out last."""

    frame: int
    rows: tuple[PictureRow, ...]
    seen: Seen | None
    last: Tensor | None


class PictureStream:
    """Draws an independent model's frames in order; `frame` is the number of the next one that comes out.

    alone: one row at a time instead of a batch of them; the same frames, each from newer controls, at more cost.
    add_noise: whether a frame is noised anew between steps; without, x at the next step is (1 - sigma) x0, as
    StreamDiffusion's `do_add_noise=False`. State changes only when a tick is done.
    """

    def __init__(self, model: Model, start: int = 0, *, alone: bool = False, add_noise: bool = True) -> None:
        if model.chunk != 1:
            raise ValueError(f"{model.name} draws {model.chunk} frames as one; pictures are drawn one by one")
        self.model = model
        self.alone, self.add_noise = alone, add_noise
        self._noise = lru_cache(maxsize=REMEMBERED)(self._drawn_noise)
        self._encoded = lru_cache(maxsize=1)(self._encode)
        self.restart(start)

    def restart(self, frame: int) -> None:
        """A clean start: nothing in flight, the next frame is number `frame`."""
        self.frame = frame
        self._rows: tuple[PictureRow, ...] = ()
        self._seen: Seen | None = None
        self._last: Tensor | None = None

    @property
    def in_flight(self) -> int:
        """Frames begun that have not come out."""
        return len(self._rows)

    def step(self, state: ControlState) -> Tensor:
        """The clean latent (1, C, h, w), float32, of the next frame; ticks until it is there."""
        while (latent := self.tick(state)) is None:
            pass
        return latent

    @torch.no_grad()
    def tick(self, state: ControlState) -> Tensor | None:
        """Begin a frame under these controls and bring all a step down: the one that came out, or None for now.

        After fewer steps were chosen those in flight come out first, one a tick, and none begins until there is room;
        after more, a few ticks give None.
        """
        if not self._has_room(state[Sampling].steps):
            return self._advance(self._rows)
        fresh, seen = self._begun(state)
        latent = self._advance((*self._rows, fresh))
        self._seen = seen
        return latent

    def _has_room(self, steps: int) -> bool:
        """Whether another frame may begin: it must come out after the one before it."""
        return not self._rows or (not self.alone and self._rows[-1].left < steps)

    @torch.no_grad()
    def flush(self, state: ControlState | None = None) -> list[Tensor]:
        """The latents (1, C, h, w) of the frames in flight, with none begun behind them.

        state is for samplers whose rows hear what is in force now; these keep what they began under.
        """
        came = []
        while self._rows:
            latent = self._advance(self._rows)
            came += [] if latent is None else [latent]
        return came

    # A frame begins

    def _begun(self, state: ControlState) -> tuple[PictureRow, Seen | None]:
        """A new row, and what will have been seen once it is drawn."""
        sampling, picture = state[Sampling], state[Picture]
        frame = self.frame + self.in_flight
        source, strength = (self._encoded(picture.data), sampling.strength) if picture.data else (None, 1.0)
        sigmas = self.model.sigmas(sampling.steps, strength)
        cond = condition_frames(self.model, state, [frame])
        kept, seen = self._part(state, cond)
        box = WHOLE if kept == WHOLE else around(kept, self.model.latent[1:])
        fresh = self._fresh(sampling, frame, 0)
        source = torch.zeros_like(fresh) if source is None else source
        row = PictureRow(
            frame=frame,
            sigmas=sigmas,
            x=cut(add_noise(source, fresh, sigmas[0])[None], box),
            source=cut(source[None], box),
            state=state,
            cond=cropped(cond, box),
            negative=None,
            box=box,
            kept=kept,
        )
        if row.asks_negative:
            row = replace(row, negative=cropped(condition_frames(self.model, state, [frame], negative=True), box))
        return row, seen

    def _part(self, state: ControlState, cond: Conditioning) -> tuple[Box, Seen | None]:
        """The box that is new in a frame, with `Similarity.regions`, and what will have been seen then.

        It is the whole where anything but the picture changed, where a control picture speaks of all of it, and where
        nothing changed at all: so what boxes have left at their seams is gone once the picture stands still.
        """
        similarity = state[Similarity]
        if not (similarity.regions and similarity.threshold and state[Picture].data) or state[Sampling].drift:
            return WHOLE, None
        now = Seen(cells(decoded(state[Picture].data, self.model.size), self.model.latent[1:]), told(state))
        if self._seen is None or self._seen.told != now.told or any(part.ndim > 3 for part in cond.extra.values()):
            return WHOLE, now
        box = changed_box(self._seen.cells, now.cells, similarity.threshold)
        if box is None:
            return WHOLE, now
        shown = self._seen.cells.clone()
        shown[:, *box] = now.cells[:, *box]
        return box, replace(now, cells=shown)

    def _encode(self, picture: bytes) -> Tensor:
        """(C, h, w): the latent of a picture, of which the newest is remembered."""
        return self.model.encode_picture(picture).to(self._device, torch.float32)

    @property
    def _device(self) -> Any:
        return self.model.device

    def _fresh(self, sampling: Sampling, frame: int, step: int) -> Tensor:
        return self._noise(sampling.seed, frame if sampling.drift else 0, step, sampling.drift)

    def _drawn_noise(self, seed: int, frame: int, step: int, drift: int) -> Tensor:
        """(C, h, w): the noise of a step, which every frame has alike, or which drifts."""
        return drifting(seed, frame, step, self.model.latent, drift).to(self._device)

    # A tick

    def _advance(self, rows: tuple[PictureRow, ...]) -> Tensor | None:
        """All rows a step down; the latent of the oldest, if that was its last."""
        moved = [self._moved(row, clean) for row, clean in self._denoised(rows)]
        came = [clean for row, clean in moved if row is None]
        self._rows = tuple(row for row, _ in moved if row is not None)
        if not came:
            return None
        self._last = self._laid(came[0], rows[0])
        self.frame = rows[0].frame + 1
        return self._last[None]

    def _denoised(self, rows: Sequence[PictureRow]) -> list[tuple[PictureRow, Tensor]]:
        """The rows, with the anchors they got, and their guided clean latents."""
        negatives = [row for row in rows if row.asks_negative]
        clean = self._forward(
            [*((row, row.cond) for row in rows), *((row, row.negative) for row in negatives if row.negative)]
        )
        against = {id(row): answer for row, answer in zip(negatives, clean[len(rows) :], strict=True)}
        return [pushed(row, answer, against.get(id(row))) for row, answer in zip(rows, clean, strict=False)]

    def _forward(self, asked: Sequence[tuple[PictureRow, Conditioning]]) -> list[Tensor]:
        """The clean latents (1, C, h, w) of rows under conditionings: one call for all that have the same shapes."""
        groups: dict[Any, list[int]] = {}
        for place, (row, cond) in enumerate(asked):
            groups.setdefault((row.x.shape, shapes(cond)), []).append(place)
        answers: dict[int, Tensor] = {}
        for places in groups.values():
            rows, conds = zip(*(asked[place] for place in places), strict=True)
            clean = self.model.denoise(
                Rows(
                    torch.cat([row.x for row in rows]),
                    tuple(row.sigma for row in rows),
                    Conditioning.cat(conds),
                    tuple(row.frame for row in rows),
                )
            )
            answers |= zip(places, clean.split(1), strict=True)
        return [answers[place] for place in range(len(asked))]

    def _moved(self, row: PictureRow, clean: Tensor) -> tuple[PictureRow | None, Tensor]:
        """The row a step down, None when it has come out; and its clean latent."""
        if row.left == 1:
            return None, clean
        step = row.step_index + 1
        fresh = cut(self._fresh(row.state[Sampling], row.frame, step), row.box)
        x = add_noise(clean, fresh if self.add_noise else torch.zeros_like(fresh), row.sigmas[step])
        return replace(row, x=x, step_index=step), clean

    def _laid(self, clean: Tensor, row: PictureRow) -> Tensor:
        """(C, h, w): the frame's latent; what is not new is as it was in the last frame."""
        if row.box == WHOLE:
            return clean[0]
        assert self._last is not None  # a frame that is drawn in part has one before it
        whole = self._last.clone()
        whole[:, *row.kept] = clean[0][:, *inside(row.box, row.kept)]
        return whole

    def snapshot(self) -> PictureStreamSnapshot:
        """All that the stream holds; good for any number of restores."""
        return PictureStreamSnapshot(self.frame, self._rows, self._seen, self._last)

    def restore(self, snapshot: PictureStreamSnapshot) -> None:
        """Back to a snapshot, bit for bit."""
        self.frame, self._rows, self._seen, self._last = snapshot.frame, snapshot.rows, snapshot.seen, snapshot.last


def pushed(row: PictureRow, clean: Tensor, negative: Tensor | None) -> tuple[PictureRow, Tensor]:
    """The row and its guided clean latent; negative: its clean latent under the negative prompt, where it asked."""
    if not row.is_guided:
        return row, clean
    sampling = row.state[Sampling]
    if row.guidance.anchor == "negative":
        assert negative is not None
        return row, guided(clean, negative, sampling.scale)
    if row.guidance.anchor == "first" and row.anchor is None:
        row = replace(row, anchor=negative)
    anchor = row.source if row.guidance.anchor == "source" else row.anchor
    assert anchor is not None
    return row, guided(clean, counted(anchor, row.x, row.sigma, sampling.delta), sampling.scale)


def told(state: ControlState) -> tuple[Any, ...]:
    """All that a frame is told beside its picture: equal for two frames that differ in nothing else."""
    painted = strokes(state)
    moving = (painted, state.frame) if painted else None  # what is painted may move
    return active_prompts(state), state[Sampling], state[Structure], lora_weights(state), moving


def cut(latent: Tensor, box: Box) -> Tensor:
    """The box of a latent (..., h, w)."""
    return latent[..., *box]


def cropped(cond: Conditioning, box: Box) -> Conditioning:
    """What is told, its maps cut to the box."""
    return cond if box == WHOLE else replace(cond, tracks=cut(cond.tracks, box))


def shapes(cond: Conditioning) -> tuple[Any, ...]:
    """What conditionings must share to be told in one call."""
    return (
        cond.prompts[0].states.shape,
        cond.tracks.shape,
        tuple((name, part.shape) for name, part in sorted(cond.extra.items())),
    )
