"""Who looks at a seat's picture and can change nothing: a projector's window, a reader of MJPEG."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from studio.ui.frame_sender import FrameSender
from studio.ui.heartbeat import SOCKET_PATIENCE, Heartbeat
from studio.ui.mailbox import Bell, Mailbox
from studio.ui.protocol import CloseCode, Ping, whole
from studio.ui.security import Allowance

if TYPE_CHECKING:
    from studio.ui.frame_sender import Sending

MOST = 16  # of one seat at once, in windows and in players
MOST_MJPEG = 4  # of them without acknowledgements
REMEMBERED = 8  # links that were withdrawn
MOST_WORDS = 400  # characters of a message
NOBODY = "There is no picture at this address just now. It comes back with the session that it was copied from."


class TooManyViewers(ValueError):
    """A seat has as many viewers as it may: says how many."""


class Viewer:
    """One who looks on. All methods run on the event loop, but for `end`. closed: why it ended, once it has."""

    def __init__(self, mailbox: Mailbox, sending: Sending, clock: Callable[[], float] = time.monotonic) -> None:
        self.closed: CloseCode | None = None
        self.bell = Bell(asyncio.get_running_loop())
        self.frames = FrameSender(mailbox, self.bell, clock, sending)
        self.heartbeat = Heartbeat(clock, SOCKET_PATIENCE)
        self._allowance = Allowance(clock)
        self._outbox = [Ping(self.heartbeat.ping()).to_json()]

    def accept(self, data: str | bytes) -> bool:
        """Take a message; the few that a viewer can say are answers, anything else is not heard: False."""
        if not self._allowance.spend(len(data)) or isinstance(data, bytes) or len(data) > MOST_WORDS:
            return False
        try:
            message = json.loads(data)
            READERS[message["type"]](self, message)
        except (ValueError, LookupError, TypeError):
            return False
        return True

    async def work(self) -> None:
        """Nothing waits: a viewer asks for nothing."""

    def send_ping(self) -> None:
        """Ask whether it is there."""
        self._outbox.append(Ping(self.heartbeat.beat()).to_json())
        self.bell.ring()

    def drain(self) -> list[str]:
        """Give every message there is to send now, as JSON."""
        told, self._outbox = self._outbox, []
        return told

    def end(self, code: CloseCode) -> None:
        """End it; whoever ends it first says why. From any thread."""
        self.closed = self.closed or code
        self.bell.ring()


def heard(viewer: Viewer, message: dict[str, object]) -> None:
    """The first word of a line says nothing more."""


def acknowledge(viewer: Viewer, message: dict[str, object]) -> None:
    viewer.frames.acknowledge(whole(message, "sequence"))


def pong(viewer: Viewer, message: dict[str, object]) -> None:
    round_trip = viewer.heartbeat.round_trip(whole(message, "number"))
    if round_trip is not None:
        viewer.frames.window.pinged(round_trip)


def decodes(viewer: Viewer, message: dict[str, object]) -> None:
    viewer.frames.video.begin(message.get("h264") is True)


READERS: dict[str, Callable[[Viewer, dict[str, object]], None]] = {
    "open": heard,
    "ack": acknowledge,
    "pong": pong,
    "decodes": decodes,
}


class Viewers:
    """Those who look at one seat, and the secret of its picture's address. From any thread.

    used: whether anybody ever came by it. withdrawn: the last secrets before it, whose windows are told so even where
    their line was broken as it happened.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self.secret = secrets.token_urlsafe(18)
        self.withdrawn: deque[str] = deque(maxlen=REMEMBERED)
        self.used = False
        self._mailbox = mailbox
        self._all: tuple[Viewer, ...] = ()
        self._mjpeg: tuple[Viewer, ...] = ()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Viewer]:
        return iter(self._all)

    def enter(self, viewer: Viewer, mjpeg: bool = False) -> None:
        """Let one look on; raises TooManyViewers. mjpeg: it acknowledges nothing."""
        if len(self._all) >= MOST:
            raise TooManyViewers(f"{MOST} look at this picture, as many as can at once; close one of them")
        if mjpeg and len(self._mjpeg) >= MOST_MJPEG:
            raise TooManyViewers(f"{MOST_MJPEG} players read this picture, as many as can at once; stop one of them")
        self.used = True
        self._all += (viewer,)
        self._mjpeg += (viewer,) if mjpeg else ()
        self._mailbox.listen(viewer.bell)

    def leave(self, viewer: Viewer) -> None:
        """Note that one has gone."""
        self._all, self._mjpeg = without(self._all, viewer), without(self._mjpeg, viewer)
        self._mailbox.forget(viewer.bell)

    def withdraw(self) -> None:
        """End all, and have the picture at another address from now on."""
        self.withdrawn.append(self.secret)
        self.secret = secrets.token_urlsafe(18)
        self.close(CloseCode.WITHDRAWN)

    def close(self, code: CloseCode) -> None:
        """End all; they are told by this code."""
        for viewer in self._all:
            viewer.end(code)


def without(viewers: Sequence[Viewer], viewer: Viewer) -> tuple[Viewer, ...]:
    """Give them without one."""
    return tuple(one for one in viewers if one is not viewer)
