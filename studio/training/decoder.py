"""Trains the decoder on latents the model draws while it plays. The last step of `studio train`.

A latent that the transformer drew is a little wrong in every cell, and neighbours are wrong in different ways: seams
between cells and speckle around subjects are what the pictures show of it. A decoder that has seen such latents beside
the drawn truth mends some of that, because its convolutions see the neighbours. Latents keep their meaning: encoder
and transformer are not touched, and a frame costs what it did.
"""

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.models.pocket import model as pocket
from studio.models.pocket.autoencoder import PATCH, Autoencoder
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.training.clips import ClipMaker
from studio.training.codec import codec_loss, psnr
from studio.training.diffusion import Stage, descend, follow, rate_at
from studio.training.forcing import Player

STEPS = (1, 2, 2, 2, 4)  # rows in flight of the streams that are played, in turn
STREAMS = 12  # of each, at once
APART = 3  # ticks between two frames of a stream that are kept
DRAWN, CLEAN = 0.6, 0.25  # share of latents as the model drew them, as the truth encodes to; the rest lies between
NOISE = 0.2  # at most, in latents that are not the model's own
SEAM = 0.1  # of the loss: how much the error jumps from cell to cell
TEXTURE = 0.2  # ... and how much flatter or rougher than the truth windows of 8x8 pixels are: regression alone blurs
DEAD = 1e-3  # mean activation before the last convolution; a live decoder's is above 0.05
AVERAGE = 0.998


@dataclass(frozen=True)
class Pairs:
    """N frames: latents as the model drew them and as the truth encodes to, float16 (N, C, 16, 16); the drawn truth,
    uint8 (N, 3, 256, 256), and its subjects' alpha, uint8 (N, 1, 256, 256).
    """

    drawn: Tensor
    clean: Tensor
    pictures: Tensor
    covered: Tensor

    def batch(self, rows: np.ndarray, device: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give those rows, in float32: latents drawn and clean, pictures and alpha in 0..1."""
        kept = (part[rows].to(device).float() for part in (self.drawn, self.clean, self.pictures, self.covered))
        drawn, clean, pictures, covered = kept
        return drawn, clean, pictures / 255, covered / 255


@torch.no_grad()
def play_frames(net: pocket.PocketNet, maker: ClipMaker, count: int, seed: int = 6, device: str = "cpu") -> Pairs:
    """Plays streams as the page does, until `count` frames are kept."""
    torch.manual_seed(seed)
    rng, player = np.random.default_rng(seed), Player(net.to(device), maker, device)
    pools = [player.start_streams(min(STREAMS, count), steps, rng) for steps in STEPS]
    parts: list[tuple[Tensor, ...]] = []
    while sum(len(part[0]) for part in parts) < count:
        streams = pools[len(parts) % len(pools)]
        for _ in range(APART):
            player.renew(streams, rng)
            player.play(streams, pocket.SHIFT, rng)
        pictures, covered, _ = player.draw_frames(
            streams.conditions, 1, streams.conditions.scene, streams.conditions.phase
        )
        clean = player.encode(pictures)
        prompted = torch.from_numpy(streams.conditions.prompt >= 0)  # without a prompt the truth could be any place
        bytes_of = lambda values: (values * 255).round().clamp(0, 255).byte()  # noqa: E731
        kept = (streams.past.latent[:, -1].half().cpu(), clean.half().cpu(), bytes_of(pictures), bytes_of(covered))
        parts.append(tuple(part[prompted] for part in kept))
    return Pairs(*(torch.cat(part)[:count] for part in zip(*parts, strict=True)))


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
    border = torch.arange(1, error.shape[-1], device=error.device) % PATCH == 0
    return jumps[..., border].mean(), jumps[..., ~border].mean()


def texture(pictures: Tensor) -> Tensor:
    """Standard deviation of each colour in windows of 8x8 pixels, four apart."""
    mean = F.avg_pool2d(pictures, 8, 4)
    return (F.avg_pool2d(pictures.square(), 8, 4) - mean.square()).clamp_min(1e-5).sqrt()


@torch.no_grad()
def revive(codec: Autoencoder) -> bool:
    """Starts a decoder's convolutions anew where none of them is heard; True if so.

    Nothing normalises their values: they can run away below zero, where SiLU lets neither value nor gradient through.
    The codec is then its linear part alone, and learns no more.
    """
    weight = codec.linear_out.weight
    noise = torch.randn(4, weight.shape[0], pocket.CELLS, pocket.CELLS, device=weight.device)  # as varied as latents
    if codec.decoder[:-2](noise).abs().mean() > DEAD:
        return False
    codec.decoder.load_state_dict(Autoencoder(**codec.config).decoder.state_dict())
    return True


def train_decoder(
    net: pocket.PocketNet, maker: ClipMaker, folder: Path, stage: Stage, pairs: int, seed: int = 7, device: str = "cpu"
) -> Iterator[dict]:
    """`stage.steps` steps on `stage.clips` of `pairs` frames, yielding progress; resumes from `folder`/<stage>.pt.

    Only the decoder of `net.codec` changes, and ends as the average of its last steps.
    """
    torch.manual_seed(seed)
    path, codec = folder / f"{stage.name}.pt", net.codec.channels_last(device)
    if not path.exists():
        revive(codec)
    trained = only_decoder(codec)
    average = copy.deepcopy(codec)
    optimiser = torch.optim.AdamW(trained, lr=stage.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    parts = dict(model=codec, average=average, optimiser=optimiser)
    start = load_checkpoint(path, **parts)
    if start >= stage.steps:
        codec.load_state_dict(average.state_dict())
        return
    frames = play_frames(net, maker, pairs, device=device)  # a run that was stopped plays the same again
    torch.manual_seed(seed + start)
    rng, began = np.random.default_rng((seed, start)), time.monotonic()
    for step in range(start, stage.steps):
        loss = frames_loss(codec, frames.batch(rng.integers(len(frames.drawn), size=stage.clips), device), rng)
        descend(loss, optimiser, trained, stage.rate * rate_at(step, stage.steps, stage.falling))
        follow(average, codec, min(AVERAGE, (step + 1) / (step + 10)))
        if step % 50 == 49 or step == stage.steps - 1:
            seconds = (time.monotonic() - began) / (step + 1 - start)
            yield {"step": step + 1, "loss": loss.item(), "seconds_a_step": seconds}
        if step % 500 == 499 or step == stage.steps - 1:
            save_checkpoint(path, step + 1, **parts)
            yield {"step": step + 1, **decoder_quality(average, frames)}
    codec.load_state_dict(average.state_dict())
    codec.requires_grad_(False)


def only_decoder(codec: Autoencoder) -> list[nn.Parameter]:
    """The parameters that turn latents into pictures; no other asks for a gradient any more."""
    codec.requires_grad_(False)
    codec.decoder.requires_grad_(True)
    codec.linear_out.requires_grad_(True)
    return [*codec.decoder.parameters(), *codec.linear_out.parameters()]


def frames_loss(codec: Autoencoder, frames: tuple[Tensor, Tensor, Tensor, Tensor], rng: np.random.Generator) -> Tensor:
    """Of what `Pairs.some` gives."""
    drawn, clean, true, covered = frames
    latents = mixed(drawn, clean, rng).contiguous(memory_format=torch.channels_last)
    with torch.autocast(true.device.type, torch.bfloat16):
        made = codec.decode(latents)
    return decoder_loss(made.float() / 2 + 0.5, true, covered)


@torch.no_grad()
def decoder_quality(codec: Autoencoder, frames: Pairs, count: int = 48) -> dict[str, float]:
    """Of the model's own latents: PSNR of the picture and inside subjects, jumps between and inside cells in levels."""
    device = codec.linear_out.weight.device.type
    drawn, _, true, covered = frames.batch(np.arange(min(count, len(frames.drawn))), device)
    with torch.autocast(device, torch.bfloat16):
        made = codec.decode(drawn).float() / 2 + 0.5
    between, within = (255 * value.item() for value in seams(made - true))
    inside = psnr(made, true, (covered > 0.5).float())
    return {"psnr_db": psnr(made, true), "subject_psnr_db": inside, "seam": between, "inner": within}
