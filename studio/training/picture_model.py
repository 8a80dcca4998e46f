"""The picture model: a small Stable Diffusion of the drawn world, a UNet2DConditionModel for one to four steps.

It stands in for SD-Turbo and the like where those cannot be loaded. It predicts the velocity at the fifty levels of
latent consistency models. At the highest it is given noise alone and taught the very picture that is written into it
(`picture_scenes`): so one step draws whole pictures without a teacher to distil. Below, it is taught to redraw: true
pictures noised, and rough ones, whose place, colours or subjects are not what the words say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.models.image.checkpoint import cumulative_alphas, read_net, read_tokenizer
from studio.models.image.noise_levels import LCM_STEPS, Levels
from studio.models.image.text import read_prompt
from studio.models.libraries import Net
from studio.training.diffusion import Stage, rate_at
from studio.training.picture_codec import PictureAutoencoder
from studio.training.picture_scenes import CELLS, CHANNELS, CODES, Scenes, flat_ground, write_code
from studio.training.picture_text import SHAPE as TEXT_SHAPE
from studio.training.video_clips import World
from studio.training.video_student import Run

SHAPE: dict[str, Any] = dict(
    sample_size=CELLS, block_out_channels=(64, 128, 128), layers_per_block=1,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    cross_attention_dim=TEXT_SHAPE["hidden_size"], attention_head_dim=2, norm_num_groups=16, use_linear_projection=True,
)  # fmt: skip
SCHEDULER: dict[str, Any] = dict(
    _class_name="LCMScheduler", beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
    prediction_type="v_prediction", original_inference_steps=LCM_STEPS, steps_offset=1,
)  # fmt: skip
SUBJECT_WEIGHT = 3.0
FROM_WORDS = 0.4  # share of a batch that is drawn from noise alone
ROUGH = 0.35  # share of what is redrawn that is rough, where the noise is above level LOW
OWN = 0.2  # share of what is redrawn that the model itself drew in one step, in a stage of own pictures
LOW, LOWEST = 14, 3  # of the fifty levels: rough pictures, all pictures
POOL, FIRST = 4000, 512  # scenes that batches are drawn from, and how many of them before the first step


def new_unet(shape: dict[str, Any] = SHAPE, seed: int = 0) -> Net:
    """Make an untrained UNet, with plain attention: torch's fused one is slow to go back on a CPU."""
    from diffusers.models.attention_processor import AttnProcessor
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    torch.manual_seed(seed)
    net: Net = UNet2DConditionModel(**shape)
    net.set_attn_processor(AttnProcessor())
    return net.to(memory_format=torch.channels_last)


def picture_levels() -> Levels:
    """Give the noise levels of the model, as the studio and diffusers read them from its scheduler."""
    return Levels(cumulative_alphas("LCMScheduler", SCHEDULER, Path("picture")), "v_prediction", LCM_STEPS)


# What is learned from


@dataclass
class Pool:
    """Scenes as latents: clean and rough (P, 4, h, w), weight (P, 1, h, w) of cells, words (P, 77, D), code (P, 14).

    free (P,) bool: what may not be asked of words alone. filled: how many there are; next: which is replaced next.
    """

    clean: Tensor
    rough: Tensor
    weight: Tensor
    words: Tensor
    code: Tensor
    free: Tensor
    filled: int = 0
    next: int = 0

    @staticmethod
    def empty(size: int) -> Pool:
        def half(*shape: int) -> Tensor:
            return torch.zeros(size, *shape, dtype=torch.float16)

        cells = (CELLS, CELLS)
        words, code, free = half(77, TEXT_SHAPE["hidden_size"]), torch.zeros(size, CODES), torch.zeros(size).bool()
        return Pool(half(CHANNELS, *cells), half(CHANNELS, *cells), half(1, *cells), words, code, free)


class PictureTeacher:
    """Draws scenes of the world and encodes them, and reads prompts as the player does."""

    def __init__(self, world: World, codec: PictureAutoencoder, texts: Path, size: int = POOL) -> None:
        from transformers import CLIPTextModel

        self.world, self.codec, self.pool = world, codec.eval(), Pool.empty(size)
        self.encoder: Net = read_net(CLIPTextModel, texts / "text_encoder", torch.float32)
        self.tokenizer = read_tokenizer(texts / "tokenizer", self.encoder.config.vocab_size)

    @torch.no_grad()
    def encode(self, pictures: Tensor) -> Tensor:
        """Encode pictures (N, 3, 128, 128) in 0..1 as latents (N, 4, 16, 16)."""
        with torch.autocast("cpu", torch.bfloat16):
            return self.codec.encode(pictures[:, None])[:, 0].float()

    @torch.no_grad()
    def read(self, texts: list[str]) -> Tensor:
        """Give the states (N, 77, D) of prompts."""
        return torch.stack([read_prompt(self.tokenizer, self.encoder, text, 0)[0] for text in texts])

    def rough(self, scenes: Scenes, rng: np.random.Generator) -> Tensor:
        """Draw the scenes as something to be redrawn: in another place, on plain colour or with other subjects."""
        kind = int(rng.integers(3))
        if kind == 2:
            return scenes.recast(rng).film(self.world)[0]
        return (
            scenes.elsewhere(self.world, rng).film(self.world)[0]
            if kind
            else scenes.film(self.world, flat_ground(len(scenes.setting), rng))[0]
        )

    def add(self, count: int, rng: np.random.Generator) -> None:
        """Draw new scenes in place of the oldest."""
        scenes, pool = Scenes.draw(self.world, count, rng), self.pool
        rows = (pool.next + np.arange(count)) % len(pool.clean)
        pictures, covered = scenes.film(self.world)
        pool.clean[rows], pool.rough[rows] = (self.encode(made).half() for made in (pictures, self.rough(scenes, rng)))
        pool.weight[rows] = (1 + (SUBJECT_WEIGHT - 1) * (F.max_pool2d(covered, 8) > 0.3)).half()
        pool.words[rows] = self.read(scenes.written(self.world, rng)).half()
        pool.code[rows], pool.free[rows] = scenes.code, torch.from_numpy(scenes.free)
        pool.filled = min(len(pool.clean), max(pool.filled, pool.next + count))
        pool.next = (pool.next + count) % len(pool.clean)


# Batches


@dataclass
class Batch:
    """Clean latents (B, 4, h, w), what is noised in their place, cells' weights, words, noise; timesteps (B,)."""

    clean: Tensor
    signal: Tensor
    weight: Tensor
    words: Tensor
    noise: Tensor
    t: Tensor


def draw_batch(pool: Pool, count: int, rng: np.random.Generator) -> Batch:
    """Draw a batch: a share from noise alone, at the highest level, the rest at others from pictures true and rough."""
    alone = round(count * FROM_WORDS)
    bound = np.flatnonzero(~pool.free[: pool.filled].numpy())
    rows = np.concatenate([rng.choice(bound, alone), rng.integers(pool.filled, size=count - alone)])
    level = rng.integers(LOWEST, LCM_STEPS - 1, size=count)
    level[:alone] = LCM_STEPS - 1
    rough = torch.from_numpy((rng.random(count) < ROUGH) & (level >= LOW))[:, None, None, None]
    noise = torch.randn(count, CHANNELS, CELLS, CELLS)
    noise[:alone] = write_code(noise[:alone], pool.code[rows[:alone]])
    clean, other, weight = (part[rows].float() for part in (pool.clean, pool.rough, pool.weight))
    signal = torch.where(rough, other, clean)
    signal[:alone] = 0
    t = torch.from_numpy((level + 1) * (1000 // LCM_STEPS) - 1)
    return Batch(clean, signal, weight, pool.words[rows].float(), noise, t)


@torch.no_grad()
def own_pictures(net: Net, levels: Levels, pool: Pool, batch: Batch, rng: np.random.Generator) -> None:
    """Put what the model draws from words in one step in the place of some pictures that are to be redrawn."""
    alone = round(len(batch.clean) * FROM_WORDS)
    count = round((len(batch.clean) - alone) * OWN)
    rows = rng.choice(np.flatnonzero(~pool.free[: pool.filled].numpy()), count)
    noise = write_code(torch.randn(count, CHANNELS, CELLS, CELLS), pool.code[rows])
    zeros, t = torch.zeros_like(noise), torch.full((count,), 999)
    first = Batch(pool.clean[rows].float(), zeros, pool.weight[rows].float(), pool.words[rows].float(), noise, t)
    batch.signal[-count:] = guess(net, levels, first)
    for name in ("clean", "weight", "words"):
        getattr(batch, name)[-count:] = getattr(first, name)


def guess(net: Net, levels: Levels, batch: Batch) -> Tensor:
    """Give the clean latents that the net makes of a batch's noised signal, float32."""
    a, b = (part[batch.t][:, None, None, None].float() for part in (levels.a, levels.b))
    x = a * batch.signal + b * batch.noise
    with torch.autocast("cpu", torch.bfloat16):
        ready = x.contiguous(memory_format=torch.channels_last)
        velocity = net(ready, batch.t, encoder_hidden_states=batch.words, return_dict=False)[0]
    return a * x - b * velocity.float()


def batch_loss(net: Net, levels: Levels, batch: Batch) -> tuple[Tensor, Tensor]:
    """Compute the loss, as of the velocity, and the plain squared error of what is drawn from words alone."""
    error = (guess(net, levels, batch) - batch.clean).square()
    told = (error.mean(1, keepdim=True) * batch.weight).mean((1, 2, 3)) / levels.b[batch.t].float().square()
    return told.mean(), error[batch.t == 999].mean().detach()


# Training


def optimisers(net: Net) -> list[torch.optim.Optimizer]:
    """Make Muon for the matrices of attention, AdamW for the rest."""
    matrices = [weight for name, weight in net.named_parameters() if weight.ndim == 2 and "attentions" in name]
    chosen = {id(weight) for weight in matrices}
    others = [weight for weight in net.parameters() if id(weight) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=1.0, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=1.0, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def train_pictures(
    net: Net, teacher: PictureTeacher, folder: Path, stage: Stage, fresh: int, own: bool = False, seed: int = 2
) -> Iterator[dict]:
    """Train a stage on batches of `stage.clips` pictures; resumes from `folder`/<stage>.pt.

    fresh: scenes drawn anew a step; own: whether the model redraws pictures of its own too. `net` ends as the average
    of its last steps.
    """
    run, levels = Run.of(net, folder / f"{stage.name}.pt", optimisers(net)), picture_levels()
    torch.manual_seed(seed + run.step)
    rng, pool = np.random.default_rng((seed, run.step)), teacher.pool
    while run.step < stage.steps and pool.filled < min(len(pool.clean), FIRST):
        teacher.add(min(len(pool.clean), 16), rng)
    while run.step < stage.steps:
        teacher.add(fresh, rng)
        batch = draw_batch(pool, stage.clips, rng)
        if own:
            own_pictures(net, levels, pool, batch, rng)
        loss, blind = batch_loss(net, levels, batch)
        run.learn(loss, stage.rate * rate_at(run.step, stage.steps, stage.falling, warm=40))
        for report in run.reports(loss, stage.steps):
            yield report | {"blind": blind.item()}
    run.end()
