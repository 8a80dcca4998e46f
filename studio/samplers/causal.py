"""What the samplers of causal video models share: rows that see the clean frames before them, through a KV cache.

A tick is one forward. Its rows are one sequence after the cache: the chunk that came out at the last tick, clean, which
writes its keys, then the rows in flight, oldest first, all told the newest controls. Where attention is to need no mask
the clean chunk has a forward of its own instead, just before (Self-Forcing's and LongLive's clean pass).

Frames are latent frames here. Where a latent is several pictures, a clean start gives its first latent the number of
the picture it becomes, and counts latents from there: numbers only ever grow, and a take replays from its own start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from studio.conditioning import Conditioning, Rows, condition_frames, prompt_states
from studio.controls import Picture, Sampling, Sink, Stroke
from studio.kv_cache.ring import snapshot_bytes
from studio.noise import noise
from studio.samplers.base import Sampler
from studio.samplers.context import CleanFrame, Context, ContextSnapshot
from studio.samplers.forward import to_device
from studio.samplers.grain import Carried, Grain, carried_noise, carry, grain_after, grain_bytes
from studio.samplers.pin import Pins
from studio.samplers.rows import Row
from studio.samplers.video_in import Incoming, VideoIn
from studio.schedule import add_noise

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.guidance import Denoise
    from studio.kv_cache import KVCache
    from studio.models.base import Capabilities, Model
    from studio.trajectory import Placement


@dataclass(frozen=True, eq=False)
class CausalSnapshot(ContextSnapshot):
    """All that a causal sampler holds: its context, the next frame's number, the rows in flight, and what comes in."""

    frame: int
    rows: tuple[Row, ...]
    pinned: tuple[Placement, ...] = ()  # where things were in the last picture; none in snapshots from before
    grain: Grain | None = None  # the noise that is carried along, as the last chunk left it
    begun: int = 0  # the number of the first frame since a clean start
    incoming: Incoming = field(default_factory=Incoming)  # nothing in snapshots from before there was any


class CausalSampler(Sampler[Row, CausalSnapshot]):
    """Draws a causal video model's frames; `context` holds the clean ones behind the rows in flight."""

    causal: ClassVar[bool] = True  # whether a row in flight sees only those before it; else all see each other

    def __init__(self, model: Model, start: int = 0) -> None:
        self.context, self.pins, self.video_in = Context(model), Pins(model, start), VideoIn(model)
        super().__init__(model, start)

    def restart(self, frame: int) -> None:
        """Start clean: cache empty, nothing in flight, the next frame is number `frame`."""
        super().restart(frame)
        self.context.clear()
        self.pins.clear()
        self.video_in.clear()
        self.grain: Grain | None = None
        self.begun = frame

    def watch(self, frame: int, shown: np.ndarray | None, state: ControlState) -> None:
        """Take in the number of the next picture, the one before it, and the one that comes in, see `Sampler.watch`."""
        self.pins.watch(frame, shown)
        self.video_in.watch(state)

    @property
    def cache(self) -> KVCache:
        """The keys and values of the kept frames."""
        return self.context.cache

    @property
    def separate_write_pass(self) -> bool:
        """Whether clean frames are written by a forward of their own, so that attention hides nothing from any row."""
        return self.cache.evicts == "after"

    @torch.no_grad()
    def tick(self, state: ControlState) -> Tensor | None:
        """Move every row a step down, see `Sampler.tick`; a picture at a clean start is the first frame, (1, C, h, w).

        Its latent is written as it is (Self-Forcing's `initial_latent`), of a model that takes pictures, unless all are
        redrawn (`controls.Live`).
        """
        self.context.renew_sink(state[Sink].renewed)
        self.context.refresh(state[Sink].refreshed, self.model.chunk)
        is_cold, able = self.context.is_empty and not self._rows, self.model.capabilities
        takes_one = state[Picture].data and able.takes_pictures and not able.told_picture
        if not (is_cold and takes_one) or self.video_in.is_on(state):
            return super().tick(state)
        latent = self.model.encode_picture(state[Picture].data).to(self.model.device, torch.float32)
        cond = condition_frames(self.model, state, [self.frame], begun=self.begun)
        self.context.pending = (CleanFrame(self.frame, latent, cond),)
        self.frame += 1
        return latent[None]

    def new_row(self, state: ControlState, frame: int, is_first: bool) -> Row:
        """Begin a chunk from pure noise, or from what comes in; the first after a clean start may have more steps."""
        sampling, able = state[Sampling], self.model.capabilities
        is_cold = is_first and self.context.is_empty
        length = able.first_chunk if is_cold and able.first_chunk else able.chunk
        came = self.video_in.begin(state, is_cold)
        source, strength = came or (torch.zeros(length, *self.model.latent, device=self.model.device), 1.0)
        sigmas = self.model.sigmas(first_steps(able, sampling) if is_cold else sampling.steps, strength)
        grain = carried_to(self, state, () if is_first else self._rows, length)
        row = Row(frame, sigmas, source, source, sampling, grain=grain)
        return replace(row, x=add_noise(source, self.noise_of(row, 0), sigmas[0]))

    def noise_of(self, row: Row, step: int) -> Tensor:
        """Give the noise of a row's step, (chunk, C, h, w): a function of seed, frame and step, and of what moved."""
        fresh = chunk_noise(self.model, row.sampling.seed, row.frame, step, row.length).to(row.x.device)
        if row.grain is None or not row.sampling.follow:
            return fresh
        return carried_noise(row.grain, step, fresh, row.sampling.follow)

    def _advance(self, rows: tuple[Row, ...], state: ControlState) -> Tensor | None:
        """Move the rows a step down under the controls in force; what was pending is in the cache then."""
        self.context.repair()
        if self.separate_write_pass:
            self.context.write_pending()
        sampling = state[Sampling]
        rows = self.pins.pin(rows, state, self.context.is_empty)
        if not self.video_in.is_on(state):
            rows = tuple(from_preview(self, row, state) for row in rows)
        placed = self.pins.placed(rows, state, self.context.is_empty)
        cond = condition_frames(self.model, state, frame_numbers(rows), begun=self.begun, placed=placed)
        ends = [*accumulate(row.length for row in rows)]
        conds = [cond.rows(slice(end - row.length, end)) for row, end in zip(rows, ends, strict=True)]
        rows = tuple(replace(row, sampling=sampling, cond=own) for row, own in zip(rows, conds, strict=True))
        latents = super()._advance(rows, state)
        self.pins.commit()
        self.video_in.commit()
        return latents

    def denoiser(self, rows: Sequence[Row], state: ControlState) -> Denoise[Row]:
        """Give the forward of a batch of these rows, one sequence after the cache; the first writes what is pending.

        A negated row beside its own is an alternative: it sees what came before its frame, and nobody sees it.
        """

        def denoise_batches(*batches: Sequence[Row]) -> list[Sequence[Tensor]]:
            return [
                self._forward(batch, batch_conditionings(self.model, state, batch, self.begun)) for batch in batches
            ]

        return denoise_batches

    def _forward(self, batch: Sequence[Row], conds: Sequence[Conditioning]) -> Sequence[Tensor]:
        """Denoise a batch, a chunk a row; pending frames go first, at sigma 0, and are written."""
        pending = self.context.pending
        rows = Rows(
            torch.cat([*(one.latent[None] for one in pending), *(row.x for row in batch)]),
            (*[0.0] * len(pending), *(row.sigma for row in batch for _ in row.x)),
            Conditioning.cat([*(one.cond for one in pending), *conds]),
            (*(one.frame for one in pending), *frame_numbers(batch)),
            (*[0.0] * len(pending), *(row.target for row in batch for _ in row.x)),
        )
        clean = self.model.denoise(rows, self.cache, len(pending), self.causal)
        self.context.commit_pending()
        return clean[len(pending) :].split([row.length for row in batch])

    def finish(self, row: Row, clean: Tensor) -> Tensor:
        """Make a chunk that has come out pending, with what it was told in its last forward."""
        cond = row.conditioning
        clean = clean if row.pin is None else row.pin.hold(clean, len(row.sigmas))
        self.pins.take_out(row, self.context.is_empty)
        self.grain = grain_after([row], None)
        self.context.pending = tuple(CleanFrame(row.frame + i, x0, cond.rows([i])) for i, x0 in enumerate(clean))
        self.frame += row.length
        return clean

    # Prompt switches and state

    def switch(self, kind: str, state: ControlState, is_new_prompt: bool = True) -> None:
        """Take in that another prompt is in force from the next frame on.

        "recache": the cache is rebuilt as if the new words had always been there, the sink by its policy; "keep": it is
        left as it is, so the old words fade as their frames leave; "cut": emptied, a new shot. Rows in flight hear the
        new words at once. is_new_prompt: False while a prompt goes on blending in.
        """
        super().switch(kind, state, is_new_prompt)
        if kind == "cut":
            self.restart(self.frame)
        elif kind == "recache" and (self._rows or not self.context.is_empty):
            policy = state[Sink].policy
            if is_new_prompt and policy == "renew":
                self.context.drop_sink()
            if is_new_prompt and policy == "reanchor":
                self.context.reanchor()
            states = prompt_states(self.model, state)
            keeps = policy == "keep" or (policy == "keep_after_window" and self.context.has_evicted)
            self.context.recache(states, self.model.capabilities.recache, keep_sink=keeps)

    def snapshot(self) -> CausalSnapshot:
        """Give all that the sampler holds; good for any number of restores.

        What the rows were told last is left out: it is large, and the next tick tells them anew.
        """
        rows = tuple(replace(row, cond=None) for row in self._rows)
        return CausalSnapshot(
            **vars(self.context.snapshot()),
            frame=self.frame,
            rows=rows,
            pinned=self.pins.places,
            grain=self.grain,
            begun=self.begun,
            incoming=self.video_in.now,
        )

    def snapshot_bytes(self, state: ControlState) -> int:
        """Compute the most bytes that a snapshot takes, from shapes alone."""
        told = condition_frames(self.model, state, [self.frame])
        return count_bytes(self.model, self.cache, told, state) + self.video_in.most_bytes(state)

    def restore(self, snapshot: CausalSnapshot) -> None:
        """Go back to a snapshot, bit for bit."""
        self.frame, self._rows = snapshot.frame, snapshot.rows
        self.context.restore(snapshot)
        self.pins.restore(snapshot.pinned)
        self.video_in.restore(snapshot.incoming)
        self.grain, self.begun = snapshot.grain, snapshot.begun


def carried_to(sampler: CausalSampler, state: ControlState, rows: Sequence[Row], length: int) -> Carried | None:
    """Carry a sampler's grain on to a new row of so many frames behind these; None where no noise is to follow."""
    if not state[Sampling].follow:
        return None
    pictures, counts = sampler.pins.pictures_after(rows, sampler.context.is_empty, length)
    return carry(grain_after(rows, sampler.grain), sampler.model, state, pictures, counts)


def from_preview(sampler: CausalSampler, row: Row, state: ControlState) -> Row:
    """Have a chunk that begins, of a model that was taught so, begin from the crude picture that it is pinned to.

    SDEdit as RealWonder has it: x = (1 - sigma) preview + sigma noise at the first level below the set strength. A
    stream's first chunk has no picture before it, and begins from noise.
    """
    able = sampler.model.capabilities
    if (
        not able.preview
        or row.step_index
        or row.pin is None
        or (sampler.context.is_empty and row.frame == sampler.frame)
    ):
        return row
    sigmas = sampler.model.sigmas(len(row.sigmas), state[Sampling].strength)
    preview = row.pin.reference
    return replace(row, sigmas=sigmas, source=preview, x=add_noise(preview, sampler.noise_of(row, 0), sigmas[0]))


def count_bytes(model: Model, cache: KVCache, cond: Conditioning, state: ControlState) -> int:
    """Compute the most bytes that a snapshot of a causal sampler takes; cond: what one frame is told."""
    chunk, (channels, height, width) = model.chunk, model.latent
    latent = 4 * channels * height * width
    told = sum(part.nbytes for part in (cond.tracks, *cond.extra.values()))
    told += sum(one.share.nbytes for row in cond.regions for one in row)
    rows = state[Sampling].steps * chunk
    frames = cache.settings.capacity + cache.sink + chunk  # kept, retired, pending
    pinned = 2 if state.names(Stroke.kind) else 0  # reference and masks
    # A latent that came out is a part of its forward's, which it keeps whole.
    own = rows * (3 + pinned) * latent
    own += grain_bytes(model.capabilities, rows) if state[Sampling].follow else 0
    return snapshot_bytes(cache, rows + chunk) + frames * (told + latent * (rows + chunk)) + own


def first_steps(able: Capabilities, sampling: Sampling) -> int:
    """Give the steps of the first chunk after a clean start: those that are asked for, else the model's if more."""
    return sampling.first_steps or max(sampling.steps, able.first_frame_steps)


def chunk_noise(model: Model, seed: int, frame: int, step: int, length: int) -> Tensor:
    """Give the noise of a chunk of so many frames, (length, C, h, w), on the model's device."""
    drawn = [noise(seed, frame + i, step, model.latent) for i in range(length)]
    return to_device(torch.stack(drawn), model.device)


def frame_numbers(rows: Sequence[Row]) -> list[int]:
    """Give the frame numbers of the rows' frames."""
    return [row.frame + i for row in rows for i in range(row.length)]


def batch_conditionings(model: Model, state: ControlState, batch: Sequence[Row], begun: int = 0) -> list[Conditioning]:
    """Give what the rows of a batch are told, in their order: their own, or the negative prompt's."""
    parts: list[Conditioning] = []
    for negative, rows in groupby(batch, key=lambda row: row.negative):
        if negative:
            parts.append(condition_frames(model, state, frame_numbers([*rows]), True, begun=begun))
        else:
            parts += [row.conditioning for row in rows]
    return parts
