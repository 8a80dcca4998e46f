"""Judges strokes on a picture model of the drawn world: is the named thing there, and where the hand put it.

`studio evaluate --model FOLDER --size 128x128 --drag --witness FILE` prints the figures: with the underpainting and
labels that are heard where their subjects are, with the underpainting alone, with the words alone, and with neither.
The prompt names the place, not the subject. The witness (`video.Witness`) has seen drawn pictures only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from studio.controls import Backdrop, Control, Prompt, Sampling, Stroke
from studio.engine import Engine
from studio.evaluation.takes import held_out_path
from studio.evaluation.video import Witness, picture, witness_right
from studio.models.base import Model
from studio.training.video_clips import LABELS, World, prompt
from studio.trajectory import place

PICTURES, EVERY = 48, 6  # of a take, and which of them are judged
SIZES = (0.34, 0.46)  # of a subject, a share of the picture's width
SIDE = 256  # pixels that errors are told in
SURE = 0.5  # of the witness, from which on the named thing is there
STRENGTH, STEPS, WORDS = 0.5, 2, 0.7


@dataclass(frozen=True)
class Trial:
    """One thing asked for: a place in words, a subject, its path, a seed."""

    prompt: str
    label: str
    stroke: Stroke
    seed: int


def draw_trial(world: World, rng: np.random.Generator) -> Trial:
    """Draw a trial: a path as no training saw, and a prompt that says nothing of the subject."""
    setting, label = int(rng.integers(len(world.settings))), LABELS[int(rng.integers(len(LABELS)))]
    path = held_out_path(rng, PICTURES)
    stroke = Stroke("a", label, path, "path", float(rng.uniform(*SIZES)))
    return Trial(prompt(world, setting, np.array([-1, -1]), rng), label, stroke, int(rng.integers(2**31)))


def ways(source: str = "pocket", words: float = WORDS) -> dict[str, tuple[Backdrop, bool]]:
    """Give what is compared, by name: the backdrop, and whether there is a stroke at all."""
    return {
        "painted, words by region": (Backdrop(source, words=words), True),
        "painted": (Backdrop(source, words=0), True),
        "words by region": (Backdrop("none", words=1), True),
        "neither": (Backdrop("none", words=0), False),
    }


def controls_of(trial: Trial, backdrop: Backdrop, painted: bool, strength: float) -> list[Control]:
    """Give what is set before the first picture. Without a stroke the prompt names the subject, wherever it may be."""
    text = trial.prompt if painted else f"a {trial.label} in {trial.prompt}"
    drawn: list[Control] = [Prompt(text), Sampling(seed=trial.seed, steps=STEPS, strength=strength), backdrop]
    return [*drawn, trial.stroke] if painted else drawn


def judged(model: Model, witness: Witness, trial: Trial, controls: list[Control]) -> Iterator[tuple[bool, float]]:
    """Play a trial, yielding of each judged picture whether the thing is there, and how far it is from its place."""
    engine = Engine(model)
    engine.accept(*controls)
    engine.apply(list(enumerate(controls, 1)))
    for number in range(PICTURES):
        frame = engine.step()
        if number % EVERY:
            continue
        at = place(trial.stroke, frame.index)
        _, x, y, sure = witness.find(picture(frame.picture), trial.label)[0]
        yield sure > SURE, SIDE * math.hypot(x - at.x, y - at.y)


def figures_of(rows: list[tuple[bool, float]]) -> dict[str, float]:
    """Give how often the thing was there, and the error: of those pictures, and of all."""
    there, errors = (np.array(part) for part in zip(*rows))
    seen = errors[there] if there.any() else np.array([math.nan])
    return {
        "there": round(float(there.mean()), 3),
        "error_px": round(float(seen.mean()), 2),
        "median_px": round(float(np.median(seen)), 2),
        "p90_px": round(float(np.quantile(seen, 0.9)), 2),
        "within_6_px": round(float((there & (errors <= 6)).mean()), 3),
    }


def evaluate_picture_strokes(
    model: Model,
    world: World,
    witness: Witness,
    count: int = 40,
    seed: int = 2028,
    source: str = "pocket",
    words: float = WORDS,
    strength: float = STRENGTH,
) -> dict[str, dict[str, float]]:
    """Give the figures of `count` trials of each way; errors in px at 256."""
    figures: dict[str, dict[str, float]] = {}
    for name, (backdrop, painted) in ways(source, words).items():
        rng = np.random.default_rng(seed)
        trials = [draw_trial(world, rng) for _ in range(count)]
        rows = [
            row for one in trials for row in judged(model, witness, one, controls_of(one, backdrop, painted, strength))
        ]
        figures[name] = figures_of(rows)
    return figures | {"witness": witness_right(witness, world)}
