"""What subjects look like and where they stand: a text-addressed memory of pictures, placed on the track map.

A stroke's label is a sentence vector. It is compared with the memory's keys (the vectors of every word the world uses
for a subject); a sharp softmax over them mixes the subjects' *planes* (small learned RGBA pictures). The stroke places
the mixed plane on the track map geometrically, so a place between two cells, a size or a mirror image need not be
learned. Be honest about what this is: a learned memory. A word near no key shows a blend of the nearest subjects.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

PLANE = 48  # texels across a plane
MAP = 128  # track map's resolution before it is folded into cells: 2 pixels of the picture a texel
FOLD = 8  # map texels across a latent cell
SHARPNESS = 60.0  # of the softmax over keys; cosines of neighbours differ by about 0.1
TRACK_CHANNELS = 4 * FOLD * FOLD
# Cosine of a label and its nearest key from which on the label is known: 97 % of the held-out wordings that are read
# right are above it, and of words that name no subject ("democracy", "asdfgh", "river") one in five.
KNOWN = 0.68


def placement(x: Tensor, y: Tensor, size: Tensor, facing: Tensor, side: int) -> Tensor:
    """Give the sampling grid (N, side, side, 2) that puts a square picture of width `size` centred at (x, y).

    Lengths are shares of the frame's width, 0..1; `facing` is +1 as stored, -1 mirrored. Follows `grid_sample` with
    align_corners=False: the centre of pixel i is (i + 0.5) / side.
    """
    centres = (torch.arange(side, dtype=x.dtype, device=x.device) + 0.5) / side
    across = (centres[None] - x[:, None]) * (2 * facing / size)[:, None]
    down = (centres[None] - y[:, None]) * (2 / size)[:, None]
    return torch.stack(torch.broadcast_tensors(across[:, None, :], down[:, :, None]), -1)


class AppearanceMemory(nn.Module):
    """planes (N, 4, 48, 48): premultiplied RGBA in about 0..1; keys (K, 384), unit length; owner (K,): key -> plane."""

    keys: Tensor
    owner: Tensor

    def __init__(self, subjects: int, keys: int, dimensions: int = 384):
        super().__init__()
        self.planes = nn.Parameter(torch.zeros(subjects, 4, PLANE, PLANE))
        self.register_buffer("keys", torch.zeros(keys, dimensions))
        self.register_buffer("owner", torch.zeros(keys, dtype=torch.long))

    def weights(self, labels: Tensor) -> Tensor:
        """Weigh the subjects for (N, 384) label vectors: (N, subjects) shares that add up to one."""
        attention = (SHARPNESS * labels @ self.keys.float().T).softmax(-1)
        return attention.new_zeros(len(labels), len(self.planes)).index_add_(1, self.owner, attention)

    def likeness(self, labels: Tensor) -> Tensor:
        """Compare (N, 384) label vectors with the keys: (N,) cosines, -1..1, of each and the key nearest to it."""
        return (labels @ self.keys.float().T).amax(1)

    def read(self, labels: Tensor) -> Tensor:
        """Read (N, 4, 48, 48) planes for (N, 384) label vectors."""
        return torch.einsum("ns,schw->nchw", self.weights(labels).to(self.planes.dtype), self.planes)


def read_label(memory: AppearanceMemory, labels: Sequence[str], label: str, vector: Tensor) -> tuple[str, bool]:
    """Give the subject, of `labels` in the order of the planes, that a label is read as, and whether it names it.

    vector: the label's, (1, 384). It names a subject if it says its name or is near to one of its keys.
    """
    subject = labels[int(memory.weights(vector).argmax())]
    says_it = set(subject.split()) <= set(label.lower().split())
    return subject, says_it or bool(memory.likeness(vector) >= KNOWN)


def draw_track(under: Tensor, planes: Tensor, x: Tensor, y: Tensor, size: Tensor, facing: Tensor) -> Tensor:
    """Put one plane on each map (N, 4, 128, 128), over what is there: who comes later occludes.

    x, y, size: (N,) shares of the frame; a size of 0 draws nothing.
    """
    grid = placement(x, y, size.clamp_min(1e-3), facing, MAP).to(planes)
    placed = F.grid_sample(planes, grid, align_corners=False) * (size > 0).to(planes)[:, None, None, None]
    return under * (1 - placed[:, 3:].clamp(0, 1)) + placed


def fold(track: Tensor) -> Tensor:
    """Fold (N, 4, 128, 128) to (N, 256, 16, 16): a cell holds its 8x8 texels as channels; nothing is averaged."""
    return rearrange(track, "n c (h a) (w b) -> n (c a b) h w", a=FOLD, b=FOLD)
