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
from dataclasses import dataclass, fields, replace
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
from studio.training.codec import codec_loss, psnr
from studio.training.diffusion import Stage, descend, follow, rate_at
from studio.training.forcing import Player, StreamConditions
from studio.world import compositing
from studio.world.backgrounds import Backgrounds

STEPS = (1, 2, 2, 2, 4)  # rows in flight of the streams that are played, in turn
STREAMS = 12  # of each, at once
APART = 3  # ticks between two frames of a stream that are kept
DRAWN, CLEAN = 0.6, 0.25  # share of latents as the model drew them, as the truth encodes to; the rest lies between
NOISE = 0.2  # at most, in latents that are not the model's own
SEAM = 0.1  # of the loss: how much the error jumps from cell to cell
TEXTURE = 0.2  # ... and how much flatter or rougher than the truth windows of 8x8 pixels are: regression alone blurs
AVERAGE = 0.998


@dataclass(frozen=True)
class Played:
    """N frames that were played: latents as the model drew them, float16 (N, C, 16, 16), and under which conditions."""

    latents: Tensor
    conditions: StreamConditions


@dataclass(frozen=True)
class Frames:
    """B frames to learn from: latents drawn and clean (B, C, 16, 16), the drawn truth (B, 3, S, S) in 0..1 and its
    guide (B, 4, S, S).
    """

    drawn: Tensor
    clean: Tensor
    true: Tensor
    guide: Tensor

    @property
    def covered(self) -> Tensor:
        """(B, 1, S, S): the subjects' alpha."""
        return self.guide[:, 3:]

    def halved(self) -> Frames:
        """Give the same frames at half the size."""
        return replace(self, true=F.avg_pool2d(self.true, 2), guide=F.avg_pool2d(self.guide, 2))


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
            here = [value[there] for value in where]
            pictures[there], drawn = compositing.stand(pictures[there], number[there], *here, light[there])
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
        return Frames(self.played.latents[rows].to(self.device).float(), clean, true, guide)


def mixed(drawn: Tensor, clean: Tensor, rng: np.random.Generator) -> Tensor:
    """Latents (B, C, 16, 16) to decode: the model's own, encoded ones with noise, and some between the two."""
    kind, between = rng.random(len(drawn)), rng.random(len(drawn))
    share = np.where(kind < DRAWN, 1, np.where(kind < DRAWN + CLEAN, 0, between))
    noise = (1 - share) * rng.uniform(0, NOISE, len(drawn))
    share, noise = (torch.from_numpy(v).to(drawn).view(-1, 1, 1, 1) for v in (share, noise))
    return clean.lerp(drawn, share) + noise * torch.randn_like(clean)


def decoder_loss(made: Tensor, true: Tensor, covered: Tensor) -> Tensor:
    """The codec's loss, the error's jumps between cells, and how far the pictures' texture is from the truth's."""
    flat = (texture(made) - texture(true)).abs().mean()
    return codec_loss(made, true, covered) + SEAM * seams(made - true)[0] + TEXTURE * flat


def seams(error: Tensor) -> tuple[Tensor, Tensor]:
    """Mean absolute jump of an error (N, 3, S, S) from pixel to pixel across cells' borders, and inside cells."""
    jumps = torch.cat([error.diff(dim=-1).abs(), error.diff(dim=-2).abs().mT], -2)
    cell = error.shape[-1] // pocket.CELLS
    border = torch.arange(1, error.shape[-1], device=error.device) % cell == 0
    return jumps[..., border].mean(), jumps[..., ~border].mean()


def texture(pictures: Tensor) -> Tensor:
    """Standard deviation of each colour in windows of 8x8 pixels, four apart."""
    mean = F.avg_pool2d(pictures, 8, 4)
    return (F.avg_pool2d(pictures.square(), 8, 4) - mean.square()).clamp_min(1e-5).sqrt()


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

    Only `net.codec.decoder` changes, and ends as the average of its last steps. backgrounds: at the size it learns to draw.
    """
    torch.manual_seed(seed)
    path, decoder = folder / f"{stage.name}.pt", net.codec.decoder.channels_last(device).requires_grad_(True)
    average = copy.deepcopy(decoder)
    optimiser = torch.optim.AdamW(decoder.parameters(), lr=stage.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    parts = dict(model=decoder, average=average, optimiser=optimiser)
    start = load_checkpoint(path, **parts)
    if start < stage.steps:
        played = kept_frames(folder / "played.pt", net, maker, count, device)
        frames = FrameMaker(net, played, backgrounds, device)
        torch.manual_seed(seed + start)
        rng, began = np.random.default_rng((seed, start)), time.monotonic()
    for step in range(start, stage.steps):
        loss = frames_loss(decoder, frames.batch(rng.integers(len(played.latents), size=stage.clips)), rng)
        rate = stage.rate * rate_at(step, stage.steps, stage.falling)
        descend(loss, optimiser, list(decoder.parameters()), rate)
        follow(average, decoder, min(AVERAGE, (step + 1) / (step + 10)))
        if step % 50 == 49 or step == stage.steps - 1:
            seconds = (time.monotonic() - began) / (step + 1 - start)
            yield {"step": step + 1, "loss": loss.item(), "seconds_a_step": seconds}
        if step % 250 == 249 or step == stage.steps - 1:
            save_checkpoint(path, step + 1, **parts)
            yield {"step": step + 1, **decoder_quality(average, frames)}
    decoder.load_state_dict(average.state_dict())
    decoder.requires_grad_(False)


def kept_frames(path: Path, net: pocket.PocketNet, maker: ClipMaker, count: int, device: str) -> Played:
    """Give the frames played before and kept in a file, or play and keep them."""
    if not path.exists():
        played = play_frames(net, maker, count, device=device)
        conditions = {f.name: torch.from_numpy(getattr(played.conditions, f.name)) for f in fields(StreamConditions)}
        save_file({"latents": played.latents.contiguous(), **conditions}, path)
    kept = load_file(path)
    latents = kept.pop("latents")
    return Played(latents, StreamConditions(**{name: value.numpy() for name, value in kept.items()}))


def frames_loss(decoder: Decoder, frames: Frames, rng: np.random.Generator) -> Tensor:
    """How far decoded frames are from the truth, at both sizes that are played."""
    latents = mixed(frames.drawn, frames.clean, rng).contiguous(memory_format=torch.channels_last)
    return sum(weight * size_loss(decoder, latents, at) for weight, at in ((1.0, frames), (0.5, frames.halved())))


def size_loss(decoder: Decoder, latents: Tensor, frames: Frames) -> Tensor:
    guide = frames.guide.contiguous(memory_format=torch.channels_last)
    with torch.autocast(latents.device.type, torch.bfloat16):
        made = decoder(latents, guide)
    return decoder_loss(made.float() / 2 + 0.5, frames.true, frames.covered)


@torch.no_grad()
def decoder_quality(decoder: Decoder, frames: FrameMaker, count: int = 24, at_once: int = 8) -> dict[str, float]:
    """Of the model's own latents: PSNR inside subjects and outside, edges inside, at 512 and at 256 (`small_`)."""
    parts = [frames.batch(np.arange(first, first + at_once)) for first in range(0, count, at_once)]
    whole = Frames(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Frames)))
    return {
        prefix + name: value
        for prefix, at in (("", whole), ("small_", whole.halved()))
        for name, value in figures(decoder, at, at_once).items()
    }


def figures(decoder: Decoder, frames: Frames, at_once: int) -> dict[str, float]:
    made = []
    for latents, guide in zip(frames.drawn.split(at_once), frames.guide.split(at_once), strict=True):
        with torch.autocast(latents.device.type, torch.bfloat16):
            made.append(decoder(latents, guide).float() / 2 + 0.5)
    pictures, inside = torch.cat(made), (frames.covered > 0.5).float()
    between, within = (255 * value.item() for value in seams(pictures - frames.true))
    energy, likeness = edges(pictures, frames.true, inside)
    return {
        "inside_db": psnr(pictures, frames.true, inside),
        "outside_db": psnr(pictures, frames.true, 1 - inside),
        "edge_energy": energy,
        "edge_correlation": likeness,
        "outside_energy": edges(pictures, frames.true, 1 - inside)[0],
        "seam": between,
        "inner": within,
    }


def edges(made: Tensor, true: Tensor, weight: Tensor) -> tuple[float, float]:
    """Energy of the gradients of pictures (N, 3, S, S) as a share of the truth's, and their correlation with them."""
    there = weight[..., 1:, 1:]
    one, other = (torch.stack([p.diff(dim=-1)[..., 1:, :], p.diff(dim=-2)[..., 1:]]) for p in (made, true))
    mine, its, both = ((a * b * there).sum().item() for a, b in ((one, one), (other, other), (one, other)))
    return mine / its, both / (mine * its) ** 0.5
