"""Is the page still there?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

SOCKET_PATIENCE = 9  # heartbeats a page may leave unanswered
PINGS_KEPT = 64  # whose answers may still come


class Heartbeat:
    """Asks the page with every beat whether it is there, and takes whatever it says for an answer.

    Silence is counted in beats and not in seconds: a server that itself stood still (a suspended machine, a compiler
    that holds the interpreter) asked nobody meanwhile, and must take nobody for gone when it goes on.
    """

    def __init__(self, clock: Callable[[], float], patience: int = SOCKET_PATIENCE) -> None:
        self.patience = patience
        self._clock = clock
        self._unanswered = self._in_progress = self._number = 0
        self._sent: dict[int, float] = {}

    @property
    def silent(self) -> bool:
        """Whether the page has left so many beats unanswered that it is taken for gone."""
        return self._unanswered >= self.patience

    def beat(self) -> int:
        """Count one beat more without an answer; give the number to ping with."""
        if not self._in_progress:
            self._unanswered += 1
        return self.ping()

    def ping(self) -> int:
        """Give the number of a ping that goes out now.

        None comes twice, so that no late answer shortens a round trip.
        """
        self._number += 1
        self._sent[self._number] = self._clock()
        self._sent.pop(self._number - PINGS_KEPT, None)
        return self._number

    def round_trip(self, number: int) -> float | None:
        """Give the seconds from a ping to its answer, which comes now; None for a number that is not out."""
        then = self._sent.pop(number, None)
        return None if then is None else self._clock() - then

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """The page has said or asked something, and is not silent while that is in hand: reading a prompt may take a
        minute, in which nothing else of the page's is heard."""
        self._in_progress += 1
        try:
            yield
        finally:
            self._in_progress -= 1
            self._unanswered = 0
