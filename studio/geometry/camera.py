"""The camera's motion as an affine map of the picture, and as a grid of tracks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from studio.controls import Camera

if TYPE_CHECKING:
    from studio.controls import ControlState

Size = tuple[int, int]
STILL = np.eye(3)[:2]


def camera_step(state: ControlState, frame: int, size: Size) -> np.ndarray:
    """Give where what is seen goes from the picture before to this one: a map (2, 3) of pixels (x, y, 1).

    size: (H, W) in pixels; `STILL` where the camera does not move.
    """
    held = state.held(Camera)
    return camera_map(held.control, size) if held.control.moves_at(frame - held.frame) else STILL


def camera_map(camera: Camera, size: Size) -> np.ndarray:
    """Give the map (2, 3) of one frame of a motion: what is seen goes the other way than the camera.

    It turns and grows around the picture's middle, in pixels, so that a circle stays one.
    """
    height, width = size
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    angle, scale = math.radians(-camera.rotate), 1 + camera.zoom
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    pan = np.array([camera.pan_x * width, camera.pan_y * height])
    return np.column_stack([turn, middle - turn @ middle - pan])


def camera_between(state: ControlState, first: int, last: int, size: Size) -> np.ndarray:
    """Give the map (2, 3) from the picture of one frame to that of a later one, step by step; `STILL` for none."""
    steps = (camera_step(state, frame, size) for frame in range(first + 1, last + 1))
    return reduce(after, (step for step in steps if step is not STILL), STILL)


def after(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give the map (2, 3) that is one, then another."""
    return second @ np.vstack([first, [0.0, 0.0, 1.0]])


def inverse(affine: np.ndarray) -> np.ndarray:
    """Give the map (2, 3) back."""
    back = np.linalg.inv(affine[:, :2])
    return np.column_stack([back, -back @ affine[:, 2]])


def moved(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Give where points (..., 2), x and y in pixels, go."""
    return points @ affine[:, :2].T + affine[:, 2]


def camera_tracks(state: ControlState, frames: Sequence[int], size: Size, grid: Size = (6, 10)) -> np.ndarray:
    """Give the camera's motion as tracks (T, N, 3) from the first of these frames on: x, y in pixels, and 1 if seen.

    grid: rows and columns of points, evenly over the first picture.
    """
    height, width = size
    rows, columns = ((np.arange(count) + 0.5) / count for count in grid)
    start = np.stack(np.meshgrid(columns * width - 0.5, rows * height - 0.5), -1).reshape(-1, 2)
    placed = np.stack([moved(camera_between(state, frames[0], frame, size), start) for frame in frames])
    return with_visibility(placed, size)


def with_visibility(points: np.ndarray, size: Size) -> np.ndarray:
    """Give points (..., 2) with a third number: 1 where they are in the picture, else 0."""
    return np.concatenate([points, inside(points, size)[..., None]], -1).astype(np.float64)


def inside(points: np.ndarray, size: Size) -> np.ndarray:
    """Tell which points (..., 2), x and y in pixels, lie in a picture (H, W), to the edges of its outer pixels."""
    height, width = size
    x, y = points[..., 0], points[..., 1]
    return (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
