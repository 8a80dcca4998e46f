"""What a page gets on a slow line: frames a second and how old they are, over real sockets, of a moving drawn scene.

On a line of 1 Mbit/s (`Throttle`: a small proxy with a token bucket, whose buffer holds a fifth of a second), by JPEG
and as the studio chooses; and a reader of one frame a second. Nothing is learned of the internet: no packet is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from studio.frames import Frame
from studio.ui.frame_sender import Sending
from studio.ui.low_latency_http import LowLatencyHttp
from studio.ui.mailbox import HEADER, MAGIC, Mailbox
from studio.ui.sockets import converse
from studio.ui.viewers import Viewer
from studio.world.scenes import compose, loop

FPS, SIDE = 24, 256
BITS, DELAY = 1e6, 0.02  # of the line: bits a second, and seconds one way
BUFFERED = 0.2  # seconds of the line's rate that may wait in it
SETTLED = 6.0  # seconds after which is counted


@dataclass
class Got:
    """What a reader was given: the moments, how old each frame was in seconds, bytes, and what it began with."""

    at: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    forms: list[bytes] = field(default_factory=list)

    def figures(self, since: float) -> dict[str, Any]:
        """Give the figures of what came later than a moment."""
        late = [number for number, at in enumerate(self.at) if at >= since]
        span = max(self.at[-1] - since, 1e-6)
        ages = sorted(self.ages[number] * 1e3 for number in late)
        return {
            "fps": round(len(late) / span, 1),
            "kbits_a_second": round(8e-3 * sum(self.sizes[number] for number in late) / span),
            "age_ms_median": round(statistics.median(ages)),
            "age_ms_worst": round(ages[-1]),
            "h264_share": round(sum(self.forms[number] != MAGIC for number in late) / len(late), 2),
        }


def measure_line(seconds: float = 20.0) -> dict[str, Any]:
    """Give the figures of each line and reader, measured for so many seconds after the first six."""
    with scene_server() as port:
        line = {"fps_made": FPS, "side": SIDE, "line_kbits": BITS / 1e3}
        return line | {
            "jpeg": asyncio.run(read_throttled(port, seconds, h264=False)),
            "chosen": asyncio.run(read_throttled(port, seconds, h264=True)),
            "one_frame_a_second": asyncio.run(read(port, seconds, h264=True, pause=1.0)),
        }


@contextlib.contextmanager
def scene_server() -> Iterator[int]:
    """Serve a moving scene as `watch/SECRET` is served; give the port."""
    mailbox, ended = Mailbox(), threading.Event()

    async def watch(socket: WebSocket) -> None:
        await socket.accept()
        viewer = Viewer(mailbox, Sending())
        mailbox.listen(viewer.bell)
        await converse(socket, viewer)
        mailbox.forget(viewer.bell)

    app = Starlette(routes=[WebSocketRoute("/", watch)])
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="error", http=LowLatencyHttp, ws_per_message_deflate=False)
    )
    threads = [threading.Thread(target=play, args=(mailbox, ended)), threading.Thread(target=server.run)]
    for thread in threads:
        thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        ended.set()
        server.should_exit = True
        for thread in threads:
            thread.join()


def play(mailbox: Mailbox, ended: threading.Event) -> None:
    """Put a scene in the rain, over which the camera pans, at 24 frames a second."""
    pictures = list(loop(compose("meadow", 0, "day", "rain", SIDE)))
    number, due = 0, time.monotonic()
    while not ended.wait(max(0.0, due - time.monotonic())):
        due += 1 / FPS
        picture = np.roll(pictures[number // 3 % len(pictures)], -number, axis=1)
        mailbox.put(Frame(number, picture, made_ns=time.time_ns()))
        number += 1


async def read(port: int, seconds: float, h264: bool, pause: float = 0.0) -> dict[str, Any]:
    """Read as a page does, `pause` seconds after each frame; give the figures."""
    got, began = Got(), time.monotonic()
    async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=None, max_queue=1) as line:
        await line.send(json.dumps({"type": "decodes", "h264": h264}))
        while time.monotonic() < began + SETTLED + seconds:
            data = await line.recv()
            if isinstance(data, str):
                await line.send(json.dumps({"type": "pong", "number": json.loads(data)["number"]}))
                continue
            form, sequence, *_, made = HEADER.unpack_from(data)
            got.at.append(time.monotonic())
            got.ages.append(time.time() - made / 1e3)
            got.sizes.append(len(data))
            got.forms.append(form)
            if pause:
                await asyncio.sleep(pause)
            await line.send(json.dumps({"type": "ack", "sequence": sequence}))
    return got.figures(began + SETTLED)


async def read_throttled(port: int, seconds: float, h264: bool) -> dict[str, Any]:
    """Read through a line of `BITS`."""
    throttle = Throttle(port)
    server = await asyncio.start_server(throttle.carry, "127.0.0.1", 0, limit=4096)
    async with server:
        figures = await read(server.sockets[0].getsockname()[1], seconds, h264)
    return figures


class Throttle:
    """A proxy of one line: down goes no more than its rate, and what does not fit waits at the server."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until an end of it closes."""
        down, up = await asyncio.open_connection("127.0.0.1", self._port, limit=round(BITS / 8 * BUFFERED / 2))
        tasks = [asyncio.create_task(self.slow(down, writer)), asyncio.create_task(self.straight(reader, up))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        up.close()
        writer.close()

    async def slow(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pass on what the bucket lets through."""
        tokens, then = 0.0, time.monotonic()
        while data := await source.read(1500):
            while True:
                now = time.monotonic()
                tokens, then = min(3000.0, tokens + (now - then) * BITS / 8), now
                if tokens >= len(data):
                    break
                await asyncio.sleep((len(data) - tokens) / (BITS / 8))
            tokens -= len(data)
            asyncio.get_running_loop().call_later(DELAY, target.write, data)

    async def straight(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pass on what comes up, later."""
        while data := await source.read(4096):
            asyncio.get_running_loop().call_later(DELAY, target.write, data)
