"""Trains the decoder on latents the model draws while it plays. The last step of `studio train`.

A latent that the transformer drew is a little wrong in every cell, and neighbours are wrong in different ways: seams
between cells and speckle around subjects are what the pictures show of it. A decoder that has seen such latents beside
the drawn truth mends some of that, because its convolutions see the neighbours. Latents keep their meaning: encoder
and transformer are not touched, and a frame costs what it did.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from studio.models.pocket import model as pocket
from studio.models.pocket.decoder import Decoder
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.training.clips import SLOTS, ClipMaker
from studio.training.diffusion import Stage, descend, follow, rate_at
from studio.training.forcing import Player, StreamConditions
from studio.training.losses import Target, both_sizes_loss, figures_at_both_sizes
from studio.world import compositing
from studio.world.backgrounds import Backgrounds

STEPS = (1, 2, 2, 2, 4)  # rows in flight of the streams that are played, in turn
STREAMS = 12  # of each, at once
APART = 3  # ticks between two frames of a stream that are kept
DRAWN, CLEAN = 0.6, 0.25  # share of latents as the model drew them, as the truth encodes to; the rest lies between
NOISE = 0.2  # at most, in latents that are not the model's own
AVERAGE = 0.998


@dataclass(frozen=True)
class Played:
    """N frames that were played: latents as the model drew them, float16 (N, C, 16, 16), and under which conditions."""

    latents: Tensor
    conditions: StreamConditions


@dataclass(frozen=True)
class Frames:
    """B frames to learn from: latents as they were drawn and as the truth encodes to, (B, C, 16, 16), and the truth."""

    drawn: Tensor
    clean: Tensor
    true: Target


@torch.no_grad()
def play_frames(net: pocket.PocketNet, maker: ClipMaker, count: int, seed: int = 6, device: str = "cpu") -> Played:
    """Plays streams as the page does, until `count` frames are kept."""
    torch.manual_seed(seed)
    rng, player = np.random.default_rng(seed), Player(net.to(device), maker, device)
    pools = [player.start_streams(min(STREAMS, count), steps, rng) for steps in STEPS]
    latents: list[Tensor] = []
    kept: list[StreamConditions] = []
    while sum(map(len, latents)) < count:
        streams = pools[len(latents) % len(pools)]
        for _ in range(APART):
            player.renew(streams, rng)
            streams.conditions.advance(maker, rng)
            player.move(streams, player.tracks(streams.conditions, streams.steps), pocket.SHIFT)
        prompted = np.flatnonzero(streams.conditions.prompt >= 0)  # without a prompt the truth could be any place
        latents.append(streams.past.latent[:, -1].half().cpu()[prompted])
        kept.append(streams.conditions.rows(prompted))
    return Played(torch.cat(latents)[:count], StreamConditions.cat(kept).rows(slice(count)))


@torch.no_grad()
def draw_truth(conditions: StreamConditions, backgrounds: Backgrounds) -> tuple[Tensor, Tensor]:
    """Draws frames as the world shows them: pictures (B, 3, S, S) in 0..1, and what stands on them (B, 4, S, S)."""
    pictures = backgrounds.frames(conditions.scene, conditions.phase)
    light = torch.tensor([compositing.LIGHT[backgrounds.scenes[n].time] for n in conditions.scene])
    guide = torch.zeros(len(pictures), 4, *pictures.shape[-2:])
    for s in range(SLOTS):
        number, *where = conditions.slot(s, 1)
        there = number >= 0
        if there.any():
            x, y, size, facing = (value[there] for value in where)
            pictures[there], drawn = compositing.stand(pictures[there], number[there], x, y, size, facing, light[there])
            guide[there] = compositing.over(guide[there], drawn)
    return pictures, guide


class FrameMaker:
    """Makes batches of the frames that were played, at the size of its backgrounds."""

    def __init__(self, net: pocket.PocketNet, played: Played, backgrounds: Backgrounds, device: str = "cpu") -> None:
        self.net, self.played, self.backgrounds, self.device = net, played, backgrounds, device

    @torch.no_grad()
    def batch(self, rows: np.ndarray) -> Frames:
        """Draw the frames of these numbers."""
        true, guide = (part.to(self.device) for part in draw_truth(self.played.conditions.rows(rows), self.backgrounds))
        small = F.interpolate(true, size=(pocket.SIZE, pocket.SIZE), mode="area")
        with torch.autocast(self.device, torch.bfloat16):
            clean = self.net.codec.encode(small.contiguous(memory_format=torch.channels_last) * 2 - 1).float()
        drawn = self.played.latents[rows].to(self.device).float()
        return Frames(drawn, clean, Target(true, guide, pocket.CELLS))


def mixed(drawn: Tensor, clean: Tensor, rng: np.random.Generator) -> Tensor:
    """Latents (B, C, 16, 16) to decode: the model's own, encoded ones with noise, and some between the two."""
    kind, between = rng.random(len(drawn)), rng.random(len(drawn))
    share = np.where(kind < DRAWN, 1, np.where(kind < DRAWN + CLEAN, 0, between))
    noise = (1 - share) * rng.uniform(0, NOISE, len(drawn))
    share, noise = (torch.from_numpy(v).to(drawn).view(-1, 1, 1, 1) for v in (share, noise))
    return clean.lerp(drawn, share) + noise * torch.randn_like(clean)


def train_decoder(
    net: pocket.PocketNet,
    maker: ClipMaker,
    backgrounds: Backgrounds,
    folder: Path,
    stage: Stage,
    count: int,
    seed: int = 7,
    device: str = "cpu",
) -> Iterator[dict]:
    """`stage.steps` steps on `stage.clips` of `count` frames, yielding progress; resumes from `folder`/<stage>.pt.

    Only `net.codec.decoder` changes, and ends as the average of its last steps. backgrounds: at the larger size.
    """
    torch.manual_seed(seed)
    path, decoder = folder / f"{stage.name}.pt", net.codec.decoder.channels_last(device).requires_grad_(True)
    average = copy.deepcopy(decoder)
    optimiser = torch.optim.AdamW(decoder.parameters(), lr=stage.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    parts = dict(model=decoder, average=average, optimiser=optimiser)
    start = load_checkpoint(path, **parts)
    if start < stage.steps:
        played = kept_frames(folder / "played.safetensors", net, maker, count, device)
        frames = FrameMaker(net, played, backgrounds, device)
        yield from _learn(decoder, average, optimiser, frames, stage, start, seed, path)
    decoder.load_state_dict(average.state_dict())
    decoder.requires_grad_(False)


def _learn(
    decoder: Decoder,
    average: Decoder,
    optimiser: torch.optim.Optimizer,
    frames: FrameMaker,
    stage: Stage,
    start: int,
    seed: int,
    path: Path,
) -> Iterator[dict]:
    """The steps of `train_decoder` from a start on."""
    torch.manual_seed(seed + start)
    rng, began = np.random.default_rng((seed, start)), time.monotonic()
    for step in range(start, stage.steps):
        some = frames.batch(rng.integers(len(frames.played.latents), size=stage.clips))
        loss = both_sizes_loss(decoder, mixed(some.drawn, some.clean, rng), some.true)
        rate = stage.rate * rate_at(step, stage.steps, stage.falling)
        descend(loss, optimiser, list(decoder.parameters()), rate)
        follow(average, decoder, min(AVERAGE, (step + 1) / (step + 10)))
        if step % 50 == 49 or step == stage.steps - 1:
            seconds = (time.monotonic() - began) / (step + 1 - start)
            yield {"step": step + 1, "loss": loss.item(), "seconds_a_step": seconds}
        if step % 250 == 249 or step == stage.steps - 1:
            save_checkpoint(path, step + 1, model=decoder, average=average, optimiser=optimiser)
            yield {"step": step + 1, **decoder_quality(average, frames)}


def kept_frames(path: Path, net: pocket.PocketNet, maker: ClipMaker, count: int, device: str) -> Played:
    """Give the frames played before and kept in a file, or play and keep them."""
    if not path.exists():
        played = play_frames(net, maker, count, device=device)
        conditions = {f.name: torch.from_numpy(getattr(played.conditions, f.name)) for f in fields(StreamConditions)}
        save_file({"latents": played.latents.contiguous(), **conditions}, path)
    kept = load_file(path)
    latents = kept.pop("latents")
    return Played(latents, StreamConditions(**{name: value.numpy() for name, value in kept.items()}))


def decoder_quality(decoder: Decoder, frames: FrameMaker, count: int = 24) -> dict[str, float]:
    """Of the model's own latents; see `losses.figures_at_both_sizes`."""
    some = frames.batch(np.arange(min(count, len(frames.played.latents))))
    return figures_at_both_sizes(decoder, some.drawn, some.true)
