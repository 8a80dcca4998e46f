"""The video student: a small causal Wan without track input, told words alone, that draws the drawn world.

It stands in for the published students in tests, in the browser and in notebooks. It is trained by diffusion forcing
(arXiv 2407.01392), a noise level a chunk of three latent frames, in the velocity that all of them predict; then on its
own past, see `video_forcing`.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor

from studio.models.libraries import Net
from studio.models.wan.causal_wan import embed_patches
from studio.models.wan.masks import attention_mask, block_bias
from studio.models.wan.model import SHIFT
from studio.models.wan.norms import layer_norm, modulate, modulations, rms_norm
from studio.models.wan.rope import rope_3d
from studio.models.wan.transformer_block import Context, feed_forward, self_attention
from studio.models.wan.umt5 import LENGTH, TextEncoder
from studio.schedule import add_noise, warp
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.training.diffusion import SHARES, Stage, follow, rate_at
from studio.training.video_clips import SIDE, Script, World, prompt
from studio.training.video_codec import CHANNELS, VideoAutoencoder

CHUNK = 3
CELLS = SIDE // 8
SHAPE: dict[str, Any] = dict(
    patch_size=(1, 2, 2), num_attention_heads=5, attention_head_dim=32, in_channels=CHANNELS, out_channels=CHANNELS,
    text_dim=64, freq_dim=64, ffn_dim=640, num_layers=6,
)  # fmt: skip
WORDS = 28  # token states of a prompt in training; the rest are zeros, counted and not computed
SUBJECT_WEIGHT = 3.0
SWITCHED = 0.12  # share of clips whose past is another prompt's, as a cache is that was built anew under new words
SILENT = 0.05  # share of clips told nothing
FAR = 0.5  # share of clips whose first chunk is a sink: from long ago
CONTEXT_NOISE = 0.15  # at most, in clean chunks, which are told to be clean: a past of one's own is a little wrong
AVERAGE = 0.996
POOL, FIRST = 700, 64  # clips that batches are drawn from, and how many of them before the first step


def new_transformer(shape: dict[str, Any] = SHAPE, seed: int = 0) -> WanTransformer3DModel:
    """Make an untrained net whose output is about its input: most of a velocity is noise, to be passed through."""
    torch.manual_seed(seed)
    net: Net = WanTransformer3DModel(**shape)
    with torch.no_grad():
        into = torch.empty(net.patch_embedding.weight.flatten(1).shape)
        torch.nn.init.orthogonal_(into)
        net.patch_embedding.weight.copy_(into.view_as(net.patch_embedding.weight) * 2)
        net.patch_embedding.bias.zero_()
        # proj_out gives (p, q, C), the embedding takes (C, p, q)
        out = into.T.unflatten(0, (shape["in_channels"], 4)).transpose(0, 1).flatten(0, 1)
        net.proj_out.weight.copy_(out * math.sqrt(out.shape[0] / out.shape[1]))
        net.proj_out.bias.zero_()
        net.scale_shift_table.zero_()
        for name, weight in net.named_parameters():
            if name.endswith(("to_out.0.weight", "ffn.net.2.weight")):
                weight.mul_(0.2)
    return net


# What is learned from


@dataclass
class Pool:
    """Clips as latents, to draw batches from: near (P, 9, C, h, w) from a stream's start, far the same from long after.

    other (P, 9, C, h, w): the near clip in another prompt's words; weight, far_weight (P, 9, 1, h, w): of the cells;
    words (P, L, D) and lengths (P,): the prompt's states. filled: how many there are; next: which is replaced next.
    """

    near: Tensor
    far: Tensor
    other: Tensor
    weight: Tensor
    far_weight: Tensor
    words: Tensor
    lengths: Tensor
    filled: int = 0
    next: int = 0

    @staticmethod
    def empty(size: int, width: int) -> Pool:
        def half(channels: int) -> Tensor:
            return torch.zeros(size, 3 * CHUNK, channels, CELLS, CELLS, dtype=torch.float16)

        near, far, other = (half(CHANNELS) for _ in range(3))
        words, lengths = torch.zeros(size, WORDS, width), torch.zeros(size, dtype=torch.long)
        return Pool(near, far, other, half(1), half(1), words, lengths)


class Teacher:
    """Draws clips of the world and encodes them, and reads prompts."""

    def __init__(self, world: World, codec: VideoAutoencoder, texts: Path, size: int = POOL) -> None:
        self.world, self.codec, self.size = world, codec.eval(), size
        self.reader = TextEncoder(texts)
        self.clear()

    def clear(self) -> None:
        """Forget all clips."""
        self.pool = Pool.empty(self.size, SHAPE["text_dim"])

    @torch.no_grad()
    def encode(self, script: Script, latents: int, first: int = 0, is_start: bool = True) -> tuple[Tensor, Tensor]:
        """Give the latents (B, n, C, h, w) from picture `first` on, and the cells' weights (B, n, 1, h, w).

        is_start: a stream that begins there; else one that has been going on, two latents of which are left out.
        """
        spare = 0 if is_start else 2
        pictures = 1 + 4 * (latents + spare - 1)
        film = script.film(self.world, pictures, first - 4 * spare if spare else first)
        with torch.autocast("cpu", torch.bfloat16):
            encoded = self.codec.encode(film.pictures).float()[:, spare:]
        covered = F.max_pool2d(film.covered.flatten(0, 1), 8).unflatten(0, film.covered.shape[:2])
        covered = (
            torch.cat([covered[:, :1].expand(-1, 3, -1, -1, -1), covered], 1).unflatten(1, (-1, 4)).amax(2)[:, spare:]
        )
        return encoded, 1 + (SUBJECT_WEIGHT - 1) * (covered > 0.3).float()

    def read(self, script: Script, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Give the states (B, L, D) of prompts for scripts, and how many each has."""
        texts = [prompt(self.world, n, labels, rng) for n, labels in zip(script.setting, script.labels)]
        texts = ["" if rng.random() < SILENT else text for text in texts]
        return pack([self.reader(text).states for text in texts])

    def add(self, count: int, rng: np.random.Generator, long: bool = True) -> None:
        """Draw new clips in place of the oldest; not `long`: only the first chunk of each.

        What comes from long ago shows the same subjects anywhere: a hand may have moved them since.
        """
        script, pool, chunks = Script.draw(self.world, count, rng), self.pool, 3 if long else 1
        rows = (pool.next + np.arange(count)) % self.size
        frames = slice(chunks * CHUNK)
        opening = script.opening(1.0, rng)
        near, weight = self.encode(opening, chunks * CHUNK)
        pool.near[rows, frames], pool.weight[rows, frames] = near.half(), weight.half()
        if long:
            first = 4 * int(rng.integers(8, 80))
            far, far_weight = self.encode(script.opening(0.0, rng), 2 * CHUNK, first, is_start=False)
            pool.far[rows, CHUNK:], pool.far_weight[rows, CHUNK:] = far.half(), far_weight.half()
            pool.far[rows, :CHUNK], pool.far_weight[rows, :CHUNK] = near[:, :CHUNK].half(), weight[:, :CHUNK].half()
            if rng.random() < 2 * SWITCHED:
                other = self.encode(opening.restaged(self.world, rng), 2 * CHUNK)[0]
                pool.other[rows, : 2 * CHUNK] = other.half()
            else:
                pool.other[rows] = pool.near[rows]
        pool.words[rows], pool.lengths[rows] = self.read(script, rng)
        pool.filled, pool.next = min(self.size, max(pool.filled, pool.next + count)), (pool.next + count) % self.size


def pack(states: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Give the states of prompts (512, D) without the zeros behind them: (N, L, D), and how many each has."""
    lengths = torch.tensor([min(WORDS, int((one != 0).any(1).sum())) for one in states])
    return torch.stack([one[:WORDS] for one in states]), lengths


# The forward in training


def predict(
    net: Net, x: Tensor, sigma: Tensor, text: Tensor, lengths: Tensor, positions: Tensor, pads: float = LENGTH
) -> Tensor:
    """Give the velocity (B, F, C, h, w) as `CausalWan.predict` without a cache does, of B streams each told one text.

    text (B, L, D) of which `lengths` are the prompt's; pads: token states a prompt is padded to. The zeros are one key
    with the weight of all of them: the same numbers, a twentieth of the work. positions (F,).
    """
    batch, frames = x.shape[:2]
    hidden = embed_patches(net, x)
    levels, final = modulations(net, sigma, hidden.dtype)
    grid = (x.shape[-2] // 2, x.shape[-1] // 2)
    rotation = rope_3d(positions[None], *grid, net.config.attention_head_dim)
    rows = range(frames)
    bias = block_bias(attention_mask(rows, rows, CHUNK), hidden.shape[2], hidden)
    context, words = Context(rotation, rotation, bias), text_context(net, text, lengths, pads)
    for number, block in enumerate(net.blocks):
        shift, scale, gate, late_shift, late_scale, late_gate = levels[number].unbind(-2)
        attended = self_attention(block.attn1, modulate(hidden, shift, scale, block.norm1.eps), context, None)
        hidden = torch.addcmul(hidden, attended, gate)
        hidden = hidden + hear(block.attn2, layer_norm(hidden, block.norm2), *words)
        late = feed_forward(block.ffn.net, modulate(hidden, late_shift, late_scale, block.norm3.eps))
        hidden = torch.addcmul(hidden, late, late_gate)
    shift, scale = final.unbind(-2)
    out = net.proj_out(modulate(hidden, shift, scale, net.norm_out.eps))
    out = out.view(batch, frames, *grid, 2, 2, -1).permute(0, 1, 6, 2, 4, 3, 5)
    return out.reshape(x.shape)


def text_context(net: Net, text: Tensor, lengths: Tensor, pads: float) -> tuple[Tensor, Tensor]:
    """Give the embedded states (B, L + 1, width), the last of them a zero's, and the bias of each (B, 1, 1, L + 1)."""
    embedded = net.condition_embedder.text_embedder(F.pad(text, (0, 0, 0, 1)))
    count = torch.arange(text.shape[1] + 1)
    bias = torch.zeros(len(text), len(count)).masked_fill(count >= lengths[:, None], float("-inf"))
    bias[:, -1] = (pads - lengths).clamp_min(1e-3).log()
    return embedded, bias[:, None, None]


def hear(attn: Net, x: Tensor, states: Tensor, bias: Tensor) -> Tensor:
    """Let the tokens of x (B, F, tokens, width) look at their stream's text."""
    query = rms_norm(attn.to_q(x.flatten(1, 2)), attn.norm_q).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
    key = rms_norm(attn.to_k(states), attn.norm_k).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
    value = attn.to_v(states).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
    scores = query @ key.mT * query.shape[-1] ** -0.5 + bias  # plain products: torch's fused ones are slow to go back
    out = scores.softmax(-1).to(value.dtype) @ value
    return attn.to_out[0](out.transpose(1, 2).flatten(2)).view(x.shape)


def velocity_loss(guess: Tensor, true: Tensor, weight: Tensor, counted: Tensor) -> Tensor:
    """Compute the squared error where `counted` (B, F), cells weighted."""
    error = ((guess.float() - true).square().mean(2, keepdim=True) * weight).mean((2, 3, 4))
    return (error * counted).sum() / counted.sum().clamp_min(1)


# Batches


@dataclass(frozen=True)
class Batch:
    """Clean latents (B, F, C, h, w) and the context's as it is seen; weights; texts; levels (B, F); positions (F,)."""

    clean: Tensor
    seen: Tensor
    weight: Tensor
    text: Tensor
    lengths: Tensor
    sigma: Tensor
    positions: Tensor


def level(rng: np.random.Generator) -> float:
    """Draw a noise level: uniform under the students' schedule, and often where it starts."""
    return 1.0 if rng.random() < 0.2 else warp(float(rng.random()), SHIFT)


def image_batch(pool: Pool, count: int, rng: np.random.Generator) -> Batch:
    """Draw single latents, of a stream's first chunk."""
    rows, frame = rng.integers(pool.filled, size=count), rng.integers(CHUNK, size=count)
    clean = pool.near[rows, frame][:, None].float()
    sigma = torch.tensor([[level(rng)] for _ in range(count)])
    weight = pool.weight[rows, frame][:, None].float()
    return Batch(clean, clean, weight, pool.words[rows], pool.lengths[rows], sigma, torch.zeros(1))


def clip_batch(pool: Pool, count: int, chunks: int, rng: np.random.Generator) -> Batch:
    """Draw clips of chunks: pasts clean or noised, of the same stream or of another prompt's, near or from long ago."""
    rows = rng.integers(pool.filled, size=count)
    far = chunks == 3 and rng.random() < FAR
    frames = chunks * CHUNK
    clean = (pool.far if far else pool.near)[rows, :frames].float()
    weight = (pool.far_weight if far else pool.weight)[rows, :frames].float()
    seen = clean.clone()
    sigma = np.array([[level(rng) for _ in range(chunks)] for _ in range(count)])
    for b in range(count):
        past = int(rng.integers(1, chunks)) if chunks > 1 and rng.random() < 0.7 else 0
        if past and not far and rng.random() < 2 * SWITCHED:
            seen[b, : past * CHUNK] = pool.other[rows[b], : past * CHUNK].float()
        sigma[b, :past] = 0
    noise = torch.from_numpy(rng.uniform(0, CONTEXT_NOISE, (count, 1, 1, 1, 1))).float()
    levels = torch.from_numpy(sigma).float().repeat_interleave(CHUNK, 1)
    soiled = (levels == 0)[..., None, None, None] * noise * torch.randn_like(seen)
    positions = torch.arange(frames)
    return Batch(clean, seen + soiled, weight, pool.words[rows], pool.lengths[rows], levels, positions)


def batch_loss(net: Net, batch: Batch, pads: float) -> Tensor:
    """Compute the loss of a batch: of the frames that have noise."""
    noise = torch.randn_like(batch.clean)
    x = add_noise(batch.seen, noise, batch.sigma)
    with torch.autocast("cpu", torch.bfloat16):
        guess = predict(net, x, batch.sigma, batch.text, batch.lengths, batch.positions, pads)
    return velocity_loss(guess, noise - batch.clean, batch.weight, (batch.sigma > 0).float())


# Training


def optimisers(net: Net) -> list[torch.optim.Optimizer]:
    """Make Muon for the blocks' matrices, AdamW for the rest, as for the pocket model."""
    matrices = [weight for weight in net.blocks.parameters() if weight.ndim == 2]
    chosen = {id(weight) for weight in matrices}
    others = [weight for weight in net.parameters() if id(weight) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=1.0, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=1.0, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def learn(net: Net, both: list[torch.optim.Optimizer], loss: Tensor, rate: float) -> None:
    """Take one step of both optimisers down a loss."""
    for optimiser in both:
        optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    for optimiser, share in zip(both, SHARES, strict=True):
        for group in optimiser.param_groups:
            group["lr"] = rate * share
        optimiser.step()


@dataclass
class Run:
    """A net in training with the average of its last steps, kept in a file."""

    path: Path
    net: Net
    average: Net
    both: list[torch.optim.Optimizer]
    step: int = 0
    began: tuple[int, float] = (0, 0.0)  # the step it went on from, and when

    @staticmethod
    def of(net: Net, path: Path, both: list[torch.optim.Optimizer] | None = None) -> Run:
        """Begin, or go on from the file. both: the net's optimisers, Muon first; a transformer's own unless told."""
        run = Run(path, net, copy.deepcopy(net), both or optimisers(net))
        run.step = load_checkpoint(path, **run.parts)
        run.began = run.step, time.monotonic()
        return run

    @property
    def parts(self) -> dict[str, Any]:
        return {"net": self.net, "average": self.average, **{f"optimiser_{n}": o for n, o in enumerate(self.both)}}

    def learn(self, loss: Tensor, rate: float) -> None:
        """Take one step; every 100 the file is written."""
        learn(self.net, self.both, loss, rate)
        self.step += 1
        follow(self.average, self.net, min(AVERAGE, self.step / (self.step + 9)))
        if self.step % 100 == 0:
            self.save()

    def reports(self, loss: Tensor, steps: int) -> Iterator[dict]:
        """Yield how far it is, each 20 steps and at the last of `steps`."""
        if self.step % 20 == 0 or self.step == steps:
            start, began = self.began
            seconds = (time.monotonic() - began) / (self.step - start)
            yield {"step": self.step, "loss": loss.item(), "seconds_a_step": seconds}

    def end(self) -> None:
        """Write the file, and give the net the average of its last steps."""
        self.save()
        self.net.load_state_dict(self.average.state_dict())

    def save(self) -> None:
        save_checkpoint(self.path, self.step, **self.parts)


def train_video(
    net: Net, teacher: Teacher, folder: Path, stage: Stage, fresh: int, pads: tuple[float, float], seed: int = 2
) -> Iterator[dict]:
    """Train a stage on `stage.clips` clips of `stage.frames` latents; resumes from `folder`/<stage>.pt.

    fresh: clips drawn anew a step. pads: to how many states a prompt is padded, at the first step and at the last: with
    few zeros at first, words are heard sooner. `net` ends as the average of its last steps.
    """
    run = Run.of(net, folder / f"{stage.name}.pt")
    torch.manual_seed(seed + run.step)
    rng, start = np.random.default_rng((seed, run.step)), run.step
    long = stage.frames > CHUNK
    teacher.clear()  # a stage of single pictures leaves clips without an end
    for _ in range(0, 0 if start >= stage.steps else min(teacher.size, FIRST), 8):
        teacher.add(min(teacher.size, 8), rng, long)
    while run.step < stage.steps:
        teacher.add(fresh, rng, long)
        batch = (
            image_batch(teacher.pool, stage.clips, rng)
            if stage.frames == 1
            else clip_batch(teacher.pool, stage.clips, stage.frames // CHUNK, rng)
        )
        share = min(1.0, 1.25 * run.step / stage.steps)
        loss = batch_loss(net, batch, pads[0] * (pads[1] / pads[0]) ** share)
        run.learn(loss, stage.rate * rate_at(run.step, stage.steps, stage.falling, warm=40))
        yield from run.reports(loss, stage.steps)
    run.end()
