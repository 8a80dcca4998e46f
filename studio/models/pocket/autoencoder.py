"""The pocket model's picture codec: 256x256 RGB -> 16x16 cells of a few dozen channels, and back by `Decoder`.

A linear codec (the principal components of 16x16 patches) plus convolutional branches that learn what it misses. The
linear part is the starting point, so the codec is as good as PCA before its first step; the branches end in
zero-initialised layers.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn

from studio.models.pocket.decoder import Decoder, ResidualBlock, zeroed

PATCH = 16


class Autoencoder(nn.Module):
    """encode: (B, 3, H, W) in [-1, 1] -> (B, channels, H/16, W/16), each channel of unit variance; `Decoder`: back.

    Args:
        channels: numbers a 16x16-pixel cell is told in.
        widths: feature channels at 1/4, 1/8 and 1/16 of the resolution.
        depths: residual blocks of the decoder at those resolutions; the encoder has one less, at least one.
        fine: the decoder's feature channels for what a picture of 512 has beyond one of 256.
    """

    def __init__(self, channels: int = 48, widths=(64, 96, 192), depths=(2, 2, 2), fine: int = 32):
        super().__init__()
        self.config: dict[str, Any] = dict(channels=channels, widths=list(widths), depths=list(depths), fine=fine)
        quarter, eighth, cell = widths
        blocks = [[ResidualBlock(w) for _ in range(max(1, d - 1))] for w, d in zip(widths, depths)]
        self.linear_in = nn.Conv2d(3, channels, PATCH, stride=PATCH)
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, quarter, 3, padding=1),
            *blocks[0],
            nn.Conv2d(quarter, eighth, 2, stride=2),
            *blocks[1],
            nn.Conv2d(eighth, cell, 2, stride=2),
            *blocks[2],
            nn.SiLU(),
            zeroed(nn.Conv2d(cell, channels, 1)),
        )
        # Per-channel mean and variance, without scale or shift: diffusion wants unit-variance latents.
        self.normalise = nn.BatchNorm2d(channels, affine=False, momentum=0.01)
        self.decoder = Decoder(channels, widths, depths, fine)

    def channels_last(self, *where: torch.device | torch.dtype | str) -> Self:
        """Move to the memory layout in which convolutions are fastest, on a device or in another precision if given."""
        return self.to(*where, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def encode(self, pictures: Tensor) -> Tensor:
        return self.normalise(self.features(pictures))

    def features(self, pictures: Tensor) -> Tensor:
        """Give latents before they are normalised."""
        return self.linear_in(pictures) + self.encoder(pictures)

    def decode(self, latents: Tensor, guide: Tensor | None = None) -> Tensor:
        """Give pictures in -1..1, of the guide's size, see `Decoder`; of 256 pixels where nothing is painted."""
        size = (PATCH * latents.shape[-2], PATCH * latents.shape[-1])
        return self.decoder(latents, latents.new_zeros(len(latents), 4, *size) if guide is None else guide)

    @torch.no_grad()
    def start_from_pca(self, patches: Tensor) -> float:
        """Set the linear codec to the whitened principal components of `patches` (N, 3, 16, 16) in [-1, 1].

        Returns the share of the patches' variance the kept components hold.
        """
        rows = patches.flatten(1).double()
        mean = rows.mean(0)
        variance, axes = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
        kept = variance.flip(0)[: self.config["channels"]].clamp_min(1e-8)
        axes = axes.flip(1)[:, : len(kept)].T  # (channels, 768)
        scale = kept.sqrt()[:, None]
        weight, bias = self.linear_in.parameters()
        weight.copy_((axes / scale).view_as(weight))
        bias.copy_(-(axes / scale) @ mean)
        self.decoder.start_from_pca((axes * scale).view(-1, 3, PATCH, PATCH).float(), mean.view(3, -1).mean(1).float())
        return float(kept.sum() / variance.sum())
