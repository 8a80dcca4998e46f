"""Back and forth in time, over to a branch, and keeping what was just shown, as a page asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.controls import state_message
from studio.controls.base import shown
from studio.ui import rewinds
from studio.ui.protocol import Command, ProtocolError, RecordingChanged, StateChanged, TakeSaved, whole

if TYPE_CHECKING:
    from studio.ui.connection import Connection
    from studio.ui.recorder import Take
    from studio.ui.seat import Seat


@dataclass(frozen=True)
class Rewind(Command):
    """Go back to the checkpoint nearest to a frame, and play on from there."""

    frame: int = 0


@dataclass(frozen=True)
class GoToBranch(Command):
    """Go over to a branch, by its name; None: the one that was left last."""

    branch: str | None = None


@dataclass(frozen=True)
class KeepLast(Command):
    """Keep the last seconds as a take, though nobody recorded."""

    seconds: int = 30


def read_branch(message: dict[str, object]) -> GoToBranch:
    name = message.get("branch")
    if name is not None and not isinstance(name, str):
        raise ProtocolError(f"branch is {shown(name)}; send a branch's name, or none for the one left last")
    return GoToBranch(name)


async def rewind(connection: Connection, command: Rewind) -> None:
    await travel(connection, rewinds.rewind, command.frame)


async def go_to_branch(connection: Connection, command: GoToBranch) -> None:
    await travel(connection, rewinds.go_to, command.branch)


async def travel(connection: Connection, way: Callable[[Seat, Any], Take | None], where: object) -> None:
    """Go to another moment, and say what is in force there."""
    try:
        take = await asyncio.to_thread(way, connection.seat, where)
    except ValueError as error:
        raise ProtocolError(str(error)) from error
    if take:
        send_take(connection, take)
    connection.send(StateChanged(state_message(connection.seat.state)))
    connection.updates.tell_timeline()


async def keep_last(connection: Connection, command: KeepLast) -> None:
    try:
        take = await asyncio.to_thread(rewinds.keep_last, connection.seat, command.seconds)
    except ValueError as error:
        raise ProtocolError(str(error)) from error
    connection.send(TakeSaved(take))


def send_take(connection: Connection, take: Take | None) -> None:
    """Say that the recording is over, and what came of it."""
    connection.send(RecordingChanged(False))
    if take:
        connection.send(TakeSaved(take))


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {
    "rewind": lambda message: Rewind(whole(message, "frame")),
    "branch": read_branch,
    "keep": lambda message: KeepLast(),
}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {
    Rewind: rewind,
    GoToBranch: go_to_branch,
    KeepLast: keep_last,
}
