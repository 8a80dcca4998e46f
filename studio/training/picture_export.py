"""The picture model as a StableDiffusionPipeline's folder: what `load(folder)` opens, in diffusers' layout."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import torch

from studio.models.libraries import Net
from studio.training.picture_codec import PictureAutoencoder
from studio.training.picture_model import SCHEDULER

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "LCMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderTiny"],
}


def export_pictures(net: Net, codec: PictureAutoencoder, folder: Path, out: Path) -> None:
    """Write the folder `out`: UNet and autoencoder in half precision, the text encoder of `folder` as it is."""
    from diffusers.schedulers.scheduling_lcm import LCMScheduler

    out.mkdir(parents=True, exist_ok=True)
    for name, part in (("unet", net), ("vae", codec.net)):
        copy.deepcopy(part).to(torch.float16, memory_format=torch.contiguous_format).save_pretrained(out / name)
    for name in ("tokenizer", "text_encoder"):
        shutil.copytree(folder / name, out / name, dirs_exist_ok=True)
    scheduler: Net = LCMScheduler.from_config(SCHEDULER)
    scheduler.save_pretrained(out / "scheduler")
    (out / "model_index.json").write_text(json.dumps(INDEX, indent=1) + "\n", encoding="utf-8")
