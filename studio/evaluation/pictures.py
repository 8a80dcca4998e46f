"""Judges a picture model of the drawn world: from words in few steps, and redrawing what it is given.

By the witnesses of the video student (`video`), which have seen drawn pictures only.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor

from studio.controls import Picture, Prompt, Sampling
from studio.engine import Engine
from studio.evaluation.detector import load_detector
from studio.evaluation.video import Witness, judge, means, picture, witness_right
from studio.models.base import Model
from studio.training.picture_scenes import Scenes, flat_ground
from studio.training.video_clips import LABELS, World, prompt

STEPS = (1, 2, 4)
STRENGTH, REDRAWN_STEPS = 0.5, 2
SOURCES = ("itself", "elsewhere", "plain")  # what is redrawn: the scene, its subject in another place, on plain colour


def png(made: Tensor) -> bytes:
    """Give a picture (3, H, W) in 0..1 as a PNG file."""
    held = io.BytesIO()
    Pillow.fromarray((made.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()).save(held, "PNG")
    return held.getvalue()


def draw(model: Model, text: str, seed: int, steps: int, source: Tensor | None = None, strength: float = STRENGTH):
    """Draw one picture (H, W, 3) uint8 from words, or redraw a source (3, H, W) in 0..1."""
    engine = Engine(model, "rollout")
    given = [Picture(png(source))] if source is not None else []
    sampling = Sampling(seed=seed, steps=steps, strength=strength)
    engine.apply(list(enumerate([Prompt(text), sampling, *given], 1)))
    return engine.step().picture


def one_subject(world: World, count: int, rng: np.random.Generator, free: float) -> Scenes:
    """Draw scenes that have one subject."""
    scenes = Scenes.draw(world, count, rng, free)
    labels = np.stack([rng.integers(len(LABELS), size=count), np.full(count, -1)], 1)
    return Scenes(scenes.setting, labels, scenes.code, scenes.free)


def sources(world: World, scenes: Scenes, rng: np.random.Generator) -> dict[str, Tensor]:
    """Draw what is to be redrawn as the scenes, by kind: (N, 3, 128, 128) each."""
    made = (
        scenes.film(world)[0],
        scenes.elsewhere(world, rng).film(world)[0],
        scenes.film(world, flat_ground(len(scenes.setting), rng))[0],
    )
    return dict(zip(SOURCES, made, strict=True))


def asked(world: World, scenes: Scenes, rng: np.random.Generator) -> Iterator[tuple[int, str, str, int]]:
    """Give each scene's setting, subject, a prompt for it, and a seed."""
    for setting, labels in zip(scenes.setting.tolist(), scenes.labels):
        yield setting, LABELS[labels[0]], prompt(world, setting, labels, rng), int(rng.integers(2**31))


def evaluate_pictures(model: Model, world: World, witness: Witness, count: int = 100, seed: int = 2027) -> dict:
    """Give the figures of a picture model: `count` pictures a row.

    Of what is redrawn also how far its subject is from where it was, the median in 1/256 of the picture's side.
    """
    detector, rng = load_detector(), np.random.default_rng(seed)
    figures: dict = {}
    for steps in STEPS:
        scenes = one_subject(world, count, rng, free=0.0)
        began, rows = time.process_time(), []
        for setting, label, text, number in asked(world, scenes, rng):
            rows.append(judge(witness, detector, world, draw(model, text, number, steps), setting, label))
        spent = (time.process_time() - began) / max(count, 1)
        figures[f"words, steps {steps}"] = means(rows) | {"seconds": round(spent, 3)}
    for kind in SOURCES:
        scenes = one_subject(world, count, rng, free=1.0)
        given, x, y = sources(world, scenes, rng)[kind], *(part[:, 0] for part in scenes.places()[:2])
        rows = []
        for n, (setting, label, text, number) in enumerate(asked(world, scenes, rng)):
            made = draw(model, text, number, REDRAWN_STEPS, given[n])
            _, at_x, at_y, _ = witness.find(picture(made), label)[0]
            off = 256 * float(torch.hypot(x[n] - at_x, y[n] - at_y))
            rows.append(judge(witness, detector, world, made, setting, label) | {"off": off})
        median = float(np.median([row.pop("off") for row in rows]))
        figures[f"redrawn, from {kind}"] = means(rows) | {"px": round(median, 2)}
    return figures | witness_right(witness, world)
