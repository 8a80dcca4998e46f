"""Seats: a session for each open page, a few at a time, and what becomes of it when the page is closed."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import ControlError, Stroke
from studio.session.history import MOST_BYTES
from studio.ui.errors import SeatsTaken
from studio.ui.protocol import CloseCode
from studio.ui.quota import DiskQuota
from studio.ui.restore import Restorer
from studio.ui.seat import Seat, set_free
from studio.ui.security import LOOPBACK

if TYPE_CHECKING:
    from studio.presets import Preset
    from studio.session.session import Session
    from studio.ui.library import Library

RUNNING = 2  # sessions at once: each wants the whole machine
GIVES_WAY_AFTER = 3.0  # seconds without a page after which a seat may be given to another
GIVES_WAY_AFTER_PLAY = 30.0  # the same, where a person has set something: lines break, and laptops are carried about
IDLE_AFTER = 180.0  # seconds in which nobody touched an open page, after which its seat may be given to who waits
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
        clock: Callable[[], float] = time.monotonic,
        disk: DiskQuota | None = None,
        restorer: Restorer | None = None,
    ) -> None:
        self.running, self.pause_after, self.close_after = running, PAUSE_AFTER, CLOSE_AFTER
        self._factory, self._opening, self._takes, self._clock = session_factory, opening, takes, clock
        self._library, self._disk = library, disk or DiskQuota()
        self._restorer = restorer or Restorer(takes)
        self._seats: dict[str, Seat] = {}
        self._lock = threading.RLock()

    @property
    def taken(self) -> Mapping[str, Seat]:
        """The seats in use, by their ids."""
        return dict(self._seats)

    def find(self, id: str | None) -> Seat | None:
        """Give the seat of an id, if it is in use."""
        return self._seats.get(id or "")

    def viewed(self, secret: str) -> Seat | None:
        """Give the seat whose picture is at this secret address."""
        asked = secret.encode("utf-8", "replace")
        found = (one for one in self.taken.values() if secrets.compare_digest(one.viewers.secret.encode(), asked))
        return next(found, None)

    def has_withdrawn(self, secret: str) -> bool:
        """Whether a picture was at this secret address, and was taken away from there."""
        return any(secret in one.viewers.withdrawn for one in self.taken.values())

    def sit(self, id: str | None = None, address: str = "") -> Seat:
        """Give the seat of an id, or else a new one; with what is saved of an earlier one of this id, if anything is.

        Raises SeatsTaken if all are in use, Waiting if none can begin. address: of the machine that asks.
        """
        with self._lock:
            if seat := self.find(id):
                return seat
            self._check_share(address)
            self._make_room()
            seat = self._begin(id, address)
            self._seats[seat.id] = seat
            return seat

    def _begin(self, id: str | None, address: str) -> Seat:
        """Make a seat: as it was left under this id, or else with what every page begins with."""
        saved = self._restorer.load(id)
        made = self._factory()
        made.history.most_bytes = MOST_BYTES * RUNNING // max(RUNNING, self.running)  # all share the memory
        seat = Seat(
            made, self._takes, self._clock, self._library, address=address, disk=self._disk, id=(saved and id) or ""
        )
        if not self._restorer.begin(seat, saved):
            set_free(made)
            if self._opening is not None:
                play_opening(seat, self._opening)
        return seat

    def _check_share(self, address: str) -> None:
        """Raise SeatsTaken for a machine that has all seats but one; this one, where the server runs, may have all."""
        if address in ("", *LOOPBACK):
            return
        theirs = [seat for seat in self._seats.values() if seat.address == address and not self._gives_way(seat)]
        if len(theirs) >= max(1, self.running - 1):
            raise SeatsTaken(
                f"{len(theirs)} of the {self.running} sessions of this server are yours, and one is kept for others. "
                "Close one of your tabs, and this one starts by itself."
            )

    def _make_room(self) -> None:
        """A seat gives way to a new page: the one left longest ago, or else the one nobody has touched longest."""
        while len(self._seats) >= self.running:
            giving = [seat for seat in self._seats.values() if self._gives_way(seat)]
            if not giving:
                raise SeatsTaken(
                    f"{self.running} sessions are running here, as many as this machine can draw at once. "
                    "Close one of the other tabs, and this one starts by itself."
                )
            left = [seat for seat in giving if seat.left_at is not None]
            if left:
                self.close(min(left, key=lambda seat: seat.left_at or 0.0))
            else:
                self.close(min(giving, key=lambda seat: seat.touched_at), CloseCode.IDLE)

    def _gives_way(self, seat: Seat) -> bool:
        """Whether a seat may be given to another: its page is gone and not just reloading, or nobody touches it."""
        now = self._clock()
        if seat.left_at is not None:
            return now - seat.left_at >= (GIVES_WAY_AFTER_PLAY if seat.played else GIVES_WAY_AFTER)
        return now - seat.touched_at >= IDLE_AFTER and not seat.recorder.recording

    def sweep(self) -> None:
        """Stop and close the seats whose page is gone; called about once a second."""
        now = self._clock()
        for seat in list(self._seats.values()):
            gone = now - seat.left_at if seat.left_at is not None else 0.0
            if gone > self.close_after:
                self.close(seat)
                continue
            if gone > self.pause_after:
                seat.stop()
            seat.end_take_over_quota()
            seat.audition.sweep(seat.left_at)
            self._restorer.save(seat)

    def close(self, seat: Seat, code: CloseCode = CloseCode.STOPPING) -> None:
        """Close a seat; its page is told by this code."""
        with self._lock:
            self._seats.pop(seat.id, None)
        seat.close(code)
        with self._lock:
            if self.find(seat.id) is None:  # its page is not back already
                self._restorer.leave(seat)

    def close_all(self) -> None:
        """Close every seat."""
        for seat in list(self._seats.values()):
            self.close(seat)


def play_opening(seat: Seat, opening: Preset) -> None:
    """Play what every page begins with, as far as the model does: a page must open on any model.

    An image model begins with pictures from words alone: what it is to redraw a person paints.
    """
    if seat.session.model.capabilities.strokes == "underpainting":
        opening = replace(opening, events=tuple(one for one in opening.events if one.control.kind != Stroke.kind))
    try:
        seat.play(opening)
        seat.played = False  # not by a person
    except ControlError as error:
        log.warning("the first preset is not played: %s", error)
