"""Whether what a prompt names stands in the picture and moves by itself, without a stroke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_flag, settle
from studio.controls.widgets import Toggle, Widget


@dataclass(frozen=True)
class FreeMotion(Control):
    """Free motion, of a model that knows subjects by their names; off until somebody sets it, so in old scores too.

    on: the subjects that the prompt names, at most three, stand in the picture, sway, hop or hover, until a stroke
    shows the same one; and subjects that the art has twice show their body while they move, their face while they
    stand. Off, only what is painted is shown, each in the one picture it has.
    """

    on: bool = False
    kind: ClassVar[str] = "free_motion"
    plural: ClassVar[str] = "free motion"
    widgets: ClassVar[tuple[Widget, ...]] = (
        Toggle(
            "on",
            "Free motion",
            section="prompt",
            order=17,
            name="free-motion",
            info="Who the prompt names is there and moves, until you paint it yourself.",
        ),
    )

    def __post_init__(self) -> None:
        settle(self, on=check_flag("free motion", self.on))
