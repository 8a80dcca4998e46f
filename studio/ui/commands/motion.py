"""A driving video's motion, as a page asks for it: the video comes by a route of its own (`ui.driving`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.ui.motion_job import JOB
from studio.ui.protocol import Command

if TYPE_CHECKING:
    from studio.ui.connection import Connection


@dataclass(frozen=True)
class CancelMotion(Command):
    """Look for a video's motion no longer."""


async def cancel_motion(connection: Connection, command: CancelMotion) -> None:
    connection.seat.offline.cancel(JOB)


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {"cancel-motion": lambda message: CancelMotion()}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {CancelMotion: cancel_motion}
