"""Tiny random nets for the tests of the causal engine."""

from __future__ import annotations

import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from studio.conditioning import Conditioning
from studio.models.causal_wan import CausalWan

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
