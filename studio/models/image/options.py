"""How an image model is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from studio.accelerate.options import Acceleration
from studio.models.devices import resolve_device
from studio.models.image.noise_levels import PREDICTIONS
from studio.models.options import UNCHANGED


@dataclass(frozen=True)
class ImageOptions:
    """What is opened beside an image model's folder, and how it is played.

    Args:
        tiny_vae: an AutoencoderTiny folder to use instead of the folder's full one, many times faster.
        lcm_lora: a latent consistency LoRA (file or folder), fused at loading.
        controlnet: a ControlNet, a folder or a file.
        prediction: what the UNet gives, "epsilon" or "v_prediction", where the checkpoint does not say it, or wrongly.
        loras: name -> file, played live by the control `Lora`.
        size: (height, width) in pixels.
        dtype: float16 on a GPU, float32 on the CPU, unless told.
        device: CUDA's where there is one, unless told.
        cross_frame: frames in flight see each other, so that they look alike.
        acceleration: see `Acceleration`; CUDA graphs go neither with LoRAs nor with cross_frame.
    """

    tiny_vae: Path | str | None = None
    lcm_lora: Path | str | None = None
    controlnet: Path | str | None = None
    prediction: str | None = None
    loras: Mapping[str, Path | str] | None = field(default=None)
    size: tuple[int, int] = (512, 512)
    dtype: torch.dtype | None = None
    device: torch.device | str | None = None
    cross_frame: bool = False
    acceleration: Acceleration = UNCHANGED

    def __post_init__(self) -> None:
        if self.prediction not in (None, *PREDICTIONS):
            raise ValueError(f"prediction is {self.prediction!r}; possible: {', '.join(PREDICTIONS)}")
        if self.acceleration.graphs and (self.loras or self.cross_frame):
            raise ValueError("CUDA graphs keep what a forward does: graphs is not possible with loras or cross_frame")

    @property
    def place(self) -> tuple[torch.device, torch.dtype]:
        """Where the model is played, and in what."""
        device = resolve_device(self.device)
        return device, self.dtype or (torch.float16 if device.type == "cuda" else torch.float32)

    @property
    def lora_files(self) -> list[Path]:
        """The files of the LoRAs played live, in order."""
        return [Path(path) for path in (self.loras or {}).values()]

    @property
    def files(self) -> list[Path]:
        """All that is read beside the folder."""
        parts = [Path(path) for path in (self.tiny_vae, self.lcm_lora, self.controlnet) if path]
        return [*parts, *self.lora_files]
