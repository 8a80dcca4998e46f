"""The links to a seat's picture, withdrawn."""

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


async def withdraw(connection: Connection, command: WithdrawViews) -> None:
    viewers = connection.seat.viewers
    viewers.withdraw()
    connection.send(ViewsChanged(viewers.secret))


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {"withdraw-views": lambda message: WithdrawViews()}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {WithdrawViews: withdraw}
