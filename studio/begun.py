"""A frame between its two halves: its latents are made, its picture is not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from studio.frames import Frame
from studio.models.errors import NotFinite

if TYPE_CHECKING:
    from studio.conditioning import FrameInputs
    from studio.models.base import Decoder
    from studio.similarity import SimilarityState


@dataclass(frozen=True, eq=False)
class Begun:
    """What `Engine.begin` gives and `Engine.finish` makes a frame of.

    latents: (F, C, h, w), for `decoder`; None where the frame needs no new picture. inputs: what a person set for them.
    revision: it was made under; started: `time.perf_counter` at which it was begun; skipped: the similarity filter lets
    the last picture stand; similarity: what the filter knew before.
    """

    index: int
    revision: int
    started: float
    latents: Tensor | None
    inputs: FrameInputs
    decoder: Decoder
    skipped: bool
    similarity: SimilarityState

    def decode(self) -> tuple[list[np.ndarray], bool]:
        """Give the pictures, and whether all in them and in their latents are numbers."""
        assert self.latents is not None, f"frame {self.index} needs no new picture"
        try:
            return self.decoder.decode(self.latents, self.inputs), bool(self.latents.isfinite().all())
        except NotFinite as overflow:
            return overflow.pictures, False

    def frame(self, picture: np.ndarray, since: float) -> Frame:
        """Give the frame with its picture. since: `time.perf_counter` from which on that was made."""
        now = time.perf_counter()
        decode_ms = 0.0 if self.latents is None else (now - since) * 1e3
        tick_ms = (now - self.started) * 1e3
        return Frame(self.index, picture, self.revision, time.time_ns(), tick_ms, self.skipped, decode_ms=decode_ms)
