"""How far decoded pictures are from the drawn truth: what a codec learns from, and what it is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.models.pocket.decoder import Decoder

SUBJECT_WEIGHT = 3.0
SEAM = 0.1  # of the loss: how much the error jumps from cell to cell
TEXTURE = 0.2  # ... and how much flatter or rougher than the truth windows of 8x8 pixels are: regression alone blurs
SMALL = 0.5  # ... and what the picture of half the size counts


@dataclass(frozen=True)
class Target:
    """B drawn pictures (B, 3, S, S) in 0..1, what stands on them, without light (B, 4, S, S), and cells across them."""

    pictures: Tensor
    guide: Tensor
    cells: int

    @property
    def covered(self) -> Tensor:
        """(B, 1, S, S): the subjects' alpha."""
        return self.guide[:, 3:]

    def halved(self) -> Target:
        """Give the same at half the size."""
        return replace(self, pictures=F.avg_pool2d(self.pictures, 2), guide=F.avg_pool2d(self.guide, 2))


def both_sizes_loss(decoder: Decoder, latents: Tensor, true: Target) -> Tensor:
    """How far pictures decoded from latents (B, C, h, w) are from the truth, at its size and at half of it."""
    return size_loss(decoder, latents, true) + SMALL * size_loss(decoder, latents, true.halved())


def size_loss(decoder: Decoder, latents: Tensor, true: Target) -> Tensor:
    """The codec's loss, the error's jumps between cells, and how far the pictures' texture is from the truth's."""
    made = decoded(decoder, latents, true)
    flat = (texture(made) - texture(true.pictures)).abs().mean()
    jumps = seams(made - true.pictures, true.cells)[0]
    return codec_loss(made, true.pictures, true.covered) + SEAM * jumps + TEXTURE * flat


def decoded(decoder: Decoder, latents: Tensor, true: Target) -> Tensor:
    """Decode with the truth's guide: pictures in about 0..1."""
    ready = (part.contiguous(memory_format=torch.channels_last) for part in (latents, true.guide))
    with torch.autocast(latents.device.type, torch.bfloat16):
        return decoder(*ready).float() / 2 + 0.5


def codec_loss(made: Tensor, true: Tensor, covered: Tensor) -> Tensor:
    """Squared error (what PSNR measures), absolute error and absolute error of the gradients, subjects counted more."""
    weight = 1 + (SUBJECT_WEIGHT - 1) * covered
    error = made - true
    across, down = error.diff(dim=-1), error.diff(dim=-2)
    edges = (across.abs() * weight[..., :, 1:]).mean() + (down.abs() * weight[..., 1:, :]).mean()
    return 4 * (error.square() * weight).mean() + 0.3 * (error.abs() * weight).mean() + 0.15 * edges


def seams(error: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Mean absolute jump of an error (N, 3, S, S) from pixel to pixel across cells' borders, and inside cells."""
    jumps = torch.cat([error.diff(dim=-1).abs(), error.diff(dim=-2).abs().mT], -2)
    border = torch.arange(1, error.shape[-1], device=error.device) % (error.shape[-1] // cells) == 0
    return jumps[..., border].mean(), jumps[..., ~border].mean()


def texture(pictures: Tensor) -> Tensor:
    """Standard deviation of each colour in windows of 8x8 pixels, four apart."""
    mean = F.avg_pool2d(pictures, 8, 4)
    return (F.avg_pool2d(pictures.square(), 8, 4) - mean.square()).clamp_min(1e-5).sqrt()


def psnr(made: Tensor, true: Tensor, weight: Tensor | None = None) -> float:
    """In dB for pictures in 0..1; over the whole picture or where `weight` is."""
    weight = torch.ones_like(true[:, :1]) if weight is None else weight
    error = ((made.clamp(0, 1) - true).square() * weight).sum() / (3 * weight.sum())
    return float(-10 * torch.log10(error))


def edges(made: Tensor, true: Tensor, weight: Tensor) -> tuple[float, float]:
    """Energy of the gradients of pictures (N, 3, S, S) as a share of the truth's, and their correlation with them."""
    there = weight[..., 1:, 1:]
    one, other = (torch.stack([p.diff(dim=-1)[..., 1:, :], p.diff(dim=-2)[..., 1:]]) for p in (made, true))
    mine, its, both = ((a * b * there).sum().item() for a, b in ((one, one), (other, other), (one, other)))
    return mine / its, both / (mine * its) ** 0.5


def figures(made: Tensor, true: Target) -> dict[str, float]:
    """PSNR inside subjects and outside, edges inside (energy and correlation) and outside, jumps in levels of 255."""
    inside = (true.covered > 0.5).float()
    between, within = (255 * value.item() for value in seams(made - true.pictures, true.cells))
    energy, likeness = edges(made, true.pictures, inside)
    return {
        "inside_db": psnr(made, true.pictures, inside),
        "outside_db": psnr(made, true.pictures, 1 - inside),
        "edge_energy": energy,
        "edge_correlation": likeness,
        "outside_energy": edges(made, true.pictures, 1 - inside)[0],
        "seam": between,
        "inner": within,
    }


@torch.no_grad()
def figures_at_both_sizes(decoder: Decoder, latents: Tensor, true: Target, at_once: int = 8) -> dict[str, float]:
    """`figures` of pictures decoded from latents, at the truth's size, and at half of it (`small_...`)."""
    found = {}
    for prefix, at in (("", true), ("small_", true.halved())):
        parts = (
            decoded(decoder, part, replace(at, guide=guide))
            for part, guide in zip(latents.split(at_once), at.guide.split(at_once), strict=True)
        )
        found |= {prefix + name: value for name, value in figures(torch.cat(list(parts)), at).items()}
    return found
