"""Where the memory of places starts: mean latents of the painted backgrounds, and a reader of sentences."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.models.pocket import model as pocket
from studio.models.pocket.place_memory import PlaceMemory
from studio.training.clips import Prompts
from studio.world import scenes
from studio.world.backgrounds import Backgrounds

READER_NOISE = 0.02  # of vectors whose numbers are about 0.05
TABLES = (tuple(scenes.PLACES), scenes.TIMES, scenes.WEATHERS)


def combinations(backgrounds: Backgrounds) -> tuple[list[tuple], list[tuple]]:
    """The world's (place, view, time) and (place, time, weather), as numbers in the tables, in order."""
    layouts = dict.fromkeys((s.place, s.view, s.time) for s in backgrounds.scenes)
    airs = dict.fromkeys((s.place, s.time, s.weather) for s in backgrounds.scenes)
    places, times, weathers = (table.index for table in TABLES)
    return [(places(p), v, times(t)) for p, v, t in layouts], [(places(p), times(t), weathers(w)) for p, t, w in airs]


def places_config(backgrounds: Backgrounds) -> dict:
    """Give PlaceMemory's arguments for this world, with the names of its places as the weights' config keeps them."""
    layouts, airs = combinations(backgrounds)
    names = [*map(len, TABLES), scenes.VIEWS]
    world = [place for place in scenes.PLACES if any(scene.place == place for scene in backgrounds.scenes)]
    return {
        "world": world,
        "names": names,
        "layouts": len(layouts),
        "airs": len(airs),
        "latent": [48, pocket.CELLS, pocket.CELLS],
    }


def remember_places(net: pocket.PocketNet, backgrounds: Backgrounds, prompts: Prompts) -> dict:
    """Fits the memory: layouts and airs by alternating means of the latents, the reader by classification.

    Returns the share of latent variance the sum of both explains, and how often the reader is right on its own prompts.
    """
    places = net.places
    layouts, airs = combinations(backgrounds)
    with torch.no_grad():
        places.layout_of.copy_(torch.tensor(layouts))
        places.air_of.copy_(torch.tensor(airs))
        latents = mean_latents(net, backgrounds)
        explained = fit_planes(places, latents, backgrounds, layouts, airs)
    return {"explained": explained, "read": fit_reader(places, prompts)}


@torch.no_grad()
def mean_latents(net: pocket.PocketNet, backgrounds: Backgrounds, phases: tuple[int, ...] = (0, 3, 6)) -> Tensor:
    """(scenes, C, 16, 16): the codec's latents of every background, mean over some phases of its loop."""
    kept = []
    for first in range(0, len(backgrounds.scenes), 8):
        numbers = np.arange(first, min(first + 8, len(backgrounds.scenes)))
        each = [backgrounds.frames(numbers, np.full(len(numbers), phase)) for phase in phases]
        pictures = torch.cat(each).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            latents = net.codec.encode(pictures * 2 - 1).float()
        kept.append(latents.unflatten(0, (len(phases), -1)).mean(0))
    return torch.cat(kept)


def fit_planes(
    places: PlaceMemory, latents: Tensor, backgrounds: Backgrounds, layouts: list, airs: list, rounds: int = 6
) -> float:
    """Alternating means; returns the explained share of variance."""
    rows = [tuple(table.index(n) for table, n in zip(TABLES, (s.place, s.time, s.weather))) for s in backgrounds.scenes]
    layout = torch.tensor([layouts.index((p, s.view, t)) for (p, t, _), s in zip(rows, backgrounds.scenes)])
    air = torch.tensor([airs.index(row) for row in rows])
    for _ in range(rounds):
        places.layouts.copy_(_means(latents - places.airs[air], layout, len(layouts)))
        places.airs.copy_(_means(latents - places.layouts[layout], air, len(airs)))
    rest = latents - places.layouts[layout] - places.airs[air]
    return float(1 - rest.var() / latents.var())


def _means(values: Tensor, group: Tensor, groups: int) -> Tensor:
    sums = values.new_zeros(groups, *values.shape[1:]).index_add_(0, group, values)
    counts = torch.bincount(group, minlength=groups).clamp_min(1)
    return sums / counts[:, None, None, None]


def fit_reader(places: PlaceMemory, prompts: Prompts, steps: int = 2500, seed: int = 4) -> float:
    """Classification of noisy sentence vectors; the noise keeps the reader from learning single prompts by heart."""
    torch.manual_seed(seed)
    numbers, targets = [], []
    for (place, time, weather), rows in prompts.of_scene.items():
        numbers += list(rows)
        targets += [[t.index(n) for t, n in zip(TABLES, (place, time, weather))]] * len(rows)
    vectors, true = prompts.vectors[torch.tensor(numbers)], torch.tensor(targets)
    optimiser = torch.optim.AdamW(places.reader.parameters(), lr=0.004)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.004, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(len(vectors), (256,))
        scores = places.read(vectors[chosen] + READER_NOISE * torch.randn(256, vectors.shape[1]))
        loss = torch.stack([F.cross_entropy(part, true[chosen, n]) for n, part in enumerate(scores)]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        right = [part.argmax(1) == true[:, n] for n, part in enumerate(places.read(vectors))]
    return float(torch.stack(right).all(0).float().mean())
