"""The parts of an image model, read and checked, as one value; and the LoRAs that are put beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from studio.accelerate import accelerate
from studio.accelerate.options import Acceleration
from studio.models.errors import CheckpointError
from studio.models.finite import check_finite
from studio.models.image import lora
from studio.models.image.checkpoint import Codec, Words, check_controlnet, make_levels
from studio.models.image.learned_words import read_bundled, teach
from studio.models.image.noise_levels import Levels
from studio.models.image.options import ImageOptions
from studio.models.image.single_file import SingleFile
from studio.models.image.sources import TINY_VAE, DiffusersFolder, net_files, read_controlnet, read_tiny_vae
from studio.models.image.trial import try_parts
from studio.models.libraries import Net
from studio.models.lora.source import Tell
from studio.models.trial import attempt

Source = DiffusersFolder | SingleFile


@dataclass(frozen=True, eq=False)
class ImageParts:
    """What a diffusers folder and its options hold, in its dtype and on its device.

    family: "sd" or "sdxl"; levels: the checkpoint's noise levels; unet, controlnet: diffusers' networks; words: its
    text encoders; codec: its autoencoder, the full or the tiny one.
    """

    family: str
    levels: Levels
    unet: Net
    controlnet: Net
    words: Words
    codec: Codec
    device: torch.device
    dtype: torch.dtype

    @property
    def pooled(self) -> int:
        """Numbers of the whole text that the UNet is told beside its tokens: SDXL's, else 0."""
        return self.words.pooled if self.family == "sdxl" else 0


@dataclass(frozen=True, eq=False)
class LiveLoras:
    """LoRAs played at a weight of their own for every row.

    unet, words: how much of each the present forward takes; changes_words: of each, whether it changes how words are
    read.
    """

    names: tuple[str, ...]
    unet: lora.Mix
    words: lora.Mix
    changes_words: tuple[bool, ...]


def read_parts(source: Source, options: ImageOptions, tell: Tell) -> ImageParts:
    """Read every part of a checkpoint; MissingWeights or CheckpointError for files that cannot be played as asked.

    tell: told what is left aside.
    """
    device, dtype = options.place
    levels = make_levels(source.scheduler(), source.path, options.lcm_lora is not None, options.prediction)
    # What a person gave beside it is read first: it is small, and what is wrong with it is told at once.
    controlnet: Net = options.controlnet and read_controlnet(Path(options.controlnet), dtype)
    tiny: Net = options.tiny_vae and read_tiny_vae(Path(options.tiny_vae), dtype)
    unet = source.unet(dtype)
    if controlnet:
        check_controlnet(controlnet, unet, Path(str(options.controlnet)).name)
    if options.lcm_lora:
        lora.fuse({"unet": unet}, lora.read(Path(options.lcm_lora), {"unet": unet}, tell))
    for net in filter(None, (unet, controlnet)):
        net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    words = source.words(dtype, device)
    vae: Net = tiny or source.vae(dtype)
    codec = Codec(vae.to(device, memory_format=torch.channels_last), type(vae).__name__ == TINY_VAE)
    parts = ImageParts(source.family, levels, unet, controlnet, words, codec, device, dtype)
    attempt("UNet", source.path, lambda: check_widths(parts, source.path))
    check_numbers(parts, source.path)
    try_parts(parts, source.path)
    return parts


def check_numbers(parts: ImageParts, folder: Path) -> None:
    """Raise CheckpointError for a network that holds NaN or infinity: every picture would be black."""
    nets = {"unet": parts.unet, **parts.words.encoders, "autoencoder": parts.codec.net, "ControlNet": parts.controlnet}
    for name, net in nets.items():
        if net:
            check_finite(net.named_parameters(), f"the {name} played with {folder.name}")


def check_widths(parts: ImageParts, folder: Path) -> None:
    """Raise CheckpointError unless text encoders and UNet speak of the same widths."""
    config = parts.unet.config
    width, pooled = parts.words.width, config.projection_class_embeddings_input_dim
    times = 6 * (config.addition_time_embed_dim or 0)
    if config.cross_attention_dim != width or (parts.family == "sdxl" and pooled != times + parts.words.pooled):
        raise CheckpointError(
            f"{folder}: its text encoders give {width} numbers a token and {parts.words.pooled} of the whole text, "
            f"its UNet takes {config.cross_attention_dim} and {(pooled or 0) - times}; the parts are of two models"
        )


def latent_size(parts: ImageParts, size: tuple[int, int]) -> tuple[int, int, int]:
    """Give the latent (C, h, w) of pictures (H, W), as the autoencoder has it.

    Raises CheckpointError for an autoencoder that does not fit the UNet, ValueError for a size that is not possible.
    """
    height, width = size
    channels, across, _ = parts.codec.encode(torch.zeros(64, 64, 3, dtype=torch.uint8)).shape
    factor = 64 // across
    if channels != parts.unet.config.in_channels:
        raise CheckpointError(
            f"the autoencoder has {channels} latent channels and the UNet {parts.unet.config.in_channels}; "
            "use one of the model's own family"
        )
    if height % factor or width % factor or not 2 * factor <= min(height, width) <= max(height, width) <= 4096:
        raise ValueError(
            f"size is {height}x{width}; possible: height and width divisible by {factor}, "
            f"{2 * factor} to 4096 pixels, best near those it was trained at"
        )
    return channels, height // factor, width // factor


def add_loras(parts: ImageParts, options: ImageOptions, tell: Tell) -> LiveLoras:
    """Put LoRAs beside the layers, the UNet's quantized before; all are read before the first is put there.

    tell: told what of them is left aside.
    """
    nets = {"unet": parts.unet, **parts.words.encoders}
    changes = [lora.read(file, nets, tell) for file in options.lora_files]
    teach(parts.words, {word: held for file in options.lora_files for word, held in read_bundled(file).items()}, tell)
    accelerate(parts.unet, Acceleration(quantize=options.acceleration.quantize))
    of_unet = [{place: change for place, change in each.items() if place[0] == "unet"} for each in changes]
    of_words = [{place: change for place, change in each.items() if place[0] != "unet"} for each in changes]
    return LiveLoras(
        tuple(options.loras or ()),
        lora.adapt(nets, of_unet),
        lora.adapt(nets, of_words),
        tuple(bool(each) for each in of_words),
    )


def used_files(source: Source, options: ImageOptions) -> list[Path]:
    """List the files that decide what a model of these draws."""
    files = source.files(options.tiny_vae is not None)
    for place in options.files:
        if (place / "config.json").exists():
            files += net_files(place)
        else:
            files += lora.used_files(place)
    return files
