"""Video in: the pictures that come in while a chunk is shown are what the next one is drawn from.

StreamDiffusionV2's way (arXiv 2511.07399), on any causal student: a streaming encoder that carries its state from chunk
to chunk, a chunk that begins at x = (1 - sigma) source + sigma noise on the part of the schedule below the start level,
and a start level that falls where the pictures move. What a row is begun from is then one chunk late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from studio.controls import Live, Picture, Sampling
from studio.controls.sampling import STRENGTHS
from studio.pictures import decoded

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.models.base import Model

FASTEST = 0.2  # root mean square of the difference of two pictures in -1..1 from which on all is motion
SHARE = 0.9  # of the new level in each chunk's; the rest is the last one's


@dataclass(frozen=True, eq=False)
class Incoming:
    """What a stream knows of the pictures that come in, uint8 (H, W, 3) each.

    pictures: in force at each picture shown since the last chunk began; last: the one before them. strength: that the
    last chunk began at; None before the first. encoding: the encoder's state; None where nothing was encoded.
    """

    pictures: tuple[np.ndarray, ...] = ()
    last: np.ndarray | None = None
    strength: float | None = None
    encoding: Any = None


class VideoIn:
    """Collects a stream's pictures. `now` is all it holds, a value.

    What `begin` gives counts once `commit` is called: after a forward that failed the same chunk begins again.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.clear()

    def clear(self) -> None:
        """Forget everything: the next chunk is a stream's first."""
        self.restore(Incoming())

    def restore(self, now: Incoming) -> None:
        """Go back to what was known; of a chunk that has begun since nothing is."""
        self.now: Incoming = now
        self._begun: Incoming | None = None

    def is_on(self, state: ControlState) -> bool:
        """Whether chunks are drawn from what comes in."""
        return state[Live].redraw and bool(state[Picture].data) and self.model.capabilities.redraws

    def watch(self, state: ControlState) -> None:
        """Take in the picture in force at a picture that is about to be shown."""
        if not self.is_on(state):
            self.clear()
            return
        pictures = (*self.now.pictures, decoded(state[Picture].data, self.model.size))
        self.now = replace(self.now, pictures=pictures[-self._count(is_cold=False) :])

    def begin(self, state: ControlState, is_cold: bool) -> tuple[Tensor, float] | None:
        """Give what a chunk is drawn from, (chunk, C, h, w), and its strength; None where nothing comes in.

        is_cold: its first latent frame is one picture, as after a clean start. Where more or fewer pictures were shown
        than the chunk is made of, they are spread over it evenly; where none was, the last one stands still.
        """
        if not self.is_on(state):
            return None
        before = self.now
        pictures = before.pictures or (before.last if before.last is not None else self._picture(state),)
        pictures = spread(pictures, self._count(is_cold))
        moved = motion(pictures if before.last is None else (before.last, *pictures))
        strength = follow_motion(state[Sampling].strength, state[Live].motion * moved, before.strength)
        latents, encoding = self._encode(pictures, before.encoding, is_cold)
        self._begun = Incoming((), pictures[-1], strength, encoding)
        return latents, strength

    def commit(self) -> None:
        """Take in that the chunk which began has been through its first step."""
        self.now, self._begun = self._begun or self.now, None

    def most_bytes(self, state: ControlState) -> int:
        """Compute the most bytes of the pictures it holds; an encoder's state is not in it, as a decoder's is not."""
        height, width = self.model.size
        return (self._count(is_cold=False) + 1) * height * width * 3 if state[Live].redraw else 0

    def _count(self, is_cold: bool) -> int:
        """Count the pictures of a chunk; of the first after a clean start the first latent is one."""
        several = self.model.capabilities.pictures
        return several * self.model.chunk - (several - 1 if is_cold else 0)

    def _picture(self, state: ControlState) -> np.ndarray:
        return decoded(state[Picture].data, self.model.size)

    def _encode(self, pictures: Sequence[np.ndarray], state: Any, is_cold: bool) -> tuple[Tensor, Any]:
        """Encode a chunk's pictures behind a state; a stream's start is filled with its first picture.

        In mid-play an encoder that starts makes a latent more, whose one picture is none of the chunk's.
        """
        encoder, chunk = self.model.video_encoder, self.model.chunk
        if state is None:
            latents = chunk if is_cold else chunk + 1
            missing = self.model.capabilities.pictures * latents - encoder.lead - len(pictures)
            pictures, state = (*[pictures[0]] * missing, *pictures), encoder.start()
        pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        made, state = encoder.encode(pixels, state)
        return made[-chunk:].to(self.model.device, torch.float32), state


def spread(pictures: Sequence[np.ndarray], count: int) -> tuple[np.ndarray, ...]:
    """Give so many pictures, these from the first to the last at even distances."""
    places = np.linspace(0, len(pictures) - 1, count) if count > 1 else [len(pictures) - 1]
    return tuple(pictures[int(place + 0.5)] for place in places)


def motion(pictures: Sequence[np.ndarray]) -> float:
    """Measure how pictures that follow each other move, 0..1: the largest root mean square of two's difference."""
    whole = np.stack(pictures).astype(np.float32) / 127.5
    far = np.sqrt(np.square(np.diff(whole, axis=0)).mean((1, 2, 3))).max(initial=0.0)
    return float(min(1.0, far / FASTEST))


def follow_motion(strength: float, less: float, before: float | None) -> float:
    """Give the strength of a chunk: lowered by `less`, a tenth of the last chunk's (`before`) kept; within limits."""
    wanted = strength - less
    level = wanted if before is None else SHARE * wanted + (1 - SHARE) * before
    return min(max(level, STRENGTHS[0]), STRENGTHS[1])


def pictures_late(model: Model, sampler: str, state: ControlState) -> int:
    """Give how many pictures lie between one that comes in and the one that shows it: a chunk for each in flight.

    0 for a model that redraws no video. sampler: the name of one in `SAMPLERS`.
    """
    if not model.capabilities.redraws:
        return 0
    return model.capabilities.pictures * model.chunk * (1 if sampler == "rollout" else state[Sampling].steps)
