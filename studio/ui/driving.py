"""The address that a page sends a driving video to, whose motion becomes strokes."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.ui.connections import Connections
from studio.ui.motion_job import begin
from studio.ui.pull import LINK_CLOSED, problem, read_body

LARGEST = 64 * 2**20  # bytes of a video


class Driving:
    """Takes the videos that pages send, and finds their motion at the page's seat; a newer one ends an older."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def find(self, request: Request) -> Response:
        """Take a video's bytes; what comes of it the page is told (`MotionFound`)."""
        connection = self._connections.asking(request)
        if connection is None or connection.closed:
            return problem(403, LINK_CLOSED)
        data = await read_body(request, LARGEST)
        if data is None:
            return problem(413, f"a driving video has at most {LARGEST / 1e6:.0f} MB; send a shorter or smaller one")
        connection.seat.touch()
        begin(connection.seat, data, unquote(request.headers.get("x-studio-name", "")) or "the video")
        return JSONResponse({})
