"""What a page has asked for and is not done yet: of one slot, only the newest control."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from studio.controls import Control
from studio.ui.protocol import Command

MOST_QUEUED = 256
READING_SHARE = 0.2  # of the time may go into reading one page's new words, which take the time of all others' frames
READING_AT_ONCE = 2.0  # seconds
LONGEST_WAIT = 2.0  # seconds: words that take a minute to read are waited for once, and not again five times as long


@dataclass
class Queued:
    """A command that waits; a control that was sent as one, and the commands whose controls it took the place of."""

    command: Command
    control: Control | None = None
    replaced: list[Command] = field(default_factory=list)

    @property
    def slot(self) -> Hashable:
        return self.control and self.control.slot


class CommandQueue:
    """Commands in the order they came.

    A control takes the place of a waiting one of its slot, as it would in the session's inbox; so what nobody will see
    is not read first. It goes by no other command: a recording holds what was sent before it began.
    """

    def __init__(self) -> None:
        self._waiting: deque[Queued] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether more has come than can wait."""
        return len(self._waiting) >= MOST_QUEUED

    def put(self, command: Command, control: Control | None = None) -> None:
        """Add a command."""
        queued = Queued(command, control)
        if (before := self._same_slot(queued)) is not None:
            self._waiting.remove(before)
            queued.replaced = [*before.replaced, before.command]
        self._waiting.append(queued)

    def take(self) -> Queued | None:
        """Take the command that has waited longest; None if there is none."""
        return self._waiting.popleft() if self._waiting else None

    def _same_slot(self, queued: Queued) -> Queued | None:
        """The waiting control that another takes the place of."""
        for other in reversed(self._waiting):
            if queued.control is None or other.control is None:
                return None
            if other.slot == queued.slot:
                return other
        return None


class ReadingBudget:
    """A bucket of seconds for reading what one page sends: words that are new to a model take time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._at = clock, clock()
        self._left = READING_AT_ONCE

    @property
    def wait(self) -> float:
        """Seconds until there is something left; 0 if there is."""
        self._refill()
        return max(0.0, -self._left / READING_SHARE)

    def spend(self, seconds: float) -> None:
        """Take what was used."""
        self._refill()
        self._left = max(self._left - seconds, -LONGEST_WAIT * READING_SHARE)

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(READING_AT_ONCE, self._left + (now - self._at) * READING_SHARE)
        self._at = now
