"""Frames come into sight one after the other, however they were made."""

from __future__ import annotations

import threading
import time
from collections import deque

from studio.frames import Frame

LEAST = 16  # frames


class Timeline:
    """Frames in order, each in sight from its `due` on; the last `kept` of them. Any thread may put and look."""

    def __init__(self, kept: int = 1, most_bytes: int | None = None) -> None:
        """most_bytes: of the pictures beyond the first `LEAST`, where they are large."""
        self._lock = threading.Lock()
        self._upcoming: deque[Frame] = deque()
        self._shown: deque[Frame] = deque(maxlen=kept)
        self._most_bytes = most_bytes
        self._count = 0

    def put(self, frame: Frame) -> None:
        """Add a frame, to come into sight when it is due and those before it have."""
        with self._lock:
            self._upcoming.append(frame)
            self._advance()

    def look(self) -> tuple[int, tuple[Frame, ...]]:
        """Give how many frames have come into sight, and the last of them, oldest first."""
        with self._lock:
            self._advance()
            return self._count, tuple(self._shown)

    @property
    def newest(self) -> Frame | None:
        """The frame that was put last, though it may not have come into sight."""
        with self._lock:
            return next((frames[-1] for frames in (self._upcoming, self._shown) if frames), None)

    def wait(self) -> float | None:
        """Give the seconds until the next one does; None if there is none."""
        with self._lock:
            return max(0.0, self._upcoming[0].due - time.monotonic()) if self._upcoming else None

    def _advance(self) -> None:
        now = time.monotonic()
        while self._upcoming and self._upcoming[0].due <= now:
            frame = self._upcoming.popleft()
            self._shown.append(frame)
            self._count += 1
            while self._most_bytes and len(self._shown) > max(LEAST, self._most_bytes // frame.picture.nbytes):
                self._shown.popleft()
