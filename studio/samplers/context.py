"""The clean frames that a causal stream goes on from, and the KV cache of them. Here a prompt switch rebuilds it.

A chunk that has come out is pending until its keys are written: by the next tick's forward, or by a clean pass of its
own just before (Self-Forcing's and LongLive's). The frames are kept with what they were told, so that the cache can be
built again: under other words, or after a forward that failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from studio.conditioning import Conditioning, PromptStates, Rows
from studio.kv_cache import RECACHES, CacheSnapshot

if TYPE_CHECKING:
    from studio.models.base import Model


@dataclass(frozen=True, eq=False)
class CleanFrame:
    """A frame that came out: its clean latent (C, h, w) and, one row, the conditioning it was made under."""

    frame: int
    latent: Tensor
    cond: Conditioning


@dataclass(frozen=True, eq=False)
class ContextSnapshot:
    """All that a context holds.

    kept: the frames in the cache; pending: those still to be written there; retired: those that left the window last,
    as many as the sink has; renewals, refreshes: the counts of `controls.Sink` that were in force last.
    """

    kept: tuple[CleanFrame, ...]
    pending: tuple[CleanFrame, ...]
    retired: tuple[CleanFrame, ...]
    renewals: int
    cache: CacheSnapshot
    refreshes: int = field(default=0, kw_only=True)  # 0 in snapshots from before there were any


class Context:
    """Kept and pending clean frames of one stream, and their KV cache."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.cache = model.new_cache()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.kept: tuple[CleanFrame, ...] = ()
        self.pending: tuple[CleanFrame, ...] = ()
        self.retired: tuple[CleanFrame, ...] = ()
        self.renewals = self.refreshes = 0
        self.cache.clear()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come out since a clean start."""
        return not (self.kept or self.pending)

    @property
    def has_evicted(self) -> bool:
        """Whether a frame has left the window: LongLive's `recache_start_frame > 0`."""
        return bool(self.retired)

    def write_pending(self) -> None:
        """Write what is pending by a forward of its own: the clean pass."""
        self._write(self.pending)
        self.commit_pending()

    def commit_pending(self) -> None:
        """Take in that what was pending is in the cache now."""
        frames, sink = self.kept + self.pending, self.cache.sink
        self.kept, self.pending = retained_frames(frames, sink, self.cache.window), ()
        left = frames[sink : len(frames) - len(self.kept) + sink]
        self.retired = (self.retired + left)[-sink:] if sink else ()

    @torch.no_grad()
    def recache(self, states: PromptStates, mode: str = "causal", keep_sink: bool = False) -> None:
        """Rebuild the cache of the kept frames under another text, in one forward at sigma 0 (LongLive, 3.1).

        mode "causal": frames see earlier ones; the cache is as if the text had always been this one.
        "bidirectional": all see all, as LongLive's own code does and its checkpoint was trained with; the chunk that
        came out last is then among them, if the cache evicts after writing, as LongLive's does.
        keep_sink: the sink stays under its own words (LongLive's `global_sink`), however early it is: also frames that
        are on their way into it.
        """
        if mode not in RECACHES:
            raise ValueError(f"recache mode is {mode!r}; possible: {', '.join(RECACHES)}")
        first = min(self.cache.sink, len(self.kept)) if keep_sink else 0
        later = min(self.cache.sink - first, len(self.pending)) if keep_sink else 0
        again = with_text(self.kept[first:], states)
        self.kept = self.kept[:first] + again
        self.pending = self.pending[:later] + with_text(self.pending[later:], states)
        joined = mode == "bidirectional" and self.cache.evicts == "after" and not later
        self.cache.keep(first)
        self._write(again + self.pending if joined else again, mode == "causal")
        if joined:
            self.commit_pending()

    def renew_sink(self, count: int) -> None:
        """Renew the sink if the count is higher than the last; after a clean start there is nothing to renew."""
        if count > self.renewals:
            self.drop_sink()
        self.renewals = count

    def refresh(self, count: int, chunk: int) -> None:
        """Go on from the chunk that came out last alone, if the count is higher than the last.

        It is written again, as a first picture is: nothing of the frames before it is in the cache then.
        """
        if count > self.refreshes and not self.is_empty:
            self.pending = (*self.kept, *self.pending)[-chunk:]
            self.kept = self.retired = ()
            self.cache.clear()
        self.refreshes = count

    def drop_sink(self) -> None:
        """Make the oldest frames of the window the sink from now on; those to come, where there are none."""
        sink, window = self.kept[: self.cache.sink], self.kept[self.cache.sink :]
        if window or self.pending:
            self.kept = window
            self.cache.forget([one.frame for one in sink])

    def reanchor(self) -> None:
        """Keep the last frames without a gap, for a recache to write: the first of them are then the sink.

        With what is pending they are the last sink + window + chunk, LongLive's `local_attn_size`, all of which it
        recaches with `global_sink: false`; the first of them had left the window when the last chunk was written.
        """
        gapless = {one.frame: one for one in (*self.kept, *self.retired)}
        self.kept = tuple(gapless[frame] for frame in sorted(gapless))[-self.cache.settings.capacity :]
        self.retired = ()

    def repair(self) -> None:
        """Rebuild the cache of the kept frames, if a forward that failed has left it in another state."""
        if self.cache.frames != tuple(one.frame for one in self.kept):
            self.cache.clear()
            self._write(self.kept)

    def _write(self, frames: Sequence[CleanFrame], causal: bool = True) -> None:
        """Write clean frames into the cache, in one forward; with those before them, where it reads all anew."""
        if frames and self.cache.rereads:
            before = [one for one in self.kept if one.frame < frames[0].frame]
            frames = retained_frames((*before, *frames), self.cache.sink, self.cache.window)
        if frames:
            rows = Rows(
                torch.stack([one.latent for one in frames]),
                (0.0,) * len(frames),
                Conditioning.cat([one.cond for one in frames]),
                tuple(one.frame for one in frames),
            )
            self.model.denoise(rows, self.cache, len(frames), causal)

    def snapshot(self) -> ContextSnapshot:
        """Give all that the context holds; good for any number of restores."""
        return ContextSnapshot(
            self.kept,
            self.pending,
            self.retired,
            self.renewals,
            self.cache.snapshot(),
            refreshes=self.refreshes,
        )

    def restore(self, snapshot: ContextSnapshot) -> None:
        """Go back to a snapshot, bit for bit."""
        self.kept, self.pending, self.retired = snapshot.kept, snapshot.pending, snapshot.retired
        self.renewals, self.refreshes = snapshot.renewals, snapshot.refreshes
        self.cache.restore(snapshot.cache)


def retained_frames(frames: tuple[CleanFrame, ...], sink: int, window: int) -> tuple[CleanFrame, ...]:
    """Give the frames a cache keeps of these: the sink, and the window's last."""
    return frames[:sink] + frames[sink:][-window:]


def with_text(frames: Sequence[CleanFrame], states: PromptStates) -> tuple[CleanFrame, ...]:
    """Give the same frames under another text."""
    return tuple(replace(one, cond=one.cond.with_text(states)) for one in frames)
