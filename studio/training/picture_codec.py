"""Trains the picture model's autoencoder, diffusers' AutoencoderTiny. Step one of the recipe `picture`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from studio.models.libraries import Net
from studio.training.checkpoint import load_checkpoint
from studio.training.diffusion import Stage
from studio.training.video_clips import Script, World
from studio.training.video_codec import run_stage

WIDTH = 32
SHAPE: dict[str, Any] = dict(
    encoder_block_out_channels=(WIDTH,) * 4, decoder_block_out_channels=(WIDTH,) * 4,
    num_encoder_blocks=(0, 1, 2, 2), num_decoder_blocks=(3, 2, 2, 0), latent_channels=4, scaling_factor=1.0,
)  # fmt: skip


class PictureAutoencoder(nn.Module):
    """An AutoencoderTiny with the calls of the video student's: clips are pictures one by one."""

    def __init__(self, shape: dict[str, Any]) -> None:
        from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

        super().__init__()
        self.net: Net = AutoencoderTiny(**shape)

    def encode(self, pictures: Tensor) -> Tensor:
        """Encode clips (B, T, 3, H, W) in 0..1 as latents (B, T, 4, H / 8, W / 8)."""
        return self.net.encoder(ready(pictures.flatten(0, 1) * 2 - 1)).unflatten(0, pictures.shape[:2])

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (B, T, 4, h, w) to clips (B, T, 3, 8 h, 8 w)."""
        return self.net.decoder(ready(latents.flatten(0, 1))).unflatten(0, latents.shape[:2]) / 2 + 0.5


def ready(x: Tensor) -> Tensor:
    """Lay a batch out in memory for fast convolutions."""
    return x.contiguous(memory_format=torch.channels_last)


def new_picture_codec(shape: dict[str, Any]) -> PictureAutoencoder:
    """Make an untrained one."""
    net: Net = PictureAutoencoder(shape)
    return net.to(memory_format=torch.channels_last)


def start_from_means(codec: PictureAutoencoder, pictures: Tensor) -> None:
    """Begin the encoder as a linear one: principal components of brightness in 2 x 2, colour in 4 x 4 pixels of a cell.

    As the video student's does (`video_codec.start_from_pixels`), for the same reason. pictures: (N, 3, H, W) in 0..1.
    """
    layers: Net = codec.net.encoder.layers
    taps = [(1 + down, 1 + across) for down in (0, 1) for across in (0, 1)]
    convolutions: Net = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    pixels, half, quarter, eighth, last = convolutions
    with torch.no_grad():
        for net in (codec.net.encoder, codec.net.decoder):
            for block in (
                layer for layer in net.layers if not isinstance(layer, nn.Conv2d) and list(layer.parameters())
            ):
                block.conv[-1].weight.zero_()
                block.conv[-1].bias.zero_()
        pixels.weight[:3], pixels.bias[:3] = 0, 0
        half.weight[:12], quarter.weight[:28], eighth.weight[:28] = 0, 0, 0
        pixels.weight[:3, :, 1, 1] = torch.eye(3)
        for n, (row, column) in enumerate(taps):
            half.weight[3 * n : 3 * n + 3, :3, row, column] = torch.eye(3)
            for part in range(4):
                quarter.weight[4 * n + part, 3 * part : 3 * part + 3, row, column] = 1 / 3
                eighth.weight[4 * n + part, 4 * part : 4 * part + 4, row, column] = 1 / 4
            for colour in range(3):
                quarter.weight[16 + 3 * n + colour, colour:12:3, row, column] = 1 / 4
                eighth.weight[16 + 3 * n + colour, 16 + colour : 28 : 3, row, column] = 1 / 4
        features = layers[:-1](pictures)[:, :28].movedim(1, -1).flatten(0, -2).double()
        mean = features.mean(0)
        values, vectors = torch.linalg.eigh((features - mean).T @ (features - mean) / len(features))
        kept = last.weight.shape[0]
        whitening = (vectors[:, -kept:] / values[-kept:].clamp_min(1e-9).sqrt()).T
        last.weight.zero_()
        last.weight[:, :28, 1, 1] = whitening.float()
        last.bias.copy_(-(whitening @ mean).float())


def train_picture_codec(
    world: World, folder: Path, stage: Stage, shape: dict[str, Any] = SHAPE, seed: int = 1
) -> Iterator[dict]:
    """Train for `stage.steps` steps on `stage.clips` crops of 64 pixels, yielding progress.

    Resumes from `folder`/codec.pt and leaves the autoencoder there, as the average of its last steps.
    """
    torch.manual_seed(seed)
    codec = new_picture_codec(shape).train()
    if not (folder / "codec.pt").exists():
        film = Script.draw(world, 48, np.random.default_rng(seed)).film(world, 1).pictures[:, 0]
        start_from_means(codec, ready(film))
    yield from run_stage(codec, world, folder / "codec.pt", stage, list(codec.parameters()), seed)


def trained_picture_codec(folder: Path, shape: dict[str, Any] = SHAPE) -> PictureAutoencoder:
    """Load what `train_picture_codec` left."""
    codec = new_picture_codec(shape)
    load_checkpoint(folder / "codec.pt", average=codec)
    return codec.eval().requires_grad_(False)
