"""Who may open a link, and how much they may say.

Browsers send cookies with a WebSocket handshake from any site and ask nobody, so a link needs a ticket that only a page
served from here can have got, and an Origin that is ours.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

TICKET_SECONDS = 30.0
LARGEST_MESSAGE = 65536  # bytes; a stroke of 2048 points fits
MESSAGES_A_SECOND = 150.0
BYTES_A_SECOND = 512 * 1024.0
LARGEST_UPLOAD = 512 * 1024  # bytes of a picture and its header; 1024x1024 as JPEG fits
PICTURES_A_SECOND = 60.0
PICTURE_BYTES_A_SECOND = 8 * 1024 * 1024.0
WIDEST_PICTURE = 2048  # pixels a side: a few bytes of JPEG may unfold into gigabytes
log = logging.getLogger("studio")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Tickets:
    """One-time tickets: each opens one link to one seat, within 30 seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._good: dict[str, tuple[str, float]] = {}

    def mint(self, seat: str) -> str:
        """A new ticket for a seat."""
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            now = self._clock()
            self._good = {key: value for key, value in self._good.items() if value[1] > now}
            self._good[ticket] = (seat, now + TICKET_SECONDS)
        return ticket

    def valid(self, ticket: str) -> bool:
        """Would this ticket open a link now? It is not used up by asking."""
        with self._lock:
            _, until = self._good.get(ticket, ("", 0.0))
        return until > self._clock()

    def burn(self, ticket: str) -> str | None:
        """The seat this ticket is for, once; None for a ticket that is used, too old or made up."""
        with self._lock:
            seat, until = self._good.pop(ticket, ("", 0.0))
        return seat if until > self._clock() else None


def same_origin(headers: Mapping[str, str], client: str | None) -> bool:
    """Does the request come from a page of this server?

    A missing Origin means it does not come from a browser's page; that is trusted from this machine only.
    """
    origin = headers.get("origin")
    if origin is None:
        return client in LOOPBACK
    hosts = {headers.get("x-forwarded-host", ""), headers.get("host", "")} - {""}
    if urlsplit(origin).netloc in hosts:
        return True
    log.warning(
        "a page from %s was refused: this server is %s. If that page is this server's behind a proxy, "
        "have the proxy pass Host or X-Forwarded-Host on",
        origin,
        " or ".join(sorted(hosts)) or "nowhere it was told",
    )
    return False


class Allowance:
    """A token bucket each for messages and bytes: two seconds' worth may come at once."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        messages_a_second: float = MESSAGES_A_SECOND,
        bytes_a_second: float = BYTES_A_SECOND,
    ) -> None:
        self._clock, self._at = clock, clock()
        self._rates = (messages_a_second, bytes_a_second)
        self._left = [2 * rate for rate in self._rates]

    def spend(self, size: int) -> bool:
        """Takes a message of `size` bytes from the allowance; False if there is too little left."""
        now = self._clock()
        passed, self._at = now - self._at, now
        grown = [min(2 * rate, left + passed * rate) for rate, left in zip(self._rates, self._left)]
        left = [have - cost for have, cost in zip(grown, (1, size))]
        self._left = [max(0.0, have) for have in left]
        return min(left) >= 0
