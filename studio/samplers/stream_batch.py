"""The stream batch: chunks in flight, each on its own step, one forward a tick (StreamDiffusion, arXiv 2312.12491)."""

from __future__ import annotations

from collections.abc import Sequence

from studio.samplers.causal import CausalSampler
from studio.samplers.rows import Row


class StreamBatch(CausalSampler):
    """Every tick moves every row a step down, lets one out and one in.

    For a causal model the rows of one tick are one sequence after the cache: StreamDiT's diagonal partition
    (arXiv 2507.03745) with cached context. The first ticks after a clean start let nothing out.
    """

    def can_admit(self, rows: Sequence[Row], steps: int) -> bool:
        """Tell whether a new row would come out after the one before it: a tick later."""
        return not rows or rows[-1].steps_left < steps
