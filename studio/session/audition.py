"""Auditions: what could be set next, tried beside the programme on an engine of its own, then taken or thrown away."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import fields, replace
from types import MappingProxyType

from studio.controls import Control, ControlError, ControlState, Held, Pause
from studio.controls.base import check_integer, shown
from studio.engine import Engine
from studio.frames import Frame, FrameOutput
from studio.hub.fit import NotEnoughMemory
from studio.hub.machine import this_machine
from studio.hub.units import gigabytes
from studio.session.history import bytes_of, checkpoint_bytes
from studio.session.rewind import Rewindable

EVERY = 4  # frames of the programme for one of the audition
MOST_CONTROLS = 16
log = logging.getLogger("studio")


class Audition:
    """The programme as it would go on under other controls, from where it was: a frame for every few of its own.

    It shares the model's weights and nothing else, so the programme's frames are the same with it and without. It is
    as if its controls had been set when it began: all others are the programme's, as they change, and what is timed (a
    path, a blend) is where it is in the programme, though here only every fourth frame is drawn. When the programme
    goes elsewhere (back in time, to a clean start) it begins again from there.

    newest: its last frame. ended: why it ended by itself, in words for a person; empty while it goes on.
    """

    def __init__(
        self,
        programme: Engine,
        controls: Sequence[Control],
        every: int = EVERY,
        output: FrameOutput | None = None,
        before: Audition | None = None,
    ) -> None:
        """controls: that the programme's engine has accepted. output: is given each frame, due with the programme's.

        before: one on the same model that ends, whose engine is used again. Raises NotEnoughMemory, before anything is
        taken, where a second cache does not fit.
        """
        self.controls, self.every, self.output = tuple(controls), every, output
        self.newest: Frame | None = None
        self.ended = ""
        self._changes = [changed_fields(control, programme.state) for control in self.controls]
        self._engine = before._engine if before else another_engine(programme)
        self._begin(programme)

    def taken(self, state: ControlState) -> list[Control]:
        """Give its controls as they would be set in this state.

        Of a kind with one slot only the fields that it changed when it began, so that a dial turned since stays.
        """
        pairs = zip(self.controls, self._changes, strict=True)
        return [control if changes is None else replace(state[type(control)], **changes) for control, changes in pairs]

    def follow(self, programme: Engine, frame: Frame | None) -> None:
        """Go along with a frame that the programme has made, or (None) with none while it is paused.

        Paused, it goes on by itself: what the programme will show once it was taken and plays.
        """
        if programme.jumps != self._jumps:
            self._begin(programme)
            return
        self._paused_for = 0 if frame else self._paused_for + 1
        self._owed += 1 if frame else self.every
        # What draws a chunk would hold up the programme's pictures that are made and have not come out.
        holds_up = frame is not None and programme.ahead > 0 and not self._engine.ahead
        if self._owed < self.every or holds_up:
            return
        self._owed -= self.every
        self._step(programme, frame.due if frame else 0.0)

    def _begin(self, programme: Engine) -> None:
        self._engine.restore(programme.snapshot())
        self._jumps, self._since = programme.jumps, programme.frame
        self._owed = self.every - 1  # the first frame comes with the programme's next
        self._paused_for = self._engine.ahead
        while self._engine.ahead:  # pictures that were made before, and show nothing of it
            self._engine.step()

    def _step(self, programme: Engine, due: float) -> None:
        state = programme.state.updated(*self.taken(programme.state), frame=self._since)
        now = programme.frame - 1 + self._paused_for
        self._engine.state = shifted(state, self._engine.frame - now)
        self.newest = replace(self._engine.step(), due=due)
        if self.output is not None:
            self.output.put(self.newest)


class Auditioning(Rewindable):
    """What of a session is tried before it is set. auditioning: what is tried now, if anything."""

    auditioning: Audition | None = None

    @abstractmethod
    def send(self, control: Control) -> int:
        """Set a control."""

    @abstractmethod
    def pending_state(self) -> ControlState:
        """Give the controls in force once all that was sent has taken effect."""

    def audition(self, *controls: Control, every: int = EVERY, output: FrameOutput | None = None) -> Audition:
        """Try controls beside the programme, from its next frame on, in place of what was tried before.

        every: frames of the programme for one of the audition, 1..1000; output: is given each of its frames. The
        programme's frames stay the same bit for bit; nothing of it is in takes or in what can be gone back to. Raises
        ControlError for what cannot be played, NotEnoughMemory for a cache that does not fit twice; the stream goes on.
        """
        check_auditioned(controls, every)
        while True:
            engine = self.engine
            engine.accept(*controls)
            with self._turn:
                if engine is self.engine:  # not handed over to another model meanwhile
                    audition = Audition(engine, controls, every, output, self.auditioning)
                    self.auditioning = audition
                    break
        self._inbox.wake()  # one that is paused shows it too
        return audition

    def take_audition(self) -> int:
        """Set what is auditioned, all of it from the same frame on, and end the audition; gives the last revision.

        The controls are sent as if a person had set them now: they are in the take, and it replays. Raises RuntimeError
        if nothing is auditioned.
        """
        with self._turn:
            audition = self.auditioning
            if audition is None:
                raise RuntimeError("nothing is auditioned; call audition() with a control first")
            revisions = [self.send(control) for control in audition.taken(self.pending_state())]
            self.auditioning = None
        return revisions[-1]

    def drop_audition(self, why: str = "") -> None:
        """Throw away what is auditioned, if anything; it leaves no trace. why: in words, where nobody asked for it."""
        audition, self.auditioning = self.auditioning, None
        if audition is not None:
            audition.ended = why

    def _follow(self, frame: Frame | None) -> None:
        """Have the audition go along; one that fails ends, and the programme plays on."""
        if (audition := self.auditioning) is None:
            return
        try:
            audition.follow(self.engine, frame)
        except Exception as error:  # memory that ran out above all; whatever it is, the show goes on
            log.exception("the audition failed")
            self.drop_audition(
                f"The audition failed and has ended; the programme plays on. It said: {shown(str(error), 200)}"
            )


def check_auditioned(controls: Sequence[object], every: int) -> None:
    """Raise ControlError unless these can be tried beside the programme, a frame for so many of its own."""
    check_integer("every", every, 1, 1000)
    if not controls or len(controls) > MOST_CONTROLS:
        raise ControlError(
            f"an audition is of 1 to {MOST_CONTROLS} controls, such as Prompt or Sampling, got {len(controls)}"
        )
    for control in controls:
        if not isinstance(control, Control):
            raise ControlError(f"an audition is of controls such as Prompt or Sampling, got {shown(control)}")
        if isinstance(control, Pause):
            raise ControlError("a pause changes no picture, so there is nothing to audition; send it")


def changed_fields(control: Control, state: ControlState) -> dict[str, object] | None:
    """Give the fields in which a control differs from the one in force; None of a kind with a slot for each name."""
    if control.slot_field:
        return None
    before = state[type(control)]
    values = {field.name: getattr(control, field.name) for field in fields(control)}
    return {name: value for name, value in values.items() if value != getattr(before, name)}


def shifted(state: ControlState, frames: int) -> ControlState:
    """Give a state in which all that is timed took effect so many frames later."""

    def later(held: Held) -> Held:
        return replace(held, frame=held.frame + frames, before=tuple(later(one) for one in held.before))

    slots = {slot: later(held) if held.control.timed else held for slot, held in state.slots.items()}
    return replace(state, slots=MappingProxyType(slots))


def memory_need(programme: Engine) -> int:
    """Compute the most bytes that another engine like this holds, with what it begins from, before one is made."""
    return 2 * checkpoint_bytes(programme) + bytes_of(programme.decoder.snapshot())


def another_engine(programme: Engine) -> Engine:
    """Make another engine like this; raises NotEnoughMemory if there is no room for it."""
    need = memory_need(programme)
    machine, on_card = this_machine(), str(programme.model.device).startswith("cuda")
    free = machine.card_memory if on_card else machine.memory
    if need > free:
        raise NotEnoughMemory(
            f"an audition of {programme.model.name} needs {gigabytes(need)} beside the programme, and "
            f"{gigabytes(free)} are free {'on the card' if on_card else 'in memory'}; set it without, and take it back"
        )
    return Engine(programme.model, programme.sampler_name)
