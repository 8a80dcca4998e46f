"""The words the picture is drawn under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_choice, check_integer, check_text, settle

SWITCHES = ("recache", "keep", "cut")
LONGEST_PROMPT = 500
LONGEST_BLEND = 1000


@dataclass(frozen=True)
class Prompt(Control):
    """Text, a negative text, and what a change does with the frames kept in the cache.

    switch: "recache" rebuilds the cache of the kept frames under the new words (LongLive, section 3.1),
    "keep" leaves it as it is, "cut" empties it: a new shot. blend: frames, 0..1000, over which the words before pass
    into these.
    """

    text: str
    negative: str = ""
    switch: str = "recache"
    blend: int = 0
    kind: ClassVar[str] = "prompt"

    def __post_init__(self) -> None:
        settle(
            self,
            text=check_text("prompt text", self.text, 1, LONGEST_PROMPT),
            negative=check_text("negative prompt", self.negative, 0, LONGEST_PROMPT),
            switch=check_choice("prompt switch", self.switch, SWITCHES),
            blend=check_integer("prompt blend", self.blend, 0, LONGEST_BLEND),
        )
