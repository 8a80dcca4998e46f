"""The pocket model's decoder: 16x16 cells and a guide to 256x256 or 512x512 RGB.

The guide is what was painted, the subjects' own pictures where they stand, at the picture's full resolution, as
decoders for inpainting are told the picture around the hole. The decoder draws the scene from the latents, and decides
which light falls on what was painted: light and shade are the model's, eyes and edges the guide's. Most work happens at
1/16 to 1/4 of 256, pixels appear only by pixel shuffle: that is what a CPU core can decode live.
"""

from typing import Any, Self

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

SIZES = (256, 512)  # of a picture's side
PIXEL = 4  # pixels across a patch
PATCHES = 3 * PIXEL**2  # channels of pixels kept as patches
BOX = 32  # pixels: what is painted is computed in a box of so many's multiples, so that there are few sizes of it
Box = tuple[slice, slice]  # rows and columns


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))); the last convolution starts at zero, so a new block is the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.conv_1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_2 = zeroed(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_2(F.silu(self.conv_1(F.silu(x))))


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """Set a convolution to zero, so that what it ends is silent until it is trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class Decoder(nn.Module):
    """latents (B, channels, 16, 16) and guide (B, 4, S, S), premultiplied RGBA in 0..1 -> (B, 3, S, S) in -1..1.

    Pixels are kept as patches of 4x4, channels (colour, row, column), until the last shuffle.

    Args:
        channels: numbers of a cell.
        widths: feature channels at 64x64, 32x32 and 16x16.
        depths: residual blocks at those resolutions.
        fine: feature channels at 128x128, from which a picture of 512 gets what one of 256 has not.
    """

    def __init__(self, channels: int = 48, widths=(64, 128, 256), depths=(2, 2, 2), fine: int = 32):
        super().__init__()
        self.config: dict[str, Any] = dict(channels=channels, widths=list(widths), depths=list(depths), fine=fine)
        quarter, eighth, cell = widths
        blocks = [nn.Sequential(*(ResidualBlock(w) for _ in range(d))) for w, d in zip(widths, depths)]
        self.cells = nn.Sequential(nn.Conv2d(channels, cell, 3, padding=1), blocks[2], nn.Conv2d(cell, eighth * 4, 1))
        self.eighths = nn.Sequential(nn.PixelShuffle(2), blocks[1], nn.Conv2d(eighth, quarter * 4, 1))
        self.guide = nn.Conv2d(4 * PIXEL**2, quarter, 1)
        self.quarters = nn.Sequential(blocks[0], nn.SiLU())
        self.light = zeroed(nn.Conv2d(quarter, 3, 3, padding=1))
        self.linear = nn.Conv2d(channels, PATCHES * 4**2, 1)
        self.pixels = zeroed(nn.Conv2d(quarter, PATCHES, 3, padding=1))
        self.rise = nn.Conv2d(quarter, fine * 4, 1)
        self.fine_guide = nn.Conv2d(4 * PIXEL**2, fine, 1)
        self.fine = nn.Sequential(ResidualBlock(fine), nn.SiLU())
        self.fine_linear = nn.Conv2d(channels, PATCHES * 8**2, 1)
        self.fine_pixels = zeroed(nn.Conv2d(fine, PATCHES, 3, padding=1))

    def channels_last(self, *where: torch.device | torch.dtype | str) -> Self:
        """Move to the memory layout in which convolutions are fastest, on a device or in another precision if given."""
        return self.to(*where, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def forward(self, latents: Tensor, guide: Tensor) -> Tensor:
        """Decode at the guide's size, one of `SIZES`."""
        is_fine = guide.shape[-1] // PIXEL > 4 * latents.shape[-1]
        box = painted_box(guide)
        patches, quarters = in_steps(box, PIXEL), in_steps(box, 2 * PIXEL if is_fine else PIXEL)
        seen = F.pixel_unshuffle(guide[..., box[0], box[1]], PIXEL)
        features = F.pixel_shuffle(self.eighths(self.cells(latents)), 2)
        small = F.avg_pool2d(seen, 2) if is_fine and seen.numel() else seen
        features = self.quarters(add_guide(features, self.guide, small, quarters))
        light = 1 + self.light(features)
        if is_fine:
            risen = F.pixel_shuffle(self.rise(features), 2)
            fine = self.fine(add_guide(risen, self.fine_guide, seen, patches))
            scene = F.pixel_shuffle(self.fine_linear(latents), 8) + self.fine_pixels(fine)
        else:
            scene = F.pixel_shuffle(self.linear(latents), 4) + self.pixels(features)
        lit = light[..., quarters[0], quarters[1]]
        lit = F.interpolate(lit, scale_factor=2.0) if is_fine and lit.numel() else lit
        return F.pixel_shuffle(composed(scene, seen, lit, patches), PIXEL)

    @torch.no_grad()
    def start_from_pca(self, weight: Tensor, bias: Tensor) -> None:
        """Take the linear part from a transposed convolution of 16x16 pixels: weight (C, 3, 16, 16), bias (3,)."""
        for layer, side in ((self.linear, 16), (self.fine_linear, 32)):
            basis = F.interpolate(weight, size=(side, side), mode="bilinear")
            layer.weight.copy_(rearrange(basis, "c k (y i) (x j) -> (k i j y x) c 1 1", i=PIXEL, j=PIXEL))
            assert layer.bias is not None
            layer.bias.copy_(bias.repeat_interleave(side**2))


def painted_box(guide: Tensor) -> Box:
    """Give the rows and columns of a guide (B, 4, S, S) in which something is painted, at whole steps of `BOX` pixels.

    Outside of it nothing that is made of the guide has to be computed: the sums it comes into are what they were.
    """
    spans = []
    for axis in (-1, -2):
        line = guide[:, 3].amax((0, axis))
        there = F.pad(line, (0, -len(line) % BOX)).reshape(-1, BOX).amax(1).nonzero()
        end = min(len(line), BOX * (int(there[-1]) + 1)) if len(there) else 0
        spans.append(slice(BOX * int(there[0]) if end else 0, end))
    return spans[0], spans[1]


def in_steps(box: Box, pixels: int) -> Box:
    """Give a box of pixels in steps of so many of them."""
    rows, columns = (slice(part.start // pixels, part.stop // pixels) for part in box)
    return rows, columns


def add_guide(features: Tensor, layer: nn.Conv2d, seen: Tensor, box: Box) -> Tensor:
    """Add layer(what was painted) to features (B, C, h, w); `seen` is its part in a box, beyond which it is zero."""
    assert layer.bias is not None
    out = features + layer.bias[:, None, None]
    if seen.numel():
        out[..., box[0], box[1]] = features[..., box[0], box[1]] + layer(seen)
    return out


def composed(scene: Tensor, seen: Tensor, light: Tensor, box: Box) -> Tensor:
    """Put what was painted, lit, on a scene (B, 48, H, W) in -1..1; all in patches. May write into the scene.

    seen: (B, 64, h, w), the part of it in a box; light: (B, 3, h, w), a gain there.
    """
    if seen.numel():
        colour, alpha = seen[:, :PATCHES], seen[:, PATCHES:].repeat(1, 3, 1, 1)
        under = scene[..., box[0], box[1]] * (1 - alpha)
        scene[..., box[0], box[1]] = under + (2 * light.repeat_interleave(PIXEL**2, 1) * colour - alpha)
    return scene
