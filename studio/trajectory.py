"""Strokes to places: where each subject is in a frame, and which way it looks.

A pure function of the strokes in force and the frame number: no frame depends on how it was reached.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from studio.controls import Stroke
from studio.controls.course import where
from studio.controls.stroke import SIZES

GRAB = 0.42  # of a subject's size: how near to its centre a hand takes hold of it


@dataclass(frozen=True)
class Placement:
    """A subject in a frame. x, y: its centre in 0..1 of the picture; size in 0.1..0.8 of its width.

    facing: +1.0 when it last travelled to the right, -1.0 to the left or never: as pictures of animals are drawn.
    pose: which of a subject's two pictures is drawn, "face" or "body"; "" for the one it has.
    """

    id: str
    label: str
    x: float
    y: float
    size: float
    facing: float
    pose: str = ""


def placements(strokes: Mapping[str, tuple[Stroke, int]], frame: int) -> list[Placement]:
    """Give the place of every stroke in a frame, in the order of drawing: a later one covers an earlier one."""
    return [place(stroke, frame - since) for stroke, since in strokes.values()]


def place(stroke: Stroke, elapsed: float) -> Placement:
    """Give the place of one stroke, so many frames after it took effect."""
    at = where(stroke, elapsed)
    size = pressed(stroke.size, at.pressure) if stroke.pressure else stroke.size
    return Placement(stroke.id, stroke.label, at.x, at.y, size, 1.0 if at.sign > 0 else -1.0)


def glide(stroke: Stroke, start: Placement | None, end: Placement, share: float) -> Placement:
    """Give the place of a subject that has gone a share of its way to the hand; of one that is not dragged, its own.

    The pictures of a chunk come at once: a dragged subject would jump from one chunk to the next. start: where it was
    in the last picture before; None where it was not there.
    """
    if start is None or stroke.mode != "drag":
        return end
    return replace(end, x=start.x + share * (end.x - start.x), y=start.y + share * (end.y - start.y))


def pressed(size: float, pressure: float) -> float:
    """Give the size of a subject where a pen was pressed so hard, 0..1: half to one and a half times its own."""
    return min(SIZES[1], max(SIZES[0], size * (0.5 + pressure)))


def reached(
    strokes: Mapping[str, tuple[Stroke, int]], position: tuple[float, float], frame: float, aspect: float = 1.0
) -> str | None:
    """Give the id of the stroke a hand takes hold of at a place: the nearest of those that reach there, or None.

    frame: the one that is seen; aspect: height of the picture over its width, of which sizes are shares.
    """
    placed = [place(stroke, frame - since) for stroke, since in strokes.values()]
    distances = [math.hypot(one.x - position[0], (one.y - position[1]) * aspect) for one in placed]
    near = [(far, number) for number, (far, one) in enumerate(zip(distances, placed)) if far < one.size * GRAB]
    return placed[min(near)[1]].id if near else None
