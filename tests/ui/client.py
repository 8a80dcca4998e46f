"""A page's end of the line, without a browser: what it says and hears, and time that passes when it is told to."""

import asyncio
import json
import shutil
import struct
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from ui_stand_ins import StandIn, StandInModel

from studio.controls import Pause, Stroke, to_message
from studio.frames import Frame
from studio.presets import Preset
from studio.ui.connection import Connection
from studio.ui.mailbox import encode_jpeg, unpack
from studio.ui.routes import PREFIX
from studio.ui.seat import Seat
from studio.ui.seats import Seats
from studio.ui.sockets import PROTOCOL

FOX = Stroke("1", "fox", ((0, 0.25, 0.75),), mode="pin")
PRESET = Preset.parse(
    json.dumps(
        {
            "name": "Fox",
            "description": "A fox.",
            "controls": [
                {"kind": "prompt", "text": "a meadow"},
                {"kind": "stroke", "id": "fox", "label": "fox", "mode": "pin", "points": [[0, 0.5, 0.5]]},
            ],
        }
    )
)
OURS = {"origin": "http://testserver"}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def frame(index: int = 7, revision: int = 3) -> Frame:
    picture = np.random.default_rng(index).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    return Frame(index, picture, revision, time.time_ns(), 41.5)


def linked(test, session=None, presets=None, clock=time.monotonic):
    """Run `test(connection, session)` on an event loop with a connection to a stand-in's seat."""
    session = session or StandIn()

    async def run():
        with TemporaryDirectory() as folder:
            connection = Connection(Seat(session, Path(folder)), presets or {"fox": PRESET}, clock)
            await test(connection, session)

    asyncio.run(run())


def told(connection, type):
    return [message for message in map(json.loads, connection.drain()) if message["type"] == type]


def jpeg(width=48, height=32, grey=90) -> bytes:
    return encode_jpeg(np.full((height, width, 3), grey, np.uint8))


def sent(data: bytes, number=9, saw=4) -> bytes:
    """A picture as the page packs it."""
    return struct.pack("<4sII", b"STP1", number, saw) + data


class Draws(StandInModel):
    """A model that draws from pictures."""

    def __init__(self, size):
        super().__init__(size, independent=True, takes_pictures=True, loras=("ink",))


def drawing() -> Any:
    session = StandIn()
    session.model = Draws((32, 48))
    return session


def content(seat, secret) -> Any:
    return seat.downloads.get(secret).content


def seats(tmp_path, **options) -> Seats:
    return Seats(StandIn, takes=tmp_path, **options)


def socket(client, ticket, headers=OURS):
    return client.websocket_connect(f"{PREFIX}/ws", subprotocols=[PROTOCOL, f"ticket.{ticket}"], headers=dict(headers))


def ticket_of(routes) -> str:
    return routes.tickets.mint(routes.seats.sit().id)


def until(page, type) -> Any:
    """The next message of a type; frames are acknowledged on the way."""
    for _ in range(500):
        message = page.receive()
        if message.get("bytes"):
            if type == "frame":
                return unpack(message["bytes"])
            page.send_json({"type": "ack", "sequence": unpack(message["bytes"])[0]})
        elif json.loads(message["text"])["type"] == type:
            return json.loads(message["text"])
    raise AssertionError(f"no {type} came")


def close_of(page) -> tuple[int, str]:
    """Code and reason of the close that is next but for messages and frames."""
    for _ in range(500):
        message = page.receive()
        if message["type"] == "websocket.close":
            return message["code"], message["reason"]
    raise AssertionError("the socket was not closed")


def paused(seat, wanted=True) -> None:
    end = time.monotonic() + 20
    while seat.state[Pause].paused is not wanted or seat.session.engine.state[Pause].paused is not wanted:
        assert time.monotonic() < end
        time.sleep(0.01)


def pause(wanted=True) -> dict[str, Any]:
    return {"type": "control", "control": to_message(Pause(wanted))}


def pulled(routes, client, seat) -> dict[str, str]:
    """The headers of a new link by HTTP."""
    papers = OURS | {"x-studio-ticket": routes.tickets.mint(seat.id)}
    return OURS | {"x-studio-link": client.post(f"{PREFIX}/link", headers=papers).json()["token"]}


def launched(tmp_path, **options) -> Any:
    from studio.ui.app import launch

    return launch(session_factory=StandIn, presets={"fox": PRESET}, port=None, takes=tmp_path, block=False, **options)


def certificate(folder):
    """A certificate for this machine, and its key; of no use to anybody else."""
    openssl = shutil.which("openssl") or pytest.skip("needs openssl")
    paths = folder / "certificate.pem", folder / "key.pem"
    told = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [openssl, *told, "-out", str(paths[0]), "-keyout", str(paths[1])], check=True, capture_output=True, timeout=60
    )
    return paths
