"""Trains the transformer on its own past. The last step of `studio train`, after diffusion forcing.

While it plays, the model sees frames it drew itself and re-noises its own guesses; taught on true pasts alone, a small
mistake there is taken for truth and grows: blocks of false colour after a change of prompt. Here streams are played as
the studio plays them (a sink, the frame that just came out, rows in flight on a schedule, prompts that change, a hand
that drags) and every guess is corrected towards the drawn truth (Self-Forcing, arXiv 2506.08009; as the truth is known,
plain regression takes the place of its distribution loss, as in DAgger, arXiv 1011.0686).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.conditioning import BatchConditioning
from studio.models.pocket import appearance
from studio.models.pocket import model as pocket
from studio.schedule import add_noise, sigmas
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.training.clips import SLOTS, ClipMaker
from studio.training.diffusion import (
    NO_PROMPT,
    SHARES,
    SUBJECT_WEIGHT,
    Stage,
    channel_weights,
    diffusion_loss,
    encode_batch,
    follow,
    optimisers,
    rate_at,
)
from studio.world import compositing, scenes

SWITCH = 0.04  # chance a frame that the prompt changes
NEW_SUBJECT = 0.02  # ... that a subject becomes another, or comes or goes
LENGTH = 60  # frames a stream is played on average before it begins anew
STEPS = ((1, 0.15), (2, 0.6), (4, 0.25))  # rows in flight, and how many of the streams have so many
SHIFTS = (3.0, 100.0)  # a tick's schedule is warped by something between, evenly in its logarithm
TAUGHT = 4  # every so many steps one of diffusion forcing, which keeps what only it teaches
AVERAGE = 0.99  # a hundred steps
GRAB, DROP, SPEED = 0.08, 0.12, 0.35  # a hand takes a subject up, lets it go, goes so much of the way in a frame


@dataclass
class StreamConditions:
    """The conditions of B streams: numbers of scene, wording, phase; S subjects, their memory keys, places, goals.

    scene, prompt (-1: nothing prompt), phase (B,); subject, key (B, S), subject -1 for none; at, goal (B, S, 2);
    held (B, S) bool; size, facing (B, S).
    """

    scene: np.ndarray
    prompt: np.ndarray
    phase: np.ndarray
    subject: np.ndarray
    key: np.ndarray
    at: np.ndarray
    goal: np.ndarray
    held: np.ndarray
    size: np.ndarray
    facing: np.ndarray

    @staticmethod
    def draw(maker: ClipMaker, count: int, rng: np.random.Generator) -> StreamConditions:
        """Draws the conditions of `count` new streams."""
        subjects = rng.choice(SLOTS + 1, size=count, p=[0.06, 0.44, 0.35, 0.15])
        subject = np.where(
            np.arange(SLOTS) < subjects[:, None], rng.integers(len(maker.keys_of), size=(count, SLOTS)), -1
        )
        at = rng.uniform(0.1, 0.9, (count, SLOTS, 2))
        conditions = StreamConditions(
            np.array([maker.scene(None, rng) for _ in range(count)]),
            np.zeros(count, int),
            rng.integers(maker.backgrounds.pictures.shape[1], size=count),
            subject,
            np.zeros((count, SLOTS), int),
            at,
            at.copy(),
            np.zeros((count, SLOTS), bool),
            rng.uniform(0.2, 0.5, (count, SLOTS)),
            rng.choice([-1.0, 1.0], (count, SLOTS)),
        )
        for b in range(count):
            conditions.draw_prompt(maker, b, rng)
            for s in range(SLOTS):
                conditions.draw_subject_word(maker, b, s, rng)
        return conditions

    def draw_prompt(self, maker: ClipMaker, b: int, rng: np.random.Generator) -> None:
        """Draws some wording of the scene for stream b, or none."""
        prompt = maker.prompts.draw(maker.backgrounds.scenes[self.scene[b]], rng)
        self.prompt[b] = -1 if rng.random() < NO_PROMPT else prompt

    def draw_subject_word(self, maker: ClipMaker, b: int, s: int, rng: np.random.Generator) -> None:
        """Draws some word for subject s of stream b."""
        if self.subject[b, s] >= 0:
            self.key[b, s] = rng.choice(maker.keys_of[self.subject[b, s]])

    def advance(self, maker: ClipMaker, rng: np.random.Generator) -> None:
        """Goes one frame on: the world's clock, the hand, now and then other words or another subject."""
        self.phase = (self.phase + 1) % maker.backgrounds.pictures.shape[1]
        for b in np.flatnonzero(rng.random(len(self.scene)) < SWITCH):
            self.scene[b] = maker.scene(maker.backgrounds.scenes[self.scene[b]].view, rng)
            self.draw_prompt(maker, int(b), rng)
        for b, s in np.argwhere(rng.random(self.subject.shape) < NEW_SUBJECT):
            self.subject[b, s] = rng.integers(len(maker.keys_of)) if rng.random() < 0.7 else -1
            self.draw_subject_word(maker, b, s, rng)
        chance = rng.random(self.held.shape)
        taken = ~self.held & (chance < GRAB)
        self.goal[taken] = rng.uniform(0.05, 0.95, (int(taken.sum()), 2))
        self.held = np.where(self.held, chance >= DROP, taken)
        step = self.held[..., None] * SPEED * (self.goal - self.at)
        self.facing = np.where(np.abs(step[..., 0]) > 0.01, -np.sign(step[..., 0]), self.facing)
        self.at = self.at + step

    def slot(self, s: int, frames: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Give number, x, y, size and facing (B·frames,) of the streams' subject s; a size of 0 where there is none."""
        number = self.subject[:, s]
        size = np.where(number >= 0, self.size[:, s], 0)
        values = (number, self.at[:, s, 0], self.at[:, s, 1], size, self.facing[:, s])
        number, x, y, size, facing = (torch.from_numpy(value).repeat_interleave(frames) for value in values)
        return number, x.float(), y.float(), size.float(), facing.float()

    def rows(self, chosen: np.ndarray | slice) -> StreamConditions:
        """Give those of some streams, by their numbers, as values of their own."""
        return StreamConditions(*(getattr(self, field.name)[chosen].copy() for field in fields(self)))

    @staticmethod
    def cat(parts: Sequence[StreamConditions]) -> StreamConditions:
        """Give the conditions of all streams, in the order of the parts."""
        names = [field.name for field in fields(StreamConditions)]
        return StreamConditions(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def replace_rows(self, rows: np.ndarray, others: StreamConditions) -> None:
        """Replaces the conditions of some streams (their numbers) with those of others."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(others, field.name)


@dataclass(frozen=True)
class FrameBatch:
    """Frames of B streams: latents, and their conditions besides text, tracks (B, T, K, 16, 16), mean among them."""

    latent: Tensor  # (B, T, C, 16, 16): truth, guess or what came out
    tracks: Tensor

    def frames(self, part: slice) -> FrameBatch:
        return FrameBatch(self.latent[:, part], self.tracks[:, part])

    @staticmethod
    def cat(parts: list[FrameBatch]) -> FrameBatch:
        return FrameBatch(torch.cat([p.latent for p in parts], 1), torch.cat([p.tracks for p in parts], 1))


@dataclass
class Streams:
    """B streams with S rows in flight: their conditions, the two frames they see, and their guesses, newest last.

    past: the sink and the frame that came out last; guesses (B, S - 1, C, 16, 16).
    """

    conditions: StreamConditions
    steps: int
    past: FrameBatch
    guesses: Tensor


class Player:
    """Plays streams with a net, and tells how far its guesses are from the drawn truth."""

    def __init__(self, net: pocket.PocketNet, maker: ClipMaker, device: str = "cpu") -> None:
        self.net, self.maker, self.device = net, maker, device
        self.vectors = torch.cat([maker.prompts.nothing[None], maker.prompts.vectors])

    @torch.no_grad()
    def ground_truth(self, conditions: StreamConditions, frames: int) -> tuple[FrameBatch, Tensor]:
        """Draws the next `frames` frames under the present conditions; also gives cells' weights (B, T, 1, 16, 16)."""
        shape, (scene, phase) = (len(conditions.scene), frames), self.moments(conditions, frames)
        pictures, covered = self.draw_frames(conditions, frames, scene, phase)
        clean = self.encode(pictures)
        weight = 1 + (SUBJECT_WEIGHT - 1) * (F.avg_pool2d(covered.to(self.device), pocket.PATCH) > 0.02).float()
        clean, weight = (part.view(*shape, *part.shape[1:]) for part in (clean, weight))
        return FrameBatch(clean, self.tracks(conditions, frames)), weight

    def moments(self, conditions: StreamConditions, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the scenes and phases (B·T,) of the next `frames` frames."""
        phase = (conditions.phase[:, None] + np.arange(frames)) % scenes.PHASES
        return np.repeat(conditions.scene, frames), phase.ravel()

    @torch.no_grad()
    def tracks(self, conditions: StreamConditions, frames: int) -> Tensor:
        """Give what the next `frames` frames are told beside words, (B, T, K, 16, 16): strokes, constants, the mean."""
        scene, phase = self.moments(conditions, frames)
        view = torch.tensor([self.maker.backgrounds.scenes[n].view for n in scene])
        constants = pocket.constant_channels(torch.from_numpy(phase), view).to(self.device)
        sentences = self.vectors[conditions.prompt + 1].repeat_interleave(frames, 0).to(self.device)
        mean = self.net.places.recall(sentences, view.to(self.device))
        told = torch.cat([appearance.fold(self.draw_tracks(conditions, frames)), constants, mean], 1)
        return told.view(len(conditions.scene), frames, *told.shape[1:])

    def encode(self, pictures: Tensor) -> Tensor:
        """Encodes to clean latents (N, C, 16, 16) pictures (N, 3, 256, 256) in 0..1."""
        with torch.autocast(self.device, torch.bfloat16):
            ready = pictures.to(self.device).contiguous(memory_format=torch.channels_last)
            return self.net.codec.encode(ready * 2 - 1).float()

    def draw_tracks(self, conditions: StreamConditions, frames: int) -> Tensor:
        """Draws the subjects' tracks (B·T, 4, 128, 128)."""
        memory = self.net.memory
        planes = memory.read(memory.get_buffer("keys")[torch.from_numpy(conditions.key).flatten()].float())
        planes = planes.unflatten(0, (-1, 1, SLOTS)).expand(-1, frames, -1, -1, -1, -1)
        track = planes.new_zeros(planes.shape[0] * frames, 4, appearance.MAP, appearance.MAP)
        for s in range(SLOTS):
            _, *where = conditions.slot(s, frames)
            track = appearance.draw_track(track, planes[:, :, s].flatten(0, 1), *(value.to(track) for value in where))
        return track

    def draw_frames(
        self, conditions: StreamConditions, frames: int, scene: np.ndarray, phase: np.ndarray
    ) -> tuple[Tensor, Tensor]:
        """Draws pictures (B·T, 3, 256, 256) and subjects' alpha (B·T, 1, 256, 256)."""
        backgrounds = self.maker.backgrounds
        pictures = backgrounds.frames(scene, phase)
        covered = torch.zeros(len(pictures), 1, *pictures.shape[-2:])
        light = torch.tensor([compositing.LIGHT[backgrounds.scenes[n].time] for n in scene])
        for s in range(SLOTS):
            number, *where = conditions.slot(s, frames)
            if (there := number >= 0).any():
                x, y, size, facing = (value[there] for value in where)
                drawn, alpha = compositing.composite(pictures[there], number[there], x, y, size, facing, light[there])
                pictures[there], covered[there] = drawn, torch.maximum(covered[there], alpha)
        return pictures, covered

    def guess(self, conditions: StreamConditions, rows: FrameBatch, sigma: tuple[float, ...]) -> Tensor:
        """Guesses clean latents (B, T, C, 16, 16) of noisy rows in a row, under the newest words."""
        count, frames = rows.latent.shape[:2]
        words = self.vectors[conditions.prompt + 1].to(self.device)
        text = pocket.text_tokens(words)[:, None].expand(-1, frames, -1, -1)
        levels = torch.tensor(sigma, device=self.device).expand(count, -1)
        positions = torch.arange(frames, device=self.device)
        mean = rows.tracks[:, :, -rows.latent.shape[2] :]
        cond = BatchConditioning(text, rows.tracks)
        with torch.autocast(self.device, torch.bfloat16):
            return pocket.denoise_around(
                mean, rows.latent, levels, lambda y: self.net.denoiser(y, levels, cond, positions)
            ).float()

    @torch.no_grad()
    def start_streams(self, count: int, steps: int, rng: np.random.Generator) -> Streams:
        """Starts streams cold: a frame down the opening schedule, a second after it, the others guessed."""
        conditions = StreamConditions.draw(self.maker, count, rng)
        tracks = self.tracks(conditions, steps + 1)
        latent = tracks.new_zeros(count, 1, self.net.config["codec"]["channels"], *tracks.shape[-2:])
        for level in sigmas(pocket.FIRST_FRAME_STEPS, pocket.SHIFT):
            first = FrameBatch(add_noise(latent, torch.randn_like(latent), level), tracks[:, :1])
            latent = self.guess(conditions, first, (level,))
        past = FrameBatch(latent, tracks[:, :1])
        rest = FrameBatch(torch.randn_like(latent.expand(-1, steps, -1, -1, -1)), tracks[:, 1:])
        guesses = self.guess(conditions, FrameBatch.cat([past, rest]), (0.0, *[1.0] * steps))[:, 1:]
        return Streams(
            conditions, steps, FrameBatch.cat([past, FrameBatch(guesses[:, :1], rest.tracks[:, :1])]), guesses[:, 1:]
        )

    def tick(self, streams: Streams, channels: Tensor, rng: np.random.Generator) -> Tensor:
        """Plays one tick on some schedule, and gives the weighted squared error of the rows in flight."""
        shift = float(np.exp(rng.uniform(*np.log(SHIFTS))))
        guesses, truth, weight = self.play(streams, shift, rng)
        error = (guesses - truth.latent).square() * channels.view(-1, 1, 1)
        return (error.mean(2, keepdim=True) * weight).mean()

    def play(self, streams: Streams, shift: float, rng: np.random.Generator) -> tuple[Tensor, FrameBatch, Tensor]:
        """Plays one tick, as the stream batch does; gives the rows' guesses, their truth, the cells' weights."""
        streams.conditions.advance(self.maker, rng)
        truth, weight = self.ground_truth(streams.conditions, streams.steps)
        return self.move(streams, truth.tracks, shift), truth, weight

    def move(self, streams: Streams, tracks: Tensor, shift: float) -> Tensor:
        """Move the rows in flight a step down, and give their guesses; tracks: of the frames in flight."""
        sigma = sigmas(streams.steps, shift)[::-1]
        clean = torch.cat([streams.guesses, torch.zeros_like(streams.past.latent[:, :1])], 1)
        x = add_noise(clean, torch.randn_like(clean), torch.tensor(sigma, device=clean.device).expand(len(clean), -1))
        rows = FrameBatch.cat([streams.past, FrameBatch(x, tracks)])
        guesses = self.guess(streams.conditions, rows, (0.0, 0.0, *sigma))[:, 2:]
        kept = guesses.detach()
        out = FrameBatch(kept[:, :1], tracks[:, :1])
        streams.past, streams.guesses = FrameBatch.cat([streams.past.frames(slice(1)), out]), kept[:, 1:]
        return guesses

    @torch.no_grad()
    def renew(self, streams: Streams, rng: np.random.Generator) -> None:
        """Starts some streams anew, so that they are `LENGTH` frames long on average."""
        chosen = np.flatnonzero(rng.random(len(streams.conditions.scene)) < 1 / LENGTH)
        if not len(chosen):
            return
        fresh = self.start_streams(len(chosen), streams.steps, rng)
        streams.conditions.replace_rows(chosen, fresh.conditions)
        for kept, new in (
            (streams.past.latent, fresh.past.latent),
            (streams.past.tracks, fresh.past.tracks),
            (streams.guesses, fresh.guesses),
        ):
            kept[chosen] = new


class ForcingData:
    """Streams in play for every number of steps, and what a step of training learns from."""

    def __init__(self, net: pocket.PocketNet, maker: ClipMaker, stage: Stage, rng: np.random.Generator, device: str):
        self.player, self.stage, self.rng = Player(net, maker, device), stage, rng
        self.pools = [self.player.start_streams(stage.clips, steps, rng) for steps, _ in STEPS]
        self.channels = channel_weights(net, self.pools[0].past.latent[:4, 0])

    def loss(self, step: int) -> Tensor:
        """Computes the loss of one tick of some streams; every `TAUGHT` steps of clips with a true past instead."""
        if step % TAUGHT == TAUGHT - 1:
            clips = self.player.maker.draw(max(1, self.stage.clips // 2), self.stage.frames, self.rng)
            net, device = self.player.net, self.player.device
            batch = encode_batch(net, clips, self.player.vectors, self.rng, device)
            return diffusion_loss(net, batch, self.channels, self.rng)[0]
        streams = self.pools[int(self.rng.choice(len(self.pools), p=[share for _, share in STEPS]))]
        self.player.renew(streams, self.rng)
        return self.player.tick(streams, self.channels, self.rng)


def train_forcing(
    net: pocket.PocketNet, maker: ClipMaker, folder: Path, stage: Stage, seed: int = 5, device: str = "cpu"
) -> Iterator[dict]:
    """One stage on `stage.clips` streams, yielding progress; resumes from `folder`/<stage>.pt. Trains the transformer.

    `net` ends as the average of its last steps. Its memories are not changed.
    """
    path = folder / f"{stage.name}.pt"
    net.to(device)
    average, both = copy.deepcopy(net), optimisers(net)
    parts = {"net": net, "average": average, **{f"optimiser_{n}": o for n, o in enumerate(both)}}
    start = load_checkpoint(path, **parts)
    torch.manual_seed(seed + start)
    if start >= stage.steps:
        net.load_state_dict(average.state_dict())
        return
    data = ForcingData(net, maker, stage, np.random.default_rng((seed, start)), device)
    began = time.monotonic()
    for step in range(start, stage.steps):
        error = data.loss(step)
        for optimiser in both:
            optimiser.zero_grad(set_to_none=True)
        error.backward()
        learn(net, both, stage.rate * rate_at(step, stage.steps, stage.falling, warm=20))
        follow(average, net, min(AVERAGE, (step + 1) / (step + 10)))
        if step % 20 == 19 or step == stage.steps - 1:
            seconds = (time.monotonic() - began) / (step + 1 - start)
            yield {"step": step + 1, "loss": error.item(), "seconds_a_step": seconds}
        if step % 100 == 99 or step == stage.steps - 1:
            save_checkpoint(path, step + 1, **parts)
    net.load_state_dict(average.state_dict())


def learn(net: pocket.PocketNet, both: list[torch.optim.Optimizer], rate: float) -> None:
    """One step of the transformer's optimisers at a rate; what is remembered of subjects and places stays."""
    for parameter in (*net.memory.parameters(), *net.places.parameters()):
        parameter.grad = None
    torch.nn.utils.clip_grad_norm_(net.transformer.parameters(), 1.0)
    for optimiser, share in zip(both, SHARES, strict=True):
        for group in optimiser.param_groups:
            group["lr"] = rate * share
        optimiser.step()
