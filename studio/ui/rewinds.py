"""Going back at a seat: to a moment, over to a branch, and what the page is told of both."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from studio.hub.units import gigabytes
from studio.session.history import Branch, prompts
from studio.session.room import FEW
from studio.ui.mailbox import encode_jpeg
from studio.ui.protocol import Timeline

if TYPE_CHECKING:
    from studio.session.session import Session
    from studio.ui.recorder import Take
    from studio.ui.seat import Seat

THUMBNAIL = 96  # pixels, at most, of a branch's picture
USUAL_RATE = 24.0  # frames a second, before any were measured
_pictures: WeakKeyDictionary[Branch, str] = WeakKeyDictionary()


def rewind(seat: Seat, frame: int) -> Take | None:
    """Go back to the checkpoint nearest to a frame, and play on; a take that is being recorded ends, and is given.

    Raises ValueError where nothing is kept.
    """
    session = seat.session
    take = seat.stop_recording()
    session.rewind(session.history.nearest(max(frame, session.history.start)))
    seat.run()
    return take


def go_to(seat: Seat, name: str | None) -> Take | None:
    """Go over to a branch, the one left last if None, and play on; a take that is being recorded ends, and is given.

    Raises ValueError if there is no such branch.
    """
    take = seat.stop_recording()
    branches = seat.session.history.branches
    seat.session.go_to(branches[-1].name if name is None and branches else name or "")
    seat.run()
    return take


def keep_last(seat: Seat, seconds: float) -> Take:
    """Keep the last seconds as a take and give it; raises ValueError where nothing was played."""
    fps = seat.session.stats["fps"] or USUAL_RATE
    return seat.recorder.keep_last(seat.session.keep(round(seconds * fps)), fps)


def timeline(session: Session) -> Timeline:
    """Give what of a session can be gone back to."""
    history = session.history
    stretches = tuple(history.stretches)
    branches = [
        {"name": one.name, "fork": one.fork, "frame": one.frame, "words": one.words, "picture": picture_of(one)}
        for one in tuple(history.branches)
    ]
    return Timeline(stretches[0].frame if stretches else None, prompts(stretches), branches, reason(session))


def reason(session: Session) -> str:
    """Say what is kept of a model whose checkpoints are too large to hold many of; nothing for any other."""
    room = session.history.room(session.engine)
    if room is None or room.count >= FEW:
        return ""
    needed, limit = gigabytes(room.need), gigabytes(room.limit)
    what = f"A checkpoint of {session.model.name} takes {needed}, and {limit} are set aside for going back"
    if not room.count:
        return f"{what}: going back plays everything again from the last start."
    return f"{what}: at most {room.count} are kept, {room.apart} frames or more apart, and going back lands on one."


def picture_of(branch: Branch) -> str:
    """Give a branch's last picture, small, as a data URL; empty where there is none."""
    if branch not in _pictures:
        picture = branch.stretches[-1].start.engine.last_picture
        _pictures[branch] = "" if picture is None else data_url(picture)
    return _pictures[branch]


def data_url(picture: np.ndarray) -> str:
    """Give a picture, uint8 (H, W, 3), as a small JPEG in a data URL."""
    step = max(1, -(-max(picture.shape[:2]) // THUMBNAIL))
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(picture[::step, ::step])).decode()
