"""The stream of an image model: frames that do not see each other, each on its own rung (StreamDiffusion, 2312.12491).

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

from studio.conditioning import Conditioning
from studio.guidance import GUIDANCES, Guidance, counted, guided
from studio.models.base import optional
from studio.noise import drifting
from studio.pictures import decoded
from studio.samplers.base import Row
from studio.schedule import add_noise
from studio.similarity import Box, around, cells, changed_box, inside

if TYPE_CHECKING:
    from studio.controls import InForce, Picture, Sampling
    from studio.models.base import Model

REMEMBERED = 64  # noises, of one rung each
WHOLE: Box = (slice(None), slice(None))


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureRow(Row):
    """A frame in flight: x and source are (1, C, h, w), or its box of them where only that part is drawn.

    cond: one row, what it is told; negative: the same under the negative prompt, where its guidance asks for it. kept:
    what of the frame is new, inside of the box; the rest of the box is drawn for its sake, and left as it was.
    """

    in_force: InForce
    cond: Conditioning
    negative: Conditioning | None
    box: Box = WHOLE
    kept: Box = WHOLE

    @property
    def guidance(self) -> Guidance:
        return GUIDANCES[self.in_force.sampling.guidance]

    @property
    def is_guided(self) -> bool:
        return self.guidance.takes_part(self.in_force.sampling.scale)

    @property
    def asks_negative(self) -> bool:
        """Whether this rung also needs the clean latent under the negative prompt."""
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
class PictureStreamState:
    """All that the stream holds. last: the latent (C, h, w) that came out last."""

    frame: int
    rows: tuple[PictureRow, ...]
    seen: Seen | None
    last: Tensor | None


class PictureStream:
    """Draws an independent model's frames in order; `frame` is the number of the next one that comes out.

    alone: one row at a time instead of a batch of them; the same frames, each from newer controls, at more cost.
    add_noise: whether a frame is noised anew between rungs; without, x at the next rung is (1 - sigma) x0, as
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

    def step(self, in_force: InForce) -> Tensor:
        """The clean latent (1, C, h, w), float32, of the next frame; ticks until it is there."""
        while (latent := self.tick(in_force)) is None:
            pass
        return latent

    @torch.no_grad()
    def tick(self, in_force: InForce) -> Tensor | None:
        """Begin a frame under these controls and bring all a rung down: the one that came out, or None for now.

        After fewer rungs were chosen those in flight come out first, one a tick, and none begins until there is room;
        after more, a few ticks give None.
        """
        if not self._has_room(in_force.sampling.rungs):
            return self._advance(self._rows)
        fresh, seen = self._begun(in_force)
        latent = self._advance((*self._rows, fresh))
        self._seen = seen
        return latent

    def _has_room(self, rungs: int) -> bool:
        """Whether another frame may begin: it must come out after the one before it."""
        return not self._rows or (not self.alone and self._rows[-1].left < rungs)

    @torch.no_grad()
    def flush(self, in_force: InForce | None = None) -> list[Tensor]:
        """The latents (1, C, h, w) of the frames in flight, with none begun behind them.

        in_force is for samplers whose rows hear what is in force now; these keep what they began under.
        """
        came = []
        while self._rows:
            latent = self._advance(self._rows)
            came += [] if latent is None else [latent]
        return came

    # A frame begins

    def _begun(self, in_force: InForce) -> tuple[PictureRow, Seen | None]:
        """A new row, and what will have been seen once it is drawn."""
        sampling, picture = in_force.sampling, in_force.picture
        frame = self.frame + self.in_flight
        source, strength = (self._encoded(picture), sampling.strength) if picture.data else (None, 1.0)
        ladder = self.model.ladder(sampling.rungs, strength)
        cond = self.model.condition(in_force, [frame])
        kept, seen = self._part(in_force, cond)
        box = WHOLE if kept == WHOLE else around(kept, self.model.latent[1:])
        fresh = self._fresh(sampling, frame, 0)
        source = torch.zeros_like(fresh) if source is None else source
        row = PictureRow(
            frame=frame,
            ladder=ladder,
            x=cut(add_noise(source, fresh, ladder[0])[None], box),
            source=cut(source[None], box),
            in_force=in_force,
            cond=cropped(cond, box),
            negative=None,
            box=box,
            kept=kept,
        )
        if row.asks_negative:
            text = self.model.encode_text(in_force.prompt.negative)
            row = replace(row, negative=cropped(self.model.condition(in_force, [frame], text), box))
        return row, seen

    def _part(self, in_force: InForce, cond: Conditioning) -> tuple[Box, Seen | None]:
        """The box that is new in a frame, with `Similarity.regions`, and what will have been seen then.

        It is the whole where anything but the picture changed, where a control picture speaks of all of it, and where
        nothing changed at all: so what boxes have left at their seams is gone once the picture stands still.
        """
        similarity = in_force.similarity
        if not (similarity.regions and similarity.threshold and in_force.picture.data) or in_force.sampling.drift:
            return WHOLE, None
        now = Seen(cells(decoded(in_force.picture.data, tuple(self.model.size)), self.model.latent[1:]), told(in_force))
        if self._seen is None or self._seen.told != now.told or any(part.ndim > 3 for part in cond.extra.values()):
            return WHOLE, now
        box = changed_box(self._seen.cells, now.cells, similarity.threshold)
        if box is None:
            return WHOLE, now
        shown = self._seen.cells.clone()
        shown[:, *box] = now.cells[:, *box]
        return box, replace(now, cells=shown)

    def _encode(self, picture: Picture) -> Tensor:
        """(C, h, w): the latent of a picture, of which the newest is remembered."""
        return self.model.encode_picture(picture).to(self._device, torch.float32)

    @property
    def _device(self) -> Any:
        return optional(self.model, "device")

    def _fresh(self, sampling: Sampling, frame: int, rung: int) -> Tensor:
        return self._noise(sampling.seed, frame if sampling.drift else 0, rung, sampling.drift)

    def _drawn_noise(self, seed: int, frame: int, rung: int, drift: int) -> Tensor:
        """(C, h, w): the noise of a rung, which every frame has alike, or which drifts."""
        return drifting(seed, frame, rung, self.model.latent, drift).to(self._device)

    # A tick

    def _advance(self, rows: tuple[PictureRow, ...]) -> Tensor | None:
        """All rows a rung down; the latent of the oldest, if that was its last."""
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
                torch.cat([row.x for row in rows]),
                [row.sigma for row in rows],
                Conditioning.cat(conds),
                [row.frame for row in rows],
                None,
                0,
            )
            answers |= zip(places, clean.split(1), strict=True)
        return [answers[place] for place in range(len(asked))]

    def _moved(self, row: PictureRow, clean: Tensor) -> tuple[PictureRow | None, Tensor]:
        """The row a rung down, None when it has come out; and its clean latent."""
        if row.left == 1:
            return None, clean
        rung = row.rung + 1
        fresh = cut(self._fresh(row.in_force.sampling, row.frame, rung), row.box)
        x = add_noise(clean, fresh if self.add_noise else torch.zeros_like(fresh), row.ladder[rung])
        return replace(row, x=x, rung=rung), clean

    def _laid(self, clean: Tensor, row: PictureRow) -> Tensor:
        """(C, h, w): the frame's latent; what is not new is as it was in the last frame."""
        if row.box == WHOLE:
            return clean[0]
        assert self._last is not None  # a frame that is drawn in part has one before it
        whole = self._last.clone()
        whole[:, *row.kept] = clean[0][:, *inside(row.box, row.kept)]
        return whole

    def snapshot(self) -> PictureStreamState:
        """All that the stream holds; good for any number of restores."""
        return PictureStreamState(self.frame, self._rows, self._seen, self._last)

    def restore(self, state: PictureStreamState) -> None:
        """Back to a snapshot, bit for bit."""
        self.frame, self._rows, self._seen, self._last = state.frame, state.rows, state.seen, state.last


def pushed(row: PictureRow, clean: Tensor, negative: Tensor | None) -> tuple[PictureRow, Tensor]:
    """The row and its guided clean latent; negative: its clean latent under the negative prompt, where it asked."""
    if not row.is_guided:
        return row, clean
    sampling = row.in_force.sampling
    if row.guidance.anchor == "negative":
        assert negative is not None
        return row, guided(clean, negative, sampling.scale)
    if row.guidance.anchor == "first" and row.anchor is None:
        row = replace(row, anchor=negative)
    anchor = row.source if row.guidance.anchor == "source" else row.anchor
    assert anchor is not None
    return row, guided(clean, counted(anchor, row.x, row.sigma, sampling.delta), sampling.scale)


def told(in_force: InForce) -> tuple[Any, ...]:
    """All that a frame is told beside its picture: equal for two frames that differ in nothing else."""
    strokes = (dict(in_force.strokes), in_force.now) if in_force.strokes else None  # what is painted may move
    return in_force.heard, in_force.sampling, in_force.structure, dict(in_force.loras), strokes


def cut(latent: Tensor, box: Box) -> Tensor:
    """The box of a latent (..., h, w)."""
    return latent[..., *box]


def cropped(cond: Conditioning, box: Box) -> Conditioning:
    """What is told, its maps cut to the box."""
    return cond if box == WHOLE else Conditioning(cond.text, cut(cond.tracks, box), cond.extra)


def shapes(cond: Conditioning) -> tuple[Any, ...]:
    """What conditionings must share to be told in one call."""
    return cond.text.shape, cond.tracks.shape, tuple((name, part.shape) for name, part in sorted(cond.extra.items()))
