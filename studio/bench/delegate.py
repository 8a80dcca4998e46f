"""A model that hands everything on to another: for models that watch or time one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from studio.conditioning import Conditioning, FrameInputs, PromptStates, Rows
from studio.kv_cache import KVCache
from studio.models.base import NO_LORAS, Decoder, Model


class Delegate(Model):
    """The model itself to whoever plays it; a subclass overrides what it wants to see."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.name, self.weights_id, self.capabilities = model.name, model.weights_id, model.capabilities

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        return self.model.sigmas(steps, strength)

    def prepare(self, prompt: str, loras: Mapping[str, float] = NO_LORAS) -> PromptStates:
        return self.model.prepare(prompt, loras)

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        return self.model.condition(states, inputs, frames)

    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        return self.model.denoise(rows, cache, write, causal)

    def new_cache(self) -> KVCache:
        return self.model.new_cache()

    def new_decoder(self) -> Decoder:
        return self.model.new_decoder()

    def encode_picture(self, picture: Any) -> Tensor:
        return self.model.encode_picture(picture)

    def reads(self, label: str) -> tuple[str, bool]:
        return self.model.reads(label)
