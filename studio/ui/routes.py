"""The addresses of the link, beside Gradio's own and under its prefix, so that what lets Gradio through lets them.

ws        WebSocket: frames down, messages both ways
link      POST: the same by plain HTTP, where no socket comes through: opens a link
frame     GET: the newest frame not yet had, as soon as there is one
up        POST: messages up, messages down; or one picture up, as the socket takes it
download  GET: a score, a video, a snapshot, by its secret
web       GET: the page's script and style
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.ui.link import SOCKET_PATIENCE, Link, LinkError, Presets
from studio.ui.seats import CloseCode, Seats
from studio.ui.security import LARGEST_MESSAGE, LARGEST_UPLOAD, Tickets, same_origin

PREFIX = "/gradio_api/studio"
PROTOCOL = "studio.v1"
WEB = Path(__file__).parent / "web"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FIRST_WORD = 5.0  # seconds a socket may be silent after its handshake
OCTETS = "application/octet-stream"
PULL_WAIT = 10.0  # seconds a pull waits for a frame
HEARTBEAT = 5.0  # seconds between two pings to a page
PULL_PATIENCE = 3  # heartbeats without a pull or an up; fewer, as HTTP has no hanging up and a closed page holds a seat
log = logging.getLogger("studio")


class Routes:
    """The link's addresses over one set of seats."""

    def __init__(
        self,
        seats: Seats,
        presets: Presets,
        heartbeat: float = HEARTBEAT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seats = seats
        self.tickets = Tickets()
        self.links: dict[str, Link] = {}
        self.heartbeat = heartbeat
        self._presets, self._clock = presets, clock
        self._beat_at = clock()

    def table(self) -> list[BaseRoute]:
        """For `demo.launch(app_kwargs={"routes": ...})`."""
        return [
            WebSocketRoute(f"{PREFIX}/ws", self.socket),
            Route(f"{PREFIX}/link", self.open_pull, methods=["POST"]),
            Route(f"{PREFIX}/frame", self.frame),
            Route(f"{PREFIX}/up", self.up, methods=["POST"]),
            Route(f"{PREFIX}/download/{{secret}}", self.download),
            Route(f"{PREFIX}/web/{{name}}", self.web),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Sweeps seats while the server runs and closes them when it stops."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeper.cancel()
            await asyncio.to_thread(self.seats.close_all)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self.heartbeat))
            self.beat()
            try:
                await asyncio.to_thread(self.seats.sweep)
            except Exception:  # one seat's trouble must not keep the others from being looked after
                log.exception("a seat could not be closed")

    def beat(self) -> None:
        """Once every `heartbeat` seconds, ping every page and end the links whose page answers no more.

        uvicorn pings sockets too, and so finds the lines that are dead; but there the browser answers, or a proxy. This
        asks the page itself, by either transport. A page in the background can answer: only its timers are throttled.
        On its own, so that the task that sweeps for ever holds on to no link, nor to its session's model.
        """
        now = self._clock()
        if now - self._beat_at < self.heartbeat:
            return
        self._beat_at = now
        for link in list(self.links.values()):
            if link.heartbeat.silent:
                link.end(CloseCode.SILENT)
                self._forget(link)
            else:
                link.beat()

    # -- opening and closing ------------------------------------------------------------------------------------------

    def _open(self, ticket: str, patience: int) -> Link | None:
        """A link to the seat the ticket is for; the seat's earlier link is told and ends."""
        seat = self.seats.find(self.tickets.burn(ticket))
        if seat is None:
            return None
        link = Link(seat, self._presets, self._clock, patience)
        self.links[link.token] = link
        before = seat.attach(link)
        if before is not None:
            before.say("superseded", message=CloseCode.SUPERSEDED.words)
            before.end(CloseCode.SUPERSEDED)
        link.greet()
        return link

    def _forget(self, link: Link) -> None:
        self.links.pop(link.token, None)
        link.seat.detach(link)

    # -- WebSocket ----------------------------------------------------------------------------------------------------

    async def socket(self, socket: WebSocket) -> None:
        """Ticket and Origin first; the ticket is used up by the first message, because a proxy may swallow the answer
        to a handshake, and the page then falls back to pulling with the same ticket."""
        ticket = next((name[7:] for name in socket.scope["subprotocols"] if name.startswith("ticket.")), "")
        if not self._ours(socket) or not self.tickets.valid(ticket):
            await socket.close(CloseCode.POLICY)  # before accept: the browser sees 403
            return
        await socket.accept(subprotocol=PROTOCOL)
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            await asyncio.wait_for(socket.receive_text(), FIRST_WORD)
            if link := self._open(ticket, SOCKET_PATIENCE):
                await self._converse(socket, link)
            else:
                await hang_up(socket, CloseCode.POLICY)

    async def _converse(self, socket: WebSocket, link: Link) -> None:
        """Both directions until one of them ends."""

        async def until_gone(talk: Callable[[WebSocket, Link], Awaitable[None]]) -> None:
            with contextlib.suppress(WebSocketDisconnect):
                await talk(socket, link)
            group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(until_gone, self._listen)
                group.start_soon(until_gone, self._tell)
        finally:
            self._forget(link)

    async def _listen(self, socket: WebSocket, link: Link) -> None:
        strikes = 0
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            with link.heartbeat.answering():
                heard = await link.hear(message.get("text") or message.get("bytes") or "")
            strikes = 0 if heard else strikes + 1
            if strikes > 300:
                await hang_up(socket, CloseCode.POLICY)
                return

    async def _tell(self, socket: WebSocket, link: Link) -> None:
        while True:
            texts = link.news()
            for text in texts:
                await socket.send_text(text)
            if link.closed:
                await hang_up(socket, link.closed)
                return
            if link.has_frame():
                if data := await link.next_frame():
                    await socket.send_bytes(data)
            elif not texts:
                await link.bell.wait(link.seat.mailbox.wait(0.25))

    # -- pull ---------------------------------------------------------------------------------------------------------

    async def open_pull(self, request: Request) -> Response:
        ticket = request.headers.get("x-studio-ticket", "")
        link = self._open(ticket, PULL_PATIENCE) if self._ours(request) else None
        if link is None:
            return problem(403, "this ticket is used, too old or not ours; reload the page")
        return JSONResponse({"token": link.token, "messages": [json.loads(text) for text in link.news()]})

    async def frame(self, request: Request) -> Response:
        """200 with a frame, or 204 if none came in ten seconds (paused)."""
        link = self._link(request)
        if link is None or link.closed:
            return ended(link)
        with link.heartbeat.answering():
            data = await link.frame(PULL_WAIT)
        if link.closed:
            return ended(link)
        if data is None:
            return Response(status_code=204)
        return Response(data, media_type=OCTETS, headers={"cache-control": "no-store"})

    async def up(self, request: Request) -> Response:
        """Messages up as `{"messages": [...]}`; what there is to tell comes back the same way."""
        link = self._link(request)
        if link is None or link.closed:
            return ended(link)
        picture = request.headers.get("content-type") == OCTETS
        largest = LARGEST_UPLOAD if picture else LARGEST_MESSAGE
        body = await read(request, largest)
        if body is None:
            return problem(413, f"at most {largest} bytes are possible; send less at once")
        try:
            with link.heartbeat.answering():  # not while the body comes: of one cut off by a dead line no end is seen
                if picture:
                    await link.hear(body)
                else:
                    await link.hear_all(json.loads(body)["messages"])
        except (ValueError, KeyError, TypeError, LinkError) as error:
            link.say("error", message=f"not understood: {error}")
        return JSONResponse({"messages": [json.loads(text) for text in link.news()]})

    def _link(self, request: Request) -> Link | None:
        return self.links.get(request.headers.get("x-studio-link", "")) if self._ours(request) else None

    # -- files --------------------------------------------------------------------------------------------------------

    async def download(self, request: Request) -> Response:
        for seat in self.seats.taken.values():
            if item := seat.downloads.get(request.path_params["secret"]):
                if isinstance(item.content, Path):
                    return FileResponse(item.content, media_type=item.media_type, filename=item.name)
                headers = {"content-disposition": f'attachment; filename="{item.name}"'}
                return Response(item.content, media_type=item.media_type, headers=headers)
        return problem(404, "this download is no longer on offer; your takes are in the folder takes/")

    async def web(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = WEB / name
        if Path(name).name != name or path.suffix not in MEDIA_TYPES or not path.is_file():
            return problem(404, f"the page has no file {name}")
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers={"cache-control": "no-cache"})

    def _ours(self, connection: HTTPConnection) -> bool:
        client = connection.client.host if connection.client else None
        headers = connection.headers
        if isinstance(connection, Request) and "origin" not in headers:
            return (
                True  # a browser leaves Origin out of same-origin GETs; the secret header cannot be sent across sites
            )
        return same_origin(headers, client)


async def read(request: Request, largest: int) -> bytes | None:
    """The request's body, read no further than `largest` bytes; None if there is more."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            return None
    return bytes(body)


async def hang_up(socket: WebSocket, code: CloseCode) -> None:
    await socket.close(int(code), code.words)


def ended(link: Link | None) -> Response:
    """A pull's refusal, with the close code that a socket would have had, while that is known.

    A superseded page must learn that it is: at a plain refusal it would come back and take the seat from the other.
    """
    if link is None or link.closed is None:
        return problem(403, "this link is closed; the page opens a new one by itself")
    return JSONResponse({"error": link.closed.words, "code": int(link.closed)}, status_code=403)


def problem(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status)
