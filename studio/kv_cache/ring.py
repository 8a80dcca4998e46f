"""A ring of frame slots: the first `sink` frames stay for ever, the last `window` frames roll.

Keys are stored before their rotary embedding, so a kept frame's place in time is given when it is read: the k-th kept
frame stands at position k and the frames being drawn follow, however long the stream is. Everything is written in place
into memory allocated once; a forward copies no kept frame.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

POSITIONS = ("slots", "absolute")
EVICTS = ("before", "after")
ON_DEVICE = 2**28  # bytes; a snapshot of more goes into the CPU's memory: an accelerator's is the model's
RECACHES = ("causal", "bidirectional")  # how kept frames see each other when they are written again under new words


@dataclass(frozen=True)
class CacheSettings:
    """Which frames a cache keeps, and how forwards see them. Raises ValueError for what is not possible.

    sink, window: frames kept for ever, 0 or more, and of the last, 1 or more. positions: "slots": kept frames and rows
    are numbered from 0 without gaps, so the sink is never far away and no table ends; "absolute": by their frame
    numbers (Self-Forcing, LongLive 1.0). evicts: when frames go for those that are written: "before" the forward that
    writes, which does not see them, or "after" it: then a clean pass sees what the denoising passes saw, and `window`
    counts the frames before the chunk being drawn (Self-Forcing and LongLive, whose `local_attn_size` is sink + window
    + chunk). Such a forward writes all its rows or none: a row in flight beside them would be too far from the sink, by
    what is going. max_attention_frames: the most frames that a forward looks at, its rows among them
    (`LimitedKVCache`); 0: all. drift_guard: whether the first frames come back in the place of old ones, for a model
    without a sink (`RollingSinkCache`).
    """

    sink: int
    window: int
    positions: str = "slots"
    evicts: str = "before"
    max_attention_frames: int = 0
    drift_guard: bool = False

    def __post_init__(self) -> None:
        if self.sink < 0 or self.window < 1:
            raise ValueError(
                f"a cache keeps 0 or more sink frames and 1 or more of the last, got {self.sink} and {self.window}"
            )
        for what, choice, choices in (("positions", self.positions, POSITIONS), ("evicts", self.evicts, EVICTS)):
            if choice not in choices:
                raise ValueError(f"{what} is {choice!r}; possible: {', '.join(choices)}")
        if self.max_attention_frames and (self.evicts != "after" or self.max_attention_frames <= self.sink):
            raise ValueError(
                f"max_attention_frames is {self.max_attention_frames}; possible: 0, or more than the sink's "
                f'{self.sink} frames in a cache that evicts "after" writing'
            )
        if self.drift_guard and (self.sink or self.evicts != "after" or self.max_attention_frames):
            raise ValueError(
                f"drift_guard is for a model without a sink of its own that evicts after writing and looks at all it "
                f"keeps; this one has a sink of {self.sink} frames: leave drift_guard out, or give sink=0"
            )

    @property
    def capacity(self) -> int:
        """The most frames that are kept."""
        return self.sink + self.window


@dataclass(frozen=True)
class Pass:
    """One forward's view of the cache, in frames: rows and kept frames in the order they lie in memory.

    rows: place in the view of each row; ranks: place in time of every frame in view; frames: their frame numbers;
    written: how many of the rows stay. start: slot that the view begins at; gathered: slots of kept frames that are
    copied to its beginning, where it is not the cache's own memory that is seen (`LimitedKVCache`).
    """

    rows: tuple[int, ...]
    ranks: tuple[int, ...]
    frames: tuple[int, ...]
    written: int
    start: int = 0
    gathered: tuple[int, ...] = ()

    @property
    def graph_key(self) -> tuple[int, int, int]:
        """What a recorded forward depends on (`studio.accelerate`): which memory is in view."""
        return self.start, len(self.gathered), len(self.ranks)


@dataclass(frozen=True)
class CacheSnapshot:
    """What `KVCache.snapshot` gives: copies of the slots in use; good for any number of restores.

    frames: the frame number each slot holds, None for one that is free. first: of a `RollingSinkCache`, the keys and
    values of its first frames; written: how many frames it has seen.
    """

    keys: Tensor
    values: Tensor
    frames: tuple[int | None, ...]
    first: tuple[Tensor, ...] = ()
    written: tuple[int, ...] = ()


class KVCache:
    """Keys and values of `sink + window` frames.

    layers, tokens (a frame), width: of the model. Memory: 2 · layers · slots · tokens · width numbers; slots: sink +
    window, and as many rows as a forward has had. rereads: whether a write reads all kept frames again.
    """

    rereads: ClassVar[bool] = False

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
        self._slots: list[int | None] = []  # frame number held by each slot; None: free
        self._keys = torch.zeros(layers, settings.capacity * tokens, width, dtype=dtype, device=device)
        self._values = torch.zeros_like(self._keys)

    def __len__(self) -> int:
        """Count the kept frames."""
        return len(self.frames)

    @property
    def frames(self) -> tuple[int, ...]:
        """The kept frames' numbers, in the order of time."""
        return tuple(sorted(frame for frame in self._slots if frame is not None))

    @property
    def bytes(self) -> int:
        """Memory held, in bytes."""
        return 2 * self._keys.nbytes

    @property
    def graph_key(self) -> tuple[Hashable, ...]:
        """What a recorded forward depends on (`studio.accelerate`): where keys and values lie in memory."""
        return self._keys.data_ptr(), self._values.data_ptr(), self._keys.shape, self._keys.dtype

    def clear(self) -> None:
        """Forget every frame."""
        self._slots = []

    def keep(self, count: int) -> None:
        """Forget all but the first `count` frames in time."""
        self.forget(self.frames[count:])

    def forget(self, frames: Collection[int]) -> None:
        """Forget the frames of these numbers. The first `sink` of those that are left are the sink from now on."""
        self._slots = [None if frame in frames else frame for frame in self._slots]
        while self._slots and self._slots[-1] is None:
            self._slots.pop()

    def begin(self, frames: Sequence[int], write: int, start: int = 0) -> Pass:
        """Make room for a forward over rows of these frame numbers, of which the first `write` will be kept.

        start: the slot that its view begins at; there is no free one below. Raises ValueError for what cannot be
        written.
        """
        check_write(self.settings, self.frames, frames, write)
        leaving = leaving_frames(self.settings, (*self.frames, *frames[:write])) if write else set[int]()
        if self.evicts == "before":
            self.forget(leaving)
        rows = self._row_slots(len(frames))
        held: list[int | None] = [*self._slots, *[None] * (max(rows, default=-1) + 1 - len(self._slots))]
        for slot, frame in zip(rows, frames, strict=True):
            held[slot] = frame
        view = tuple(frame for frame in held[start:] if frame is not None)  # `_row_slots` has left no gap
        # From here on the written rows are kept; those not written are in view and leave no trace.
        self._slots = [None if slot in rows[write:] else frame for slot, frame in enumerate(held)]
        self.forget(leaving)
        ranks = frame_positions(view, self.settings.positions)
        return Pass(tuple(row - start for row in rows), ranks, view, write, start)

    def _row_slots(self, count: int) -> list[int]:
        """Give the slots of `count` rows: free ones first, then new ones; none stays free below them."""
        free = [slot for slot, frame in enumerate(self._slots) if frame is None]
        if len(free) > count:
            self._compact()
            free = []
        used = len(self._slots)
        rows = [*free, *range(used, used + count - len(free))]
        self._grow(used + count - len(free))
        return rows

    def _compact(self) -> None:
        """Move the kept frames together, in the order of time."""
        kept = [self._slots.index(frame) for frame in self.frames]
        places = token_places(kept, self.tokens, self._keys.device)
        for store in (self._keys, self._values):
            store[:, : len(places)] = store[:, places]
        self._slots = list(self.frames)

    def _grow(self, slots: int) -> None:
        """Take memory for at least this many slots: when a forward has more rows than any before it."""
        missing = slots * self.tokens - self._keys.shape[1]
        if missing > 0:
            room = self._keys.new_zeros(self._keys.shape[0], missing, self._keys.shape[2])
            self._keys, self._values = torch.cat([self._keys, room], 1), torch.cat([self._values, room], 1)

    def places(self, view: Pass) -> Tensor:
        """Give where the rows' tokens lie in `memory`, (F·tokens,); the same for all layers, and every like view."""
        return token_places(view.rows, self.tokens, self._keys.device)

    def memory(self, layer: int, view: Pass) -> tuple[Tensor, Tensor]:
        """Give all keys and values in view of a layer, each ((kept + rows)·tokens, width), to be written in place."""
        start, end = view.start * self.tokens, (view.start + len(view.ranks)) * self.tokens
        return self._keys[layer, start:end], self._values[layer, start:end]

    def snapshot(self) -> CacheSnapshot:
        """Give a copy of the slots in use; a large one (`ON_DEVICE`) in the CPU's memory."""
        end = len(self._slots) * self.tokens
        used = self._keys[:, :end], self._values[:, :end]
        device = "cpu" if 2 * used[0].nbytes > ON_DEVICE else used[0].device
        keys, values = (part.to(device, copy=True) for part in used)
        return CacheSnapshot(keys, values, tuple(self._slots))

    def restore(self, snapshot: CacheSnapshot) -> None:
        """Go back to a snapshot, bit for bit."""
        self._grow(len(snapshot.frames))
        end = len(snapshot.frames) * self.tokens
        self._keys[:, :end], self._values[:, :end] = snapshot.keys, snapshot.values
        self._slots = list(snapshot.frames)


def snapshot_bytes(cache: KVCache, rows: int) -> int:
    """Compute the most bytes that a snapshot takes, where a forward has had so many rows."""
    layers, _, width = cache._keys.shape
    slots = cache.settings.capacity * (2 if cache.settings.drift_guard else 1) + rows
    return 2 * layers * slots * cache.tokens * width * cache._keys.element_size()


def check_write(settings: CacheSettings, kept: Sequence[int], frames: Sequence[int], write: int) -> None:
    """Raise ValueError unless the first `write` of the rows of these frame numbers can be written after those kept."""
    room = len(frames)
    if settings.evicts == "before":
        room = min(room, settings.capacity - min(len(kept), settings.sink))
    if not 0 <= write <= room:
        raise ValueError(
            f"asked to keep {write} of {len(frames)} rows in a cache of {settings.capacity} frames; "
            f"write at most {room}"
        )
    if settings.evicts == "after" and 0 < write < len(frames):
        raise ValueError(
            f"asked to keep {write} of {len(frames)} rows in a cache that evicts after writing; "
            "write all rows of a forward, or none"
        )
    if write and kept and frames[0] <= kept[-1]:
        raise ValueError(
            f"frame {frames[0]} cannot be written after frame {kept[-1]}; "
            "write frames in the order of time, or clear the cache first"
        )


def leaving_frames(settings: CacheSettings, frames: Sequence[int]) -> set[int]:
    """Give those of the frames, in the order of time, that are neither in the sink nor among the window's last."""
    return set(frames[settings.sink :][: -settings.window])


def frame_positions(view: Sequence[int], positions: str) -> tuple[int, ...]:
    """Give the place in time of every frame in view; rows of one frame number share theirs."""
    order = {frame: rank for rank, frame in enumerate(sorted(set(view)))}
    return tuple(view) if positions == "absolute" else tuple(order[frame] for frame in view)


def token_places(slots: Sequence[int], tokens: int, device: torch.device) -> Tensor:
    """Give where the tokens of these slots lie in memory, (slots·tokens,) on a device."""
    first = torch.tensor(slots, dtype=torch.long)[:, None] * tokens
    return (first + torch.arange(tokens)).flatten().to(device)
