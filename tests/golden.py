"""Takes of version 0.2 in `takes/`, the models they were played on, and what they showed.

A take is named after its model: `wan-stream.jsonl` is played on `MODELS["wan"]`; `presets/` are the presets of 0.2.
What a take shows is kept as the hashes of all its frames, one list a kind of machine, and as pictures of a few of them.
To keep what is missing, on this kind of machine: `python tests/golden.py --record [NAME ...]`; with `--force`: anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny import sd_folders, wan_folders
from tiny.model import TinyModel, fixed

import studio
from studio.models import load
from studio.presets import Preset

TAKES = Path(__file__).parent / "takes"
HASHES = TAKES / "hashes.json"
PRESET_FRAMES = 8
MADE = TemporaryDirectory(prefix="golden-", ignore_cleanup_errors=True)  # folders of the tiny models

# The models


def pocket(folder: Path) -> Any:
    """The embedded model; where a lesser processor is played, in the type it would choose there."""
    return load("pocket", size=(256, 256), **({} if bfloat16() else {"dtype": torch.float32}))


def image(folder: Path) -> Any:
    """Pictures from words, with the whole autoencoder."""
    return load(steadied(sd_folders.tiny_sd(folder / "sd", prediction="v_prediction")), size=(64, 64))


def xl(folder: Path) -> Any:
    """Of the family with two text encoders; frames in flight see each other."""
    sd_folders.tiny_taesd(folder / "taesd")
    sd_folders.tiny_sd(folder / "sdxl", "sdxl")
    steadied(folder)
    return load(folder / "sdxl", tiny_vae=folder / "taesd", size=(64, 64), cross_frame=True)


def camera(folder: Path) -> Any:
    """Pictures from pictures, with a ControlNet and two LoRAs."""
    base = sd_folders.tiny_sd(folder / "sd")
    parts = {
        "tiny_vae": sd_folders.tiny_taesd(folder / "taesd"),
        "controlnet": sd_folders.tiny_controlnet(folder / "controlnet", base),
        "loras": {
            "ink": sd_folders.tiny_lora(folder / "ink", base),
            "glow": sd_folders.tiny_lora(folder / "glow", base, "diffusers", text=True),
        },
    }
    steadied(folder)
    return load(base, size=(64, 192), **parts)


def wan(folder: Path) -> Any:
    """Video, eight pictures a chunk."""
    return load(steadied(wan_folders.tiny_wan_folder(folder / "wan")), size=(32, 48), chunk=2, sink=2, window=4)


def tiny(folder: Path) -> Any:
    return TinyModel()


MODELS: dict[str, Callable[[Path], Any]] = {
    "pocket": pocket,
    "image": image,
    "xl": xl,
    "camera": camera,
    "wan": wan,
    "tiny": tiny,
}


@cache
def model_of(name: str) -> Any:
    """The model of a name in the table, made once."""
    torch.set_num_threads(1)  # sums are the same then whatever the number of cores
    return MODELS[name](Path(MADE.name) / name)


# Layers as loud as in trained nets, so that words, pictures and time show in what is drawn.
GAINS = {
    "transformer/*attn1.to_v.*": 10.0,
    "transformer/*attn2.to_v.*": 60.0,  # of 512 token states nearly all are zeros
    "*attn2.to_v.*": 3.0,
    "taesd/encoder.layers.8.*": 30.0,
    "taesd/decoder.layers.12.*": 0.2,
}
NOT_OURS = ("_diffusers_version", "transformers_version", "_name_or_path", "dtype", "torch_dtype")
CLIP_SIZES = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
CLIP_MARKS = ("max_position_embeddings", "projection_dim", "bos_token_id", "eos_token_id", "pad_token_id")
CLIP = ("architectures", "model_type", "hidden_act", "layer_norm_eps", *CLIP_SIZES, *CLIP_MARKS)


def steadied(folder: Path) -> Path:
    """The folder, its weights now functions of their names and its settings free of versions.

    So it is the same bytes wherever it is made, and has one weights_id.
    """
    for file in sorted(folder.rglob("*.safetensors")):
        part = file.parent.name
        weights = {name: steady(f"{part}/{name}", weight) for name, weight in load_file(file).items()}
        save_file(weights, file, metadata={"format": "pt"})
    for file in [*folder.rglob("config.json"), *folder.rglob("scheduler_config.json")]:
        values = json.loads(file.read_text())
        clip = values.get("model_type") == "clip_text_model"
        kept = {key: values[key] for key in sorted(values) if (key in CLIP if clip else key not in NOT_OURS)}
        file.write_text(json.dumps(kept, indent=1))
    return folder


def steady(name: str, like: torch.Tensor) -> torch.Tensor:
    """A weight of a name, in the shape of another: matrices keep the scale of what they are given."""
    if like.ndim == 0:  # a LoRA's alpha
        return like
    if like.ndim == 1:
        return fixed(name, like.shape) / 8 + (1 if "norm" in name and name.endswith("weight") else 0)
    gain = next((gain for pattern, gain in GAINS.items() if fnmatch(name, pattern)), 1.0)
    return fixed(name, like.shape) * gain * like[0].numel() ** -0.5


# The takes


def names() -> list[str]:
    """All takes: the scores, then the presets."""
    return [
        *sorted(path.stem for path in TAKES.glob("*.jsonl")),
        *sorted(f"presets/{path.stem}" for path in (TAKES / "presets").glob("*.json")),
    ]


@cache
def frames_of(name: str) -> list[Any]:
    """Every frame of a take, made again: each has `hash`, `skipped`, and `picture`, uint8 (H, W, 3)."""
    if not name.startswith("presets/"):
        return list(studio.replay(studio.Score.read(TAKES / f"{name}.jsonl"), model_of(name.split("-")[0])))
    session = studio.Session(model_of("pocket"))
    session.play(Preset.read(TAKES / f"{name}.json"))
    return [session.step() for _ in range(PRESET_FRAMES)]


def hashes_of(name: str) -> list[str]:
    """The first 12 hex digits of every frame's hash; "~" after those that the similarity filter let stand."""
    return [frame.hash[:12] + "~" * frame.skipped for frame in frames_of(name)]


def pictures_of(name: str) -> np.ndarray:
    """Some of a take's frames one below the other, (n H, W, 3): evenly spread, the last among them."""
    pictures = [frame.picture for frame in frames_of(name)]
    height, width, _ = pictures[0].shape
    apart = max(6, round((height * width) ** 0.5 / 16))  # of small ones more: about as many bytes a take
    places = np.linspace(0, len(pictures) - 1, max(1, round(len(pictures) / apart)) + 1).round().astype(int)
    return np.concatenate([pictures[place] for place in places[1:]])


# The kind of machine

LESSER = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")  # with these a processor plays a lesser one


def bfloat16() -> str:
    """How bfloat16 is multiplied in hardware, if at all; a lesser vector unit than the processor's own has none."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return ""
    if torch.cpu._is_amx_tile_supported() and "ONEDNN_MAX_CPU_ISA" not in os.environ:
        return "amx"
    return "avx512_bf16" if torch.cpu._is_avx512_bf16_supported() else ""


@cache
def machine() -> str:
    """What the last bits of a frame depend on: libraries, vector unit, and how a few sums are rounded here.

    Where it is the same, frames are; another may round otherwise, and a frame then differs by a few of 255.
    """
    modules = (torch, diffusers, transformers)
    versions = [f"{module.__name__} {'.'.join(module.__version__.split('.')[:2])}" for module in modules]
    played = [f"{name}={os.environ[name]}" for name in LESSER if name in os.environ]
    unit = torch.backends.cpu.get_cpu_capability()
    return " ".join([*versions, sys.platform, unit, bfloat16() or "no_bf16", *played, rounding()])


# How far pictures of one take may be apart: the largest difference and the mean, of 255. The pocket model is played in
# bfloat16 or float32 (3 and 0.2 were seen); the others in float32 everywhere (1 and 0.001).
TOLERANCE = {"pocket": (6, 0.5), "presets": (6, 0.5)}
STRICT = (2, 0.1)


def tolerance(name: str) -> tuple[int, float]:
    return TOLERANCE.get(re.split("[-/]", name)[0], STRICT)


def apart(shown: np.ndarray, kept: np.ndarray) -> tuple[int, float]:
    """The largest difference of two pictures of one size, and the mean."""
    if shown.shape != kept.shape:
        raise ValueError(f"pictures of {shown.shape} and of {kept.shape}")
    difference = np.abs(shown.astype(int) - kept)
    return int(difference.max()), float(difference.mean())


def rounding() -> str:
    """Six hex digits of products, convolutions and functions whose last bits differ between processors."""
    digest = hashlib.blake2b(digest_size=3)
    shapes = {"a": (64, 256), "b": (256, 256), "x": (1, 16, 32, 32), "w": (32, 16, 3, 3)}
    a, b, x, w = (fixed(name, shape).clone() for name, shape in shapes.items())  # in torch's memory, which is aligned
    kinds = (torch.float32, torch.bfloat16) if bfloat16() else (torch.float32,)
    for kind in kinds:
        y = torch.nn.functional.linear(a.to(kind), b.to(kind))
        heads = y.reshape(1, 4, 64, 64)
        seen = torch.nn.functional.scaled_dot_product_attention(heads, heads, heads)
        drawn = torch.nn.functional.conv2d(x.to(kind), w.to(kind), padding=1)
        for result in (y, seen, drawn, torch.nn.functional.silu(y), torch.nn.functional.gelu(y), y.softmax(-1)):
            digest.update(result.float().contiguous().numpy().tobytes())
    return digest.hexdigest()


# What is kept


def kept_hashes() -> dict[str, dict[str, str]]:
    """Kind of machine -> take -> `hashes_of` it, between spaces."""
    return json.loads(HASHES.read_text()) if HASHES.exists() else {}


def picture_file(name: str) -> Path:
    return TAKES / f"{name.replace('/', '-')}.webp"


def kept_pictures(name: str) -> np.ndarray:
    return np.asarray(Image.open(picture_file(name)).convert("RGB"))


def is_kept(name: str) -> bool:
    return name in kept_hashes().get(machine(), {}) and picture_file(name).exists()


def keep(hashes: dict[str, dict[str, str]]) -> None:
    """Write all hashes, a take a line."""
    HASHES.write_text(json.dumps({key: dict(sorted(hashes[key].items())) for key in sorted(hashes)}, indent=1) + "\n")


def record(name: str) -> None:
    """Keep what a take shows: its hashes on this kind of machine, and its pictures if there are none."""
    shows, hashes = " ".join(hashes_of(name)), kept_hashes()
    hashes.setdefault(machine(), {})[name] = shows
    keep(hashes)
    if not picture_file(name).exists():
        Image.fromarray(pictures_of(name)).save(picture_file(name), lossless=True, quality=100, method=6)


def forget(name: str) -> None:
    """What is kept of a take goes, on every kind of machine: it is to show something else."""
    keep(
        {
            key: {take: kept for take, kept in of_takes.items() if take != name}
            for key, of_takes in kept_hashes().items()
        }
    )
    picture_file(name).unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Keep what takes show on this kind of machine.")
    parser.add_argument(
        "--record", nargs="*", metavar="NAME", choices=names(), required=True, help="none: all that lack"
    )
    parser.add_argument("--force", action="store_true", help="forget what is kept of these, on every kind of machine")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(machine())
    if there := [name for name in asked.record if is_kept(name) and not asked.force]:
        sys.exit(f"kept already: {', '.join(there)}; if they are to show something else from now on: --force")
    for name in asked.record or [name for name in names() if not is_kept(name)]:
        if asked.force:
            forget(name)
        record(name)
        print(f"{name}: {len(frames_of(name))} frames")


if __name__ == "__main__":
    main()
