"""A seat's latency dial: what the page measures goes to the controller, what that decides to the session and the link.

Steps change frames: they are set as a control, with a frame's number in the take. JPEG quality and how many frames a
second are sent change none, and are in no take. Size and chunk stay: no model changes them in mid-line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.controls import Control, ControlError, Sampling
from studio.models.playable import FEW_STEPS, MAX_STEPS, has_schedule, supports
from studio.session.latency import TARGETS, USUAL, Controller, Knobs, Measured, Room, Target, counted
from studio.ui.frame_sender import Sending
from studio.ui.protocol import DialChanged

if TYPE_CHECKING:
    from studio.models.base import Model
    from studio.session.session import Session

OFF, NUMBER = "off", "number"
NUMBERS = (30, 2000)  # ms that may be asked for
STALE = 1.0  # seconds in which a page may still send the steps that were in force before


class Dial:
    """What is asked for, and what was set for it. It does nothing until a person turns it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.name, self.target = OFF, Target(0)
        self.why = self.stands = ""
        self.sending = Sending()
        self._clock = clock
        self._controller = Controller()
        self._held = False  # a person's own steps stay
        self._first: int | None = None  # steps in force when it was turned on
        self._before: tuple[int, float] | None = None  # steps that it changed last, and until when a page may not know

    def turn(self, name: str, ms: float, session: Session) -> None:
        """Ask for a latency: a name of TARGETS, "number" and its ms, or "off", which sets all as it was."""
        steps = session.pending_state()[Sampling].steps
        self.why, self.stands = "", "" if name == OFF else "Measuring."
        was_on, self.name, self._held, self._before = self.name != OFF, name, False, None
        self._controller = Controller()
        if name == OFF:
            self.sending.quality, self.sending.rate = USUAL.quality, USUAL.rate
            if was_on and self._first is not None and self._first != steps:
                self._set_steps(self._first, session)
            return
        self.target = TARGETS.get(name) or Target(ms)
        self._first = self._first if was_on else steps

    def hear(self, control: Control, session: Session) -> None:
        """Take in what a person sends: steps of their own stay, and are what "off" goes back to."""
        if self.name == OFF or not isinstance(control, Sampling):
            return
        now = session.pending_state()[Sampling]
        if control.steps == now.steps and control.t_index_list == now.t_index_list:
            return
        if self._before and control.steps == self._before[0] and self._clock() < self._before[1]:
            return
        self._held, self._first = True, control.steps
        self.why = f"You set {counted(control.steps)} yourself, so they stay."

    def measured(self, latency: float, line: float, page: float, session: Session) -> None:
        """Take in what the page has measured, in ms, and act on it."""
        sampling, stats = session.pending_state()[Sampling], session.stats
        if self.name == OFF or stats["paused"] or not stats["draw_ms"]:
            return
        knobs = Knobs(sampling.steps, self.sending.quality, self.sending.rate)
        room = room_of(session.model, sampling, self._held)
        decision = self._controller.decide(
            self._clock(), Measured(latency, stats["draw_ms"], line, page), self.target, knobs, room
        )
        if decision.changed:
            self.why = decision.says
        elif decision.says:
            self.stands = decision.says
        self.sending.quality, self.sending.rate = decision.knobs.quality, decision.knobs.rate
        if decision.knobs.steps != sampling.steps:
            self._set_steps(decision.knobs.steps, session)

    def told(self) -> DialChanged:
        """Give what a page is told."""
        ms = 0.0 if self.name == OFF else self.target.ms
        return DialChanged(self.name, ms, self.why, self.stands, self.sending.quality, self.sending.rate, self._held)

    def _set_steps(self, steps: int, session: Session) -> None:
        sampling = session.pending_state()[Sampling]
        self._before = sampling.steps, self._clock() + STALE
        try:
            session.send(replace(sampling, steps=steps))
        except ControlError as error:  # another model plays now
            self.why = str(error)


def room_of(model: Model, sampling: Sampling, held: bool) -> Room:
    """Give the steps that may be set on a model beside those in force; held: a person has set these."""
    able = model.capabilities
    hold = f"you set {counted(sampling.steps)} yourself" if held else ""
    if sampling.t_index_list:
        hold = "the timesteps were set one by one (t_index_list)"
    least = min(able.steps, FEW_STEPS + 1) if able.undistilled else 1
    steps = [one for one in range(least, MAX_STEPS + 1) if has_schedule(model, one)]
    steps = [one for one in steps if supports(model, replace(sampling, steps=one, t_index_list=()))]
    if not hold and len(steps) < 2:
        hold = f"{model.name} plays no other number of steps"
    return Room([sampling.steps] if hold else steps, able.steps, hold, not able.undistilled)
