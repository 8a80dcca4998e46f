"""Rolling Sink (arXiv 2602.07775): a drift guard for models that were trained on a few seconds and have no sink.

Keys and values of the first window are kept. Once the window has rolled on, each chunk that is written puts frames of
that store in the place of the chunk before it: so all that is looked at but the newest chunk is as good as the first
seconds were. Which frames walks through the store and back again, so that it never jumps. As they have no rotation yet,
they take the place in time of those that they replace. No forward is added.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch

from studio.kv_cache.ring import CacheSettings, CacheSnapshot, KVCache, Pass


class RollingSinkCache(KVCache):
    """A `KVCache` in whose old slots the first frames come back. Memory: as much again as it keeps.

    What it has seen counts from when it was last empty: after a prompt switch with recache, from the frames recached.
    A switch with "keep" leaves it as it is, so the old words do not fade.
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
        self._first = torch.zeros_like(self._keys), torch.zeros_like(self._values)
        self._seen = 0  # frames written since it was empty, but for the news
        self._news: tuple[int, ...] = ()  # frame numbers that the last forward wrote

    @property
    def bytes(self) -> int:
        """Memory held, in bytes."""
        return super().bytes + 2 * self._first[0].nbytes

    def clear(self) -> None:
        """Forget every frame, the first ones too."""
        super().clear()
        self._seen, self._news = 0, ()

    def forget(self, frames: Collection[int]) -> None:
        """Forget the frames of these numbers; with the last of them, the first ones too."""
        super().forget(frames)
        if not self._slots:
            self._seen, self._news = 0, ()

    def keep(self, count: int) -> None:
        """Forget all but the first `count` frames in time."""
        self._take_in()
        super().keep(count)

    def begin(self, frames: Sequence[int], write: int, start: int = 0) -> Pass:
        """Make room for a forward; see `KVCache.begin`. What the last one wrote is taken in first."""
        self._take_in()
        view = super().begin(frames, write, start)
        self._news = tuple(frames[:write])
        return view

    def _take_in(self) -> None:
        """Store what the last forward wrote while it is of the first window, and put back what was stored later on."""
        before, size = self._seen, self.settings.capacity
        news = tuple(frame for frame in self._news if frame in self._slots)  # of a recache the first have left
        self._news, self._seen = (), before + len(news)
        for place, frame in enumerate(news[: max(0, size - before)], start=before):
            self._copy(self._slots.index(frame), place, stores=True)
        if news and before >= size + len(news):
            old = self.frames[-2 * len(news) : -len(news)]
            for frame, place in zip(old, walk(before - len(news), len(news), size), strict=True):
                self._copy(self._slots.index(frame), place, stores=False)

    def _copy(self, slot: int, place: int, stores: bool) -> None:
        """Copy a frame from its slot to its place in the store, or back."""
        here, there = (slice(at * self.tokens, (at + 1) * self.tokens) for at in (slot, place))
        for memory, first in zip((self._keys, self._values), self._first, strict=True):
            if stores:
                first[:, there] = memory[:, here]
            else:
                memory[:, here] = first[:, there]

    def snapshot(self) -> CacheSnapshot:
        """Give a copy of the slots in use and of the first frames; a large one in the CPU's memory."""
        self._take_in()
        held = super().snapshot()
        first = tuple(part.to(held.keys.device, copy=True) for part in self._first)
        return CacheSnapshot(held.keys, held.values, held.frames, first, (self._seen,))

    def restore(self, snapshot: CacheSnapshot) -> None:
        """Go back to a snapshot, bit for bit."""
        super().restore(snapshot)
        (self._seen,), self._news = snapshot.written, ()
        for part, held in zip(self._first, snapshot.first, strict=True):
            part.copy_(held)


def walk(at: int, count: int, size: int) -> list[int]:
    """Give the places of `count` frames from the `at`-th on, of a walk through `size` places and back, for ever."""
    places = (divmod(frame, size) for frame in range(at, at + count))
    return [size - 1 - place if back % 2 else place for back, place in places]
