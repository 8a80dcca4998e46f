"""Takes made into files, as a page asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.controls.base import shown
from studio.outputs import OutputError
from studio.score import ScoreError
from studio.ui.protocol import Command, ProtocolError

if TYPE_CHECKING:
    from studio.ui.connection import Connection


@dataclass(frozen=True)
class Export(Command):
    """Make a take, by its name, into a file of a form (`exports.FORMS`)."""

    take: str = ""
    form: str = ""


@dataclass(frozen=True)
class CancelExport(Command):
    """Call off the file that is being made."""


def read_export(message: dict[str, object]) -> Export:
    take, form = message.get("take"), message.get("form")
    if not isinstance(take, str) or not isinstance(form, str):
        raise ProtocolError(f"take and form are {shown(take)} and {shown(form)}; send their names")
    return Export(take, form)


async def export(connection: Connection, command: Export) -> None:
    try:
        await asyncio.to_thread(connection.seat.exports.start, command.take, command.form)
    except (OutputError, ScoreError) as error:
        raise ProtocolError(str(error)) from error


async def cancel_export(connection: Connection, command: CancelExport) -> None:
    connection.seat.exports.cancel()


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {
    "export": read_export,
    "cancel-export": lambda message: CancelExport(),
}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {
    Export: export,
    CancelExport: cancel_export,
}
