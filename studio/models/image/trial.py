"""Every part of an image model used once on the smallest input, before it is made fast or played."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.models.trial import attempt

if TYPE_CHECKING:
    from studio.models.image.parts import ImageParts

SIDE = 8  # of the latent: three levels down it is one


def try_parts(parts: ImageParts, path: Path) -> None:
    """Raise CheckpointError for a part that cannot be used."""
    pixels = torch.zeros(8 * SIDE, 8 * SIDE, 3, dtype=torch.uint8)
    attempt("text encoder", path, lambda: parts.words.states("a fox"))
    latent = attempt("autoencoder", path, lambda: parts.codec.encode(pixels))
    attempt("autoencoder", path, lambda: parts.codec.decode(latent))
    x = torch.zeros(1, parts.unet.config.in_channels, SIDE, SIDE, device=parts.device, dtype=parts.dtype)
    if parts.controlnet:
        picture = torch.zeros(1, 3, 8 * SIDE, 8 * SIDE, device=parts.device, dtype=parts.dtype)
        attempt(
            "ControlNet",
            path,
            lambda: parts.controlnet(x, 1, controlnet_cond=picture, conditioning_scale=1.0, **told(parts)),
        )
    attempt("UNet", path, lambda: parts.unet(x, 1, **told(parts), **scale(parts)))


def told(parts: ImageParts) -> dict[str, Any]:
    """Give zeros for what the words say, as diffusers names it."""

    def zeros(*shape: int) -> torch.Tensor:
        return torch.zeros(shape, device=parts.device, dtype=parts.dtype)

    arguments: dict[str, Any] = {"encoder_hidden_states": zeros(1, 8, parts.words.width), "return_dict": False}
    if parts.pooled:
        arguments["added_cond_kwargs"] = {"text_embeds": zeros(1, parts.pooled), "time_ids": zeros(1, 6)}
    return arguments


def scale(parts: ImageParts) -> dict[str, Any]:
    """Give zeros for LCM's embedding of the guidance scale, where the UNet has it."""
    width = parts.unet.config.time_cond_proj_dim
    return {"timestep_cond": torch.zeros(1, width, device=parts.device, dtype=parts.dtype)} if width else {}
