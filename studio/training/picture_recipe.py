"""The whole recipe of the picture model: world, autoencoder, words, pictures, and the folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.evaluation.video import train_witness
from studio.training import picture_codec, picture_model
from studio.training.diffusion import Stage
from studio.training.picture_card import write_picture_card
from studio.training.picture_codec import train_picture_codec, trained_picture_codec
from studio.training.picture_export import export_pictures
from studio.training.picture_model import PictureTeacher, new_unet, train_pictures
from studio.training.picture_text import train_clip_reader
from studio.training.student_card import flat
from studio.training.student_recipe import told
from studio.training.video_clips import World, all_settings
from studio.training.video_codec import video_quality


@dataclass(frozen=True)
class PictureRecipe:
    """How long each step takes and how big the nets are; `clips` of a stage are crops, prompts or pictures a step.

    fresh: scenes drawn anew for each step; pool: how many are kept to draw batches from; settings: how many places and
    times of the world, all if 0; judged: pictures of each row of figures.
    """

    codec: Stage
    reader: Stage
    stages: tuple[Stage, Stage]
    witness: int
    unet: dict[str, Any]
    autoencoder: dict[str, Any]
    fresh: int = 6
    pool: int = picture_model.POOL
    settings: int = 0
    judged: int = 100


RECIPES = {
    # About forty minutes of one CPU core with bfloat16 arithmetic.
    "picture": PictureRecipe(
        codec=Stage("codec", 2000, 16, 1, 1.5e-3, falling=0.6),
        reader=Stage("text", 1200, 32, 1, 3e-3, falling=0.6),
        stages=(Stage("scenes", 2000, 32, 1, 1.5e-3, falling=0), Stage("redrawn", 500, 32, 1, 1.2e-3, falling=0.9)),
        witness=700,
        unet=picture_model.SHAPE,
        autoencoder=picture_codec.SHAPE,
    ),
    # Seconds: for the tests.
    "picture-smoke": PictureRecipe(
        codec=Stage("codec", 1, 1, 1, 1e-3),
        reader=Stage("text", 1, 2, 1, 1e-3),
        stages=(Stage("scenes", 1, 5, 1, 1e-3, falling=0), Stage("redrawn", 1, 5, 1, 1e-3)),
        witness=1,
        unet=picture_model.SHAPE | dict(block_out_channels=(16, 16, 16)),
        autoencoder=picture_codec.SHAPE | dict(num_encoder_blocks=(0, 0, 1, 1), num_decoder_blocks=(1, 0, 0, 0)),
        fresh=1,
        pool=8,
        settings=2,
        judged=1,
    ),
}


def train(folder: Path, name: str = "picture", out: Path | None = None) -> Iterator[dict]:
    """Run or resume the recipe in `folder`, yielding progress, and write the picture model's folder to `out`.

    `out` is `folder`/picture-model unless told. Raises KeyError for an unknown recipe.
    """
    recipe, out = RECIPES[name], out or folder / "picture-model"
    world = World.paint(all_settings()[: recipe.settings or None])
    yield from told(recipe.codec, train_picture_codec(world, folder, recipe.codec, recipe.autoencoder))
    yield from told(recipe.reader, train_clip_reader(world, folder, recipe.reader))
    witness = folder / "witness.safetensors"
    yield from told(Stage("witness", recipe.witness, 32, 1, 0), train_witness(world, witness, recipe.witness))
    codec = trained_picture_codec(folder, recipe.autoencoder)
    net, teacher = new_unet(recipe.unet), PictureTeacher(world, codec, folder, recipe.pool)
    for number, stage in enumerate(recipe.stages):
        yield from told(stage, train_pictures(net, teacher, folder, stage, recipe.fresh, own=number > 0))
        export_pictures(net, codec, folder, out)
    figures = write_picture_card(out, world, witness, name, recipe.judged, video_quality(codec, world))
    yield {"stage": "done", "out": str(out), **flat(figures)}
