"""The whole recipe of the video student: world, autoencoder, words, pictures, clips, its own past, and the folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.evaluation.video import train_witness
from studio.training import video_student as student
from studio.training.diffusion import Stage
from studio.training.student_card import flat, write_card
from studio.training.video_clips import World, all_settings
from studio.training.video_codec import (
    WIDTHS,
    Widths,
    train_video_codec,
    train_video_decoder,
    trained_codec,
    video_quality,
)
from studio.training.video_export import export, train_wan_vae
from studio.training.video_forcing import train_video_forcing
from studio.training.video_student import LENGTH, Teacher, new_transformer, train_video
from studio.training.video_text import train_reader


@dataclass(frozen=True)
class StudentRecipe:
    """How long each step takes and how big the net is; `frames` of a stage are pictures for the codec, else latents.

    fresh: clips drawn anew for each step; pool: how many are kept to draw batches from; settings: how many places and
    times of the world, all if 0; takes, long: that the student is judged by at last.
    """

    codec: Stage
    decoder: Stage
    reader: Stage
    stages: tuple[Stage, ...]
    forcing: Stage | None  # on its own past; None: left out
    vae: Stage
    witness: int
    transformer: dict[str, Any]
    codec_widths: Widths
    fresh: int = 3
    pool: int = student.POOL
    settings: int = 0
    takes: int = 40
    long: int = 4


RECIPES = {
    # About an hour and a half of one CPU core with bfloat16 arithmetic.
    "student": StudentRecipe(
        codec=Stage("codec", 1500, 6, 5, 1.5e-3, falling=0.5),
        decoder=Stage("decoder", 800, 6, 5, 1.2e-3, falling=0.6),
        reader=Stage("text", 1500, 64, 1, 3e-3, falling=0.6),
        stages=(Stage("images", 2200, 48, 1, 1.5e-3, falling=0), Stage("clips", 1900, 8, 9, 1e-3, falling=0.45)),
        forcing=None,
        vae=Stage("vae", 300, 4, 5, 2e-3),
        witness=700,
        transformer=student.SHAPE,
        codec_widths=WIDTHS,
    ),
    # Seconds: for the tests.
    "student-smoke": StudentRecipe(
        codec=Stage("codec", 1, 1, 5, 1e-3),
        decoder=Stage("decoder", 1, 1, 5, 1e-3),
        reader=Stage("text", 1, 2, 1, 1e-3),
        stages=(Stage("images", 1, 2, 1, 1e-3, falling=0), Stage("clips", 1, 1, 6, 1e-3)),
        forcing=Stage("own-past", 3, 1, 6, 1e-3),
        vae=Stage("vae", 1, 1, 5, 1e-3),
        witness=1,
        transformer=student.SHAPE | dict(num_attention_heads=1, ffn_dim=32, num_layers=1),
        codec_widths={"encoder": (12, 12, 28, 28), "decoder": (8, 8, 8, 8)},
        fresh=1,
        pool=2,
        settings=2,
        takes=1,
        long=0,
    ),
}


def train(folder: Path, name: str = "student", out: Path | None = None) -> Iterator[dict]:
    """Run or resume the recipe in `folder`, yielding progress, and write the student's folder to `out`.

    `out` is `folder`/student unless told. Raises KeyError for an unknown recipe.
    """
    recipe, out = RECIPES[name], out or folder / "student"
    world = World.paint(all_settings()[: recipe.settings or None])
    yield from told(recipe.codec, train_video_codec(world, folder, recipe.codec, recipe.codec_widths))
    yield from told(recipe.reader, train_reader(world, folder, recipe.reader))
    codec = trained_codec(folder, recipe.codec_widths)
    yield from told(recipe.vae, train_wan_vae(codec, world, folder, recipe.vae))
    witness = Stage("witness", recipe.witness, 32, 1, 0)
    yield from told(witness, train_witness(world, folder / "witness.safetensors", recipe.witness))
    net, teacher = new_transformer(recipe.transformer), Teacher(world, codec, folder, recipe.pool)
    for number, stage in enumerate(recipe.stages):
        pads = (4.0, LENGTH) if number == 0 else (LENGTH, LENGTH)
        yield from told(stage, train_video(net, teacher, folder, stage, recipe.fresh if number == 0 else 1, pads))
        export(net, codec, folder, out)
    if recipe.forcing:
        yield from told(recipe.forcing, train_video_forcing(net, teacher, folder, recipe.forcing, 1))
    yield from told(recipe.decoder, train_video_decoder(codec, world, folder, recipe.decoder))
    export(net, codec, folder, out)
    seen = folder / "witness.safetensors"
    figures = write_card(out, world, seen, name, recipe.takes, recipe.long, video_quality(codec, world))
    yield {"stage": "done", "out": str(out), **flat(figures)}


def told(stage: Stage, reports: Iterator[dict]) -> Iterator[dict]:
    """Give the reports of a stage with its name and length."""
    for report in reports:
        yield {"stage": stage.name, "of": stage.steps, **report}
