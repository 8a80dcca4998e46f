"""What a forward needs beside its rows: modulations of noise levels, keys of texts, rotations and masks.

All of it depends on plain numbers or on a text alone, so while playing it is kept between calls; nothing on an
accelerator is looked at to know it again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar, cast

import torch
from torch import Tensor

from studio.conditioning import BatchConditioning, Conditioning, PromptStates
from studio.kv_cache import KVCache, Pass
from studio.models.libraries import Net
from studio.models.wan.masks import attention_mask, block_bias
from studio.models.wan.norms import modulations
from studio.models.wan.rope import rope_3d
from studio.models.wan.text_keys import TextKeyMemory, TextKeys, text_keys
from studio.models.wan.transformer_block import Context
from studio.regional import SideBySide
from studio.samplers.forward import to_device

REMEMBERED = 9  # schedules, modulations and masks; texts have a memory of their own
T = TypeVar("T")


class Memo:
    """The values of the last few keys; a plain list that is replaced, so any thread may read it."""

    def __init__(self) -> None:
        self.entries: list[tuple[Hashable, object]] = []

    def get(self, key: Hashable | None, make: Callable[[], T]) -> T:
        """Give the value of a key, made if it is not kept; always made for None."""
        if key is None:
            return make()
        for known, value in self.entries:
            if known == key:
                return cast(T, value)
        value = make()
        self.entries = [(key, value), *self.entries][:REMEMBERED]
        return value


class ForwardInputs:
    """Makes a forward's inputs for one transformer. playing: whether they are kept; in training they are made anew.

    transformer: diffusers' `WanTransformer3DModel`; chunk: frames that see each other both ways.
    """

    def __init__(self, transformer: Net, chunk: int) -> None:
        self.transformer, self.chunk = transformer, chunk
        self._texts = TextKeyMemory()
        self._levels, self._modulations, self._places = Memo(), Memo(), Memo()

    def clear(self) -> None:
        """Drop all that is kept: the weights have changed."""
        self._texts.clear()
        self._levels, self._modulations, self._places = Memo(), Memo(), Memo()

    @property
    def sizes(self) -> dict[str, int]:
        """How many of each are kept."""
        memos = {"levels": self._levels, "modulations": self._modulations, "places": self._places}
        return {"texts": len(self._texts)} | {name: len(memo.entries) for name, memo in memos.items()}

    def levels(self, sigma: Tensor | Sequence[float], device: torch.device, playing: bool) -> Tensor:
        """Give the noise levels as a float32 tensor."""
        make = partial(torch.as_tensor, sigma, dtype=torch.float32, device=device)
        return self._levels.get(memo_key(sigma, device) if playing else None, make)

    def modulations(self, sigma: Tensor | Sequence[float], like: Tensor, playing: bool) -> tuple[Tensor, Tensor]:
        """Give the shifts, scales and gates of rows like (B, F, tokens, width), see `norms.modulations`."""

        def make() -> tuple[Tensor, Tensor]:
            levels = self.levels(sigma, like.device, playing).view(*like.shape[:2])
            return modulations(self.transformer, levels, like.dtype)

        return self._modulations.get(memo_key(sigma, like.device, like.dtype) if playing else None, make)

    def texts(
        self,
        cond: Conditioning | BatchConditioning,
        dtype: torch.dtype,
        playing: bool,
        beside: Sequence[PromptStates] = (),
    ) -> list[TextKeys]:
        """Give every block's view of the texts: of one row where all rows are told the same.

        beside: texts of regions, which stand behind the prompt's in every row, each with all its states: also those
        behind its last token, which Wan reads too.
        """
        if isinstance(cond, BatchConditioning):
            return text_keys(self.transformer, cond.text.to(dtype), fold=playing)
        if not playing:
            return text_keys(self.transformer, wider(cond.text, beside)[None].to(dtype), fold=False)
        prompts = cond.prompts[:1] if cond.is_one_text else cond.prompts

        def compute() -> list[TextKeys]:
            text = wider(torch.stack([states.states for states in prompts]), beside)
            return text_keys(self.transformer, text[None].to(dtype), fold=True)

        return self._texts.get(prompts, compute, beside)

    def free_context(
        self, positions: Tensor | Sequence[int], grid: tuple[int, int], like: Tensor, causal: bool
    ) -> Context:
        """Say where rows like (B, F, tokens, width) stand and what they see, without a cache.

        Places in a tensor are not looked at: its rows stand in the order they come in.
        """
        rows = range(like.shape[1])
        mask = attention_mask(rows, rows if isinstance(positions, Tensor) else tuple(positions), self.chunk, causal)
        places = torch.atleast_2d(torch.as_tensor(positions))
        rotation = rope_3d(places, *grid, self.transformer.config.attention_head_dim, like.device)
        return Context(rotation, rotation, block_bias(mask, like.shape[2], like))

    def cached_context(
        self, cache: KVCache, view: Pass, grid: tuple[int, int], like: Tensor, causal: bool, playing: bool
    ) -> Context:
        """Say where rows like (1, F, tokens, width) stand and what they see of a cache in view."""
        mask = attention_mask(view.rows, view.frames, self.chunk, causal)
        head = self.transformer.config.attention_head_dim

        def make() -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
            keys = rope_3d(torch.tensor([view.ranks]), *grid, head, like.device)
            queries = keys.unflatten(1, (len(view.ranks), -1))[:, list(view.rows)].flatten(1, 2)
            return queries, keys, block_bias(mask, like.shape[2], like), cache.places(view)

        key = (view.rows, view.ranks, mask, grid, like.dtype, like.device)
        queries, keys, bias, places = self._places.get(key if playing else None, make)
        return Context(queries, keys, bias, None, places, cache, view)


def heard_by_region(
    beside: SideBySide, own: int, texts: Sequence[TextKeys], grid: tuple[int, int], like: Tensor
) -> Tensor:
    """Give what is added to cross-attention's scores, (G, 1, rows·tokens / G, states), where the keys are of G rows.

    own: states of the prompt.
    """
    shares = to_device(beside.shares, like.device)
    lengths = (own, *(len(states.states) for states in beside.texts))
    bias = replace(beside, shares=shares).bias(lengths, grid).to(like.dtype)
    return bias.flatten(0, 1).unflatten(0, (len(texts[0].keys), -1))[:, None]


def wider(text: Tensor, beside: Sequence[PromptStates]) -> Tensor:
    """Give states (rows, L, D) with those of further texts behind them in every row."""
    if not beside:
        return text
    return torch.cat([text, *(one.states.to(text).expand(len(text), -1, -1) for one in beside)], 1)


def is_on_cpu(x: Tensor) -> bool:
    """Whether looking at a tensor's values costs nothing; of an accelerator's it would wait for all that is queued."""
    return x.device.type == "cpu"


def memo_key(sigma: Tensor | Sequence[float], *rest: Hashable) -> tuple[Hashable, ...] | None:
    """Give noise levels as a key to remember by, with whatever else it takes; None for a tensor not on the CPU."""
    if isinstance(sigma, Tensor):
        return (tuple(sigma.flatten().tolist()), *rest) if is_on_cpu(sigma) else None
    return tuple(sigma), *rest
