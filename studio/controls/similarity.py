"""When a picture is too much like the last one to be drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_flag, check_integer, check_number, settle
from studio.controls.widgets import Readout, Slider, Toggle, Widget

THRESHOLDS = (0.0, 1.0)


@dataclass(frozen=True)
class Similarity(Control):
    """The similarity filter (StreamDiffusion, arXiv 2312.12491, section 3.5); see `studio.similarity`.

    threshold: the difference of two pictures, 0..1, from which the new one is always drawn; 0 turns the filter off.
    most: the most frames skipped in a row, 0..1000. regions: of a picture that changed in part only that part is drawn.
    """

    threshold: float = 0.0
    most: int = 10
    regions: bool = False
    kind: ClassVar[str] = "similarity"
    widgets: ClassVar[tuple[Widget, ...]] = (
        Slider(
            "threshold",
            "Skip alike",
            section="picture",
            order=20,
            needs="camera",
            limits=THRESHOLDS,
            shown=(0, 0.2),
            step=0.005,
            info="A picture that differs less from the last is not drawn again; 0 draws every one.",
        ),
        Readout("", "", section="picture", order=30, needs="camera", name="skips"),
        Toggle("regions", "Draw only what changed", section="picture", order=40, needs="camera source"),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            threshold=check_number("similarity threshold", self.threshold, *THRESHOLDS),
            most=check_integer("similarity most", self.most, 0, 1000),
            regions=check_flag("similarity regions", self.regions),
        )
