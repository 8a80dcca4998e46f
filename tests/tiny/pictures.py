"""Image models small enough for the tests: a real `UNet2DConditionModel` with random weights, and a closed form.

Both predict the noise at a variance-preserving level (a, b) of Stable Diffusion's schedule, x_vp = a x0 + b noise.
"""

from __future__ import annotations

import io
import zlib
from functools import cache
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from torch import Tensor

from studio.bench import nets
from studio.bench.nets import WordModel
from studio.conditioning import NOTHING_SET, FrameInputs, Rows
from studio.models.base import Capabilities
from studio.pictures import decoded
from studio.similarity import mean_colours
from tiny.causal import drawn

SIGNAL = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0)
A, B = SIGNAL.sqrt().tolist(), (1 - SIGNAL).sqrt().tolist()
TEXT = (5, 16)


def timesteps(steps: int, strength: float = 1.0) -> list[int]:
    """Evenly spaced from the top of `strength` down: 999 for one step; 999 and 499 for two."""
    return [round(1000 * strength * (1 - step / steps)) - 1 for step in range(steps)]


def sigma_of(t: int) -> float:
    return B[t] / (A[t] + B[t])


T_OF = {sigma_of(t): t for t in range(1000)}


@cache
def tiny_unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return nets.unet(nets.unet_shape(TEXT[1], heads=2))


def unet(x: Tensor, t: list[int], text: Tensor) -> Tensor:
    """The noise (F, C, h, w) that the tiny UNet predicts."""
    return tiny_unet()(x, torch.tensor(t), text).sample


def closed_form(x: Tensor, t: list[int], text: Tensor) -> Tensor:
    """Noise by a formula: bounded, different in every cell, and moved by level and words."""
    level = torch.tensor(t)[:, None, None, None] / 1000
    words = text.mean((1, 2))[:, None, None, None]
    return 0.8 * torch.tanh(x) + 0.2 * torch.sin(3 * x.flip(-1) + level + 2 * words)


class PictureModel(WordModel):
    """The contract of a model that draws frames alone.

    calls: of every forward the (frame, timestep) of its rows; inputs: what the net was given, (F, 4, h, w); encoded,
    read: the pictures and the texts that were encoded.
    """

    name = "still"
    weights_id = "5" * 12

    def __init__(self, net: Any = closed_form, side: int = 8, **able: Any) -> None:
        """able: of `Capabilities`."""
        own = {"independent": True, "takes_pictures": True}
        super().__init__(Capabilities((8 * side, 8 * side), (4, side, side), **own | able), self._encode_text)
        self.net = net
        self.calls: list[list[tuple[int, int]]] = []
        self.inputs: list[Tensor] = []
        self.encoded: list[bytes] = []
        self.read: list[str] = []

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        if steps > 8:
            raise ValueError("it has 8 steps; send 1 to 8")
        return tuple(sigma_of(t) for t in timesteps(steps, strength))

    def levels(self, steps: int, strength: float) -> list[tuple[int, float, float]]:
        """The sigmas in the paper's terms: (t, a, b)."""
        return [(t, A[t], B[t]) for t in timesteps(steps, strength)]

    def _encode_text(self, text: str) -> Tensor:
        self.read.append(text)
        return drawn(*TEXT, seed=zlib.crc32(text.encode()))

    def denoise(self, rows: Rows, cache: Any = None, write: int = 0, causal: bool = True) -> Tensor:
        assert cache is None
        assert write == 0
        t = [T_OF[level] for level in rows.sigma]
        self.calls.append(list(zip(rows.frames, t, strict=True)))
        a, b = (torch.tensor([table[level] for level in t])[:, None, None, None] for table in (A, B))
        x_vp = rows.x * (a + b)
        self.inputs.append(x_vp)
        return (x_vp - b * self.net(x_vp, t, rows.cond.text)) / a

    def encode_picture(self, picture: Any) -> Tensor:
        self.encoded.append(picture)
        whole = picture if isinstance(picture, np.ndarray) else decoded(picture, self.size)
        colours = mean_colours(whole, self.latent[1:])
        return torch.cat([colours, colours.mean(0, keepdim=True)]) * 2 - 1

    def new_decoder(self) -> PictureDecoder:
        return PictureDecoder()


class PictureDecoder:
    """Latents (F, 4, h, w) to pictures (8h, 8w, 3): the first three channels, every cell eight pixels wide."""

    def decode(self, latents: Tensor, inputs: FrameInputs = NOTHING_SET) -> list[np.ndarray]:
        pixels = (latents[:, :3].clamp(-1, 1) * 127.5 + 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
        return list(pixels.repeat_interleave(8, 1).repeat_interleave(8, 2).numpy())

    def snapshot(self) -> None:
        return None

    def restore(self, state: None) -> None:
        assert state is None


def png(picture: np.ndarray) -> bytes:
    """uint8 (H, W, 3) as PNG."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@cache
def flat(level: int, side: int = 64) -> bytes:
    """A picture of one grey."""
    return png(np.full((side, side, 3), level, np.uint8))


@cache
def half(seed: int, other: int, side: int = 64) -> bytes:
    """The picture of one seed, its lower right quarter of another: a part has changed."""
    one, two = (np.random.default_rng(each).integers(0, 256, (side, side, 3), np.uint8) for each in (seed, other))
    one[side // 2 :, side // 2 :] = two[side // 2 :, side // 2 :]
    return png(one)


@cache
def noisy(seed: int, side: int = 64) -> bytes:
    """A picture of random colours, the same for a seed."""
    return png(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))
