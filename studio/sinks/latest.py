"""The mailbox: one place, always the newest frame."""

from __future__ import annotations

import threading

from studio.frames import Frame


class Latest:
    """Keeps the newest frame; a reader that is slow misses frames, and never waits for an old one.

    `serial` counts the frames put here, and unlike a frame's index it never goes back at a reset.
    """

    def __init__(self) -> None:
        self.serial = 0
        self.frame: Frame | None = None
        self.closed = False
        self._changed = threading.Condition()

    def put(self, frame: Frame) -> None:
        with self._changed:
            self.frame = frame
            self.serial += 1
            self._changed.notify_all()

    def read(self, after: int = 0, timeout: float | None = None) -> tuple[int, Frame] | None:
        """(serial, frame) of the newest, once newer than serial `after`; None at the timeout (seconds) or closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.serial > after or self.closed, timeout)
            if self.frame is None or self.serial <= after:
                return None
            return self.serial, self.frame

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
