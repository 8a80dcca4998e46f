"""Controls for frames to come: what is set on a beat, on a bar, or at a marker."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from studio.controls import (
    Backdrop,
    Camera,
    Control,
    ControlError,
    ControlState,
    CutOut,
    Place,
    Region,
    Stroke,
    Subject,
    cutout,
    place,
    subject,
)
from studio.controls.backdrop import check_backdrop
from studio.controls.base import check_integer, shown
from studio.controls.region import check_regions
from studio.controls.stroke import check_room
from studio.models.base import Model
from studio.models.playable import check_view
from studio.score import Event
from studio.session.rewind import Rewindable

FARTHEST = 100_000  # frames from now: an hour, at 28 a second
# What a kind of control is asked of those that will be in force with it: whether there is room for another.
ROOM: Mapping[type[Control], Callable[[Model, ControlState, Any], None]] = {
    Stroke: lambda _, state, sent: check_room(state, sent),
    Region: lambda _, state, sent: check_regions(state, sent),
    Backdrop: lambda _, state, sent: check_backdrop(state, sent),
    CutOut: lambda _, state, sent: cutout.check_room(state, sent.slot),
    Camera: check_view,
    Place: lambda _, state, sent: place.check_room(state, sent),
    Subject: lambda _, state, sent: subject.check_room(state, sent),
}


class Ahead(Rewindable):
    """What of a session is set now and waits for its frame."""

    def send_at(self, control: Control, frame: int) -> None:
        """Set a control that takes effect in this frame, or in the next one if that is gone by.

        One waits in each slot, and what is sent of the slot meanwhile takes its place. Going back in time finds what
        was waiting then. Raises ControlError for what cannot be, and for a frame more than 100,000 ahead.
        """
        frame = check_integer("the frame to wait for", frame, 0, self.engine.frame + FARTHEST)
        self._accepted(control, lambda: self._inbox.put_later(Event(frame, control)))

    def call_off(self, slot: Hashable) -> bool:
        """Drop what waits for its frame in a slot; whether there was any."""
        return self._inbox.call_off(slot)

    @property
    def ahead(self) -> tuple[Event, ...]:
        """What waits for its frame, a preset's later controls too, the next one first."""
        return self._inbox.scheduled

    def _accepted(self, control: Control, put: Callable[[], int | None]) -> int:
        """Have the engine check and prepare a control, then put it; give the last revision. Raises ControlError."""
        if not isinstance(control, Control):
            raise ControlError(f"a session is sent controls such as Prompt or Stroke, got {shown(control)}")
        while True:
            engine = self.engine
            engine.accept(control)
            with self._inbox.lock:
                if engine is self.engine:  # not handed over to another model meanwhile
                    if (check := ROOM.get(type(control))) is not None:
                        check(engine.model, self._inbox.fold(engine.state, engine.frame), control)
                    put()
                    return self._inbox.revision
