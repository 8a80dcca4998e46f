"""A page's connection carried by a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.ui.connections import Connections
from studio.ui.frame_sender import FrameSender
from studio.ui.heartbeat import SOCKET_PATIENCE, Heartbeat
from studio.ui.mailbox import Bell
from studio.ui.protocol import CloseCode

PROTOCOL = "studio.v1"
TICKET = "ticket."  # what a page's ticket begins with, among the protocols it offers
FIRST_WORD = 5.0  # seconds a socket may be silent after its handshake
MOST_REFUSED = 300  # messages beyond the allowance, in a row


async def serve_socket(connections: Connections, socket: WebSocket) -> None:
    """Carry one page's connection.

    Ticket and Origin first; the ticket is used up by the first message, because a proxy may swallow the answer to a
    handshake, and the page then falls back to pulling with the same ticket.
    """
    offered = (name for name in socket.scope["subprotocols"] if name.startswith(TICKET))
    ticket = next(offered, "").removeprefix(TICKET)
    if not connections.is_ours(socket) or not connections.tickets.valid(ticket):
        await socket.close(CloseCode.POLICY)  # before accept: the browser sees 403
        return
    await socket.accept(subprotocol=PROTOCOL)
    with contextlib.suppress(WebSocketDisconnect, TimeoutError):
        word = await asyncio.wait_for(socket.receive(), FIRST_WORD)
        if word["type"] == "websocket.disconnect":
            return
        if connection := connections.admit(ticket, SOCKET_PATIENCE):
            try:
                await converse(socket, connection)
            finally:
                connections.forget(connection)
            await connection.work()  # what was sent before the page went counts
        else:
            await hang_up(socket, CloseCode.POLICY)


class Carried(Protocol):
    """What a socket carries: a page's connection, or one who looks on. As in `Connection`."""

    heartbeat: Heartbeat
    bell: Bell
    frames: FrameSender
    closed: CloseCode | None

    def accept(self, data: str | bytes) -> bool: ...

    async def work(self) -> None: ...

    def drain(self) -> list[str]: ...


async def converse(socket: WebSocket, connection: Carried) -> None:
    """Carry both directions until one of them ends."""

    async def until_gone(direction: Callable[[WebSocket, Carried], Awaitable[None]]) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            await direction(socket, connection)
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(until_gone, receive_all)
        group.start_soon(until_gone, work)
        group.start_soon(until_gone, send_all)


async def receive_all(socket: WebSocket, connection: Carried) -> None:
    """Take what the page says."""
    refused = 0
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        with connection.heartbeat.answering():
            taken = connection.accept(message.get("text") or message.get("bytes") or "")
        refused = 0 if taken else refused + 1
        if refused > MOST_REFUSED:
            await hang_up(socket, CloseCode.POLICY)
            return


async def work(socket: WebSocket, connection: Carried) -> None:
    """Do what the page asks for; how the connection ends is for `send_all` to say."""
    while True:
        await connection.work()
        await connection.bell.wait(1.0)


async def send_all(socket: WebSocket, connection: Carried) -> None:
    """Hand down what there is for the page: notifications first, then the newest frame."""
    while True:
        texts = connection.drain()
        for text in texts:
            await socket.send_text(text)
        if connection.closed:
            await hang_up(socket, connection.closed)
            return
        if connection.frames.ready:
            if data := await connection.frames.next():
                await socket.send_bytes(data)
        elif not texts:
            await connection.bell.wait(connection.frames.due(0.25))


async def hang_up(socket: WebSocket, code: CloseCode) -> None:
    await socket.close(int(code), code.words)
