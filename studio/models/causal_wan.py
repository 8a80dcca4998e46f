"""Causal Wan: diffusers' `WanTransformer3DModel` run as a causal video model.

The parameters, their names and the checkpoints are diffusers'; the forward is ours: one noise level and one text a
frame, frames that see only what came before, and keys kept BEFORE the rotary embedding (`KVCache`), so that kept
frames can be renumbered when read and a stream never reaches the end of a table.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import WanTransformer3DModel
from einops import rearrange
from torch import Tensor, nn

from studio.conditioning import Conditioning
from studio.schedule import PREDICTIONS, clean_from


class CausalWan(nn.Module):
    """A Wan transformer as a causal denoiser.

    transformer: in_channels = C + K (latent and extra channels), out_channels = C, patch (1, p, q).
    prediction: what its output means, see `schedule.clean_from`. chunk: frames that see each other both ways.
    """

    def __init__(self, transformer: WanTransformer3DModel, prediction: str = "velocity", chunk: int = 1) -> None:
        super().__init__()
        if prediction not in PREDICTIONS:
            raise ValueError(f"prediction is {prediction!r}; possible: {', '.join(PREDICTIONS)}")
        if transformer.config.patch_size[0] != 1:
            raise ValueError(f"patch size {transformer.config.patch_size} spans frames; a causal model needs (1, p, q)")
        self.transformer = transformer
        self.prediction = prediction
        self.chunk = chunk

    def forward(self, x: Tensor, sigma: Tensor, cond: Conditioning, positions: Tensor) -> Tensor:
        """The clean latents, float32, in the shape of x.

        x (B, F, C, h, w), sigma (B, F) in 0..1, cond.text (B, F, L, D), cond.tracks (B, F, K, h, w),
        positions (F,) or (B, F): frame numbers; frames are one block-causal sequence in the order given.
        """
        return clean_from(self.prediction, x, sigma, self.predict(x, sigma, cond, positions))

    def predict(self, x: Tensor, sigma: Tensor, cond: Conditioning, positions: Tensor) -> Tensor:
        """The transformer's own output, see `forward`."""
        net, (height, width) = self.transformer, self._grid(x)
        hidden = self._patches(x, cond.tracks)
        levels, final = modulations(net, sigma, hidden.dtype)
        text = net.condition_embedder.text_embedder(cond.text.to(hidden.dtype))
        rotation = rotary(torch.atleast_2d(positions), height, width, net.config.attention_head_dim)
        bias = block_bias(x.shape[1], hidden.shape[2], self.chunk, hidden)
        for block, level in zip(net.blocks, levels, strict=True):
            hidden = run_block(block, hidden, level, rotation, bias, text)
        shift, scale = final.unbind(-2)
        out = net.proj_out(modulated(hidden, shift, scale, net.norm_out.eps))
        _, rows, columns = net.config.patch_size
        return rearrange(out, "b f (h w) (p q c) -> b f c (h p) (w q)", h=height, w=width, p=rows, q=columns)

    def _grid(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of tokens a frame has."""
        _, rows, columns = self.transformer.config.patch_size
        return x.shape[-2] // rows, x.shape[-1] // columns

    def _patches(self, x: Tensor, tracks: Tensor) -> Tensor:
        """(B, F, tokens, width): the patch embedding as one matrix product, faster than a strided convolution."""
        embedding, (_, rows, columns) = self.transformer.patch_embedding, self.transformer.config.patch_size
        pixels = torch.cat([x, tracks.to(x.dtype)], dim=-3).to(embedding.weight.dtype)
        patches = rearrange(pixels, "b f c (h p) (w q) -> b f (h w) (c p q)", p=rows, q=columns)
        return F.linear(patches, embedding.weight.flatten(1), embedding.bias)


def modulations(net: WanTransformer3DModel, sigma: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The shifts, scales and gates of every block (layers, B, F, 1, 6, width) and of the output (B, F, 1, 2, width)."""
    embedder = net.condition_embedder
    wave = embedder.timesteps_proj(1000 * sigma.float().flatten())
    time = embedder.time_embedder(wave.to(embedder.time_embedder.linear_1.weight.dtype))
    step = embedder.time_proj(F.silu(time)).unflatten(-1, (6, -1)).unflatten(0, sigma.shape).unsqueeze(-3)
    tables = torch.stack([block.scale_shift_table for block in net.blocks])
    levels = tables[:, None, None] + step.float()
    final = net.scale_shift_table + time.float().unflatten(0, sigma.shape)[:, :, None, None]
    return levels.to(dtype), final.to(dtype)


def run_block(
    block: Any, hidden: Tensor, level: Tensor, rotation: Tensor, bias: Tensor | None, text: Tensor
) -> Tensor:
    """One transformer block: hidden (B, F, tokens, width), level (B, F, 1, 6, width), text (B, F, L, width)."""
    shift, scale, gate, late_shift, late_scale, late_gate = level.unbind(-2)
    seen = self_attention(block.attn1, modulated(hidden, shift, scale, block.norm1.eps), rotation, bias)
    hidden = torch.addcmul(hidden, seen, gate)
    hidden = hidden + cross_attention(block.attn2, normed(hidden, block.norm2), text)
    return torch.addcmul(hidden, block.ffn(modulated(hidden, late_shift, late_scale, block.norm3.eps)), late_gate)


def self_attention(attn: Any, x: Tensor, rotation: Tensor, bias: Tensor | None) -> Tensor:
    """Attention over all tokens of all frames: x (B, F, tokens, width), rotation (B or 1, F·tokens, 1, head/2)."""
    batch, frames, tokens, _ = x.shape
    x = x.flatten(1, 2)
    query = rotated(root_normed(attn.to_q(x), attn.norm_q), rotation, attn.heads)
    key = rotated(root_normed(attn.to_k(x), attn.norm_k), rotation, attn.heads)
    value = attn.to_v(x).unflatten(-1, (attn.heads, -1))
    out = attend(query, key, value, bias).flatten(2)
    return attn.to_out[0](out).view(batch, frames, tokens, -1)


def cross_attention(attn: Any, x: Tensor, text: Tensor) -> Tensor:
    """Each frame's tokens look at its own text: x (B, F, tokens, width), text (B, F, L, width)."""
    query = root_normed(attn.to_q(x), attn.norm_q).flatten(0, 1).unflatten(-1, (attn.heads, -1))
    key = root_normed(attn.to_k(text), attn.norm_k).flatten(0, 1).unflatten(-1, (attn.heads, -1))
    value = attn.to_v(text).flatten(0, 1).unflatten(-1, (attn.heads, -1))
    return attn.to_out[0](attend(query, key, value, None).flatten(2)).view(x.shape)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Attention in the layout (batch, tokens, heads, head width); bias is added to the scores, (queries, keys)."""
    query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    if query.device.type == "cpu" and query.dtype == torch.bfloat16:
        # The fused kernel gains nothing from bfloat16 on CPUs without AMX; plain products are 2.6x as fast (measured).
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        weights = (scores if bias is None else scores + bias).softmax(-1)
        return (weights @ value).transpose(1, 2)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias).transpose(1, 2)


def modulated(x: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Layer norm without weights, then scaled and shifted by the noise level's modulation."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=eps), 1 + scale)


def normed(x: Tensor, norm: nn.Module) -> Tensor:
    """The norm before cross-attention: a layer norm with weights, or none (Wan's `cross_attn_norm`)."""
    if isinstance(norm, nn.LayerNorm):
        return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return x


def root_normed(x: Tensor, norm: Any) -> Tensor:
    """The RMS norm of queries and keys over all heads, in the dtype of x."""
    return F.rms_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), norm.eps)


def rotary(positions: Tensor, height: int, width: int, head: int) -> Tensor:
    """Rotations exp(i angle) of tokens in time, height and width: positions (B, F) -> complex64 (B, F·tokens, 1, head/2).

    Wan's split: 2·(head // 6) numbers each for height and width, the rest for time; theta 10000.
    """
    side = 2 * (head // 6)
    sizes = (head - 2 * side, side, side)
    time, row, column = (
        10000.0 ** -(torch.arange(0, size, 2, dtype=torch.float64, device=positions.device) / size) for size in sizes
    )
    batch, frames = positions.shape
    shape = (batch, frames, height, width, -1)
    angles = torch.cat(
        [
            (positions.double()[:, :, None, None, None] * time).expand(shape),
            (torch.arange(height, device=positions.device)[:, None, None] * row).expand(shape),
            (torch.arange(width, device=positions.device)[:, None] * column).expand(shape),
        ],
        dim=-1,
    )
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex64).flatten(1, 3).unsqueeze(2)


def rotated(x: Tensor, rotation: Tensor, heads: int) -> Tensor:
    """x (B, T, width) split into heads and rotated, (B, T, heads, head): neighbours in a head are one complex number."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (heads, -1, 2)))
    return torch.view_as_real(pairs * rotation).flatten(-2).to(x.dtype)


def block_bias(frames: int, tokens: int, chunk: int, like: Tensor) -> Tensor | None:
    """0 where a token may look and -inf where it may not: chunks see themselves and earlier ones, (F·tokens, F·tokens)."""
    if frames <= chunk:
        return None
    order = torch.arange(frames, device=like.device).div(chunk, rounding_mode="floor").repeat_interleave(tokens)
    hidden = order[:, None] < order
    return torch.zeros(hidden.shape, dtype=like.dtype, device=like.device).masked_fill(hidden, float("-inf"))
