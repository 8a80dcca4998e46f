"""How much time may go into reading one person's new words."""

from __future__ import annotations

from collections.abc import Callable

READING_SHARE = 0.2  # of the time may go into reading one page's new words, which take the time of all others' frames
READING_AT_ONCE = 2.0  # seconds
LONGEST_WAIT = 2.0  # seconds: words that take a minute to read are waited for once, and not again five times as long


class ReadingBudget:
    """A bucket of seconds for reading what one person sends: words that are new to a model take time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._at = clock, clock()
        self._left = READING_AT_ONCE

    @property
    def wait(self) -> float:
        """Seconds until there is something left; 0 if there is."""
        self._refill()
        return max(0.0, -self._left / READING_SHARE)

    def spend(self, seconds: float) -> None:
        """Take what was used."""
        self._refill()
        self._left = max(self._left - seconds, -LONGEST_WAIT * READING_SHARE)

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(READING_AT_ONCE, self._left + (now - self._at) * READING_SHARE)
        self._at = now
