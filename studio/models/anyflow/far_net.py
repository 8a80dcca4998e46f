"""AnyFlow's FAR net: diffusers' `AnyFlowFARTransformer3DModel` run over rows and a cache of frames seen finely or not.

The parameters, their names and the checkpoints are diffusers'; the forward is ours, and needs no mask of tokens. Of the
clean frames the last chunks are seen whole and those before them by patches four times as large (FAR, arXiv
2503.19325); a row is told the level it is at and the one its step goes to (flow maps, arXiv 2605.13724).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from studio.conditioning import Conditioning
from studio.kv_cache import CacheSettings, KVCache, RereadCache
from studio.models.libraries import Net
from studio.models.wan.forward_inputs import ForwardInputs, Memo
from studio.models.wan.masks import attention_mask, block_bias
from studio.models.wan.norms import layer_norm, modulate, rms_norm
from studio.models.wan.rope import apply_rope, rope_freqs
from studio.models.wan.text_keys import TextKeys
from studio.models.wan.transformer_block import attend, cross_attention, feed_forward
from studio.schedule import clean_from

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]  # (layer, queries, keys, values) -> what they see


@dataclass(frozen=True)
class Parts:
    """Tokens told different texts: how many of each, and by block the text's keys."""

    sizes: tuple[int, ...]
    texts: tuple[Sequence[TextKeys], ...]


class FarNet(nn.Module):
    """A FAR transformer as a causal denoiser of flow maps.

    transformer: diffusers' net, frozen, as it is to be played. chunk: latent frames that see each other both ways.
    attention: the name of a backend in diffusers' registry for where nothing is hidden; None: torch's own.
    """

    def __init__(self, transformer: Net, chunk: int) -> None:
        super().__init__()
        self.transformer: Net = transformer
        self.chunk = chunk
        self.attention: str | None = None
        self.inputs = ForwardInputs(transformer, chunk)
        self._levels = Memo()

    def forward(
        self,
        x: Tensor,
        sigma: Sequence[float],
        cond: Conditioning,
        frames: Sequence[int],
        targets: Sequence[float] = (),
        cache: KVCache | None = None,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """Denoise rows: the clean latents they would have if their step's mean velocity u led on to 0, x - sigma u.

        x (F, C, h, w); sigma, targets in 0..1, frame numbers, one a row. A row sees the kept frames, the rows of lower
        number, itself and its chunk; rows of one number are alternatives. write: none of the rows or all, which are
        then all clean frames that are kept from now on. causal=False: rows see later ones too.
        """
        if write and write != len(x):
            raise ValueError(f"asked to keep {write} of {len(x)} rows; write all rows of a forward, or none")
        if write:
            if isinstance(cache, RereadCache):
                self.write(x, cond, frames, cache)
            return x.float()
        velocity = self.predict(x, sigma, targets or (0.0,) * len(x), cond, frames, cache, causal)
        return clean_from("velocity", x, torch.tensor(sigma, dtype=torch.float32, device=x.device), velocity)

    # Rows in flight

    def predict(
        self,
        x: Tensor,
        sigma: Sequence[float],
        targets: Sequence[float],
        cond: Conditioning,
        frames: Sequence[int],
        cache: KVCache | None,
        causal: bool,
    ) -> Tensor:
        """Give the net's own output, the mean velocity from sigma to targets, in the shape of x."""
        net = self.transformer
        hidden = embed(net.patch_embedding, net.config.patch_size, x.to(net.patch_embedding.weight.dtype))
        kept = cache.frames if cache is not None else ()
        numbers = sorted({*kept, *frames})
        grid, heads = grid_of(x, net.config.patch_size), net.config.num_attention_heads
        places = [numbers.index(frame) for frame in frames]
        turns = far_rope(places, grid, 1, net.config.attention_head_dim, x.device)
        rows = attention_mask(range(len(frames)), tuple(frames), self.chunk, causal)
        bias = block_bias(rows, hidden.shape[1], hidden)
        texts = tuple(self.inputs.texts(cond, hidden.dtype, True))
        levels, final = self._levels.get(
            (tuple(sigma), tuple(targets), hidden.dtype),
            lambda: far_modulations(net, sigma, targets, hidden.dtype),
        )

        def look(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            query, key = apply_rope(query, turns, heads), apply_rope(key, turns, heads)
            hidden_by = bias
            if cache is not None and kept and isinstance(cache, RereadCache):
                keys, values = (part[None] for part in cache.kept(layer))
                key = torch.cat([keys.unflatten(-1, (heads, -1)), key], 1)
                value = torch.cat([values, value], 1)
                hidden_by = None if bias is None else F.pad(bias, (keys.shape[1], 0))
            return attend(query, key, value.unflatten(-1, (heads, -1)), hidden_by, self.attention).flatten(2)

        parts = Parts((hidden.shape[0],), (texts,))
        out = self.body(hidden[None], levels, parts, look)
        shift, scale = final.unbind(-2)
        out = net.proj_out(modulate(out, shift, scale, net.norm_out.eps))[0]
        _, p, q = net.config.patch_size
        return rearrange(out, "f (h w) (p q c) -> f c (h p) (w q)", h=grid[0], p=p, q=q)

    # Clean frames

    def write(self, x: Tensor, cond: Conditioning, frames: Sequence[int], cache: RereadCache) -> None:
        """Read all clean frames that are to be kept, the last chunks finely, into a cache."""
        net = self.transformer
        fine = min(len(x), (net.config.full_chunk_limit - 1) * self.chunk)
        hidden, turns, counts = clean_tokens(net, x, len(x) - fine)
        ends, heads = chunk_ends(counts, self.chunk), net.config.num_attention_heads
        parts = text_parts(self.inputs, cond, counts, hidden.dtype)
        levels, _ = self._levels.get(
            ("clean", hidden.dtype), lambda: far_modulations(net, (0.0,), (0.0,), hidden.dtype)
        )

        def look(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            query, key = apply_rope(query, turns, heads), apply_rope(key, turns, heads)
            cache.put(layer, key.flatten(2)[0], value[0])
            value, first, seen = value.unflatten(-1, (heads, -1)), 0, list[Tensor]()
            for end in ends:  # a chunk sees those before it and itself: nothing is hidden, so nothing is masked
                part = attend(query[:, first:end], key[:, :end], value[:, :end], None, self.attention)
                seen.append(part.flatten(2))
                first = end
            return torch.cat(seen, 1)

        cache.take_in(sum(counts))
        self.body(hidden[None, None], levels, parts, look)
        cache.close(frames)

    # What both share

    def body(self, hidden: Tensor, levels: Tensor, parts: Parts, look: Attend) -> Tensor:
        """Run all blocks over tokens (1, F, tokens, width)."""
        for layer, block in enumerate(self.transformer.blocks):
            shift, scale, gate, late_shift, late_scale, late_gate = levels[layer].unbind(-2)
            attn, flat = block.attn1, modulate(hidden, shift, scale, block.norm1.eps).flatten(1, 2)
            query, key = rms_norm(attn.to_q(flat), attn.norm_q), rms_norm(attn.to_k(flat), attn.norm_k)
            seen = attn.to_out[0](look(layer, query, key, attn.to_v(flat))).view(hidden.shape)
            hidden = torch.addcmul(hidden, seen, gate)
            asked = layer_norm(hidden, block.norm2)
            told = (
                cross_attention(block.attn2, part, texts[layer], attention=self.attention)
                for part, texts in zip(split(asked, parts), parts.texts, strict=True)
            )
            hidden = hidden + torch.cat([*told], 2 if len(parts.sizes) > 1 else 1)
            late = feed_forward(block.ffn.net, modulate(hidden, late_shift, late_scale, block.norm3.eps))
            hidden = torch.addcmul(hidden, late, late_gate)
        return hidden

    def new_cache(self, settings: CacheSettings, latent: tuple[int, int, int]) -> RereadCache:
        """Make an empty cache for frames of a latent size (C, h, w)."""
        config, weight = self.transformer.config, self.transformer.proj_out.weight
        rows, columns = grid_of(torch.empty(latent, device="meta"), config.patch_size)
        width = config.num_attention_heads * config.attention_head_dim
        return RereadCache(settings, config.num_layers, rows * columns, width, weight.dtype, weight.device)


def embed(embedding: nn.Module, patch: Sequence[int], pixels: Tensor) -> Tensor:
    """Embed frames (F, C, h, w) by patches (1, p, q): (F, tokens, width)."""
    weight: Tensor = embedding.get_parameter("weight")
    patches = rearrange(pixels, "f c (h p) (w q) -> f (h w) (c p q)", p=patch[1], q=patch[2])
    return F.linear(patches, weight.flatten(1), embedding.get_parameter("bias"))


def chunk_ends(counts: Sequence[int], chunk: int) -> list[int]:
    """Give the token after the last of each chunk, `chunk` frames each, counted from the last back."""
    firsts = range(len(counts), 0, -chunk)
    return [sum(counts[:end]) for end in reversed(firsts)]


def far_rope(places: Sequence[int], grid: tuple[int, int], step: int, head: int, device: torch.device) -> Tensor:
    """Give rotations (1, F·tokens, 1, head/2, 2) of frames at these places, whose tokens are `step` fine ones wide.

    A coarse token stands in the middle of the fine ones it covers: diffusers takes the mean of their rotations.
    """
    side = 2 * (head // 6)
    rows, columns = (torch.arange(size) * step + (step - 1) / 2 for size in grid)
    time, row, column = (
        rope_freqs(at, size).to(device)
        for at, size in zip((torch.tensor(places), rows, columns), (head - 2 * side, side, side), strict=True)
    )
    shape = (len(places), *grid, -1, -1)
    table = [time[:, None, None].expand(shape), row[:, None].expand(shape), column.expand(shape)]
    return torch.cat(table, dim=-2).flatten(0, 2)[None, :, None]


def grid_of(x: Tensor, patch: Sequence[int]) -> tuple[int, int]:
    """Give the rows and columns of tokens that a frame has at a size of patches."""
    return x.shape[-2] // patch[1], x.shape[-1] // patch[2]


def clean_tokens(net: Net, x: Tensor, coarse: int) -> tuple[Tensor, Tensor, list[int]]:
    """Embed clean frames, the first `coarse` of them coarsely: tokens, their rotations, how many each frame has."""
    config, dtype = net.config, net.patch_embedding.weight.dtype
    kinds = (
        (net.far_patch_embedding, config.compressed_patch_size, range(coarse)),
        (net.patch_embedding, config.patch_size, range(coarse, len(x))),
    )
    hidden, turns, counts = list[Tensor](), list[Tensor](), list[int]()
    for embedding, patch, places in kinds:
        if places:
            part = embed(embedding, patch, x[places.start : places.stop].to(dtype))
            step = patch[1] // config.patch_size[1]
            hidden.append(part.flatten(0, 1))
            turns.append(far_rope(places, grid_of(x, patch), step, config.attention_head_dim, x.device))
            counts += [part.shape[1]] * len(places)
    return torch.cat(hidden), torch.cat(turns, 1), counts


def text_parts(inputs: ForwardInputs, cond: Conditioning, counts: Sequence[int], dtype: torch.dtype) -> Parts:
    """Say which tokens are told which text, each frame its own; neighbours of one text together."""
    groups = [[*places] for _, places in groupby(range(len(counts)), lambda place: id(cond.prompts[place]))]
    sizes = tuple(sum(counts[place] for place in group) for group in groups)
    return Parts(sizes, tuple(tuple(inputs.texts(cond.rows([group[0]]), dtype, True)) for group in groups))


def split(hidden: Tensor, parts: Parts) -> Sequence[Tensor]:
    """Part tokens by the text they are told."""
    return hidden.split(parts.sizes, 2) if len(parts.sizes) > 1 else (hidden,)


def far_modulations(
    net: Net, sigma: Sequence[float], targets: Sequence[float], dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Give shifts, scales, gates of every block (layers, 1, F, 1, 6, width), and the output's, of two levels a row."""
    embedder = net.condition_embedder
    weight = embedder.time_embedder.linear_1.weight
    at, to = (torch.tensor(levels, dtype=torch.float64, device=weight.device) for levels in (sigma, targets))
    second = to if embedder.deltatime_type == "r" else at - to
    gate = embedder.delta_emb_gate.to(weight)
    time = embedder.time_embedder(embedder.timesteps_proj(1000 * at).to(weight.dtype))
    delta = embedder.delta_embedder(embedder.timesteps_proj(1000 * second).to(weight.dtype))
    both = (1 - gate) * time + gate * delta
    step = embedder.time_proj(F.silu(both)).unflatten(-1, (6, -1))[:, None]
    tables = torch.stack([block.scale_shift_table for block in net.blocks])
    levels = (tables[:, None] + step.float())[:, None]
    final = (net.scale_shift_table + both.float()[:, None])[None, :, None]
    return levels.to(dtype), final.to(dtype)
