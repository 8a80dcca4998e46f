"""One page's connection to its session, whatever carries it: `sockets.py` and `pull.py` are the two carriers."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import anyio

from studio.controls import ControlError
from studio.controls.base import shown
from studio.presets import Preset
from studio.ui.auditions import AuditionUpdates
from studio.ui.command_queue import CommandQueue, Queued
from studio.ui.commands import AT_ONCE, HANDLERS, control_of, send_control
from studio.ui.errors import LibraryError, QuotaExceeded
from studio.ui.frame_sender import FrameSender
from studio.ui.heartbeat import SOCKET_PATIENCE, Heartbeat
from studio.ui.mailbox import Bell
from studio.ui.parsing import parse, parse_picture
from studio.ui.protocol import CloseCode, Command, Error, Notification, Ping, ProtocolError
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
        self.frames = FrameSender(seat.mailbox, self.bell, clock, seat.dial.sending)
        self.heartbeat = Heartbeat(clock, patience)
        self.updates = SessionUpdates(seat, self.token, list(presets), clock)
        self.auditions = AuditionUpdates(seat.audition, clock)
        self.closed: CloseCode | None = None
        self._allowance = Allowance(clock)
        self._picture_allowance = Allowance(clock, PICTURES_A_SECOND, PICTURE_BYTES_A_SECOND)
        self._queue = CommandQueue()
        self._working = asyncio.Lock()
        self._outbox: deque[str] = deque(maxlen=MOST_WAITING)

    # -- to the page

    def send(self, notification: Notification) -> None:
        """Put a notification into the outbox."""
        self._outbox.append(notification.to_json())
        self.bell.ring()

    def send_hello(self) -> None:
        """Send the first notifications: everything a page needs to show what is going on."""
        self.send(self.updates.hello())
        for notice in self.updates.notices():
            self.send(notice)
        for told in self.seat.editing.told():
            self.send(told)
        self.updates.skip_finished_load()
        for _ in range(3):
            self.send(Ping(self.heartbeat.ping()))

    def send_ping(self) -> None:
        """Ask the page whether it is there."""
        self.send(Ping(self.heartbeat.beat()))

    def drain(self) -> list[str]:
        """Give every notification there is to send now, as JSON; the outbox is empty then."""
        for notification in self.updates.collect(self.frames.window, self.frames.video.rate):
            self.send(notification)
        for notification in self.auditions.changed():
            self.send(notification)
        if not self.frames.ready:  # the programme's come first
            for notification in self.auditions.pictures():
                self.send(notification)
        return [self._outbox.popleft() for _ in range(len(self._outbox))]  # other threads add to it meanwhile

    async def wait_frame(self, timeout: float) -> bytes | None:
        """Give the newest frame, packed, as soon as there is one; None after `timeout` seconds, or at the end."""
        return await self.frames.wait(timeout, lambda: self.closed is not None)

    def end(self, code: CloseCode) -> None:
        """End the connection; whoever ends it first says why. From any thread."""
        self.closed = self.closed or code
        self.bell.ring()

    # -- from the page

    async def receive(self, data: str | bytes) -> bool:
        """Take one message, JSON or a picture, and do all that waits; False as in `accept`."""
        accepted = self.accept(data)
        await self.work()
        return accepted

    def accept(self, data: str | bytes) -> bool:
        """Take one message; what is wrong with it is answered, and ends nothing.

        False if the page says far too much and the connection should be closed.
        """
        allowance = self._picture_allowance if isinstance(data, bytes) else self._allowance
        if not allowance.spend(len(data)) or self._queue.full:
            self.send(Error(TOO_MANY))
            return False
        command: Command | None = None
        try:
            command = parse_picture(data) if isinstance(data, bytes) else parse(data)
            if (at_once := AT_ONCE.get(type(command))) is not None:
                at_once(self, command)
            else:
                self.seat.touch()
                self._queue.put(command, control_of(command))
                self.bell.ring()
        except (ProtocolError, ControlError) as error:
            self.send_error(error, [command] if command else [])
        return True

    def accept_all(self, messages: object) -> None:
        """Take a list of messages; raises ProtocolError for anything else."""
        if not isinstance(messages, list) or len(messages) > MOST_AT_ONCE:
            raise ProtocolError(f"messages must be a list of at most {MOST_AT_ONCE}, got {shown(messages)}")
        for message in messages:
            self.accept(json.dumps(message))

    async def work(self) -> None:
        """Do what waits, one after another, until nothing does.

        A page that goes cancels this only between two commands: one that was taken from the queue is done.
        """
        async with self._working:
            while self._queue:
                await self._wait_for_budget()
                if (queued := self._queue.take()) is not None:
                    with self.heartbeat.answering(), anyio.CancelScope(shield=True):
                        await self._do(queued)

    async def _wait_for_budget(self) -> None:
        """Wait while this page has had more than its share of reading; what it sends meanwhile replaces what waits."""
        while (wait := self.seat.reading.wait) > 0:
            await asyncio.sleep(min(wait, 0.25))

    async def _do(self, queued: Queued) -> None:
        commands = [*queued.replaced, queued.command]
        try:
            if queued.control is not None:
                await send_control(self, queued.control, commands)
            else:
                await HANDLERS[type(queued.command)](self, queued.command)
        except (ProtocolError, ControlError, LibraryError, QuotaExceeded) as error:
            self.send_error(error, commands)
        except OSError as error:
            self.send(Error(f"The disk said: {error}. Free some space or start from another folder."))

    def send_error(self, error: Exception, commands: Sequence[Command]) -> None:
        """Answer commands that cannot be done."""
        numbers = [command.number for command in commands] or [None]
        if isinstance(error, ProtocolError) and error.number is not None:
            numbers = [error.number]
        for number in numbers:
            self.send(Error(str(error), number))
