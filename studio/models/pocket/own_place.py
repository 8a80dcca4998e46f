"""Places of a person's own: a picture's latent in the stead of a remembered one, turned by what the memory has learned.

A picture is at its own light in clear weather. What another time of day or a weather does to a place is learned from
the places that the memory knows: of each there is the latent by day and the latent at night, and one linear map from
the first to the second, the same for every cell, is fitted to all of them (ridge regression, in closed form, from the
weights alone). Maps that know how high a cell is come nearer to the true night of a drawn place, and make a dawn of
other pictures: `docs/log.md`, "A place of one's own".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from studio.conditioning import OwnPlace, PromptStates
from studio.controls.place import says
from studio.models.pocket.autoencoder import Autoencoder
from studio.models.pocket.place_memory import PlaceMemory
from studio.pictures import decoded
from studio.world.scenes import TIMES, WEATHERS

Numbers = dict[tuple[int, int, int], int]

CLEAR = WEATHERS.index("clear")
DAY = TIMES.index("day")
RIDGE = 1e-3  # of the mean square of a feature, which is about 1
SURE = 3.0  # of the softmax over what a sentence says: a hundredth of a shower is none
REMEMBERED = 64  # pictures' latents, and these turned
DAYLIGHT = re.compile(r"\b(day|daytime|daylight|daylit|noon|midday|afternoon|lunchtime|sunny|sunlit)\b")


def said_in(places: Sequence[OwnPlace], states: PromptStates) -> OwnPlace | None:
    """Give the place that a prompt says, the first of those that it says; None for none."""
    return next((place for place in places if says(states.words, place.name)), None)


def says_day(text: object) -> bool:
    """Whether a prompt says that it is day."""
    return isinstance(text, str) and DAYLIGHT.search(text.casefold()) is not None


def features(latents: Tensor) -> Tensor:
    """Give what a turn is computed from: latents (N, C, h, w) -> (N, C + 1, h, w), each cell and a one."""
    return torch.cat([latents, torch.ones_like(latents[:, :1])], 1)


def ridge(rows: Tensor, differences: Tensor) -> Tensor:
    """Fit differences (times, weathers, N, C) to rows (N, F), both float64: (times, weathers, F, C), float32."""
    system = rows.T @ rows + RIDGE * len(rows) * torch.eye(rows.shape[1], dtype=rows.dtype)
    return torch.linalg.solve(system, torch.einsum("nf,twnc->twfc", rows, differences)).float()


class OwnPlaces:
    """Encodes pictures, and turns them to the time and the weather that a prompt tells; functions of the weights.

    read: gives the scores (1, N) of places, times and weathers that the memory hears in a prompt.
    """

    def __init__(
        self, memory: PlaceMemory, codec: Autoencoder, size: int, read: Callable[[PromptStates], tuple[Tensor, ...]]
    ) -> None:
        self.memory, self.codec, self.size, self.read = memory, codec, size, read
        self.latent = lru_cache(maxsize=REMEMBERED)(self._encode)
        self.turns = lru_cache(maxsize=len(TIMES))(self._fit)
        self._turned = lru_cache(maxsize=REMEMBERED)(self._turn)

    def recall(self, place: OwnPlace, states: PromptStates) -> Tensor:
        """Give a place as a prompt turns it, (1, C, h, w); (F, C, h, w) of one that goes over to a second picture."""
        start = self._turned(place.data, place.time, states)
        if not place.end:
            return start
        end = self._turned(place.end, place.time, states)
        return torch.cat([start.lerp(end, share) for share in place.shares])

    def _encode(self, data: bytes) -> Tensor:
        """Encode the middle square of a picture's file."""
        return self.encoded(decoded(data, (self.size, self.size)))

    @torch.no_grad()
    def encoded(self, picture: np.ndarray) -> Tensor:
        """Encode a picture, uint8 (H, W, 3): (1, C, h, w), float32."""
        pixels = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float().div(127.5).sub(1)
        ready = pixels.to(next(self.codec.parameters()).dtype)
        return self.codec.encode(ready.contiguous(memory_format=torch.channels_last)).float()

    @torch.no_grad()
    def _turn(self, data: bytes, time: str, states: PromptStates) -> Tensor:
        """Turn a picture, (1, C, h, w), to what a prompt says.

        Nobody has to say that it is day: of a prompt that does not, what the memory hears of day is the picture's own
        time.
        """
        own = TIMES.index(time)
        _, times, weathers = ((SURE * scores[0]).softmax(-1) for scores in self.read(states))
        if own != DAY and not says_day(states.words):
            times = times.index_add(0, torch.tensor([own, DAY]), times[DAY] * torch.tensor([1.0, -1.0]))
        latent, shares = self.latent(data), times[:, None] * weathers[None]
        turn = torch.einsum("tw,twfc->fc", shares, self.turns(own))
        return latent + torch.einsum("nfhw,fc->nchw", features(latent), turn)

    @torch.no_grad()
    def _fit(self, time: int) -> Tensor:
        """Fit the turns from a time of day and clear weather to every other: (times, weathers, C + 1, C), float32.

        The turn to where the picture is already is nothing. A memory that knows no place whole turns nothing.
        """
        if self.whole:
            return ridge(*self.known(time))
        latent = self.memory.layouts.shape[1]
        return torch.zeros(len(TIMES), len(WEATHERS), latent + 1, latent)

    def known(self, time: int, left_out: int = -1) -> tuple[Tensor, Tensor]:
        """Give of every cell of the places that are known whole, but for one left out, how it is and how it changes.

        Features (N, F) at a time in clear weather, and the differences (times, weathers, N, C) from there; float64.
        """
        memory, (layouts, airs) = self.memory, self._numbers
        pairs = [(place, view) for place in self.whole if place != left_out for view in range(memory.names[3])]

        def cells(of: Tensor) -> Tensor:
            return of.permute(0, 2, 3, 1).flatten(0, 2)

        def latents(at: int, weather: int) -> Tensor:
            layout = memory.layouts[[layouts[place, view, at] for place, view in pairs]]
            return (layout + memory.airs[[airs[place, at, weather] for place, _ in pairs]]).double()

        own = latents(time, CLEAR)
        others = [[cells(latents(at, weather) - own) for weather in range(len(WEATHERS))] for at in range(len(TIMES))]
        return cells(features(own)), torch.stack([torch.stack(row) for row in others])

    @cached_property
    def _numbers(self) -> tuple[Numbers, Numbers]:
        """Number the memory's latents: layouts by (place, view, time), airs by (place, time, weather)."""
        layouts, airs = (table.tolist() for table in (self.memory.layout_of, self.memory.air_of))
        return {tuple(row): number for number, row in enumerate(layouts)}, {tuple(row): n for n, row in enumerate(airs)}

    @cached_property
    def whole(self) -> list[int]:
        """The places that the memory has in all views, at all times and in all weathers."""
        (layouts, airs), (places, times, weathers, views) = self._numbers, self.memory.names
        full = views * times + times * weathers
        return [place for place in range(places) if sum(key[0] == place for key in (*layouts, *airs)) == full]
