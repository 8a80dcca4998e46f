"""How closely the drawing keeps to the lines of the picture that comes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_choice, check_number, settle

LOOKS = ("edges", "picture")


@dataclass(frozen=True)
class Structure(Control):
    """Strength, 0..2, of the model's ControlNet, and what it is shown: the picture's edges, or the picture as it is.

    The look is what the ControlNet was trained on; "picture" is for one that takes a map made elsewhere (depth, pose).
    """

    strength: float = 0.0
    look: str = "edges"
    kind: ClassVar[str] = "structure"

    def __post_init__(self) -> None:
        settle(
            self,
            strength=check_number("structure strength", self.strength, 0.0, 2.0),
            look=check_choice("structure look", self.look, LOOKS),
        )
