"""Folders of tiny image models, and the models that are opened from them."""

from functools import cache

import pytest
from tiny.sd_folders import tiny_controlnet, tiny_sd, tiny_taesd

from image.drawing import SIZE
from studio.models.image.model import open_image


@pytest.fixture(scope="package")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    tiny_taesd(root / "taesd")
    for family in ("sd", "sdxl"):
        base = tiny_sd(root / family, family)
        tiny_controlnet(root / f"controlnet-{family}", base)
    tiny_sd(root / "v", prediction="v_prediction")
    tiny_sd(root / "lcm", scheduler="LCMScheduler", guidance_width=16)
    return root


@pytest.fixture(scope="package")
def opened(folders):
    """opened(name, **options): the model of a folder, with the tiny autoencoder, opened once for each options."""

    @cache
    def once(name="sd", loras=(), **options):
        options = {"size": SIZE, "tiny_vae": folders / "taesd"} | options
        return open_image(folders / name, loras=dict(loras), **options)

    return once
