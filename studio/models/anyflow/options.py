"""How an AnyFlow-FAR student is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from studio.accelerate.options import Acceleration
from studio.kv_cache import CacheSettings
from studio.models.devices import resolve_device
from studio.models.options import UNCHANGED

CHUNK, FIRST_CHUNK = 3, 1  # latent frames; of the published nets, whose `chunk_partition` begins (1, 3, 3, ...)


@dataclass(frozen=True)
class AnyFlowOptions:
    """What is opened beside a base folder, and how it is played. Raises ValueError for what is not possible.

    Args:
        generator: a folder of the student (AnyFlow-FAR-Wan2.1-1.3B-Diffusers, or its transformer); None: base has it.
        tiny_decoder, text_encoder, size, dtype, device, text_device, keep_text_encoder: see `WanOptions`.
        sink, window: latent frames kept beside the chunk being drawn; with the published 1 + 15 no more than the 21
            that it was trained on are in view.
        acceleration: see `Acceleration`; its net is neither compiled nor recorded, as its forwards grow.
    """

    generator: Path | str | None = None
    tiny_decoder: Path | str | None = None
    text_encoder: Path | str | None = None
    size: tuple[int, int] = (480, 832)
    sink: int = 1
    window: int = 15
    dtype: torch.dtype | None = None
    device: torch.device | str | None = None
    text_device: torch.device | str = "cpu"
    keep_text_encoder: bool = True
    acceleration: Acceleration = UNCHANGED
    lora: ClassVar[None] = None
    chunk: ClassVar[int] = CHUNK
    recache: ClassVar[str] = "causal"

    def __post_init__(self) -> None:
        if self.window < CHUNK or self.window % CHUNK:
            raise ValueError(f"window is {self.window}; it is a multiple of the chunk's {CHUNK} latent frames: give 15")
        if self.acceleration.compile or self.acceleration.graphs:
            raise ValueError("compile and graphs are not possible with AnyFlow: leave them out; quantize is possible")
        _ = self.cache  # which says of its own settings what is not possible

    @property
    def cache(self) -> CacheSettings:
        """Which frames the cache keeps."""
        return CacheSettings(self.sink, self.window, evicts="after")

    @property
    def place(self) -> tuple[torch.device, torch.dtype]:
        """Where the model is played, and in what."""
        device = resolve_device(self.device)
        return device, self.dtype or (torch.float32 if device.type == "cpu" else torch.bfloat16)
