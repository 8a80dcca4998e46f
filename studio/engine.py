"""The engine: controls in, frames out. Everything live is one `step()`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from studio.controls import (
    Control,
    ControlError,
    ControlState,
    Lora,
    Pause,
    Picture,
    Prompt,
    Sampling,
    Similarity,
    Stroke,
    active_prompts,
    opening_events,
)
from studio.frames import Frame
from studio.guidance import active_guidance
from studio.models.base import optional
from studio.pictures import decoded
from studio.samplers import samplers_of
from studio.similarity import SimilarityFilter, SimilarityState, conditioning_key, thumbnail

if TYPE_CHECKING:
    from studio.models.base import Model

MAX_STEPS = 16
REMEMBERED = 4096  # words already shown to the model; beyond it they are looked at again


@dataclass(frozen=True)
class EngineSnapshot:
    """All that an engine holds between two frames."""

    frame: int
    revision: int
    state: ControlState
    drawn: tuple[tuple[str, float], ...] | None
    made: tuple[np.ndarray, ...]
    under: int
    shown: np.ndarray | None
    similar: SimilarityState
    sampler: Any
    decoder: Any


class Engine:
    """One stream of frames on a model; `frame` is the number of the next. Engines share weights and nothing else.

    A control applied before a step is in force in the frame that step makes.
    """

    def __init__(
        self, model: Model, sampler: str | None = None, *, start: int = 0, state: ControlState | None = None
    ) -> None:
        """sampler: a name of `samplers_of(model)`; None is the one the model was made for."""
        sampler = str(sampler or optional(model, "sampler"))
        if sampler not in (samplers := samplers_of(model)):
            raise ValueError(f"sampler is {sampler!r}; there are: {', '.join(samplers)}")
        self.model = model
        self.sampler_name = sampler
        self.sampler: Any = samplers[sampler](model, start)
        self.decoder = model.new_decoder()
        self.frame = start
        self.revision = 0
        self.state = state or ControlState.of(self._nearest(Sampling(steps=optional(model, "steps"))))
        # The words of the last frame made and their weights; None after a clean start: nothing to switch from.
        self._drawn: tuple[tuple[str, float], ...] | None = None
        # Pictures decoded with the last chunk that have not come out yet, for models whose chunk is several frames; and
        # the revision it was made under.
        self._made: list[np.ndarray] = []
        self._under = 0
        # The last picture that came out, and what the similarity filter knows of it.
        self._shown: np.ndarray | None = None
        self._similar = SimilarityState()
        self._thumbnail = lru_cache(maxsize=2)(lambda data: thumbnail(decoded(data, tuple(model.size))))
        self._known: set[tuple[str, str]] = set()

    def check(self, control: Control) -> None:
        """Raise ControlError for what this model cannot do. May be called from any thread.

        It also shows new words to the model, which then has them ready: a new prompt costs the sender time, no frame.
        """
        if reason := optional(self.model, "refuses").get(control.kind):
            raise ControlError(f"{self.model.name} takes no {control.kind}: {reason}")
        match control:
            case Sampling():
                self._check_sampling(control)
            case Prompt():
                for text in filter(None, (control.text, control.negative)):
                    if self._is_new("prompt", text):
                        self.model.encode_text(text)
            case Picture() if control.data:
                if not hasattr(self.model, "encode_picture"):
                    raise ControlError(f"{self.model.name} takes no picture; choose an image model")
                decoded(control.data, tuple(self.model.size))
                if self.state[Similarity].threshold:
                    self._thumbnail(control.data)
            case Similarity() if control.threshold and not self._is_independent:
                raise ControlError(f"{self.model.name} draws a moving picture, of which no frame can be skipped")
            case Lora() if control.name not in optional(self.model, "loras"):
                names = ", ".join(optional(self.model, "loras")) or "none"
                raise ControlError(f"LoRA is {control.name!r}; {self.model.name} was opened with: {names}")
            case Stroke() if self._is_new("label", control.label):
                with torch.no_grad():
                    self.model.condition(ControlState().after(control, 0), [0])

    def _check_sampling(self, sampling: Sampling) -> None:
        """Raise ControlError for steps that the model does not have, or residual noise where there is only noise."""
        try:
            top = max(sigmas[0] for sigmas in self.sampler.schedules(sampling))
        except ValueError as error:
            raise ControlError(f"{self.model.name} cannot play {sampling.steps} steps: {error}") from error
        if sampling.delta != 1 and active_guidance(sampling).is_residual and top >= 1:
            raise ControlError(
                f"delta is {sampling.delta:g}; {self.model.name} begins at pure noise, where delta is 1: send 1"
            )

    def taken(self, state: ControlState) -> tuple[ControlState, dict[str, str]]:
        """What of the controls in force this model plays, and the kinds it does not, each with the reason.

        Sampling that it cannot play becomes the nearest it can.
        """
        kept, refused = ControlState.of(Pause(state[Pause].paused)), dict[str, str]()
        for frame, control in opening_events(state, self.frame):
            try:
                self.check(control)
            except ControlError as error:
                refused[control.kind] = str(error)
                if not isinstance(control, Sampling):
                    continue
                control = self._nearest(control)
            kept = kept.after(control, frame)
        return kept, refused

    def takes(self, control: Control) -> bool:
        """Whether this model can play a control."""
        try:
            self.check(control)
        except ControlError:
            return False
        return True

    def _nearest(self, sampling: Sampling) -> Sampling:
        """The sampling nearest to this one that the model can play: by its steps, else without guidance's delta."""
        if self.takes(sampling):
            return sampling
        for steps in sorted(range(1, MAX_STEPS + 1), key=lambda steps: abs(steps - sampling.steps)):
            for delta in (sampling.delta, 1.0):
                wanted = replace(sampling, steps=steps, delta=delta, t_index_list=())
                if self.takes(wanted):
                    return wanted
        raise ValueError(f"{self.model.name} has no schedule of 1 to {MAX_STEPS} steps")

    @property
    def _is_independent(self) -> bool:
        return optional(self.model, "independent")

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
            self.state = self.state.after(control, self.frame)
            self.revision = max(self.revision, revision)

    @torch.no_grad()
    def step(self) -> Frame:
        """Make exactly one frame. After a clean start that is also the ticks that fill the pipe."""
        begun = time.perf_counter()
        self.state = self.state.at(self.frame)
        skipped = not self._made and not self._draw()
        picture = self._made.pop(0) if self._made else self._shown
        assert picture is not None  # the first frame is never skipped
        took = (time.perf_counter() - begun) * 1e3
        frame = Frame(self.frame, picture, self._under, time.time_ns(), took, skipped)
        self._shown = picture
        self.frame += 1
        return frame

    @property
    def ahead(self) -> int:
        """Pictures that are made and have not come out."""
        return len(self._made)

    def _draw(self) -> bool:
        """Make the pictures of the next chunk, or let the last one stand: whether there are any."""
        self._under = self.revision
        is_new, similar = self._judged()
        if is_new:
            if not self._is_independent:
                self._switch()
            self._made += self.decoder.decode(self.sampler.step(self.state))
        self._similar = similar
        return is_new

    def _judged(self) -> tuple[bool, SimilarityState]:
        """Whether the next frame is to be drawn, and what the similarity filter knows then.

        Without a picture that comes in all frames are alike, as long as the noise is held and nobody changes a thing.
        """
        similarity, sampling = self.state[Similarity], self.state[Sampling]
        if not (similarity.threshold and self._is_independent) or sampling.drift:
            return True, SimilarityState()
        filter = SimilarityFilter(
            similarity.threshold, similarity.most, self.sampler.in_flight, sampling.seed, self._similar
        )
        data = self.state[Picture].data
        return filter.is_new(self._thumbnail(data) if data else None, conditioning_key(self.state)), filter.snapshot()

    def _switch(self) -> None:
        """Tell the sampler of new words, once for all that came since the last frame, and while they blend in again.

        A blend recaches at each chunk, so that cache and words go together; "cut" cuts once, at its start.
        """
        heard, kind = words(self.state), self.state[Prompt].switch
        if self._drawn not in (None, heard):
            anew = self._drawn[-1][0] != heard[-1][0]
            if anew or kind == "recache":
                self.sampler.switch(kind, self.state, anew)
            if anew and kind == "cut":
                self.decoder = self.model.new_decoder()  # what it holds of the last shot is no past of this one
        self._drawn = heard

    def restart(self, frame: int, state: ControlState | None = None) -> None:
        """A clean start: cache, rows in flight and decoder empty, the next frame is number `frame`; controls stay."""
        self.sampler.restart(frame)
        self.decoder = self.model.new_decoder()
        self.frame = frame
        self.state = state or self.state
        self._drawn, self._made = None, []
        self._shown, self._similar = None, SimilarityState()

    def snapshot(self) -> EngineSnapshot:
        """The engine as it is between two frames."""
        return EngineSnapshot(
            self.frame,
            self.revision,
            self.state,
            self._drawn,
            tuple(self._made),
            self._under,
            self._shown,
            self._similar,
            self.sampler.snapshot(),
            self.decoder.snapshot(),
        )

    def restore(self, snapshot: EngineSnapshot) -> None:
        """Go on from a snapshot. Revisions never go back: they number what was sent, not what is in force."""
        self.frame, self.state, self._drawn = snapshot.frame, snapshot.state, snapshot.drawn
        self.revision = max(self.revision, snapshot.revision)
        self._made, self._under = list(snapshot.made), snapshot.under
        self._shown, self._similar = snapshot.shown, snapshot.similar
        self.sampler.restore(snapshot.sampler)
        self.decoder.restore(snapshot.decoder)


def words(state: ControlState) -> tuple[tuple[str, float], ...]:
    """The texts heard in the frame being drawn and their weights; a text that blends into itself is one."""
    heard = [(prompt.text, weight) for prompt, _, weight in active_prompts(state)]
    return tuple(one for one, before in zip(heard, [("", 0.0), *heard], strict=False) if one[0] != before[0])
