"""What every sampler does: rows in flight, a tick that moves all of them a step down, frames that come out in order.

A sampler says where a row comes from (`new_row`), when another may enter (`can_admit`), how rows are denoised
(`denoiser`) and what becomes of one that has come out (`finish`). All the rest is here, for video and pictures alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from studio.controls import Sampling
from studio.controls.prompt import SWITCHES
from studio.guidance import apply_guidance
from studio.samplers.rows import Row, renoise
from studio.samplers.source import Source

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.guidance import Denoise
    from studio.models.base import Model


R = TypeVar("R", bound=Row)  # a sampler's rows
S = TypeVar("S")  # and its snapshots


class Sampler(ABC, Generic[R, S]):
    """Draws a model's frames in order. `frame` is the number of the next one that comes out.

    Frames are latent frames here. Everything a person sets is read from the controls in force, at every tick. State
    changes only when a tick is done: after an error the next tick goes on from where the last good one ended.
    independent: frames do not see each other. A row then keeps the controls it began under, and a frame may be left
    out, since no later one needs it; elsewhere all rows hear what is in force, and begin anew when the number of steps
    is another. source: what frames begin from. can_admit: (rows, steps) -> whether a new row of so many steps may enter
    behind these.
    """

    independent: ClassVar[bool] = False
    source: Source = Source()
    can_admit: Callable[[Sequence[R], int], bool]
    frame: int
    _rows: tuple[R, ...]

    def __init__(self, model: Model, start: int = 0) -> None:
        self.model = model
        self.restart(start)

    def restart(self, frame: int) -> None:
        """Start clean: nothing in flight and nothing remembered, the next frame is number `frame`."""
        self.frame = frame
        self._rows = ()

    @property
    def in_flight(self) -> int:
        """Frames begun that have not come out."""
        return len(self._rows) * self.model.chunk

    # Ticks

    def watch(self, frame: int, shown: np.ndarray | None, state: ControlState) -> None:
        """Take in, before each picture, its number and the one before it, (H, W, 3) uint8, under the controls in force.

        None: there is none since a clean start. Pictures are numbered one by one, also where a latent is several.
        """

    @torch.no_grad()
    def step(self, state: ControlState) -> Tensor:
        """Give the clean latents (chunk, C, h, w), float32, of the next frames; ticks until they are there.

        After a clean start with a picture in force, of a video model that takes them, they are the picture's: (1, ...).
        """
        while (latents := self.tick(state)) is None:
            pass
        return latents

    @torch.no_grad()
    def tick(self, state: ControlState) -> Tensor | None:
        """Move every row a step down, and a new one if it may enter: the latents that came out, (chunk, C, h, w).

        None while the pipe fills; also while it drains, where the rows in flight have a longer schedule than new ones.
        """
        steps = state[Sampling].steps
        goes_on = self.independent or all(row.sampling.steps == steps for row in self._rows)
        rows = self._rows if goes_on else ()
        if self.can_admit(rows, steps):
            frame = rows[-1].frame + self.model.chunk if rows else self.frame
            rows = (*rows, self.new_row(state, frame, is_first=not rows))
        return self._advance(rows, state)

    @torch.no_grad()
    def flush(self, state: ControlState) -> list[Tensor]:
        """Give the latents of the chunks in flight, in order, each (chunk, C, h, w), down the rest of their schedules.

        No row is begun behind them; the next tick begins with an empty pipe.
        """
        came = []
        while self._rows:
            latents = self._advance(self._rows, state)
            came += [] if latents is None else [latents]
        return came

    def _advance(self, rows: tuple[R, ...], state: ControlState) -> Tensor | None:
        """Move these rows a step down: the latents of the oldest, if that was its last."""
        clean, rows_now = apply_guidance(self.denoiser(rows, state), rows)
        moved = [
            renoise(row, x0, self.noise_of(row, row.step_index + 1)) if row.steps_left > 1 else None
            for row, x0 in zip(rows_now, clean, strict=True)
        ]
        self._rows = tuple(row for row in moved if row is not None)
        return self.finish(rows_now[0], clean[0]) if moved[0] is None else None

    # What a kind of sampler does in its own way

    @abstractmethod
    def new_row(self, state: ControlState, frame: int, is_first: bool) -> R:
        """Begin the row of a frame; is_first: no row is in flight."""

    @abstractmethod
    def denoiser(self, rows: Sequence[R], state: ControlState) -> Denoise[R]:
        """Give the function by which a guidance denoises these rows in this tick."""

    @abstractmethod
    def noise_of(self, row: R, step: int) -> Tensor:
        """Give the noise of a row's step, like its x."""

    @abstractmethod
    def finish(self, row: R, clean: Tensor) -> Tensor:
        """Take in a row that has come out, and give its latents."""

    # Prompt switches and state

    def switch(self, kind: str, state: ControlState, is_new_prompt: bool = True) -> None:
        """Take in that another prompt is in force from the next frame on: what becomes of the frames that are kept.

        kind: "recache", "keep" or "cut", see `Prompt`. is_new_prompt: False while a prompt goes on blending in: the
        mixture is another, the switch was before. A sampler that keeps no frames has nothing to do.
        """
        if kind not in SWITCHES:
            raise ValueError(f"switch is {kind!r}; possible: {', '.join(SWITCHES)}")

    @abstractmethod
    def snapshot(self) -> S:
        """Give all that the sampler holds; a value, good for any number of restores."""

    @abstractmethod
    def snapshot_bytes(self, state: ControlState) -> int:
        """Compute the most bytes that a snapshot takes under these controls, before any is made."""

    @abstractmethod
    def restore(self, snapshot: S) -> None:
        """Go back to a snapshot of this kind of sampler, bit for bit."""


class RowRevisions:
    """Under which revision of the controls each row in flight began; of rows that keep what they began under."""

    def __init__(self) -> None:
        self._began: list[int] = []  # of the rows in flight, the oldest first
        self._jumps = 0

    def came_out(self, revision: int, sampler: Sampler[Any, Any], jumps: int) -> int:
        """Give that of the row that has just come out of a sampler; revision: in force while it did.

        Where all rows hear what is in force, it is that. jumps: how often the sampler went elsewhere, with other rows.
        """
        if not sampler.independent:
            return revision
        if jumps != self._jumps:
            self._began, self._jumps = [], jumps
        self._began += [revision] * (sampler.in_flight + 1 - len(self._began))
        return self._began.pop(0)
