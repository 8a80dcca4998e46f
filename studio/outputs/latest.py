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
        """Counts the frames that came, and unlike a frame's index never goes back at a reset."""
        return self._timeline.look()[0]

    def put(self, frame: Frame) -> None:
        with self._changed:
            self._timeline.put(frame)
            self._changed.notify_all()

    def read(self, after: int = 0, timeout: float | None = None) -> tuple[int, Frame] | None:
        """(serial, frame) of the newest, once newer than serial `after`; None at the timeout (seconds) or closed."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while True:
                serial, seen = self._timeline.look()
                if serial > after:
                    return serial, seen[-1]
                left = None if end is None else end - time.monotonic()
                if self.closed or (left is not None and left <= 0):
                    return None
                waits = [wait for wait in (left, self._timeline.wait()) if wait is not None]
                self._changed.wait(min(waits, default=None))

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
