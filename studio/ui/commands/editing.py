"""Takes edited, shown, kept as versions and rendered, as a page asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.controls import state_message
from studio.controls.base import shown
from studio.controls.sampling import STEPS
from studio.models.loader import read_size
from studio.ui import editing
from studio.ui.commands.moments import send_take
from studio.ui.protocol import Command, Notice, ProtocolError, StateChanged, TakeSaved, whole
from studio.ui.rendering import RenderRequest

if TYPE_CHECKING:
    from studio.ui.connection import Connection

LONGEST_NAME = 80  # characters
RATES = (1, 60)  # frames a second


@dataclass(frozen=True)
class EditTake(Command):
    """Open a take, as it is after a list of edits."""

    take: str = ""
    edits: list[object] = field(default_factory=list)


@dataclass(frozen=True)
class SaveVersion(EditTake):
    """Keep an edited take as another. name: how it ends."""

    name: str = ""


@dataclass(frozen=True)
class ShowTake(EditTake):
    """Show an edited take in the place of what is played. first: the frame to begin at; None: the take's first."""

    first: int | None = None


@dataclass(frozen=True)
class GoLive(Command):
    """Go back to what was played before a take was shown."""


@dataclass(frozen=True)
class RenderTake(EditTake):
    """Render an edited take. steps, fps: 0 for the take's own; model: a name, empty for the one that plays."""

    steps: int = 0
    fps: int = 0
    model: str = ""
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class CancelRender(Command):
    """Call off the take that is being rendered."""


def read_edit(message: dict[str, object]) -> EditTake:
    return EditTake(*take_and_edits(message), number=whole(message, "number"))


def read_version(message: dict[str, object]) -> SaveVersion:
    return SaveVersion(*take_and_edits(message), name=text(message, "as")[:LONGEST_NAME])


def read_show(message: dict[str, object]) -> ShowTake:
    first = None if message.get("first") is None else whole(message, "first")
    return ShowTake(*take_and_edits(message), first=first)


def read_render(message: dict[str, object]) -> RenderTake:
    steps, fps, size = whole(message, "steps"), whole(message, "fps"), message.get("size")
    for name, value, (least, most) in (("steps", steps, STEPS), ("fps", fps, RATES)):
        if value and not least <= value <= most:
            raise ProtocolError(f"{name} is {value}; send {least} to {most}, or 0 for the take's own")
    try:
        chosen = read_size(size) if size else None
    except ValueError as error:
        raise ProtocolError(str(error)) from error
    return RenderTake(*take_and_edits(message), steps=steps, fps=fps, model=text(message, "model"), size=chosen)


def take_and_edits(message: dict[str, object]) -> tuple[str, list[object]]:
    """Read which take, and its edits."""
    edits = message.get("edits", [])
    if not isinstance(edits, list):
        raise ProtocolError(f"edits are {shown(edits)}; send a list of them")
    return text(message, "take"), edits


def text(message: dict[str, object], name: str) -> str:
    """Read a text, empty if it is not there."""
    value = message.get(name) or ""
    if not isinstance(value, str):
        raise ProtocolError(f"{name} is {shown(value)}; send a text")
    return value


async def edit_take(connection: Connection, command: EditTake) -> None:
    opened = await asyncio.to_thread(sure, editing.opened, connection.seat, command.take, command.edits)
    connection.send(opened)


async def save_version(connection: Connection, command: SaveVersion) -> None:
    seat = connection.seat
    take = await asyncio.to_thread(sure, editing.keep_version, seat, command.take, command.edits, command.name)
    connection.send(TakeSaved(take))


async def show_take(connection: Connection, command: ShowTake) -> None:
    seat = connection.seat
    recorded = await asyncio.to_thread(seat.stop_recording)
    if recorded:
        send_take(connection, recorded)
    preview, notes = await asyncio.to_thread(sure, editing.show, seat, command.take, command.edits, command.first)
    connection.send(preview)
    if notes:
        connection.send(Notice(f"{'; '.join(notes)}."))
    tell_state(connection)


async def go_live(connection: Connection, command: GoLive) -> None:
    seat = connection.seat
    recorded = await asyncio.to_thread(seat.stop_recording)
    if recorded:
        send_take(connection, recorded)
    await asyncio.to_thread(sure, editing.end_show, seat)
    tell_state(connection)


def tell_state(connection: Connection) -> None:
    """Say what is in force at another moment."""
    connection.send(StateChanged(state_message(connection.seat.state)))
    connection.updates.tell_timeline()


async def render_take(connection: Connection, command: RenderTake) -> None:
    await asyncio.to_thread(sure, begin_render, connection, command)


def begin_render(connection: Connection, command: RenderTake) -> None:
    seat = connection.seat
    score = editing.edited(seat, command.take, command.edits)
    parts = [f"{command.steps}-steps" if command.steps else "", command.model]
    suffix = " ".join(filter(None, parts)) or "rendered"
    path = editing.version_path(seat.recorder.folder, command.take, suffix)
    fps = command.fps or editing.take_named(seat, command.take).fps
    request = RenderRequest(command.take, score, path.with_name(path.name + ".mp4"), command.steps or None, fps=fps)
    editing.begin_render(seat, request, command.model, command.size)


async def cancel_render(connection: Connection, command: CancelRender) -> None:
    await asyncio.to_thread(editing.cancel_render, connection.seat)


def sure(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function; what it says cannot be is answered to the page (ScoreError is no ProtocolError)."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise ProtocolError(str(error)) from error


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {
    "edit": read_edit,
    "save-version": read_version,
    "show-take": read_show,
    "live": lambda message: GoLive(),
    "render": read_render,
    "cancel-render": lambda message: CancelRender(),
}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {
    EditTake: edit_take,
    SaveVersion: save_version,
    ShowTake: show_take,
    GoLive: go_live,
    RenderTake: render_take,
    CancelRender: cancel_render,
}
