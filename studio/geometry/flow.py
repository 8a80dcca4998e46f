"""Dense flow: how far every pixel of a picture goes until the next, and whether it is seen there.

Inside of a subject it is the subject's motion, its change of size too; elsewhere the camera's. A subject is a disc as
wide as its size says; a later stroke covers an earlier one, as they are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from studio.controls import strokes
from studio.geometry.camera import STILL, Size, camera_step, inside
from studio.trajectory import Placement, placements

if TYPE_CHECKING:
    from studio.controls import ControlState

BACKGROUND = -1
Box = tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class Flow:
    """From one picture to the next. motion: (H, W, 2) float32, dx and dy in pixels; seen: (H, W) bool.

    A pixel is not seen where it leaves the picture or comes to lie behind a subject in front of it.
    """

    motion: np.ndarray
    seen: np.ndarray

    @property
    def is_still(self) -> bool:
        """Whether nothing moves."""
        return not self.motion.any()


def flow_at(state: ControlState, frame: int, size: Size) -> Flow:
    """Give the flow from the picture before a frame to the frame's, under the controls in force; size: (H, W)."""
    painted = strokes(state)
    return flow_between(
        placements(painted, frame - 1), placements(painted, frame), size, camera_step(state, frame, size)
    )


def flow_between(before: Sequence[Placement], now: Sequence[Placement], size: Size, camera: np.ndarray = STILL) -> Flow:
    """Give the flow from one picture to the next, of the subjects' places in both and the camera's map (2, 3).

    A subject that is in only one of them does not move: what lies there is the background's.
    """
    both = {one.id for one in before} & {one.id for one in now}
    before, now = ([one for one in places if one.id in both] for places in (before, now))
    order = {one.id: number for number, one in enumerate(now)}
    owner, owner_now = owners(before, order, size), owners(now, order, size)
    motion = background(camera, size)
    after = {one.id: one for one in now}
    for one, (box, disc) in zip(before, discs(before, size)):
        mine = disc & (owner[box] == order[one.id])
        motion[box][mine] = subject_motion(one, after[one.id], box, size)[mine]
    return Flow(motion, lands_seen(motion, owner, owner_now))


def background(camera: np.ndarray, size: Size) -> np.ndarray:
    """Give the camera's motion of every pixel, (H, W, 2) float32."""
    if camera is STILL:
        return np.zeros((*size, 2), np.float32)
    rows, columns = (np.arange(side, dtype=np.float64) for side in size)
    change = camera - STILL
    parts = [columns * x + (rows * y + offset)[:, None] for x, y, offset in change]
    return np.stack(parts, -1).astype(np.float32)


def subject_motion(before: Placement, now: Placement, box: Box, size: Size) -> np.ndarray:
    """Give the motion of a subject's pixels in a box, (h, w, 2): each keeps its place in the subject."""
    pixels = np.stack(np.meshgrid(*(np.arange(part.start, part.stop) for part in reversed(box))), -1)
    middle = centre(before, size)
    return (centre(now, size) + (pixels - middle) * (now.size / before.size) - pixels).astype(np.float32)


def centre(placed: Placement, size: Size) -> np.ndarray:
    """Give a subject's centre, (x, y) in pixels, where 0 is the middle of the first one."""
    return np.array([placed.x * size[1] - 0.5, placed.y * size[0] - 0.5])


def discs(placed: Sequence[Placement], size: Size) -> Iterator[tuple[Box, np.ndarray]]:
    """Yield of each subject its box of pixels (rows, columns) and which of them it covers, (h, w) bool."""
    for one in placed:
        (x, y), radius = centre(one, size), one.size * size[1] / 2
        low, high = np.ceil([y - radius, x - radius]), np.floor([y + radius, x + radius]) + 1
        low, high = (np.clip(end, 0, size).astype(int) for end in (low, high))
        rows, columns = (np.arange(start, stop) for start, stop in zip(low, high))
        disc = (rows[:, None] - y) ** 2 + (columns - x) ** 2 <= radius**2
        yield (slice(low[0], high[0]), slice(low[1], high[1])), disc


def owners(placed: Sequence[Placement], order: dict[str, int], size: Size) -> np.ndarray:
    """Give whose every pixel is, (H, W): the number of the subject that covers it, or `BACKGROUND`."""
    owner = np.full(size, BACKGROUND, np.int16)
    for one, (box, disc) in zip(placed, discs(placed, size)):
        owner[box][disc] = order[one.id]
    return owner


def lands_seen(motion: np.ndarray, owner: np.ndarray, owner_now: np.ndarray) -> np.ndarray:
    """Tell which pixels land in the picture, where nothing in front of them covers them."""
    seen = owner_now <= owner  # of what stands
    box = moving_box(motion)
    at = motion[box] + np.stack(np.meshgrid(*(np.arange(part.start, part.stop) for part in reversed(box))), -1)
    shown = inside(at, owner.shape)
    x, y = np.rint(at.astype(np.float32)).astype(np.int32).transpose(2, 0, 1)
    over = owner_now[y.clip(0, owner.shape[0] - 1), x.clip(0, owner.shape[1] - 1)]
    seen[box] = shown & (over <= owner[box])
    return seen


def moving_box(motion: np.ndarray) -> Box:
    """Give the box of pixels that move, (rows, columns); an empty one where none does."""
    moves = (motion[..., 0] != 0) | (motion[..., 1] != 0)
    ends = [np.flatnonzero(moves.any(axis)) for axis in (1, 0)]
    rows, columns = (slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0) for found in ends)
    return rows, columns
