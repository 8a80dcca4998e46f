"""Trains the autoencoder on crops of the drawn world. Step one of `studio train`."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studio.models.pocket.autoencoder import Autoencoder
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.world import compositing
from studio.world.backgrounds import Backgrounds

CROP = 128
SUBJECT_WEIGHT = 3.0
LATENT_NOISE = 0.08  # the decoder must forgive what the diffusion model gets slightly wrong


def crops(backgrounds: Backgrounds, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """(count, 3, 128, 128) pictures in 0..1 and the subjects' alpha (count, 1, 128, 128)."""
    numbers = rng.integers(len(backgrounds.scenes), size=count)
    corner = rng.integers(0, compositing.SIZE - CROP + 1, size=(count, 2))
    phases = rng.integers(backgrounds.pictures.shape[1], size=count)
    picked = [backgrounds.pictures[n, p, r : r + CROP, c : c + CROP] for n, p, (r, c) in zip(numbers, phases, corner)]
    pictures = torch.from_numpy(np.stack(picked)).permute(0, 3, 1, 2).float() / 255
    light = torch.tensor([compositing.LIGHT[backgrounds.scenes[n].time] for n in numbers])
    covered = torch.zeros(count, 1, CROP, CROP)
    for chance in (0.95, 0.25):
        subject = np.where(rng.random(count) < chance, rng.integers(len(compositing.sprites().labels), size=count), -1)
        x, y = (torch.from_numpy(rng.uniform(0.15, 0.85, count)).float() for _ in range(2))
        size = torch.from_numpy(rng.uniform(0.2, 0.5, count) * compositing.SIZE / CROP).float()
        facing = torch.from_numpy(rng.choice([-1.0, 1.0], count)).float()
        pictures, alpha = compositing.composite(pictures, torch.from_numpy(subject), x, y, size, facing, light)
        covered = torch.maximum(covered, alpha)
    return pictures, covered


def codec_loss(made: Tensor, true: Tensor, covered: Tensor) -> Tensor:
    """Squared error (what PSNR measures), absolute error and absolute error of the gradients, subjects counted more."""
    weight = 1 + (SUBJECT_WEIGHT - 1) * covered
    error = made - true
    across, down = error.diff(dim=-1), error.diff(dim=-2)
    edges = (across.abs() * weight[..., :, 1:]).mean() + (down.abs() * weight[..., 1:, :]).mean()
    return 4 * (error.square() * weight).mean() + 0.3 * (error.abs() * weight).mean() + 0.15 * edges


def psnr(made: Tensor, true: Tensor, weight: Tensor | None = None) -> float:
    """In dB for pictures in 0..1; over the whole picture or where `weight` is."""
    weight = torch.ones_like(true[:, :1]) if weight is None else weight
    error = ((made.clamp(0, 1) - true).square() * weight).sum() / (3 * weight.sum())
    return float(-10 * torch.log10(error))


@torch.no_grad()
def codec_quality(codec: Autoencoder, backgrounds: Backgrounds, count: int = 64, seed: int = 99) -> dict[str, float]:
    """PSNR of the whole crop and inside subjects, on crops drawn with a seed training never uses."""
    mode = codec.training
    codec.eval()
    device = codec.linear_in.weight.device
    true, covered = (t.to(device) for t in crops(backgrounds, count, np.random.default_rng(seed)))
    with torch.autocast(device.type, torch.bfloat16):
        made = codec.decode(codec.encode(true * 2 - 1)).float() / 2 + 0.5
    codec.train(mode)
    return {"psnr_db": psnr(made, true), "subject_psnr_db": psnr(made, true, (covered > 0.5).float())}


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
        true, _ = crops(backgrounds, 256, rng)
        corners = rng.integers(0, CROP - 15, size=(8, 2))
        codec.start_from_pca(torch.cat([true[:, :, r : r + 16, c : c + 16] for r, c in corners]) * 2 - 1)
    codec.channels_last(device)
    optimiser = torch.optim.AdamW(codec.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=1e-4)
    load_checkpoint(path, optimiser=optimiser)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda n: _rate(n + start, steps))
    rng = np.random.default_rng((seed, start))
    began = time.monotonic()
    codec.train()
    for step in range(start, steps):
        true, covered = (t.to(device) for t in crops(backgrounds, batch, rng))
        with torch.autocast(device, torch.bfloat16):
            latents = encode_pictures(codec, true * 2 - 1)
            made = codec.decode(latents + LATENT_NOISE * torch.randn_like(latents))
        loss = codec_loss(made.float() / 2 + 0.5, true, covered)
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
