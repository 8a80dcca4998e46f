"""The stream batch: chunks in flight, each on its own step, one forward a tick (StreamDiffusion, arXiv 2312.12491)."""

from __future__ import annotations

from studio.samplers.causal import CausalSampler
from studio.samplers.rows import admits_next_tick


class StreamBatch(CausalSampler):
    """Every tick moves every row a step down, lets one out and one in.

    For a causal model the rows of one tick are one sequence after the cache: StreamDiT's diagonal partition
    (arXiv 2507.03745) with cached context. The first ticks after a clean start let nothing out.
    """

    can_admit = staticmethod(admits_next_tick)
