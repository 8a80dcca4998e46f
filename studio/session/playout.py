"""When the frames of a running session are shown, and when the next are to be drawn.

A video model draws a chunk's pictures at once. They are shown evenly, and meanwhile the next chunk is drawn: no earlier
than it must be to be there when the last picture has had its time, so that it hears the newest controls.
"""

from __future__ import annotations

from collections import deque
from statistics import median

RECENT = 5  # draws that the next one is judged by
MARGIN = 1.1  # it may take longer than the longest of them


class Playout:
    """The times of frames, in seconds of one clock; fps: the most frames a second, None for as many as are made."""

    def __init__(self, fps: float | None = None) -> None:
        self._shortest = 1 / fps if fps else 0.0
        self._end = 0.0  # when all that was made has been shown
        self._draw_seconds: deque[float] = deque(maxlen=RECENT)
        self._due: deque[float] = deque()  # of the pictures to come

    def due(self, now: float, seconds: float, ahead: int) -> float:
        """Give when to show a frame whose step ended now, after `seconds`; ahead: pictures made with it, to come."""
        if len(self._due) != ahead + 1:
            self._due = deque(self._times(now, seconds, ahead + 1))
        return self._due.popleft()

    def wait(self, now: float, begun: int = 0) -> float:
        """Give the seconds until the next step; begun: pictures that are being made, each alone."""
        end = self._end + begun * self._shortest
        return 0.0 if self._due else max(0.0, end - MARGIN * max(self._draw_seconds, default=0.0) - now)

    def _times(self, now: float, seconds: float, count: int) -> list[float]:
        """Give the times of `count` pictures that were drawn together."""
        each = self._shortest
        if count > 1 and self._draw_seconds:  # the first draw of all also warms up: it tells nothing
            each = max(each, median((*self._draw_seconds, seconds)) / count)
        # A single picture is shown at once; one that is late is made up for by the next.
        start = max(self._end, now - (self._shortest if count == 1 else 0.0))
        self._end = start + count * each
        self._draw_seconds.append(seconds)
        return [start + number * each for number in range(count)]
