"""Causal Wan: diffusers' `WanTransformer3DModel` run as a causal video model.

The parameters, their names and the checkpoints are diffusers'; the forward is ours: one noise level and one text a
frame, frames that see only what came before, and keys kept BEFORE the rotary embedding (`KVCache`), so that kept
frames can be renumbered when read and a stream never reaches the end of a table.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from einops import rearrange
from torch import Tensor, nn

from studio.conditioning import Conditioning, identity
from studio.kv_cache import CacheSettings, KVCache, Pass, new_kv_cache
from studio.schedule import PREDICTIONS, clean_from

# How many of each are remembered. A text of Wan-1.3B is 94 MB, and while prompts blend there is one a chunk.
MEMORY = {"text": 3, "sigma": 9, "levels": 9, "places": 9}


class CausalWan(nn.Module):
    """A Wan transformer as a causal denoiser.

    transformer: in_channels = C + K (latent and extra channels), out_channels = C, patch (1, p, q).
    prediction: what its output means, see `schedule.clean_from`. chunk: frames that see each other both ways.
    attention: the name of a backend in diffusers' registry for where nothing is hidden; None: torch's own.
    Outside of training what depends on noise levels or text alone is kept between calls; after changing weights in
    place call `forget`. A forward never waits for its device: nothing on an accelerator is looked at.
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
        self.attention: str | None = None
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
        other. The first `write` rows are clean, and kept in the cache. causal=False: rows see later ones too.
        Chunks are counted from the last row back: what does not fill one is the first (Self-Forcing's first frame).
        In training: x (B, F, C, h, w), sigma (B, F), positions (F,) or (B, F), `cond` with the batch in front.
        While playing give sigma and positions as numbers: reading tensors of an accelerator would make it wait.
        """
        output = self.predict(x, sigma, cond, positions, cache, write, causal)
        return clean_from(self.prediction, x, self._levels(sigma, x.device), output)

    def predict(
        self,
        x: Tensor,
        sigma: Tensor | Sequence[float],
        cond: Conditioning,
        positions: Tensor | Sequence[int],
        cache: KVCache | None = None,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """The transformer's own output, see `forward`."""
        if x.ndim == 4:
            x, cond, single = x[None], Conditioning(cond.text[None], cond.tracks[None]), True
        else:
            single = False
        if cache is not None and len(x) != 1:
            raise ValueError(f"a cache belongs to one stream, got a batch of {len(x)}; call once per stream")
        net, (height, width) = self.transformer, self._grid(x)
        hidden = self._patches(x, cond.tracks)
        levels, final = self._modulations(sigma, x.shape[:2], hidden)
        texts = self._texts(cond.text, hidden.dtype)
        context = self._context(positions, (x.shape[1], height, width), cache, write, causal, hidden)
        try:
            out = self.body(hidden, levels, final, texts, context)
        except BaseException:
            if cache is not None and write:
                cache.clear()  # half-written: better empty, and rebuilt from the kept latents
            raise
        _, rows, columns = net.config.patch_size
        out = rearrange(out, "b f (h w) (p q c) -> b f c (h p) (w q)", h=height, w=width, p=rows, q=columns)
        return out[0] if single else out

    def body(
        self, hidden: Tensor, levels: Tensor, final: Tensor, texts: Sequence[TextKeys], context: Context
    ) -> Tensor:
        """All blocks and the output's projection, (B, F, tokens, p·q·C).

        Nothing here looks at a value or waits for the device: `accelerate` compiles `block` and records `body`.
        """
        net = self.transformer
        for index, block in enumerate(net.blocks):
            hidden = self.block(block, hidden, levels[index], texts[index], context, context.memory(index))
        shift, scale = final.unbind(-2)
        return net.proj_out(modulated(hidden, shift, scale, net.norm_out.eps))

    def block(self, *told: Any) -> Tensor:
        """See `run_block`."""
        return run_block(*told)

    def ready(self, dtype: torch.dtype = torch.float32) -> CausalWan:
        """A frozen copy for playing: weights in `dtype`, queries, keys and values projected in one product."""
        copied = CausalWan(copy.deepcopy(self.transformer), self.prediction, self.chunk).eval().requires_grad_(False)
        for name, weight in copied.transformer.named_parameters():
            if "time_" not in name and "scale_shift_table" not in name:  # noise levels: computed once, exactly
                weight.data = weight.data.to(dtype)
        copied.attention = self.attention
        for block in copied.transformer.blocks:
            block.attn1.fuse_projections()
            for separate in ("to_q", "to_k", "to_v"):  # which diffusers keeps: in Wan-1.3B another 425 MB
                if hasattr(block.attn1, separate):
                    delattr(block.attn1, separate)
        return copied

    def new_cache(
        self,
        sink: int,
        window: int,
        latent: tuple[int, int, int],
        positions: str = "slots",
        evicts: str = "before",
        max_attention_frames: int = 0,
    ) -> KVCache:
        """An empty cache for frames of a latent size (C, h, w); see `CacheSettings` for the rest."""
        height, width = self._grid(torch.empty(latent, device="meta"))
        config, weight = self.transformer.config, self.transformer.proj_out.weight
        inner = config.num_attention_heads * config.attention_head_dim
        tokens, dtype, device = height * width, weight.dtype, weight.device
        settings = CacheSettings(sink, window, positions, evicts, max_attention_frames)
        return new_kv_cache(settings, config.num_layers, tokens, inner, dtype, device)

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
        """What `make` gives, kept for the last few keys; made anew for None, in training, wherever gradients flow."""
        if key is None or self.training or torch.is_grad_enabled():
            return make()
        entries = self._remembered.get(kind, [])
        for known, value in entries:
            if same(known, key):
                return value
        value = make()
        self._remembered[kind] = [(key, value), *entries][: MEMORY[kind]]
        return value

    def _levels(self, sigma: Tensor | Sequence[float], device: torch.device) -> Tensor:
        """The noise levels as a float32 tensor."""
        make = partial(torch.as_tensor, sigma, dtype=torch.float32, device=device)
        return self._remember("sigma", numbers(sigma, device), eq, make)

    def _modulations(
        self, sigma: Tensor | Sequence[float], shape: Sequence[int], like: Tensor
    ) -> tuple[Tensor, Tensor]:
        def make() -> tuple[Tensor, Tensor]:
            return modulations(self.transformer, self._levels(sigma, like.device).view(*shape), like.dtype)

        return self._remember("levels", numbers(sigma, like.device, like.dtype), eq, make)

    def _texts(self, text: Tensor, dtype: torch.dtype) -> list[TextKeys]:
        playing = not (self.training or torch.is_grad_enabled())
        if playing and one_text(text):
            text = text[:1, :1]
        make = partial(text_keys, self.transformer, text.to(dtype), playing)
        return self._remember("text", (text, writes(text)), same_text, make)

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
        head, device = self.transformer.config.attention_head_dim, like.device
        if cache is None:
            loose = not isinstance(positions, Tensor)  # places in a tensor are not looked at: rows are as they come
            order = tuple(positions) if loose else tuple(range(frames))
            turns = rotary(torch.atleast_2d(torch.as_tensor(positions)), height, width, head, device)
            seen = sees(range(frames), order, self.chunk, causal)
            return Context(turns, turns, block_bias(seen, height * width, like), self.attention, None, None, None)
        view = cache.begin([int(frame) for frame in positions], write)
        seen = sees(view.rows, view.frames, self.chunk, causal)

        def make() -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
            turns = rotary(torch.tensor([view.ranks]), height, width, head, device)
            rows = turns.unflatten(1, (len(view.ranks), -1))[:, list(view.rows)].flatten(1, 2)
            return rows, turns, block_bias(seen, height * width, like), cache.places(view)

        key = (view.rows, view.ranks, seen, height, width, like.dtype, device)
        rows, turns, bias, places = self._remember("places", key, eq, make)
        return Context(rows, turns, bias, self.attention, places, cache, view)


@dataclass(frozen=True)
class Context:
    """What self-attention is told, the same for all blocks.

    queries, keys: rotations (B or 1, tokens, 1, head/2, 2) of the rows, and of the kept frames and the rows; bias:
    (queries, keys), or None where all is seen; attention: the backend; places: where in the memory of `cache` the rows'
    tokens go, and view: how much of it is looked at; all three None without a cache.
    """

    queries: Tensor
    keys: Tensor
    bias: Tensor | None
    attention: str | None
    places: Tensor | None
    cache: KVCache | None
    view: Pass | None

    def memory(self, layer: int) -> tuple[Tensor, Tensor] | None:
        """The keys and values of a layer in view, to be written in place."""
        return None if self.cache is None or self.view is None else self.cache.memory(layer, self.view)


def at_hand(x: Tensor) -> bool:
    """Whether looking at a tensor's values costs nothing; of an accelerator's it would wait for all that is queued."""
    return x.device.type == "cpu"


def numbers(sigma: Tensor | Sequence[float], *rest: Any) -> tuple[Any, ...] | None:
    """Noise levels as a key to remember by, with whatever else it takes; None for a tensor that is not at hand."""
    if isinstance(sigma, Tensor):
        return (tuple(sigma.flatten().tolist()), *rest) if at_hand(sigma) else None
    return tuple(sigma), *rest


def one_text(text: Tensor) -> bool:
    """Whether all rows (B, F, L, D) are told the same; on an accelerator: whether they are the same memory."""
    if at_hand(text):
        return bool((text == text[:1, :1]).all())
    return all(size == 1 or stride == 0 for size, stride in zip(text.shape[:2], text.stride()[:2], strict=True))


def same_text(known: tuple[Tensor, int], given: tuple[Tensor, int]) -> bool:
    """Whether two texts, each with the count of writes to it, are the same, token state for token state.

    On an accelerator: whether they are the same memory, which `known` keeps from being used for anything else.
    """
    (one, before), (two, now) = known, given
    if one.shape != two.shape or one.device != two.device:
        return False
    if identity(one) == identity(two):
        return before == now
    return at_hand(one) and torch.equal(one, two)


def writes(x: Tensor) -> int:
    """How often a tensor's memory was written to; 0 where torch does not count."""
    return 0 if x.is_inference() else x._version


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


def run_block(
    block: Any,
    hidden: Tensor,
    level: Tensor,
    text: TextKeys,
    context: Context,
    memory: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """One transformer block: hidden (B, F, tokens, width), level (B, F, 1, 6, width), memory: `Context.memory`."""
    shift, scale, gate, late_shift, late_scale, late_gate = level.unbind(-2)
    seen = self_attention(block.attn1, modulated(hidden, shift, scale, block.norm1.eps), context, memory)
    hidden = torch.addcmul(hidden, seen, gate)
    hidden = hidden + cross_attention(block.attn2, normed(hidden, block.norm2), text, context.attention)
    late = feed_forward(block.ffn.net, modulated(hidden, late_shift, late_scale, block.norm3.eps))
    return torch.addcmul(hidden, late, late_gate)


def self_attention(attn: Any, x: Tensor, context: Context, memory: tuple[Tensor, Tensor] | None) -> Tensor:
    """The rows' tokens look at the kept frames' and each other's: x (B, F, tokens, width)."""
    flat = x.flatten(1, 2)
    if getattr(attn, "fused_projections", False):
        query, key, value = attn.to_qkv(flat).chunk(3, dim=-1)
    else:
        query, key, value = attn.to_q(flat), attn.to_k(flat), attn.to_v(flat)
    query, key = root_normed(query, attn.norm_q), root_normed(key, attn.norm_k)
    if memory is not None and context.places is not None:
        key, value = (
            store.index_copy_(0, context.places, rows[0].to(store.dtype))[None]
            for store, rows in zip(memory, (key, value), strict=True)
        )
    query, key = rotated(query, context.queries, attn.heads), rotated(key, context.keys, attn.heads)
    out = attend(query, key, value.unflatten(-1, (attn.heads, -1)), context.bias, context.attention)
    return attn.to_out[0](out.flatten(2)).view(x.shape)


def cross_attention(attn: Any, x: Tensor, text: TextKeys, attention: str | None = None) -> Tensor:
    """Each row's tokens look at its own text: x (B, F, tokens, width)."""
    query = root_normed(attn.to_q(x), attn.norm_q).view(len(text.keys), -1, x.shape[-1])
    if text.folded:
        weights = torch.bmm(query, text.keys).unflatten(-1, (attn.heads, -1)).softmax(-1).flatten(2)
        return torch.baddbmm(attn.to_out[0].bias, weights, text.values).view(x.shape)
    out = attend(query.unflatten(-1, (attn.heads, -1)), text.keys, text.values, None, attention)
    return attn.to_out[0](out.flatten(2)).view(x.shape)


def feed_forward(net: Any, x: Tensor) -> Tensor:
    """The two-layer network; in bfloat16 on a CPU with the exact GELU.

    There the tanh form is five times as slow, and the two differ by 5e-4, less than bfloat16's own rounding.
    """
    inner = net[0].proj(x)
    return net[2](F.gelu(inner, approximate="none" if plain(inner) else "tanh"))


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, backend: str | None = None) -> Tensor:
    """Attention in the layout (batch, tokens, heads, head width); bias is added to the scores, (queries, keys).

    backend: of diffusers' registry, used where there is no bias: the fast kernels take none.
    """
    if backend is not None and bias is None:
        return dispatch_attention_fn(query, key, value, backend=AttentionBackendName(backend))
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


def rotary(positions: Tensor, height: int, width: int, head: int, device: torch.device | str | None = None) -> Tensor:
    """The rotations of tokens in time, height and width, as cosines and sines: (B, F) -> (B, F·tokens, 1, head/2, 2).

    Wan's split: 2·(head // 6) numbers each for height and width, the rest for time; theta 10000. The angles are taken
    in float64, on the CPU where the device has none; what is moved to `device` is float32.
    """
    positions = positions.cpu() if positions.device.type == "mps" else positions
    side = 2 * (head // 6)
    rows, columns = torch.arange(height, device=positions.device), torch.arange(width, device=positions.device)
    parts = zip((positions, rows, columns), (head - 2 * side, side, side), strict=True)
    time, row, column = (turns(places, size).to(device or positions.device) for places, size in parts)
    shape = (*positions.shape, height, width, -1, -1)
    table = [time[:, :, None, None].expand(shape), row[:, None].expand(shape), column.expand(shape)]
    return torch.cat(table, dim=-2).flatten(1, 3).unsqueeze(2)


def turns(places: Tensor, size: int) -> Tensor:
    """Cosines and sines (..., size/2, 2), float32, of places (...)."""
    waves = 10000.0 ** -(torch.arange(0, size, 2, dtype=torch.float64, device=places.device) / size)
    angles = places.double()[..., None] * waves
    return torch.view_as_real(torch.polar(torch.ones_like(angles), angles).to(torch.complex64))


def rotated(x: Tensor, rotation: Tensor, heads: int) -> Tensor:
    """x (B, T, width) in heads, rotated: (B, T, heads, head); neighbours in a head are one complex number."""
    pairs = x.float().unflatten(-1, (heads, -1, 2))
    if torch.compiler.is_compiling():  # which fuses real numbers and not complex ones
        (real, imaginary), (cosine, sine) = pairs.unbind(-1), rotation.unbind(-1)
        parts = (real * cosine - imaginary * sine, real * sine + imaginary * cosine)
        return torch.stack(parts, -1).flatten(-2).to(x.dtype)
    return torch.view_as_real(torch.view_as_complex(pairs) * torch.view_as_complex(rotation)).flatten(-2).to(x.dtype)


Seen = tuple[tuple[bool, ...], ...]


def sees(rows: Sequence[int], frames: Sequence[int], chunk: int, causal: bool = True) -> Seen | None:
    """Which keys each row sees; None: all see all. frames: the frame number of every key; rows: each row's own key.

    A row sees earlier frames (any, if not causal) and its own chunk: itself and the rows around it, `chunk` at a time,
    counted from the last row. Of rows of one frame number only the first is seen by other chunks, and not by its
    alternatives.
    """
    main = [frame not in frames[:key] for key, frame in enumerate(frames)]
    seen: list[tuple[bool, ...]] = []
    for end in reversed(range(len(rows), 0, -chunk)):
        together = rows[max(0, end - chunk) : end]
        own = [frames[row] for row in together]
        others = [main[key] and allowed(frame, own, causal) for key, frame in enumerate(frames)]
        seen += [tuple(other or key in together for key, other in enumerate(others))] * len(together)
    return None if all(all(row) for row in seen) else tuple(seen)


def allowed(frame: int, own: Sequence[int], causal: bool) -> bool:
    """Whether a chunk of frames `own` looks at a frame outside of it: an earlier one, or any but its alternative."""
    return frame < min(own) if causal else frame not in own


def block_bias(seen: Seen | None, tokens: int, like: Tensor) -> Tensor | None:
    """0 where a token may look and -inf where it may not, (rows·tokens, keys·tokens); None where all is seen."""
    if seen is None:
        return None
    hidden = ~torch.tensor(seen).repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)
    return torch.zeros(hidden.shape, dtype=like.dtype).masked_fill(hidden, float("-inf")).to(like.device)
