"""Attention between the frames in flight: each row's self-attention sees the keys and values of all rows.

StreamDiffusion (ICCV 2025 version, "Stream Batch cross-frame attention"): frames that are denoised together look alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Branches:
    """Which rows of the present forward see each other, (rows,) numbers a branch; one for all layers, set around it."""

    def __init__(self) -> None:
        self.rows: list[Tensor] = []

    def set(self, positions: Sequence[int], device: torch.device | str = "cpu") -> None:
        """Set the branches of a forward from the rows' frame numbers.

        Rows of one number are alternatives, as the prompt and its negative: the first rows of every number see each
        other, so do the second.
        """
        met: Counter[int] = Counter()
        branches: list[list[int]] = []
        for row, position in enumerate(positions):
            if met[position] == len(branches):
                branches.append([])
            branches[met[position]].append(row)
            met[position] += 1
        self.rows = [torch.tensor(rows).to(device) for rows in branches]


class CrossFrameAttention:
    """A processor for the self-attention of diffusers' transformer blocks."""

    def __init__(self, branches: Branches):
        self.branches = branches

    def __call__(self, attn, hidden_states: Tensor, *args, heard: object = None, **options) -> Tensor:
        """Attend over (rows, tokens, width); the same shape comes out. heard: of words, which are not heard here."""
        query, key, value = (
            layer(hidden_states).unflatten(2, (attn.heads, -1)).transpose(1, 2)
            for layer in (attn.to_q, attn.to_k, attn.to_v)
        )
        if attn.norm_q is not None:
            query, key = attn.norm_q(query), attn.norm_k(key)
        if len(self.branches.rows) == 1:
            out = F.scaled_dot_product_attention(query, across_rows(key), across_rows(value))
        else:
            out = torch.empty_like(query)
            for rows in self.branches.rows:
                out[rows] = F.scaled_dot_product_attention(
                    query[rows], across_rows(key[rows]), across_rows(value[rows])
                )
        out = attn.to_out[0](out.transpose(1, 2).flatten(2).to(hidden_states.dtype))
        return attn.to_out[1](out)


def across_rows(part: Tensor) -> Tensor:
    """Spread (rows, heads, tokens, width) to (rows, heads, rows * tokens, width): every row has those of all."""
    return part.transpose(0, 1).flatten(1, 2).expand(len(part), -1, -1, -1)


def join(unet: nn.Module) -> Branches:
    """Let every self-attention of the UNet see all rows from now on; cross-attention stays as it is."""
    branches = Branches()
    for name, layer in unet.named_modules():
        if name.endswith("attn1"):
            layer.set_processor(CrossFrameAttention(branches))  # type: ignore[operator]
    return branches
