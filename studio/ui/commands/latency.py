"""The latency dial as a page turns it, and what the page measures for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.controls.base import shown
from studio.session.latency import TARGETS
from studio.ui.dial import NUMBER, NUMBERS, OFF
from studio.ui.protocol import Command, ProtocolError

if TYPE_CHECKING:
    from studio.ui.connection import Connection

LONGEST = 60_000.0  # ms that a page may have measured


@dataclass(frozen=True)
class TurnDial(Command):
    """Ask for a latency: a name of `session.latency.TARGETS`, "off", or "number" and its ms."""

    name: str = OFF
    ms: float = 0.0


@dataclass(frozen=True)
class PageMeasured(Command):
    """Medians of the last moments in ms, see `session.latency.Measured`."""

    latency: float = 0.0
    line: float = 0.0
    page: float = 0.0


def read_dial(message: dict[str, object]) -> TurnDial:
    to = message.get("to")
    if isinstance(to, str) and (to == OFF or to in TARGETS):
        return TurnDial(to)
    least, most = NUMBERS
    if isinstance(to, int | float) and not isinstance(to, bool) and least <= to <= most:
        return TurnDial(NUMBER, float(to))
    raise ProtocolError(f"the latency dial is {shown(to)}; send {OFF}, {', '.join(TARGETS)}, or {least} to {most} ms")


def read_measured(message: dict[str, object]) -> PageMeasured:
    return PageMeasured(*(milliseconds(message, name) for name in ("latency", "line", "page")))


def milliseconds(message: dict[str, object], name: str) -> float:
    """Give a time from a message; raises ProtocolError for what is none."""
    value = message.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LONGEST:
        raise ProtocolError(f"{name} must be ms from 0 to {LONGEST:.0f}, got {shown(value)}")
    return float(value)


async def turn(connection: Connection, command: TurnDial) -> None:
    connection.seat.dial.turn(command.name, command.ms, connection.seat.session)


def measured(connection: Connection, command: PageMeasured) -> None:
    connection.seat.dial.measured(command.latency, command.line, command.page, connection.seat.session)


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {"dial": read_dial}
# By the type of a message.
MESSAGES: dict[str, Callable[[dict[str, object]], Command]] = {"measured": read_measured}
AT_ONCE: dict[type[Command], Callable[[Connection, Any], None]] = {PageMeasured: measured}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {TurnDial: turn}
