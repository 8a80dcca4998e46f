"""One block of a causal Wan: self-attention over kept frames and rows, cross-attention to the text, feed-forward."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn
from torch import Tensor

from studio.kv_cache import KVCache, Pass
from studio.models.libraries import Net
from studio.models.wan.norms import is_cpu_bf16, layer_norm, modulate, rms_norm
from studio.models.wan.rope import apply_rope
from studio.models.wan.text_keys import TextKeys


@dataclass(frozen=True)
class Context:
    """What attention looks at, the same for all blocks.

    queries, keys: rotations (B or 1, tokens, 1, head/2, 2) of the rows, and of the kept frames and the rows; bias:
    (queries, keys), or None where all is seen; attention: the backend; places: where in the memory of `cache` the rows'
    tokens go, and view: how much of it is looked at; all three None without a cache. heard: added to the scores of
    cross-attention where words are heard in parts of the picture, (texts, 1, tokens, states).
    """

    queries: Tensor
    keys: Tensor
    bias: Tensor | None
    attention: str | None = None
    places: Tensor | None = None
    cache: KVCache | None = None
    view: Pass | None = None
    heard: Tensor | None = None

    def memory(self, layer: int) -> tuple[Tensor, Tensor] | None:
        """Give the keys and values of a layer in view, to be written in place."""
        return None if self.cache is None or self.view is None else self.cache.memory(layer, self.view)


def run_block(
    block: Net,
    hidden: Tensor,
    level: Tensor,
    text: TextKeys,
    context: Context,
    memory: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """Run one transformer block: hidden (B, F, tokens, width), level (B, F, 1, 6, width), memory: `Context.memory`."""
    shift, scale, gate, late_shift, late_scale, late_gate = level.unbind(-2)
    attended = self_attention(block.attn1, modulate(hidden, shift, scale, block.norm1.eps), context, memory)
    hidden = torch.addcmul(hidden, attended, gate)
    hidden = hidden + cross_attention(
        block.attn2, layer_norm(hidden, block.norm2), text, context.heard, context.attention
    )
    late = feed_forward(block.ffn.net, modulate(hidden, late_shift, late_scale, block.norm3.eps))
    return torch.addcmul(hidden, late, late_gate)


def self_attention(attn: Net, x: Tensor, context: Context, memory: tuple[Tensor, Tensor] | None) -> Tensor:
    """Let the rows' tokens look at the kept frames' and each other's: x (B, F, tokens, width)."""
    flat = x.flatten(1, 2)
    if getattr(attn, "fused_projections", False):
        query, key, value = attn.to_qkv(flat).chunk(3, dim=-1)
    else:
        query, key, value = attn.to_q(flat), attn.to_k(flat), attn.to_v(flat)
    query, key = rms_norm(query, attn.norm_q), rms_norm(key, attn.norm_k)
    if memory is not None and context.places is not None:
        key, value = (
            store.index_copy_(0, context.places, rows[0].to(store.dtype))[None]
            for store, rows in zip(memory, (key, value), strict=True)
        )
    query, key = apply_rope(query, context.queries, attn.heads), apply_rope(key, context.keys, attn.heads)
    out = attend(query, key, value.unflatten(-1, (attn.heads, -1)), context.bias, context.attention)
    return attn.to_out[0](out.flatten(2)).view(x.shape)


def cross_attention(
    attn: Net, x: Tensor, text: TextKeys, heard: Tensor | None = None, attention: str | None = None
) -> Tensor:
    """Let each row's tokens look at its own text: x (B, F, tokens, width); heard: see `Context`."""
    query = rms_norm(attn.to_q(x), attn.norm_q).view(len(text.keys), -1, x.shape[-1])
    if text.folded:
        scores = torch.bmm(query, text.keys).unflatten(-1, (attn.heads, -1))
        scores = scores if heard is None else scores + heard.transpose(1, 2)
        weights = scores.softmax(-1).flatten(2)
        return torch.baddbmm(attn.to_out[0].bias, weights, text.values).view(x.shape)
    query = query.unflatten(-1, (attn.heads, -1))
    out = attend(query, text.keys, text.values, heard, attention)
    if text.picture_keys is not None and text.picture_values is not None:
        out = out + attend(query, text.picture_keys, text.picture_values, None, attention)
    return attn.to_out[0](out.flatten(2)).view(x.shape)


def feed_forward(net: Net, x: Tensor) -> Tensor:
    """Run the two-layer network; in bfloat16 on a CPU with the exact GELU.

    There the tanh form is five times as slow, and the two differ by 5e-4, less than bfloat16's own rounding.
    """
    inner = net[0].proj(x)
    return net[2](F.gelu(inner, approximate="none" if is_cpu_bf16(inner) else "tanh"))


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, backend: str | None = None) -> Tensor:
    """Attend in the layout (batch, tokens, heads, head width).

    bias is added to the scores: (queries, keys), or (batch, 1, queries, keys).

    backend: of diffusers' registry, used where there is no bias: the fast kernels take none.
    """
    if backend is not None and bias is None:
        return dispatch_attention_fn(query, key, value, backend=AttentionBackendName(backend))
    query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    if not is_cpu_bf16(query):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias).transpose(1, 2)
    # The fused kernel gains nothing from bfloat16 on CPUs without AMX; plain products are 2.8x as fast (measured).
    size, scale = query.shape[:2], query.shape[-1] ** -0.5
    query, key, value = (part.contiguous().flatten(0, 1) for part in (query, key, value))
    if bias is None:
        scores = torch.bmm(query * scale, key.transpose(1, 2))
    else:
        bias = bias if bias.ndim == 2 else bias.expand(*size, -1, -1).flatten(0, 1)
        scores = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=scale)
    return torch.bmm(scores.softmax(-1), value).unflatten(0, size).transpose(1, 2)
