"""Controls for a frame to come, on a beat or at a marker, as a page asks for them; and calling them off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.controls import Control, Prompt, from_message
from studio.ui.protocol import Command, whole

if TYPE_CHECKING:
    from studio.ui.connection import Connection


@dataclass(frozen=True)
class SetLater(Command):
    """Set a control, given as its message, that takes effect in a frame to come."""

    message: object
    frame: int


@dataclass(frozen=True)
class CallOff(Command):
    """Drop the prompts that wait for their frame."""


async def set_later(connection: Connection, command: SetLater) -> None:
    control: Control = from_message(command.message)
    connection.seat.played = True
    await asyncio.to_thread(connection.seat.session.send_at, control, command.frame)


async def call_off(connection: Connection, command: CallOff) -> None:
    connection.seat.session.call_off(Prompt.kind)


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {
    "later": lambda message: SetLater(message.get("control"), whole(message, "frame")),
    "call-off": lambda message: CallOff(),
}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {SetLater: set_later, CallOff: call_off}
