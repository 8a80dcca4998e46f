"""When a picture is too much like the last one to be drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_flag, check_integer, check_number, settle


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

    def __post_init__(self) -> None:
        settle(
            self,
            threshold=check_number("similarity threshold", self.threshold, 0.0, 1.0),
            most=check_integer("similarity most", self.most, 0, 1000),
            regions=check_flag("similarity regions", self.regions),
        )
