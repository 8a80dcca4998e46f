"""The mailbox: one place, always the newest frame."""

from __future__ import annotations

import threading
import time

from studio.frames import Frame
from studio.outputs.timeline import Timeline


class Latest:
    """Shows the newest frame; a reader that is slow misses frames, and never waits for an old one.

    Frames that were made ahead are there when they are due.
    """

    def __init__(self) -> None:
        self.closed = False
        self._timeline = Timeline()
        self._changed = threading.Condition()

    @property
    def serial(self) -> int:
        """How many frames came; unlike a frame's index it never goes back at a reset."""
        return self._timeline.look()[0]

    def put(self, frame: Frame) -> None:
        """Add a frame."""
        with self._changed:
            self._timeline.put(frame)
            self._changed.notify_all()

    def read(self, after: int = 0, timeout: float | None = None) -> tuple[int, Frame] | None:
        """Wait for a frame newer than serial `after`: (serial, frame); None at the timeout (seconds) or once closed."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while True:
                serial, shown = self._timeline.look()
                if serial > after:
                    return serial, shown[-1]
                left = None if end is None else end - time.monotonic()
                if self.closed or (left is not None and left <= 0):
                    return None
                waits = [wait for wait in (left, self._timeline.wait()) if wait is not None]
                self._changed.wait(min(waits, default=None))

    def close(self) -> None:
        """Wake who reads, and give nothing more."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()
