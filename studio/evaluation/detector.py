"""The honest witness: a small classifier of places, times and weathers, trained on drawn pictures only.

It never sees the model's output in training. What it gets wrong on drawn pictures bounds every figure it gives; that
figure is part of the evaluation's answer (`detector_right`).
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.world import compositing, scenes
from studio.world.backgrounds import Backgrounds, Scene

WEIGHTS = Path(__file__).parent / "detector.safetensors"
SIDE = 64
TABLES = (tuple(scenes.PLACES), scenes.TIMES, scenes.WEATHERS)


class Detector(nn.Module):
    """pictures (N, 3, 64, 64) in 0..1 -> scores of (places, times, weathers); of all places, it knows the first few."""

    def __init__(self, places: int = len(scenes.FIRST_PLACES)):
        super().__init__()
        widths = (3, 32, 64, 128, 128)
        stages = [
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.SiLU())
            for a, b in pairwise(widths)
        ]
        self.body = nn.Sequential(*stages, nn.Flatten(), nn.Dropout(0.2))
        self.heads = nn.ModuleList(nn.Linear(128 * 16, len(table)) for table in (TABLES[0][:places], *TABLES[1:]))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        features = self.body(pictures * 2 - 1)
        return [head(features) for head in self.heads]

    @torch.no_grad()
    def name(self, pictures: Tensor) -> list[tuple[str, str, str]]:
        """(place, time, weather) of pictures (N, 3, H, W) in 0..1."""
        scores = self(F.interpolate(pictures, size=(SIDE, SIDE), mode="area"))
        picked = [score.argmax(1).tolist() for score in scores]
        return [tuple(table[n] for table, n in zip(TABLES, row, strict=True)) for row in zip(*picked, strict=True)]


def numbers(scene: Scene) -> list[int]:
    """The scene as row numbers of the tables."""
    return [table.index(name) for table, name in zip(TABLES, (scene.place, scene.time, scene.weather), strict=True)]


def _batch(small: Tensor, targets: Tensor, backgrounds: Backgrounds, count: int, rng) -> tuple[Tensor, Tensor]:
    """Drawn pictures at 64x64 with up to two subjects, a little blurred and noisy as any picture may be."""
    chosen = rng.integers(len(small), size=count)
    pictures = small[chosen, rng.integers(small.shape[1], size=count)].float() / 255
    light = torch.tensor([compositing.LIGHT[backgrounds.scenes[n].time] for n in chosen])
    for chance in (0.8, 0.3):
        subject = np.where(rng.random(count) < chance, rng.integers(len(compositing.sprites().labels), size=count), -1)
        x, y = (torch.from_numpy(rng.uniform(0.05, 0.95, count)).float() for _ in range(2))
        size = torch.from_numpy(rng.uniform(0.2, 0.5, count)).float()
        facing = torch.from_numpy(rng.choice([-1.0, 1.0], count)).float()
        pictures, _ = compositing.composite(pictures, torch.from_numpy(subject), x, y, size, facing, light)
    soft = torch.from_numpy(rng.random(count) < 0.5)
    pictures[soft] = F.avg_pool2d(F.pad(pictures[soft], (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    noise = torch.from_numpy(rng.standard_normal(pictures.shape, dtype=np.float32))
    return (pictures + 0.02 * noise).clamp(0, 1), targets[chosen]


def train_detector(backgrounds: Backgrounds, out: Path = WEIGHTS, steps: int = 1500, seed: int = 5) -> Iterator[dict]:
    """Trains and writes the detector; yields progress, at last how often it is right on fresh drawings."""
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    small = torch.stack([_shrunk(picture) for picture in backgrounds.pictures])
    targets = torch.tensor([numbers(scene) for scene in backgrounds.scenes])
    detector = Detector(1 + int(targets[:, 0].max()))
    optimiser = torch.optim.AdamW(detector.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for step in range(steps):
        pictures, true = _batch(small, targets, backgrounds, 64, rng)
        loss = torch.stack([F.cross_entropy(score, true[:, n]) for n, score in enumerate(detector(pictures))]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 99:
            yield {"stage": "detector", "step": step + 1, "of": steps, "loss": loss.item()}
    detector.eval()
    pictures, true = _batch(small, targets, backgrounds, 1024, np.random.default_rng(seed + 1))
    with torch.no_grad():
        right = torch.stack([s.argmax(1) for s in detector(pictures)], 1) == true
    save_file({k: v.contiguous() for k, v in detector.state_dict().items()}, out)
    each = dict(zip(("place", "time", "weather"), right.float().mean(0).tolist(), strict=True))
    yield {"stage": "detector", "step": steps, "of": steps, **each, "all": right.all(1).float().mean().item()}


def _shrunk(phases: np.ndarray) -> Tensor:
    pictures = torch.from_numpy(np.array(phases)).permute(0, 3, 1, 2).float()
    return F.avg_pool2d(pictures, pictures.shape[-1] // SIDE).round().to(torch.uint8)


def load_detector(path: Path = WEIGHTS) -> Detector:
    """Raises FileNotFoundError, with what to do, if it was never trained."""
    from safetensors.torch import load_file

    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; `studio train` makes it, or reinstall the package")
    weights = load_file(path)
    detector = Detector(places=len(weights["heads.0.bias"]))
    detector.load_state_dict(weights)
    return detector.eval()
