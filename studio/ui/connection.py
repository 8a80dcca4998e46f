"""One page's connection to its session, whatever carries it: `sockets.py` and `pull.py` are the two carriers."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping

from studio.controls import ControlError
from studio.controls.base import shown
from studio.presets import Preset
from studio.ui.commands import HANDLERS
from studio.ui.errors import LibraryError
from studio.ui.frame_sender import FrameSender
from studio.ui.heartbeat import SOCKET_PATIENCE, Heartbeat
from studio.ui.mailbox import Bell
from studio.ui.protocol import CloseCode, Error, Notification, Ping, ProtocolError, parse, parse_picture
from studio.ui.seat import Seat
from studio.ui.security import PICTURE_BYTES_A_SECOND, PICTURES_A_SECOND, Allowance
from studio.ui.updates import SessionUpdates

MOST_WAITING = 512  # notifications for a page that does not fetch them; the oldest are lost
MOST_AT_ONCE = 256  # messages
TOO_MANY = "Too many messages at once; the last ones were left out. Slow down a little."


class Connection:
    """One page at one seat. All methods run on the event loop, but for `end`.

    closed: why it ended, once it has.
    """

    def __init__(
        self,
        seat: Seat,
        presets: Mapping[str, Preset],
        clock: Callable[[], float] = time.monotonic,
        patience: int = SOCKET_PATIENCE,
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self.seat, self.presets = seat, presets
        self.bell = Bell(asyncio.get_running_loop())
        self.frames = FrameSender(seat.mailbox, self.bell, clock)
        self.heartbeat = Heartbeat(clock, patience)
        self.updates = SessionUpdates(seat, self.token, list(presets), clock)
        self.closed: CloseCode | None = None
        self._allowance = Allowance(clock)
        self._picture_allowance = Allowance(clock, PICTURES_A_SECOND, PICTURE_BYTES_A_SECOND)
        self._outbox: deque[str] = deque(maxlen=MOST_WAITING)

    # -- to the page

    def send(self, notification: Notification) -> None:
        """Put a notification into the outbox."""
        self._outbox.append(notification.to_json())
        self.bell.ring()

    def send_hello(self) -> None:
        """Send the first notifications: everything a page needs to show what is going on."""
        self.send(self.updates.hello())
        self.updates.skip_finished_load()
        for _ in range(3):
            self.send(Ping(self.heartbeat.ping()))

    def send_ping(self) -> None:
        """Ask the page whether it is there."""
        self.send(Ping(self.heartbeat.beat()))

    def drain(self) -> list[str]:
        """Give every notification there is to send now, as JSON; the outbox is empty then."""
        for notification in self.updates.collect(self.frames.window):
            self.send(notification)
        texts = list(self._outbox)
        self._outbox.clear()
        return texts

    async def wait_frame(self, timeout: float) -> bytes | None:
        """Give the newest frame, packed, as soon as there is one; None after `timeout` seconds, or at the end."""
        return await self.frames.wait(timeout, lambda: self.closed is not None)

    def end(self, code: CloseCode) -> None:
        """End the connection; whoever ends it first says why. From any thread."""
        self.closed = self.closed or code
        self.bell.ring()

    # -- from the page

    async def receive(self, data: str | bytes) -> bool:
        """Do what one message asks, JSON or a picture; what is wrong with it is answered, and ends nothing.

        False if the page says far too much and the connection should be closed.
        """
        allowance = self._picture_allowance if isinstance(data, bytes) else self._allowance
        if not allowance.spend(len(data)):
            self.send(Error(TOO_MANY))
            return False
        number = None
        try:
            command = parse_picture(data) if isinstance(data, bytes) else parse(data)
            number = command.number
            await HANDLERS[type(command)](self, command)
        except ProtocolError as error:
            self.send(Error(str(error), number if error.number is None else error.number))
        except (ControlError, LibraryError) as error:
            self.send(Error(str(error), number))
        except OSError as error:
            self.send(Error(f"The disk said: {error}. Free some space or start from another folder."))
        return True

    async def receive_all(self, messages: object) -> None:
        """Do what a list of messages asks, one after another; raises ProtocolError for anything else."""
        if not isinstance(messages, list) or len(messages) > MOST_AT_ONCE:
            raise ProtocolError(f"messages must be a list of at most {MOST_AT_ONCE}, got {shown(messages)}")
        for message in messages:
            await self.receive(json.dumps(message))
