"""From the original layout of Stable Diffusion's files to diffusers': names by diffusers' own conversion, configs from
the weights' shapes.

A file says by its shapes how wide and how deep its nets are. How many heads they have, shapes do not say; it is one of
two things, told apart by what leads into attention: convolutions (SD 1.x: 8 heads a layer) or linear layers (SD 2.x and
SDXL: heads of 64).
Everything here is by name and shape; `single_file` builds the nets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from torch import Tensor

Weights = Mapping[str, Tensor]
UNET, VAE = "model.diffusion_model.", ("first_stage_model.", "vae.")
VAE_PARTS = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
# Text encoders, by the prefix of their names: who made them, and so in which names and activation.
CLIP = "cond_stage_model.transformer."
OPEN_CLIP = "cond_stage_model.model."
SDXL_CLIP = "conditioner.embedders.0.transformer."
SDXL_OPEN_CLIP = "conditioner.embedders.1.model."
TEXT_ENCODERS = {"sd1": (CLIP,), "sd2": (OPEN_CLIP,), "sdxl": (SDXL_CLIP, SDXL_OPEN_CLIP)}
SCALING = {"sd1": 0.18215, "sd2": 0.18215, "sdxl": 0.13025}  # of the latents, as the published configs have it
HEAD = 64  # numbers of an attention head, but in SD 1.x's UNet
HEADS = 8  # of every layer there
TIME_NUMBERS = 256  # each of SDXL's six numbers is embedded in
SD2_LAYERS = 23  # of OpenCLIP's 24, which SD 2.x reads the states of
NOT_READ = ("position_ids", "logit_scale", "attn_mask")


def part(weights: Weights, *prefixes: str) -> dict[str, Tensor]:
    """Give the weights whose names begin with one of the prefixes, without it."""
    return {name[len(p) :]: weight for name, weight in weights.items() for p in prefixes if name.startswith(p)}


def count(names: Iterable[str], pattern: str) -> int:
    """Count the numbers that stand in the place of the pattern's group; they begin at 0."""
    found = [int(match[1]) for name in names if (match := re.match(pattern, name))]
    return max(found, default=-1) + 1


# UNets and ControlNets


def unet_weights(weights: Weights) -> dict[str, Tensor]:
    """Give a UNet's weights under diffusers' names, from names without their prefix."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    told = {"layers_per_block": layers_per_block(weights)}
    told |= {"addition_embed_type": "text_time"} if "label_emb.0.0.weight" in weights else {}
    return convert_ldm_unet_checkpoint({UNET + name: weight for name, weight in weights.items()}, told)


def controlnet_weights(weights: Weights) -> dict[str, Tensor]:
    """Give a ControlNet's weights under diffusers' names, from the original ones, or from those as they are."""
    from diffusers.loaders.single_file_utils import DIFFUSERS_TO_LDM_MAPPING, convert_controlnet_checkpoint

    if "conv_in.weight" in weights:
        return dict(weights)
    found = convert_controlnet_checkpoint(dict(weights), {"layers_per_block": layers_per_block(weights)})
    texts = DIFFUSERS_TO_LDM_MAPPING["controlnet"]["addition_embed_type"]
    return found | {new: weights[old] for new, old in texts.items() if old in weights}


def layers_per_block(weights: Weights) -> int:
    """Give how many layers a level of the net has: of its input blocks, those that neither begin nor end a level."""
    blocks = count(weights, r"input_blocks\.(\d+)\.")
    ends = sum(bool(re.fullmatch(r"input_blocks\.\d+\.0\.op\.weight", name)) for name in weights)
    return max((blocks - 1 - ends) // (ends + 1), 1)


def unet_config(weights: Weights) -> dict[str, Any]:
    """Give the config that a UNet or ControlNet of these weights has, by diffusers' names and their shapes."""
    levels = range(count(weights, r"down_blocks\.(\d+)\."))
    widths = [len(weights[f"down_blocks.{level}.resnets.0.conv1.weight"]) for level in levels]
    attends = [f"down_blocks.{level}.attentions.0.proj_in.weight" in weights for level in levels]
    depths = [count(weights, rf"down_blocks\.{level}\.attentions\.0\.transformer_blocks\.(\d+)\.") for level in levels]
    into = next(weights[name] for name in weights if name.endswith("attentions.0.proj_in.weight"))
    cross = next(weights[name] for name in weights if name.endswith("attn2.to_k.weight"))
    linear = into.ndim == 2
    config: dict[str, Any] = {
        "in_channels": weights["conv_in.weight"].shape[1],
        "block_out_channels": widths,
        "down_block_types": ["CrossAttnDownBlock2D" if each else "DownBlock2D" for each in attends],
        "layers_per_block": count(weights, r"down_blocks\.0\.resnets\.(\d+)\."),
        "transformer_layers_per_block": [max(depth, 1) for depth in depths],
        "cross_attention_dim": cross.shape[1],
        "attention_head_dim": [max(width // HEAD, 1) for width in widths] if linear else HEADS,
        "use_linear_projection": linear,
    }
    if (text := weights.get("add_embedding.linear_1.weight")) is not None:
        config |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": TIME_NUMBERS,
            "projection_class_embeddings_input_dim": text.shape[1],
        }
    if (hint := weights.get("controlnet_cond_embedding.conv_in.weight")) is not None:
        inner = range(count(weights, r"controlnet_cond_embedding\.blocks\.(\d+)\.") // 2)
        grown = [len(weights[f"controlnet_cond_embedding.blocks.{2 * each + 1}.weight"]) for each in inner]
        return config | {
            "conditioning_channels": hint.shape[1],
            "conditioning_embedding_out_channels": [len(hint), *grown],
        }
    up = ["CrossAttnUpBlock2D" if each else "UpBlock2D" for each in reversed(attends)]
    return config | {"out_channels": len(weights["conv_out.weight"]), "up_block_types": up}


# Autoencoders


def vae_weights(weights: Weights) -> dict[str, Tensor]:
    """Give an autoencoder's weights under diffusers' names, from names without their prefix; a loss's left out."""
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    ours = {name: weight for name, weight in weights.items() if name.startswith(VAE_PARTS)}
    levels = ["level"] * count(ours, r"encoder\.down\.(\d+)\.")
    prefixed = {VAE[0] + name: weight for name, weight in ours.items()}
    return convert_ldm_vae_checkpoint(prefixed, {"down_block_types": levels, "up_block_types": levels})


def vae_config(weights: Weights, scaling: float) -> dict[str, Any]:
    """Give the config that an autoencoder of these weights has, by diffusers' names and their shapes."""
    levels = range(count(weights, r"encoder\.down_blocks\.(\d+)\."))
    return {
        "in_channels": weights["encoder.conv_in.weight"].shape[1],
        "out_channels": len(weights["decoder.conv_out.weight"]),
        "latent_channels": weights["decoder.conv_in.weight"].shape[1],
        "block_out_channels": [len(weights[f"encoder.down_blocks.{level}.resnets.0.conv1.weight"]) for level in levels],
        "down_block_types": ["DownEncoderBlock2D"] * len(levels),
        "up_block_types": ["UpDecoderBlock2D"] * len(levels),
        "layers_per_block": count(weights, r"encoder\.down_blocks\.0\.resnets\.(\d+)\."),
        "scaling_factor": scaling,
    }


# Text encoders


def text_weights(weights: Weights, prefix: str) -> dict[str, Tensor]:
    """Give a text encoder's weights under transformers' names, each beginning `text_model.` but the projection."""
    from diffusers.loaders.single_file_utils import convert_ldm_clip_checkpoint, convert_open_clip_checkpoint

    ours = {name: weight for name, weight in weights.items() if name.startswith(prefix)}
    ours = {name: weight for name, weight in ours.items() if not name.endswith(NOT_READ)}
    if prefix in (CLIP, SDXL_CLIP):
        found = convert_ldm_clip_checkpoint(ours)
        return {f"text_model.{name.removeprefix('text_model.')}": weight for name, weight in found.items()}
    width = ours[f"{prefix}token_embedding.weight"].shape[1]
    asked = SimpleNamespace(config=SimpleNamespace(hidden_size=width))
    found = convert_open_clip_checkpoint(asked, ours, prefix)
    if prefix == OPEN_CLIP:
        found.pop("text_projection.weight", None)
    return found


def text_config(weights: Weights, prefix: str) -> dict[str, Any]:
    """Give the config that a text encoder of these weights has, by transformers' names and their shapes."""
    vocabulary, width = weights["text_model.embeddings.token_embedding.weight"].shape
    projection = weights.get("text_projection.weight")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": len(weights["text_model.encoder.layers.0.mlp.fc1.weight"]),
        "num_hidden_layers": count(weights, r"text_model\.encoder\.layers\.(\d+)\."),
        "num_attention_heads": max(width // HEAD, 1),
        "max_position_embeddings": len(weights["text_model.embeddings.position_embedding.weight"]),
        "hidden_act": "quick_gelu" if prefix in (CLIP, SDXL_CLIP) else "gelu",
        "projection_dim": width if projection is None else len(projection),
    }
