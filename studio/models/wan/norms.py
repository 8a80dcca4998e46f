"""Norms and the modulation of a noise level, as Wan's blocks take them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.models.libraries import Net


def modulate(x: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Take the layer norm without weights, then scale and shift it by the noise level's modulation."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=eps), 1 + scale)


def layer_norm(x: Tensor, norm: nn.Module) -> Tensor:
    """Take the norm before cross-attention: a layer norm with weights, or none (Wan's `cross_attn_norm`)."""
    if isinstance(norm, nn.LayerNorm):
        return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return x


def rms_norm(x: Tensor, norm: Net) -> Tensor:
    """Take the RMS norm of queries and keys over all heads, in the dtype of x."""
    return F.rms_norm(x, norm.weight.shape, norm.weight.to(x.dtype), norm.eps)


def modulations(net: Net, sigma: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Give shifts, scales, gates of every block (layers, B, F, 1, 6, width), and the output's (B, F, 1, 2, width)."""
    embedder = net.condition_embedder
    wave = embedder.timesteps_proj(1000 * sigma.float().flatten())
    time = embedder.time_embedder(wave.to(embedder.time_embedder.linear_1.weight.dtype))
    step = embedder.time_proj(F.silu(time)).unflatten(-1, (6, -1)).unflatten(0, sigma.shape).unsqueeze(-3)
    tables = torch.stack([block.scale_shift_table for block in net.blocks])
    levels = tables[:, None, None] + step.float()
    final = net.scale_shift_table + time.float().unflatten(0, sigma.shape)[:, :, None, None]
    return levels.to(dtype), final.to(dtype)


def is_cpu_bf16(x: Tensor) -> bool:
    """Whether x is bfloat16 on a CPU, where torch's fused kernels are slower than what they fuse."""
    return x.device.type == "cpu" and x.dtype == torch.bfloat16
