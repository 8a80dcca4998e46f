"""The rollout: one chunk down the whole ladder, then the next (Self-Forcing, arXiv 2506.08009; LongLive)."""

from __future__ import annotations

from collections.abc import Sequence

from studio.samplers.base import Row, Sampler


class Rollout(Sampler):
    """One row in flight: a frame costs as many forwards as it has rungs, and sees clean frames only."""

    def _room(self, rows: Sequence[Row], rungs: int) -> bool:
        return not rows
