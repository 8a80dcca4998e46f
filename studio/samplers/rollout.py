"""The rollout: one chunk down the whole schedule, then the next (Self-Forcing, arXiv 2506.08009; LongLive)."""

from __future__ import annotations

from studio.samplers.causal import CausalSampler
from studio.samplers.rows import admits_alone


class Rollout(CausalSampler):
    """One row in flight: a frame costs as many forwards as it has steps, and sees clean frames only.

    With a cache that evicts after writing it is the published algorithm to the forward: the clean pass stands alone and
    sees what the denoising passes saw. Otherwise the clean chunk rides along with the next one's first step.
    """

    can_admit = staticmethod(admits_alone)
