"""The picture of a seat at an address of its own: a page for a projector, its socket, and MJPEG for other programs.

Who has the address sees the picture and can change nothing. A login holds, as for everything under this prefix.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.ui.connections import Connections
from studio.ui.protocol import CloseCode
from studio.ui.pull import problem
from studio.ui.sockets import PROTOCOL, converse, hang_up
from studio.ui.viewers import NOBODY, TooManyViewers, Viewer

if TYPE_CHECKING:
    from studio.ui.seat import Seat

PAGE = Path(__file__).parent / "web" / "view.html"
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"}
BOUNDARY = "frame"
MJPEG = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
AGAIN = 2.0  # seconds after which a picture that stands is sent again, for players that take silence for the end


class Watching:
    """The addresses `view/SECRET`, `watch/SECRET` and `mjpeg/SECRET` over the seats of a server."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def page(self, request: Request) -> Response:
        """Give the projector's page, for any secret: it waits until there is a picture."""
        return FileResponse(PAGE, media_type="text/html", headers=PRIVATE)

    async def socket(self, socket: WebSocket) -> None:
        """Carry the frames to a projector's page."""
        if not self._connections.is_ours(socket):
            await socket.close(CloseCode.POLICY)
            return
        await socket.accept(subprotocol=PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
        seat = self._seat(socket.path_params["secret"])
        with contextlib.suppress(WebSocketDisconnect):
            if seat is None:
                if self._connections.seats.has_withdrawn(socket.path_params["secret"]):
                    await hang_up(socket, CloseCode.WITHDRAWN)
                else:
                    await socket.close(int(CloseCode.POLICY), NOBODY)
                return
            viewer = Viewer(seat.mailbox, seat.dial.sending)
            try:
                seat.viewers.enter(viewer)
            except TooManyViewers as error:
                await socket.close(int(CloseCode.POLICY), str(error))
                return
            self._connections.viewers.add(viewer)
            try:
                await converse(socket, viewer)
            finally:
                self._connections.viewers.discard(viewer)
                seat.viewers.leave(viewer)

    async def mjpeg(self, request: Request) -> Response:
        """Give the newest picture again and again, as JPEG; a reader that is slow gets fewer."""
        seat = self._seat(request.path_params["secret"])
        if seat is None:
            return problem(404, NOBODY)
        if request.method == "HEAD":
            return Response(media_type=MJPEG, headers=PRIVATE)
        viewer = Viewer(seat.mailbox, seat.dial.sending)
        try:
            seat.viewers.enter(viewer, mjpeg=True)
        except TooManyViewers as error:
            return problem(503, str(error))
        return StreamingResponse(parts(seat, viewer), media_type=MJPEG, headers=PRIVATE)

    def _seat(self, secret: str) -> Seat | None:
        return self._connections.seats.viewed(secret)


async def parts(seat: Seat, viewer: Viewer) -> AsyncIterator[bytes]:
    """Yield JPEG pictures as the parts of one answer, the newest each time the reader has taken the last.

    The boundary behind a picture goes with it: players show a picture once they see it.
    """
    mailbox, seen = seat.mailbox, 0
    try:
        yield f"--{BOUNDARY}\r\n".encode()
        while not viewer.closed:
            if mailbox.count == seen and not await viewer.bell.wait(mailbox.wait(AGAIN)) and mailbox.newest is None:
                continue
            frame, seen = mailbox.newest, mailbox.count
            if frame is None or viewer.closed:
                continue
            jpeg = await asyncio.to_thread(seat.dial.sending.jpeg, frame)
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
            yield head + jpeg + f"\r\n--{BOUNDARY}\r\n".encode()
    finally:
        seat.viewers.leave(viewer)
