"""A checkpoint in one file, in the original layout of SD 1.x, 2.x and SDXL, as the sites people use hand them round.

It is played as it is: its weights are read where they lie, renamed by diffusers' own conversion (`original_layout`),
and every weight of every net is there and used, or it is a `CheckpointError`. What shapes do not say, the prediction of
an SD 2.x or a fine-tuned SDXL, is read from what such files are marked by; the option `prediction` overrules it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.models.errors import CheckpointError
from studio.models.file_kinds import SPREAD_OF_V, check_image_file
from studio.models.finite import check_unpacked
from studio.models.image import original_layout as layout
from studio.models.image.checkpoint import PLAYABLE, Words, check_tokenizer, quiet
from studio.models.image.clip_tokenizer import END, clip_tokenizer
from studio.models.libraries import Net
from studio.models.weight_files import misfits, read_file

V = ("v", "v_prediction")
# The published models' levels (diffusers' configs of all three families).
SCHEDULE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}


class SingleFile:
    """One file as the source of an image model's parts, with the methods of `sources.DiffusersFolder`."""

    def __init__(self, path: Path) -> None:
        check_image_file(path)
        self.path = path
        self._weights = flat_weights(read_file(path), path)
        self._metadata = read_metadata(path)
        self.kind = next((k for k, prefixes in layout.TEXT_ENCODERS.items() if self._has(*prefixes)), "")
        if not (self.kind and self._has(layout.UNET)):
            raise CheckpointError(
                f"{path} is no whole checkpoint in the original layout: it lacks a UNet ({layout.UNET}...) or a text "
                f"encoder (cond_stage_model..., conditioner...); playable: {PLAYABLE}, or such a model in one file"
            )
        self.family = "sdxl" if self.kind == "sdxl" else "sd"

    def _has(self, *prefixes: str) -> bool:
        return all(any(name.startswith(prefix) for name in self._weights) for prefix in prefixes)

    def unet(self, dtype: torch.dtype) -> nn.Module:
        """Build the UNet; CheckpointError for one that takes more than a latent, a timestep and a text."""
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

        original = layout.part(self._weights, layout.UNET)
        if "label_emb.0.0.weight" in original and self.family == "sd":
            raise CheckpointError(f"{self.path} wants additional conditioning (label_emb); playable: {PLAYABLE}")

        def convert() -> tuple[dict[str, Tensor], Net]:
            weights = layout.unet_weights(original)
            return weights, lambda: UNet2DConditionModel.from_config(layout.unet_config(weights))

        return build(convert, dtype, self.path, "UNet", expected=len(original))

    def vae(self, dtype: torch.dtype) -> nn.Module:
        """Build the autoencoder."""
        from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

        original = layout.part(self._weights, *layout.VAE)
        if not original:
            raise CheckpointError(
                f"{self.path} lacks its autoencoder (first_stage_model...); get the file that has the VAE baked in, or "
                "give a tiny one with --tiny-vae FOLDER"
            )

        def convert() -> tuple[dict[str, Tensor], Net]:
            weights = layout.vae_weights(original)
            config = layout.vae_config(weights, layout.SCALING[self.kind])
            return weights, lambda: AutoencoderKL.from_config(config)

        whole = torch.float32 if dtype == torch.float16 else dtype  # as a folder's that does not say otherwise
        return build(convert, whole, self.path, "autoencoder")

    def words(self, dtype: torch.dtype, device: torch.device) -> Words:
        """Build the text encoders; their tokenizer is the studio's own CLIP vocabulary, which all of them read."""
        encoders = {prefix: self._text_encoder(prefix, dtype).to(device) for prefix in layout.TEXT_ENCODERS[self.kind]}
        tokenizers = [clip_tokenizer("!" if prefix.endswith(".model.") else END) for prefix in encoders]
        for tokenizer, net in zip(tokenizers, encoders.values()):
            check_tokenizer(tokenizer, self.path, net.config.vocab_size)
        names = ("text_encoder", "text_encoder_2")
        return Words(tokenizers, dict(zip(names, encoders.values())), zeros_for_empty=self.family == "sdxl")

    def _text_encoder(self, prefix: str, dtype: torch.dtype) -> Net:
        from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

        def convert() -> tuple[dict[str, Tensor], Net]:
            weights = layout.text_weights(self._weights, prefix)
            config = CLIPTextConfig(**layout.text_config(weights, prefix))
            kind = CLIPTextModelWithProjection if prefix == layout.SDXL_OPEN_CLIP else CLIPTextModel
            return weights, lambda: kind(config)

        return build(convert, dtype, self.path, "text encoder")

    @property
    def title(self) -> str:
        """What it is called: the file, and what it says of itself."""
        return " ".join((self.path.name, self._metadata.get("modelspec.title", "")))

    def files(self, without_vae: bool) -> list[Path]:
        """List the file, which decides what it draws."""
        return [self.path]

    def scheduler(self) -> dict[str, Any]:
        """Give the settings of the levels it was trained at, as a folder's scheduler_config.json would."""
        told = {"_class_name": "EulerDiscreteScheduler", "prediction_type": self._prediction()}
        return SCHEDULE | told | {"rescale_betas_zero_snr": "ztsnr" in self._weights}

    def _prediction(self) -> str:
        """Say what its UNet predicts: by a mark in the file, its metadata, or, of an SD 2.x, one layer's spread."""
        if "v_pred" in self._weights:
            return "v_prediction"
        if named := self._metadata.get("modelspec.prediction_type"):
            return "v_prediction" if named in V else "epsilon"
        if "768-v" in self._metadata.get("modelspec.architecture", ""):
            return "v_prediction"
        spread = self._weights.get(f"{layout.UNET}{SPREAD_OF_V[0]}")
        wide = spread is not None and spread.float().std(unbiased=False) > SPREAD_OF_V[1]
        return "v_prediction" if self.kind == "sd2" and wide else "epsilon"


def flat_weights(state: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """Give the tensors of a file, from under the key `state_dict` where they are; a trainer's counters left out."""
    while isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    weights = {name: weight for name, weight in state.items() if isinstance(weight, Tensor)}
    if not weights:
        raise CheckpointError(f"{path} holds no weights by name; give a checkpoint in one file, or a diffusers folder")
    return weights


def read_metadata(path: Path) -> dict[str, str]:
    """Read what a safetensors file says of itself; nothing of another kind of file."""
    from studio.hub.safetensors_headers import METADATA, read_header

    told = read_header(path).get(METADATA)
    return {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}


def build(
    convert: Callable[[], tuple[dict[str, Tensor], Callable[[], Net]]],
    dtype: torch.dtype,
    path: Path,
    what: str,
    expected: int = 0,
) -> Any:
    """Build a net of converted weights; CheckpointError unless all of it is there and all of them are used.

    convert: gives the weights by the net's names, and what makes the net, empty. expected: how many weights there were
    before, where the conversion would leave out what it does not know.
    """
    from accelerate import init_empty_weights

    try:
        weights, make = convert()
        with quiet(), init_empty_weights():
            net = make()
    except Exception as error:  # what broken weights raise in the libraries is any of a dozen kinds
        raise CheckpointError(
            f"{path} holds no {what} that diffusers can convert ({type(error).__name__}: {error}); it is cut short, or "
            f"of another model. Playable: {PLAYABLE}, or such a model in one file"
        ) from error
    shapes = {name: weight.shape for name, weight in net.state_dict().items()}
    if not any(name.startswith("text_model.") for name in shapes):  # transformers names it so in some releases
        weights = {name.removeprefix("text_model."): weight for name, weight in weights.items()}
    wrong = misfits({name: weight for name, weight in weights.items() if weight is not None}, shapes)
    if wrong or (expected and len(weights) != expected):
        wrong = wrong or f"{abs(expected - len(weights))} weights that such a net has not"
        raise CheckpointError(f"{path}: its {what} does not fit ({wrong}); download it again. Playable: {PLAYABLE}")
    for name, weight in weights.items():
        check_unpacked(name, weight, path)
    # Copied: what stays mapped lies as the file has it, and sums on such places round otherwise.
    net.load_state_dict({name: weight.to(dtype, copy=True) for name, weight in weights.items()}, assign=True)
    return net.eval().requires_grad_(False)


def read_controlnet_file(path: Path, dtype: torch.dtype) -> Net:
    """Read a ControlNet in one file, in the original names or in diffusers'."""
    from diffusers.models.controlnets.controlnet import ControlNetModel

    check_image_file(path, "controlnet")
    state = flat_weights(read_file(path), path)
    found = layout.part(state, "control_model.") or state

    def convert() -> tuple[dict[str, Tensor], Net]:
        weights = layout.controlnet_weights(found)
        return weights, lambda: ControlNetModel.from_config(layout.unet_config(weights))

    return build(convert, dtype, path, "ControlNet", expected=len(found))
