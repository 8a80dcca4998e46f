"""Trains the video student on its own past, down the steps that it is played with. The last step of the recipe.

Streams are begun with a drawn chunk, and played on as the studio plays them: a sink, a window of chunks the net has
drawn itself, four steps a chunk, prompts that change. Every guess is corrected towards the drawn world (Self-Forcing,
arXiv 2506.08009; as the truth is known, plain regression takes the place of its distribution loss, as for the pocket
model).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studio.models.libraries import Net
from studio.models.wan.model import SHIFT
from studio.schedule import add_noise, sigmas
from studio.training.diffusion import Stage, rate_at
from studio.training.video_clips import Script
from studio.training.video_student import CHUNK, LENGTH, Run, Teacher, batch_loss, clip_batch, predict, velocity_loss

CHUNKS = 8  # a stream's, of which the first is drawn
WINDOW = 2  # chunks
STEPS = ((4, 0.7), (2, 0.3))  # of a chunk, and how often
SWITCHED = 0.3  # share of streams in which the prompt changes once
OPENED = 0.5  # share of streams that begin as a clean start does; the others have their subject anywhere
TAUGHT = 3  # every so many steps one of diffusion forcing, which keeps what only it teaches


@dataclass
class VideoStreams:
    """B streams: the truth (B, N, C, h, w) with its cells' weights, what was played of it, and its prompts.

    words (B, 2, L, D), lengths (B, 2): before and after the switch, which comes before chunk `switch` (B,).
    """

    truth: Tensor
    weight: Tensor
    played: Tensor
    words: Tensor
    lengths: Tensor
    switch: np.ndarray
    chunk: int = 1

    def text(self) -> tuple[Tensor, Tensor]:
        """Give the states and lengths of the prompts in force."""
        now, rows = (self.chunk >= self.switch).astype(int), np.arange(len(self.switch))
        return self.words[rows, now], self.lengths[rows, now]


def start_streams(teacher: Teacher, count: int, rng: np.random.Generator) -> VideoStreams:
    """Draw and encode streams, none of them played yet."""
    script = Script.draw(teacher.world, count, rng).opening(OPENED, rng)
    other = script.restaged(teacher.world, rng)
    truth, weight = teacher.encode(script, CHUNKS * CHUNK)
    switch = np.where(rng.random(count) < SWITCHED, rng.integers(1, CHUNKS - 1, count), CHUNKS)
    chosen = np.flatnonzero(switch < CHUNKS)
    if len(chosen):
        staged, staged_weight = teacher.encode(other.only(chosen), CHUNKS * CHUNK)
        for n, b in enumerate(chosen):
            later = slice(switch[b] * CHUNK, None)
            truth[b, later], weight[b, later] = staged[n, later], staged_weight[n, later]
    read = [teacher.read(one, rng) for one in (script, other)]
    words, lengths = (torch.stack(part, 1) for part in zip(*read, strict=True))
    return VideoStreams(truth, weight, truth.clone(), words, lengths, switch)


def tick(net: Net, streams: VideoStreams, rng: np.random.Generator) -> Tensor:
    """Play the streams' next chunk, and give the loss of one of its steps."""
    chunk, frames = streams.chunk, slice(streams.chunk * CHUNK, (streams.chunk + 1) * CHUNK)
    kept = [0, *range(max(1, chunk - WINDOW), chunk)]
    past = torch.cat([streams.played[:, n * CHUNK : (n + 1) * CHUNK] for n in kept], 1)
    truth, weight = streams.truth[:, frames], streams.weight[:, frames]
    text, lengths = streams.text()
    ladder = sigmas(int(rng.choice([n for n, _ in STEPS], p=[share for _, share in STEPS])), SHIFT)
    taught, loss, clean = int(rng.integers(len(ladder))), None, torch.zeros_like(truth)
    for step, sigma in enumerate(ladder):
        x = add_noise(clean, torch.randn_like(truth), sigma)
        rows = torch.cat([past, x], 1)
        levels = torch.zeros(rows.shape[:2])
        levels[:, -CHUNK:] = sigma
        with torch.set_grad_enabled(step == taught), torch.autocast("cpu", torch.bfloat16):
            guess = predict(net, rows, levels, text, lengths, torch.arange(rows.shape[1]), LENGTH)[:, -CHUNK:].float()
        if step == taught:
            loss = velocity_loss(guess, (x - truth) / sigma, weight, torch.ones(weight.shape[:2]))
        clean = (x - sigma * guess).detach()
    streams.played[:, frames] = clean
    streams.chunk += 1
    assert loss is not None
    return loss


def train_video_forcing(
    net: Net, teacher: Teacher, folder: Path, stage: Stage, fresh: int, seed: int = 5
) -> Iterator[dict]:
    """Train a stage on groups of `stage.clips` streams, yielding progress; resumes from `folder`/<stage>.pt.

    `net` ends as the average of its last steps.
    """
    run = Run.of(net, folder / f"{stage.name}.pt")
    torch.manual_seed(seed + run.step)
    rng = np.random.default_rng((seed, run.step))
    streams = None
    teacher.clear()
    teacher.add(min(teacher.size, 8), rng)
    while run.step < stage.steps:
        if run.step % TAUGHT == TAUGHT - 1:
            teacher.add(fresh, rng)
            loss = batch_loss(net, clip_batch(teacher.pool, stage.clips, stage.frames // CHUNK, rng), LENGTH)
        else:
            if streams is None or streams.chunk == CHUNKS:
                streams = start_streams(teacher, stage.clips, rng)
            loss = tick(net, streams, rng)
        run.learn(loss, stage.rate * rate_at(run.step, stage.steps, stage.falling, warm=20))
        yield from run.reports(loss, stage.steps)
    run.end()
