"""How the camera moves over the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_integer, check_number, settle
from studio.controls.widgets import Slider, Widget

PANS = (-0.25, 0.25)  # of the picture's side, a frame
ZOOMS = (-0.2, 0.25)
TURNS = (-15.0, 15.0)  # degrees
LONGEST_MOTION = 1_000_000  # frames
SECTION = "camera motion"


@dataclass(frozen=True)
class Camera(Control):
    """The camera's motion from one picture to the next, from the frame it takes effect at.

    pan_x, pan_y: by how much of the picture's width it goes right and of its height down a frame, -0.25..0.25; what is
    seen goes the other way. zoom: by how much what is seen grows a frame, -0.2..0.25. rotate: degrees it turns
    clockwise a frame, -15..15; what is seen turns the other way, around the middle. frames: how many frames it lasts,
    0..1,000,000; 0 is until the next.
    """

    pan_x: float = 0.0
    pan_y: float = 0.0
    zoom: float = 0.0
    rotate: float = 0.0
    frames: int = 0
    kind: ClassVar[str] = "camera_motion"  # "camera" is what the page calls a picture that comes in
    plural: ClassVar[str] = "camera motion"
    timed: ClassVar[bool] = True
    widgets: ClassVar[tuple[Widget, ...]] = (
        Slider("pan_x", "Camera right", section=SECTION, order=10, limits=PANS, shown=(-0.05, 0.05), step=0.001),
        Slider("pan_y", "Camera down", section=SECTION, order=20, limits=PANS, shown=(-0.05, 0.05), step=0.001),
        Slider("zoom", "Zoom", section=SECTION, order=30, limits=ZOOMS, shown=(-0.05, 0.05), step=0.001),
        Slider(
            "rotate",
            "Turn",
            section=SECTION,
            order=40,
            limits=TURNS,
            shown=(-3, 3),
            step=0.1,
            info="Each is the motion of one frame; all at 0 the camera stands.",
        ),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            pan_x=check_number("camera pan_x", self.pan_x, *PANS),
            pan_y=check_number("camera pan_y", self.pan_y, *PANS),
            zoom=check_number("camera zoom", self.zoom, *ZOOMS),
            rotate=check_number("camera rotate", self.rotate, *TURNS),
            frames=check_integer("camera frames", self.frames, 0, LONGEST_MOTION),
        )

    @property
    def moves(self) -> bool:
        """Whether it moves at all."""
        return bool(self.pan_x or self.pan_y or self.zoom or self.rotate)

    def moves_at(self, elapsed: int) -> bool:
        """Whether the picture so many frames after it took effect is another than the one before it."""
        return self.moves and elapsed >= 0 and (not self.frames or elapsed < self.frames)
