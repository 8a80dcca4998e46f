"""From a command's arguments to a model: its options, what is downloaded for it in sight, and the model itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli.errors import UsageError
from studio.cli.output import describe_part, show_download
from studio.folders import expand_home
from studio.hub.units import gigabytes
from studio.models.loader import accepted_options, check_memory, find_place, resolve_options
from studio.models.registry import MODELS

if TYPE_CHECKING:
    from studio.models.base import Model
    from studio.score import Score

GUARD = "drift_guard"  # which can be said no to
# What a model is opened with, by the names of the command line and of the model's factory alike.
OPENED_WITH = (
    "quantize",
    "compile",
    "graphs",
    "attention",
    "device",
    "controlnet",
    "generator",
    "image_encoder",
    "lcm_lora",
    "prediction",
    GUARD,
)
PATHS = ("controlnet", "generator", "image_encoder", "lcm_lora", "tiny_vae")
TINY_DECODERS = ("tiny_vae", "tiny_decoder")


def model_options(arguments: argparse.Namespace, name: str) -> dict[str, Any]:
    """Give the options that a model of this name is loaded with."""
    accepted = accepted_options(name)
    for key in PATHS:
        if (path := getattr(arguments, key)) and not find_place(path).exists():
            raise UsageError(f"--{key.replace('_', '-')}: there is no {path}; give the path of what was downloaded")
    named = {key: getattr(arguments, key) for key in ("size", *OPENED_WITH, "sampler")}
    options = {key: value for key, value in named.items() if value or (key == GUARD and value is not None)}
    options |= decoder_options(arguments, name, accepted)
    if arguments.lora:
        loras = parse_loras(arguments.lora)
        single = "loras" not in accepted and "lora" in accepted and len(loras) == 1
        options |= {"lora": next(iter(loras.values()))} if single else {"loras": loras}
    return options


def decoder_options(arguments: argparse.Namespace, name: str, accepted: Sequence[str]) -> dict[str, Path | None]:
    """Give the option of a model's tiny decoder: the one that is given, or none for its full one."""
    if not (arguments.full_vae or arguments.tiny_vae):
        return {}
    if arguments.full_vae and arguments.tiny_vae:
        raise UsageError("--full-vae and --tiny-vae are two decoders; give one of them")
    tiny = next((key for key in TINY_DECODERS if key in accepted), None)
    if tiny is None:
        option = "--full-vae" if arguments.full_vae else "--tiny-vae"
        raise UsageError(f"{name} has one decoder; leave {option} out")
    return {tiny: arguments.tiny_vae}


def parse_loras(texts: Sequence[str]) -> dict[str, Path]:
    """Read every --lora; UsageError where two have one name, as only one of them could be played."""
    loras: dict[str, Path] = {}
    for name, file in map(parse_lora, texts):
        if name in loras:
            raise UsageError(f"--lora {name} is given twice, {loras[name]} and {file}; give each a name of its own")
        loras[name] = file
    return loras


def parse_lora(text: str) -> tuple[str, Path]:
    """Read watercolour=styles/watercolour.safetensors as the name and the file."""
    name, separator, path = (part.strip() for part in text.partition("="))
    if not (name and separator and path):
        raise UsageError(f"--lora is {text!r}; give a name and a file, as watercolour=watercolour.safetensors")
    file = expand_home(path)  # the shell leaves the ~ of ink=~/ink.safetensors as it is
    if not file.exists():
        raise UsageError(f"--lora {name}: there is no {file}; give the path of what was downloaded")
    return name, file


def open_model(arguments: argparse.Namespace, name: str | None = None) -> Model:
    """Load the model of --model with the options given; what is not here is downloaded in sight."""
    from studio.models.loader import load

    chosen: str = name or arguments.model
    options = model_options(arguments, chosen)
    download_missing(chosen, options)
    return load(chosen, **options)


def open_take_model(arguments: argparse.Namespace, score: Score) -> Model | None:
    """Load the model to play a take on; None for the take's own as it is, which the score then finds."""
    if not any(getattr(arguments, name) for name in ("model", "size", "full_vae", "tiny_vae", "lora", *OPENED_WITH)):
        return None
    header, name = score.header, arguments.model or score.header.model
    is_moved = Path(header.model).is_absolute() and Path(name).exists()
    if (name == header.model or is_moved) and "size" in accepted_options(name):
        arguments.size = arguments.size or (header.height, header.width)
    return open_model(arguments, name)


def download_missing(name: str, options: dict[str, Any]) -> None:
    """Download what a model lacks here, with its licence and a progress bar; NotEnoughMemory first if it won't fit."""
    from studio.hub import download

    entry = MODELS.get(name)
    if entry is None:
        return
    resolved = resolve_options(name, options)
    check_memory(name, resolved)
    chosen = resolved.options
    missing = [p for key, p in entry.parts.items() if key not in chosen and download.find_downloaded(p) is None]
    if missing:
        print(f"{name}: {gigabytes(sum(part.bytes for part in missing))} to download", file=sys.stderr)
        for part in missing:
            print(f"  {describe_part(part)}", file=sys.stderr)
        with show_download() as progress:
            download.fetch(name, progress, without=frozenset(chosen))
