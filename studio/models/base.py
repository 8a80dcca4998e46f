"""What can be played: the contract between a model and the samplers and engine that play it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from studio.conditioning import Conditioning
    from studio.controls import ControlState, Picture
    from studio.kv_cache import KVCache


class Decoder(Protocol):
    """Latents to pictures, one stream's: it may hold state from frame to frame."""

    def decode(self, latents: Tensor) -> list[np.ndarray]:
        """uint8 (H, W, 3) pictures of latents (F, C, h, w) that follow what was decoded: one of each, or several."""
        ...

    def snapshot(self) -> Any: ...

    def restore(self, state: Any) -> None: ...


class Stateless:
    """The state of a decoder that remembers nothing."""

    def snapshot(self) -> None:
        return None

    def restore(self, state: None) -> None:
        return None


OPTIONAL: dict[str, Any] = {
    "opening": 1,
    "device": "cpu",
    "labels": (),
    "independent": False,
    "refuses": {},
    "loras": (),
    "recache": "causal",
    "sampler": "stream",
    "steps": 2,
    "reads": None,
}


def optional(model: Model, name: str) -> Any:
    """An attribute a model may leave out, or what it then means."""
    return getattr(model, name, OPTIONAL[name])


class Model(Protocol):
    """A model that can be played. Its weights are shared by all sessions; all state is in caches and decoders.

    size: pixels (H, W); latent: (C, h, w), about unit variance; chunk: latent frames denoised as one; sink, window:
    frames its cache keeps; weights_id: 12 hex digits of the weights' sha256.

    These attributes may be left out (`optional` reads them).
    opening: steps of the first frame after a clean start (as many as the others). device: of the latents (the CPU).
    labels: the subjects it knows. independent: whether its frames do not see each other, as an image model's: it then
    has no cache, each frame in flight keeps the controls it began under, and noise is held from frame to frame, or
    drifts. refuses: the kinds of control it cannot play, each with the reason in words for the person who sent it.
    loras: the names of the LoRAs it was opened with. recache: how its checkpoint learned to be recached, "causal" or
    "bidirectional" (`Sampler.recache`). sampler, steps: what it was distilled for, and is played with unless told.
    reads: label -> the subject it is drawn as, and whether the model knows the word.
    """

    name: str
    size: tuple[int, int]
    latent: tuple[int, int, int]
    chunk: int
    sink: int
    window: int
    weights_id: str

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """Noise levels in (0, 1], highest first; ValueError for a number of steps the model cannot play.

        strength in (0, 1]: how far up the schedule begins, below 1 only for frames that begin from a picture.
        """
        ...

    def encode_text(self, text: str) -> Tensor:
        """Token states (L, D) of a prompt; also of the empty one. Called at every guided tick: remember them."""
        ...

    def condition(self, state: ControlState, frames: Sequence[int], text: Tensor | None = None) -> Conditioning:
        """What the frames are told under these controls; with `text` (L, D) instead of the prompt's."""
        ...

    def denoise(
        self,
        x: Tensor,
        sigma: Sequence[float],
        cond: Conditioning,
        positions: Sequence[int],
        cache: KVCache | None,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """The clean latents (F, C, h, w), float32, of noisy rows; see `CausalWan.forward`.

        cache is None for an independent model. x may then be a part of the latents, the same of `cond.tracks`.
        """
        ...

    def new_cache(self) -> KVCache:
        """An empty cache for one stream; not asked of an independent model."""
        ...

    def encode_picture(self, picture: Picture) -> Tensor:
        """The latent (C, h, w) of a picture that came in, cropped to the model's size; of models that take pictures."""
        ...

    def new_decoder(self) -> Decoder:
        """A decoder for one stream, at its start."""
        ...
