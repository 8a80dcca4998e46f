"""What a page has asked for and is not done yet: of one slot, only the newest control."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from studio.controls import Control
from studio.ui.protocol import Command

MOST_QUEUED = 256


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
