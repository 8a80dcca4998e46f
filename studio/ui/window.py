"""How many frames may be on their way to a page at once."""

from __future__ import annotations

from collections import deque
from statistics import median

NARROWEST, WIDEST = 2, 8
PATIENCE = 2.0  # seconds after which a frame without an acknowledgement counts as lost
LONGEST_PATIENCE = 15.0  # where acknowledgements are known to come late
SLOW = 0.4  # seconds: a round trip beyond, most of it waiting, is a reader that wants one frame at a time


class Window:
    """A congestion window in frames, steered by delay (TCP Vegas, Brakmo and Peterson 1995).

    Frames that wait somewhere on the way are `queued = size (1 - shortest / typical round trip)`. Less than 0.8 of
    them: the window may grow, up to what fills the line at its frame rate. More than 1.3: it shrinks, and to one frame
    for a reader that is slow itself. A late acknowledgement still says how late they come. The shortest
    round trip is that of the whole life, small pings before the first frame included: a minimum over the last seconds
    creeps upward with the queue it should reveal.
    """

    def __init__(self) -> None:
        self.size = NARROWEST
        self.shortest = float("inf")
        self._sent: dict[int, float] = {}
        self._recent: deque[float] = deque(maxlen=12)
        self._acknowledged: deque[float] = deque(maxlen=24)

    @property
    def typical(self) -> float:
        """The median round trip of the last frames, in seconds; 0 before the first."""
        return median(self._recent) if self._recent else 0.0

    def open(self, now: float) -> bool:
        """May another frame go out?"""
        for sequence in [sequence for sequence, then in self._sent.items() if now - then > LONGEST_PATIENCE]:
            del self._sent[sequence]
        patience = min(max(PATIENCE, 3 * self.typical), LONGEST_PATIENCE)
        return sum(now - then <= patience for then in self._sent.values()) < self.size

    def pinged(self, round_trip: float) -> None:
        """A small message came back after that many seconds."""
        self.shortest = min(self.shortest, max(round_trip, 1e-4))

    def sent(self, sequence: int, now: float) -> None:
        self._sent[sequence] = now

    def acknowledged(self, sequence: int, now: float) -> None:
        """The page has drawn this frame; a number it was never sent is ignored."""
        then = self._sent.pop(sequence, None)
        if then is None:
            return
        self.pinged(now - then)
        self._recent.append(now - then)
        self._acknowledged.append(now)
        if len(self._recent) > 2 and self.typical > SLOW and self.shortest < SLOW / 2:
            self.size = 1  # what waits behind another at a slow reader is old when it is read
        elif len(self._recent) == self._recent.maxlen:
            self._steer()

    def _steer(self) -> None:
        queued = self.size * (1 - self.shortest / max(self.typical, 1e-6))
        span = self._acknowledged[-1] - self._acknowledged[0]
        rate = (len(self._acknowledged) - 1) / span if span > 0 else 0.0
        if self.size < NARROWEST and self.typical < SLOW / 3:
            self.size = NARROWEST
            self._recent.clear()
        elif queued < 0.8 and self.shortest * rate + 1.5 > self.size and self.size < WIDEST:
            self.size += 1
            self._recent.clear()
        elif queued > 1.3 and self.size > NARROWEST:
            self.size -= 1
            self._recent.clear()
