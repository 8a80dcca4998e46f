"""Strokes as reference and mask: a crude picture of what is to be seen, and how much of it counts (Time-to-Move).

What was cut out, or a label's picture, where it is in each picture to come; and what it leaves, filled from around.
arXiv 2511.08633 calls the picture a crude animation; here it is one for every chunk, from the last picture shown.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from studio.controls import Stroke, cutouts, own_subjects, strokes
from studio.geometry.camera import STILL
from studio.geometry.warp import warp_by_camera
from studio.trajectory import Placement, glide, place
from studio.underpaint.compose import filled, paste
from studio.underpaint.sprites import own, own_picture, sprite

if TYPE_CHECKING:
    from studio.controls import ControlState

GREY = 128  # of a backdrop where nothing was shown yet
MARGIN = 0.04  # of the picture's width: what a thing leaves is so much wider than it, on every side
Places = tuple[Placement, ...]  # of the things in a picture, in the order of drawing
Views = Sequence[np.ndarray]  # of pictures, each a map (2, 3) of the camera, see `geometry.camera`


@dataclass(frozen=True, eq=False)
class Thing:
    """What a stroke moves: its stroke, the frame that took effect at, and its pixels, RGBA uint8 with straight alpha.

    is_cut: whether it was cut out, so that it is shown as it is and never mirrored. look: a number that names its
    pixels. turns: whether any other is mirrored where it goes to the right.
    """

    stroke: Stroke
    since: int
    pixels: np.ndarray
    is_cut: bool
    look: int
    turns: bool = True

    def at(self, frame: int) -> Placement:
        """Give its place in a picture."""
        placed = place(self.stroke, frame - self.since)
        return replace(placed, facing=-1.0) if self.is_cut or not self.turns else placed


@dataclass(frozen=True, eq=False)
class Reference:
    """What pictures to come are to show.

    pictures: uint8 (m, H, W, 3); covers: of each of `levels` alpha (m, H, W), 0..1, of the things that are so stiff or
    stiffer; left: alpha (H, W) of what was left, where the things were in the picture before; carried: (m, H, W), 1
    where the camera carried on what was shown, None where it stands.
    """

    pictures: np.ndarray
    covers: tuple[np.ndarray, ...]
    left: np.ndarray
    carried: np.ndarray | None = None


def things(state: ControlState) -> list[Thing]:
    """Give what the strokes in force move, the first painted first; a label that names nothing known moves nothing.

    What was cut out for a stroke comes before a subject of one's own, and that before what the embedded model knows.
    """
    cut, owned, found = cutouts(state), own_subjects(state), []
    for id, (stroke, since) in strokes(state).items():
        if id in cut:
            found.append(Thing(stroke, since, cut[id].pixels, True, zlib.crc32(cut[id].data)))
        elif owned and (mine := own(stroke.label, owned)) is not None:
            look = zlib.crc32(mine.data, mine.turns)
            found.append(Thing(stroke, since, own_picture(mine), False, look, mine.turns))
        elif (pixels := sprite(stroke.label)) is not None:
            found.append(Thing(stroke, since, pixels, False, zlib.crc32(stroke.label.encode())))
    return found


def origins(moved: Sequence[Thing], before: Places) -> dict[str, Placement]:
    """Give where things were in the picture before, by id: as it was pinned, or where a cut-out was taken from.

    That is where a hand took hold of it, or where its stroke begins.
    """
    known = {one.id: one for one in before}
    for thing in moved:
        if thing.is_cut and thing.stroke.id not in known:
            first, grab = thing.at(thing.since), thing.stroke.grab
            known[first.id] = replace(first, x=grab[1], y=grab[2]) if grab else first
    ids = {thing.stroke.id for thing in moved}
    return {id: placed for id, placed in known.items() if id in ids}


def course(moved: Sequence[Thing], frames: range, origin: Mapping[str, Placement]) -> tuple[Places, ...]:
    """Give the places of things in each of some pictures.

    A dragged one goes evenly from where it was to where the hand is, see `glide`.
    """
    rows = []
    for number, frame in enumerate(frames, 1):
        placed = (thing.at(frame) for thing in moved)
        share = number / len(frames)
        rows.append(tuple(glide(thing.stroke, origin.get(one.id), one, share) for one, thing in zip(placed, moved)))
    return tuple(rows)


def key_of(moved: Sequence[Thing], placed: Sequence[Places], origin: Mapping[str, Placement], views: Views = ()) -> str:
    """Give 16 hex digits that name what is to be seen: the same on every machine."""
    names = [(thing.stroke.id, thing.look, thing.stroke.stiffness) for thing in moved]
    rows = [(one.x, one.y, one.size, one.facing) for row in (*placed, tuple(origin.values())) for one in row]
    told = repr((names, len(placed), list(origin))).encode() + np.array(rows).tobytes() + np.array(views).tobytes()
    return hashlib.sha256(told).hexdigest()[:16]


def reference(
    shown: np.ndarray, moved: Sequence[Thing], placed: Sequence[Places], origin: Mapping[str, Placement],
    levels: Sequence[Sequence[bool]], views: Views = (),
) -> Reference:  # fmt: skip
    """Paste things along their course on the picture that was shown last, (H, W, 3) uint8, what they left filled.

    levels: of each, which of the things count. views: of each picture the camera's map from the one shown.
    """
    pixels = {thing.stroke.id: thing.pixels for thing in moved}
    _, left = paste(shown, [(pixels[id], replace(one, size=one.size + 2 * MARGIN)) for id, one in origin.items()])
    backdrop = filled(shown, left)
    moved_on = [carried(backdrop, view) for view in views or (STILL,) * len(placed)]
    drawn = [
        paste(behind, [(pixels[one.id], one) for one in row]) for row, (behind, _) in zip(placed, moved_on, strict=True)
    ]
    whole = np.stack([alpha for _, alpha in drawn])
    covers = []
    for level in levels:
        if all(level):
            covers.append(whole)
            continue
        rows = ([(pixels[one.id], one) for one, counts in zip(row, level) if counts] for row in placed)
        covers.append(np.stack([paste(backdrop, row)[1] for row in rows]))
    carried_on = None if all(view is STILL for view in views) else np.stack([seen for _, seen in moved_on])
    return Reference(np.stack([picture for picture, _ in drawn]), tuple(covers), left, carried_on)


def carried(picture: np.ndarray, view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move a picture by the camera: the picture, and (H, W) 1 where it is known; nothing counts where it stands."""
    if view is STILL:
        return picture, np.zeros(picture.shape[:2], np.float32)
    seen, known = warp_by_camera(picture, view)
    return seen, known.astype(np.float32)


def blank(size: tuple[int, int]) -> np.ndarray:
    """Give the backdrop of a stream that has shown nothing, uint8 (H, W, 3)."""
    return np.full((*size, 3), GREY, np.uint8)
