"""A client of a running server: `with connect() as studio: studio.send(Prompt("a harbour"))`.

It speaks what docs/guide/api.md describes, and keeps the link alive on a thread of its own.
"""

from __future__ import annotations

import io
import itertools
import json
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http.cookiejar import CookieJar
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from studio.controls import Control, ControlError, Stroke, to_message
from studio.frames import Frame

API = "gradio_api/studio"
HEADER = struct.Struct("<4sIIIffd")  # as `studio.ui.mailbox.pack` writes it
MAGIC = b"STF1"
PATIENCE = 60.0  # seconds an answer may take: new words may take a model long to read


class ClientError(RuntimeError):
    """The server cannot be reached, lets nobody in or has ended the link: what it said, and what to do."""


def connect(
    address: str = "http://127.0.0.1:7860", seat: str | None = None, login: tuple[str, str] | None = None
) -> Client:
    """Open a link to a server. Raises ClientError.

    seat: the id of one that you had (`Client.seat`), which goes on as it was left; a new one if None. A seat has one
    link: the page that is open at it is told that it goes on elsewhere. login: user and password where one is asked.
    """
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect as open_socket
    from websockets.typing import Origin, Subprotocol

    base = address.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https"):
        raise ClientError(f"address is {address!r}; give one that begins with http:// or https://")
    origin = f"{parts.scheme}://{parts.netloc}"
    cookies = CookieJar()
    opener = build_opener(HTTPCookieProcessor(cookies))
    if login:
        post(opener, f"{base}/login", urlencode(dict(zip(("username", "password"), login))).encode(), origin)
    admitted = post(opener, f"{base}/{API}/ticket", json.dumps({"seat": seat} if seat else {}).encode(), origin)
    link = ExitStack()
    try:
        opening = open_socket(
            f"ws{base.removeprefix('http')}/{API}/ws",
            origin=Origin(origin),
            subprotocols=[Subprotocol("studio.v1"), Subprotocol(f"ticket.{admitted['ticket']}")],
            additional_headers={"Cookie": "; ".join(f"{one.name}={one.value}" for one in cookies)} if login else None,
            max_size=None,
        )
        return Client(link.enter_context(opening), admitted["seat"], link)
    except (OSError, WebSocketException) as error:
        raise ClientError(f"{base} opens no link: {error}") from error


def post(opener: OpenerDirector, address: str, body: bytes, origin: str) -> dict[str, Any]:
    """Ask a server, and give its answer; raises ClientError with what it said."""
    kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
    asked = Request(address, body, {"content-type": kind, "origin": origin}, method="POST")
    try:
        with opener.open(asked, timeout=PATIENCE) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise ClientError(said(error)) from error
    except (URLError, OSError, ValueError) as error:
        raise ClientError(f"no studio answers at {address}: {error}; start one with studio run") from error


def said(error: HTTPError) -> str:
    """What a server said with its refusal."""
    try:
        told = json.load(error)
    except ValueError:
        told = {}
    words = (told.get("waiting") or told.get("error") or told.get("detail")) if isinstance(told, dict) else None
    return str(words or f"the server said {error.code} {error.reason}")


class Client:
    """A link to one seat: what is sent plays at once, what is shown comes as frames.

    seat: its id. state: the controls in force, as the server tells them.
    """

    def __init__(self, socket: Any, seat: str, link: ExitStack) -> None:
        """socket: an open one of websockets; link: what ends it."""
        self.seat = seat
        self._link = link
        self.hello: dict[str, Any] = {}
        self.state: dict[str, Any] = {}
        self.ended = ""
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._told: list[dict[str, Any]] = []
        self._packed: bytes | None = None
        self._news = threading.Condition()
        threading.Thread(target=self._listen, name="studio-client", daemon=True).start()
        self.say("open")  # the first message opens the link, and is not read
        self._wait(lambda: self.hello, "nothing was heard of the server")

    def send(self, control: Control) -> int:
        """Set a control, and give its revision, which the frames that show it carry; raises ControlError."""
        number = next(self._numbers)
        self.say("control", number=number, control=to_message(control))
        answer = self._wait(lambda: self._answers.pop(number, None), "the control was not answered")
        if answer["type"] == "error":
            raise ControlError(answer["message"])
        return answer["revision"]

    def stroke(self, id: str, label: str, x: float, y: float, size: float = 0.34) -> int:
        """Put a subject, by its label, at a place in 0..1 of the picture; called again, it moves there. As `send`."""
        return self.send(Stroke(id, label, ((0.0, x, y),), size=size))

    def command(self, name: str, **fields: Any) -> None:
        """Ask for anything else, as the guide lists it: `command("rewind", frame=48)`; what comes of it is told."""
        self.say("command", name=name, **fields)

    def say(self, type: str, **fields: Any) -> None:
        """Send a message as it is; raises ClientError where the link has ended."""
        try:
            self._socket.send(json.dumps({"type": type, **fields}))
        except Exception as error:
            raise ClientError(f"the link has ended: {self.ended or error}") from error

    def told(self) -> list[dict[str, Any]]:
        """Give what the server has said since this was last asked: the last 500 of it, but for pings and answers."""
        with self._news:
            told, self._told = self._told, []
        return told

    def frame(self) -> Frame:
        """Give the newest frame not yet given, as soon as there is one; raises ClientError after a minute without."""
        data = self._wait(self._take_packed, "no frame came")
        return unpacked(data)

    def frames(self, count: int) -> Iterator[Frame]:
        """Yield so many frames, each as `frame` does: who is late misses some, and waits for none."""
        for _ in range(count):
            yield self.frame()

    def close(self) -> None:
        """End the link; the seat waits a while for you to come back."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _take_packed(self) -> bytes | None:
        packed, self._packed = self._packed, None
        return packed

    def _wait(self, found: Any, failed: str) -> Any:
        """Wait until something is there, and give it."""
        until = time.monotonic() + PATIENCE
        with self._news:
            while not (value := found()):
                if self.ended:
                    raise ClientError(f"the link has ended: {self.ended}")
                if not self._news.wait(until - time.monotonic()):
                    raise ClientError(f"{failed} within {PATIENCE:.0f} s; is the server busy, or paused?")
            return value

    def _listen(self) -> None:
        ended = "closed"
        try:
            for data in self._socket:
                if isinstance(data, bytes):
                    self.say("ack", sequence=HEADER.unpack_from(data)[1])
                self._hear(data if isinstance(data, bytes) else json.loads(data))
            ended = self._socket.close_reason or ended
        except Exception as error:  # whatever ends the link ends what waits for it
            ended = str(error)
        with self._news:
            self.ended = ended
            self._news.notify_all()

    def _hear(self, heard: bytes | Mapping[str, Any]) -> None:
        if isinstance(heard, Mapping) and heard["type"] == "ping":
            self.say("pong", number=heard["number"])
            return
        with self._news:
            if isinstance(heard, bytes):
                self._packed = heard
            elif heard["type"] in ("sent", "error") and heard["number"]:
                self._answers[heard["number"]] = dict(heard)
            else:
                self.hello = dict(heard) if heard["type"] == "hello" else self.hello
                self.state = heard.get("state", self.state)
                self._told = [*self._told, dict(heard)][-500:]
            self._news.notify_all()


def unpacked(data: bytes) -> Frame:
    """Give the frame that a server packed; raises ClientError for anything else."""
    import numpy as np
    from PIL import Image

    magic, _, index, revision, tick_ms, _, made_ms = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise ClientError(f"a frame begins with {MAGIC!r}, got {magic!r}: server and client are of different releases")
    picture = np.asarray(Image.open(io.BytesIO(data[HEADER.size :])).convert("RGB"))
    return Frame(index, picture, revision, round(made_ms * 1e6), tick_ms)
