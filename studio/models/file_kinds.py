"""What a file of weights is of, by the names in it: told before anything is loaded, with what would do.

`KINDS` is the table. Only a safetensors header is read, which costs nothing; what another kind of file is, whoever
loads it says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from studio.hub.safetensors_headers import METADATA, read_header
from studio.models.errors import CheckpointError
from studio.models.weight_files import SCALES, check_kind

FIRST_CONV = "model.diffusion_model.input_blocks.0.0.weight"
# A bias whose standard deviation is above this in the SD 2.x files that predict v (ComfyUI's supported_models.py).
SPREAD_OF_V = ("output_blocks.11.1.transformer_blocks.0.norm1.bias", 0.09)
IN_ONE_FILE = "playable in one file: SD 1.x, 2.x and SDXL in the original layout, UNet, text encoder and VAE"

# Parts of names of which one has to be there: what the file is, and what would do. The first that fits counts.
KINDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("bitsandbytes__", ".quant_map"),
        "quantized by bitsandbytes",
        "give the fp16 file; --quantize int8 makes it small",
    ),
    (SCALES, "in scaled fp8, whose scales are not read", "give the fp16 file; --quantize fp8 makes it as small"),
    (("lora_controlnet",), "a control-LoRA, which is put into a base's UNet", "give a whole ControlNet of the family"),
    (
        (".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", "lora_unet_", "lora_te_", ".hada_w1", ".lokr_w1"),
        "a LoRA, which changes a model and is none",
        "give the model it was made for as --model, and this with --lora NAME=FILE",
    ),
    (
        ("edm_mean", "edm_vpred."),
        "an EDM checkpoint (Playground 2.5, CosXL): its levels are not variance-preserving",
        "",
    ),
    (
        ("conditioner.embedders.0.model.transformer.",),
        "SDXL's refiner, which finishes another model's pictures and draws none",
        "give the SDXL base file",
    ),
    (("control_add_embedding.", "task_embedding"), "a ControlNet union, which is told a kind beside the picture", ""),
    (
        ("control_model.", "controlnet_cond_embedding.", "input_hint_block."),
        "a ControlNet",
        "give a model as --model, and this with --controlnet FILE",
    ),
    (("ip_adapter.", "image_proj."), "an IP-Adapter, which is not played", ""),
    (("adapter.body.", "body.0.block1."), "a T2I-Adapter, which is not played", "give a ControlNet of the family"),
    (("motion_modules.",), "an AnimateDiff motion module, which is not played", ""),
    (("vace_blocks.",), "Wan VACE, which is not played", ""),
    (
        ("head.modulation", "condition_embedder.", "self_attn.norm_k"),
        "Wan's transformer alone",
        "give a Wan folder as --model (Wan-AI/Wan2.1-T2V-1.3B-Diffusers), and this with --generator FILE",
    ),
    (("joint_blocks.",), "Stable Diffusion 3, which is another kind of net", ""),
    (("double_blocks.", "single_transformer_blocks."), "FLUX or a net like it, which is not played", ""),
    (("string_to_param", "emb_params", "clip_g", "clip_l"), "a textual inversion, which is not played", ""),
)
WHOLE = ("cond_stage_model.", "conditioner.")
PARTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("model.diffusion_model.", "input_blocks.0."), "a UNet alone", "give the whole checkpoint, or a diffusers folder"),
    (
        ("model_ema.",),
        "a UNet's averaged weights alone, as its trainer goes on from them",
        "give the file that is for playing, whose names begin with model.diffusion_model.",
    ),
    (
        ("down_blocks.0.", "up_blocks.0."),
        "a net of a diffusers folder alone",
        "give the folder, with model_index.json in it",
    ),
    (("decoder.", "encoder."), "a VAE alone", "give the whole checkpoint, or a diffusers folder"),
    (("text_model.", "embeddings."), "a text encoder alone", "give the whole checkpoint, or a diffusers folder"),
)


def is_whole_checkpoint(names: Collection[str]) -> bool:
    """Whether names are of a checkpoint in one file, which has a UNet and what reads the words."""
    return any(name.startswith(WHOLE) for name in names) and any("model.diffusion_model." in name for name in names)


def kind_of(names: list[str]) -> tuple[str, str]:
    """Say what names are of, and what would do; two empty texts for a whole checkpoint, or names of no known kind."""
    for parts, what, todo in KINDS if is_whole_checkpoint(names) else (*KINDS, *PARTS):
        if any(part in name for name in names for part in parts):
            return what, todo
    return "", ""


def other_channels(header: Mapping[str, Any]) -> str:
    """Say what a UNet is that takes more than the latent; nothing for one that does not."""
    entry = header.get(FIRST_CONV)
    shape = entry.get("shape") if isinstance(entry, dict) else None
    channels = shape[1] if isinstance(shape, list) and len(shape) == 4 else 4
    kinds = {9: "an inpainting checkpoint", 8: "an InstructPix2Pix checkpoint", 5: "a depth-to-image checkpoint"}
    kind = kinds.get(channels, "a checkpoint for more than words")
    return "" if channels == 4 else f"{kind}: its UNet takes {channels} channels, a picture beside the latent's 4"


def check_image_file(path: Path, wanted: str = "") -> None:
    """Raise CheckpointError for a file that is known not to be what is wanted: what it is, and what would do.

    wanted: "controlnet", or "" for a whole checkpoint. A file of which nothing is known passes, for whoever loads it.
    """
    check_kind(path)
    header = read_header(path)
    names = [name for name in header if name != METADATA]
    what, todo = kind_of(names)
    if wanted == "controlnet":
        if what == "a ControlNet":
            return
        what = what or ("a whole checkpoint, and no ControlNet" if names else "")
        todo = "give a ControlNet of the model's family: a diffusers folder, or one file"
    elif not what:
        what, todo = other_channels(header), "use the family's base checkpoint"
    if what:
        raise CheckpointError(f"{path} is {what}; {todo or IN_ONE_FILE}")
