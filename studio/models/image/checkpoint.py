"""The parts of an image model's diffusers folder, each read whole and checked: nothing loads that does not fit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn

from studio.models.errors import CheckpointError, MissingWeights
from studio.models.image.noise_levels import LCM_STEPS, Levels
from studio.models.image.text import read_prompt
from studio.models.json_file import read_json
from studio.models.libraries import Net, Tokenizer
from studio.models.weight_files import plain_folder

PLAYABLE = "SD 1.x and 2.x, SDXL, their Turbo and LCM forms: diffusers folders with a UNet2DConditionModel"
TEXT_ENCODERS = {"text_encoder": "CLIPTextModel", "text_encoder_2": "CLIPTextModelWithProjection"}
# Schedulers whose levels are variance-preserving: of any of them only the levels are used.
SCHEDULERS = (
    "DDIMScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "SASolverScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
)
OTHER_SCHEDULERS = (
    "EDMDPMSolverMultistepScheduler",
    "EDMEulerScheduler",
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
)
LARGEST = 1e6  # of an autoencoder's scale and shift
ENDS = 2**20  # bytes hashed at each end of a file


def read_index(folder: Path) -> tuple[dict[str, Any], str]:
    """Read model_index.json and the family, "sd" or "sdxl"; CheckpointError for a folder of any other."""
    index = read_json(folder / "model_index.json")
    kinds = {name: kind[1] for name, kind in index.items() if isinstance(kind, list) and len(kind) == 2}
    if kinds.get("unet") != "UNet2DConditionModel":
        core = next(
            (f"{name} {kinds[name]}" for name in ("transformer", "unet", "prior") if kinds.get(name)), "no UNet"
        )
        raise CheckpointError(
            f"{folder} is a {index.get('_class_name', 'folder')} ({core}); playable as an image model: {PLAYABLE}"
        )
    for name, kind in TEXT_ENCODERS.items():
        found = kinds.get(name)
        if found != kind and (found or name == "text_encoder"):
            raise CheckpointError(
                f"{folder} is a {index.get('_class_name', 'folder')} whose {name} is {found or 'not there'}, "
                f"where a {kind} is needed; playable as an image model: {PLAYABLE}"
            )
    return index, "sdxl" if kinds.get("text_encoder_2") else "sd"


def check_unet(folder: Path, family: str) -> None:
    """Raise CheckpointError unless a folder's UNet takes what the studio gives it: a latent, a timestep, a text."""
    config = read_json(folder / "config.json")
    inputs, outputs = config.get("in_channels", 4), config.get("out_channels", 4)
    if inputs != outputs:
        raise CheckpointError(
            f"{folder} takes {inputs} channels and gives {outputs} (inpainting or editing); playable are UNets that "
            f"take the latent alone: {PLAYABLE}"
        )
    wanted = "text_time" if family == "sdxl" else None
    found = config.get("addition_embed_type")
    more = next(
        (name for name in ("class_embed_type", "num_class_embeds", "encoder_hid_dim_type") if config.get(name)), None
    )
    if found != wanted or more:
        raise CheckpointError(
            f"{folder} wants additional conditioning ({more or found}), where the family {family} has "
            f"{wanted or 'none'}; playable: {PLAYABLE}"
        )


def read_net(kind: Any, folder: Path, dtype: torch.dtype, **options: Any) -> nn.Module:
    """Read a network from its folder, by the `from_pretrained` of its class, its keys all there and all used."""
    read_json(folder / "config.json")
    transformers = kind.__module__.startswith("transformers")
    options |= {"dtype": dtype} if transformers else {"torch_dtype": dtype}
    try:
        with quiet(), plain_folder(folder) as place:
            net, report = kind.from_pretrained(
                place, local_files_only=True, use_safetensors=True, output_loading_info=True, **options
            )
    except (MissingWeights, CheckpointError):
        raise
    except Exception as error:  # what a broken file raises in the libraries is any of a dozen kinds
        raise CheckpointError(f"{kind.__name__} cannot be read from {folder}: {error}; download it again") from error
    problems = {name: sorted(map(str, keys)) for name, keys in report.items() if keys}
    if problems:
        shown = "; ".join(f"{name}: {len(keys)}, as {', '.join(keys[:3])}" for name, keys in problems.items())
        raise CheckpointError(
            f"{folder} does not fit a {kind.__name__} of its config.json ({shown}); download it again"
        )
    return net.eval().requires_grad_(False)


@contextmanager
def quiet() -> Iterator[None]:
    """Work without the libraries' bars and remarks: what matters of them is in the report, and raised."""
    import diffusers.utils.logging
    import transformers.utils.logging

    held = [(library, library.get_verbosity()) for library in (diffusers.utils.logging, transformers.utils.logging)]
    had_bars = transformers.utils.logging.is_progress_bar_enabled()
    try:
        transformers.utils.logging.disable_progress_bar()
        for library, _ in held:
            library.set_verbosity_error()
        yield
    finally:
        for library, verbosity in held:
            library.set_verbosity(verbosity)
        if had_bars:
            transformers.utils.logging.enable_progress_bar()


def fingerprint(files: Iterable[Path]) -> str:
    """Give 12 hex digits that tell weights apart without reading gigabytes: every file's size, header and both ends."""
    digest = hashlib.sha256()
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as stream:
            start = stream.read(8)
            header = min(int.from_bytes(start, "little"), 100 * ENDS) if file.suffix == ".safetensors" else 0
            digest.update(start + stream.read(header + ENDS))
            stream.seek(max(size - ENDS, 0))
            digest.update(stream.read())
    return digest.hexdigest()[:12]


def make_levels(config: Mapping[str, Any], where: Path, distilled: bool, prediction: str | None = None) -> Levels:
    """Make the noise levels of a scheduler's config, which is that of `where`.

    prediction: what the net gives, in place of what the config says; possible are those of `noise_levels`.
    """
    name = str(config.get("_class_name"))
    if name not in SCHEDULERS:
        other = (
            "whose levels are not variance-preserving" if name in OTHER_SCHEDULERS else "which is none that is played"
        )
        raise CheckpointError(
            f"{where} names the scheduler {name!r}, {other}; possible: {', '.join(SCHEDULERS)}; playable: {PLAYABLE}"
        )
    alphas = cumulative_alphas(name, config, where)
    original_steps = config.get("original_inference_steps") or LCM_STEPS if distilled or "LCM" in name else 0
    return Levels(alphas, prediction or config.get("prediction_type", "epsilon"), original_steps)


def cumulative_alphas(name: str, config: Mapping[str, Any], where: Path) -> Tensor:
    """Give the alphas_cumprod of a scheduler; CheckpointError for a config that diffusers cannot build it from."""
    import diffusers

    try:
        with quiet():
            alphas = getattr(diffusers, name).from_config(config).alphas_cumprod
    except Exception as error:  # what a broken file raises in the libraries is any of a dozen kinds
        raise CheckpointError(
            f"{where} is none that a {name} can be made from ({type(error).__name__}: {error}); download it again"
        ) from error
    if not isinstance(alphas, Tensor) or not alphas.isfinite().all():
        raise CheckpointError(f"{where} gives levels that are no numbers; download it again")
    return alphas


def read_tokenizer(place: Path, vocabulary: int) -> Tokenizer:
    """Read a CLIP tokenizer that works and gives tokens below `vocabulary`, which its encoder knows."""
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(place, local_files_only=True)
    except Exception as error:  # what a broken file raises in the library is any of a dozen kinds
        raise CheckpointError(f"no CLIP tokenizer in {place}: {error}; download it again") from error
    return check_tokenizer(tokenizer, place, vocabulary)


def check_tokenizer(tokenizer: Tokenizer, place: Path, vocabulary: int) -> Tokenizer:
    """Give a place's tokenizer back, if it works and gives tokens below `vocabulary`; else raise CheckpointError."""
    try:
        length = min(tokenizer.model_max_length, 8)
        highest = max(tokenizer("a fox", padding="max_length", max_length=length, truncation=True).input_ids)
    except Exception as error:  # what a broken file raises in the library is any of a dozen kinds
        raise CheckpointError(f"no CLIP tokenizer in {place}: {error}; download it again") from error
    if highest >= vocabulary:
        raise CheckpointError(
            f"{place} gives the token {highest} and its encoder knows {vocabulary}; the parts are of two models"
        )
    return tokenizer


class Words:
    """One or two CLIP text encoders with their tokenizers: words to token states. One text at a time."""

    def __init__(self, tokenizers: Sequence[Tokenizer], encoders: Mapping[str, nn.Module], zeros_for_empty: bool):
        self.tokenizers, self.encoders = tokenizers, encoders
        self.zeros_for_empty = zeros_for_empty  # SDXL was trained so
        self.lock = Lock()
        configs = [net.config for net in encoders.values()]
        self.width: int = sum(config.hidden_size for config in configs)  # type: ignore[union-attr, misc]
        self.pooled: int = configs[-1].projection_dim if len(configs) == 2 else 0  # type: ignore[union-attr, assignment]

    @staticmethod
    def read(folder: Path, index: Mapping[str, Any], family: str, dtype: torch.dtype, device: torch.device) -> Words:
        """Read those of a folder."""
        import transformers

        kinds = {name: getattr(transformers, kind) for name, kind in TEXT_ENCODERS.items()}
        names = tuple(TEXT_ENCODERS)[: 1 if family == "sd" else 2]
        encoders: dict[str, Any] = {name: read_net(kinds[name], folder / name, dtype).to(device) for name in names}
        tokenizers = [
            read_tokenizer(folder / name.replace("text_encoder", "tokenizer"), encoders[name].config.vocab_size)
            for name in names
        ]
        return Words(tokenizers, encoders, family == "sdxl" and bool(index.get("force_zeros_for_empty_prompt")))

    @torch.no_grad()
    def states(self, text: str) -> Tensor:
        """Give (L, D) float32: the last layer's states, of as many chunks as the text has; see `text.read_prompt`.

        Of two encoders (L + 1, D): the layers before the last side by side, and in the last row the pooled text, zeros
        behind it: so whatever mixes texts mixes both.
        """
        layer = 0 if len(self.encoders) == 1 else -2
        parts = [read_prompt(*pair, text, layer) for pair in zip(self.tokenizers, self.encoders.values())]
        states, pooled = torch.cat([each for each, _ in parts], 1), parts[-1][1]
        if len(parts) == 1:
            return states
        assert pooled is not None  # of the encoder with a projection
        packed = torch.cat([states, nn.functional.pad(pooled, (0, states.shape[1] - len(pooled)))[None]])
        return torch.zeros_like(packed) if not text and self.zeros_for_empty else packed


def number(net: Net, name: str) -> float:
    """Give a number of an autoencoder's config; CheckpointError for what is none."""
    value = net.config.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        raise CheckpointError(
            f"the autoencoder's {name} is {value!r}, which is no number; download its config.json again"
        )
    return value


class Codec:
    """An autoencoder between pictures and latents: the full one, by the mean of its posterior, or the tiny one."""

    def __init__(self, net: Net, tiny: bool) -> None:
        self.net, self.tiny = net, tiny
        self.scale = number(net, "scaling_factor")
        self.shift = number(net, "shift_factor") if net.config.get("shift_factor") else 0.0
        if not self.scale:
            raise CheckpointError("the autoencoder's scaling_factor is 0; download its config.json again")

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """Encode uint8 (H, W, 3) as a latent (C, h, w), float32."""
        net = self.net
        x = pixels.to(net.device).permute(2, 0, 1)[None].float() / 127.5 - 1
        encoded = net.encode(x.to(net.dtype, memory_format=torch.channels_last))
        latent = encoded.latents if self.tiny else encoded.latent_dist.mode()
        return (latent[0].float() - self.shift) * self.scale

    @torch.no_grad()
    def decode(self, latent: Tensor) -> Tensor:
        """Decode a latent (C, h, w) to pixels (1, 3, H, W) about 0..255, float32, on the device."""
        x = latent[None].to(self.net.device) / self.scale + self.shift
        ready = x.to(self.net.dtype, memory_format=torch.channels_last)
        return self.net.decode(ready, return_dict=False)[0].float().mul(127.5).add(127.5)


def read_vae(kind: Any, folder: Path, dtype: torch.dtype) -> nn.Module:
    """Read an autoencoder of a kind from its folder; CheckpointError for one of another kind."""
    found = read_json(folder / "config.json").get("_class_name")
    if found != kind.__name__:
        raise CheckpointError(f"{folder} holds a {found}, needed is a {kind.__name__}; name another folder")
    return read_net(kind, folder, dtype)


def read_controlnet(folder: Path, dtype: torch.dtype) -> nn.Module:
    """Read a ControlNet from its folder."""
    from diffusers.models.controlnets.controlnet import ControlNetModel

    config = read_json(folder / "config.json")
    if config.get("_class_name") != "ControlNetModel":
        raise CheckpointError(f"{folder} holds a {config.get('_class_name')}, needed is a ControlNetModel")
    return read_net(ControlNetModel, folder, dtype)


def check_controlnet(net: Net, unet: Net, name: str) -> None:
    """Raise CheckpointError unless a ControlNet is one for this UNet."""
    for key in ("in_channels", "cross_attention_dim", "block_out_channels", "down_block_types", "layers_per_block"):
        ours, its = unet.config[key], net.config[key]
        if ours != its and listed(ours) != listed(its):
            raise CheckpointError(
                f"ControlNet {name} is for another family: its {key} is {its}, the model's {ours}; "
                "use one trained on this family"
            )
    if net.config.addition_embed_type != unet.config.addition_embed_type or net.config.conditioning_channels != 3:
        raise CheckpointError(f"ControlNet {name} is for another family; use one for pictures of this family")


def listed(value: object) -> object:
    return list(value) if isinstance(value, list | tuple) else value
