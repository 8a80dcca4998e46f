"""Back and forth in time: rewinding, branches, and keeping what was just shown."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass

from studio.engine import Engine, EngineSnapshot
from studio.frames import Frame
from studio.models.base import Model
from studio.score import Event, Header
from studio.session.history import Branch, History, SessionSnapshot, Stretch, fork_from
from studio.session.inbox import Inbox
from studio.session.runner import Runner
from studio.session.take import Recorder, Take
from studio.session.turn import Turn


@dataclass(frozen=True)
class Between:
    """A session between two frames: what is remembered of it.

    engine: as it is there, if a checkpoint is due, else None; scheduled: what is still to come; took: seconds it took.
    """

    engine: EngineSnapshot | None
    scheduled: tuple[Event, ...]
    took: float


class Rewindable(Runner):
    """What of a session goes back and forth in time. history: what it can go back to."""

    model: Model
    engine: Engine
    history: History
    _turn: Turn
    _recorder: Recorder
    _inbox: Inbox

    @abstractmethod
    def _apply(self, *, only: Hashable | None = None, due: int | None = None) -> None:
        """Put what was sent in force."""

    def snapshot(self) -> SessionSnapshot:
        """Give the session as it is between two frames."""
        with self._turn:
            return self._snapshot()

    def restore(self, snapshot: SessionSnapshot) -> None:
        """Go on from a snapshot, of this session or another on the same model. Ends a recording."""
        with self._turn:
            check_model(snapshot.score.header, self.model)
            self._go_on_from(snapshot)
            self.history.begin(snapshot)

    def rewind(self, frame: int) -> Branch | None:
        """Go back to before a frame: it is the next to be made, under what was in force then. Ends a recording.

        Exact: from the checkpoint before it, by the controls that took effect since. What was played from there on is
        kept as a branch, which is given. Raises ValueError for a frame that is not kept, or that is to come.
        """
        with self._turn:
            if frame > self.engine.frame:
                raise ValueError(f"frame {frame} is still to come; the last one made is {self.engine.frame - 1}")
            if frame == self.engine.frame:
                return None
            self.history.stretch_of(frame)
            self._apply()  # what waits was set now, not then
            branch = self.history.leave(self._snapshot(), frame)
            self._play_again(self.history.cut(frame), frame)
            return branch

    def go_to(self, name: str | int) -> Branch | None:
        """Go over to a branch, by its name or id, and on from its end.

        What is played now becomes a branch, which is given. Ends a recording. Raises ValueError if there is none.
        """
        with self._turn:
            wanted = self.history.branches.named(name)
            self._apply()
            left = self.history.leave(self._snapshot(), fork_from(self.history.stretches, wanted))
            self._go_on_from(self.history.take_up(wanted).start)
            return left

    def _mark_clean_start(self) -> None:
        """Remember where the next frame begins, if it has no past, with what is in force in it."""
        if self.history.is_fresh:
            self.history.add_checkpoint(self._snapshot(), is_clean=True)

    def _between(self) -> Between:
        """Copy what is to be remembered of the moment before the next frame."""
        began = time.monotonic()
        engine = self.engine.snapshot() if self.history.wants_checkpoint(self.engine) else None
        return Between(engine, self._inbox.scheduled, time.monotonic() - began)

    def _remember(self, frame: Frame, after: Between | None = None) -> None:
        """Take a frame that was shown into the history, and a checkpoint after it when it is time.

        after: the moment after it, where the next frame has begun since.
        """
        after = after or self._between()
        self.history.add_frame(frame, after.scheduled)
        if after.engine is not None:
            snapshot = SessionSnapshot(after.engine, self._recorder.score(), after.scheduled)
            self.history.add_checkpoint(snapshot, took=after.took)

    def _forget_line(self) -> Branch | None:
        """Keep what was played as a branch, which is given: what comes next has nothing to do with it."""
        left = self.history.leave(self._snapshot(), self.history.start) if self.history.stretches else None
        self.history.begin()
        return left

    def _snapshot(self) -> SessionSnapshot:
        return SessionSnapshot(self.engine.snapshot(), self._recorder.score(), self._inbox.scheduled)

    def _go_on_from(self, snapshot: SessionSnapshot) -> None:
        self._recorder.finish()
        self.engine.restore(snapshot.engine)
        self._recorder.begin(Take.of(snapshot.score))
        self._inbox.scheduled = snapshot.scheduled

    def _play_again(self, stretch: Stretch, frame: int) -> None:
        """Play a stretch from its checkpoint to before a frame; nobody is shown it."""
        self._go_on_from(stretch.start)
        waiting = list(stretch.events)
        while self.engine.frame < frame:
            while waiting and waiting[0].frame <= self.engine.frame:
                event = waiting.pop(0)
                self.engine.apply([(self.engine.revision, event.control)])
                self._recorder.add(event)
            self.engine.step()
        self._inbox.scheduled = stretch.scheduled_at(frame)


def check_model(header: Header, model: Model) -> None:
    """Raise ValueError if a take was not played on this model, with these weights, at this size."""
    if header.model != model.name:
        raise ValueError(f"the snapshot is of {header.model}; hand over to it, then restore")
    if header.weights != model.weights_id:
        raise ValueError(
            f"the snapshot is of {header.model} with weights {header.weights}, here are {model.weights_id}; open the "
            "model with the files and options it was made with"
        )
    if (header.height, header.width) != tuple(model.size):
        there, here = (f"{width}x{height}" for height, width in ((header.height, header.width), model.size))
        raise ValueError(f"the snapshot is of {header.model} at {there}, here it draws {here}; open it at that size")
