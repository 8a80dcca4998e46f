"""How a control is shown in the panel, as data: which field, in what words, within which limits.

A control's class holds a tuple of these (`Control.widgets`); `studio.ui.panel` makes Gradio's components of them and
knows no control by name. Nothing here imports Gradio.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

from studio.controls.errors import ControlError

Limits = tuple[float, float]


@dataclass(frozen=True)
class Widget:
    """Shows one field of a control, and sets it.

    section: where in the panel it stands; one that the panel does not have yet is added under that name. order: its
    place there, the lowest first. needs: what a model must play for it to be shown, beside its control's kind, word by
    word (`studio.ui.plays`). advanced: it stands under "More". waits: its value goes when Apply is pressed, and not
    while it is moved. name: its id in the page is "studio-" and this, or the field where it is empty.
    """

    field: str
    label: str
    _: KW_ONLY
    section: str = ""
    order: int = 0
    info: str = ""
    needs: str = ""
    advanced: bool = False
    waits: bool = False
    name: str = ""

    def describe(self) -> dict[str, Any]:
        """Give the widget as JSON; "type" is the name of its class."""
        return {"type": type(self).__name__.lower()} | asdict(self)


@dataclass(frozen=True)
class Slider(Widget):
    """A number on a scale.

    limits: those the control itself checks; shown: the part of them the slider offers, all of them if None.
    """

    _: KW_ONLY
    limits: Limits
    step: float
    shown: Limits | None = None

    def __post_init__(self) -> None:
        if not self.limits[0] <= self.minimum <= self.maximum <= self.limits[1]:
            raise ControlError(f"{self.label} shows {self.shown}; show a part of {self.limits}")

    @property
    def minimum(self) -> float:
        return (self.shown or self.limits)[0]

    @property
    def maximum(self) -> float:
        return (self.shown or self.limits)[1]

    def describe(self) -> dict[str, Any]:
        return super().describe() | {"minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True)
class Whole(Widget):
    """A whole number of any size, typed: a slider's numbers end where JavaScript's do, at 2**53."""


@dataclass(frozen=True)
class Choice(Widget):
    """One of a few names."""

    _: KW_ONLY
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Toggle(Widget):
    """Yes or no."""


@dataclass(frozen=True)
class Text(Widget):
    """Words; of more than `longest` characters the page says so, and cuts none off.

    `lines` of the box are seen, and up to `most_lines` as it fills.
    """

    _: KW_ONLY
    longest: int
    lines: int = 1
    most_lines: int | None = None
    placeholder: str = ""


@dataclass(frozen=True)
class Counter(Widget):
    """A button: each press makes the field, a whole number, one higher."""


@dataclass(frozen=True)
class Readout(Widget):
    """An empty line that the page fills in, by its name; it shows no field."""
