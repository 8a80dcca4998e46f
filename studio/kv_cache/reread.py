"""A cache of which nothing is kept from one chunk to the next: every write reads all kept frames again (FAR's).

FAR (arXiv 2503.19325) sees its last chunks whole and those before them coarsely. As a chunk moves into the coarse part
its tokens become others, and with it those of all that look at it: the published loop runs all clean frames anew after
every chunk (diffusers' `AnyFlowFARPipeline.encode_kv_cache`), and so does this.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from studio.kv_cache.ring import ON_DEVICE, CacheSettings, CacheSnapshot, KVCache


class RereadCache(KVCache):
    """Keys, already rotated, and values of all kept frames as the last write made them, (layers, tokens, width) each.

    tokens: the most of a frame; of frames seen coarsely there are fewer. Whoever writes gives all frames that are to be
    kept, in the order of time (`write`); forgetting one of them forgets all.
    """

    rereads: ClassVar[bool] = True

    def __init__(
        self,
        settings: CacheSettings,
        layers: int,
        tokens: int,
        width: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings, self.tokens = settings, tokens
        self.sink, self.window, self.evicts = settings.sink, settings.window, settings.evicts
        self._slots: list[int | None] = []
        self._keys = torch.zeros(layers, 0, width, dtype=dtype, device=device)
        self._values = torch.zeros_like(self._keys)

    def forget(self, frames: Collection[int]) -> None:
        """Forget everything, if one of these is kept: what is left would have been read otherwise without it."""
        if set(frames) & set(self.frames):
            self.clear()

    def take_in(self, tokens: int) -> None:
        """Begin a write of so many tokens: nothing is kept until `close`."""
        self.clear()
        if self._keys.shape[1] != tokens:
            layers, _, width = self._keys.shape
            self._keys = self._keys.new_zeros(layers, tokens, width)
            self._values = torch.zeros_like(self._keys)

    def put(self, layer: int, keys: Tensor, values: Tensor) -> None:
        """Write what a layer made of all tokens, (tokens, width) each."""
        self._keys[layer], self._values[layer] = keys, values

    def close(self, frames: Sequence[int]) -> None:
        """End a write: these frames are kept now."""
        self._slots = list(frames)

    def kept(self, layer: int) -> tuple[Tensor, Tensor]:
        """Give a layer's keys and values of all kept frames."""
        end = self._keys.shape[1] if self._slots else 0
        return self._keys[layer, :end], self._values[layer, :end]

    def snapshot(self) -> CacheSnapshot:
        """Give a copy of what is kept; a large one (`ON_DEVICE`) in the CPU's memory."""
        end = self._keys.shape[1] if self._slots else 0
        used = self._keys[:, :end], self._values[:, :end]
        device = "cpu" if 2 * used[0].nbytes > ON_DEVICE else used[0].device
        keys, values = (part.to(device, copy=True) for part in used)
        return CacheSnapshot(keys, values, tuple(self._slots))

    def restore(self, snapshot: CacheSnapshot) -> None:
        """Go back to a snapshot, bit for bit."""
        self.take_in(snapshot.keys.shape[1])
        self._keys.copy_(snapshot.keys)
        self._values.copy_(snapshot.values)
        self._slots = list(snapshot.frames)
