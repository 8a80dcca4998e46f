"""What an image model's parts are read from: a diffusers folder, or one file in the original layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from studio.models.errors import CheckpointError
from studio.models.image import checkpoint
from studio.models.image.checkpoint import Words
from studio.models.image.single_file import SingleFile, read_controlnet_file
from studio.models.json_file import read_json
from studio.models.libraries import Net
from studio.models.weight_files import check_kind, weight_files

TINY_VAE = "AutoencoderTiny"


class DiffusersFolder:
    """A diffusers folder as the source of an image model's parts; `SingleFile` is the other, with the same methods.

    family: "sd" or "sdxl". Each part is read when it is asked for, and checked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index, self.family = checkpoint.read_index(path)

    def unet(self, dtype: torch.dtype) -> nn.Module:
        """Read the UNet; CheckpointError for one that takes more than a latent, a timestep and a text."""
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

        checkpoint.check_unet(self.path / "unet", self.family)
        return checkpoint.read_net(UNet2DConditionModel, self.path / "unet", dtype)

    def vae(self, dtype: torch.dtype) -> nn.Module:
        """Read the autoencoder: AutoencoderKL, or an AutoencoderTiny that a pipeline was saved with in its place.

        SDXL's overflows in half precision (NaN, black pictures); where it says so it stays in float32.
        """
        from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

        place = self.path / "vae"
        config = read_json(place / "config.json")
        if config.get("_class_name") == TINY_VAE:
            return read_tiny_vae(place, dtype)
        upcast = config.get("force_upcast", True)
        return checkpoint.read_vae(AutoencoderKL, place, torch.float32 if upcast and dtype == torch.float16 else dtype)

    def words(self, dtype: torch.dtype, device: torch.device) -> Words:
        """Read the text encoders and their tokenizers."""
        return Words.read(self.path, self.index, self.family, dtype, device)

    def scheduler(self) -> dict[str, Any]:
        """Read the settings of its noise levels."""
        return read_json(self.path / "scheduler" / "scheduler_config.json")

    @property
    def title(self) -> str:
        """What it is called: the folder, and the repository of the hub where it lies in its cache."""
        return " ".join(part for part in self.path.parts if part == self.path.name or part.startswith("models--"))

    def files(self, without_vae: bool) -> list[Path]:
        """List the files that decide what it draws."""
        nets = ["unet", "text_encoder", *([] if without_vae else ["vae"])]
        nets += ["text_encoder_2"] if (self.path / "text_encoder_2").is_dir() else []
        told = [self.path / "model_index.json", self.path / "scheduler" / "scheduler_config.json"]
        return told + [file for name in nets for file in net_files(self.path / name)]


def net_files(folder: Path) -> list[Path]:
    """List the files of a network's folder."""
    return [folder / "config.json", *weight_files(folder)[1]]


def open_source(path: Path) -> DiffusersFolder | SingleFile:
    """Open a checkpoint: a diffusers folder, or a file in the original layout."""
    return SingleFile(path) if path.is_file() else DiffusersFolder(path)


def read_controlnet(place: Path, dtype: torch.dtype) -> Net:
    """Read a ControlNet from its folder or its file; a file that lies in its folder is that folder's."""
    if not place.is_file():
        return checkpoint.read_controlnet(place, dtype)
    check_kind(place)
    if (place.parent / "config.json").is_file():
        return checkpoint.read_controlnet(place.parent, dtype)
    return read_controlnet_file(place, dtype)


def read_tiny_vae(place: Path, dtype: torch.dtype) -> Net:
    """Read a tiny autoencoder from its folder, or by the file in it."""
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    if place.is_file():
        check_kind(place)
        if not (place.parent / "config.json").is_file():
            raise CheckpointError(
                f"{place} is a file without its config.json; give the folder of an AutoencoderTiny, as that of "
                "madebyollin/taesd for SD 1.x and 2.x, madebyollin/taesdxl for SDXL"
            )
        place = place.parent
    return checkpoint.read_vae(AutoencoderTiny, place, dtype)
