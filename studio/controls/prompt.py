"""The words the picture is drawn under."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from studio.controls.base import Control, check_choice, check_integer, check_number, check_text, settle, shown
from studio.controls.errors import ControlError
from studio.controls.state import ControlState, Held
from studio.controls.widgets import Choice, Readout, Slider, Text, Widget

FIRST_WORDS = "a quiet meadow on a sunny day"
SWITCHES = ("recache", "keep", "cut")
LONGEST_PROMPT = 4000  # characters
BLENDS = (0, 1000)  # frames
MOST_BLENDING = 8  # prompts that are still heard while a newer one comes in
MOST_MIXED = 8  # texts beside the first
WEIGHTS = (0.0, 100.0)
INTERPOLATIONS = ("linear", "slerp")
Mix = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Prompt(Control):
    """Text, a negative text, and what a change does with the frames kept in the cache.

    switch: "recache" rebuilds the cache of the kept frames under the new words (LongLive, section 3.1),
    "keep" leaves it as it is, "cut" empties it: a new shot. blend: frames, 0..1000, over which the words before pass
    into these. mix: up to 8 other texts that are heard beside the first, each with its weight; weight: that of the
    first. Weights are 0..100, not all 0, and count by their share of the sum. interpolation: the way from one text's
    states to another's, in a mix and in a blend: "linear" is their mean by weight, "slerp" goes along the arc.
    """

    text: str
    negative: str = ""
    switch: str = "recache"
    blend: int = 0
    mix: Mix = ()
    weight: float = 1.0
    interpolation: str = "linear"
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
        Choice(
            "interpolation",
            "From words to words",
            section="prompt",
            order=50,
            waits=True,
            advanced=True,
            choices=INTERPOLATIONS,
            info="How a blend and a mix go: in a straight line, or along the arc.",
        ),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            text=check_text("prompt text", self.text, 1, LONGEST_PROMPT),
            negative=check_text("negative prompt", self.negative, 0, LONGEST_PROMPT),
            switch=check_choice("prompt switch", self.switch, SWITCHES),
            blend=check_integer("prompt blend", self.blend, *BLENDS),
            mix=check_mix(self.mix),
            weight=check_number("prompt weight", self.weight, *WEIGHTS),
            interpolation=check_choice("prompt interpolation", self.interpolation, INTERPOLATIONS),
        )
        if not self.weight and not any(weight for _, weight in self.mix):
            raise ControlError("the weights of the mix are all 0, so nothing is heard; give one text a weight above 0")
        if not self.mix:
            settle(self, weight=1.0)

    @classmethod
    def initial(cls) -> Self:
        return cls(FIRST_WORDS)

    @property
    def texts(self) -> tuple[str, ...]:
        """All its texts but the negative one, those of weight 0 too."""
        return (self.text, *(text for text, _ in self.mix))

    @property
    def heard(self) -> Mix:
        """The texts that are heard, each once, with their shares, which sum to 1."""
        weights: dict[str, float] = {}
        for text, weight in ((self.text, self.weight), *self.mix):
            weights[text] = weights.get(text, 0.0) + weight
        total = sum(weights.values())
        return tuple((text, weight / total) for text, weight in weights.items() if weight)

    @property
    def title(self) -> str:
        """What is heard as a person reads it: "fog", or "70 % fog + 30 % rain"."""
        heard = self.heard
        return heard[0][0] if len(heard) == 1 else " + ".join(f"{100 * share:.0f} % {text}" for text, share in heard)

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


def check_mix(value: object) -> Mix:
    """The texts and weights of a mix, if they are pairs of the two."""
    send = f"send at most {MOST_MIXED} pairs of a text and its weight"
    if not isinstance(value, list | tuple):
        raise ControlError(f"prompt mix is {shown(value)}; {send}")
    if len(value) > MOST_MIXED:
        raise ControlError(f"prompt mix has {len(value)} texts beside the first; {send}")
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ControlError(f"prompt mix has {shown(pair)}; {send}")
    return tuple(
        (check_text("text of a mix", text, 1, LONGEST_PROMPT), check_number("weight in a mix", weight, *WEIGHTS))
        for text, weight in value
    )


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
