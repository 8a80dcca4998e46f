"""Whether a video model redraws the pictures that come in, live, or begins from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_flag, check_number, settle
from studio.controls.widgets import Slider, Toggle, Widget

MOTIONS = (0.0, 0.5)


@dataclass(frozen=True)
class Live(Control):
    """What a picture is to a video model that takes some; an image model redraws each picture anyway.

    redraw: False: the picture in force is the first frame of the next clean start, and no more. True: each chunk is
    drawn from the pictures that were in force while the chunk before it was shown, from `Sampling.strength` down; while
    there is no picture, from noise. motion: by how much strength is lowered where the pictures move most, 0..0.5; the
    rule is StreamDiffusionV2's (arXiv 2511.07399), see `samplers.video_in.follow_motion`, and its own amount 0.1.
    """

    redraw: bool = False
    motion: float = 0.1
    kind: ClassVar[str] = "live"
    plural: ClassVar[str] = "live video"
    widgets: ClassVar[tuple[Widget, ...]] = (
        Toggle(
            "redraw",
            "Redraw live",
            section="picture",
            order=5,
            needs="source",
            info="Each picture is drawn anew, a chunk late. Off, it is the first frame of the next start.",
        ),
        Slider(
            "motion",
            "Motion lowers strength",
            section="picture",
            order=15,
            needs="source",
            name="live-motion",
            limits=MOTIONS,
            step=0.01,
            info="By how much, where the pictures move fast.",
        ),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            redraw=check_flag("live redraw", self.redraw),
            motion=check_number("live motion", self.motion, *MOTIONS),
        )
