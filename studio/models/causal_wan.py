"""Causal Wan: diffusers' `WanTransformer3DModel` run as a causal video model.

The parameters, their names and the checkpoints are diffusers'; the forward is ours: one noise level and one text a
frame, frames that see only what came before, and keys kept BEFORE the rotary embedding (`KVCache`), so that kept
frames can be renumbered when read and a stream never reaches the end of a table.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from einops import rearrange
from torch import Tensor, nn

from studio.conditioning import Conditioning
from studio.kv_cache import KVCache, Pass
from studio.schedule import PREDICTIONS, clean_from

MEMORY = 8  # texts, tuples of noise levels and arrangements of rows kept at a time


class CausalWan(nn.Module):
    """A Wan transformer as a causal denoiser.

    transformer: in_channels = C + K (latent and extra channels), out_channels = C, patch (1, p, q).
    prediction: what its output means, see `schedule.clean_from`. chunk: frames that see each other both ways.
    Outside of training what depends on noise levels or text alone is kept between calls; after changing weights in
    place call `forget`.
    """

    def __init__(self, transformer: WanTransformer3DModel, prediction: str = "velocity", chunk: int = 1) -> None:
        super().__init__()
        if prediction not in PREDICTIONS:
            raise ValueError(f"prediction is {prediction!r}; possible: {', '.join(PREDICTIONS)}")
        if transformer.config["patch_size"][0] != 1:
            raise ValueError(f"patch {transformer.config['patch_size']} spans frames; a causal model needs (1, p, q)")
        self.transformer: Any = transformer  # diffusers' configuration has no types
        self.prediction = prediction
        self.chunk = chunk
        self._remembered: dict[str, list[tuple[Any, Any]]] = {}

    def forward(
        self,
        x: Tensor,
        sigma: Tensor | Sequence[float],
        cond: Conditioning,
        positions: Tensor | Sequence[int],
        cache: KVCache | None = None,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """The clean latents, float32, in the shape of x.

        x (F, C, h, w), sigma (F,) in 0..1, positions (F,) frame numbers. A row sees the kept frames of the cache, the
        rows of lower frame number, itself and its chunk; rows of one frame number are alternatives and do not see each
        other. The first `write` rows are clean, and kept in the cache. causal=False: every row sees every row.
        In training: x (B, F, C, h, w), sigma (B, F), positions (F,) or (B, F), `cond` with the batch in front.
        """
        levels = torch.as_tensor(sigma, dtype=torch.float32, device=x.device)
        output = self.predict(x, levels, cond, positions, cache, write, causal)
        return clean_from(self.prediction, x, levels, output)

    def predict(
        self,
        x: Tensor,
        sigma: Tensor,
        cond: Conditioning,
        positions: Tensor | Sequence[int],
        cache: KVCache | None = None,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """The transformer's own output, see `forward`."""
        if x.ndim == 4:
            batched = Conditioning(cond.text[None], cond.tracks[None])
            return self.predict(x[None], sigma[None], batched, positions, cache, write, causal)[0]
        if cache is not None and len(x) != 1:
            raise ValueError(f"a cache belongs to one stream, got a batch of {len(x)}; call once per stream")
        net, (height, width) = self.transformer, self._grid(x)
        hidden = self._patches(x, cond.tracks)
        levels, final = self._modulations(sigma, hidden.dtype)
        texts = self._texts(cond.text, hidden.dtype)
        context = self._context(positions, (x.shape[1], height, width), cache, write, causal, hidden)
        try:
            for index, block in enumerate(net.blocks):
                hidden = run_block(block, hidden, levels[index], texts[index], context, index)
        except BaseException:
            if cache is not None and write:
                cache.clear()  # half-written: better empty, and rebuilt from the kept latents
            raise
        shift, scale = final.unbind(-2)
        out = net.proj_out(modulated(hidden, shift, scale, net.norm_out.eps))
        _, rows, columns = net.config.patch_size
        return rearrange(out, "b f (h w) (p q c) -> b f c (h p) (w q)", h=height, w=width, p=rows, q=columns)

    def ready(self, dtype: torch.dtype = torch.float32) -> CausalWan:
        """A frozen copy for playing: weights in `dtype`, queries, keys and values projected in one product."""
        copied = CausalWan(copy.deepcopy(self.transformer), self.prediction, self.chunk).eval().requires_grad_(False)
        for name, weight in copied.transformer.named_parameters():
            if "time_" not in name and "scale_shift_table" not in name:  # noise levels: computed once, exactly
                weight.data = weight.data.to(dtype)
        for block in copied.transformer.blocks:
            block.attn1.fuse_projections()
        return copied

    def new_cache(self, sink: int, window: int, latent: tuple[int, int, int]) -> KVCache:
        """An empty cache for frames of a latent size (C, h, w)."""
        height, width = self._grid(torch.empty(latent, device="meta"))
        config, weight = self.transformer.config, self.transformer.proj_out.weight
        inner = config.num_attention_heads * config.attention_head_dim
        return KVCache(config.num_layers, sink, window, height * width, inner, weight.dtype, weight.device)

    def forget(self) -> None:
        """Drops what was computed from the weights: call after changing them in place."""
        self._remembered = {}

    def train(self, mode: bool = True) -> CausalWan:
        """As for any module; what was remembered is dropped."""
        self.forget()
        return super().train(mode)

    def _grid(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of tokens a frame has."""
        _, rows, columns = self.transformer.config.patch_size
        return x.shape[-2] // rows, x.shape[-1] // columns

    def _patches(self, x: Tensor, tracks: Tensor) -> Tensor:
        """(B, F, tokens, width): the patch embedding as one matrix product, faster than a strided convolution."""
        embedding, (_, rows, columns) = self.transformer.patch_embedding, self.transformer.config.patch_size
        pixels = torch.cat([x.to(embedding.weight.dtype), tracks.to(embedding.weight.dtype)], dim=-3)
        patches = rearrange(pixels, "b f c (h p) (w q) -> b f (h w) (c p q)", p=rows, q=columns)
        return F.linear(patches, embedding.weight.flatten(1), embedding.bias)

    def _remember(self, kind: str, key: Any, same: Callable[[Any, Any], bool], make: Callable[[], Any]) -> Any:
        """What `make` gives, kept for the last few keys; made anew in training and wherever gradients flow."""
        if self.training or torch.is_grad_enabled():
            return make()
        entries = self._remembered.get(kind, [])
        for known, value in entries:
            if same(known, key):
                return value
        value = make()
        self._remembered[kind] = [(key, value), *entries[:MEMORY]]
        return value

    def _modulations(self, sigma: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        key = (tuple(sigma.flatten().tolist()), dtype) if not torch.is_grad_enabled() else None
        return self._remember("levels", key, eq, lambda: modulations(self.transformer, sigma, dtype))

    def _texts(self, text: Tensor, dtype: torch.dtype) -> list[TextKeys]:
        playing = not (self.training or torch.is_grad_enabled())
        if playing and bool((text == text[:1, :1]).all()):
            text = text[:1, :1]
        return self._remember("text", text, same_text, lambda: text_keys(self.transformer, text.to(dtype), playing))

    def _context(
        self,
        positions: Tensor | Sequence[int],
        shape: tuple[int, int, int],
        cache: KVCache | None,
        write: int,
        causal: bool,
        like: Tensor,
    ) -> Context:
        """Where the rows stand and what they see."""
        frames, height, width = shape
        head = self.transformer.config.attention_head_dim
        if cache is None:
            places = torch.atleast_2d(torch.as_tensor(positions, device=like.device))
            rotation = rotary(places, height, width, head)
            order = places[0].tolist() if len(places) == 1 else list(range(frames))
            seen = sees(range(frames), order, self.chunk) if causal else None
            return Context(rotation, rotation, block_bias(seen, height * width, like), None, None)
        view = cache.begin([int(frame) for frame in positions], write)
        seen = sees(view.rows, view.frames, self.chunk) if causal else None

        def make() -> tuple[Tensor, Tensor, Tensor | None]:
            keys = rotary(torch.tensor([view.ranks], device=like.device), height, width, head)
            rows = keys.view(1, len(view.ranks), height * width, 1, -1)[:, list(view.rows)].flatten(1, 2)
            return rows, keys, block_bias(seen, height * width, like)

        key = (view.rows, view.ranks, seen, height, width, like.dtype, like.device)
        rows, keys, bias = self._remember("places", key, eq, make)
        return Context(rows, keys, bias, cache, view)


@dataclass(frozen=True)
class Context:
    """What self-attention is told, the same for all blocks.

    queries, keys: rotations (B or 1, tokens, 1, head/2) of the rows, and of the kept frames and the rows;
    bias: (queries, keys), or None where all is seen; cache, view: where keys and values are stored, or None.
    """

    queries: Tensor
    keys: Tensor
    bias: Tensor | None
    cache: KVCache | None
    view: Pass | None


def same_text(known: Tensor, text: Tensor) -> bool:
    """Whether two texts are the same, token state for token state."""
    return known is text or (known.shape == text.shape and torch.equal(known, text))


def modulations(net: Any, sigma: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The shifts, scales and gates of every block (layers, B, F, 1, 6, width) and of the output (B, F, 1, 2, width)."""
    embedder = net.condition_embedder
    wave = embedder.timesteps_proj(1000 * sigma.float().flatten())
    time = embedder.time_embedder(wave.to(embedder.time_embedder.linear_1.weight.dtype))
    step = embedder.time_proj(F.silu(time)).unflatten(-1, (6, -1)).unflatten(0, sigma.shape).unsqueeze(-3)
    tables = torch.stack([block.scale_shift_table for block in net.blocks])
    levels = tables[:, None, None] + step.float()
    final = net.scale_shift_table + time.float().unflatten(0, sigma.shape)[:, :, None, None]
    return levels.to(dtype), final.to(dtype)


@dataclass(frozen=True)
class TextKeys:
    """What one block's cross-attention sees of the texts of G rows (or of 1, when all are told the same).

    keys, values: (G, L, heads, head). Or folded, for short texts: keys (G, width, heads·L), scaled, and values that are
    already projected out, (G, heads·L, width): two products instead of four, and no rearranging.
    """

    keys: Tensor
    values: Tensor
    folded: bool = False


def text_keys(net: Any, text: Tensor, fold: bool) -> list[TextKeys]:
    """Every block's view of text (B, F, L, D), B·F rows; folded where asked for and worth it."""
    states = net.condition_embedder.text_embedder(text).flatten(0, 1)
    seen = []
    for block in net.blocks:
        attn = block.attn2
        keys = root_normed(attn.to_k(states), attn.norm_k).unflatten(-1, (attn.heads, -1))
        values = attn.to_v(states).unflatten(-1, (attn.heads, -1))
        short = attn.heads * states.shape[1] <= states.shape[2]
        seen.append(folded(attn, keys, values) if fold and short else TextKeys(keys, values))
    return seen


def folded(attn: Any, keys: Tensor, values: Tensor) -> TextKeys:
    """Keys and values (G, L, heads, head) as two matrices, each head's numbers in its own place and zeros elsewhere."""
    own = torch.eye(attn.heads, dtype=keys.dtype, device=keys.device)[:, None, :, None]
    keys, values = (
        (part.transpose(1, 2)[:, :, :, None] * own).flatten(3).flatten(1, 2)
        for part in (keys * keys.shape[-1] ** -0.5, values)
    )
    return TextKeys(keys.transpose(1, 2).contiguous(), attn.to_out[0](values) - attn.to_out[0].bias, folded=True)


def run_block(block: Any, hidden: Tensor, level: Tensor, text: TextKeys, context: Context, index: int) -> Tensor:
    """One transformer block: hidden (B, F, tokens, width), level (B, F, 1, 6, width)."""
    shift, scale, gate, late_shift, late_scale, late_gate = level.unbind(-2)
    seen = self_attention(block.attn1, modulated(hidden, shift, scale, block.norm1.eps), context, index)
    hidden = torch.addcmul(hidden, seen, gate)
    hidden = hidden + cross_attention(block.attn2, normed(hidden, block.norm2), text)
    late = feed_forward(block.ffn.net, modulated(hidden, late_shift, late_scale, block.norm3.eps))
    return torch.addcmul(hidden, late, late_gate)


def self_attention(attn: Any, x: Tensor, context: Context, index: int) -> Tensor:
    """The rows' tokens look at the kept frames' and each other's: x (B, F, tokens, width)."""
    flat = x.flatten(1, 2)
    if getattr(attn, "fused_projections", False):
        query, key, value = attn.to_qkv(flat).chunk(3, dim=-1)
    else:
        query, key, value = attn.to_q(flat), attn.to_k(flat), attn.to_v(flat)
    query, key = root_normed(query, attn.norm_q), root_normed(key, attn.norm_k)
    if context.cache is not None and context.view is not None:
        key, value = (part[None] for part in context.cache.put(index, context.view, key[0], value[0]))
    query, key = rotated(query, context.queries, attn.heads), rotated(key, context.keys, attn.heads)
    out = attend(query, key, value.unflatten(-1, (attn.heads, -1)), context.bias)
    return attn.to_out[0](out.flatten(2)).view(x.shape)


def cross_attention(attn: Any, x: Tensor, text: TextKeys) -> Tensor:
    """Each row's tokens look at its own text: x (B, F, tokens, width)."""
    query = root_normed(attn.to_q(x), attn.norm_q).view(len(text.keys), -1, x.shape[-1])
    if text.folded:
        weights = torch.bmm(query, text.keys).unflatten(-1, (attn.heads, -1)).softmax(-1).flatten(2)
        return torch.baddbmm(attn.to_out[0].bias, weights, text.values).view(x.shape)
    out = attend(query.unflatten(-1, (attn.heads, -1)), text.keys, text.values, None)
    return attn.to_out[0](out.flatten(2)).view(x.shape)


def feed_forward(net: Any, x: Tensor) -> Tensor:
    """The two-layer network; in bfloat16 on a CPU with the exact GELU.

    There the tanh form is five times as slow, and the two differ by 5e-4, less than bfloat16's own rounding.
    """
    inner = net[0].proj(x)
    return net[2](F.gelu(inner, approximate="none" if plain(inner) else "tanh"))


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Attention in the layout (batch, tokens, heads, head width); bias is added to the scores, (queries, keys)."""
    query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    if not plain(query):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias).transpose(1, 2)
    # The fused kernel gains nothing from bfloat16 on CPUs without AMX; plain products are 2.8x as fast (measured).
    size, scale = query.shape[:2], query.shape[-1] ** -0.5
    query, key, value = (part.contiguous().flatten(0, 1) for part in (query, key, value))
    if bias is None:
        scores = torch.bmm(query * scale, key.transpose(1, 2))
    else:
        scores = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=scale)
    return torch.bmm(scores.softmax(-1), value).unflatten(0, size).transpose(1, 2)


def plain(x: Tensor) -> bool:
    """Whether x is bfloat16 on a CPU, where torch's fused kernels are slower than what they fuse."""
    return x.device.type == "cpu" and x.dtype == torch.bfloat16


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
    """The rotations of tokens in time, height and width: positions (B, F) -> complex64 (B, F·tokens, 1, head/2).

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
    """x (B, T, width) in heads, rotated: (B, T, heads, head); neighbours in a head are one complex number."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (heads, -1, 2)))
    return torch.view_as_real(pairs * rotation).flatten(-2).to(x.dtype)


def sees(rows: Sequence[int], frames: Sequence[int], chunk: int) -> tuple[tuple[bool, ...], ...]:
    """Which keys each row sees. frames: the frame number of every key; rows: which key is the row's own.

    A row sees earlier frames and its own chunk: itself and the rows around it, `chunk` at a time. Of rows of one frame
    number only the first is seen by later frames.
    """
    main = [frame not in frames[:key] for key, frame in enumerate(frames)]
    seen = []
    for start in range(0, len(rows), chunk):
        together = rows[start : start + chunk]
        first = min(frames[row] for row in together)
        earlier = [main[key] and frame < first for key, frame in enumerate(frames)]
        seen += [tuple(past or key in together for key, past in enumerate(earlier))] * len(together)
    return tuple(seen)


def block_bias(seen: tuple[tuple[bool, ...], ...] | None, tokens: int, like: Tensor) -> Tensor | None:
    """0 where a token may look and -inf where it may not, (rows·tokens, keys·tokens); None where all is seen."""
    if seen is None or all(all(row) for row in seen):
        return None
    hidden = ~torch.tensor(seen).repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)
    return torch.zeros(hidden.shape, dtype=like.dtype).masked_fill(hidden, float("-inf")).to(like.device)
