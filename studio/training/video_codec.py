"""Trains the video student's tiny autoencoder, in TAEHV's layout. Step one of the recipe `student`."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from studio.models.libraries import Net
from studio.models.wan.video_decoder import FRAMES, MemoryBlock, TinyDecoder
from studio.models.wan.video_encoder import Pool, TinyEncoder
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.training.codec import LATENT_NOISE
from studio.training.diffusion import Stage, descend, follow, rate_at
from studio.training.losses import codec_loss, psnr
from studio.training.video_clips import SIDE, Script, World

CHANNELS = 16  # of a latent, as Wan 2.1's
LEAD = FRAMES - 1  # see `TinyEncoder.lead`
Widths = dict[str, Any]
WIDTHS: Widths = {"encoder": (12, 16, 32, 64), "decoder": (64, 48, 16, 16)}
CROP = 64
AVERAGE = 0.995
UNIT = 0.02  # of the loss: how far latents are from mean 0 and variance 1


class VideoAutoencoder(nn.Module):
    """The tiny encoder and decoder as one, for training."""

    def __init__(self, encoder: tuple[int, ...], decoder: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = TinyEncoder(CHANNELS, encoder, (2, 2, 1), LEAD)
        self.decoder = TinyDecoder(CHANNELS, decoder, (1, 2, 2))

    def encode(self, pictures: Tensor) -> Tensor:
        """Encode clips (B, 1 + 4 n, 3, H, W) in 0..1 as latents (B, 1 + n, C, h, w)."""
        padded = torch.cat([pictures[:, :1].expand(-1, LEAD, -1, -1, -1), pictures], 1)
        return run_clips(self.encoder.encoder, padded)

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (B, 1 + n, C, h, w) to clips (B, 1 + 4 n, 3, H, W)."""
        return run_clips(self.decoder.decoder, latents)[:, FRAMES - 1 :]

    def save(self, path: Path, dtype: torch.dtype = torch.float16) -> None:
        """Write the file that `load_tiny_encoder` and `load_tiny_decoder` read."""
        state = self.encoder.state_dict() | self.decoder.state_dict()
        weights = {name: weight.to(dtype).contiguous() for name, weight in state.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(weights, path, metadata={"lead": str(LEAD), "format": "pt"})


def new_autoencoder(widths: Widths) -> VideoAutoencoder:
    """Make an untrained one, laid out in memory for fast convolutions."""
    net: Net = VideoAutoencoder(**widths)
    return net.to(memory_format=torch.channels_last)


def start_from_pixels(codec: VideoAutoencoder, pictures: Tensor) -> None:
    """Begin the encoder as a linear one: principal components of brightness in 4 x 4, colour in 2 x 2 parts of a cell.

    All on the way there are means of pixels, above zero, which every ReLU lets through. An encoder that begins random
    learns colour only after a thousand steps. pictures: clips (B, T, 3, H, W) to take the components of.
    """
    layers: Net = codec.encoder.encoder
    taps = [(1 + down, 1 + across) for down in (0, 1) for across in (0, 1)]
    with torch.no_grad():
        for block in (
            layer for net in (layers, codec.decoder.decoder) for layer in net if isinstance(layer, MemoryBlock)
        ):
            ending: Net = block.conv[-1]
            ending.weight.zero_()
            ending.bias.zero_()
        for layer in layers:
            if isinstance(layer, Pool):
                layer.conv.weight.copy_(
                    torch.eye(len(layer.conv.weight)).repeat(1, layer.frames)[..., None, None] / layer.frames
                )
        pixels, half, quarter, eighth, last = (layers[n] for n in (0, 3, 8, 13, 17))
        pixels.weight[:12], pixels.bias[:12] = 0, 0
        half.weight[:12] = 0
        half.weight[:12, :12, 1, 1] = torch.eye(12)
        quarter.weight[:28], eighth.weight[:28] = 0, 0
        for n, (row, column) in enumerate(taps):
            pixels.weight[3 * n : 3 * n + 3, :, row, column] = torch.eye(3)
            for part in range(4):
                quarter.weight[4 * n + part, 3 * part : 3 * part + 3, row, column] = 1 / 3
                eighth.weight[4 * n + part, 4 * part : 4 * part + 4, row, column] = 1 / 4
            for colour in range(3):
                quarter.weight[16 + 3 * n + colour, colour:12:3, row, column] = 1 / 4
                eighth.weight[16 + 3 * n + colour, 16 + colour : 28 : 3, row, column] = 1 / 4
        features = run_clips(layers[:-1], pictures)[:, :, :28].movedim(2, -1).flatten(0, -2).double()
        mean = features.mean(0)
        values, vectors = torch.linalg.eigh((features - mean).T @ (features - mean) / len(features))
        whitening = (vectors[:, -CHANNELS:] / values[-CHANNELS:].clamp_min(1e-9).sqrt()).T
        last.weight.zero_()
        last.weight[:, :28, 1, 1] = whitening.float()
        last.bias.copy_(-(whitening @ mean).float())


def away_from_unit(latents: Tensor) -> Tensor:
    """Tell how far latents (B, T, C, h, w) are from mean 0 and variance 1 a channel.

    A penalty in place of a norm: by running statistics an encoder's features ran away to 1e13 (louder latents are
    louder than the noise, until the statistics follow).
    """
    flat = latents.float().movedim(2, -1).flatten(0, -2)
    return flat.mean(0).square().mean() + (flat.var(0).add(1e-4).log()).square().mean()


def run_clips(layers: nn.Sequential, x: Tensor) -> Tensor:
    """Run TAEHV's layers over clips (B, T, C, H, W) at once, each clip a stream from its start."""
    batch = len(x)
    flat = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    for layer in layers:
        if isinstance(layer, MemoryBlock):
            past = flat.unflatten(0, (batch, -1))
            past = torch.cat([torch.zeros_like(past[:, :1]), past[:, :-1]], 1).flatten(0, 1)
            flat = F.relu(flat + layer.conv(torch.cat([flat, past], 1)))
        else:
            flat = layer(flat)
    return flat.unflatten(0, (batch, -1))


def crops(world: World, count: int, pictures: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw clips (count, pictures, 3, 64, 64) in 0..1, and the subjects' alpha, in three of four around a subject."""
    clips = Script.draw(world, count, rng).film(world, pictures, int(rng.integers(64)))
    corners = rng.integers(0, SIDE - CROP + 1, (count, 2))
    middle = torch.stack([clips.y[:, 0, 0], clips.x[:, 0, 0]], 1).numpy() * SIDE - CROP / 2
    near = (rng.random(count) < 0.75) & (clips.labels[:, 0] >= 0)
    corners[near] = (middle + rng.normal(0, 10, (count, 2))).clip(0, SIDE - CROP).astype(int)[near]
    cut = [(slice(r, r + CROP), slice(c, c + CROP)) for r, c in corners]
    pictures_cut, covered = (
        torch.stack([part[b, ..., r, c] for b, (r, c) in enumerate(cut)]) for part in (clips.pictures, clips.covered)
    )
    return pictures_cut, covered


@torch.no_grad()
def video_quality(codec: Net, world: World, count: int = 8, seed: int = 99) -> dict[str, float]:
    """Measure the PSNR in dB of whole pictures and inside subjects, of clips of nine that training never draws."""
    clips = Script.draw(world, count, np.random.default_rng(seed)).film(world, 9)
    mode = codec.training
    codec.eval()
    with torch.autocast("cpu", torch.bfloat16):
        made = codec.decode(codec.encode(clips.pictures)).float().flatten(0, 1)
    codec.train(mode)
    true, covered = clips.pictures.flatten(0, 1), (clips.covered.flatten(0, 1) > 0.5).float()
    return {"psnr_db": psnr(made, true), "subject_psnr_db": psnr(made, true, covered)}


def train_video_codec(
    world: World, folder: Path, stage: Stage, widths: Widths = WIDTHS, seed: int = 1
) -> Iterator[dict]:
    """Train for `stage.steps` steps on `stage.clips` crops of `stage.frames` pictures, yielding progress.

    Resumes from `folder`/codec.pt and leaves the autoencoder there, as the average of its last steps.
    """
    torch.manual_seed(seed)
    codec = new_autoencoder(widths).train()
    if not (folder / "codec.pt").exists():
        start_from_pixels(codec, Script.draw(world, 24, np.random.default_rng(seed)).film(world, FRAMES).pictures)
    yield from run_stage(codec, world, folder / "codec.pt", stage, list(codec.parameters()), seed)


def train_video_decoder(
    codec: VideoAutoencoder, world: World, folder: Path, stage: Stage, seed: int = 11
) -> Iterator[dict]:
    """Go on with the decoder alone: latents keep their meaning, so it may run beside the transformer's training.

    Resumes from `folder`/decoder.pt; `codec` ends as the average of its last steps.
    """
    codec.requires_grad_(False)
    codec.decoder.requires_grad_(True)
    yield from run_stage(codec, world, folder / "decoder.pt", stage, list(codec.decoder.parameters()), seed)
    load_checkpoint(folder / "decoder.pt", average=codec)
    codec.eval().requires_grad_(False)


def run_stage(
    codec: Net, world: World, path: Path, stage: Stage, trained: list[nn.Parameter], seed: int
) -> Iterator[dict]:
    """Train some of the parameters for a stage, yielding progress; resumes from `path`."""
    average = copy.deepcopy(codec)
    optimiser = torch.optim.AdamW(trained, lr=stage.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    parts = {"model": codec, "average": average, "optimiser": optimiser}
    start = load_checkpoint(path, **parts)
    torch.manual_seed(seed + start)
    rng, began = np.random.default_rng((seed, start)), time.monotonic()
    for step in range(start, stage.steps):
        loss = crops_loss(codec, *crops(world, stage.clips, stage.frames, rng))
        descend(loss, optimiser, trained, stage.rate * rate_at(step, stage.steps, stage.falling))
        follow(average, codec, min(AVERAGE, (step + 1) / (step + 10)))
        if step % 20 == 19 or step == stage.steps - 1:
            seconds = (time.monotonic() - began) / (step + 1 - start)
            yield {"step": step + 1, "loss": loss.item(), "seconds_a_step": seconds}
        if step % 100 == 99 or step == stage.steps - 1:
            save_checkpoint(path, step + 1, **parts)
            yield {"step": step + 1, **video_quality(average, world)}


def crops_loss(codec: Net, true: Tensor, covered: Tensor) -> Tensor:
    """Compute what is lost of clips (B, T, 3, H, W) on the way there and back, with a little noise on the latents."""
    with torch.autocast("cpu", torch.bfloat16):
        latents = codec.encode(true)
        made = codec.decode(latents + LATENT_NOISE * torch.randn_like(latents)).float()
    loss = codec_loss(made.flatten(0, 1), true.flatten(0, 1), covered.flatten(0, 1))
    return loss + UNIT * away_from_unit(latents)


def trained_codec(folder: Path, widths: Widths = WIDTHS) -> VideoAutoencoder:
    """Load what `train_video_codec` left."""
    codec = new_autoencoder(widths)
    load_checkpoint(folder / "codec.pt", average=codec)
    return codec.eval().requires_grad_(False)
