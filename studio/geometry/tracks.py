"""Strokes and camera as point tracks: where points of the first picture are in each later one, and whether seen.

Tracks are (T, N, 3) float64: x and y in pixels, 0 the middle of the first one, and 1 where the point is seen, else 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from studio.controls import strokes
from studio.geometry.camera import Size, inside, with_visibility
from studio.geometry.flow import centre, owners
from studio.trajectory import Placement, placements

if TYPE_CHECKING:
    from studio.controls import ControlState

REACH = 0.7  # how far from a subject's centre its outer points are, of its radius: well inside
RING = 8  # points around the centre


def stroke_tracks(state: ControlState, frames: Sequence[int], size: Size) -> np.ndarray:
    """Give the tracks of the strokes in force, of each its centre and points around it; size: (H, W) in pixels."""
    painted = strokes(state)
    each = [placements(painted, frame) for frame in frames]
    tracks = np.stack([np.concatenate([np.zeros((0, 2)), *(points(one, size) for one in now)]) for now in each])
    seen = with_visibility(tracks, size)
    for at, now in zip(seen, each):
        at[:, 2] *= in_front(at[:, :2], now, size)
    return seen


def points(placed: Placement, size: Size) -> np.ndarray:
    """Give a subject's points (1 + RING, 2), (x, y) in pixels: its centre, and some around it that grow with it."""
    angles = np.arange(RING) * 2 * np.pi / RING
    around = REACH * placed.size * size[1] / 2 * np.stack([np.cos(angles), np.sin(angles)], -1)
    return centre(placed, size) + np.concatenate([np.zeros((1, 2)), around])


def in_front(at: np.ndarray, now: Sequence[Placement], size: Size) -> np.ndarray:
    """Tell which of the subjects' points (N, 2), in their order, no later subject covers."""
    owner = owners(now, {one.id: number for number, one in enumerate(now)}, size)
    mine = np.repeat(np.arange(len(now)), 1 + RING)
    column, row = np.rint(at).astype(int).T
    free = ~inside(at, size)
    free[~free] = owner[row[~free], column[~free]] <= mine[~free]
    return free
