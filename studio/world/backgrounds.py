"""The painted backgrounds of the drawn world, made once into a memory-mapped file."""

from dataclasses import dataclass
from functools import cached_property
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studio.world import scenes


@dataclass(frozen=True)
class Scene:
    """What a background shows; `view` is the layout, which the seed chooses."""

    place: str
    view: int
    time: str
    weather: str


def all_scenes() -> list[Scene]:
    return [
        Scene(place, view, time, weather)
        for place in scenes.PLACES
        for time in scenes.times_of(place)
        for weather in scenes.weathers_of(place)
        for view in range(scenes.VIEWS)
    ]


def _paint(scene: Scene) -> np.ndarray:
    return scenes.paint_all_phases(scene.place, scene.view, scene.time, scene.weather)


@dataclass(frozen=True)
class Backgrounds:
    """All scenes painted: `pictures` is uint8 (scene, phase, 256, 256, 3), on disk."""

    scenes: tuple[Scene, ...]
    pictures: np.ndarray

    @cached_property
    def number(self) -> dict[Scene, int]:
        return {scene: n for n, scene in enumerate(self.scenes)}

    def frames(self, numbers: np.ndarray, phases: np.ndarray) -> Tensor:
        """(N,) scene numbers and phases -> (N, 3, 256, 256) in 0..1."""
        picked = np.stack([self.pictures[n, p] for n, p in zip(numbers, phases)])
        return torch.from_numpy(picked).permute(0, 3, 1, 2).float() / 255


def render_backgrounds(folder: Path, workers: int = 2, progress=iter) -> Backgrounds:
    """Paints what is missing in `folder` and opens it."""
    wanted = all_scenes()
    path = Path(folder) / "backgrounds.npy"
    shape = (len(wanted), scenes.PHASES, 256, 256, 3)
    if not path.exists() or np.load(path, mmap_mode="r").shape != shape:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        pictures = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
        with Pool(workers) as pool:
            for n, phases in enumerate(progress(pool.imap(_paint, wanted, chunksize=4))):
                pictures[n] = phases
        pictures.flush()
        partial.rename(path)
    return Backgrounds(tuple(wanted), np.load(path, mmap_mode="r"))
