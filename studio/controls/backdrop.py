"""What strokes are painted on, under the drawing of an image model; and how much their labels are heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_choice, check_integer, check_number, settle
from studio.controls.errors import ControlError
from studio.controls.image_file import check_colour
from studio.controls.picture import Picture
from studio.controls.state import ControlState
from studio.controls.stroke import strokes
from studio.controls.widgets import Choice, Slider, Widget

SOURCES = ("auto", "picture", "pocket", "colour", "none")
SEEDS = (0, 2**32 - 1)
SHARES = (0.0, 1.0)


@dataclass(frozen=True)
class Backdrop(Control):
    """What strokes are painted on, and how much their labels are heard where they are.

    Of an image model: what each frame's underpainting is, on which strokes' subjects are pasted where they are.

    source: "picture" is the one that comes in (a camera's, a film's, a still), "pocket" the embedded model's own frame
    under the same prompt, "colour" one colour, "none" paints nothing: strokes' labels are heard where they are, and
    that is all. "auto": with strokes, the picture where there is one and else the pocket model; without, what a frame
    begins from is what it was before there were strokes. The others but "none" are redrawn without strokes too.
    colour: a name or "#rrggbb". seed: of the pocket model's stream, 0..2**32-1. words: how much of what is heard where
    a subject is, is its label's, 0..1; 0 leaves the prompt alone. A Wan student has this field alone.
    """

    source: str = "auto"
    colour: str = "#808080"
    seed: int = 0
    words: float = 0.7
    kind: ClassVar[str] = "backdrop"
    widgets: ClassVar[tuple[Widget, ...]] = (
        Choice(
            "source",
            "Strokes are painted on",
            section="backdrop",
            needs="underpainting",
            order=10,
            name="backdrop",
            choices=SOURCES,
            info="Auto: the picture that comes in, or the pocket model's where there is none. None: labels are only "
            "heard where they are.",
        ),
        Slider(
            "words",
            "Labels are heard",
            section="backdrop",
            order=20,
            name="backdrop-words",
            limits=SHARES,
            step=0.05,
            info="How much of what is said where a subject is, is its own label; the rest is the prompt.",
        ),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            source=check_choice("backdrop source", self.source, SOURCES),
            colour=check_colour("backdrop colour", self.colour),
            seed=check_integer("backdrop seed", self.seed, *SEEDS),
            words=check_number("backdrop words", self.words, *SHARES),
        )


def backdrop_of(state: ControlState) -> str:
    """Give the source of the underpainting in force: "picture", "pocket", "colour", or "" for none at all."""
    source, has_picture = state[Backdrop].source, bool(state[Picture].data)
    if source == "auto":
        source = "picture" if has_picture else "pocket" if strokes(state) else "none"
    if source == "none":
        return "picture" if has_picture else ""
    return "colour" if source == "picture" and not has_picture else source


def check_backdrop(state: ControlState, backdrop: Backdrop) -> None:
    """Raise ControlError for a picture as the backdrop where none comes in."""
    if backdrop.source == "picture" and not state[Picture].data:
        raise ControlError(
            "no picture comes in for strokes to be painted on: start the camera or drop a picture first, or choose "
            "pocket, colour or auto"
        )
