"""Causal Wan: diffusers' `WanTransformer3DModel` run as a causal video model.

The parameters, their names and the checkpoints are diffusers'; the forward is ours: one noise level and one text a
frame, frames that see only what came before, and keys kept BEFORE the rotary embedding (`KVCache`), so that kept
frames can be renumbered when read and a stream never reaches the end of a table.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from einops import rearrange
from torch import Tensor, nn

from studio.conditioning import BatchConditioning, Conditioning
from studio.kv_cache import CacheSettings, KVCache, new_kv_cache
from studio.models.libraries import Net
from studio.models.wan.forward_inputs import ForwardInputs, heard_by_region
from studio.models.wan.norms import modulate
from studio.models.wan.text_keys import TextKeys
from studio.models.wan.transformer_block import Context, run_block
from studio.regional import side_by_side
from studio.schedule import PREDICTIONS, clean_from

WIDER = {4: torch.int32, 8: torch.int64}  # by bytes


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
        self.transformer: Net = transformer  # diffusers' configuration has no types
        self.prediction = prediction
        self.chunk = chunk
        self.attention: str | None = None
        self.inputs = ForwardInputs(transformer, chunk)

    def forward(
        self,
        x: Tensor,
        sigma: Tensor | Sequence[float],
        cond: Conditioning | BatchConditioning,
        positions: Tensor | Sequence[int],
        cache: KVCache | None = None,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """Denoise rows: the clean latents, float32, in the shape of x.

        x (F, C, h, w), sigma (F,) in 0..1, positions (F,) frame numbers. A row sees the kept frames of the cache, the
        rows of lower frame number, itself and its chunk; rows of one frame number are alternatives and do not see each
        other. The first `write` rows are clean, and kept in the cache. causal=False: rows see later ones too.
        Chunks are counted from the last row back: what does not fill one is the first (Self-Forcing's first frame).
        In training: x (B, F, C, h, w), sigma (B, F), positions (F,) or (B, F), and a `BatchConditioning`.
        While playing give sigma and positions as numbers: reading tensors of an accelerator would make it wait.
        """
        output = self.predict(x, sigma, cond, positions, cache, write, causal)
        return clean_from(self.prediction, x, self.inputs.levels(sigma, x.device, self._is_playing), output)

    def predict(
        self,
        x: Tensor,
        sigma: Tensor | Sequence[float],
        cond: Conditioning | BatchConditioning,
        positions: Tensor | Sequence[int],
        cache: KVCache | None = None,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """Give the transformer's own output, see `forward`."""
        single = isinstance(cond, Conditioning)
        x, tracks = (x[None], cond.tracks[None]) if single else (x, cond.tracks)
        if cache is not None and len(x) != 1:
            raise ValueError(f"a cache belongs to one stream, got a batch of {len(x)}; call once per stream")
        net, (height, width) = self.transformer, self._grid(x)
        hidden = embed_patches(net, torch.cat([part.to(net.patch_embedding.weight.dtype) for part in (x, tracks)], -3))
        levels, final = self.inputs.modulations(sigma, hidden, self._is_playing)
        beside = side_by_side(cond.regions) if isinstance(cond, Conditioning) and cond.regions else None
        texts = self.inputs.texts(cond, hidden.dtype, self._is_playing, beside.texts if beside else ())
        if cache is None:
            context = self.inputs.free_context(positions, (height, width), hidden, causal)
        else:
            view = cache.begin([int(frame) for frame in positions], write)
            context = self.inputs.cached_context(cache, view, (height, width), hidden, causal, self._is_playing)
        heard = heard_by_region(beside, cond.text.shape[-2], texts, (height, width), hidden) if beside else None
        context = replace(context, attention=self.attention, heard=heard)
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
        """Run all blocks and the output's projection, (B, F, tokens, p·q·C).

        Nothing here looks at a value or waits for the device: `studio.accelerate` compiles `block` and records `body`.
        """
        net = self.transformer
        for index, block in enumerate(net.blocks):
            hidden = self.block(block, hidden, levels[index], texts[index], context, context.memory(index))
        shift, scale = final.unbind(-2)
        return net.proj_out(modulate(hidden, shift, scale, net.norm_out.eps))

    def block(
        self,
        block: nn.Module,
        hidden: Tensor,
        level: Tensor,
        text: TextKeys,
        context: Context,
        memory: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """Run one block, see `run_block`."""
        return run_block(block, hidden, level, text, context, memory)

    def ready(self, dtype: torch.dtype = torch.float32) -> CausalWan:
        """Make a frozen copy for playing: weights in `dtype`, queries, keys and values projected in one product."""
        copied = CausalWan(copy.deepcopy(self.transformer), self.prediction, self.chunk).eval().requires_grad_(False)
        for name, weight in copied.transformer.named_parameters():
            if "time_" not in name and "scale_shift_table" not in name:  # noise levels: computed once, exactly
                weight.data = weight.data.to(dtype)
        copied.attention = self.attention
        for block in copied.transformer.blocks:
            block.attn1.fuse_projections()
            for separate in {"to_q", "to_k", "to_v"} & dict(block.attn1.named_children()).keys():
                delattr(block.attn1, separate)  # which diffusers keeps: in Wan-1.3B another 425 MB
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
        """Make an empty cache for frames of a latent size (C, h, w); see `CacheSettings` for the rest."""
        return self.cache_of(CacheSettings(sink, window, positions, evicts, max_attention_frames), latent)

    def cache_of(self, settings: CacheSettings, latent: tuple[int, int, int]) -> KVCache:
        """Make an empty cache of these settings for frames of a latent size (C, h, w)."""
        height, width = self._grid(torch.empty(latent, device="meta"))
        config, weight = self.transformer.config, self.transformer.proj_out.weight
        inner = config.num_attention_heads * config.attention_head_dim
        return new_kv_cache(settings, config.num_layers, height * width, inner, weight.dtype, weight.device)

    def forget(self) -> None:
        """Drop what was computed from the weights: call after changing them in place."""
        self.inputs.clear()

    def train(self, mode: bool = True) -> CausalWan:
        """Set the mode as for any module; what was remembered is dropped."""
        self.forget()
        return super().train(mode)

    @property
    def _is_playing(self) -> bool:
        return not (self.training or torch.is_grad_enabled())

    def _grid(self, x: Tensor) -> tuple[int, int]:
        """Give the rows and columns of tokens a frame has."""
        _, rows, columns = self.transformer.config.patch_size
        return x.shape[-2] // rows, x.shape[-1] // columns


def embed_patches(net: Net, pixels: Tensor) -> Tensor:
    """Embed (B, F, C + K, h, w) as (B, F, tokens, width): one matrix product, faster than a strided convolution."""
    embedding, (_, rows, columns) = net.patch_embedding, net.config.patch_size
    return F.linear(cut_patches(pixels, rows, columns), embedding.weight.flatten(1), embedding.bias)


def cut_patches(pixels: Tensor, rows: int, columns: int) -> Tensor:
    """Cut (B, F, C, h, w) into patches: (B, F, tokens, C·rows·columns).

    Outside of training a patch's row is moved as one wider number where there is one: a copy in runs of two numbers
    takes 15 times as long (measured: 1.5 ms of the pocket model's tick on a CPU).
    """
    wider = WIDER.get(columns * pixels.element_size())
    if wider is None or pixels.requires_grad or not pixels.is_contiguous():
        return rearrange(pixels, "b f c (h p) (w q) -> b f (h w) (c p q)", p=rows, q=columns)
    moved = rearrange(pixels.view(wider), "b f c (h p) w -> b f (h w) (c p)", p=rows)
    return moved.contiguous().view(pixels.dtype)
