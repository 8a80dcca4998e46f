"""What an image-to-video net of Wan 2.1 is told of its first picture: channels beside the latents, and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from studio.models.errors import CheckpointError
from studio.models.json_file import read_json
from studio.models.wan.video_decoder import FRAMES, WanAutoencoder

CLIP_LENGTH = 21  # latent frames that the nets were trained on; what is told of the last is told of all later ones
PARTS = "image_encoder/ and image_processor/ of Wan-AI/Wan2.1-I2V-14B-480P-Diffusers"


@dataclass(frozen=True, eq=False)
class Told:
    """What is told of one picture. channels: (21, 4 + C, h, w), of each latent frame; tokens: (N, E); name: its own."""

    channels: Tensor
    tokens: Tensor
    name: str


class PictureReader:
    """CLIP's picture encoder, as Wan reads it: the states of its last layer but one."""

    def __init__(self, folder: Path, device: torch.device | str, dtype: torch.dtype) -> None:
        """folder: has image_encoder/ and image_processor/. Raises CheckpointError where they are not there."""
        from transformers import CLIPImageProcessor, CLIPVisionModel

        encoder_width(folder)
        try:
            self.net: Any = CLIPVisionModel.from_pretrained(
                folder / "image_encoder", local_files_only=True, dtype=dtype
            )
            self.ready: Any = CLIPImageProcessor.from_pretrained(folder / "image_processor", local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise CheckpointError(
                f"{folder} holds no picture encoder that can be read ({error}); give {PARTS}"
            ) from error
        self.net = self.net.to(device).eval().requires_grad_(False)

    @torch.no_grad()
    def tokens(self, picture: np.ndarray) -> Tensor:
        """Read a picture, uint8 (H, W, 3): (N, E) float32."""
        pixels = self.ready(images=picture, return_tensors="pt")["pixel_values"]
        states = self.net(pixels.to(self.net.device, self.net.dtype), output_hidden_states=True).hidden_states[-2]
        return states[0].float()


def encoder_width(folder: Path) -> int:
    """Give how many numbers a token of the picture has; CheckpointError for a folder without a picture encoder."""
    path = folder / "image_encoder" / "config.json"
    if not path.is_file():
        raise CheckpointError(
            f"no image_encoder/config.json in {folder}, by which the first picture is read; give {PARTS}"
        )
    width = read_json(path).get("hidden_size")
    if not isinstance(width, int):
        raise CheckpointError(f"{path} does not say how wide its states are (hidden_size); download it again")
    return width


def first_frame_channels(codec: WanAutoencoder, picture: np.ndarray | None, size: tuple[int, int]) -> Tensor:
    """Give what is told of a picture, uint8 (H, W, 3), beside the latents: (21, 4 + C, h, w) float32.

    Four channels of mask, 1 in the first frame, and the latents of a clip that is the picture and then grey, as the
    nets were trained. None: grey from the first, and no mask.
    """
    clip = torch.full((1 + FRAMES * (CLIP_LENGTH - 1), 3, *size), 0.5)
    if picture is not None:
        clip[0] = torch.tensor(picture).permute(2, 0, 1) / 255
    latents = codec.encode(clip)
    mask = torch.zeros(CLIP_LENGTH, FRAMES, *latents.shape[2:], device=latents.device)
    mask[0] = float(picture is not None)
    return torch.cat([mask, latents], 1)
