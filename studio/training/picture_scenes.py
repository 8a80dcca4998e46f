"""Single pictures of the drawn world, and the noise each is drawn from: what the picture model is trained on.

A model that draws from words in one step cannot choose: told "a fox in a meadow" it gives the mean of all such
pictures, a blur, unless something says where the fox stands. Here the noise does. What a scene is besides its words
(places, sizes, which way subjects look, the background's moment) is fourteen normal numbers, and these are fourteen
coordinates of the noise, along fixed patterns; the rest of it is free. So the noise is normal as ever, and a picture is
a function of it. A subject stands at the crests of the noise's slowest waves, for what moves as the noise does a net of
convolutions sees soon, and a number that is hidden in a channel's mean late, if at all (docs/log.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.training.video_clips import (
    COUNTS,
    GAIT_OF,
    GAITS,
    HEIGHTS,
    LABELS,
    SIDE,
    SIZES,
    World,
    name_subject,
    prompt,
    sprite_number,
)
from studio.world import compositing

CHANNELS, CELLS = 4, SIDE // 8
CODES = 14  # see `patterns`
SWAY = {"walk": (0.02, 0.0), "fly": (0.09, 0.09), "hop": (0.2, 0.0), "swim": (0.05, 0.05)}  # of its gait, up and down
EDGES = (0.15, 0.85)  # where subjects may stand
ALL_SIZES = (0.26, 0.5)
MOMENTS = 16
ALONE, SILENT = 0.06, 0.05  # share of prompts that name the subject and no place; that are empty


@dataclass(frozen=True)
class Scenes:
    """N pictures: setting (N,) in numbers; labels (N, 2), -1 for none; code (N, 14) normal; free (N,) bool.

    A free scene's subjects may be anywhere and of more sizes, as strokes are; others are where their gaits have them.
    """

    setting: np.ndarray
    labels: np.ndarray
    code: Tensor
    free: np.ndarray

    @staticmethod
    def draw(world: World, count: int, rng: np.random.Generator, free: float = 0.5) -> Scenes:
        """Draw scenes, every place equally likely, a share of them `free`."""
        places = list(dict.fromkeys(place for place, _ in world.settings))
        wanted = [places[n] for n in rng.integers(len(places), size=count)]
        setting = [rng.choice([n for n, (place, _) in enumerate(world.settings) if place == one]) for one in wanted]
        subjects = rng.choice(3, size=count, p=COUNTS)
        labels = np.where(np.arange(2) < subjects[:, None], rng.integers(len(LABELS), size=(count, 2)), -1)
        code = torch.from_numpy(rng.standard_normal((count, CODES), dtype=np.float32))
        return Scenes(np.array(setting), labels, code, rng.random(count) < free)

    def elsewhere(self, world: World, rng: np.random.Generator) -> Scenes:
        """Give the same subjects in the same places of other settings."""
        return Scenes(rng.integers(len(world.settings), size=len(self.setting)), self.labels, self.code, self.free)

    def recast(self, rng: np.random.Generator) -> Scenes:
        """Give the same scenes with other subjects in their places, of the same gait unless they are free."""
        labels = self.labels.copy()
        for n, slot in zip(*np.nonzero(labels >= 0)):
            known = LABELS if self.free[n] else GAITS[GAIT_OF[LABELS[labels[n, slot]]]]
            labels[n, slot] = LABELS.index(known[rng.integers(len(known))])
        return Scenes(self.setting, labels, self.code, self.free)

    def places(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give x, y, size in 0..1 and facing (+1 to the left) of the subjects: (N, 2) each."""
        x, y = phase(self.code[:, :8].view(-1, 2, 2, 2)).unbind(-1)
        large, looks = torch.special.ndtr(self.code[:, 8:12]).view(-1, 2, 2).unbind(-1)
        low, high = torch.tensor([[heights(n) for n in row] for row in self.labels]).unbind(-1)
        free = torch.from_numpy(self.free)[:, None]
        y = torch.where(free, between(y, *EDGES), low + (high - low) * y)
        size = torch.where(free, between(large, *ALL_SIZES), between(large, *SIZES))
        return between(x, *EDGES), y, size, torch.where(looks < 0.5, -1.0, 1.0)

    def film(self, world: World, ground: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Draw the pictures (N, 3, 128, 128) in 0..1 and the subjects' alpha (N, 1, 128, 128).

        ground: pictures to put in the place of the settings' own.
        """
        moment = (phase(self.code[:, 12:]) * MOMENTS).long().clamp_max(MOMENTS - 1).numpy()
        drawn = world.frames(self.setting, moment) if ground is None else ground
        light = torch.tensor([compositing.LIGHT[world.settings[n][1]] for n in self.setting])
        covered = torch.zeros(len(drawn), 1, SIDE, SIDE)
        x, y, size, facing = self.places()
        for slot in range(2):
            numbers = torch.tensor([sprite_number(n) for n in self.labels[:, slot]])
            here = x[:, slot], y[:, slot], size[:, slot], facing[:, slot]
            drawn, alpha = compositing.composite(drawn, numbers, *here, light)
            covered = torch.maximum(covered, alpha)
        return drawn, covered

    def written(self, world: World, rng: np.random.Generator) -> list[str]:
        """Compose a prompt for each; a few name only the subject, as a stroke's label does, or say nothing."""
        texts = [prompt(world, n, labels, rng) for n, labels in zip(self.setting, self.labels)]
        kinds = rng.random(len(texts))
        for n in np.flatnonzero((kinds < ALONE) & (self.labels[:, 0] >= 0)):
            texts[n] = name_subject(LABELS[self.labels[n, 0]], rng)
        return ["" if kind > 1 - SILENT else text for kind, text in zip(kinds, texts)]


def heights(label: int) -> tuple[float, float]:
    """Give how high and how low in the picture a subject's gait has it."""
    gait = GAIT_OF[LABELS[label]]
    (low, high), (up, down) = HEIGHTS[gait], SWAY[gait]
    return low - up, high + down


def phase(pair: Tensor) -> Tensor:
    """Give where in 0..1 a wave of these amounts of cosine and sine (..., 2) has its crest: uniform for normal ones."""
    return (torch.atan2(pair[..., 1], pair[..., 0]) / (2 * torch.pi)) % 1


def between(share: Tensor, low: float, high: float) -> Tensor:
    """Give what is a share of the way from low to high."""
    return low + (high - low) * share


def flat_ground(count: int, rng: np.random.Generator) -> Tensor:
    """Make plain pictures (count, 3, 128, 128): a colour above that goes over into one below."""
    ends = torch.from_numpy(rng.random((count, 3, 2, 1), dtype=np.float32))
    return F.interpolate(ends, size=(SIDE, SIDE), mode="bilinear")


def patterns(height: int = CELLS, width: int = CELLS) -> Tensor:
    """Give the noise's fourteen patterns (14, 4, h, w), each of length 1, each at right angles to all others.

    Each is one wave across or down one channel. In turn: x and y of the first subject and of the second, cosine and
    sine; size and facing of the first and of the second; the background's moment, cosine and sine.
    """
    across, down = (2 * torch.pi * (torch.arange(n) + 0.5) / n for n in (width, height))
    waves = torch.stack([across.cos(), across.sin()])[:, None].expand(-1, height, -1)
    falls = torch.stack([down.cos(), down.sin()])[:, :, None].expand(-1, -1, width)
    made = torch.zeros(CODES, CHANNELS, height, width)
    for slot in range(2):
        made[4 * slot : 4 * slot + 2, 2 * slot], made[4 * slot + 2 : 4 * slot + 4, 2 * slot + 1] = waves, falls
        made[8 + 2 * slot, 2 * slot], made[9 + 2 * slot, 2 * slot + 1] = falls[1], waves[1]
    made[12, 0], made[13, 1] = falls[0], waves[0]
    return made * (2 / (height * width)) ** 0.5


def write_code(noise: Tensor, code: Tensor) -> Tensor:
    """Give noise (N, 4, h, w) whose coordinates along the patterns are a scene's code (N, 14); the rest stays."""
    made = patterns(*noise.shape[-2:])
    return noise + torch.einsum("nk,kchw->nchw", code - read_code(noise), made)


def read_code(noise: Tensor) -> Tensor:
    """Give the code (N, 14) that is in noise (N, 4, h, w)."""
    return torch.einsum("nchw,kchw->nk", noise, patterns(*noise.shape[-2:]))
