"""What goes with a trained picture model: its figures, a card that tells them, and a sheet of its pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from studio.evaluation.pictures import STEPS, STRENGTH, draw, evaluate_pictures, one_subject, sources
from studio.evaluation.video import load_witness
from studio.models.image.model import Image, open_image
from studio.training.student_card import SHEET, flat
from studio.training.video_clips import LABELS, SIDE, World

CARD = """---
license: apache-2.0
library_name: diffusers
tags: [text-to-image, tiny, stand-in]
---

# A small Stable Diffusion of the drawn world

A `UNet2DConditionModel` of {millions:.1f} million parameters that draws in one to four steps without guidance, in the
layout of a Stable Diffusion with AutoencoderTiny as its `vae` (eight times down, four channels), a CLIP text encoder of
two layers with the part of CLIP's vocabulary it needs, and `LCMScheduler`'s levels, of which it predicts the velocity.
128 x 128 pixels. It stands in for SD-Turbo and the like where those cannot be loaded: in tests, in the browser, in
notebooks. It knows {subjects} subjects ({labels}) and fourteen places by day and by night. It says nothing about what
a real model can do.

It was not distilled: what a picture is besides its words (where the subject stands, how large, which way it looks) was
written into fourteen coordinates of the noise in training, so that from noise alone there is one right picture. Noise
that drifts therefore moves things about; at strengths below 1 the picture it is given says where things are.

Made by `studio train --recipe {recipe}`. Nothing but the drawn world was used. Its subjects are Fluent emoji
(MIT, Microsoft); the weights are Apache-2.0.

Figures (`figures.json`; witnesses that saw drawn pictures only; prompts drawn as in training, {count} pictures a row,
one CPU thread; redrawn at strength {strength} in two steps, subjects anywhere, px in 1/256 of a side):

{table}

Open it: `studio.open(folder, size=(128, 128))`, or `studio run --model FOLDER --size 128x128`.
"""


def open_picture_model(folder: Path) -> Image:
    """Open a picture model's folder as it is meant to be played."""
    return open_image(folder, size=(SIDE, SIDE))


def write_picture_card(folder: Path, world: World, witness: Path, recipe: str, count: int, known: dict) -> dict:
    """Judge the picture model of a folder, and write README.md, figures.json and sheet.png into it; gives the figures.

    count: pictures a row of figures; known: figures that are there already, of its autoencoder.
    """
    model = open_picture_model(folder)
    figures = known | evaluate_pictures(model, world, load_witness(witness), count)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    rows = [f"| {name} | {value} |" for name, value in flat(figures).items()]
    card = CARD.format(
        millions=sum(weight.numel() for weight in model.parts.unet.parameters()) / 1e6,
        subjects=len(LABELS),
        labels=", ".join(LABELS),
        recipe=recipe,
        count=count,
        strength=STRENGTH,
        table="\n".join(["| | |", "|---|---|", *rows]),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    Pillow.fromarray(sheet(model, world, min(count, len(SHEET)))).save(folder / "sheet.png")
    return figures


def sheet(model: Image, world: World, columns: int, seed: int = 0) -> np.ndarray:
    """Draw a sheet: a prompt a column, from words in 1, 2 and 4 steps, then sources of three kinds and each redrawn."""
    rows = [[draw(model, text, seed + n, steps) for n, text in enumerate(SHEET[:columns])] for steps in STEPS]
    rng = np.random.default_rng(seed)
    scenes = one_subject(world, columns, rng, free=1.0)
    told = [f"a {LABELS[labels[0]]} in {place_words(world, n)}" for n, labels in zip(scenes.setting, scenes.labels)]
    for given in sources(world, scenes, rng).values():
        rows.append([(one.permute(1, 2, 0) * 255).byte().numpy() for one in given])
        rows.append([draw(model, text, seed + n, 2, one) for n, (text, one) in enumerate(zip(told, given))])
    return np.concatenate([np.concatenate(row, 1) for row in rows])


def place_words(world: World, setting: int) -> str:
    """Say a setting in plain words."""
    place, time = world.settings[setting]
    return f"the {place} at night" if time == "night" else f"the {place}"
