"""A page's connection carried by plain HTTP, where no socket comes through."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.ui.connection import Connection
from studio.ui.connections import Connections
from studio.ui.protocol import Error
from studio.ui.security import LARGEST_MESSAGE, LARGEST_UPLOAD

OCTETS = "application/octet-stream"
PULL_WAIT = 10.0  # seconds a pull waits for a frame
PULL_PATIENCE = 3  # heartbeats without a pull or an up; fewer, as HTTP has no hanging up and a closed page holds a seat


class Pull:
    """The addresses a page asks in turn: `/link` once, then `/frame` and `/up` again and again."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def open(self, request: Request) -> Response:
        """Open a connection with a ticket."""
        ticket = request.headers.get("x-studio-ticket", "")
        connection = self._connections.admit(ticket, PULL_PATIENCE) if self._connections.is_ours(request) else None
        if connection is None:
            return problem(403, "this ticket is used, too old or not ours; reload the page")
        return messages(connection, token=connection.token)

    async def frame(self, request: Request) -> Response:
        """Answer 200 with a frame, or 204 if none came in ten seconds (paused)."""
        connection = self._connections.asking(request)
        if connection is None or connection.closed:
            return ended(connection)
        with connection.heartbeat.answering():
            data = await connection.wait_frame(PULL_WAIT)
        if connection.closed:
            return ended(connection)
        if data is None:
            return Response(status_code=204)
        return Response(data, media_type=OCTETS, headers={"cache-control": "no-store"})

    async def up(self, request: Request) -> Response:
        """Take `{"messages": [...]}`, or a picture's bytes; what there is to tell comes back as messages."""
        connection = self._connections.asking(request)
        if connection is None or connection.closed:
            return ended(connection)
        picture = request.headers.get("content-type") == OCTETS
        largest = LARGEST_UPLOAD if picture else LARGEST_MESSAGE
        body = await read_body(request, largest)
        if body is None:
            return problem(413, f"at most {largest} bytes are possible; send less at once")
        try:
            # Not while the body comes: of one that is cut off by a dead line no end is seen.
            with connection.heartbeat.answering():
                if picture:
                    connection.accept(body)
                else:
                    connection.accept_all(json.loads(body)["messages"])
            await connection.work()
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            connection.send(Error(f"not understood: {error}"))
        return messages(connection)


def messages(connection: Connection, **more: str) -> Response:
    """Give the notifications there are."""
    begun = "".join(f"{json.dumps(name)}: {json.dumps(value)}, " for name, value in more.items())
    text = f'{{{begun}"messages": [{", ".join(connection.drain())}]}}'  # they are JSON already
    return Response(text, media_type="application/json")


LINK_CLOSED = "this link is closed; the page opens a new one by itself, then try again"


async def read_body(request: Request, largest: int) -> bytes | None:
    """Give the request's body, read no further than `largest` bytes; None if there is more."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            return None
    return bytes(body)


def ended(connection: Connection | None) -> Response:
    """Refuse a pull, with the close code that a socket would have had, while that is known.

    A superseded page must learn that it is: at a plain refusal it would come back and take the seat from the other.
    """
    if connection is None or connection.closed is None:
        return problem(403, "this link is closed; the page opens a new one by itself")
    code = connection.closed
    return JSONResponse({"error": code.words, "code": int(code)}, status_code=403)


def problem(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status)
