"""The engine: controls in, frames out. Everything live is one `step()`."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from studio.begun import Begun
from studio.conditioning import NOTHING_SET, FrameInputs, condition_frames, frame_inputs
from studio.controls import (
    Control,
    ControlState,
    Picture,
    Place,
    Prompt,
    Region,
    Sampling,
    Similarity,
    Stroke,
    Subject,
)
from studio.frames import Frame
from studio.models import playable
from studio.pictures import decoded
from studio.regional import labels_heard
from studio.samplers import Sampler, samplers_of
from studio.samplers.base import RowRevisions
from studio.samplers.words import Words, switch_words
from studio.similarity import SimilarityFilter, SimilarityState, conditioning_key, thumbnail

if TYPE_CHECKING:
    from studio.models.base import Model

NOT_FINITE = (
    "the model has given numbers that are not finite (NaN) since frame {}, so what is shown is no picture. Take the "
    "weight of a LoRA or the guidance scale down, and start clean (reset). If it stays so, open the model in float32."
)
REMEMBERED = 4096  # words already shown to the model; beyond it they are looked at again
log = logging.getLogger("studio")


@dataclass(frozen=True)
class EngineSnapshot:
    """All that an engine holds between two frames."""

    frame: int
    revision: int
    state: ControlState
    words: Words | None
    pictures: tuple[np.ndarray, ...]
    frame_revision: int
    last_picture: np.ndarray | None
    similarity: SimilarityState
    sampler: Any
    decoder: Any


class WordsRead:
    """Which words a model was shown; once there are too many, all are new again."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def adds(self, kind: str, text: str) -> bool:
        """Remember words of a kind: whether they are new."""
        if (kind, text) in self._known:
            return False
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known.add((kind, text))
        return True


class Engine:
    """One stream of frames on a model; `frame` is the number of the next. Engines share weights and nothing else.

    A control applied before a step is in force in the frame that step makes.
    """

    def __init__(
        self, model: Model, sampler: str | None = None, *, start: int = 0, state: ControlState | None = None
    ) -> None:
        """sampler: a name of `samplers_of(model)`; None is the one the model was made for."""
        sampler = str(sampler or model.capabilities.sampler)
        if sampler not in (samplers := samplers_of(model)):
            raise ValueError(f"sampler is {sampler!r}; there are: {', '.join(samplers)}")
        self.model, self.sampler_name = model, sampler
        self.sampler: Sampler[Any, Any] = samplers[sampler](model, start)
        self.decoder = model.new_decoder()
        self.frame = start
        self.jumps = 0  # how often it went elsewhere: began clean, or was restored
        self.revision = 0
        self.state = state or playable.initial_state(model)
        # The words of the last frame made and their weights; None after a clean start: nothing to switch from.
        self._last_words: Words | None = None
        # Pictures decoded with the last chunk that have not come out yet, and the revision it was made under.
        self._pictures: list[np.ndarray] = []
        self._frame_revision, self._row_revisions = 0, RowRevisions()
        # The last picture that came out, and what the similarity filter knows of it.
        self._last_picture: np.ndarray | None = None
        self.problem: str | None = None  # what is wrong with the pictures, in words for a person
        self._similarity, self._known = SimilarityState(), WordsRead()
        self._thumbnail = lru_cache(maxsize=2)(lambda data: thumbnail(decoded(data, model.size)))

    def check(self, control: Control) -> None:
        """Raise ControlError for what this model cannot play; see `playable.check`. May be called from any thread."""
        playable.check(self.model, control)

    def accept(self, *controls: Control) -> None:
        """Check all of them, then prepare them: what is done with whatever is sent."""
        for control in controls:
            self.check(control)
        self.prepare(*controls)

    @torch.no_grad()
    def prepare(self, *controls: Control) -> None:
        """Read new words, labels and pictures, which the model then has ready: that costs the sender time, no frame.

        Of controls that were checked. May be called from any thread; what was prepared before costs nothing.
        """
        for control in controls:
            self.sampler.source.prepare(control)
            read(self.model, self._known, control)
            if isinstance(control, Picture) and control.data and self.state[Similarity].threshold:
                self._thumbnail(control.data)

    def adapt(self, state: ControlState) -> tuple[ControlState, dict[str, str]]:
        """Give what of the controls in force this model plays, and the kinds it does not; see `playable.adapt`."""
        return playable.adapt(self.model, state, self.frame)

    def apply(self, sent: Sequence[tuple[int, Control]]) -> None:
        """Put (revision, control) pairs in force from the next frame on."""
        for revision, control in sent:
            self.state = self.state.after(control, self.frame)
            self.revision = max(self.revision, revision)

    def step(self) -> Frame:
        """Make exactly one frame. After a clean start that is also the ticks that fill the pipe."""
        return self.finish(self.begin())

    @torch.no_grad()
    def begin(self) -> Begun:
        """Do the first half of a step: all of the next frame but its picture; see `Capabilities.decodes_beside`."""
        started, similarity = time.perf_counter(), self._similarity
        self.state = self.state.at(self.frame)
        self.sampler.watch(self.frame, self._last_picture, self.state)
        latents = None if self._pictures else self._draw()
        skipped = latents is None and not self._pictures
        told = inputs_of(latents, self.sampler, self.state)
        begun = Begun(self.frame, self._frame_revision, started, latents, told, self.decoder, skipped, similarity)
        self.frame += 1
        return begun

    @torch.no_grad()
    def finish(self, begun: Begun) -> Frame:
        """Do the second half of a step: make the picture. Frames are finished in the order they were begun."""
        began, pictures = time.perf_counter(), self._pictures
        if begun.latents is not None:
            try:
                pictures, finite = begun.decode()
            except BaseException:
                self.take_back(begun)
                raise
            self.problem = None if finite else self.problem or NOT_FINITE.format(begun.index)
        if pictures:
            self._last_picture, *self._pictures = pictures
        assert self._last_picture is not None  # the first frame is never skipped
        return begun.frame(self._last_picture, began)

    def take_back(self, begun: Begun) -> None:
        """Take back a frame that was begun and could not be finished: the next has its number."""
        self.frame, self._similarity = begun.index, begun.similarity

    @property
    def ahead(self) -> int:
        """How many pictures are made and have not come out."""
        return len(self._pictures)

    def _draw(self) -> Tensor | None:
        """Make the latents of the next chunk; None where the last picture stands."""
        self._frame_revision = self.revision
        renders, similarity = self._should_render()
        latents = None
        if renders:
            self._last_words, cuts = switch_words(self.sampler, self._last_words, self.state)
            if cuts:
                self.decoder = self.model.new_decoder()  # what it holds of the last shot is no past of this one
            latents = self.sampler.step(self.state)
            self._frame_revision = self._row_revisions.came_out(self.revision, self.sampler, self.jumps)
        self._similarity = similarity
        return latents

    def _should_render(self) -> tuple[bool, SimilarityState]:
        """Whether the next frame is to be drawn, and what the similarity filter knows then.

        Without a picture that comes in all frames are alike, as long as the noise is held and nobody changes a thing.
        """
        similarity, sampling = self.state[Similarity], self.state[Sampling]
        restless = sampling.drift or self.sampler.source.is_restless(self.state)
        if restless or not (similarity.threshold and self.sampler.independent):
            return True, SimilarityState()
        filter = SimilarityFilter(
            similarity.threshold, similarity.most, self.sampler.in_flight, sampling.seed, self._similarity
        )
        number = self.frame + self.sampler.in_flight
        data, painted = self.state[Picture].data, self.sampler.source.seen(self.state, number)
        key = conditioning_key(self.state, painted is not None)
        seen = painted if painted is not None else self._thumbnail(data) if data else None
        return filter.is_new(seen, key), filter.snapshot()

    def restart(self, frame: int, state: ControlState | None = None) -> None:
        """Start clean: cache, rows in flight and decoder empty, the next frame is number `frame`; controls stay."""
        self.sampler.restart(frame)
        self.decoder = self.model.new_decoder()
        self.frame, self.jumps = frame, self.jumps + 1
        self.state = state or self.state
        self._last_words, self._pictures = None, []
        self._last_picture, self._similarity, self.problem = None, SimilarityState(), None

    def snapshot(self) -> EngineSnapshot:
        """Give the engine as it is between two frames."""
        return EngineSnapshot(
            self.frame,
            self.revision,
            self.state,
            self._last_words,
            tuple(self._pictures),
            self._frame_revision,
            self._last_picture,
            self._similarity,
            self.sampler.snapshot(),
            self.decoder.snapshot(),
        )

    def restore(self, snapshot: EngineSnapshot) -> None:
        """Go on from a snapshot. Revisions never go back: they number what was sent, not what is in force."""
        self.frame, self.state, self._last_words = snapshot.frame, snapshot.state, snapshot.words
        self.jumps += 1
        self.revision = max(self.revision, snapshot.revision)
        self._pictures, self._frame_revision = list(snapshot.pictures), snapshot.frame_revision
        self._last_picture, self._similarity = snapshot.last_picture, snapshot.similarity
        self.sampler.restore(snapshot.sampler)
        self.decoder.restore(snapshot.decoder)


def inputs_of(latents: Tensor | None, sampler: Sampler[Any, Any], state: ControlState) -> FrameInputs:
    """Give what a person set for the latents that have just come out of a sampler; nothing where none have."""
    if latents is None:
        return NOTHING_SET
    return frame_inputs(state, range(sampler.frame - len(latents), sampler.frame))


def read(model: Model, known: WordsRead, control: Control) -> None:
    """Have a model ready what a control brings, words, labels and a person's own pictures, where they are new."""
    match control:
        case Prompt():
            for text in filter(None, (*control.texts, control.negative)):
                if known.adds("prompt", text):
                    read_words(model, text)
        case Region() if control.text and known.adds("region", control.text):
            read_words(model, control.text)
        case Stroke() if known.adds("label", control.label):
            read_label(model, control)
        case Place() if control.data:
            read_place(model, control)
        case Subject() if control.data and known.adds("subject", repr(control.own.words)):
            read_subject(model, control)


def read_label(model: Model, stroke: Stroke) -> None:
    """Have a model ready what it draws for a new label, or hears where its subject is."""
    state = ControlState().after(stroke, 0)
    if model.capabilities.strokes == "tracks":
        condition_frames(model, state, [0])
    for label in labels_heard(model, state):
        read_words(model, label)
    else:
        model.reads(stroke.label)


def read_place(model: Model, place: Place) -> None:
    """Have a model ready what it draws under a prompt that says the name of a person's own place."""
    condition_frames(model, ControlState.of(place, Prompt(place.name)), [0])


def read_subject(model: Model, subject: Subject) -> None:
    """Have a model ready the words of a subject of one's own, and its picture."""
    if model.capabilities.strokes == "tracks":
        said = (
            Stroke(str(number), word, ((0.0, 0.5, 0.5),)) for number, word in enumerate((subject.name, *subject.words))
        )
        condition_frames(model, ControlState.of(subject, *said), [0])
    else:
        for word in (subject.name, *subject.words):
            model.reads(word)


def read_words(model: Model, text: str) -> None:
    """Have a model read new words, and log what of them it does not read as they are written."""
    for remark in model.prepare(text).remarks:
        log.warning(remark)
