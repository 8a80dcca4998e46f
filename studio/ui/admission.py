"""Letting somebody in: a seat, and a one-time ticket to it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.ui.connections import Connections
from studio.ui.errors import Waiting
from studio.ui.pull import problem, read_body
from studio.ui.security import person_address

LARGEST = 1024  # bytes of a request for a ticket
SESSION_GONE = (
    "Your session here has ended, and this is a new one: prompt, strokes and takes of the last are not on this page. "
    "What was played is kept as a score in the server's folder for takes."
)


class Admission:
    """Gives seats and tickets to pages and to programs."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def admit(self, asked: object, headers: Mapping[str, str], client: str | None) -> dict[str, str]:
        """Give a seat and a ticket to it, or why there is none ("waiting"); and what is gone, if it is another seat.

        asked: `{"seat": id}` of who had one. client: the address that asks.
        """
        before = seat_id(asked)
        try:
            seat = self._connections.seats.sit(before, person_address(headers, client))
        except Waiting as error:
            return {"waiting": str(error)}
        gone = {"gone": SESSION_GONE} if before and seat.id != before else {}
        return {"seat": seat.id, "ticket": self._connections.tickets.mint(seat.id), **gone}

    async def ask(self, request: Request) -> Response:
        """Give a seat and a ticket that opens one link to it within 30 seconds, or why one has to wait."""
        client = request.client.host if request.client else None
        if not self._connections.is_ours(request):
            return problem(403, "a program on another machine sends this server's own address as Origin")
        body = await read_body(request, LARGEST)
        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            asked = None
        if body is None or not isinstance(asked, dict):
            return problem(400, 'send nothing, or {"seat": "the seat you had"} as JSON')
        admitted = self.admit(asked, request.headers, client)
        return JSONResponse(admitted, status_code=503 if "waiting" in admitted else 200)


def seat_id(asked: object) -> str | None:
    """Give the seat that a page says it had; None for a new page, and for anything that is no id."""
    seat = asked.get("seat") if isinstance(asked, dict) else None
    return seat if isinstance(seat, str) else None
