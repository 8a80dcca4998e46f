"""Stop and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_flag, settle


@dataclass(frozen=True)
class Pause(Control):
    """Holds the picture still, or lets it go on. It changes no frame, only when the next one is made."""

    paused: bool = True
    kind: ClassVar[str] = "pause"

    def __post_init__(self) -> None:
        settle(self, paused=check_flag("paused", self.paused))
