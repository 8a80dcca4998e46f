"""Back and forth in time, branches and bookmarks, and keeping what was just shown, as a page asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.controls import state_message
from studio.controls.base import shown
from studio.ui import reopening, rewinds
from studio.ui.compare import JOB, compare
from studio.ui.protocol import (
    BranchLeft,
    Command,
    Notice,
    ProtocolError,
    RecordingChanged,
    StateChanged,
    TakeSaved,
    whole,
)
from studio.ui.rewinds import Travelled

if TYPE_CHECKING:
    from studio.ui.connection import Connection
    from studio.ui.recorder import Take

LONGEST_NAME = 60  # characters


@dataclass(frozen=True)
class Rewind(Command):
    """Go back to the checkpoint nearest to a frame, and play on from there.

    step: the page's own number for it, here and below; it is told under it what was left.
    """

    frame: int = 0
    step: int = 0


@dataclass(frozen=True)
class GoToBranch(Command):
    """Go over to a branch, by its id or name; None: the one that was left last."""

    branch: str | int | None = None
    step: int = 0


@dataclass(frozen=True)
class OpenBookmark(Command):
    """Go on from a bookmark."""

    bookmark: str = ""
    step: int = 0


@dataclass(frozen=True)
class MakeBookmark(Command):
    """Bookmark the present moment."""


@dataclass(frozen=True)
class RenameMoment(Command):
    """Call a branch (by its id) or a bookmark (by its file's name) something else."""

    moment: str | int = 0
    to: str = ""


@dataclass(frozen=True)
class RemoveMoment(Command):
    """Let a branch or a bookmark go, the file too."""

    moment: str | int = 0


@dataclass(frozen=True)
class KeepBranch(Command):
    """Keep what a branch has of its own as a take."""

    branch: int = 0


@dataclass(frozen=True)
class Compare(Command):
    """Draw a branch beside another, or (None) beside what is played; no branch at all: draw no more."""

    one: int | None = None
    other: int | None = None


@dataclass(frozen=True)
class KeepLast(Command):
    """Keep the last seconds as a take, though nobody recorded."""

    seconds: int = 30


def read_branch(message: dict[str, object]) -> GoToBranch:
    name = message.get("branch")
    if name is not None and (not isinstance(name, str | int) or isinstance(name, bool)):
        raise ProtocolError(f"branch is {shown(name)}; send a branch's id or name, or none for the one left last")
    return GoToBranch(name, whole(message, "step"))


def read_moment(message: dict[str, object]) -> str | int:
    """Give the moment a message means: a branch's id, or a bookmark's name."""
    moment = message.get("moment")
    if not isinstance(moment, str | int) or isinstance(moment, bool):
        raise ProtocolError(f"moment is {shown(moment)}; send a branch's id, or a bookmark's name")
    return moment


def read_rename(message: dict[str, object]) -> RenameMoment:
    to = message.get("to")
    if not isinstance(to, str) or not 0 < len(to.strip()) <= LONGEST_NAME:
        raise ProtocolError(f"the name is {shown(to)}; send 1 to {LONGEST_NAME} characters")
    return RenameMoment(read_moment(message), to.strip())


def read_bookmark(message: dict[str, object]) -> OpenBookmark:
    name = message.get("bookmark")
    if not isinstance(name, str):
        raise ProtocolError(f"bookmark is {shown(name)}; send a bookmark's name")
    return OpenBookmark(name, whole(message, "step"))


def read_compare(message: dict[str, object]) -> Compare:
    ids = [None if message.get(key) is None else whole(message, key) for key in ("one", "other")]
    return Compare(*ids)


async def attempt(way: Callable[..., Any], *given: object) -> Any:
    """Do something off the event loop; what cannot be is the page's to hear."""
    try:
        return await asyncio.to_thread(way, *given)
    except ValueError as error:
        raise ProtocolError(str(error)) from error


async def rewind(connection: Connection, command: Rewind) -> None:
    arrived(connection, await attempt(rewinds.rewind, connection.seat, command.frame), command.step)


async def go_to_branch(connection: Connection, command: GoToBranch) -> None:
    arrived(connection, await attempt(rewinds.go_to, connection.seat, command.branch), command.step)


async def open_bookmark(connection: Connection, command: OpenBookmark) -> None:
    try:
        travelled, told = await attempt(reopening.reopen, connection.seat, command.bookmark)
    finally:
        connection.updates.tell_timeline()  # a bookmark whose file is gone is off the list
    if told:
        connection.send(Notice(told))
    arrived(connection, travelled, command.step)


def arrived(connection: Connection, travelled: Travelled, step: int) -> None:
    """Say what is in force at another moment, and what was left."""
    if travelled.take:
        send_take(connection, travelled.take)
    connection.send(BranchLeft(step, travelled.left))
    connection.send(StateChanged(state_message(connection.seat.state)))
    connection.updates.tell_timeline()


async def make_bookmark(connection: Connection, command: MakeBookmark) -> None:
    connection.send(Notice(await attempt(reopening.make, connection.seat)))
    connection.updates.tell_timeline()


async def rename_moment(connection: Connection, command: RenameMoment) -> None:
    seat, moment = connection.seat, command.moment
    if isinstance(moment, int):
        await attempt(seat.session.history.branches.rename, moment, command.to)
    else:
        await attempt(seat.bookmarks.rename, moment, command.to)
    connection.updates.tell_timeline()


async def remove_moment(connection: Connection, command: RemoveMoment) -> None:
    seat, moment = connection.seat, command.moment
    await attempt(seat.session.drop if isinstance(moment, int) else seat.bookmarks.forget, moment)
    connection.updates.tell_timeline()


async def keep_branch(connection: Connection, command: KeepBranch) -> None:
    await attempt(rewinds.keep_branch, connection.seat, command.branch)


async def compare_lines(connection: Connection, command: Compare) -> None:
    if command.one is None:
        connection.seat.offline.cancel(JOB)
    else:
        await attempt(compare, connection.seat, command.one, command.other)


async def keep_last(connection: Connection, command: KeepLast) -> None:
    await attempt(rewinds.keep_last, connection.seat, command.seconds)


def send_take(connection: Connection, take: Take | None) -> None:
    """Say that the recording is over, and what came of it."""
    connection.send(RecordingChanged(False))
    if take:
        connection.send(TakeSaved(take))


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {
    "rewind": lambda message: Rewind(whole(message, "frame"), whole(message, "step")),
    "branch": read_branch,
    "bookmark": lambda message: MakeBookmark(),
    "open-bookmark": read_bookmark,
    "rename-moment": read_rename,
    "remove-moment": lambda message: RemoveMoment(read_moment(message)),
    "keep-branch": lambda message: KeepBranch(whole(message, "branch")),
    "compare": read_compare,
    "keep": lambda message: KeepLast(),
}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {
    Rewind: rewind,
    GoToBranch: go_to_branch,
    MakeBookmark: make_bookmark,
    OpenBookmark: open_bookmark,
    RenameMoment: rename_moment,
    RemoveMoment: remove_moment,
    KeepBranch: keep_branch,
    Compare: compare_lines,
    KeepLast: keep_last,
}
