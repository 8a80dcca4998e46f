"""Measures video in: how much of a source's structure a redrawn video keeps, how late it is, and how many a second."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.controls import Control, Live, Picture, Prompt, Sampling
from studio.engine import Engine
from studio.models.base import Model
from studio.training.video_clips import Script, World, all_settings, prompt

STRENGTHS = (0.1, 0.3)  # warped by the model's own shift: 0.36 and 0.68 of noise at shift 5
SETTINGS = 6  # places and times of the drawn world
CHUNKS = 6  # of a film
MOVING = 8  # of 255: the deviation in time of a pixel that something passes
FIRST = 2  # chunks that are not judged: the first is a still, the second is begun from it


@dataclass(frozen=True)
class Source:
    """A film to be redrawn: pictures uint8 (H, W, 3), and the words that say what it shows."""

    pictures: tuple[np.ndarray, ...]
    text: str


def drawn_films(world: World, count: int, length: int, size: tuple[int, int], seed: int) -> list[Source]:
    """Draw films of the world, one subject each, at a size (H, W)."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    script = Script.draw(world, count, rng)
    labels = np.stack([script.paths[0].label, np.full(count, -1)], 1)
    clips = Script(script.setting, labels, script.paths).film(world, length)
    pixels = (clips.pictures.permute(0, 1, 3, 4, 2).numpy() * 255).round().astype(np.uint8)
    films = []
    for shown, setting, named in zip(pixels, script.setting, labels, strict=True):
        sized = tuple(np.asarray(Image.fromarray(one).resize((size[1], size[0]))) for one in shown)
        films.append(Source(sized, prompt(world, int(setting), named, rng)))
    return films


def edges(picture: np.ndarray) -> np.ndarray:
    """Give how steep a picture is at each pixel, (H - 2, W - 2): its grey values' slope, a little smoothed."""
    grey = picture.astype(np.float32).mean(2)
    soft = (grey[:-1, :-1] + grey[1:, :-1] + grey[:-1, 1:] + grey[1:, 1:]) / 4
    down, across = np.diff(soft, axis=0)[:, :-1], np.diff(soft, axis=1)[:-1]
    return np.hypot(down, across)


def passed(source: Sequence[np.ndarray]) -> np.ndarray:
    """Mark the pixels that something passes in a film, as `edges` has them: the rest is alike at any time."""
    return np.stack(source).astype(np.float32).mean(3).std(0)[1:-1, 1:-1] > MOVING


def kept(shown: np.ndarray, source: np.ndarray, where: np.ndarray) -> float:
    """Give the correlation of two pictures' edges in a part of them, -1..1; 0 where one has none."""
    one, other = edges(shown)[where], edges(source)[where]
    return float(np.corrcoef(one, other)[0, 1]) if one.std() and other.std() else 0.0


def redraw(model: Model, source: Source, controls: Sequence[Control]) -> tuple[list[np.ndarray], float]:
    """Play a film into a model: the pictures it shows, and the seconds they took."""
    engine, shown = Engine(model, "rollout"), []
    engine.apply([(1, Prompt(source.text)), *enumerate(controls, 2)])
    coming = [Picture(png(one)) for one in source.pictures]
    began = time.monotonic()
    for number, picture in enumerate(coming):
        engine.apply([(10 + number, picture)])
        shown.append(engine.step().picture)
    return shown, time.monotonic() - began


def png(picture: np.ndarray) -> bytes:
    """Encode a picture without loss."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", compress_level=1)
    return out.getvalue()


def late(shown: Sequence[np.ndarray], source: Sequence[np.ndarray], first: int, most: int) -> tuple[int, float]:
    """Find by how many pictures a redrawn film comes after its source: where they are most alike, and how alike."""
    lags, where = range(most + 1), passed(source)
    judged = range(first, len(shown), 3)
    alike = [np.mean([kept(shown[n], source[n - lag], where) for n in judged]) for lag in lags]
    best = int(np.argmax(alike))
    return best, float(alike[best])


def evaluate_video_in(model: Model, count: int = 4, seed: int = 2026, strengths: Sequence[float] = STRENGTHS) -> dict:
    """Give the figures of a student: at each strength, with the level that follows the motion and without.

    Each: edges (their correlation with the source where something passes, at the lag where it is highest), late (that
    lag in pictures) and fps. first frame: the source's first picture and its words alone.
    """
    chunk = model.capabilities.pictures * model.chunk
    world = World.paint(all_settings()[:: max(1, len(all_settings()) // SETTINGS)][:SETTINGS])
    films = drawn_films(world, count, CHUNKS * chunk, model.size, seed)
    steps = model.capabilities.steps

    def figures(strength: float, live: Live) -> dict[str, float]:
        lags, alike, seconds = [], [], 0.0
        for number, source in enumerate(films):
            sampling = Sampling(seed=seed + number, steps=steps, strength=strength)
            shown, took = redraw(model, source, (sampling, live))
            lag, kept_edges = late(shown, source.pictures, FIRST * chunk, 2 * chunk)
            lags.append(lag)
            alike.append(kept_edges)
            seconds += took
        pictures = count * len(films[0].pictures)
        return {
            "edges": round(float(np.mean(alike)), 3),
            "late": float(np.median(lags)),
            "fps": round(pictures / seconds, 1),
        }

    told = {"first frame": figures(1.0, Live())}
    for strength in strengths:
        told[f"{strength:g} follows motion"] = figures(strength, Live(True))
        told[f"{strength:g} held"] = figures(strength, Live(True, 0.0))
    return told
