"""A place of a person's own: a picture that becomes what the embedded model plays on, under a name prompts can say."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from studio.controls import image_file
from studio.controls.base import Control, check_choice, check_number, check_text, from_base64, settle, shown
from studio.controls.errors import ControlError
from studio.controls.state import ControlState, Held

if TYPE_CHECKING:
    import numpy as np

LARGEST_PLACE = 256 * 1024  # bytes of one of its pictures; a larger one is made smaller as it comes
MOST_PLACES = 12
LONGEST_NAME = 60  # characters
TIMES = ("day", "sunset", "night", "dawn")
SECONDS = (0.0, 600.0)
RATE = 24  # frames a second, as strokes count them
EVEN = 4  # of 255: a picture whose every channel varies less is one colour
FAINT = 16  # of 255: alpha below which nothing is seen
SEND = "send the bytes of a JPEG, PNG or WebP"
# Words that name no place: a name of these alone would be heard in nearly every prompt.
SMALL_WORDS = """
a an the my our your his her its their this that these those and or of in on at to by with under over from for is it i
we you
"""
# Words that turn a place, and so cannot be its name: those of time and weather, as `world/words.json` has them.
TURNING_WORDS = """
day daytime daylight daylit noon midday afternoon morning sunny bright sunlit night nighttime midnight nocturnal moonlit
starlit dark sunset dusk dusky evening twilight nightfall sundown dawn daybreak sunrise early late clear cloudless
cloudy clouded overcast clouds gloomy grey gray rain rainy raining drizzle drenched showery storm stormy wet snow snowy
snowing snowfall snowbound wintry winter blizzard fog foggy fogbound mist misty haze hazy weather sky
"""
SMALL, TURNING = frozenset(SMALL_WORDS.split()), frozenset(TURNING_WORDS.split())


@dataclass(frozen=True)
class Place(Control):
    """A backdrop of one's own. A prompt that says its name plays on it; the rest of the prompt turns it.

    The bytes themselves are the value, so a score that holds it replays what was given. A message holds base64. Empty
    data takes the place away. The middle square of each picture is what is played on; of an animation the first frame.

    name: 1 to 60 characters, in small letters from then on. It is said where a prompt holds its words one after
    another. Not of small words alone ("the"), nor of those that tell a time or a weather ("night").
    time: of day that the picture shows, in clear weather: what it is unless a prompt says another.
    end: a second picture that the place goes over to, from the frame it took effect at, in so many seconds (0..600).
    """

    name: str
    data: bytes = field(default=b"", repr=False)
    time: str = "day"
    end: bytes = field(default=b"", repr=False)
    seconds: float = 8.0
    kind: ClassVar[str] = "place"
    plural: ClassVar[str] = "places"
    slot_field: ClassVar[str] = "name"
    settled: ClassVar[tuple[str, ...]] = ("name",)
    absent: ClassVar[Mapping[str, object]] = MappingProxyType({"data": ""})
    timed: ClassVar[bool] = True
    undoable: ClassVar[bool] = False  # what a page is told of it lacks the bytes

    def __post_init__(self) -> None:
        data = check_place("the place's picture", self.data)
        settle(
            self,
            name=check_name(self.name) if data else folded(check_text("place name", self.name, 1, LONGEST_NAME)),
            data=data,
            time=check_choice("time of day of the place's picture", self.time, TIMES),
            end=check_place("the place's second picture", self.end) if data else b"",
            seconds=check_number("seconds from one picture to the other", self.seconds, *SECONDS),
        )

    @property
    def is_absent(self) -> bool:
        """Whether it takes the place of its name away."""
        return not self.data

    def share(self, elapsed: float) -> float:
        """Give how far it has gone to its second picture, 0..1, so many frames after it took effect."""
        if not self.end:
            return 0.0
        return min(max(elapsed / (self.seconds * RATE), 0.0), 1.0) if self.seconds else 1.0

    def to_message(self) -> dict[str, Any]:
        """Give it with the bytes as base64 text."""
        bytes_of = {name: base64.b64encode(getattr(self, name)).decode() for name in ("data", "end")}
        return super().to_message() | bytes_of

    def to_summary(self) -> dict[str, Any]:
        """Give its name and how it goes, and of each picture a short digest: a page knows the pictures that it sent."""
        told = {"kind": self.kind, "name": self.name, "time": self.time, "seconds": self.seconds}
        return told | {name: digest(getattr(self, name)) for name in ("data", "end")}


def digest(data: bytes) -> str:
    """Give what tells a picture's bytes apart, 16 letters; empty for none."""
    return hashlib.sha256(data).hexdigest()[:16] if data else ""


def folded(text: str) -> str:
    """Give a text in small letters, one space between words."""
    return " ".join(text.split()).lower()


def check_name(value: object) -> str:
    """The name as it is kept, if a prompt can say it without meaning something else."""
    name = folded(check_text("place name", value, 1, LONGEST_NAME))
    words = re.findall(r"\w+", name)
    if telling := [word for word in words if word not in SMALL]:
        if any(word not in TURNING for word in telling):
            return name
        what = "says a time of day or a weather, which turns places"
    else:
        what = "has no word of its own"
    raise ControlError(f'place name {shown(name)} {what}; add a word that names it, as "grandma\'s garden"')


def check_place(name: str, data: object) -> bytes:
    """The picture's bytes, from bytes or base64 text, if they are none or a picture there is something to see in."""
    data = from_base64(name, data, SEND)
    if not isinstance(data, bytes):
        raise ControlError(f"{name} is {shown(data)}; {SEND}")
    if not data:
        return data
    if image_file.kind_of(data) is None:
        raise ControlError(f"{name} begins with {shown(data[:8])}; possible: {', '.join(image_file.KINDS)}")
    look_at(name, data)
    return image_file.shrunk(data, LARGEST_PLACE) if len(data) > LARGEST_PLACE else data


@lru_cache(maxsize=4 * MOST_PLACES)
def look_at(name: str, data: bytes) -> None:
    """Raise ControlError for a picture that cannot be read, or in which there is nothing to see."""
    import numpy as np

    with image_file.reading(data) as picture:
        picture.draft("RGB", (512, 512))  # a large JPEG is decoded no larger than is of use
        image_file.check_shape(picture.size)
        pixels = np.asarray(image_file.seen(picture).convert("RGBA"))
    if pixels[..., 3].max() < FAINT:
        raise ControlError(f"{name} is transparent everywhere, so there is nothing to see; send another picture")
    if spread(pixels[..., :3][pixels[..., 3] >= FAINT]) <= EVEN:
        raise ControlError(f"{name} is one colour, so there is no place to see in it; send a photograph or a drawing")


def spread(colours: np.ndarray) -> int:
    """Give how far the channel that varies most goes, of colours (N, 3), 0..255."""
    return int((colours.max(0).astype(int) - colours.min(0)).max())


def check_room(state: ControlState, sent: Place) -> None:
    """Raise ControlError where a place would be one more than there may be."""
    if sent.data and sent.slot not in state.slots and len(state.names(Place.kind)) >= MOST_PLACES:
        raise ControlError(
            f"there are {MOST_PLACES} places of your own, as many as are possible; take one away before you add "
            f"{shown(sent.name)}"
        )


def own_places(state: ControlState) -> tuple[Held[Place], ...]:
    """Give the places in force, the one whose name wins first: the longer, and of two as long the one sent first."""
    held = state.all(Place).values()
    return tuple(sorted(held, key=lambda one: -len(one.control.name)))


@lru_cache(maxsize=256)
def _pattern(name: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word.casefold()) for word in name.split())
    return re.compile(rf"(?<!\w){words}(?!\w)")


def says(text: Hashable, name: str) -> bool:
    """Whether a text says a place's name: its words one after another, whole, whatever their letters' size."""
    return isinstance(text, str) and _pattern(name).search(text.casefold()) is not None
