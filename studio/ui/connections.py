"""Every connection of a server: how one is opened, and when it is given up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from starlette.requests import HTTPConnection, Request

from studio.presets import Preset
from studio.ui.connection import Connection
from studio.ui.protocol import CloseCode, Restored, Superseded
from studio.ui.seats import Seats
from studio.ui.security import HostPolicy, Tickets, same_origin
from studio.ui.viewers import Viewer

HEARTBEAT = 5.0  # seconds between two pings to a page


class Connections:
    """The connections to one set of seats, by their tokens."""

    def __init__(
        self,
        seats: Seats,
        presets: Mapping[str, Preset],
        heartbeat: float = HEARTBEAT,
        clock: Callable[[], float] = time.monotonic,
        policy: HostPolicy | None = None,
    ) -> None:
        self.seats = seats
        self.tickets = Tickets()
        self.heartbeat = heartbeat
        self.open: dict[str, Connection] = {}
        self.viewers: set[Viewer] = set()
        self._presets, self._clock, self._policy = presets, clock, policy
        self._beat_at = clock()

    def admit(self, ticket: str, patience: int) -> Connection | None:
        """Open a connection to the seat a ticket is for; the seat's earlier one is told and ends. None: no such seat.

        The ticket is used up. patience: heartbeats the page may leave unanswered.
        """
        seat = self.seats.find(self.tickets.burn(ticket))
        if seat is None:
            return None
        connection = Connection(seat, self._presets, self._clock, patience)
        self.open[connection.token] = connection
        before = seat.attach(connection)
        if before is not None:
            before.send(Superseded(CloseCode.SUPERSEDED.words))
            before.end(CloseCode.SUPERSEDED)
        connection.send_hello()
        if seat.news:
            connection.send(Restored(seat.news))
            seat.news = ""
        return connection

    def forget(self, connection: Connection) -> None:
        """Take the connection off its seat."""
        self.open.pop(connection.token, None)
        connection.seat.detach(connection)

    def beat(self) -> None:
        """Once every `heartbeat` seconds, ping every page and end the connections whose page answers no more.

        uvicorn pings sockets too, and so finds the lines that are dead; but there the browser answers, or a proxy. This
        asks the page itself, by either transport. A page in the background can answer: only its timers are throttled.
        On its own, so that the task that sweeps for ever holds on to no connection, nor to its session's model.
        """
        now = self._clock()
        if now - self._beat_at < self.heartbeat:
            return
        self._beat_at = now
        for connection in list(self.open.values()):
            if connection.heartbeat.silent:
                connection.end(CloseCode.SILENT)
                self.forget(connection)
            else:
                connection.send_ping()
        for viewer in list(self.viewers):
            if viewer.heartbeat.silent:
                viewer.end(CloseCode.SILENT)
            else:
                viewer.send_ping()

    def asking(self, request: Request) -> Connection | None:
        """Give the connection whose page sent a request, by its secret header; None for a strange or an ended one."""
        return self.open.get(request.headers.get("x-studio-link", "")) if self.is_ours(request) else None

    def is_ours(self, request: HTTPConnection) -> bool:
        """Whether a request comes from a page of this server, or from a program on this machine."""
        client = request.client.host if request.client else None
        if isinstance(request, Request) and request.method == "GET" and "origin" not in request.headers:
            return True  # a browser leaves Origin out of these; the secret header cannot be sent across sites
        return same_origin(request.headers, client, self._policy)
