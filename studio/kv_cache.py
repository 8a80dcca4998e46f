"""The KV cache: keys and values of the frames a causal video model still sees.

A ring of frame slots: the first `sink` frames stay for ever, the last `window` frames roll. Keys are stored before
their rotary embedding, so a kept frame's place in time is given when it is read: the k-th kept frame stands at
position k and the frames being drawn follow, however long the stream is. Everything is written in place into memory
allocated once; a forward copies no kept frame.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

POSITIONS = ("slots", "absolute")
EVICTS = ("before", "after")
RECACHES = ("causal", "bidirectional")  # how kept frames see each other when they are written again under new words


@dataclass(frozen=True)
class Pass:
    """One forward's view of the cache, in frames: every slot from the first to the last in use, rows among them.

    rows: memory slot of each row; ranks: place in time of every slot in view; frames: their frame numbers; written: how
    many of the rows stay.
    """

    rows: tuple[int, ...]
    ranks: tuple[int, ...]
    frames: tuple[int, ...]
    written: int

    @property
    def graph_key(self) -> int:
        """What a recorded forward depends on (`models.wrappers`): how many slots are in view."""
        return len(self.ranks)


@dataclass(frozen=True)
class CacheSnapshot:
    """What `KVCache.snapshot` gives: copies of the slots in use; good for any number of restores.

    frames: the frame number each slot holds, None for one that is free.
    """

    keys: Tensor
    values: Tensor
    frames: tuple[int | None, ...]


class KVCache:
    """Keys and values of `sink + window` frames.

    layers, tokens (a frame), width: of the model. positions: "slots": kept frames and rows are numbered from 0 without
    gaps, so the sink is never far away and no table ends; "absolute": by their frame numbers (Self-Forcing, LongLive
    1.0). evicts: when frames go for those that are written: "before" the forward that writes, which does not see them,
    or "after" it: then a clean pass sees what the denoising passes saw, and `window` counts the frames before the
    chunk being drawn (Self-Forcing and LongLive, whose `local_attn_size` is sink + window + chunk). Such a forward
    writes all its rows or none: a row in flight beside them would be too far from the sink, by what is going.
    Memory: 2 · layers · slots · tokens · width numbers; slots: sink + window, and as many rows as a forward has had.
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
        positions: str = "slots",
        evicts: str = "before",
    ) -> None:
        if sink < 0 or window < 1:
            raise ValueError(f"a cache keeps 0 or more sink frames and 1 or more of the last, got {sink} and {window}")
        for what, choice, choices in (("positions", positions, POSITIONS), ("evicts", evicts, EVICTS)):
            if choice not in choices:
                raise ValueError(f"{what} is {choice!r}; possible: {', '.join(choices)}")
        self.sink, self.window, self.tokens = sink, window, tokens
        self.positions, self.evicts = positions, evicts
        self._slots: list[int | None] = []  # frame number held by each slot; None: free
        self._keys = torch.zeros(layers, (sink + window) * tokens, width, dtype=dtype, device=device)
        self._values = torch.zeros_like(self._keys)

    def __len__(self) -> int:
        """How many frames are kept."""
        return len(self.frames)

    @property
    def capacity(self) -> int:
        """The most frames that are kept."""
        return self.sink + self.window

    @property
    def frames(self) -> tuple[int, ...]:
        """The kept frames' numbers, in the order of time."""
        return tuple(sorted(frame for frame in self._slots if frame is not None))

    @property
    def bytes(self) -> int:
        """Memory held, in bytes."""
        return 2 * self._keys.nbytes

    @property
    def graph_key(self) -> tuple[Any, ...]:
        """What a recorded forward depends on (`models.wrappers`): where keys and values lie in memory."""
        return self._keys.data_ptr(), self._values.data_ptr(), self._keys.shape, self._keys.dtype

    def clear(self) -> None:
        """Forgets every frame."""
        self._slots = []

    def keep(self, count: int) -> None:
        """Forgets all but the first `count` frames in time."""
        self.forget(self.frames[count:])

    def forget(self, frames: Collection[int]) -> None:
        """Forgets the frames of these numbers. The first `sink` of those that are left are the sink from now on."""
        self._slots = [None if frame in frames else frame for frame in self._slots]
        while self._slots and self._slots[-1] is None:
            self._slots.pop()

    def begin(self, frames: Sequence[int], write: int) -> Pass:
        """Makes room for a forward over rows of these frame numbers, of which the first `write` will be kept."""
        leaving = self._leaving(frames, write)
        if self.evicts == "before":
            self.forget(leaving)
        rows = self._rows(len(frames))
        held: list[int | None] = [*self._slots, *[None] * (max(rows, default=-1) + 1 - len(self._slots))]
        for slot, frame in zip(rows, frames, strict=True):
            held[slot] = frame
        view = [frame for frame in held if frame is not None]  # `_rows` has left no gap
        # From here on the written rows are kept; those not written are in view and leave no trace.
        self._slots = [None if slot in rows[write:] else frame for slot, frame in enumerate(held)]
        self.forget(leaving)
        order = {frame: rank for rank, frame in enumerate(sorted(set(view)))}
        ranks = view if self.positions == "absolute" else [order[frame] for frame in view]
        return Pass(tuple(rows), tuple(ranks), tuple(view), write)

    def _leaving(self, frames: Sequence[int], write: int) -> set[int]:
        """The numbers of the frames that go for the written ones; ValueError for what cannot be written."""
        kept, written = self.frames, frames[:write]
        room = len(frames)
        if self.evicts == "before":
            room = min(room, self.capacity - min(len(kept), self.sink))
        if not 0 <= write <= room:
            raise ValueError(
                f"asked to keep {write} of {len(frames)} rows in a cache of {self.capacity} frames; "
                f"write at most {room}"
            )
        if self.evicts == "after" and 0 < write < len(frames):
            raise ValueError(
                f"asked to keep {write} of {len(frames)} rows in a cache that evicts after writing; "
                "write all rows of a forward, or none"
            )
        if write and kept and written[0] <= kept[-1]:
            raise ValueError(
                f"frame {written[0]} cannot be written after frame {kept[-1]}; "
                "write frames in the order of time, or clear the cache first"
            )
        return set(sorted((*kept, *written))[self.sink :][: -self.window])

    def _rows(self, count: int) -> list[int]:
        """The slots of `count` rows: free ones first, then new ones; none stays free below them."""
        free = [slot for slot, frame in enumerate(self._slots) if frame is None]
        if len(free) > count:
            self._compact()
            free = []
        used = len(self._slots)
        rows = [*free, *range(used, used + count - len(free))]
        self._grow(used + count - len(free))
        return rows

    def _compact(self) -> None:
        """Moves the kept frames together, in the order of time."""
        kept = [self._slots.index(frame) for frame in self.frames]
        places = self._tokens_of(kept)
        for store in (self._keys, self._values):
            store[:, : len(places)] = store[:, places]
        self._slots = list(self.frames)

    def _grow(self, slots: int) -> None:
        """Memory for at least this many slots: grows when a forward has more rows than any before it."""
        missing = slots * self.tokens - self._keys.shape[1]
        if missing > 0:
            room = self._keys.new_zeros(self._keys.shape[0], missing, self._keys.shape[2])
            self._keys, self._values = torch.cat([self._keys, room], 1), torch.cat([self._values, room], 1)

    def _tokens_of(self, slots: Sequence[int]) -> Tensor:
        """Where the tokens of these slots lie in memory."""
        first = torch.tensor(slots, dtype=torch.long)[:, None] * self.tokens
        return (first + torch.arange(self.tokens)).flatten().to(self._keys.device)

    def places(self, view: Pass) -> Tensor:
        """Where the rows' tokens lie in memory, (F·tokens,); the same for all layers, and for every like view."""
        return self._tokens_of(view.rows)

    def memory(self, layer: int, view: Pass) -> tuple[Tensor, Tensor]:
        """All keys and values in view of a layer, each ((kept + rows)·tokens, width), to be written in place."""
        end = len(view.ranks) * self.tokens
        return self._keys[layer, :end], self._values[layer, :end]

    def snapshot(self) -> CacheSnapshot:
        """A copy of the slots in use."""
        end = len(self._slots) * self.tokens
        return CacheSnapshot(self._keys[:, :end].clone(), self._values[:, :end].clone(), tuple(self._slots))

    def restore(self, snapshot: CacheSnapshot) -> None:
        """Back to a snapshot, bit for bit."""
        self._grow(len(snapshot.frames))
        end = len(snapshot.frames) * self.tokens
        self._keys[:, :end], self._values[:, :end] = snapshot.keys, snapshot.values
        self._slots = list(snapshot.frames)
