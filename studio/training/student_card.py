"""What goes with a trained video student: its figures, a card that tells them, and a sheet of its pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from studio.controls import Prompt, Sampling
from studio.engine import Engine
from studio.evaluation.video import evaluate_video, load_witness
from studio.models.wan.model import Wan, open_wan
from studio.training.video_clips import LABELS, SIDE, World
from studio.training.video_export import TINY

CARD = """---
license: apache-2.0
library_name: diffusers
tags: [text-to-video, tiny, stand-in]
---

# A small Wan student of the drawn world

A causal Wan without track input, {millions:.1f} million parameters, in the layout of the published students: a
`WanTransformer3DModel` played in chunks of three latent frames and four steps (1, 0.9375, 0.8333, 0.625), a UMT5 of
two layers, a tiny autoencoder in TAEHV's layout (`{tiny}`, encoder and decoder, lead 3) and an `AutoencoderKLWan` of
base_dim 8 with the same latents. 128 x 128 pixels. It stands in for the real ones where those cannot be loaded: in
tests, in the browser, in notebooks. It knows {subjects} subjects ({labels}), each of which moves by itself, and
fourteen places by day and by night. It says nothing about what a real student can do.

Made by `studio train --recipe {recipe}`. Nothing but the drawn world was used. Its subjects are Fluent emoji
(MIT, Microsoft); the weights are Apache-2.0.

Figures (`figures.json`; witnesses that saw drawn pictures only; prompts drawn as in training, four steps, one CPU
thread):

{table}

Open it: `open_wan(folder, tiny_decoder=folder / "{tiny}", size=(128, 128))`.
"""
SHEET = (
    "a fox in a meadow", "an owl in a forest at night", "a basketball on a beach", "a penguin in the snow",
    "a rocket in space", "a tropical fish in the ocean", "a bus in the city at night", "a pumpkin in the desert",
)  # fmt: skip


def open_student(folder: Path) -> Wan:
    """Open a student's folder as it is meant to be played."""
    return open_wan(folder, tiny_decoder=folder / TINY, size=(SIDE, SIDE))


def write_card(folder: Path, world: World, witness: Path, recipe: str, takes: int, long: int, known: dict) -> dict:
    """Judge the student of a folder, and write README.md, figures.json and sheet.png into it; gives the figures.

    known: figures that are there already, of its autoencoder.
    """
    model = open_student(folder)
    figures = known | evaluate_video(model, world, load_witness(witness), takes, long)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    rows = [f"| {name} | {value} |" for name, value in flat(figures).items()]
    card = CARD.format(
        millions=sum(weight.numel() for weight in model.net.parameters()) / 1e6,
        tiny=TINY,
        subjects=len(LABELS),
        labels=", ".join(LABELS),
        recipe=recipe,
        table="\n".join(["| | |", "|---|---|", *rows]),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    Image.fromarray(sheet(model, takes)).save(folder / "sheet.png")
    return figures


def flat(figures: dict, before: str = "") -> dict[str, float]:
    """Give nested figures by one name each."""
    parts = [flat(v, f"{before}{k} ") if isinstance(v, dict) else {f"{before}{k}": v} for k, v in figures.items()]
    return {name: value for part in parts for name, value in part.items()}


def sheet(model: Wan, rows: int) -> np.ndarray:
    """Draw a sheet of takes, a take a row: pictures 0, 7, 14 and so on to 56."""
    drawn = []
    for number, text in enumerate(SHEET[:rows]):
        engine = Engine(model, "rollout")
        engine.apply([(1, Prompt(text)), (2, Sampling(seed=number, steps=4))])
        pictures = [engine.step().picture for _ in range(57)]
        drawn.append(np.concatenate(pictures[::7], 1))
    return np.concatenate(drawn)
