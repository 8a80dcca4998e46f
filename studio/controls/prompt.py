"""The words the picture is drawn under."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from studio.controls.base import Control, check_choice, check_integer, check_text, settle
from studio.controls.state import ControlState, Held
from studio.controls.widgets import Choice, Readout, Slider, Text, Widget

FIRST_WORDS = "a quiet meadow on a sunny day"
SWITCHES = ("recache", "keep", "cut")
LONGEST_PROMPT = 4000  # characters
BLENDS = (0, 1000)  # frames
MOST_BLENDING = 8  # prompts that are still heard while a newer one comes in


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
    timed: ClassVar[bool] = True
    widgets: ClassVar[tuple[Widget, ...]] = (
        Text(
            "text",
            "Prompt",
            section="prompt",
            order=10,
            waits=True,
            name="prompt",
            longest=LONGEST_PROMPT,
            lines=3,
            most_lines=6,
            placeholder=FIRST_WORDS,
        ),
        Readout("text", "What of it is not read", section="prompt", order=15, name="remarks"),
        Choice(
            "switch",
            "When the prompt changes",
            section="prompt",
            order=20,
            waits=True,
            needs="cache",
            choices=SWITCHES,
            info="Recache turns at once and goes on, Keep drifts over slowly, Cut starts a new shot.",
        ),
        Text(
            "negative",
            "Negative",
            section="prompt",
            order=30,
            waits=True,
            advanced=True,
            longest=LONGEST_PROMPT,
            lines=2,
            placeholder="what to keep out (guidance full or initialize)",
        ),
        Slider(
            "blend",
            "Blend, frames",
            section="prompt",
            order=40,
            waits=True,
            advanced=True,
            limits=BLENDS,
            shown=(0, 120),
            step=1,
            info="How long the new words take to come in.",
        ),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            text=check_text("prompt text", self.text, 1, LONGEST_PROMPT),
            negative=check_text("negative prompt", self.negative, 0, LONGEST_PROMPT),
            switch=check_choice("prompt switch", self.switch, SWITCHES),
            blend=check_integer("prompt blend", self.blend, *BLENDS),
        )

    @classmethod
    def initial(cls) -> Self:
        return cls(FIRST_WORDS)

    def fold(self, state: ControlState, frame: int) -> ControlState:
        """Give the state under these words; those before go on being heard while these blend in."""
        if not self.blend:
            return state.put(self.slot, Held(self))
        before = active_prompts(state.at(frame))[-MOST_BLENDING:]
        return state.put(self.slot, Held(self, frame, tuple(Held(prompt, since) for prompt, since, _ in before)))

    @classmethod
    def opening(cls, state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
        (first, *_), *blending = active_prompts(state.at(frame))
        yield frame, first
        for prompt, since, _ in blending:
            yield since, prompt


def active_prompts(state: ControlState) -> tuple[tuple[Prompt, int, float], ...]:
    """Give the prompts heard in the frame being drawn, oldest first: (prompt, its frame, weight in 0..1).

    They fold: the first counts whole, each later one mixes into what came before it by its weight. With no blend
    under way it is one prompt of weight 1.
    """
    held = state.held(Prompt)
    chain = [
        (one.control, one.frame, min(1.0, max(0, state.frame - one.frame + 1) / (one.control.blend + 1)))
        for one in (*held.before, held)
    ]
    whole = max((place for place, (*_, weight) in enumerate(chain) if weight >= 1), default=0)
    (prompt, *_), *later = chain[whole:]
    return ((replace(prompt, blend=0), 0, 1.0), *later)
