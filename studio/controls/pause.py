"""Stop and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from studio.controls.base import Control, check_flag, settle
from studio.controls.state import ControlState


@dataclass(frozen=True)
class Pause(Control):
    """Holds the picture still, or lets it go on. It changes no frame, only when the next one is made."""

    paused: bool = True
    kind: ClassVar[str] = "pause"
    undoable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settle(self, paused=check_flag("paused", self.paused))

    @classmethod
    def initial(cls) -> Self:
        return cls(False)

    @classmethod
    def opening(cls, state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
        """Yield nothing: a take holds no pauses at its start."""
        yield from ()
