"""How a Wan student is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from studio.accelerate.options import Acceleration
from studio.kv_cache import RECACHES, CacheSettings
from studio.models.devices import resolve_device
from studio.models.options import UNCHANGED


@dataclass(frozen=True)
class WanOptions:
    """What is opened beside a base folder, and how it is played. Raises ValueError for what is not possible.

    Args:
        generator: a student's file or folder, whose weights take the place of the base's.
        lora: a LoRA to merge into them.
        tiny_decoder: a file of TAEHV's weights, to decode with instead of the base's autoencoder.
        text_encoder: a folder whose text_encoder and tokenizer are read instead of the base's (Wan 2.2's: the same net,
            half the download).
        size: (height, width) in pixels.
        chunk: latent frames denoised as one.
        sink, window: latent frames kept beside them.
        recache: how a prompt switch rebuilds the cache, "bidirectional" as LongLive's code does, or "causal".
        dtype: bfloat16, float32 on the CPU, unless told.
        device: CUDA's where there is one, unless told.
        which: the net to take where a file holds several, see `load_transformer`.
        positions, evicts, max_attention_frames, drift_guard: see `CacheSettings`; the published code has
            "absolute" positions, which drift on long streams.
        text_device, keep_text_encoder: see `umt5.TextEncoder`.
        acceleration: see `Acceleration`.
    """

    generator: Path | str | None = None
    lora: Path | str | None = None
    tiny_decoder: Path | str | None = None
    text_encoder: Path | str | None = None
    size: tuple[int, int] = (480, 832)
    chunk: int = 3
    sink: int = 3
    window: int = 6
    recache: str = "bidirectional"
    dtype: torch.dtype | None = None
    device: torch.device | str | None = None
    which: str | None = None
    positions: str = "slots"
    evicts: str = "after"
    max_attention_frames: int = 0
    drift_guard: bool = False
    text_device: torch.device | str = "cpu"
    keep_text_encoder: bool = True
    acceleration: Acceleration = UNCHANGED

    def __post_init__(self) -> None:
        if self.chunk < 1 or self.sink < 0 or self.window < 1:
            raise ValueError(
                f"chunk, sink, window are {self.chunk}, {self.sink}, {self.window}; at least 1, 0 and 1 are needed"
            )
        if self.recache not in RECACHES:
            raise ValueError(f"recache is {self.recache!r}; possible: {', '.join(RECACHES)}")
        _ = self.cache  # which says of its own settings what is not possible

    @property
    def cache(self) -> CacheSettings:
        """Which frames the cache keeps."""
        limit, guard = self.max_attention_frames, self.drift_guard
        return CacheSettings(self.sink, self.window, self.positions, self.evicts, limit, guard)

    @property
    def place(self) -> tuple[torch.device, torch.dtype]:
        """Where the model is played, and in what."""
        device = resolve_device(self.device)
        return device, self.dtype or (torch.float32 if device.type == "cpu" else torch.bfloat16)
