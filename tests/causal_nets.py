"""Tiny random nets for the tests of the causal engine."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor

from studio.conditioning import Conditioning
from studio.controls import InForce, Prompt, Sampling
from studio.models.causal_wan import CausalWan
from studio.schedule import ladder

LATENT = (4, 8, 6)
TRACKS = 3
TEXT = (5, 10)


def tiny(seed: int = 0, chunk: int = 1, prediction: str = "velocity", layers: int = 2) -> CausalWan:
    """A real `WanTransformer3DModel` of two layers with random weights, as a causal model."""
    torch.manual_seed(seed)
    net = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=24, in_channels=LATENT[0] + TRACKS,
        out_channels=LATENT[0], text_dim=TEXT[1], freq_dim=32, ffn_dim=64, num_layers=layers,
    )  # fmt: skip
    for name, weight in net.named_parameters():
        if name.endswith("norm_q.weight") or name.endswith("norm_k.weight"):
            weight.data += torch.randn_like(weight) / 3
    return CausalWan(net, prediction, chunk).eval().requires_grad_(False)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Unit noise, the same for a seed and shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def told(frames: int, seed: int = 0) -> Conditioning:
    """Random conditioning with another text for every frame."""
    return Conditioning(drawn(frames, *TEXT, seed=seed), drawn(frames, TRACKS, *LATENT[1:], seed=seed + 1))


class TinyModel:
    """The model's contract on a tiny net: texts and tracks are random, the same for a text, a frame and the strokes.

    calls: rows of every forward, as (frame, sigma), and how many were written.
    """

    name: str = "tiny"
    size: tuple[int, int] = (64, 48)
    latent: tuple[int, int, int] = LATENT
    weights_id: str = "0" * 12

    def __init__(self, sink: int = 1, window: int = 2, chunk: int = 1, opening: int = 1, prediction: str = "wiener"):
        self.net = tiny(chunk=chunk, prediction=prediction)
        self.sink, self.window, self.chunk, self.opening = sink, window, chunk, opening
        self.calls: list[tuple[list[tuple[int, float]], int]] = []
        self.shift = 2.0

    def ladder(self, rungs: int) -> tuple[float, ...]:
        return ladder(rungs, self.shift)

    def encode_text(self, text: str) -> Tensor:
        return drawn(*TEXT, seed=zlib.crc32(text.encode()))

    def condition(self, in_force, frames, text=None) -> Conditioning:
        text = self.encode_text(in_force.prompt.text) if text is None else text
        tracks = torch.stack([drawn(TRACKS, *LATENT[1:], seed=1000 * len(in_force.strokes) + f % 64) for f in frames])
        return Conditioning(text.expand(len(frames), -1, -1), tracks)

    def denoise(self, x, sigma, cond, positions, cache, write=0, causal=True) -> Tensor:
        self.calls.append((list(zip(positions, sigma, strict=True)), write))
        return self.net(x, sigma, cond, positions, cache, write, causal)

    def new_cache(self):
        return self.net.new_cache(self.sink, self.window, LATENT)

    def new_decoder(self) -> Any:
        raise NotImplementedError("the causal engine's tests look at latents")


def controls(text: str = "a meadow", negative: str = "", **sampling: Any) -> InForce:
    """Controls in force: a prompt and the sampling."""
    return replace(InForce(), prompt=Prompt(text, negative), sampling=Sampling(**sampling))
