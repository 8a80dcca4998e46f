"""How the tests of image models draw: a state, a picture, a forward; diffusers' own pipelines beside."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from safetensors.torch import load_file, save_file
from tiny.sd_folders import tiny_lora

from studio.conditioning import Rows, condition_frames
from studio.controls import ControlState, Prompt
from studio.noise import noise

SIZE = (64, 64)
RNG = np.random.default_rng(5)
FOX = Prompt("a red fox", negative="blurred")


def state(*controls):
    held = ControlState()
    for control in (FOX, *controls):
        held = held.after(control, 0)
    return held


def picture_bytes(pixels=None):
    file = io.BytesIO()
    Pillow.fromarray(RNG.integers(0, 256, (*SIZE, 3), dtype=np.uint8) if pixels is None else pixels).save(file, "PNG")
    return file.getvalue()


def forward(model, x, levels, cond, frames):
    """The model's clean latents of rows."""
    return model.denoise(Rows(x, tuple(levels), cond, tuple(frames)))


def draw(model, held=None, rows=1, x=None, levels=None, text=None):
    """The clean latents of rows on the first steps of a schedule."""
    held = held or state()
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(rows)]) if x is None else x
    levels = levels or model.sigmas(max(len(x), 2))[: len(x)]
    frames = list(range(len(x)))
    cond = condition_frames(model, held, frames)
    return forward(model, x, levels, cond if text is None else cond.with_text(text), frames)


def pipeline(folder, kind, **parts):
    import diffusers

    pipe = getattr(diffusers, kind).from_pretrained(folder, **parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def tiny_autoencoder(folders):
    from diffusers import AutoencoderTiny

    return AutoencoderTiny.from_pretrained(folders / "taesd")


def rows_changed(model, held, change):
    """Which rows' answers a change of row 1 moves."""
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(3)])
    levels, frames = model.sigmas(4)[:3], [7, 6, 5]
    cond = condition_frames(model, held, frames)
    before = forward(model, x, levels, cond, frames)
    after = forward(model, *change(x, levels, cond), frames)
    return [not torch.allclose(one, other, rtol=1e-6, atol=1e-5) for one, other in zip(before, after)]


def other_latent(x, levels, cond):
    return torch.cat([x[:1], x[1:2].flip(-1), x[2:]]), levels, cond


def lora_files(folders, **options):
    """Two LoRAs, "first" and "second", as the arguments of `opened`."""
    place = folders / "loras-text" if options.get("text") else folders / "loras"
    files = [tiny_lora(place, folders / "sd", seed=seed, **options) for seed in (4, 5)]
    return tuple(zip(("first", "second"), files))


def copied(folders, tmp_path, name="sd"):
    return Path(shutil.copytree(folders / name, tmp_path / name))


def weights(folder, part="unet"):
    return folder / part / "diffusion_pytorch_model.safetensors"


def in_index(folder, **entries):
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def in_config(folder, part, **entries):
    path = folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def without(path, key, **more):
    tensors = load_file(path)
    del tensors[key]
    save_file(tensors | more, path)
