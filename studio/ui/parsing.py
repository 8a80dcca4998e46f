"""What a page says, read: `parse` takes JSON, `parse_picture` a picture in binary."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

from studio.controls.base import shown
from studio.ui.commands import audition, editing, grab, latency, later, media, moments, motion, views
from studio.ui.protocol import (
    Acknowledge,
    CancelLoad,
    Command,
    ListModels,
    LoadModel,
    PlayPreset,
    Pong,
    ProtocolError,
    Record,
    Reset,
    SendPicture,
    SetControl,
    StopRecording,
    TakeSnapshot,
    whole,
)
from studio.ui.security import LARGEST_MESSAGE, LARGEST_UPLOAD

PICTURE_HEADER = struct.Struct("<4sII")
PICTURE_MAGIC = b"STP1"


def parse(text: str) -> Command:
    """Give the command of a JSON message; raises ProtocolError with what to send instead."""
    if len(text) > LARGEST_MESSAGE:
        raise ProtocolError(f"message of {len(text)} characters, {LARGEST_MESSAGE} are possible; send less at once")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON ({str(error)[:80]}): {shown(text)}") from None
    return read(message)


def read(message: object) -> Command:
    """Give the command of a message that is no longer text; raises ProtocolError with what to send instead."""
    got = message.get("type") if isinstance(message, dict) else message
    if not isinstance(message, dict) or not isinstance(got, str) or got not in MESSAGES:
        raise ProtocolError(f"message type is {shown(got)}; possible types: {', '.join(MESSAGES)}")
    return MESSAGES[got](message)


def read_control(message: dict[str, object]) -> SetControl:
    number = whole(message, "number")
    return SetControl(message.get("control"), whole(message, "saw", number), number=number)


def read_command(message: dict[str, object]) -> Command:
    name = message.get("name")
    if not isinstance(name, str) or name not in COMMANDS:
        raise ProtocolError(f"command is {shown(name)}; possible commands: {', '.join(COMMANDS)}")
    return COMMANDS[name](message)


def read_snapshot(message: dict[str, object]) -> TakeSnapshot:
    saw = message.get("saw")
    return TakeSnapshot(saw if isinstance(saw, int) else None)


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {
    "record": lambda message: Record(),
    "stop": lambda message: StopRecording(),
    "reset": lambda message: Reset(),
    "snapshot": read_snapshot,
    "preset": lambda message: PlayPreset(message.get("preset")),
    "models": lambda message: ListModels(),
    "load": lambda message: LoadModel(message.get("model")),
    "cancel": lambda message: CancelLoad(),
    **moments.COMMANDS,
    **editing.COMMANDS,
    **media.COMMANDS,
    **motion.COMMANDS,
    **audition.COMMANDS,
    **later.COMMANDS,
    **latency.COMMANDS,
    **grab.COMMANDS,
    **views.COMMANDS,
}
# By the type of a message.
MESSAGES: dict[str, Callable[[dict[str, object]], Command]] = {
    "control": read_control,
    "command": read_command,
    "ack": lambda message: Acknowledge(whole(message, "sequence")),
    "pong": lambda message: Pong(whole(message, "number")),
    **latency.MESSAGES,
    **views.MESSAGES,
}


def parse_picture(data: bytes) -> SendPicture:
    """Give a picture as the page packs it; raises ProtocolError.

    "STP1", the number it is sent under and the frame seen (little-endian uint32 each), then the picture's own bytes.
    """
    if len(data) > LARGEST_UPLOAD:
        raise ProtocolError(f"picture of {len(data):,} bytes, {LARGEST_UPLOAD:,} are possible; send it smaller")
    if len(data) <= PICTURE_HEADER.size or not data.startswith(PICTURE_MAGIC):
        raise ProtocolError(f"got {len(data)} bytes of binary that are no picture; one begins with {PICTURE_MAGIC!r}")
    _, number, saw = PICTURE_HEADER.unpack_from(data)
    return SendPicture(data[PICTURE_HEADER.size :], saw, number=number)
