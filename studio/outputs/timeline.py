"""Frames come into sight one after the other, however they were made."""

from __future__ import annotations

import threading
import time
from collections import deque

from studio.frames import Frame


class Timeline:
    """Frames in order, each in sight from its `due` on; the last `kept` of them. Any thread may put and look."""

    def __init__(self, kept: int = 1) -> None:
        self._lock = threading.Lock()
        self._coming: deque[Frame] = deque()
        self._seen: deque[Frame] = deque(maxlen=kept)
        self._count = 0

    def put(self, frame: Frame) -> None:
        with self._lock:
            self._coming.append(frame)
            self._advance()

    def look(self) -> tuple[int, tuple[Frame, ...]]:
        """How many frames have come into sight, and the last of them, oldest first."""
        with self._lock:
            self._advance()
            return self._count, tuple(self._seen)

    def wait(self) -> float | None:
        """Seconds until the next one does; None if there is none."""
        with self._lock:
            return max(0.0, self._coming[0].due - time.monotonic()) if self._coming else None

    def _advance(self) -> None:
        now = time.monotonic()
        while self._coming and self._coming[0].due <= now:
            self._seen.append(self._coming.popleft())
            self._count += 1
