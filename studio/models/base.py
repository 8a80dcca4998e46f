"""What can be played: the contract between a model and the samplers and engine that play it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from studio.conditioning import Conditioning
    from studio.controls import InForce
    from studio.kv_cache import KVCache


class Decoder(Protocol):
    """Latents to pictures, one stream's: it may hold state from frame to frame."""

    def decode(self, latent: Tensor) -> np.ndarray | list[np.ndarray]:
        """The picture of a latent (C, h, w), uint8 (H, W, 3); several where a latent spans several frames."""
        ...

    def snapshot(self) -> Any: ...

    def restore(self, state: Any) -> None: ...


class Model(Protocol):
    """A model that can be played. Its weights are shared by all sessions; all state is in caches and decoders.

    size: pixels (H, W); latent: (C, h, w), about unit variance; chunk: latent frames denoised as one; sink, window:
    frames its cache keeps; weights_id: 12 hex digits of the weights' sha256. Two attributes may be left out: `opening`,
    rungs of the first frame after a clean start (as many as the others), and `device`, of the latents (the CPU).
    """

    name: str
    size: tuple[int, int]
    latent: tuple[int, int, int]
    chunk: int
    sink: int
    window: int
    weights_id: str

    def ladder(self, rungs: int) -> tuple[float, ...]:
        """Noise levels in (0, 1], highest first; ValueError for a number of rungs the model cannot play."""
        ...

    def encode_text(self, text: str) -> Tensor:
        """Token states (L, D) of a prompt; also of the empty one. Called at every guided tick: remember them."""
        ...

    def condition(self, in_force: InForce, frames: Sequence[int], text: Tensor | None = None) -> Conditioning:
        """What the frames are told under these controls; with `text` (L, D) instead of the prompt's."""
        ...

    def denoise(
        self,
        x: Tensor,
        sigma: Sequence[float],
        cond: Conditioning,
        positions: Sequence[int],
        cache: KVCache,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """The clean latents (F, C, h, w), float32, of noisy rows; see `CausalWan.forward`."""
        ...

    def new_cache(self) -> KVCache:
        """An empty cache for one stream."""
        ...

    def new_decoder(self) -> Decoder:
        """A decoder for one stream, at its start."""
        ...
