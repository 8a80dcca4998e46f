"""A cache that keeps more frames than a forward looks at: Rolling Forcing's (arXiv 2509.25161).

Its attention never spans more than 21 frames. The rolling window takes 15 of them, so beside the sink it sees the last
three that are clean; the clean pass that writes a chunk takes 3, and sees the last 18, without the sink once that is
further away. So the cache keeps 3 + 18 frames (TencentARC/RollingForcing, `CausalWanSelfAttention.max_attention_size`).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from studio.kv_cache.ring import CacheSettings, KVCache, Pass, check_write, frame_positions, token_places

REMEMBERED = 64  # views whose places in memory are kept on the device


class LimitedKVCache(KVCache):
    """A `KVCache` of which a forward sees at most `max_attention_frames`, its rows among them.

    Rows that are not written see the sink and the last frames. What they see is gathered, layer by layer, into memory
    of one layer, so that attention needs no mask and its cost is that of the frames in view. Rows that are written see
    the last frames and not the sink, as soon as there are more. Memory: a `KVCache`'s, without the rows in flight, and
    one layer of `max_attention_frames`.
    """

    def __init__(
        self,
        settings: CacheSettings,
        layers: int,
        tokens: int,
        width: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(settings, layers, tokens, width, dtype, device)
        self._layer = self._keys.new_zeros(2, settings.max_attention_frames * tokens, width)
        # Kept on the device, and overwritten: a recorded forward reads where the frames of this tick lie.
        self._kept_places = torch.zeros(settings.max_attention_frames * tokens, dtype=torch.long, device=device)
        self._places = lru_cache(maxsize=REMEMBERED)(lambda slots: token_places(slots, tokens, self._keys.device))

    @property
    def bytes(self) -> int:
        """Memory held, in bytes."""
        return super().bytes + self._layer.nbytes

    @property
    def graph_key(self) -> tuple[Hashable, ...]:
        """What a recorded forward depends on: where everything lies in memory."""
        return (*super().graph_key, self._layer.data_ptr(), self._kept_places.data_ptr(), self._layer.shape)

    def begin(self, frames: Sequence[int], write: int, start: int = 0) -> Pass:
        """Make room for a forward; see `KVCache.begin`. Frames that are too many are not in its view."""
        kept = self.frames
        too_many = len(kept) + len(frames) - self.settings.max_attention_frames
        if too_many <= 0 or not kept:
            return super().begin(frames, write, start)
        check_write(self.settings, kept, frames, write)
        if write:
            hidden = kept[:too_many]
            if set(self._slots[: len(hidden)]) != set(hidden):
                self._compact()
            return super().begin(frames, write, start=len(hidden))
        return self._gathered((*kept[: self.sink], *kept[self.sink :][too_many:]), frames)

    def _gathered(self, kept: Sequence[int], frames: Sequence[int]) -> Pass:
        """Give the view of some kept frames and the rows after them, in memory of its own."""
        slots = tuple(self._slots.index(frame) for frame in kept)
        view = (*kept, *frames)
        missing = len(view) * self.tokens - self._layer.shape[1]
        if missing > 0:
            self._layer = torch.cat([self._layer, self._layer.new_zeros(2, missing, self._layer.shape[2])], 1)
        self._kept_places[: len(slots) * self.tokens].copy_(self._places(slots))
        rows = tuple(range(len(slots), len(view)))
        return Pass(rows, frame_positions(view, self.settings.positions), view, 0, gathered=slots)

    def memory(self, layer: int, view: Pass) -> tuple[Tensor, Tensor]:
        """Give all keys and values in view of a layer, to be written in place; what was gathered is not kept."""
        if not view.gathered:
            return super().memory(layer, view)
        places = self._kept_places[: len(view.gathered) * self.tokens]
        keys, values = self._layer[:, : len(view.ranks) * self.tokens]
        for store, part in ((self._keys, keys), (self._values, values)):
            torch.index_select(store[layer], 0, places, out=part[: len(places)])
        return keys, values
