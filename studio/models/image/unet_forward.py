"""One forward of an image model's UNet: what it is told beside its rows, in diffusers' own arguments."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from studio.conditioning import Conditioning
from studio.models.image.cross_frame import Branches
from studio.models.image.parts import ImageParts, LiveLoras
from studio.models.image.regional import words_by_region


class UNetForward:
    """Calls the UNet, and the ControlNet before it. Sessions share a model: one forward at a time.

    LoRA weights and branches are no arguments of the networks: they are set around a forward, under a lock.
    """

    def __init__(self, parts: ImageParts, loras: LiveLoras, branches: Branches | None, size: tuple[int, int]) -> None:
        """size: (H, W) of the pictures, which SDXL is told; branches: set where frames see each other."""
        self.parts, self.loras, self.branches = parts, loras, branches
        self._lock = Lock()
        self._time_ids = torch.tensor([[*size, 0, 0, *size]], dtype=torch.float32, device=parts.device)

    @torch.no_grad()
    def __call__(self, x: Tensor, t: Tensor, cond: Conditioning, frames: Sequence[int]) -> Tensor:
        """Give the UNet's output (F, C, h, w) of x (F, C, h, w), in its dtype, at the timesteps t (F,)."""
        parts = self.parts
        with self._lock:
            self.loras.unet.set(cond.extra.get("loras"), parts.device, parts.dtype)
            if self.branches:
                self.branches.set(frames, parts.device)
            arguments = self._text_arguments(cond, x)
            residuals = self._residuals(x, t, cond, arguments)
            if "guidance" in cond.extra:
                arguments["timestep_cond"] = cond.extra["guidance"].to(parts.dtype)
            return parts.unet(x, t, **arguments, **residuals)[0]

    def _text_arguments(self, cond: Conditioning, x: Tensor) -> dict[str, Any]:
        """Give the words as diffusers names them; SDXL's states hold the pooled text in their last row."""
        rows = len(x)
        parts, text = self.parts, cond.text
        arguments: dict[str, Any] = {"return_dict": False}
        if pooled := parts.pooled:
            whole = text[:, -1, :pooled].to(parts.dtype)
            arguments["added_cond_kwargs"] = {"text_embeds": whole, "time_ids": self._time_ids.expand(rows, -1)}
            text = text[:, :-1]
        arguments["encoder_hidden_states"] = text.to(parts.dtype)
        if cond.regions:
            arguments |= words_by_region(parts.unet, cond.regions, arguments["encoder_hidden_states"], x)
        return arguments

    def _residuals(self, x: Tensor, t: Tensor, cond: Conditioning, arguments: dict[str, Any]) -> dict[str, Any]:
        """Give what the ControlNet adds, where there is a control picture."""
        if "structure" not in cond.extra:
            return {}
        strength = cond.extra["strength"].to(self.parts.device, self.parts.dtype)[:, None, None, None]
        down, middle = self.parts.controlnet(
            x, t, controlnet_cond=cond.extra["structure"], conditioning_scale=strength, **arguments
        )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
