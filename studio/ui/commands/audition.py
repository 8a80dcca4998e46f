"""Trying the next controls beside the programme, as a page asks for it. It takes them by sending them itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.controls import ControlError, Picture, from_message
from studio.controls.base import shown
from studio.hub.fit import NotEnoughMemory
from studio.ui.protocol import Command, ProtocolError

if TYPE_CHECKING:
    from studio.ui.connection import Connection


@dataclass(frozen=True)
class Audition(Command):
    """Try controls, given as their messages."""

    controls: tuple[object, ...] = ()


@dataclass(frozen=True)
class DropAudition(Command):
    """Throw away what is tried."""


@dataclass(frozen=True)
class AuditionSeen(Command):
    """The page shows the last picture of it."""


def read_audition(message: dict[str, object]) -> Audition:
    controls = message.get("controls")
    if not isinstance(controls, list):
        raise ProtocolError(f"an audition's controls are {shown(controls)}; send a list of controls")
    return Audition(tuple(controls))


async def begin(connection: Connection, command: Audition) -> None:
    seat, began = connection.seat, time.monotonic()
    try:
        controls = [from_message(message) for message in command.controls]
        if any(isinstance(control, Picture) for control in controls):
            raise ControlError("a picture is not auditioned here; send it")
        await asyncio.to_thread(seat.audition.begin, controls)  # new words are read by the model first
    except (ControlError, NotEnoughMemory) as error:
        connection.auditions.tell_again()
        raise ProtocolError(str(error)) from None
    finally:
        seat.reading.spend(time.monotonic() - began)


async def drop(connection: Connection, command: DropAudition) -> None:
    connection.seat.session.drop_audition()


def seen(connection: Connection, command: AuditionSeen) -> None:
    connection.auditions.acknowledge()


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {
    "audition": read_audition,
    "audition-drop": lambda message: DropAudition(),
    "audition-seen": lambda message: AuditionSeen(),
}
AT_ONCE: dict[type[Command], Callable[[Connection, Any], None]] = {AuditionSeen: seen}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {Audition: begin, DropAudition: drop}
