"""A model small enough for the tests: a real causal Wan with random weights, 32x32 pictures, milliseconds a frame."""

import hashlib
from functools import cache

import numpy as np
import pytest
import torch

from studio.conditioning import Conditioning
from studio.controls import Prompt, strokes
from studio.models.wan.causal_wan import CausalWan
from studio.schedule import sigmas
from studio.trajectory import placements


def fixed(words, shape):
    """Numbers that depend on nothing but the words."""
    seed = int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "little")
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@cache
def tiny_net():
    """Two layers over 4 tokens a frame; the same weights in every process."""
    from diffusers import WanTransformer3DModel

    net = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=24,
        in_channels=6,
        out_channels=4,
        text_dim=8,
        freq_dim=32,
        ffn_dim=64,
        num_layers=2,
    )
    for name, weight in net.named_parameters():
        if weight.ndim > 1:
            weight.data = fixed(name, weight.shape) * weight[0].numel() ** -0.5
        elif "norm" not in name:
            weight.data.zero_()
    return CausalWan(net, "wiener").ready()


class TinyDecoder:
    """Latents (F, 4, 4, 4) to pictures (32, 32, 3): a fixed mixture of channels, every cell eight pixels wide."""

    def __init__(self):
        self.mixture = fixed("decoder", (3, 4))

    def decode(self, latents):
        pictures = torch.sigmoid(torch.einsum("dc,fchw->fhwd", self.mixture, latents.float()))
        return list((pictures.repeat_interleave(8, 1).repeat_interleave(8, 2) * 255).to(torch.uint8).numpy())

    def snapshot(self):
        return None

    def restore(self, state):
        assert state is None


class TinyModel:
    """The model's contract (docs/architecture.md), hearing prompt, seed and strokes."""

    name = "tiny"
    size = (32, 32)
    latent = (4, 4, 4)
    chunk = 1
    sink, window = 1, 3
    weights_id = "0123456789ab"

    def sigmas(self, steps):
        return sigmas(steps)

    def encode_text(self, text):
        return fixed(text, (2, 8))

    def condition(self, state, frames, text=None):
        text = self.encode_text(state[Prompt].text) if text is None else text
        tracks = torch.stack([self.track(state, frame) for frame in frames])
        return Conditioning(text.expand(len(frames), -1, -1), tracks)

    def track(self, state, frame):
        cells = (torch.arange(4) + 0.5) / 4
        track = torch.zeros(2, 4, 4)
        for placed in placements(strokes(state), int(frame)):
            near = torch.exp(-8 * ((cells[None] - placed.x) ** 2 + (cells[:, None] - placed.y) ** 2))
            track += near * fixed(placed.label, (2, 1, 1)) * placed.facing
        return track

    def denoise(self, x, sigma, cond, positions, cache, write=0, causal=True):
        return tiny_net()(x, sigma, cond, positions, cache, write, causal)

    def new_cache(self):
        return tiny_net().new_cache(self.sink, self.window, self.latent)

    def new_decoder(self):
        return TinyDecoder()


@pytest.fixture
def model():
    return TinyModel()
