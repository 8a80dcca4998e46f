"""Words by region in a UNet: cross-attention whose scores are raised by how much of each text a token hears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor

from studio.models.libraries import Net
from studio.regional import RegionWords, Size, side_by_side
from studio.samplers.forward import to_device

Heard = Mapping[int, Tensor]  # tokens of a layer -> what is added to its scores, (rows, 1, tokens, states)


class RegionalAttention(AttnProcessor2_0):
    """diffusers' own attention, which hears a text in a part of the picture where it is told to."""

    def __call__(
        self,
        attn: Net,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        heard: Heard | None = None,
    ) -> Tensor:
        """Attend over (rows, tokens, width); the same shape comes out. heard: of every layer's number of tokens."""
        if heard is None or encoder_hidden_states is None:
            return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        query, key, value = (
            layer(states).unflatten(2, (attn.heads, -1)).transpose(1, 2)
            for layer, states in (
                (attn.to_q, hidden_states),
                (attn.to_k, encoder_hidden_states),
                (attn.to_v, encoder_hidden_states),
            )
        )
        if attn.norm_q is not None:
            query, key = attn.norm_q(query), attn.norm_k(key)
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=heard[hidden_states.shape[1]])
        out = attn.to_out[0](out.transpose(1, 2).flatten(2).to(hidden_states.dtype))
        return attn.to_out[1](out)


def hear_regions(net: Net) -> None:
    """Let the attention of a UNet or ControlNet hear regions from now on; without any not one bit differs."""
    for layer in net.modules():
        if type(getattr(layer, "processor", None)) is AttnProcessor2_0:
            layer.set_processor(RegionalAttention())


def words_by_region(net: Net, regions: Sequence[Sequence[RegionWords]], text: Tensor, x: Tensor) -> dict[str, Any]:
    """Give the words with those of regions beside them, and what of each is heard at every size, as diffusers names it.

    text: (F, L, D) of the prompts; x: (F, C, h, w) latents; both of the net's dtype.
    """
    beside = side_by_side(regions)
    beside = replace(beside, shares=to_device(beside.shares, x.device))
    texts = [states.states[: len(states.states) - states.apart].to(text) for states in beside.texts]
    lengths = (text.shape[1], *map(len, texts))
    heard = {
        rows * columns: beside.bias(lengths, (rows, columns))[:, None].to(x.dtype)
        for rows, columns in token_grids(net, (x.shape[-2], x.shape[-1]))
    }
    words = torch.cat([text, *(one.expand(len(text), -1, -1) for one in texts)], 1)
    return {"encoder_hidden_states": words, "cross_attention_kwargs": {"heard": heard}}


def token_grids(net: Net, cells: Size) -> tuple[Size, ...]:
    """Give the (rows, columns) of tokens at which a UNet hears words, for latents of so many cells (h, w).

    Each level but the last halves them, an odd number up.
    """
    grids, last = [], len(net.config.down_block_types) - 1
    for level, kind in enumerate(net.config.down_block_types):
        if "CrossAttn" in kind or level == last:  # the middle is as large as the last level
            grids.append(cells)
        cells = (-(-cells[0] // 2), -(-cells[1] // 2))
    return tuple(dict.fromkeys(grids))
