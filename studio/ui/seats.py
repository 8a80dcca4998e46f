"""Seats: a session for each open page, a few at a time, and what becomes of it when the page is closed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import ControlError
from studio.ui.errors import SeatsTaken
from studio.ui.seat import Seat

if TYPE_CHECKING:
    from studio.presets import Preset
    from studio.session.session import Session
    from studio.ui.library import Library

RUNNING = 2  # sessions at once: each wants the whole machine
GIVES_WAY_AFTER = 3.0  # seconds without a page after which a seat may be given to another
PAUSE_AFTER = 10.0  # seconds without a page after which a session stops drawing
CLOSE_AFTER = 120.0  # seconds without a page after which it is closed
log = logging.getLogger("studio")


class Seats:
    """All seats of a server."""

    def __init__(
        self,
        session_factory: Callable[[], Session],
        *,
        opening: Preset | None = None,
        library: Library | None = None,
        takes: Path = Path("takes"),
        running: int = RUNNING,
        pause_after: float = PAUSE_AFTER,
        close_after: float = CLOSE_AFTER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.running, self.pause_after, self.close_after = running, pause_after, close_after
        self._factory, self._opening, self._takes, self._clock = session_factory, opening, takes, clock
        self._library = library
        self._seats: dict[str, Seat] = {}
        self._lock = threading.RLock()

    @property
    def taken(self) -> Mapping[str, Seat]:
        return dict(self._seats)

    def find(self, id: str | None) -> Seat | None:
        return self._seats.get(id or "")

    def sit(self, id: str | None = None) -> Seat:
        """The seat with this id, or else a new one; raises SeatsTaken if all are in use, Waiting if none can begin."""
        with self._lock:
            if seat := self.find(id):
                return seat
            self._make_room()
            seat = Seat(self._factory(), self._takes, self._clock, self._library)
            if self._opening is not None:
                play_opening(seat, self._opening)
            self._seats[seat.id] = seat
            return seat

    def _make_room(self) -> None:
        """The seat left longest ago gives way to a new page, unless its own may just be reloading."""
        while len(self._seats) >= self.running:
            since = self._clock() - GIVES_WAY_AFTER
            left = [seat for seat in self._seats.values() if seat.left_at is not None and seat.left_at <= since]
            if not left:
                raise SeatsTaken(
                    f"{self.running} sessions are running here, as many as this machine can draw at once. "
                    "Close one of the other tabs, and this one starts by itself."
                )
            self.close(min(left, key=lambda seat: seat.left_at or 0.0))

    def sweep(self) -> None:
        """Stop and close the seats whose page is gone; called about once a second."""
        now = self._clock()
        for seat in list(self._seats.values()):
            gone = now - seat.left_at if seat.left_at is not None else 0.0
            if gone > self.close_after:
                self.close(seat)
            elif gone > self.pause_after:
                seat.stop()

    def close(self, seat: Seat) -> None:
        with self._lock:
            self._seats.pop(seat.id, None)
        seat.close()

    def close_all(self) -> None:
        for seat in list(self._seats.values()):
            self.close(seat)


def play_opening(seat: Seat, opening: Preset) -> None:
    """Play what every page begins with, as far as the model does: a page must open on any model."""
    try:
        seat.play(opening)
    except ControlError as error:
        log.warning("the first preset is not played: %s", error)
