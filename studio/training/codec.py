"""Trains the autoencoder on crops of the drawn world. Step one of `studio train`."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.models.pocket.autoencoder import PATCH, Autoencoder
from studio.models.pocket.model import CELLS
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.training.losses import Target, both_sizes_loss, figures_at_both_sizes
from studio.world import compositing
from studio.world.backgrounds import Backgrounds

LATENT_NOISE = 0.08  # the decoder must forgive what the diffusion model gets slightly wrong


def crops(backgrounds: Backgrounds, count: int, rng: np.random.Generator) -> Target:
    """Draw parts of half the width of pictures, with subjects: 8x8 cells, at the backgrounds' resolution."""
    size, numbers = backgrounds.pictures.shape[2], rng.integers(len(backgrounds.scenes), size=count)
    side, step = size // 2, size // (2 * PATCH)
    corner = rng.integers(0, side // step + 1, size=(count, 2)) * step
    phases = rng.integers(backgrounds.pictures.shape[1], size=count)
    picked = [backgrounds.pictures[n, p, r : r + side, c : c + side] for n, p, (r, c) in zip(numbers, phases, corner)]
    pictures = torch.from_numpy(np.stack(picked)).permute(0, 3, 1, 2).float() / 255
    light = torch.tensor([compositing.LIGHT[backgrounds.scenes[n].time] for n in numbers])
    guide = torch.zeros(count, 4, side, side)
    for chance in (0.95, 0.25):
        subject = np.where(rng.random(count) < chance, rng.integers(len(compositing.sprites().labels), size=count), -1)
        x, y = (torch.from_numpy(rng.uniform(0.15, 0.85, count)).float() for _ in range(2))
        width = torch.from_numpy(rng.uniform(0.4, 1.0, count)).float()
        facing = torch.from_numpy(rng.choice([-1.0, 1.0], count)).float()
        pictures, drawn = compositing.stand(pictures, torch.from_numpy(subject), x, y, width, facing, light)
        guide = compositing.over(guide, drawn)
    return Target(pictures, guide, CELLS // 2)


@torch.no_grad()
def codec_quality(codec: Autoencoder, backgrounds: Backgrounds, count: int = 24, seed: int = 99) -> dict[str, float]:
    """Of crops drawn with a seed training never uses, encoded and decoded; see `losses.figures_at_both_sizes`."""
    mode = codec.training
    codec.eval()
    true = on(crops(backgrounds, count, np.random.default_rng(seed)), codec.linear_in.weight.device.type)
    with torch.autocast(codec.linear_in.weight.device.type, torch.bfloat16):
        latents = codec.encode(small(true) * 2 - 1).float()
    found = figures_at_both_sizes(codec.decoder, latents, true)
    codec.train(mode)
    return found


def on(true: Target, device: str) -> Target:
    """Move drawn pictures to a device."""
    return Target(true.pictures.to(device), true.guide.to(device), true.cells)


def small(true: Target) -> Tensor:
    """Give the pictures as they are encoded: 16 pixels a cell."""
    side = PATCH * true.cells
    pictures = F.interpolate(true.pictures, size=(side, side), mode="area")
    return pictures.contiguous(memory_format=torch.channels_last)


def encode_pictures(codec: Autoencoder, pictures: Tensor) -> Tensor:
    """Give the latents of pictures (B, 3, H, W) in -1..1, normalised by what was seen so far, which this batch joins.

    Not by the batch's own mean and variance: they hide from the decoder how bright this batch happens to be, and that
    noise in the gradients silenced every convolution within a few hundred steps (docs/log.md, "A decoder that is
    heard"). The statistics begin true, as whitened principal components have mean zero and variance one.
    """
    features = codec.features(pictures)
    with torch.no_grad():
        codec.normalise.train()(features)
    return codec.normalise.eval()(features)


def train_codec(
    backgrounds: Backgrounds,
    folder: Path,
    steps: int,
    batch: int = 16,
    rate: float = 5e-4,
    seed: int = 1,
    device: str = "cpu",
    **shape,
) -> Iterator[dict]:
    """Trains, yielding progress; resumes from `folder`/codec.pt and leaves the codec there."""
    torch.manual_seed(seed)
    codec = Autoencoder(**shape)
    path = folder / "codec.pt"
    rng = np.random.default_rng(seed)
    start = load_checkpoint(path, model=codec)
    if start == 0:
        true = small(crops(backgrounds, 256, rng))
        corners = rng.integers(0, true.shape[-1] - PATCH + 1, size=(8, 2))
        patches = [true[:, :, r : r + PATCH, c : c + PATCH] for r, c in corners]
        codec.start_from_pca(torch.cat(patches) * 2 - 1)
    codec.channels_last(device)
    optimiser = torch.optim.AdamW(codec.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=1e-4)
    load_checkpoint(path, optimiser=optimiser)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda n: _rate(n + start, steps))
    rng = np.random.default_rng((seed, start))
    began = time.monotonic()
    codec.train()
    for step in range(start, steps):
        true = on(crops(backgrounds, batch, rng), device)
        with torch.autocast(device, torch.bfloat16):
            latents = encode_pictures(codec, small(true) * 2 - 1).float()
        loss = both_sizes_loss(codec.decoder, latents + LATENT_NOISE * torch.randn_like(latents), true)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(codec.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 49:
            yield {"step": step + 1, "loss": loss.item(), "seconds": time.monotonic() - began}
        if step % 500 == 499 or step == steps - 1:
            save_checkpoint(path, step + 1, model=codec, optimiser=optimiser)
            yield {"step": step + 1, **codec_quality(codec, backgrounds)}


def _rate(step: int, steps: int) -> float:
    """Warm-up over 100 steps, flat, then a cosine over the last 60 %."""
    fall = max(0.0, (step / steps - 0.4) / 0.6)
    return min(1.0, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fall)))
