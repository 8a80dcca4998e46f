"""What a diffusers folder, or a file, would take, from its configs and the headers of its files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from studio.hub.footprint import DEFAULT_SIZE, ParameterCounts
from studio.hub.safetensors_headers import count_in_header, count_parameters, read_object

PATCH = (1, 2, 2)  # latent frames, rows and columns that make one of Wan's tokens


def folder_counts(folder: Path, kind: Literal["image", "video"]) -> ParameterCounts:
    """Count the parameters of a diffusers folder, or of a checkpoint in one file, from the headers of its files."""
    if folder.is_file():
        return file_counts(folder)
    denoiser = folder / ("unet" if kind == "image" else "transformer")
    config = whole_numbers(read_object(denoiser / "config.json")) if kind == "video" else {}
    return ParameterCounts(
        kind,
        DEFAULT_SIZE[kind],
        count_parameters(denoiser) or wan_parameters(config),
        count_parameters(folder / "text_encoder") + count_parameters(folder / "text_encoder_2"),
        count_parameters(folder / "vae"),
        layers=config.get("num_layers", 0),
        width=wan_width(config),
    )


def file_counts(file: Path) -> ParameterCounts:
    """Count those of an image model in one file; of one whose names cannot be read, all as the denoiser's."""
    texts = sum(count_in_header(file, prefix) for prefix in ("cond_stage_model.", "conditioner."))
    counts = (count_in_header(file, "model.diffusion_model."), texts, count_in_header(file, "first_stage_model."))
    return ParameterCounts("image", DEFAULT_SIZE["image"], *(counts if any(counts) else (count_parameters(file), 0, 0)))


def wan_parameters(config: Mapping[str, int]) -> int:
    """Count a Wan transformer's parameters by its config, for a folder whose weights a student's file replaces."""

    def linear(inward: int, outward: int) -> int:
        return (inward + 1) * outward

    usual = {"text_dim": 4096, "freq_dim": 256, "in_channels": 16, "out_channels": 16, "ffn_dim": 0}
    shape = usual | dict(config)
    width, cells = wan_width(config), math.prod(PATCH)
    attention = 4 * linear(width, width) + 2 * width
    block = 2 * attention + linear(width, shape["ffn_dim"]) + linear(shape["ffn_dim"], width) + 8 * width
    embeddings = linear(shape["text_dim"], width) + linear(shape["freq_dim"], width) + 2 * linear(width, width)
    ends = linear(cells * shape["in_channels"], width) + linear(width, cells * shape["out_channels"]) + 2 * width
    return shape.get("num_layers", 0) * block + embeddings + linear(width, 6 * width) + ends if width else 0


def wan_width(config: Mapping[str, int]) -> int:
    """Give how many numbers a token's state has."""
    return config.get("num_attention_heads", 0) * config.get("attention_head_dim", 0)


def whole_numbers(config: Mapping[str, object]) -> dict[str, int]:
    """Keep those of a config's values that are: what else stands there, whoever loads the folder says better."""
    return {name: value for name, value in config.items() if isinstance(value, int)}
