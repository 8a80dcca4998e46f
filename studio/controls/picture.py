"""A picture to draw from: a camera's or a film's newest frame, or a still."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, ClassVar

from studio.controls.base import Control, settle, shown
from studio.controls.errors import ControlError

LARGEST_PICTURE = 4 * 2**20  # bytes
STARTS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"RIFF": "WebP"}


@dataclass(frozen=True)
class Picture(Control):
    """An encoded picture (JPEG, PNG or WebP, at most 4 MiB), in force until the next; none if empty.

    The bytes themselves are the value, so a score that holds it replays what the camera saw. A message holds base64.
    """

    data: bytes = field(default=b"", repr=False)
    kind: ClassVar[str] = "picture"
    plural: ClassVar[str] = "pictures"
    undoable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settle(self, data=check_picture(self.data))

    def to_message(self) -> dict[str, Any]:
        """Give it with the bytes as base64 text."""
        return {"kind": self.kind, "data": base64.b64encode(self.data).decode()}

    def to_summary(self) -> dict[str, Any]:
        """Give only how many bytes it has: a page knows the picture that it sent."""
        return {"kind": self.kind, "bytes": len(self.data)}


def check_picture(data: object) -> bytes:
    """The picture's bytes, from bytes or base64 text, if they are no picture's or those of one that can be read."""
    if isinstance(data, str):
        try:
            data = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ControlError(f"picture data is not base64 ({error}); send the bytes of a JPEG, PNG or WebP") from None
    if not isinstance(data, bytes):
        raise ControlError(f"picture data is {shown(data)}; send the bytes of a JPEG, PNG or WebP")
    if len(data) > LARGEST_PICTURE:
        raise ControlError(
            f"picture has {len(data):,} bytes, at most {LARGEST_PICTURE:,} are possible; send it smaller or as JPEG"
        )
    if data and not data.startswith(tuple(STARTS)):
        raise ControlError(f"picture begins with {shown(data[:8])}; possible: {', '.join(STARTS.values())}")
    return data
