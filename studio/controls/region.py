"""Words for a part of the picture: a mask, and what is heard where it is white."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from studio.controls.base import Control, check_number, check_text, from_base64, settle, shown
from studio.controls.errors import ControlError
from studio.controls.image_file import kind_of, on_paper, reading, seen
from studio.controls.state import ControlState
from studio.controls.widgets import Slider, Widget

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_WORDS = 400  # characters: every region is read by every layer of a model at every step
LARGEST_MASK = 256 * 2**10  # bytes
MASK_SIDES = (8, 2048)  # pixels
SMALLEST_PART = 1 / 4096  # of the picture: one cell of the latent of a picture of 512 x 512
MOST_REGIONS = 8
SHARES = (0.0, 1.0)


@dataclass(frozen=True)
class Region(Control):
    """Words that are heard where a mask is, beside the prompt; empty words take the region away.

    mask: the bytes of a grey PNG (any picture file is read; what is transparent is black), laid over the whole picture
    whatever its own size is: white is inside. At most 256 KiB and 2048 pixels a side. A message holds base64.
    strength: 0..1, of what is heard inside the share that is this region's: at 1 its words alone, at 0.5 as much of the
    prompt's as of its own. Where regions overlap each is heard.
    """

    id: str
    text: str
    mask: bytes = field(default=b"", repr=False)
    strength: float = 1.0
    kind: ClassVar[str] = "region"
    plural: ClassVar[str] = "prompts by region"
    slot_field: ClassVar[str] = "id"
    absent: ClassVar[Mapping[str, object]] = MappingProxyType({"text": ""})
    widgets: ClassVar[tuple[Widget, ...]] = (
        Slider("strength", "Strength", section="regions", limits=SHARES, step=0.05),
    )

    def __post_init__(self) -> None:
        text = check_text("the region's words", self.text, 0, LONGEST_WORDS)
        settle(
            self,
            id=check_text("region id", self.id, 1, 64),
            text=text,
            mask=check_mask(self.mask) if text else b"",
            strength=check_number("region strength", self.strength, *SHARES),
        )

    def to_message(self) -> dict[str, Any]:
        """Give it with the mask as base64 text."""
        told = {"kind": self.kind, "id": self.id, "text": self.text}
        return told | {"mask": base64.b64encode(self.mask).decode(), "strength": self.strength}


def regions(state: ControlState) -> dict[str, Region]:
    """Give the regions in force by id, the first painted first."""
    return {id: held.control for id, held in state.all(Region).items()}


def check_regions(state: ControlState, region: Region) -> None:
    """Raise ControlError where a region would be one more than there may be."""
    if region.text and region.slot not in state.slots and len(state.names(Region.kind)) >= MOST_REGIONS:
        raise ControlError(
            f"there are {MOST_REGIONS} regions in the picture, as many as are possible, since each is read at every "
            f"step; take one away before you paint {shown(region.text)}"
        )


def check_mask(data: object) -> bytes:
    """The mask's bytes, from bytes or base64 text, if somebody can see what they paint."""
    data = from_base64("the region's mask", data, "send the bytes of a grey PNG")
    if not isinstance(data, bytes) or not data:
        raise ControlError(f"the region's mask is {shown(data)}; send the bytes of a grey PNG, white where it is heard")
    if len(data) > LARGEST_MASK:
        raise ControlError(
            f"the region's mask has {len(data):,} bytes, at most {LARGEST_MASK:,} are possible; send it smaller, 256 "
            "pixels a side are enough"
        )
    if kind_of(data) is None:
        raise ControlError(f"the region's mask begins with {shown(data[:8])}; send the bytes of a grey PNG")
    part = share_of(data)
    if part < SMALLEST_PART:
        what = "black everywhere" if not part else "smaller than anything the model can tell apart"
        raise ControlError(f"this region's mask is {what}, so nobody can see it; paint where its words are to be heard")
    return data


@lru_cache(maxsize=32)
def share_of(data: bytes) -> float:
    """Give the share of the picture, 0..1, that a mask's white is; ControlError for a file that is no mask."""
    counts = grey_mask(data).histogram()
    return sum(level * count for level, count in enumerate(counts)) / (255 * sum(counts))


def grey_mask(data: bytes) -> Image:
    """Read a mask as a grey picture (mode L), white inside; ControlError for what cannot be read."""
    low, high = MASK_SIDES
    with reading(data) as picture:
        width, height = picture.size
        if not low <= min(width, height) <= max(width, height) <= high:
            raise ControlError(f"the region's mask is {width}x{height}; possible: {low} to {high} pixels a side")
        return on_paper(seen(picture), "black").convert("L")
