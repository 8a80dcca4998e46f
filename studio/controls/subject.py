"""A subject of one's own: a picture with a name, which every stroke that names it shows, whatever the model.

It is no field of `CutOut`: that one belongs to one stroke by its id, goes with it, and keeps the place it was cut out
of; a subject has a name, is there before any stroke and after the last, and is shown by as many as name it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from studio.controls import image_file
from studio.controls.base import Control, check_choice, check_text, from_base64, settle, shown
from studio.controls.errors import ControlError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from studio.controls.state import ControlState

LARGEST_SUBJECT = 512 * 1024  # bytes
MOST_SUBJECTS = 32
MOST_WORDS = 16
LONGEST_WORD = 80  # characters, as a stroke's label
WIDEST = 1024  # pixels a side of a file
SIDE = 192  # pixels a side, at most, of what is kept of it
KINDS = ("PNG", "WebP")
FACES = ("left", "right", "ahead")
SEND = "send a PNG or WebP, best with a transparent background"


@dataclass(frozen=True)
class Subject(Control):
    """A picture of one's own by its name: strokes whose label names it show it in place of what the model knows.

    The bytes themselves are the value, so a score that holds it replays it. A message holds base64; without any bytes
    it takes the subject of that name away.

    name: 1..80 characters, in small letters whatever was typed; data: a PNG or WebP, 512 KiB and 1024 pixels a side at
    most; words: up to 16 others that name it. faces: which way it looks as it is stored, "left" or "right"; it is
    mirrored as it turns on its way, unless it looks "ahead".
    """

    name: str
    data: bytes = field(default=b"", repr=False)
    words: tuple[str, ...] = ()
    faces: str = "ahead"
    kind: ClassVar[str] = "subject"
    plural: ClassVar[str] = "subjects of one's own"
    slot_field: ClassVar[str] = "name"
    settled: ClassVar[tuple[str, ...]] = ("name",)
    absent: ClassVar[Mapping[str, object]] = MappingProxyType({"data": ""})

    def __post_init__(self) -> None:
        name = folded(check_text("the subject's name", self.name, 1, LONGEST_WORD))
        settle(
            self,
            name=name,
            data=check_subject(self.data),
            words=check_words(name, self.words),
            faces=check_choice("which way the subject looks", self.faces, FACES),
        )

    @property
    def is_absent(self) -> bool:
        """Whether it takes its name's subject away."""
        return not self.data

    @property
    def own(self) -> OwnSubject:
        """Give what a model is told of it."""
        return OwnSubject((self.name, *self.words), self.data, self.faces)

    def to_message(self) -> dict[str, Any]:
        """Give it with the bytes as base64 text."""
        told = {"kind": self.kind, "name": self.name, "data": base64.b64encode(self.data).decode()}
        return told | {"words": list(self.words), "faces": self.faces}


@dataclass(frozen=True)
class OwnSubject:
    """A subject of one's own as a plain value. words: that name it, in small letters, its name first."""

    words: tuple[str, ...]
    data: bytes = field(repr=False)
    faces: str = "ahead"

    @property
    def name(self) -> str:
        return self.words[0]

    @property
    def turns(self) -> bool:
        """Whether it is mirrored where it goes to the right."""
        return self.faces != "ahead"

    @property
    def pixels(self) -> np.ndarray:
        """Give it as uint8 (s, s, 4), s <= 192, straight alpha, in its square; where it turns it looks to the left."""
        pixels = squared(self.data)
        return pixels[:, ::-1] if self.faces == "right" else pixels


def own_subjects(state: ControlState) -> tuple[OwnSubject, ...]:
    """Give the subjects of one's own that are in force, the first sent first."""
    return tuple(held.control.own for held in state.all(Subject).values())


def named_exactly(label: str, owned: tuple[OwnSubject, ...]) -> OwnSubject | None:
    """Give the one of one's own that a label says, by its name before any other's further word; None for no such."""
    said = folded(label)
    by_name = (one for one in owned if one.name == said)
    return next(by_name, None) or next((one for one in owned if said in one.words), None)


def folded(text: str) -> str:
    """Give a name in small letters, one space between words: "My  Cat" and "my cat" are one."""
    return " ".join(text.casefold().split())


def check_room(state: ControlState, subject: Subject) -> None:
    """Raise ControlError where a subject would be one more than there may be."""
    if subject.data and subject.slot not in state.slots and len(state.names(Subject.kind)) >= MOST_SUBJECTS:
        raise ControlError(
            f"there are {MOST_SUBJECTS} subjects of your own in this take, as many as are possible; take one away "
            f"before you add {subject.name!r}"
        )


def check_words(name: str, words: object) -> tuple[str, ...]:
    """The further words, each once and in small letters."""
    if isinstance(words, str) or not isinstance(words, tuple | list) or len(words) > MOST_WORDS:
        raise ControlError(f"the subject's words are {shown(words)}; send a list of at most {MOST_WORDS}")
    checked = (folded(check_text("a word of the subject", word, 1, LONGEST_WORD)) for word in words)
    return tuple(word for word in dict.fromkeys(checked) if word != name)


def check_subject(data: object) -> bytes:
    """The picture's bytes, from bytes or base64 text, if there is something to see in them; b"" for none."""
    data = from_base64("the subject's picture", data, SEND)
    if data == b"":
        return b""
    if not isinstance(data, bytes) or image_file.kind_of(data) not in KINDS:
        begins = shown(data[:8]) if isinstance(data, bytes) else shown(data)
        raise ControlError(f"the subject's picture is {begins}, no {' or '.join(KINDS)}; {SEND}")
    if len(data) > LARGEST_SUBJECT:
        raise ControlError(
            f"the subject's picture has {len(data):,} bytes, at most {LARGEST_SUBJECT:,} are possible; send it smaller"
        )
    squared(data)
    return data


@lru_cache(maxsize=2 * MOST_SUBJECTS)
def squared(data: bytes) -> np.ndarray:
    """Decode a subject's file: uint8 (s, s, 4), s <= 192, read-only, what is seen of it in the middle of a square.

    Raises ControlError for what is too large, no picture, or has nothing to be seen in it.
    """
    import numpy as np

    with image_file.reading(data) as picture:
        if max(picture.size) > WIDEST or min(picture.size) < 1:
            size = f"{picture.width}x{picture.height}"
            raise ControlError(f"the subject's picture is {size}, at most {WIDEST} pixels a side are possible")
        pixels = np.array(in_square(image_file.seen(picture).convert("RGBA")))
    pixels.flags.writeable = False
    return pixels


def in_square(picture: Image) -> Image:
    """Give what is seen of an RGBA picture in the middle of a square with a margin, so that a stroke's size means it.

    192 pixels a side at most. Raises ControlError where all is transparent, or all one opaque colour.
    """
    import numpy as np
    from PIL import Image

    pixels, box = np.asarray(picture), image_file.seen_box(picture)
    if box is None:
        raise ControlError(f"all of this picture is transparent, so there is nothing to see; {SEND}")
    if pixels[..., 3].min() == 255 and not np.ptp(pixels.reshape(-1, 4), axis=0).any():
        raise ControlError("this picture is of one colour all over, so there is no subject in it; choose another")
    left, top, right, bottom = box
    side = max(8, round(max(right - left, bottom - top) * (1 + 2 * image_file.MARGIN)))
    if picture.width == picture.height <= SIDE and is_about(picture.width, side, left + right, top + bottom):
        return picture  # it is in its square already
    square = image_file.in_middle(picture, box, side)
    if side <= SIDE:
        return square
    return square.convert("RGBa").resize((SIDE, SIDE), Image.Resampling.LANCZOS).convert("RGBA")


def is_about(width: int, side: int, across: int, down: int) -> bool:
    """Whether a square is as wide as what is seen in it asks for, but for a soft edge, and that is in its middle.

    across, down: the sums of its ends.
    """
    room = 2 + width // 32
    return abs(width - side) <= room and abs(across - width) <= room and abs(down - width) <= room


def subject_of(pixels: np.ndarray, name: str, **more: Any) -> Subject:
    """Make the control of a picture, uint8 (h, w, 4): in its square, as a file that goes in one message."""
    from PIL import Image

    return replace(Subject(name, small_file(in_square(Image.fromarray(pixels)))), **more)


LARGEST_SENT = 44_000  # bytes of a file: a page can send it in one message
QUALITIES = (95, 90, 80, 60)  # of WebP


def small_file(picture: Image) -> bytes:
    """Give a square of at most 192 pixels as PNG, or as WebP where that would be large; the same gives the same."""
    written = image_file.encoded(picture, "PNG", compress_level=6)
    for quality in QUALITIES:
        if len(written) <= LARGEST_SENT:
            return written
        written = image_file.encoded(picture, "WEBP", quality=quality, exact=True)
    if len(written) <= LARGEST_SENT:
        return written
    side = picture.width * 3 // 4  # noise, also of the alpha
    return small_file(picture.convert("RGBa").resize((side, side)).convert("RGBA"))
