"""The server's own addresses, beside Gradio's and under its prefix, so that what lets Gradio through lets them.

ticket    POST: a seat, and a one-time ticket to it, for programs (a page asks Gradio)
ws        WebSocket: frames down, messages both ways
link      POST: the same by plain HTTP, where no socket comes through: opens a connection
frame     GET: the newest frame not yet had, as soon as there is one
up        POST: messages up, messages down; or one picture up, as the socket takes it
open      POST: a take, or what carries one, which is opened at the page's seat
motion    POST: a driving video, whose motion the page is told
cut       POST: a picture, out of which a subject of one's own is cut for the page
view      GET: the picture alone, as a page for a projector, by its secret
watch     WebSocket: the frames to that page
mjpeg     GET: the same picture as MJPEG, for other programs
download  GET: a score, a video, a snapshot, by its secret
web       GET: the page's script and style
openapi.json  GET: what all of these take and give
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from studio.presets import Preset
from studio.ui.admission import Admission
from studio.ui.api import openapi
from studio.ui.connections import HEARTBEAT, Connections
from studio.ui.driving import Driving
from studio.ui.dropped import Dropped
from studio.ui.own_pictures import OwnPictures
from studio.ui.pull import Pull, problem
from studio.ui.seats import Seats
from studio.ui.security import HostPolicy
from studio.ui.sockets import serve_socket
from studio.ui.watching import Watching

PREFIX = "/gradio_api/studio"
WEB = Path(__file__).parent / "web"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
log = logging.getLogger("studio")


class Routes:
    """The addresses over one set of seats.

    beside: what runs while the server does, entered with it.
    """

    def __init__(
        self,
        seats: Seats,
        presets: Mapping[str, Preset],
        heartbeat: float = HEARTBEAT,
        clock: Callable[[], float] = time.monotonic,
        policy: HostPolicy | None = None,
    ) -> None:
        self.seats = seats
        self.connections = Connections(seats, presets, heartbeat, clock, policy)
        self.tickets = self.connections.tickets
        self.beside: list[contextlib.AbstractContextManager[object]] = []
        self.admission = Admission(self.connections)
        self._web = {path.name for path in WEB.iterdir() if path.suffix in MEDIA_TYPES}

    def table(self) -> list[BaseRoute]:
        """Give the routes for `demo.launch(app_kwargs={"routes": ...})`."""
        pull, watching = Pull(self.connections), Watching(self.connections)
        return [
            Route(f"{PREFIX}/ticket", self.admission.ask, methods=["POST"]),
            WebSocketRoute(f"{PREFIX}/ws", self.socket),
            Route(f"{PREFIX}/link", pull.open, methods=["POST"]),
            Route(f"{PREFIX}/frame", pull.frame),
            Route(f"{PREFIX}/up", pull.up, methods=["POST"]),
            Route(f"{PREFIX}/open", Dropped(self.connections).open, methods=["POST"]),
            Route(f"{PREFIX}/motion", Driving(self.connections).find, methods=["POST"]),
            Route(f"{PREFIX}/cut", OwnPictures(self.connections).cut, methods=["POST"]),
            Route(f"{PREFIX}/view/{{secret}}", watching.page),
            WebSocketRoute(f"{PREFIX}/watch/{{secret}}", watching.socket),
            Route(f"{PREFIX}/mjpeg/{{secret}}", watching.mjpeg),
            Route(f"{PREFIX}/download/{{secret}}", self.download),
            Route(f"{PREFIX}/web/{{name}}", self.web),
            Route(f"{PREFIX}/openapi.json", self.openapi),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """Sweep seats while the server runs and close them when it stops."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            with contextlib.ExitStack() as beside:
                for one in self.beside:
                    beside.enter_context(one)
                yield
        finally:
            sweeper.cancel()
            await asyncio.to_thread(self.seats.close_all)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self.connections.heartbeat))
            self.connections.beat()
            try:
                await asyncio.to_thread(self.seats.sweep)
            except Exception:  # one seat's trouble must not keep the others from being looked after
                log.exception("a seat could not be closed")

    async def socket(self, socket: WebSocket) -> None:
        """Carry a page's connection."""
        await serve_socket(self.connections, socket)

    async def download(self, request: Request) -> Response:
        """Give what a seat offers under a secret."""
        for seat in self.seats.taken.values():
            if item := seat.downloads.get(request.path_params["secret"]):
                if isinstance(item.content, Path):
                    if not item.content.is_file():
                        return problem(404, f"{item.name} is no longer there: somebody has moved or deleted it")
                    return FileResponse(item.content, media_type=item.media_type, filename=item.name)
                headers = {"content-disposition": f'attachment; filename="{item.name}"'}
                return Response(item.content, media_type=item.media_type, headers=headers)
        return problem(404, "this download is no longer on offer; your takes are in the folder takes/")

    async def web(self, request: Request) -> Response:
        """Give a script or a style of the page."""
        name = request.path_params["name"]
        if name not in self._web:
            return problem(404, f"the page has no file {name[:100]}")
        path = WEB / name
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers={"cache-control": "no-cache"})

    async def openapi(self, request: Request) -> Response:
        """Give the description of these addresses and of every message, as OpenAPI 3.1."""
        return JSONResponse(openapi(request.scope.get("root_path", "")))
