"""Trains the pocket model's transformer and memories by diffusion forcing. Steps two and three of `studio train`.

Flow matching with an independent noise level per frame (Diffusion Forcing, arXiv 2407.01392), under a block-causal
mask, so that one net serves the rollout (clean past, one noisy frame) and the stream batch (rising noise in flight).
"""

import copy
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.conditioning import BatchConditioning
from studio.models.pocket import model as pocket
from studio.schedule import add_noise, warp
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.training.clips import ClipMaker, Clips, track_maps

SHIFT = 3.0  # of the noise levels in training; playing stays higher up, see `pocket.SHIFT`
SUBJECT_WEIGHT = 3.0
STALE = 0.15  # share of noisy frames whose signal is another frame's: what is in flight when a control changes
NO_PROMPT = 0.08  # share of clips told nothing, for guidance
AVERAGE = 0.998
SHARES = (3.0, 1.0)  # of a stage's rate: Muon's updates are a fifth of AdamW's at the same rate, and bear more


@dataclass(frozen=True)
class Stage:
    """`steps` optimiser steps on batches of `clips` clips of `frames` frames, at peak learning rate `rate`.

    falling: the last share of the steps, over which the rate goes down to a fiftieth; 0 keeps it up for the next stage.
    """

    name: str
    steps: int
    clips: int
    frames: int
    rate: float
    falling: float = 0.5


def noise_levels(batch: int, frames: int, rng: np.random.Generator) -> np.ndarray:
    """(B, T) sigmas. A clip is a rollout (clean past, the rest at one level), a stream batch (clean past, then rising
    levels) or independent; levels are uniform under the schedule's shift, and often exactly one, where it starts.
    """
    free = warp_all(rng.random((batch, frames)))
    free[rng.random((batch, frames)) < 0.25] = 1.0
    levels = free.copy()
    for b, kind in enumerate(rng.random(batch)):
        past = rng.integers(0, frames)
        if kind < 0.3:
            levels[b] = free[b, 0]
            levels[b, :past] = 0
        elif kind < 0.75:
            flying = frames - past
            levels[b, :past] = 0
            levels[b, past:] = warp_all((np.arange(flying) + rng.uniform(0.3, 1.0)) / flying).clip(max=1)
            levels[b, -1] = 1.0
    return levels


def warp_all(levels: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda sigma: warp(min(sigma, 1.0), SHIFT))(levels)


@torch.no_grad()
def channel_weights(net: pocket.PocketNet, latents: Tensor) -> Tensor:
    """(C,) weights of mean one: the square root of how much a channel moves the decoded picture."""
    base = net.codec.decode(latents)
    moved = []
    for c in range(latents.shape[1]):
        nudged = latents.clone()
        nudged[:, c] += 0.5
        moved.append((net.codec.decode(nudged) - base).square().mean())
    weights = torch.stack(moved).sqrt()
    return weights / weights.mean()


@dataclass(frozen=True)
class Batch:
    """Clips as the transformer sees them: clean latents (B, T, C, 16, 16), what each frame is told, cells' weights."""

    clean: Tensor
    text: Tensor
    sentences: Tensor  # (B, T, 384) the wordings the frames were drawn under
    constants: Tensor
    weight: Tensor
    clips: Clips
    recached: Tensor  # (B, T) bool: frames shown under a later prompt than they were drawn under


@torch.no_grad()
def encode_batch(net, clips: Clips, vectors: Tensor, rng: np.random.Generator, device: str) -> Batch:
    batch, frames = clips.prompt.shape
    pictures = clips.pictures.flatten(0, 1).to(device).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device, torch.bfloat16):
        clean = net.codec.encode(pictures * 2 - 1).float()
    covered = F.avg_pool2d(clips.covered.flatten(0, 1).to(device), pocket.PATCH)
    weight = 1 + (SUBJECT_WEIGHT - 1) * (covered > 0.02).float()
    recache = torch.from_numpy(rng.random((batch, 1)) < 0.5)
    last = clips.prompt[:, -1:]
    recached = recache & (clips.prompt != last)
    shown = torch.where(recached, last, clips.prompt)
    silent = torch.from_numpy(rng.random((batch, 1)) < NO_PROMPT)
    shown, drawn = (torch.where(silent, 0, number + 1) for number in (shown, clips.prompt))  # 0: nothing was said
    text = pocket.text_tokens(vectors[shown]).to(device)
    constants = pocket.constant_channels(clips.phase.flatten(), clips.view.flatten()).to(device)
    unflatten = lambda t: t.view(batch, frames, *t.shape[1:])  # noqa: E731
    sentences = vectors[drawn].to(device)
    return Batch(unflatten(clean), text, sentences, unflatten(constants), unflatten(weight), clips, recached)


def noised(batch: Batch, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Noisy latents (B, T, C, 16, 16) and their levels (B, T)."""
    count, frames = batch.recached.shape
    sigma = torch.from_numpy(noise_levels(count, frames, rng)).float()
    sigma = torch.where(batch.recached, 0.0, sigma).to(batch.clean.device)
    other = torch.from_numpy(rng.integers(frames, size=(count, frames)))
    stale = torch.from_numpy(rng.random((count, frames)) < STALE) & (sigma.cpu() > 0.3)
    source = torch.where(stale, other, torch.arange(frames)).to(batch.clean.device)
    signal = batch.clean[torch.arange(count, device=source.device)[:, None], source]
    noise = torch.randn(batch.clean.shape, device=batch.clean.device)
    return add_noise(signal, noise, sigma), sigma


def frame_numbers(batch: int, frames: int, rng: np.random.Generator) -> Tensor:
    """(B, T) positions: consecutive, but half of the clips' first frame is up to twelve frames further back, as a sink
    is behind a pipe with many frames in flight.
    """
    gap = rng.integers(0, 13, size=(batch, 1)) * (rng.random((batch, 1)) < 0.5)
    return torch.from_numpy(np.arange(frames) + gap * (np.arange(frames) > 0))


def diffusion_loss(net, batch: Batch, channels: Tensor, rng) -> tuple[Tensor, Tensor]:
    """The weighted squared error of the clean latent, and the plain one of frames drawn from pure noise."""
    noisy, sigma = noised(batch, rng)
    batch_size, frames = sigma.shape
    sentences, views = batch.sentences.flatten(0, 1), batch.clips.view.flatten().to(noisy.device)
    mean = net.places.recall(sentences, views).view(batch.clean.shape)
    tracks = torch.cat([track_maps(batch.clips, net.memory), batch.constants, mean], 2)
    with torch.autocast(noisy.device.type, torch.bfloat16):
        positions = frame_numbers(batch_size, frames, rng).to(noisy.device)
        cond = BatchConditioning(batch.text, tracks)
        guess = pocket.denoise_around(mean, noisy, sigma, lambda y: net.denoiser(y, sigma, cond, positions)).float()
    error = (guess - batch.clean).square() * channels.view(-1, 1, 1)
    drawn = error.mean(2, keepdim=True) * batch.weight / sigma.clamp_min(0.25)[:, :, None, None, None]
    counted = (sigma > 0).float()
    pure = (sigma == 1).float()
    blind = (error.mean((2, 3, 4)) * pure).sum() / pure.sum().clamp_min(1)
    return (drawn.mean((2, 3, 4)) * counted).sum() / counted.sum().clamp_min(1), blind.detach()


def optimisers(net: pocket.PocketNet) -> list[torch.optim.Optimizer]:
    """Muon (arXiv 2502.16982's scaling) for the blocks' matrices, AdamW for the rest; what is remembered at a third."""
    matrices = [p for p in net.transformer.blocks.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in net.transformer.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=1.0, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(
            [
                {"params": others, "share": 1.0},
                {"params": [net.memory.planes, net.places.layouts, net.places.airs], "share": 0.3},
            ],
            lr=1.0,
            betas=(0.9, 0.98),
            weight_decay=0.01,
        ),
    ]


def rate_at(step: int, steps: int, falling: float, warm: int = 100) -> float:
    """Share of the peak rate: warm-up, flat, then straight down to a fiftieth over the last `falling` of the steps."""
    fall = max(0.0, (step / steps - 1 + falling) / falling) if falling else 0.0
    return min(1.0, (step + 1) / warm) * (1 - 0.98 * fall)


def train_diffusion(
    net: pocket.PocketNet,
    maker: ClipMaker,
    folder: Path,
    stage: Stage,
    seed: int = 2,
    device: str = "cpu",
    reuse: int = 3,
) -> Iterator[dict]:
    """One stage, yielding progress; resumes from `folder`/<stage>.pt. `net` ends as the average of its last steps."""
    path = folder / f"{stage.name}.pt"
    net.to(device)
    average = copy.deepcopy(net)
    start = load_checkpoint(path, net=net, average=average)
    both = optimisers(net)
    load_checkpoint(path, **{f"optimiser_{n}": o for n, o in enumerate(both)})
    torch.manual_seed(seed + start)
    rng = np.random.default_rng((seed, start))
    vectors = torch.cat([maker.prompts.nothing[None], maker.prompts.vectors])
    channels = batch = None
    began = time.monotonic()
    trained = [*net.transformer.parameters(), *net.memory.parameters(), net.places.layouts, net.places.airs]
    for step in range(start, stage.steps):
        if batch is None or channels is None or (step - start) % reuse == 0:
            batch = encode_batch(net, maker.draw(stage.clips, stage.frames, rng), vectors, rng, device)
            channels = channel_weights(net, batch.clean[:4, 0]) if channels is None else channels
        loss, blind = diffusion_loss(net, batch, channels, rng)
        for optimiser, share in zip(both, SHARES, strict=True):
            optimiser.zero_grad(set_to_none=True)
            for group in optimiser.param_groups:
                group["lr"] = stage.rate * rate_at(step, stage.steps, stage.falling) * share * group.get("share", 1.0)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for optimiser in both:
            optimiser.step()
        follow(average, net, min(AVERAGE, (step + 1) / (step + 10)))
        if step % 20 == 19 or step == stage.steps - 1:
            seconds = (time.monotonic() - began) / (step + 1 - start)
            yield {"step": step + 1, "loss": loss.item(), "blind": blind.item(), "seconds_a_step": seconds}
        if step % 200 == 199 or step == stage.steps - 1:
            parts = {f"optimiser_{n}": o for n, o in enumerate(both)}
            save_checkpoint(path, step + 1, net=net, average=average, **parts)
    net.load_state_dict(average.state_dict())


def descend(loss: Tensor, optimiser: torch.optim.Optimizer, trained: Iterable[nn.Parameter], rate: float) -> None:
    """Take one step down a loss at a rate; trained: the parameters whose gradients are clipped to a norm of 1."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()


@torch.no_grad()
def follow(average, net, decay: float) -> None:
    """Moves an average of weights on by one step."""
    for kept, new in zip(average.parameters(), net.parameters(), strict=True):
        if new.requires_grad:
            kept.lerp_(new, 1 - decay)
