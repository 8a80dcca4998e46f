"""What places look like: a sentence is read as a place, a time of day and a weather, and recalls a picture of them.

The picture is a sum of two learned latents: the layout under a light, and what a weather does to a place under that
light. It is the mean around which the diffusion model works: the model draws what differs from the remembered place
(who is there, what moves, how light falls on them). Like the memory of subjects it is honest about what it is: a
sentence between two places recalls a blend of both.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PlaceMemory(nn.Module):
    """layouts (L, C, 16, 16) for (place, view, time) and airs (A, C, 16, 16) for (place, time, weather).

    Args:
        names: how many places, times, weathers and views there are.
        layouts, airs: how many of their combinations the world has.
        latent: (C, h, w).
        world: the places that pictures were remembered of, by name; none in weights that are older than this.
    """

    layout_of: Tensor
    air_of: Tensor

    def __init__(
        self,
        names: list[int],
        layouts: int,
        airs: int,
        latent: list[int],
        dimensions: int = 384,
        world: Sequence[str] = (),
    ):
        super().__init__()
        self.world = tuple(world)
        self.names = list(names)
        self.reader = nn.Sequential(nn.Linear(dimensions, 256), nn.SiLU(), nn.Linear(256, sum(names[:3])))
        self.layouts = nn.Parameter(torch.zeros(layouts, *latent))
        self.airs = nn.Parameter(torch.zeros(airs, *latent))
        self.register_buffer("layout_of", torch.zeros(layouts, 3, dtype=torch.long))  # place, view, time
        self.register_buffer("air_of", torch.zeros(airs, 3, dtype=torch.long))  # place, time, weather

    def read(self, sentences: Tensor) -> tuple[Tensor, ...]:
        """Score sentence vectors (N, 384), unit length: places, times and weathers, each (N, number of them)."""
        scores = self.reader(sentences.to(self.layouts.dtype) * math.sqrt(sentences.shape[-1]))
        return scores.float().split(self.names[:3], -1)

    def recall(self, sentences: Tensor, views: Tensor) -> Tensor:
        """Recall for sentence vectors (N, 384) and layouts chosen by the seed (N,) the latents (N, C, 16, 16)."""
        place, time, weather = (scores.softmax(-1) for scores in self.read(sentences))
        here = (views[:, None] == self.layout_of[:, 1]).float()
        layout = here * place[:, self.layout_of[:, 0]] * time[:, self.layout_of[:, 2]]
        air = place[:, self.air_of[:, 0]] * time[:, self.air_of[:, 1]] * weather[:, self.air_of[:, 2]]
        return self._mixed(layout, self.layouts) + self._mixed(air, self.airs)

    @staticmethod
    def _mixed(shares: Tensor, latents: Tensor) -> Tensor:
        """Mix by shares, scaled to add up to one: a time or weather that a place does not have counts for nothing."""
        shares = shares / shares.sum(1, keepdim=True).clamp_min(1e-6)
        return torch.einsum("ns,schw->nchw", shares.to(latents.dtype), latents)
