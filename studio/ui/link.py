"""What a page and its session say to each other, whatever carries it.

The page says (JSON): `control`, `command`, `ack`, `pong`; and pictures, in binary (`picture_of`). The server says:
`hello` (again when the model is another), `state`, `sent` (a control's revision), `receipts` (revision -> frame it took
effect at), `status`, `take`, `download`, `models`, `loading`, `notice`, `error`, `ping`, `superseded`; and frames, as
`mailbox.pack` writes them. `LinkError` is what a page did wrong: it is told, nothing ends. A page that is open says
something at least as often as it is asked (`ping`), whatever becomes of the frames: that, and no frame, keeps a link.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import secrets
import struct
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from PIL import Image, UnidentifiedImageError

from studio.controls import Control, ControlError, Picture, Stroke, from_message
from studio.controls.base import shown
from studio.models.base import Model
from studio.models.playable import playable_kinds, playable_parts
from studio.pictures import decoded
from studio.presets import Preset
from studio.ui.library import LibraryError, Progress, words
from studio.ui.mailbox import Bell, pack
from studio.ui.seats import CloseCode, Seat, state_message
from studio.ui.security import (
    LARGEST_MESSAGE,
    LARGEST_UPLOAD,
    PICTURE_BYTES_A_SECOND,
    PICTURES_A_SECOND,
    WIDEST_PICTURE,
    Allowance,
)
from studio.ui.window import Window

STATUS_EVERY = 0.5  # seconds
PROGRESS_EVERY = 0.2  # seconds
SOCKET_PATIENCE = 9  # heartbeats a page may leave unanswered
PINGS_KEPT = 64  # whose answers may still come
PICTURE_HEADER = struct.Struct("<4sII")
PICTURE_MAGIC = b"STP1"


class LinkError(ValueError):
    """A message that cannot be understood: says what was got and what is possible."""


Presets = Mapping[str, Preset]


class Heartbeat:
    """Is the page still there? It is asked with every beat, and whatever it says is an answer.

    Silence is counted in beats and not in seconds: a server that itself stood still (a suspended machine, a compiler
    that holds the interpreter) asked nobody meanwhile, and must take nobody for gone when it goes on.
    """

    def __init__(self, clock: Callable[[], float], patience: int = SOCKET_PATIENCE) -> None:
        self.patience = patience
        self._clock = clock
        self._unanswered = self._in_hand = self._number = 0
        self._sent: dict[int, float] = {}

    @property
    def silent(self) -> bool:
        return self._unanswered >= self.patience

    def beat(self) -> int:
        """One beat more without an answer; the number to ping with."""
        if not self._in_hand:
            self._unanswered += 1
        return self.ping()

    def ping(self) -> int:
        """The number of a ping that goes out now; none comes twice, so that no late answer shortens a round trip."""
        self._number += 1
        self._sent[self._number] = self._clock()
        self._sent.pop(self._number - PINGS_KEPT, None)
        return self._number

    def round_trip(self, number: int) -> float | None:
        """Seconds from a ping to its answer, which comes now; None for a number that is not out."""
        then = self._sent.pop(number, None)
        return None if then is None else self._clock() - then

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """The page has said or asked something, and is not silent while that is in hand: reading a prompt may take a
        minute, in which nothing else of the page's is heard."""
        self._in_hand += 1
        try:
            yield
        finally:
            self._in_hand -= 1
            self._unanswered = 0


class Link:
    """One page's connection to one seat. All methods run on the event loop, but for `end`."""

    def __init__(
        self, seat: Seat, presets: Presets, clock: Callable[[], float] = time.monotonic, patience: int = SOCKET_PATIENCE
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self.seat = seat
        self.bell = Bell(asyncio.get_running_loop())
        self.window = Window()
        self.heartbeat = Heartbeat(clock, patience)
        self.closed: CloseCode | None = None
        self._clock = clock
        self._presets = presets
        self._allowance = Allowance(clock)
        self._pictures = Allowance(clock, PICTURES_A_SECOND, PICTURE_BYTES_A_SECOND)
        self._outbox: deque[str] = deque(maxlen=512)
        self._sequence = 0
        self._shown = 0  # the mailbox's count when the last frame was taken out
        self._receipted = 0
        self._mine: set[int] = set()  # revisions this page sent and has no receipt for
        self._labels: set[str] = set()  # that the present model's reading of was looked at
        self._status_at = self._progress_at = 0.0
        self._told_of: Callable[[], Model | None] = lambda: None  # the model the page knows; it is not held here
        self._progress: Progress | None = None
        self._answer: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "control": self._control,
            "picture": self._picture,
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
        """The first messages: everything a page needs to show what is going on."""
        self._introduce()
        progress = self.seat.progress
        self._progress = None if progress and progress.under_way else progress  # what is over is not told again
        for _ in range(3):
            self.say("ping", number=self.heartbeat.ping())

    def beat(self) -> None:
        """Ask the page whether it is there."""
        self.say("ping", number=self.heartbeat.beat())

    def end(self, code: CloseCode) -> None:
        """Whoever ends a link first says why. From any thread."""
        self.closed = self.closed or code
        self.bell.ring()

    def _introduce(self) -> None:
        """What is played, and what of it can be set."""
        seat, model = self.seat, self.seat.session.model
        self._told_of = weakref.ref(model)
        self._labels.clear()
        height, width = model.size
        self.say(
            "hello",
            token=self.token,
            size=[width, height],
            model=seat.model_name,
            choice=seat.library is not None and seat.library.choice,
            labels=list(model.capabilities.labels),
            loras=list(model.capabilities.loras),
            plays=[*playable_kinds(model), *playable_parts(model)],
            refuses=dict(model.capabilities.refuses),
            presets=list(self._presets),
            recording=seat.recording,
            takes=seat.takes,
            state=state_message(seat.state),
        )

    def _tell_of_model(self) -> None:
        """Another model is played, or one is on its way."""
        if self.seat.session.model is not self._told_of():
            self._introduce()
        progress, before = self.seat.progress, self._progress
        if progress is None or progress == before:
            return
        same = before is not None and (before.name, before.stage) == (progress.name, progress.stage)
        if same and self._clock() - self._progress_at < PROGRESS_EVERY:
            return
        self._progress, self._progress_at = progress, self._clock()
        self.say("loading", **asdict(progress))

    def news(self) -> list[str]:
        """Everything to be told now; empties the outbox."""
        self._tell_of_model()
        receipts = [receipt for receipt in tuple(self.seat.session.receipts) if receipt.revision > self._receipted]
        if receipts:
            self._receipted = receipts[-1].revision
            if any(receipt.revision not in self._mine and receipt.kind != Picture.kind for receipt in receipts):
                self.say("state", state=state_message(self.seat.state))  # a preset, a notebook: not this page's doing
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
            await self.bell.wait(self.seat.mailbox.wait(left))
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
        """Handle one message, JSON or a picture; False if the page talks far too much and the link should be closed."""
        allowance = self._pictures if isinstance(text, bytes) else self._allowance
        if not allowance.spend(len(text)):
            self.say("error", message="Too many messages at once; the last ones were left out. Slow down a little.")
            return False
        message: dict[str, Any] = {}
        try:
            message = picture_of(text) if isinstance(text, bytes) else parse(text)
            await self._answer[message["type"]](message)
        except (LinkError, ControlError, LibraryError) as error:
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
        await self._send(from_message(message.get("control")), message)

    async def _picture(self, message: dict[str, Any]) -> None:
        await self._send(Picture(message["data"]), message)

    async def _send(self, control: Control, message: dict[str, Any]) -> None:
        if isinstance(control, Picture):
            await asyncio.to_thread(check_legible, control, self.seat.session.model.size)
        revision = await asyncio.to_thread(self.seat.send, control)  # new words are read by the model first
        self._mine.add(revision)
        self.say("sent", number=whole(message, "number"), revision=revision, saw=whole(message, "saw"))
        if isinstance(control, Stroke):
            await self._explain(control.label)

    async def _explain(self, label: str) -> None:
        """Say, once, what a label is drawn as that the model has no word for."""
        if label in self._labels:
            return
        self._labels.add(label)
        subject, known = await asyncio.to_thread(self.seat.session.model.reads, label)
        if not known:
            name = self.seat.model_name
            self.say("notice", message=f"{name} has no word for “{label}”; what is nearest is painted: {subject}.")

    async def _ack(self, message: dict[str, Any]) -> None:
        self.window.acknowledged(whole(message, "sequence"), self._clock())
        self.bell.ring()

    async def _pong(self, message: dict[str, Any]) -> None:
        round_trip = self.heartbeat.round_trip(whole(message, "number"))
        if round_trip is not None:
            self.window.pinged(round_trip)

    async def _command(self, message: dict[str, Any]) -> None:
        name = message.get("name")
        commands = {
            "record": self._record,
            "stop": self._stop,
            "reset": self._reset,
            "snapshot": self._snapshot,
            "preset": self._preset,
            "models": self._models,
            "load": self._load,
            "cancel": self._cancel,
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
        self.say("state", state=state_message(self.seat.state))

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
        left_out = await asyncio.to_thread(self.seat.play, self._presets[name])
        if left_out:
            self.say("notice", message=words(self.seat.model_name, left_out))
        self.say("state", state=state_message(self.seat.state))

    async def _models(self, message: dict[str, Any]) -> None:
        library = self.seat.library
        items = await asyncio.to_thread(library.offers) if library else []
        self.say("models", items=items, playing=self.seat.model_name)

    async def _load(self, message: dict[str, Any]) -> None:
        await asyncio.to_thread(self.seat.choose, message.get("model"))

    async def _cancel(self, message: dict[str, Any]) -> None:
        if self.seat.arrival:
            self.seat.arrival.cancel()


def picture_of(data: bytes) -> dict[str, Any]:
    """A picture as the page packs it: "STP1", the number it is sent under and the frame seen (little-endian uint32
    each), then JPEG; as a message. Raises LinkError."""
    if len(data) > LARGEST_UPLOAD:
        raise LinkError(f"picture of {len(data):,} bytes, {LARGEST_UPLOAD:,} are possible; send it smaller")
    if len(data) <= PICTURE_HEADER.size or not data.startswith(PICTURE_MAGIC):
        raise LinkError(f"got {len(data)} bytes of binary that are no picture; one begins with {PICTURE_MAGIC!r}")
    _, number, saw = PICTURE_HEADER.unpack_from(data)
    return {"type": "picture", "number": number, "saw": saw, "data": data[PICTURE_HEADER.size :]}


def check_legible(picture: Picture, size: tuple[int, int]) -> None:
    """Raise ControlError for a picture that cannot be read, or is too large to read for everybody's sake.

    What is decoded here, for a model of this size (H, W), is remembered for the filter and the model.
    """
    if not picture.data:
        return
    try:
        with Image.open(io.BytesIO(picture.data)) as opened:
            width, height = opened.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ControlError(f"the picture cannot be read ({error}); send a whole JPEG, PNG or WebP") from None
    if max(width, height) > WIDEST_PICTURE:
        raise ControlError(f"picture is {width}x{height}, at most {WIDEST_PICTURE} a side; send it smaller")
    decoded(picture.data, size)


def parse(text: str) -> dict[str, Any]:
    """A message as a dict with a known type; raises LinkError with what to send instead."""
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
