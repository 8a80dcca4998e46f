"""The engine: controls in, frames out. Everything live is one `step()`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from studio.controls import Control, ControlError, InForce, Prompt, Sampling, Stroke
from studio.frames import Frame
from studio.models.base import optional
from studio.samplers import SAMPLERS

if TYPE_CHECKING:
    from studio.models.base import Model

REMEMBERED = 4096  # words already shown to the model; beyond it they are looked at again


@dataclass(frozen=True)
class EngineState:
    """All that an engine holds between two frames."""

    frame: int
    revision: int
    in_force: InForce
    drawn: Prompt | None
    made: tuple[np.ndarray, ...]
    sampler: Any
    decoder: Any


class Engine:
    """One stream of frames on a model; `frame` is the number of the next. Engines share weights and nothing else.

    A control applied before a step is in force in the frame that step makes.
    """

    def __init__(
        self, model: Model, sampler: str = "stream", *, start: int = 0, in_force: InForce | None = None
    ) -> None:
        if sampler not in SAMPLERS:
            raise ValueError(f"sampler is {sampler!r}; there are: {', '.join(SAMPLERS)}")
        self.model = model
        self.sampler_name = sampler
        self.sampler = SAMPLERS[sampler](model, start)
        self.decoder = model.new_decoder()
        self.frame = start
        self.revision = 0
        self.in_force = in_force or InForce()
        # The prompt of the last frame made; None after a clean start, when there is nothing to switch from.
        self._drawn: Prompt | None = None
        # Pictures decoded with the last chunk that have not come out yet: for models whose chunk is several frames.
        self._made: list[np.ndarray] = []
        self._known: set[tuple[str, str]] = set()

    def check(self, control: Control) -> None:
        """Raise ControlError for what this model cannot do. May be called from any thread.

        It also shows new words to the model, which then has them ready: a new prompt costs the sender time, no frame.
        """
        if reason := optional(self.model, "refuses").get(control.kind):
            raise ControlError(f"{self.model.name} takes no {control.kind}: {reason}")
        match control:
            case Sampling():
                try:
                    self.model.ladder(control.rungs)
                except ValueError as error:
                    raise ControlError(f"{self.model.name} cannot play {control.rungs} rungs: {error}") from error
            case Prompt():
                for text in filter(None, (control.text, control.negative)):
                    if self._is_new("prompt", text):
                        self.model.encode_text(text)
            case Stroke() if self._is_new("label", control.label):
                with torch.no_grad():
                    self.model.condition(InForce().after(control, 0), [0])

    def _is_new(self, kind: str, text: str) -> bool:
        if (kind, text) in self._known:
            return False
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known.add((kind, text))
        return True

    def apply(self, sent: Sequence[tuple[int, Control]]) -> None:
        """Put (revision, control) pairs in force from the next frame on."""
        for revision, control in sent:
            self.in_force = self.in_force.after(control, self.frame)
            self.revision = max(self.revision, revision)

    @torch.no_grad()
    def step(self) -> Frame:
        """Make exactly one frame. After a clean start that is also the ticks that fill the pipe."""
        begun = time.perf_counter()
        if not self._made:
            self._switch()
            for latent in self.sampler.step(self.in_force):
                self._made.extend(pictures(self.decoder.decode(latent)))
        picture = self._made.pop(0)
        took = (time.perf_counter() - begun) * 1e3
        frame = Frame(self.frame, picture, self.revision, time.time_ns(), took)
        self.frame += 1
        return frame

    def _switch(self) -> None:
        """Tell the sampler of a new prompt, once for all that came since the last frame."""
        prompt = self.in_force.prompt
        if self._drawn is not None and self._drawn.text != prompt.text:
            self.sampler.switch(prompt.switch, self.in_force)
        self._drawn = prompt

    def restart(self, frame: int, in_force: InForce | None = None) -> None:
        """A clean start: cache, rows in flight and decoder empty, the next frame is number `frame`; controls stay."""
        self.sampler.restart(frame)
        self.decoder = self.model.new_decoder()
        self.frame = frame
        self.in_force = in_force or self.in_force
        self._drawn, self._made = None, []

    def snapshot(self) -> EngineState:
        """The engine as it is between two frames."""
        return EngineState(
            self.frame,
            self.revision,
            self.in_force,
            self._drawn,
            tuple(self._made),
            self.sampler.snapshot(),
            self.decoder.snapshot(),
        )

    def restore(self, state: EngineState) -> None:
        """Go on from a snapshot. Revisions never go back: they number what was sent, not what is in force."""
        self.frame, self.in_force, self._drawn = state.frame, state.in_force, state.drawn
        self.revision = max(self.revision, state.revision)
        self._made = list(state.made)
        self.sampler.restore(state.sampler)
        self.decoder.restore(state.decoder)


def pictures(decoded: Any) -> list[np.ndarray]:
    """The uint8 (H, W, 3) pictures a decoder gave for one latent: one, or several if a latent spans several frames."""
    return list(decoded) if isinstance(decoded, list | tuple) else [np.asarray(decoded)]
