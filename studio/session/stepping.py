"""A session's step: what was sent comes in force, a frame is made, shown and remembered."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence

from studio.controls import Control, Pause
from studio.frames import Frame
from studio.score import Event
from studio.session.audition import Auditioning
from studio.session.inbox import Receipt
from studio.session.outputs import Outputs
from studio.session.rewind import Between


class Stepping(Auditioning):
    """What of a session makes frames, one after the other. outputs: are given each; receipts: of the last controls."""

    outputs: Outputs
    receipts: deque[Receipt]

    def step(self) -> Frame | None:
        """Apply what was sent and make one frame; None only while paused.

        While paused everything but Pause waits, so what is in force never runs ahead of the pictures.
        """
        with self._turn:
            self._apply(only=Pause.kind)
            if self.engine.state[Pause].paused:
                self._follow(None)
                return None
            self._apply(due=self.engine.frame)
            self._mark_clean_start()
            frame = self._show(self.engine.step())
            self._follow(frame)
            return frame

    def _show(self, frame: Frame, after: Between | None = None) -> Frame:
        """Give a frame that was made to all that it is for; after: see `_remember`."""
        frame = self._timed(frame, self.engine.ahead)
        self._recorder.add_frame(frame)
        self.outputs.put(frame)
        self._remember(frame, after)
        return frame

    def _take(self, *, only: Hashable | None = None, due: int | None = None) -> list[tuple[Receipt, Control]]:
        """Put what was sent in force (`Inbox.take`); `_note` is to be told of it."""
        with self._inbox.lock:  # whoever asks for the pending state meanwhile finds a control in one place
            sent = self._inbox.take(only=only, due=due)
            self.engine.apply(sent)
        return [(Receipt(revision, control.kind, self.engine.frame), control) for revision, control in sent]

    def _note(self, taken: Sequence[tuple[Receipt, Control]]) -> None:
        """Receipt what has come in force, and keep it with what is played."""
        for receipt, control in taken:
            self.receipts.append(receipt)
            event = Event(receipt.frame, control)
            self._recorder.add(event)
            self.history.add(event)

    def _apply(self, *, only: Hashable | None = None, due: int | None = None) -> None:
        """Put what was sent in force, and note it."""
        self._note(self._take(only=only, due=due))
