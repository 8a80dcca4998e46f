"""What a server does with each command of a page.

A new command is a class, a function that reads it and one that does it, in a file here with the two tables `COMMANDS`
(`studio/ui/parsing.py` has them all) and `HANDLERS`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from studio.controls import (
    Control,
    ControlError,
    Picture,
    Stroke,
    Subject,
    cutouts,
    from_message,
    own_subjects,
    state_message,
)
from studio.controls.base import shown
from studio.controls.image_file import reading
from studio.models.playable import pastes
from studio.pictures import decoded
from studio.ui.commands import audition, editing, grab, latency, later, media, moments, motion, views
from studio.ui.commands.moments import send_take
from studio.ui.plays import refusals
from studio.ui.protocol import (
    Acknowledge,
    CancelLoad,
    Command,
    ControlSent,
    DownloadReady,
    ListModels,
    LoadModel,
    ModelList,
    Notice,
    PlayPreset,
    Pong,
    ProtocolError,
    Record,
    RecordingChanged,
    Reset,
    SendPicture,
    SetControl,
    StateChanged,
    StopRecording,
    TakeSnapshot,
)
from studio.ui.security import WIDEST_PICTURE
from studio.ui.snapshots import offer_snapshot
from studio.underpaint import sprites

if TYPE_CHECKING:
    from studio.ui.connection import Connection

NOTHING_PASTED = "nothing is pasted for it. Take hold of a thing in the picture, or give the stroke a cut-out"


def control_of(command: Command) -> Control | None:
    """Give the control that a command sends, None for one that sends none; raises ControlError."""
    match command:
        case SetControl():
            return from_message(command.message)
        case SendPicture():
            return Picture(command.data)
    return None


async def send_control(connection: Connection, control: Control, commands: Sequence[Command]) -> None:
    """Hand a control to the session, and say under which revision it has it.

    commands: those that sent it, or one of its slot that it took the place of; each is answered with that revision.
    """
    seat, began = connection.seat, time.monotonic()
    try:
        if isinstance(control, Picture):
            await asyncio.to_thread(check_readable, control, seat.session.model.size)
        seat.dial.hear(control, seat.session)
        revision = await asyncio.to_thread(seat.send, control)  # new words are read by the model first
    finally:
        seat.reading.spend(time.monotonic() - began)
    connection.updates.own_revisions.add(revision)
    for command in commands:
        if isinstance(command, SetControl | SendPicture):
            connection.send(ControlSent(command.number or 0, revision, command.saw))
    if was_settled(control, commands[-1]):
        connection.send(StateChanged(state_message(seat.state)))
    if isinstance(control, Stroke):
        await explain_label(connection, control)
    if isinstance(control, Subject) and control.data:
        await explain_clash(connection, control)


def was_settled(control: Control, command: Command) -> bool:
    """Whether a control has another value than the page gave it, as a seed that was drawn: the page is told then."""
    if not isinstance(command, SetControl) or not isinstance(command.message, dict):
        return False
    given, has = command.message, control.to_summary()
    return any(name in given and given[name] != has[name] for name in control.settled)


async def explain_label(connection: Connection, stroke: Stroke) -> None:
    """Say, once, what a label is drawn as that the model has no word for, unless the stroke moves something pasted.

    That is a cut-out, or a subject of one's own.
    """
    seat, label, explained = connection.seat, stroke.label, connection.updates.explained_labels
    if label in explained or stroke.id in cutouts(seat.state):
        return
    owned = own_subjects(seat.state)
    if owned and await asyncio.to_thread(sprites.own, label, owned):
        return
    explained.add(label)
    subject, known = await asyncio.to_thread(seat.session.model.reads, label)
    if known:
        return
    drawn = f"what is nearest is painted: {subject}" if subject else NOTHING_PASTED
    connection.send(Notice(f"{seat.models.name} has no word for “{label}”; {drawn}."))


async def explain_clash(connection: Connection, subject: Subject) -> None:
    """Say of a subject of one's own that it takes the place of one that the model knows by the same words."""
    seat = connection.seat
    model, known = seat.session.model, []
    for word in subject.own.words:
        name, is_known = await asyncio.to_thread(model.reads, word)
        if is_known and name and (pastes(model.capabilities) or name in model.capabilities.labels):
            known.append((word, name))
    if known:
        words, names = ("”, “".join(dict.fromkeys(part)) for part in zip(*known, strict=True))
        connection.send(
            Notice(f"“{words}” is your own picture from now on; {seat.models.name} shows “{names}” again without it.")
        )


def acknowledge(connection: Connection, command: Acknowledge) -> None:
    connection.frames.acknowledge(command.sequence)


def pong(connection: Connection, command: Pong) -> None:
    round_trip = connection.heartbeat.round_trip(command.ping)
    if round_trip is not None:
        connection.frames.window.pinged(round_trip)


async def record(connection: Connection, command: Record) -> None:
    await asyncio.to_thread(connection.seat.record)
    connection.send(RecordingChanged(True))


async def stop_recording(connection: Connection, command: StopRecording) -> None:
    send_take(connection, await asyncio.to_thread(connection.seat.stop_recording))


async def reset(connection: Connection, command: Reset) -> None:
    take = await asyncio.to_thread(connection.seat.reset)
    if take:
        send_take(connection, take)
    connection.updates.restart_receipts()
    connection.send(StateChanged(state_message(connection.seat.state)))


async def take_snapshot(connection: Connection, command: TakeSnapshot) -> None:
    snapshot = await asyncio.to_thread(offer_snapshot, connection.seat, command.saw)
    if snapshot is None:
        raise ProtocolError("there is no picture yet; wait for the first frame and try again")
    connection.send(DownloadReady(**asdict(snapshot)))


async def play_preset(connection: Connection, command: PlayPreset) -> None:
    name, presets = command.preset, connection.presets
    if not isinstance(name, str) or name not in presets:
        raise ProtocolError(f"preset is {shown(name)}; possible presets: {', '.join(presets)}")
    left_out = await asyncio.to_thread(connection.seat.play, presets[name])
    if left_out:
        connection.send(Notice(refusals(connection.seat.models.name, left_out)))
    connection.send(StateChanged(state_message(connection.seat.state)))


async def list_models(connection: Connection, command: ListModels) -> None:
    models = connection.seat.models
    connection.send(ModelList(await asyncio.to_thread(models.offers), models.name))


async def load_model(connection: Connection, command: LoadModel) -> None:
    await asyncio.to_thread(connection.seat.models.choose, command.model)


async def cancel_load(connection: Connection, command: CancelLoad) -> None:
    connection.seat.models.cancel()


# What is done as it comes, and waits for nothing.
AT_ONCE: dict[type[Command], Callable[[Connection, Any], None]] = {
    Acknowledge: acknowledge,
    Pong: pong,
    **audition.AT_ONCE,
    **latency.AT_ONCE,
    **views.AT_ONCE,
}
# What is done in turn; controls are beside these, as one may take another's place (`send_control`).
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {
    Record: record,
    StopRecording: stop_recording,
    Reset: reset,
    TakeSnapshot: take_snapshot,
    PlayPreset: play_preset,
    ListModels: list_models,
    LoadModel: load_model,
    CancelLoad: cancel_load,
    **moments.HANDLERS,
    **editing.HANDLERS,
    **media.HANDLERS,
    **motion.HANDLERS,
    **audition.HANDLERS,
    **later.HANDLERS,
    **latency.HANDLERS,
    **grab.HANDLERS,
    **views.HANDLERS,
}


def check_readable(picture: Picture, size: tuple[int, int]) -> None:
    """Raise ControlError for a picture that cannot be read, or is too large to read for everybody's sake.

    What is decoded here, for a model of this size (H, W), is remembered for the filter and the model.
    """
    if not picture.data:
        return
    try:
        with reading(picture.data) as opened:
            width, height = opened.size
    except ControlError as error:
        raise ControlError(f"the picture cannot be read: {error}") from None
    if max(width, height) > WIDEST_PICTURE:
        raise ControlError(f"picture is {width}x{height}, at most {WIDEST_PICTURE} a side; send it smaller")
    decoded(picture.data, size)
