"""How much of the server's disk one person may fill with takes."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable

from studio.ui.errors import QuotaExceeded

TAKES_AT_ONCE = 20
TAKES_A_SECOND = 0.1


class DiskQuota:
    """Bytes and takes by the address they came from. limit: bytes each; None is as much as there is room for."""

    def __init__(self, limit: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._bytes: dict[str, int] = defaultdict(int)
        self._begun: dict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def begin_take(self, address: str) -> None:
        """Count a take; raises QuotaExceeded for too many in a short time, or where the disk's share is used up."""
        with self._lock:
            now, window = self._clock(), TAKES_AT_ONCE / TAKES_A_SECOND
            recent = [then for then in self._begun[address] if now - then < window]
            if len(recent) >= TAKES_AT_ONCE:
                wait = round(recent[0] + window - now) + 1
                raise QuotaExceeded(f"{TAKES_AT_ONCE} takes were begun within {window:g} s; the next may in {wait} s")
            if self.is_full(address):
                filled = self._bytes[address] / 1e9
                raise QuotaExceeded(
                    f"your takes fill {filled:.1f} GB, as much as this server keeps for one person; download them, "
                    "and ask whoever runs it to make room"
                )
            self._begun[address] = [*recent, now]

    def is_full(self, address: str, more: int = 0) -> bool:
        """Whether an address has used up its share, with so many bytes more."""
        return self.limit is not None and self._bytes[address] + more >= self.limit

    def add(self, address: str, size: int) -> None:
        """Count bytes that were written."""
        with self._lock:
            self._bytes[address] += size
