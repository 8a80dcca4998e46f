"""A picture moved: by a flow, or by the camera's map."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from studio.geometry.camera import inside, inverse, moved
from studio.geometry.flow import Flow


def warp_picture(picture: np.ndarray, flow: Flow) -> tuple[np.ndarray, np.ndarray]:
    """Move every pixel of a picture (H, W, ...) that is seen afterwards to its nearest place.

    Gives the picture, and where something landed, (H, W) bool; elsewhere it is left as it was. What moves comes to
    lie in front of what stands.
    """
    size = picture.shape[:2]
    rows, columns = np.nonzero(flow.seen)
    far = np.abs(flow.motion[rows, columns]).sum(-1)
    last = np.argsort(far, kind="stable")  # of several that land on one cell the one that went farthest
    rows, columns = rows[last], columns[last]
    step = np.rint(flow.motion[rows, columns]).astype(int)
    to_rows, to_columns = (
        (at + step[:, axis]).clip(0, side - 1) for at, axis, side in ((rows, 1, size[0]), (columns, 0, size[1]))
    )
    out, landed = picture.copy(), np.zeros(size, bool)
    out[to_rows, to_columns] = picture[rows, columns]
    landed[to_rows, to_columns] = True
    return out, landed


def warp_by_camera(picture: np.ndarray, camera: np.ndarray, beyond: str = "border") -> tuple[np.ndarray, np.ndarray]:
    """Move a picture (H, W, 3) uint8 by a camera's map (2, 3), see `geometry.camera`.

    Gives the picture, and which pixels of it were seen before, (H, W) bool; the others take the nearest edge's colour,
    or with `beyond` "reflection" what is mirrored at the edges, however far.
    """
    height, width = picture.shape[:2]
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float64)
    source = moved(inverse(camera), places)
    grid = torch.from_numpy((2 * source + 1) / [width, height] - 1).float()
    pixels = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
    drawn = F.grid_sample(pixels, grid[None], mode="bilinear", padding_mode=beyond, align_corners=False)
    return drawn[0].permute(1, 2, 0).round().to(torch.uint8).numpy(), inside(source, (height, width))
