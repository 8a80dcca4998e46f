"""The rolling window: chunks in flight at rising noise, which all see each other (StreamDiT; Rolling Forcing)."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, ClassVar

from studio.samplers.causal import CausalSampler
from studio.samplers.rows import Row

if TYPE_CHECKING:
    from studio.models.base import Model


class Rolling(CausalSampler):
    """StreamDiT's partition (arXiv 2507.03745): `chunks` in flight, ceil(steps / chunks) steps from one to the next.

    Every row sees the cache and the whole window both ways; the chunk that has come out is written by a clean pass of
    its own. chunks: None is as many as steps, Rolling Forcing's window (arXiv 2509.25161): after a tick for every step,
    a chunk a tick. 1 is the rollout; and with a chunk as long as the whole clip, all of it is at one level.

    The window grows and shrinks by whole chunks and each passes every level once, so any number of chunks can be drawn
    (`flush` ends them). All rows hear a new prompt at once, however far down they are.
    """

    causal: ClassVar[bool] = False

    def __init__(self, model: Model, start: int = 0, chunks: int | None = None) -> None:
        if chunks is not None and chunks < 1:
            raise ValueError(f"{chunks} chunks cannot be in flight; 1 or more can, or None for as many as steps")
        self.chunks = chunks
        super().__init__(model, start)

    @property
    def separate_write_pass(self) -> bool:
        """Tell that clean frames have a forward of their own: a row in flight would see them otherwise written."""
        return True

    def can_admit(self, rows: Sequence[Row], steps: int) -> bool:
        """Tell whether the last row is as many steps down as lie between two chunks."""
        return not rows or rows[-1].steps_left <= steps - ceil(steps / min(self.chunks or steps, steps))
