"""Frame, what the studio makes, and FrameOutput, where frames go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of the stream.

    picture: uint8 (H, W, 3) RGB; revision: the highest control revision it was made under; made_ns: `time.time_ns` at
    which it was ready; tick_ms: how long its step took; skipped: the similarity filter let the last picture stand;
    due: `time.monotonic` from which it is to be shown, 0 for at once; decode_ms: of tick_ms, what making pictures took.
    """

    index: int
    picture: np.ndarray
    revision: int = 0
    made_ns: int = 0
    tick_ms: float = 0.0
    skipped: bool = False
    due: float = 0.0
    decode_ms: float = 0.0

    @cached_property
    def hash(self) -> str:
        """Give 32 hex digits of blake2b over the index and the pixels: equal if and only if the frames are."""
        digest = hashlib.blake2b(f"{self.index} {self.picture.shape} ".encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self.picture).data)
        return digest.hexdigest()


class FrameOutput(Protocol):
    """A place for frames: a page, a file. `put` must not block for long: it runs on the session's thread."""

    def put(self, frame: Frame) -> None: ...

    def close(self) -> None: ...
