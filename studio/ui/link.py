"""What a page and its session say to each other, whatever carries it.

The page says (JSON): `control`, `command`, `ack`, `pong`. The server says: `hello`, `state`, `sent` (a control's
revision), `receipts` (revision -> frame it took effect at), `status`, `take`, `download`, `notice`, `error`, `ping`,
`superseded`; and frames, as `mailbox.pack` writes them. `LinkError` is what a page did wrong: it is told, nothing ends.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from studio.controls import ControlError, from_message
from studio.controls.base import shown
from studio.presets import Preset
from studio.ui.mailbox import Bell, pack
from studio.ui.seats import Seat, state_message
from studio.ui.security import LARGEST_MESSAGE, Allowance
from studio.ui.window import Window

STATUS_EVERY = 0.5  # seconds


class LinkError(ValueError):
    """A message that cannot be understood: says what was got and what is possible."""


Presets = Mapping[str, Preset]


class Link:
    """One page's connection to one seat. All methods run on the event loop."""

    def __init__(self, seat: Seat, presets: Presets, clock: Callable[[], float] = time.monotonic) -> None:
        self.token = secrets.token_urlsafe(24)
        self.seat = seat
        self.bell = Bell(asyncio.get_running_loop())
        self.window = Window()
        self.closed = False
        self.heard_at = clock()
        self._clock = clock
        self._presets = presets
        self._allowance = Allowance(clock)
        self._outbox: deque[str] = deque(maxlen=512)
        self._sequence = 0
        self._shown = 0  # the mailbox's count when the last frame was taken out
        self._receipted = 0
        self._mine: set[int] = set()  # revisions this page sent and has no receipt for
        self._status_at = 0.0
        self._pings: dict[int, float] = {}
        self._answer: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "control": self._control,
            "command": self._command,
            "ack": self._ack,
            "pong": self._pong,
        }

    # -- towards the page ---------------------------------------------------------------------------------------------

    def say(self, type: str, **fields: Any) -> None:
        """Put a message into the outbox."""
        self._outbox.append(json.dumps({"type": type, **fields}))
        self.bell.ring()

    def greet(self) -> None:
        """The first message: everything a page needs to show what is going on."""
        model = self.seat.session.model
        height, width = model.size
        self.say(
            "hello",
            token=self.token,
            size=[width, height],
            model=model.name,
            labels=list(getattr(model, "labels", ())),  # the subjects it knows, if it tells
            presets=list(self._presets),
            recording=self.seat.recording,
            takes=self.seat.takes,
            state=state_message(self.seat.in_force),
        )
        for number in range(3):
            self._pings[number] = self._clock()
            self.say("ping", number=number)

    def news(self) -> list[str]:
        """Everything to be told now; empties the outbox."""
        receipts = [receipt for receipt in tuple(self.seat.session.receipts) if receipt.revision > self._receipted]
        if receipts:
            self._receipted = receipts[-1].revision
            if any(receipt.revision not in self._mine for receipt in receipts):
                self.say(
                    "state", state=state_message(self.seat.in_force)
                )  # a preset, a notebook: not this page's doing
            self._mine = {revision for revision in self._mine if revision > self._receipted}
            self.say("receipts", items=[[receipt.revision, receipt.kind, receipt.frame] for receipt in receipts])
        if self._clock() - self._status_at > STATUS_EVERY:
            self._status_at = self._clock()
            self.say("status", **self._status())
        texts = list(self._outbox)
        self._outbox.clear()
        return texts

    def _status(self) -> dict[str, Any]:
        stats = self.seat.session.stats
        known = {key: value for key, value in stats.items() if isinstance(value, int | float | str | bool)}
        return known | {
            "recording": self.seat.recording,
            "window": self.window.size,
            "round_trip_ms": round(self.window.typical * 1e3, 1),
        }

    async def frame(self, timeout: float) -> bytes | None:
        """The newest frame, packed, as soon as there is one this page has not had; None after `timeout` seconds.

        The JPEG is made on a worker thread: neither the engine nor the loop waits for it.
        """
        until = self._clock() + timeout
        while self.seat.mailbox.count == self._shown or self.closed:
            left = until - self._clock()
            if left <= 0 or self.closed:
                return None
            await self.bell.wait(left)
        return await self.next_frame()

    def has_frame(self) -> bool:
        """Is there a frame this page has not had, and room for it on the way?"""
        return self.seat.mailbox.count > self._shown and self.window.open(self._clock())

    async def next_frame(self) -> bytes | None:
        """The newest frame, packed, marked as sent."""
        frame = self.seat.mailbox.newest
        if frame is None:
            return None
        self._shown = self.seat.mailbox.count
        self._sequence += 1
        sequence = self._sequence
        self.window.sent(sequence, self._clock())
        return await asyncio.to_thread(pack, frame, sequence)

    # -- from the page ------------------------------------------------------------------------------------------------

    async def hear(self, text: str | bytes) -> bool:
        """Handle one message; False if the page talks far too much and the link should be closed."""
        self.heard_at = self._clock()
        if not self._allowance.spend(len(text)):
            self.say("error", message="Too many messages at once; the last ones were left out. Slow down a little.")
            return False
        message: dict[str, Any] = {}
        try:
            message = parse(text)
            await self._answer[message["type"]](message)
        except (LinkError, ControlError) as error:
            self.say("error", message=str(error), number=message.get("number"))
        except OSError as error:
            self.say("error", message=f"The disk said: {error}. Free some space or start from another folder.")
        return True

    async def hear_all(self, messages: Any) -> None:
        """A list of messages, as the pull transport brings them."""
        if not isinstance(messages, list) or len(messages) > 256:
            raise LinkError(f"messages must be a list of at most 256, got {shown(messages)}")
        for message in messages:
            await self.hear(json.dumps(message))

    async def _control(self, message: dict[str, Any]) -> None:
        control = from_message(message.get("control"))
        revision = await asyncio.to_thread(self.seat.send, control)  # new words are read by the model first
        self._mine.add(revision)
        self.say("sent", number=whole(message, "number"), revision=revision, saw=whole(message, "saw"))

    async def _ack(self, message: dict[str, Any]) -> None:
        self.window.acknowledged(whole(message, "sequence"), self._clock())
        self.bell.ring()

    async def _pong(self, message: dict[str, Any]) -> None:
        if then := self._pings.pop(whole(message, "number"), None):
            self.window.pinged(self._clock() - then)

    async def _command(self, message: dict[str, Any]) -> None:
        name = message.get("name")
        commands = {
            "record": self._record,
            "stop": self._stop,
            "reset": self._reset,
            "snapshot": self._snapshot,
            "preset": self._preset,
        }
        if not isinstance(name, str) or name not in commands:
            raise LinkError(f"command is {shown(name)}; possible commands: {', '.join(commands)}")
        await commands[name](message)

    async def _record(self, message: dict[str, Any]) -> None:
        await asyncio.to_thread(self.seat.record)
        self.say("recording", recording=True)

    async def _stop(self, message: dict[str, Any]) -> None:
        self._told(await asyncio.to_thread(self.seat.stop_recording))

    async def _reset(self, message: dict[str, Any]) -> None:
        take = await asyncio.to_thread(self.seat.reset)
        if take:
            self._told(take)
        self._receipted = 0
        self.say("state", state=state_message(self.seat.in_force))

    def _told(self, take: dict[str, Any] | None) -> None:
        self.say("recording", recording=False)
        if take:
            self.say("take", take=take)

    async def _snapshot(self, message: dict[str, Any]) -> None:
        saw = message.get("saw")
        download = await asyncio.to_thread(self.seat.snapshot, saw if isinstance(saw, int) else None)
        if download is None:
            raise LinkError("there is no picture yet; wait for the first frame and try again")
        self.say("download", **download)

    async def _preset(self, message: dict[str, Any]) -> None:
        name = message.get("preset")
        if not isinstance(name, str) or name not in self._presets:
            raise LinkError(f"preset is {shown(name)}; possible presets: {', '.join(self._presets)}")
        await asyncio.to_thread(self.seat.play, self._presets[name])
        self.say("state", state=state_message(self.seat.in_force))


def parse(text: str | bytes) -> dict[str, Any]:
    """A message as a dict with a known type; raises LinkError with what to send instead."""
    if isinstance(text, bytes):
        raise LinkError(f"got {len(text)} bytes of binary; a page speaks JSON text")
    if len(text) > LARGEST_MESSAGE:
        raise LinkError(f"message of {len(text)} characters, {LARGEST_MESSAGE} are possible; send less at once")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LinkError(f"not JSON ({str(error)[:80]}): {shown(text)}") from None
    known = ("control", "command", "ack", "pong")
    if not isinstance(message, dict) or message.get("type") not in known:
        got = message.get("type") if isinstance(message, dict) else message
        raise LinkError(f"message type is {shown(got)}; possible types: {', '.join(known)}")
    return message


def whole(message: dict[str, Any], name: str) -> int:
    """A whole number from the message, 0 if it is not there."""
    value = message.get(name, 0)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**53:
        raise LinkError(f"{name} must be a whole number, got {shown(value)}")
    return value
