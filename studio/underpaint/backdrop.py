"""What an image model's frame begins from: a backdrop, and on it what strokes move, where it is in that picture.

The camera goes over the backdrop, which is mirrored beyond its edges; what strokes move is where they say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studio.controls import Backdrop, Camera, Control, Picture, Stroke
from studio.controls.backdrop import backdrop_of
from studio.geometry.camera import STILL, after, camera_step
from studio.geometry.warp import warp_by_camera
from studio.pictures import cropped, decoded
from studio.underpaint.compose import paste
from studio.underpaint.pocket_stream import PocketSnapshot, PocketStream, pocket
from studio.underpaint.reference import things

if TYPE_CHECKING:
    from studio.controls import ControlState

Size = tuple[int, int]


class Underpainting:
    """The underpainting of one stream, picture by picture.

    stream: the pocket model's, while it is the backdrop. view: where the backdrop's pixels are seen, a map (2, 3), as
    far as the camera has gone since a clean start; None where it never moved.
    """

    def __init__(self, size: Size) -> None:
        """size: pixels (H, W) of a picture."""
        self.size = size
        self.stream: PocketStream | None = None
        self.view: np.ndarray | None = None

    def prepare(self, control: Control) -> None:
        """Have ready what a control may ask for. May be called from any thread."""
        if isinstance(control, Stroke) or (isinstance(control, Backdrop) and control.source == "pocket"):
            pocket()

    def paint(self, state: ControlState, number: int) -> np.ndarray | None:
        """Give the underpainting of a picture by its number, uint8 (H, W, 3): once for each, in their order.

        None where there is nothing but the picture that comes in, or nothing at all.
        """
        if (step := camera_step(state, number, self.size)) is not STILL:
            self.view = after(STILL if self.view is None else self.view, step)
        if backdrop_of(state) != "pocket":
            self.stream = None
            return still(state, number, self.size, self.view)
        if self.stream is None or self.stream.seed != state[Backdrop].seed:
            self.stream = PocketStream(state[Backdrop].seed, number)
        return with_things(seen(cropped(self.stream.step(state), self.size), self.view), state, number)

    def snapshot(self) -> tuple[PocketSnapshot | None, np.ndarray | None]:
        """Give all that it holds, its stream's snapshot and its view; good for any number of restores."""
        return self.stream and self.stream.snapshot(), self.view

    def restore(self, stream: PocketSnapshot | None, view: np.ndarray | None) -> None:
        """Go back to a snapshot, bit for bit."""
        self.stream = None if stream is None else PocketStream.restored(stream)
        self.view = view

    def snapshot_bytes(self, state: ControlState) -> int:
        """Compute the most bytes that a snapshot takes."""
        if backdrop_of(state) != "pocket":
            return 0
        return (self.stream or PocketStream(0, 0)).snapshot_bytes(state)


def still(state: ControlState, number: int, size: Size, view: np.ndarray | None = None) -> np.ndarray | None:
    """Give the underpainting of a picture on any backdrop but the pocket's: a function of the controls in force.

    view: where its pixels are seen, see `Underpainting`; a picture that comes in is painted there without strokes too.
    """
    source = backdrop_of(state)
    if source == "colour":
        return with_things(plain(state[Backdrop].colour, size), state, number)
    painted = state[Backdrop].source != "none" and things(state)
    if source != "picture" or not (painted or view is not None):
        return None
    backdrop = seen(decoded(state[Picture].data, size), view)
    return with_things(backdrop, state, number) if painted else backdrop


def seen(backdrop: np.ndarray, view: np.ndarray | None) -> np.ndarray:
    """Give a backdrop (H, W, 3) uint8 as the camera sees it; mirrored beyond its edges."""
    return backdrop if view is None else warp_by_camera(backdrop, view, "reflection")[0]


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
    return backdrop_of(state) == "pocket" or state[Camera].moves


def shows_all(state: ControlState) -> bool:
    """Tell whether all that strokes say is seen in the underpainting: that each of them moves a thing."""
    return state[Backdrop].source != "none" and len(things(state)) == len(state.names(Stroke.kind))
