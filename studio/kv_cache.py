"""The KV cache: keys and values of the frames a causal video model still sees.

A ring of frame slots: the first `sink` frames stay for ever, the last `window` frames roll. Keys are stored before
their rotary embedding, so a kept frame's place in time is given when it is read: the k-th kept frame stands at
position k and the frames being drawn follow, however long the stream is. Everything is written in place into memory
allocated once; a forward copies no kept frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pass:
    """One forward's view of the cache, in frames. Keys in memory: the kept slots, then the rows that are not written.

    rows: memory slot of each row; ranks: place in time of every slot in view, kept and rows, counted from 0 without
    gaps; frames: their frame numbers; written: how many of the rows stay.
    """

    rows: tuple[int, ...]
    ranks: tuple[int, ...]
    frames: tuple[int, ...]
    written: int


@dataclass(frozen=True)
class CacheSnapshot:
    """What `KVCache.snapshot` gives: copies of the kept frames; good for any number of restores."""

    keys: Tensor
    values: Tensor
    frames: tuple[int, ...]


class KVCache:
    """Keys and values of `sink + window` frames.

    layers, tokens (a frame), width: of the model. Memory: 2 · layers · (sink + window + rows) · tokens · width numbers,
    `rows` being the most rows a forward has had.
    """

    def __init__(
        self,
        layers: int,
        sink: int,
        window: int,
        tokens: int,
        width: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        if sink < 0 or window < 1:
            raise ValueError(f"a cache keeps 0 or more sink frames and 1 or more of the last, got {sink} and {window}")
        self.sink, self.window, self.tokens = sink, window, tokens
        self._slots: list[int] = []  # frame number held by each slot in use
        self._keys = torch.zeros(layers, (sink + window) * tokens, width, dtype=dtype, device=device)
        self._values = torch.zeros_like(self._keys)

    def __len__(self) -> int:
        """How many frames are kept."""
        return len(self._slots)

    @property
    def capacity(self) -> int:
        """The most frames that are kept."""
        return self.sink + self.window

    @property
    def frames(self) -> tuple[int, ...]:
        """The kept frames' numbers, in the order of time."""
        return tuple(sorted(self._slots))

    @property
    def bytes(self) -> int:
        """Memory held, in bytes."""
        return 2 * self._keys.nbytes

    def clear(self) -> None:
        """Forgets every frame."""
        self._slots = []

    def keep(self, count: int) -> None:
        """Forgets all but the first `count` frames in time."""
        kept = sorted(range(len(self._slots)), key=self._slots.__getitem__)[:count]
        places = [slot * self.tokens + token for slot in kept for token in range(self.tokens)]
        for store in (self._keys, self._values):
            store[:, : len(places)] = store[:, places]
        self._slots = [self._slots[slot] for slot in kept]

    def begin(self, frames: Sequence[int], write: int) -> Pass:
        """Makes room for a forward over rows of these frame numbers, of which the first `write` will be kept.

        Frames that must go for the written ones go now: they are not read by this forward.
        """
        if not 0 <= write <= min(len(frames), self.capacity):
            raise ValueError(
                f"asked to keep {write} of {len(frames)} rows in a cache of {self.capacity} frames; "
                f"write at most {min(len(frames), self.capacity)}"
            )
        if write and self._slots and frames[0] <= max(self._slots):
            raise ValueError(
                f"frame {frames[0]} cannot be written after frame {max(self._slots)}; "
                "write frames in the order of time, or clear the cache first"
            )
        targets = self._targets(frames[:write])
        after = len(self._slots)
        rows = (*targets, *range(after, after + len(frames) - write))
        self._grow(after + len(frames) - write)
        held = (*self._slots, *frames[write:])
        order = {frame: rank for rank, frame in enumerate(sorted(set(held)))}
        return Pass(rows, tuple(order[frame] for frame in held), held, write)

    def _targets(self, frames: Sequence[int]) -> list[int]:
        """The slots the written frames take; a slot that is taken over holds its new frame's number from now on."""
        targets = []
        for frame in frames:
            if len(self._slots) < self.capacity:
                self._slots.append(frame)
                targets.append(len(self._slots) - 1)
                continue
            rolling = sorted(range(self.capacity), key=self._slots.__getitem__)[self.sink]
            self._slots[rolling] = frame
            targets.append(rolling)
        return targets

    def _grow(self, slots: int) -> None:
        """Memory for at least this many slots: grows when a forward has more rows than any before it."""
        missing = slots * self.tokens - self._keys.shape[1]
        if missing > 0:
            room = self._keys.new_zeros(self._keys.shape[0], missing, self._keys.shape[2])
            self._keys, self._values = torch.cat([self._keys, room], 1), torch.cat([self._values, room], 1)

    def put(self, layer: int, view: Pass, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Stores the rows' keys and values (F·tokens, width), and gives all in view ((kept + rows)·tokens, width)."""
        size, end = self.tokens, len(view.ranks) * self.tokens
        for store, rows in ((self._keys[layer], key), (self._values[layer], value)):
            for place, slot in enumerate(view.rows[: view.written]):
                store[slot * size : (slot + 1) * size] = rows[place * size : (place + 1) * size]
            loose = rows[view.written * size :]
            store[end - len(loose) : end] = loose
        return self._keys[layer, :end], self._values[layer, :end]

    def snapshot(self) -> CacheSnapshot:
        """A copy of the kept frames."""
        end = len(self._slots) * self.tokens
        return CacheSnapshot(self._keys[:, :end].clone(), self._values[:, :end].clone(), tuple(self._slots))

    def restore(self, snapshot: CacheSnapshot) -> None:
        """Back to a snapshot, bit for bit."""
        end = len(snapshot.frames) * self.tokens
        self._keys[:, :end], self._values[:, :end] = snapshot.keys, snapshot.values
        self._slots = list(snapshot.frames)
