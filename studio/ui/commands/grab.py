"""Taking hold of a thing in the picture: it is cut out, and a stroke of its own moves it from then on."""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.controls import ControlError, CutOut, Erase, Stroke, to_message
from studio.controls.base import check_number, check_text
from studio.controls.image_file import reading
from studio.controls.stroke import SIZES, UNNAMED, check_stroke_id
from studio.controls.takeover import FASTEST, NOTHING, SHORTEST
from studio.models.playable import check, pastes
from studio.ui.protocol import Command, Grabbed, ProtocolError, whole
from studio.underpaint.cutting import Cut, brushed, gone_on, grab

if TYPE_CHECKING:
    from studio.ui.connection import Connection
    from studio.ui.seat import Seat

LARGEST_MASK = 1024  # pixels a side
PAST = 8  # pictures apart that are looked at for what has moved
TOO_LATE = "That picture was shown too long ago to take hold of a thing in it; press again."


@dataclass(frozen=True)
class Grab(Command):
    """Take hold of the thing at (x, y), 0..1, of the picture that was shown as `frame`.

    mask: where it was painted over, uint8 (h, w), white there; None: it is found by its edges. id: of the stroke that
    moves it; size: of the ring on the page, a share of the picture's width; stiffness: of that stroke.
    """

    frame: int = 0
    x: float = 0.5
    y: float = 0.5
    id: str = ""
    label: str = UNNAMED
    size: float = 0.34
    stiffness: float = 0.5
    mask: np.ndarray | None = None


def read_grab(message: dict[str, object]) -> Grab:
    number = whole(message, "number")
    try:
        return Grab(
            whole(message, "frame", number),
            check_number("grab x", message.get("x"), 0.0, 1.0),
            check_number("grab y", message.get("y"), 0.0, 1.0),
            check_stroke_id(message.get("id")),
            check_text("stroke label", message.get("label") or UNNAMED, 1, 80),
            check_number("grab size", message.get("size", 0.34), *SIZES),
            check_number("stroke stiffness", message.get("stiffness", 0.5), 0.0, 1.0),
            read_mask(message.get("mask")),
            number=number,
        )
    except ControlError as error:
        raise ProtocolError(str(error), number) from None


def read_mask(data: object) -> np.ndarray | None:
    """Give a brushed mask, uint8 (h, w), of base64 PNG; None where there is none. Raises ControlError."""
    if data is None:
        return None
    try:
        file = base64.b64decode(data if isinstance(data, str) else "", validate=True)
    except (binascii.Error, ValueError):
        file = b""
    if not file.startswith(b"\x89PNG"):
        raise ControlError("the mask is no PNG in base64; send one, white where the thing is")
    with reading(file) as picture:
        if max(picture.size) > LARGEST_MASK:
            raise ControlError(f"the mask is {picture.width}x{picture.height}, at most {LARGEST_MASK} a side")
        return np.asarray(picture.convert("L"))


def take_hold(seat: Seat, command: Grab, note: Callable[[int], None]) -> Grabbed:
    """Cut the thing out and hand it to the session with its stroke; ControlError where there is none to take hold of.

    note: is told the revisions. The thing has gone on since it was seen: its stroke says where it is in the newest
    picture, and lets it come from there to the hand.
    """
    model = seat.session.model
    if not pastes(model.capabilities):
        check(model, Stroke(command.id, command.label, ((0.0, 0.5, 0.5),)))
        raise ControlError(f"{seat.models.name} moves the subjects that it knows: name one, and paint it")
    frames = seat.mailbox.upto(command.frame)
    if not frames:
        raise ControlError(TOO_LATE)
    picture, past = frames[-1].picture, [one.picture for one in frames[-1 - PAST :: -PAST]]
    point = command.x, command.y
    cut = brushed(picture, command.mask) if command.mask is not None else grab(picture, point, command.size, past)
    cutout, stroke = CutOut(command.id, cut.to_file()), stroke_of(seat, command, cut)
    note(seat.send(cutout))
    try:
        note(revision := seat.send(stroke))
    except ControlError:
        note(seat.send(Erase(command.id)))  # the cut-out goes with it
        raise
    return Grabbed(
        command.number or 0, command.id, rounded(cut.outline), cut.box, to_message(cutout), to_message(stroke), revision
    )


def stroke_of(seat: Seat, command: Grab, cut: Cut) -> Stroke:
    """Give the stroke that moves what was cut out of the frame of a command, from where it is in the newest picture."""
    (x, y), newest = cut.middle, seat.mailbox.made
    x, y = inside(x), inside(y)
    late = newest.index - command.frame if newest else 0
    dx, dy = gone_on(cut, newest.picture) if newest and late > 0 else (0.0, 0.0)
    at = inside(x + dx), inside(y + dy)
    far = math.hypot(at[0] - x, at[1] - y)
    lead = (max(late, SHORTEST, far / FASTEST), at[0] - x, at[1] - y) if far > NOTHING else ()
    size = min(SIZES[1], max(SIZES[0], cut.width))
    return Stroke(
        command.id, command.label, ((0.0, x, y),), size=size, stiffness=command.stiffness,
        grab=(max(command.frame, command.frame + late), *at), lead=lead,
    )  # fmt: skip


def inside(value: float) -> float:
    """Give a place within the picture, in steps the page has too."""
    return round(min(1.0, max(0.0, value)), 5)


def rounded(outline: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    return [(round(x, 4), round(y, 4)) for x, y in outline]


async def take(connection: Connection, command: Grab) -> None:
    seat, began = connection.seat, time.monotonic()
    try:
        grabbed = await asyncio.to_thread(take_hold, seat, command, connection.updates.own_revisions.add)
    finally:
        seat.reading.spend(time.monotonic() - began)
    connection.send(grabbed)


# By the name in a message of type "command".
COMMANDS: dict[str, Callable[[dict[str, object]], Command]] = {"grab": read_grab}
HANDLERS: dict[type[Command], Callable[[Connection, Any], Awaitable[None]]] = {Grab: take}
