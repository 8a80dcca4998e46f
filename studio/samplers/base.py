"""What the samplers share: rows in flight on a KV cache, and the frames kept to rebuild it from.

A tick is one forward. Its rows are one sequence after the cache: the chunk that came out at the last tick, clean, which
writes its keys, then the rows in flight, oldest first, all told the newest controls. Where attention is to need no mask
the clean chunk has a forward of its own instead, just before (Self-Forcing's and LongLive's clean pass).

Frames are latent frames here. Where a latent is several pictures, a clean start gives its first latent the number of
the picture it becomes, and counts latents from there: numbers only ever grow, and a take replays from its own start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from studio.conditioning import Conditioning, PromptStates, Rows, condition_frames
from studio.controls import Picture, Sampling, Sink
from studio.guidance import GUIDANCES, guided
from studio.kv_cache import CacheSnapshot
from studio.noise import noise
from studio.schedule import add_noise

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.models.base import Model

SWITCHES = ("recache", "keep", "cut")
RECACHES = ("causal", "bidirectional")


@dataclass(frozen=True, eq=False)
class Row:
    """A chunk in flight: its first frame, its sigmas and step, its noisy latent x (chunk, C, h, w) at that step.

    source: the latent it was begun from, zero for none; anchor: what "initialize" guidance keeps, once there.
    """

    frame: int
    sigmas: tuple[float, ...]
    x: Tensor
    source: Tensor
    step_index: int = 0
    anchor: Tensor | None = None

    @property
    def sigma(self) -> float:
        return self.sigmas[self.step_index]

    @property
    def left(self) -> int:
        """Steps to go, this one among them."""
        return len(self.sigmas) - self.step_index


@dataclass(frozen=True, eq=False)
class Drawn:
    """A frame that came out: its clean latent (C, h, w) and, one row, the conditioning it was made under."""

    frame: int
    latent: Tensor
    cond: Conditioning


@dataclass(frozen=True, eq=False)
class SamplerSnapshot:
    """All that a sampler holds. kept: the frames in the cache; pending: those still to be written there.

    renewed: the count of sink renewals that was in force last.
    """

    frame: int
    steps: int
    renewed: int
    rows: tuple[Row, ...]
    pending: tuple[Drawn, ...]
    kept: tuple[Drawn, ...]
    cache: CacheSnapshot


class Sampler(ABC):
    """Draws a model's frames in order. `frame` is the number of the next one that comes out.

    Everything a person sets is read from the controls in force, at every tick. State changes only when a tick is done:
    after an error the next tick goes on from where the last good one ended.
    """

    causal: ClassVar[bool] = True  # whether a row in flight sees only those before it; else all see each other

    def __init__(self, model: Model, start: int = 0) -> None:
        self.model = model
        self.cache = model.new_cache()
        self.restart(start)

    def restart(self, frame: int) -> None:
        """A clean start: cache empty, nothing in flight, the next frame is number `frame`."""
        self.frame = frame
        self._steps = 0
        self._renewed = 0
        self._rows: tuple[Row, ...] = ()
        self._pending: tuple[Drawn, ...] = ()
        self._kept: tuple[Drawn, ...] = ()
        self.cache.clear()

    @torch.no_grad()
    def step(self, state: ControlState, source: Tensor | None = None) -> Tensor:
        """The clean latents (chunk, C, h, w), float32, of the next frames; ticks until they are there.

        After a clean start with a picture in force, of a model that takes them, the first is the picture's: (1, ...).
        """
        while (latents := self.tick(state, source)) is None:
            pass
        return latents

    @torch.no_grad()
    def tick(self, state: ControlState, source: Tensor | None = None) -> Tensor | None:
        """Every row a step down: the latents that came out, (chunk, C, h, w), or None while the pipe fills.

        source (C, h, w): the latent a new row begins from, where the model's schedule starts below 1.
        """
        self._repair()
        self._renew_sink(state[Sink].renewed)
        if self._is_cold and state[Picture].data and self.model.capabilities.takes_pictures:
            return self._given(state)
        return self._advance(self._admitted(state, source), state)

    @torch.no_grad()
    def flush(self, state: ControlState) -> list[Tensor]:
        """The latents of the chunks in flight, in order, each (chunk, C, h, w), down what is left of their schedules.

        No row is begun behind them; the next tick begins with an empty pipe, on the cache as it is.
        """
        came = []
        while self._rows:
            self._repair()
            latents = self._advance(self._rows, state)
            came += [] if latents is None else [latents]
        return came

    @property
    def in_flight(self) -> int:
        """Frames begun that have not come out."""
        return len(self._rows) * self.model.chunk

    @property
    def _is_cold(self) -> bool:
        """Whether nothing was drawn since a clean start, nor is being drawn."""
        return not (self._rows or self._pending or self._kept)

    @property
    def _is_apart(self) -> bool:
        """Whether clean frames are written by a forward of their own, so that attention hides nothing from any row."""
        return self.cache.evicts == "after"

    def _given(self, state: ControlState) -> Tensor:
        """The first frame as a picture has it, (1, C, h, w): written as it is (Self-Forcing's `initial_latent`)."""
        latent = self.model.encode_picture(state[Picture].data).to(self.model.device, torch.float32)
        self._pending = (Drawn(self.frame, latent, condition_frames(self.model, state, [self.frame])),)
        self.frame += 1
        return latent[None]

    def _advance(self, rows: tuple[Row, ...], state: ControlState) -> Tensor | None:
        """Every row a step down: the latents that came out, if any."""
        if self._is_apart:
            self._write(self._pending)
            self._settle()
        cond = condition_frames(self.model, state, self._numbers(rows))
        rows, clean = self._denoised(rows, cond, state)
        self._settle()
        self._steps = state[Sampling].steps
        moved = [self._moved(row, latents, state[Sampling].seed) for row, latents in zip(rows, clean, strict=True)]
        self._rows = tuple(row for row in moved if row is not None)
        if moved[0] is not None:
            return None
        self._pending = tuple(Drawn(rows[0].frame + i, latent, cond.rows([i])) for i, latent in enumerate(clean[0]))
        self.frame += self.model.chunk
        return clean[0]

    def _settle(self) -> None:
        """What was pending is in the cache now."""
        self._kept, self._pending = self._surviving(self._kept + self._pending), ()

    @abstractmethod
    def _room(self, rows: Sequence[Row], steps: int) -> bool:
        """Whether another row may enter behind these."""

    def _admitted(self, state: ControlState, source: Tensor | None) -> tuple[Row, ...]:
        """The rows of this tick: those in flight, begun anew if the number of steps changed, and one more if it may."""
        sampling = state[Sampling]
        rows = self._rows if self._steps == sampling.steps else ()
        if not self._room(rows, sampling.steps):
            return rows
        cold = not (rows or self._pending or self._kept)
        steps = max(sampling.steps, self.model.capabilities.first_frame_steps) if cold else sampling.steps
        sigmas = self.model.sigmas(steps)
        frame = rows[-1].frame + self.model.chunk if rows else self.frame
        fresh = self._noise(sampling.seed, frame, 0)
        begun = torch.zeros_like(fresh) if source is None else source.to(fresh).expand_as(fresh)
        return (*rows, Row(frame, sigmas, add_noise(begun, fresh, sigmas[0]), begun))

    def _noise(self, seed: int, frame: int, step: int) -> Tensor:
        """A chunk's noise, (chunk, C, h, w)."""
        drawn = [noise(seed, frame + i, step, self.model.latent) for i in range(self.model.chunk)]
        return sent(torch.stack(drawn), self.model.device)

    def _numbers(self, rows: Sequence[Row]) -> list[int]:
        """The frame numbers of the rows' frames."""
        return [row.frame + i for row in rows for i in range(self.model.chunk)]

    def _denoised(
        self, rows: tuple[Row, ...], cond: Conditioning, state: ControlState
    ) -> tuple[tuple[Row, ...], Sequence[Tensor]]:
        """The rows, with the anchors they got, and their guided clean latents; what was pending is in the cache."""
        guidance, scale = GUIDANCES[state[Sampling].guidance], state[Sampling].scale
        if not guidance.takes_part(scale):
            return rows, self._forward(rows, cond, self._pending)
        if guidance.anchor == "source":
            clean = self._forward(rows, cond, self._pending)
            return rows, [guided(c, row.source, scale) for c, row in zip(clean, rows, strict=True)]
        if guidance.anchor == "negative":
            clean = self._forward(rows, cond, self._pending)
            anchors = self._forward(rows, self._negative(rows, state), ())
            return rows, [guided(c, a, scale) for c, a in zip(clean, anchors, strict=True)]
        new = tuple(row for row in rows if row.anchor is None)
        told = Conditioning.cat([cond, self._negative(new, state)]) if new else cond
        clean = self._forward(rows + new, told, self._pending)
        first = iter(clean[len(rows) :])
        rows = tuple(replace(row, anchor=next(first)) if row.anchor is None else row for row in rows)
        return rows, [
            guided(c, row.anchor, scale) for c, row in zip(clean, rows, strict=False) if row.anchor is not None
        ]

    def _negative(self, rows: Sequence[Row], state: ControlState) -> Conditioning:
        """What the rows are told under the negative prompt."""
        return condition_frames(self.model, state, self._numbers(rows), negative=True)

    def _forward(self, rows: Sequence[Row], cond: Conditioning, pending: Sequence[Drawn]) -> Sequence[Tensor]:
        """The rows' clean latents, a chunk each; pending frames go first, at sigma 0, and are written."""
        if pending:
            cond = Conditioning.cat([*(drawn.cond for drawn in pending), cond])
        told = Rows(
            torch.cat([*(drawn.latent[None] for drawn in pending), *(row.x for row in rows)]),
            (*[0.0] * len(pending), *(row.sigma for row in rows for _ in range(self.model.chunk))),
            cond,
            (*(drawn.frame for drawn in pending), *self._numbers(rows)),
        )
        clean = self.model.denoise(told, self.cache, len(pending), self.causal)
        return clean[len(pending) :].split(self.model.chunk)

    def _moved(self, row: Row, clean: Tensor, seed: int) -> Row | None:
        """The row a step down, under fresh noise; None when it has come out."""
        if row.left == 1:
            return None
        step = row.step_index + 1
        fresh = self._noise(seed, row.frame, step).to(clean.device)
        return replace(row, x=add_noise(clean, fresh, row.sigmas[step]), step_index=step)

    def _surviving(self, drawn: tuple[Drawn, ...]) -> tuple[Drawn, ...]:
        """The frames the cache keeps of these: the sink, and the window's last."""
        sink, window = self.cache.sink, self.cache.window
        return drawn[:sink] + drawn[sink:][-window:]

    def switch(self, kind: str, state: ControlState, anew: bool = True) -> None:
        """A new prompt is in force from the next frame on: what becomes of the cache.

        "recache": rebuilt as if the new words had always been there, the sink by its policy; "keep": left as it is, so
        the old words fade as their frames leave; "cut": emptied, a new shot. Rows in flight hear the new words at once.
        anew: False while a prompt goes on blending in: the mixture is another, the switch was before.
        """
        if kind not in SWITCHES:
            raise ValueError(f"switch is {kind!r}; possible: {', '.join(SWITCHES)}")
        if kind == "cut":
            self.restart(self.frame)
        elif kind == "recache" and not self._is_cold:
            policy = state[Sink].policy
            if policy == "renew" and anew:
                self._drop_sink()
            text = condition_frames(self.model, state, [self.frame]).prompts[0]
            self.recache(text, self.model.capabilities.recache, keep_sink=policy == "keep")

    @torch.no_grad()
    def recache(self, text: PromptStates, mode: str = "causal", keep_sink: bool = False) -> None:
        """Rebuild the cache of the kept frames under another text, in one forward at sigma 0 (LongLive, 3.1).

        mode "causal": frames see earlier ones; the cache is as if the text had always been this one.
        "bidirectional": all see all, as LongLive's own code does and its checkpoint was trained with; the chunk that
        came out last is then among them, if the cache evicts after writing, as LongLive's does.
        keep_sink: the sink stays under its own words (LongLive's `global_sink`), however early it is: also frames that
        are on their way into it.
        """
        if mode not in RECACHES:
            raise ValueError(f"recache mode is {mode!r}; possible: {', '.join(RECACHES)}")
        first = min(self.cache.sink, len(self._kept)) if keep_sink else 0
        later = min(self.cache.sink - first, len(self._pending)) if keep_sink else 0
        again = under(self._kept[first:], text)
        self._kept = self._kept[:first] + again
        self._pending = self._pending[:later] + under(self._pending[later:], text)
        joined = mode == "bidirectional" and self.cache.evicts == "after" and not later
        self.cache.keep(first)
        self._write(again + self._pending if joined else again, mode == "causal")
        if joined:
            self._settle()

    def _renew_sink(self, count: int) -> None:
        """A higher count of renewals than the last asks for one, now; after a clean start there is nothing to renew."""
        if count > self._renewed:
            self._drop_sink()
        self._renewed = count

    def _drop_sink(self) -> None:
        """The oldest frames of the window are the sink from now on; those to come, where there are none."""
        sink, window = self._kept[: self.cache.sink], self._kept[self.cache.sink :]
        if window or self._pending:
            self._kept = window
            self.cache.forget([drawn.frame for drawn in sink])

    def _write(self, drawn: Sequence[Drawn], causal: bool = True) -> None:
        """Clean frames into the cache, in one forward."""
        if drawn:
            rows = Rows(
                torch.stack([d.latent for d in drawn]),
                (0.0,) * len(drawn),
                Conditioning.cat([d.cond for d in drawn]),
                tuple(d.frame for d in drawn),
            )
            self.model.denoise(rows, self.cache, len(drawn), causal)

    def _repair(self) -> None:
        """The cache from the kept frames, if a forward that failed has left it in another state."""
        if self.cache.frames != tuple(drawn.frame for drawn in self._kept):
            self.cache.clear()
            self._write(self._kept)

    def snapshot(self) -> SamplerSnapshot:
        """All that the sampler holds; good for any number of restores."""
        cache = self.cache.snapshot()
        return SamplerSnapshot(self.frame, self._steps, self._renewed, self._rows, self._pending, self._kept, cache)

    def restore(self, snapshot: SamplerSnapshot) -> None:
        """Back to a snapshot, bit for bit."""
        self.frame, self._steps, self._renewed, self._rows = (
            snapshot.frame,
            snapshot.steps,
            snapshot.renewed,
            snapshot.rows,
        )
        self._pending, self._kept = snapshot.pending, snapshot.kept
        self.cache.restore(snapshot.cache)


def under(drawn: Sequence[Drawn], text: PromptStates) -> tuple[Drawn, ...]:
    """The same frames under another text."""
    return tuple(replace(one, cond=one.cond.with_text(text)) for one in drawn)


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """A tensor of the CPU on a device, without waiting for what the device is doing."""
    if torch.device(device).type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
