"""The address that a page sends a take to, or what of a picture or a video carries one."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.controls import state_message
from studio.ui.commands.moments import send_take
from studio.ui.connection import Connection
from studio.ui.connections import Connections
from studio.ui.errors import TakeRefused
from studio.ui.opened import open_take
from studio.ui.protocol import StateChanged, TakeSaved
from studio.ui.pull import LINK_CLOSED, problem, read_body
from studio.ui.security import LARGEST_TAKE


class Dropped:
    """Opens takes at the seat of the page that sends them; one at a time for each page."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._busy: set[Connection] = set()

    async def open(self, request: Request) -> Response:
        """Take a file's bytes; the answer says what is not as it was, or why nothing was opened."""
        connection = self._connections.asking(request)
        if connection is None or connection.closed:
            return problem(403, LINK_CLOSED)
        if connection in self._busy:
            return problem(429, "another take is being opened; wait for it")
        self._busy.add(connection)
        try:
            data = await read_body(request, LARGEST_TAKE)
            if data is None:
                return problem(413, f"a take has at most {LARGEST_TAKE / 1e6:.0f} MB; nothing was opened")
            return await self._open(connection, data, unquote(request.headers.get("x-studio-name", "")))
        finally:
            self._busy.discard(connection)

    async def _open(self, connection: Connection, data: bytes, name: str) -> Response:
        connection.seat.touch()
        try:
            with connection.heartbeat.answering():
                opened = await asyncio.to_thread(open_take, connection.seat, data, name)
        except TakeRefused as error:
            return JSONResponse({"error": str(error)})  # an answer, and no fault: a browser's console stays clean
        if opened.recorded:
            send_take(connection, opened.recorded)
        connection.send(TakeSaved(opened.take))
        connection.updates.restart_receipts()
        connection.send(StateChanged(state_message(connection.seat.state)))
        connection.updates.tell_timeline()
        return JSONResponse({"take": opened.take.name, "frames": opened.take.frames, "remarks": opened.remarks})
