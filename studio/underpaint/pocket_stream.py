"""The embedded model's own stream as a backdrop: the prompt in force, a seed of its own, no strokes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from studio.controls import Backdrop, ControlState, Held, Prompt, Sampling

if TYPE_CHECKING:
    from studio.models.base import Model

_loading = Lock()


def pocket() -> Model:
    """Give the embedded model that is drawn on by all image models of the process, loaded when it is first asked for.

    Its constructor asks torch for one thread, which is right for it alone: the image model keeps its own.
    """
    with _loading:
        return _pocket()


@lru_cache(maxsize=1)
def _pocket() -> Model:
    from studio.models.pocket.model import Pocket

    with one_thread():
        return Pocket(size=(256, 256))  # what is redrawn needs no more


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that the pocket's frames are the same whatever the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True, eq=False)
class PocketSnapshot:
    """All that the stream holds. words: of its last frame, as in an engine; seed: the one that it was begun with."""

    seed: int
    words: Any
    sampler: Any


class PocketStream:
    """Draws the embedded model's frames one after the other, beside those of the model that redraws them."""

    def __init__(self, seed: int, start: int) -> None:
        from studio.samplers.stream_batch import StreamBatch

        self.model, self.seed, self._words = pocket(), seed, None
        self._sampler = StreamBatch(self.model, start)
        self._decoder = self.model.new_decoder()

    def step(self, state: ControlState) -> np.ndarray:
        """Draw the next frame under the prompt in force: uint8 (256, 256, 3)."""
        from studio.samplers.words import switch_words

        own = own_controls(self.model, state)
        with one_thread():
            self._words, _ = switch_words(self._sampler, self._words, own)
            return self._decoder.decode(self._sampler.step(own))[0]

    def snapshot(self) -> PocketSnapshot:
        """Give all that the stream holds; good for any number of restores."""
        return PocketSnapshot(self.seed, self._words, self._sampler.snapshot())

    @staticmethod
    def restored(snapshot: PocketSnapshot) -> PocketStream:
        """Make a stream that goes on from a snapshot, bit for bit."""
        stream = PocketStream(snapshot.seed, 0)
        stream._words = snapshot.words
        stream._sampler.restore(snapshot.sampler)
        return stream

    def snapshot_bytes(self, state: ControlState) -> int:
        """Compute the most bytes that a snapshot takes."""
        return self._sampler.snapshot_bytes(own_controls(self.model, state))


def own_controls(model: Model, state: ControlState) -> ControlState:
    """Give what the stream is told: the prompt as it is held, and its own steps and seed."""
    sampling = Sampling(seed=state[Backdrop].seed, steps=model.capabilities.steps)
    slots: dict[Hashable, Held[Any]] = {Prompt.kind: state.held(Prompt), Sampling.kind: Held(sampling)}
    return ControlState(MappingProxyType(slots), state.frame)
