"""A picture to draw from: a camera's or a film's newest frame, or a still."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, ClassVar

from studio.controls.base import Control, from_base64, settle, shown
from studio.controls.errors import ControlError
from studio.controls.image_file import KINDS, check_colour, kind_of, laid_on, shrunk

LARGEST_PICTURE = 4 * 2**20  # bytes
PAPER = "white"


@dataclass(frozen=True)
class Picture(Control):
    """An encoded picture, in force until the next; none if empty.

    The bytes themselves are the value, so a score that holds it replays what the camera saw. A message holds base64.

    data: a JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF, or with the extra `heic` a HEIC; of an animation the first picture.
    One of more than 4 MiB is made smaller as it comes: at most 2048 pixels a side, encoded anew. How 16 bits and floats
    are read is in `image_file.eight_bits`.
    paper: the colour behind what is transparent, a name or "#rrggbb"; on any but white the picture is laid as it comes,
    so that its bytes are what is drawn from.
    """

    data: bytes = field(default=b"", repr=False)
    paper: str = PAPER
    kind: ClassVar[str] = "picture"
    plural: ClassVar[str] = "pictures"
    undoable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        paper, data = check_colour("paper", self.paper), check_picture(self.data)
        if data and paper != PAPER:
            data = laid_on(data, paper)
        settle(self, data=shrunk(data, LARGEST_PICTURE) if len(data) > LARGEST_PICTURE else data, paper=paper)

    def to_message(self) -> dict[str, Any]:
        """Give it with the bytes as base64 text."""
        told = {"kind": self.kind, "data": base64.b64encode(self.data).decode()}
        return told if self.paper == PAPER else told | {"paper": self.paper}

    def to_summary(self) -> dict[str, Any]:
        """Give only how many bytes it has: a page knows the picture that it sent."""
        return {"kind": self.kind, "bytes": len(self.data)}


def check_picture(data: object) -> bytes:
    """The picture's bytes, from bytes or base64 text, if they are no picture's or those of one that can be read."""
    data = from_base64("picture data", data, "send the bytes of a JPEG, PNG or WebP")
    if not isinstance(data, bytes):
        raise ControlError(f"picture data is {shown(data)}; send the bytes of a JPEG, PNG or WebP")
    if data and kind_of(data) is None:
        raise ControlError(f"picture begins with {shown(data[:8])}; possible: {', '.join(KINDS)}")
    return data
