"""A seat: one person's session and what is around it."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import Control, ControlError, ControlState, FreeMotion, Prompt
from studio.session.drift import DriftMeter
from studio.ui.auditions import SeatAudition
from studio.ui.bookmarks import Bookmarks
from studio.ui.dial import Dial
from studio.ui.editing import Editing, end_show
from studio.ui.exports import Exports, Place, make_whole
from studio.ui.frame_sender import FASTEST
from studio.ui.mailbox import Mailbox
from studio.ui.model_choice import ModelChoice
from studio.ui.offline import Offline, tell
from studio.ui.protocol import CloseCode, RecordingChanged, TakeSaved
from studio.ui.quota import DiskQuota
from studio.ui.reading import ReadingBudget
from studio.ui.recorder import Recorder, Take
from studio.ui.takes import Downloads
from studio.ui.viewers import Viewers

if TYPE_CHECKING:
    from studio.models.base import Model
    from studio.presets import Preset
    from studio.session.session import Session
    from studio.ui.connection import Connection
    from studio.ui.library import Library

OVER_QUOTA = "The take was ended: it fills what this server keeps for one person. Download it; it is complete."
log = logging.getLogger("studio")


class Seat:
    """One person's place: a session, the mailbox with its newest frame, what can be downloaded, and the page on it.

    left_at: since when there is no page on it, on its clock; None while there is one. touched_at: when a person last
    asked for something. address: of the machine the page is on, as far as it is known. played: whether a person has set
    anything. news: what the page is told when it comes. late: controls for the model that is on its way;
    arrived: what is to be done once it plays. bookmarks: files that go on from a moment; offline: what is drawn beside.
    """

    def __init__(
        self,
        session: Session,
        takes: Path,
        clock: Callable[[], float] = time.monotonic,
        library: Library | None = None,
        *,
        address: str = "",
        disk: DiskQuota | None = None,
        id: str = "",
    ) -> None:
        """id: that of a seat that has ended, whose page comes back; a new one that cannot be guessed if empty."""
        self.id = id or secrets.token_urlsafe(24)
        self.session = session
        self.mailbox = Mailbox()
        self.viewers = Viewers(self.mailbox)
        self.downloads = Downloads()
        self.address = address
        self.disk = disk or DiskQuota()
        self.recorder = Recorder(session, takes, self.downloads, self.disk, address)
        self.bookmarks = Bookmarks(session, takes, self.disk, address)
        self.offline = Offline(session)
        place = Place(takes, self.downloads, self.disk, address)
        self.exports = Exports(self.offline, session, self.recorder, place, partial(tell, self))
        self.models = ModelChoice(session, library, self.hand_over)
        self.editing = Editing()
        self.connection: Connection | None = None
        self.left_at: float | None = clock()
        self._clock = clock
        self.audition = SeatAudition(session, clock)
        self.reading = ReadingBudget(clock)
        self.touched_at = clock()
        self.played = self._closed = False
        self.news = ""
        self.late: tuple[Control, ...] = ()
        self.arrived: Callable[[], object] | None = None
        self._lock = threading.RLock()
        self.dial = Dial(clock)
        self.drift = DriftMeter(lambda: scene_of(session, self.recorder))
        session.outputs += [self.mailbox, self.drift]

    @property
    def state(self) -> ControlState:
        """The controls in force, or those that will be with the next frame."""
        return self.session.pending_state()

    def touch(self) -> None:
        """Note that a person asks for something now."""
        self.touched_at = self._clock()

    def send(self, control: Control) -> int:
        """Hand a control to the session; give its revision."""
        self.played = True
        return self.session.send(control)

    def play(self, preset: Preset) -> dict[str, str]:
        """Hand a preset to the session: its controls at once, later ones when their frame has come.

        Gives the kinds of its controls that the model does not take and that are left out, with the reasons.
        """
        self.played = True
        refuses = self.session.model.capabilities.refuses
        left_out = {event.control.kind for event in preset.events} & set(refuses)
        events = tuple(event for event in preset.events if event.control.kind not in left_out)
        self.session.play(replace(preset, events=events))
        return {kind: why for kind, why in refuses.items() if kind in left_out}

    def hand_over(self, model: Model) -> dict[str, str]:
        """Go on, from the session's next frame, on another model; a take that is being recorded ends first.

        Gives the kinds of control in force that the model does not take, with the reasons.
        """
        with self._lock:
            if self._closed:
                return {}
            self.stop_recording()
            end_show(self)
            self.offline.cancel()
            refused = handed_over(self.session, model)
            late, self.late = self.late, ()
            refused |= send_all(self.session, late)
            arrived, self.arrived = self.arrived, None
            if arrived:
                arrived()
            self.run()
        self.models.release_unused()
        return refused

    def attach(self, connection: Connection) -> Connection | None:
        """Put a page on the seat, so that its session runs; give the connection it takes over from, if any.

        A seat that was closed meanwhile ends it at once: the page gets another.
        """
        with self._lock:
            if self._closed:
                connection.end(CloseCode.STOPPING)
                return None
            before, self.connection, self.left_at = self.connection, connection, None
            if before is not None:
                self.mailbox.forget(before.bell)
            self.mailbox.listen(connection.bell)
            self.run()
        return before

    def detach(self, connection: Connection) -> None:
        """Take the page off the seat, which is gone; nothing happens if another has taken over."""
        with self._lock:
            if self.connection is connection:
                self.mailbox.forget(connection.bell)
                self.connection, self.left_at = None, self._clock()

    def record(self) -> None:
        """Begin a take."""
        with self._lock:
            self.recorder.start()

    def stop_recording(self) -> Take | None:
        """End the take and give it; None if none was recorded."""
        with self._lock:
            return make_whole(self.exports, self.recorder.stop())

    def end_take_over_quota(self) -> None:
        """End a take that fills what one person may have of the disk; the page is told."""
        with self._lock:
            if not self.recorder.over_quota:
                return
            take = self.recorder.stop()
            if self.connection is not None and take is not None:
                self.connection.send(RecordingChanged(False))
                self.connection.send(TakeSaved(replace(take, problem=OVER_QUOTA)))

    def reset(self, seed: int | None = None) -> Take | None:
        """Go back to frame 0; a take that is being recorded ends first, and is returned."""
        take = self.stop_recording()
        self.session.reset(seed)
        self.run()
        return take

    def run(self) -> None:
        """Have the session draw while there is a page; it had stopped if something had gone wrong."""
        if self.connection is not None:
            self.session.start(float(FASTEST))

    def stop(self) -> None:
        """Have the session draw no more; everything else stays."""
        try:
            self.session.stop()
        except Exception:  # what had ended its thread, raised again: our fault, and no reason to lose the take
            log.exception("a session had stopped by itself")

    def close(self, code: CloseCode = CloseCode.STOPPING) -> None:
        """Stop for good; the page is told by this code.

        A take is finished; otherwise what was played is kept as a score.
        """
        with self._lock:
            self._closed = True
            self.offline.close()
            if self.connection is not None:
                self.connection.end(code)
            self.viewers.close(code)
            self.models.cancel()
            self.exports.close()
            self.stop()
            take = self.stop_recording()
            end_show(self)
            if take is None and self.played:
                self.recorder.keep(self.session.score)
            self.mailbox.close()
        self.models.release()


def set_free(session: Session) -> None:
    """Have what the prompt names move by itself, where the model can: what a page begins with."""
    if session.model.capabilities.free_motion:
        session.send(FreeMotion(True))


def handed_over(session: Session, model: Model) -> dict[str, str]:
    """Hand a session over; free motion, which nobody asked for, is no loss, and is on where it was not possible."""
    was_free = session.model.capabilities.free_motion
    refused = session.hand_over(model)
    refused.pop(FreeMotion.kind, None)
    if not was_free:
        set_free(session)
    return refused


def scene_of(session: Session, recorder: Recorder) -> tuple[object, ...]:
    """Give what begins a new scene when it is another: how far the pictures drift is measured from there."""
    return session.model.name, session.engine.state[Prompt].text, recorder.recording


def send_all(session: Session, controls: tuple[Control, ...]) -> dict[str, str]:
    """Send controls; give the kinds of those that cannot be played, with the reasons."""
    refused: dict[str, str] = {}
    for control in controls:
        try:
            session.send(control)
        except ControlError as error:
            refused[control.kind] = str(error)
    return refused
