"""A corner of the drawn world for the tests: four painted scenes, and an untrained pocket model."""

from functools import cache

import numpy as np
import torch

from studio.models.pocket import model as pocket
from studio.models.pocket.sentence_encoder import text_encoder
from studio.training import recipe
from studio.world import scenes
from studio.world.backgrounds import Backgrounds, Scene

SCENES = (
    Scene("meadow", 0, "day", "clear"),
    Scene("meadow", 0, "night", "snow"),
    Scene("space", 0, "night", "clear"),
    Scene("beach", 0, "sunset", "clear"),
)


@cache
def few_scenes() -> Backgrounds:
    painted = [scenes.paint_all_phases(s.place, s.view, s.time, s.weather) for s in SCENES]
    return Backgrounds(SCENES, np.stack(painted))


@cache
def large_scenes() -> Backgrounds:
    """The same at 512."""
    loops = [scenes.loop(scenes.compose(s.place, s.view, s.time, s.weather, 512)) for s in SCENES]
    return Backgrounds(SCENES, np.stack([np.stack(list(loop)) for loop in loops]))


@cache
def untrained_net() -> pocket.PocketNet:
    """Random weights; the memory knows all subjects, as thumbnails of their sprites, and no place."""
    return recipe.new_net(recipe.RECIPES["smoke"], few_scenes()).eval()


def untrained(folder, dtype=torch.float32) -> pocket.Pocket:
    """The untrained model, saved in `folder` and loaded from there."""
    recipe.export(untrained_net(), folder, "smoke")
    return pocket.Pocket(folder, dtype)


@cache
def few_prompts():
    return recipe.wordings(few_scenes(), count=4)


def vector(text: str) -> torch.Tensor:
    return text_encoder()([text])[0]
