"""What image-to-video models are told of tracks: a copy of the first latent's cells where the points are later.

Wan-Move (arXiv 2512.08765, section 3) copies a cell whole, ATI (arXiv 2505.22944, section 3) mixes in the two nearest
points' features, softly. y: (C, T, h, w), the condition latent of an image-to-video net, of which the first frame is
the picture's; tracks: (F, N, 3) of the pictures, see `geometry.tracks`, F = 1 + 4 (T - 1).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FALL = 220.0  # how fast a point's weight falls with the square of its distance, of half the short side
NEAREST = 2  # points that a cell hears
TIME = 4  # pictures of a latent frame


def wan_move(y: Tensor, tracks: np.ndarray, scale: int = 8) -> Tensor:
    """Give y with the first frame's cell of each point where the point is, at every fourth picture.

    Only of points seen then and in the first picture; of two in one cell the later one's. scale: pixels a cell's side.
    """
    check(y, tracks)
    out, cells = y.clone(), torch.from_numpy(np.floor((tracks[::TIME, :, :2] + 0.5) / scale)).long()
    seen = torch.from_numpy((tracks[::TIME, :, 2] > 0) & (tracks[0, :, 2] > 0))
    height, width = y.shape[2:]
    cells = torch.minimum(cells.clamp(min=0), torch.tensor([width - 1, height - 1]))
    for time in range(1, len(cells)):
        column, row = cells[time].T
        order = last_of_each(row * width + column, seen[time])
        out[:, time, row[order], column[order]] = y[:, 0, cells[0, order, 1], cells[0, order, 0]]
    return out


def last_of_each(cell: Tensor, seen: Tensor) -> Tensor:
    """Give the places of the last seen point of every cell."""
    last = {int(at): place for place, at in enumerate(cell.tolist()) if seen[place]}
    return torch.tensor(sorted(last.values()), dtype=torch.long)


def ati(y: Tensor, tracks: np.ndarray, scale: int = 8) -> tuple[Tensor, Tensor]:
    """Give y with the points' features mixed in, and how much of each cell is theirs, (T, h, w), 1 in the first frame.

    A point's feature is the first latent where the point is first, a point's place in a later latent frame the mean of
    those of its four pictures in which it is seen, its weight exp(-220 d²), d in half the picture's short side.
    """
    check(y, tracks)
    _, time, height, width = y.shape
    at = torch.from_numpy((tracks[..., :2] + 0.5) / scale - 0.5).float()  # cells, 0 the middle of the first
    seen = torch.from_numpy(tracks[..., 2]).float()
    ends = torch.tensor([width, height])
    start = (2 * at[0] + 1) / ends - 1
    feature = F.grid_sample(y[None, :, 0].float(), start[None, None], align_corners=False)[0, :, 0]  # (C, N)
    later, shown = at[1:].unflatten(0, (time - 1, TIME)), seen[1:].unflatten(0, (time - 1, TIME))
    times = shown.sum(1)
    place = (later * shown[..., None]).sum(1) / times.clamp(min=1)[..., None]
    cell = torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy"), -1).float()
    half = (min(width, height)) / 2
    far = (place[:, None, None] - cell[None, :, :, None]).div(half).square().sum(-1)  # (T - 1, h, w, N)
    weight = torch.exp(-FALL * far) * (times > 0)[:, None, None]
    best, which = weight.topk(min(NEAREST, weight.shape[-1]), -1)
    mixed = torch.einsum("cthwk,thwk->cthw", feature[:, which], best)
    share = best.sum(-1)
    out = y.clone()
    out[:, 1:] = (mixed + y[:, 1:] * (1 - share.clamp(0, 1))).to(y.dtype)
    return out, torch.cat([torch.ones(1, height, width), share])


def check(y: Tensor, tracks: np.ndarray) -> None:
    """Raise ValueError for tracks that are not of the latent's pictures."""
    wanted = 1 + TIME * (y.shape[1] - 1)
    if tracks.ndim != 3 or tracks.shape[2] != 3 or len(tracks) != wanted:
        raise ValueError(
            f"tracks are {tracks.shape}; of {y.shape[1]} latent frames they are those of {wanted} pictures, "
            "(x, y, seen) of each point"
        )
