"""What an image model's frame begins from: a backdrop, and on it what strokes move, where it is in that picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studio.controls import Backdrop, Control, Picture, Stroke
from studio.controls.backdrop import backdrop_of
from studio.pictures import cropped, decoded
from studio.underpaint.compose import paste
from studio.underpaint.pocket_stream import PocketSnapshot, PocketStream, pocket
from studio.underpaint.reference import things

if TYPE_CHECKING:
    from studio.controls import ControlState

Size = tuple[int, int]


class Underpainting:
    """The underpainting of one stream, picture by picture; `stream` is the pocket model's, while it is the backdrop."""

    def __init__(self, size: Size) -> None:
        """size: pixels (H, W) of a picture."""
        self.size = size
        self.stream: PocketStream | None = None

    def prepare(self, control: Control) -> None:
        """Have ready what a control may ask for. May be called from any thread."""
        if isinstance(control, Stroke) or (isinstance(control, Backdrop) and control.source == "pocket"):
            pocket()

    def paint(self, state: ControlState, number: int) -> np.ndarray | None:
        """Give the underpainting of a picture by its number, uint8 (H, W, 3): once for each, in their order.

        None where there is nothing but the picture that comes in, or nothing at all.
        """
        if backdrop_of(state) != "pocket":
            self.stream = None
            return still(state, number, self.size)
        if self.stream is None or self.stream.seed != state[Backdrop].seed:
            self.stream = PocketStream(state[Backdrop].seed, number)
        return with_things(cropped(self.stream.step(state), self.size), state, number)

    def snapshot(self) -> PocketSnapshot | None:
        """Give all that it holds; good for any number of restores."""
        return self.stream and self.stream.snapshot()

    def restore(self, snapshot: PocketSnapshot | None) -> None:
        """Go back to a snapshot, bit for bit."""
        self.stream = None if snapshot is None else PocketStream.restored(snapshot)

    def snapshot_bytes(self, state: ControlState) -> int:
        """Compute the most bytes that a snapshot takes."""
        if backdrop_of(state) != "pocket":
            return 0
        return (self.stream or PocketStream(0, 0)).snapshot_bytes(state)


def still(state: ControlState, number: int, size: Size) -> np.ndarray | None:
    """Give the underpainting of a picture on any backdrop but the pocket's: a function of the controls in force."""
    source = backdrop_of(state)
    if source == "colour":
        return with_things(plain(state[Backdrop].colour, size), state, number)
    if not source or state[Backdrop].source == "none" or not things(state):
        return None
    return with_things(decoded(state[Picture].data, size), state, number)


def with_things(backdrop: np.ndarray, state: ControlState, number: int) -> np.ndarray:
    """Paste what strokes move on a backdrop (H, W, 3) uint8, where it is in a picture."""
    moved = [(thing.pixels, thing.at(number)) for thing in things(state)]
    return paste(backdrop, moved)[0] if moved else backdrop


def plain(colour: str, size: Size) -> np.ndarray:
    """Give a picture (H, W, 3) uint8 of one colour."""
    from PIL import ImageColor

    return np.full((*size, 3), ImageColor.getrgb(colour), np.uint8)


def moves(state: ControlState) -> bool:
    """Tell whether the backdrop itself is another in every picture."""
    return backdrop_of(state) == "pocket"


def shows_all(state: ControlState) -> bool:
    """Tell whether all that strokes say is seen in the underpainting: that each of them moves a thing."""
    return state[Backdrop].source != "none" and len(things(state)) == len(state.names(Stroke.kind))
