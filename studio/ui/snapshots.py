"""A picture that a person saves: a PNG that carries the take which leads to it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.controls import Sampling
from studio.outputs import OutputError
from studio.outputs.png import encode_png
from studio.score import ScoreError
from studio.ui.takes import Download

if TYPE_CHECKING:
    from studio.frames import Frame
    from studio.session.session import Session
    from studio.ui.seat import Seat

log = logging.getLogger("studio")


@dataclass(frozen=True)
class Snapshot:
    """A picture on offer: its file's name, the secret it is downloaded by, the frame's number."""

    name: str
    address: str
    frame: int


def offer_snapshot(seat: Seat, index: int | None) -> Snapshot | None:
    """Offer the frame of a number as PNG, or the newest if it is no longer there; None before the first."""
    frame = seat.mailbox.frame(index)
    if frame is None:
        return None
    name = f"studio-{seat.state[Sampling].seed}-{frame.index:06d}.png"
    secret = seat.downloads.offer(Download(name, "image/png", png_of(frame, seat.session)))
    return Snapshot(name, secret, frame.index)


def png_of(frame: Frame, session: Session) -> bytes:
    """Give a frame as PNG, which carries the take that leads to it, where that is kept and not too large."""
    try:
        score = session.leading_to(frame.index)
        return encode_png(frame.picture, score.text if score else "")
    except (ScoreError, OutputError) as error:
        log.info("a picture is saved without its take: %s", error)
        return encode_png(frame.picture)
