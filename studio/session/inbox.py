"""What was sent and has not taken effect, and the receipt of what has."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from studio.controls import Control, ControlState
from studio.score import Event


@dataclass(frozen=True)
class Receipt:
    """A control took effect: its revision, its kind, and the first frame made under it."""

    revision: int
    kind: str
    frame: int


class Inbox:
    """Controls on their way: one a slot, the last one; and those for frames to come. Any thread may put.

    lock: held around several calls, nothing comes between them.
    """

    def __init__(self) -> None:
        self.revision = 0
        self.lock = threading.Condition()  # over a re-entrant lock
        self.scheduled: tuple[Event, ...] = ()
        self._waiting: dict[Hashable, tuple[int, Control]] = {}
        self._claimed: set[Hashable] = set()  # slots a person set, which a preset's later controls leave alone

    def put(self, control: Control) -> int:
        """Add a control that a person sent, and give its revision."""
        with self.lock:
            self._claimed.add(control.slot)
            return self._put(control)

    def put_preset(self, controls: Iterable[Control], later: Iterable[Event]) -> int:
        """Add a preset's controls, and its later ones in place of those still to come; gives the last revision."""
        with self.lock:
            self._claimed, self.scheduled = set(), tuple(later)
            for control in controls:
                self._put(control)
            return self.revision

    def schedule(self, later: Iterable[Event]) -> None:
        """Put these in the place of those still to come, whatever a person set before."""
        with self.lock:
            self._claimed, self.scheduled = set(), tuple(later)

    @property
    def waiting(self) -> tuple[Control, ...]:
        """What was sent and has not been taken."""
        with self.lock:
            return tuple(control for _, control in self._waiting.values())

    def put_later(self, event: Event) -> None:
        """Add a control for a frame to come, in place of whatever was to come of its slot.

        What a person sends of the slot before then takes its place, as it does a preset's.
        """
        with self.lock:
            self.call_off(event.control.slot)
            self._claimed.discard(event.control.slot)
            self.scheduled = tuple(sorted((*self.scheduled, event), key=lambda one: one.frame))

    def call_off(self, slot: Hashable) -> bool:
        """Drop what was to come of a slot; whether there was any."""
        with self.lock:
            before = self.scheduled
            self.scheduled = tuple(event for event in before if event.control.slot != slot)
            return len(self.scheduled) < len(before)

    def take(self, *, only: Hashable | None = None, due: int | None = None) -> list[tuple[int, Control]]:
        """Empty it, or only one slot of it; (revision, control) in the order of sending.

        due: a frame; what was scheduled for it comes last, but for the slots that a person set since the last time.
        """
        with self.lock:
            if due is not None:
                self._release(due)
            slots = [slot for slot in self._waiting if only is None or slot == only]
            return [self._waiting.pop(slot) for slot in slots]

    def fold(self, state: ControlState, frame: int) -> ControlState:
        """Give a state as it will be once all that waits has taken effect at a frame."""
        with self.lock:
            return state.updated(*(control for _, control in self._waiting.values()), frame=frame)

    def wait(self, timeout: float) -> None:
        """Wait until something is put or somebody wakes it, or so many seconds."""
        with self.lock:
            self.lock.wait(timeout)

    def wait_for_new(self, timeout: float) -> None:
        """Wait likewise, and not at all if something is there."""
        with self.lock:
            self.lock.wait_for(lambda: self._waiting, timeout)

    def wake(self) -> None:
        """Wake who waits."""
        with self.lock:
            self.lock.notify_all()

    def _put(self, control: Control) -> int:
        self.revision += 1
        # Taken out first, so that it also takes the last place: an erasure of all strokes sent before it stays so.
        self._waiting.pop(control.slot, None)
        self._waiting[control.slot] = (self.revision, control)
        self.lock.notify_all()
        return self.revision

    def _release(self, frame: int) -> None:
        """Put what was scheduled for a frame."""
        left = [event for event in self.scheduled if event.control.slot not in self._claimed]
        self._claimed = set()
        self.scheduled = tuple(event for event in left if event.frame > frame)
        for event in left:
            if event.frame <= frame:
                self._put(event.control)
