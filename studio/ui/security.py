"""Who may open a link, and how much they may say.

Browsers send cookies with a WebSocket handshake from any site and ask nobody, so a link needs a ticket that only a page
served from here can have got, and an Origin that is ours.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

TICKET_SECONDS = 30.0
LARGEST_MESSAGE = 65536  # bytes; a stroke of 2048 points fits
MESSAGES_A_SECOND = 150.0
BYTES_A_SECOND = 512 * 1024.0
LARGEST_UPLOAD = 512 * 1024  # bytes of a picture and its header; 1024x1024 as JPEG fits
LARGEST_TAKE = 64 * 2**20  # bytes of a score with its pictures, as a file carries it
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


def same_origin(headers: Mapping[str, str], client: str | None, policy: HostPolicy | None = None) -> bool:
    """Whether a request comes from a page of this server.

    A missing Origin means it does not come from a browser's page; that is trusted from this machine only.
    """
    origin = headers.get("origin")
    if origin is None:
        return client in LOOPBACK
    hosts = {headers.get("x-forwarded-host", ""), headers.get("host", "")} - {""}
    if netloc(origin) in hosts or (policy and policy.vouches_for(origin)):
        return True
    log.warning(
        "a page from %s was refused: this server is %s. If that page is this server's behind a proxy, "
        "have the proxy pass Host or X-Forwarded-Host on, or name it with --allowed-host",
        origin,
        " or ".join(sorted(hosts)) or "nowhere it was told",
    )
    return False


def person_address(headers: Mapping[str, str], client: str | None) -> str:
    """Give the address of the machine a person is at, as far as it is known; empty where it is not.

    Behind a proxy of one's own network that is the last one in `X-Forwarded-For`, which the proxy itself wrote there.
    """
    forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    behind = client is not None and is_address(client) and ipaddress.ip_address(client).is_private
    return forwarded if behind and is_address(forwarded) else client or ""


def netloc(origin: str) -> str:
    """Give the host and port of an origin; empty for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


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


@dataclass(frozen=True)
class HostPolicy:
    """The names a server answers to, in `Host` and `X-Forwarded-Host`.

    A page of another site can have its own name lead here (DNS rebinding) and is then of the same origin as this
    server, in the browser's eyes: only the name that was asked for tells it apart. An address in numbers is nobody's to
    lead anywhere, so those are answered. given: the names the host said, "*.example.org" with all below it.
    """

    given: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    @classmethod
    def of(cls, host: str, given: Iterable[str] = (), share: bool = False) -> HostPolicy:
        """Make the policy of a server that listens at an address; `share`: it has one of Gradio's public names too."""
        own = {"localhost", "*.localhost", host_name(host), socket.gethostname().lower()}
        own |= {f"{name}.local" for name in own if "." not in name and name not in ("localhost", "")}
        own |= {os.environ.get("SPACE_HOST", "").lower()} | ({"*.gradio.live"} if share else set())
        return cls(frozenset(host_name(name) for name in given), frozenset(own - {""}))

    def allows(self, host: str) -> bool:
        """Whether the server answers to what a `Host` header says; no browser leaves it out, so an empty one is let."""
        name = host_name(host)
        return not name or is_address(name) or matches(name, self.own | self.given)

    def vouches_for(self, origin: str) -> bool:
        """Whether the host said that pages of this origin are the server's, whatever name a proxy passes on."""
        return matches(host_name(netloc(origin)), self.given)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of the patterns, or below one that begins with "*."."""
    return any(name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern for pattern in patterns)


def host_name(host: str) -> str:
    """Give the name in a `Host` header, without port: "Studio.Example:7860" is studio.example, "[::1]:80" is ::1."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name = host if host.count(":") > 1 else host.partition(":")[0]
    return name.removesuffix(".")


def is_address(name: str) -> bool:
    """Whether a host is an address in numbers."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
