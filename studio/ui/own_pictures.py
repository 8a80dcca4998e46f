"""The address that a page sends a picture to, to have a subject of its own cut out of it. Nothing of it is kept."""

from __future__ import annotations

import asyncio
import base64
import math
import time

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.controls import ControlError
from studio.controls.image_file import encoded
from studio.ui.connection import Connection
from studio.ui.connections import Connections
from studio.ui.pull import LINK_CLOSED, problem, read_body
from studio.underpaint.subject_cut import SubjectCut, cut_subject

LARGEST = 32 * 2**20  # bytes of a picture file, as a camera writes it


class OwnPictures:
    """Cuts subjects out of the pictures that pages send; one at a time for each page."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._busy: set[Connection] = set()

    async def cut(self, request: Request) -> Response:
        """Take a file's bytes; the answer is the picture, what of it is the subject, and remarks, or an error."""
        connection = self._connections.asking(request)
        if connection is None or connection.closed:
            return problem(403, LINK_CLOSED)
        if connection in self._busy:
            return problem(429, "another picture is being cut out; wait for it")
        if wait := connection.seat.reading.wait:
            return problem(429, f"that was much to look at; send the next picture in {math.ceil(wait)} s")
        self._busy.add(connection)
        began = time.monotonic()
        try:
            data = await read_body(request, LARGEST)
            if data is None:
                return problem(413, f"a picture has at most {LARGEST / 1e6:.0f} MB; send it smaller")
            connection.seat.touch()
            began = time.monotonic()
            with connection.heartbeat.answering():
                answer = await asyncio.to_thread(answer_to, data)
            return JSONResponse(answer)
        finally:
            self._busy.discard(connection)
            connection.seat.reading.spend(time.monotonic() - began)


def answer_to(data: bytes) -> dict[str, object]:
    """Give what a page is answered about a picture file; what a person did wrong is an answer too."""
    try:
        return told(cut_subject(data))
    except ControlError as error:
        return {"error": str(error)}


def told(cut: SubjectCut) -> dict[str, object]:
    """Give a cut as JSON: the picture and its alpha as data URLs, one opaque, one white where the subject is."""
    from PIL import Image

    white = np.full((*cut.alpha.shape, 2), 255, np.uint8)
    white[..., 1] = cut.alpha
    return {
        "picture": data_url(encoded(Image.fromarray(cut.picture), "WEBP", quality=95), "webp"),
        "mask": data_url(encoded(Image.fromarray(white), "PNG", compress_level=1), "png"),
        "remarks": list(cut.remarks),
    }


def data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
