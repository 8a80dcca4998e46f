"""How closely the drawing keeps to the lines of the picture that comes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_choice, check_number, settle
from studio.controls.widgets import Choice, Slider, Widget

STRENGTHS = (0.0, 2.0)
LOOKS = ("edges", "picture")


@dataclass(frozen=True)
class Structure(Control):
    """Strength, 0..2, of the model's ControlNet, and what it is shown: the picture's edges, or the picture as it is.

    The look is what the ControlNet was trained on; "picture" is for one that takes a map made elsewhere (depth, pose).
    """

    strength: float = 0.0
    look: str = "edges"
    kind: ClassVar[str] = "structure"
    widgets: ClassVar[tuple[Widget, ...]] = (
        Slider(
            "strength",
            "Structure",
            section="structure",
            order=10,
            needs="structure source",
            name="structure",
            limits=STRENGTHS,
            step=0.05,
            info="How closely the lines of the picture are kept.",
        ),
        Choice("look", "The ControlNet sees", section="structure", order=20, needs="structure source", choices=LOOKS),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            strength=check_number("structure strength", self.strength, *STRENGTHS),
            look=check_choice("structure look", self.look, LOOKS),
        )
