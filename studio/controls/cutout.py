"""A thing cut out of a picture, with its own outline, for the stroke of the same id to move."""

from __future__ import annotations

import base64
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from studio.controls import image_file
from studio.controls.base import Control, from_base64, settle, shown
from studio.controls.errors import ControlError
from studio.controls.stroke import Stroke, check_stroke_id

if TYPE_CHECKING:
    import numpy as np

    from studio.controls.state import ControlState

LARGEST_CUTOUT = 256 * 1024  # bytes
MOST_CUTOUTS = 16
WIDEST = 1024  # pixels a side
KINDS = ("PNG", "WebP")
SEND = "send a PNG whose background is transparent"
FAINT, OPAQUE = 16, 240  # of 255: alpha below which nothing is seen, and from which nothing shines through
WHOLE = 0.98  # share of opaque pixels from which it is a picture, and no thing


@dataclass(frozen=True)
class CutOut(Control):
    """What a stroke moves in place of its label's subject: a picture whose background is transparent.

    The bytes themselves are the value, so a score that holds it replays what was cut out. A message holds base64. It
    goes when the stroke of its id is erased; until a stroke has that id it is not shown.

    id: the stroke's; data: a PNG or WebP with transparency, 256 KiB and 1024 pixels a side at most. Its width is the
    stroke's size: what is smaller than a tenth of the picture is given a transparent margin.
    """

    id: str
    data: bytes = field(repr=False)
    kind: ClassVar[str] = "cutout"
    plural: ClassVar[str] = "cut-outs"
    slot_field: ClassVar[str] = "id"
    belongs_to: ClassVar[str] = Stroke.kind

    def __post_init__(self) -> None:
        settle(self, id=check_stroke_id(self.id), data=check_cutout(self.data))

    @property
    def pixels(self) -> np.ndarray:
        """Give it as uint8 (h, w, 4), straight alpha, read-only."""
        return decoded(self.data)

    def to_message(self) -> dict[str, Any]:
        """Give it with the bytes as base64 text."""
        return {"kind": self.kind, "id": self.id, "data": base64.b64encode(self.data).decode()}


def cutouts(state: ControlState) -> dict[str, CutOut]:
    """Give the cut-outs in force by id."""
    return {id: held.control for id, held in state.all(CutOut).items()}


def check_room(state: ControlState, slot: Hashable) -> None:
    """Raise ControlError where a cut-out would be one more than there may be."""
    if slot not in state.slots and len(state.names(CutOut.kind)) >= MOST_CUTOUTS:
        raise ControlError(
            f"there are {MOST_CUTOUTS} cut-outs in the picture, as many as are possible; erase the stroke of one first"
        )


def check_cutout(data: object) -> bytes:
    """The cut-out's bytes, from bytes or base64 text, if a thing with an outline can be read from them."""
    data = from_base64("cut-out data", data, SEND)
    if not isinstance(data, bytes) or image_file.kind_of(data) not in KINDS:
        begins = shown(data[:8]) if isinstance(data, bytes) else shown(data)
        raise ControlError(f"cut-out data is {begins}, no {' or '.join(KINDS)}; {SEND}")
    if len(data) > LARGEST_CUTOUT:
        raise ControlError(f"cut-out has {len(data):,} bytes, at most {LARGEST_CUTOUT:,} are possible; send it smaller")
    alpha = decoded(data)[..., 3]
    if alpha.max() < FAINT:
        raise ControlError(f"all of this cut-out is transparent, so there is nothing to move; {SEND}")
    if (alpha >= OPAQUE).mean() > WHOLE:
        raise ControlError(f"this cut-out has no transparent background: it is a whole picture; {SEND}")
    return data


@lru_cache(maxsize=2 * MOST_CUTOUTS)
def decoded(data: bytes) -> np.ndarray:
    """Decode a cut-out's file, uint8 (h, w, 4), read-only; ControlError for what is too large or no picture."""
    import numpy as np

    with image_file.reading(data) as picture:
        width, height = picture.size
        if max(picture.size) > WIDEST or min(picture.size) < 1:
            raise ControlError(
                f"cut-out is {width}x{height}, at most {WIDEST} pixels a side are possible; send it smaller"
            )
        pixels = np.array(image_file.seen(picture).convert("RGBA"))
    pixels.flags.writeable = False
    return pixels
