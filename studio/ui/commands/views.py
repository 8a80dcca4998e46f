"""How a page is sent the picture, and the links to it beside the page, withdrawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.ui.protocol import Command, ViewsChanged

if TYPE_CHECKING:
    from studio.ui.connection import Connection


@dataclass(frozen=True)
class WithdrawViews(Command):
    """End who looks at the picture by its links, and have it at another address."""


@dataclass(frozen=True)
class Decodes(Command):
    """Whether the page shows H.264: what it is sent of that begins anew."""

    h264: bool = False


def decodes(connection: Connection, command: Decodes) -> None:
    connection.frames.video.begin(command.h264)


async def withdraw(connection: Connection, command: WithdrawViews) -> None:
    viewers = connection.seat.viewers
    viewers.withdraw()
    connection.send(ViewsChanged(viewers.secret))


# By the type of a message.
MESSAGES: dict[str, Callable[[dict[str, object]], Command]] = {
    "decodes": lambda message: Decodes(message.get("h264") is True)
}
AT_ONCE: dict[type[Command], Callable[[Connection, Any], None]] = {Decodes: decodes}
# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {"withdraw-views": lambda message: WithdrawViews()}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {WithdrawViews: withdraw}
