"""LoRAs of the image families: how their trainers name the layers of a UNet and its text encoders."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import nn

from studio.models.image.learned_words import BUNDLE
from studio.models.libraries import Net
from studio.models.lora.change import Change
from studio.models.lora.live import Mix, adapt, fuse
from studio.models.lora.names import Names, Place, flat_name, own_names
from studio.models.lora.reader import read_lora
from studio.models.lora.source import Tell, used_files

__all__ = ["Mix", "adapt", "aliases", "fuse", "read", "sgm_names", "used_files"]

log = logging.getLogger("studio")
# How trainers begin the names of the layers of each network: kohya's and LyCORIS's, ComfyUI's, diffusers' and PEFT's.
BEGINNINGS = {
    "lora_unet_": "unet",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
    "lora_te3_": "text_encoder_3",
    "lora_te_": "text_encoder",
    "lora_transformer_": "transformer",
    "lycoris_": "",
    "unet.": "unet",
    "text_encoder_2.": "text_encoder_2",
    "text_encoder_3.": "text_encoder_3",
    "text_encoder.": "text_encoder",
    "text_encoders.clip_l.transformer.": "text_encoder",
    "text_encoders.clip_g.transformer.": "text_encoder_2",
    "clip_l.": "text_encoder",
    "clip_g.": "text_encoder_2",
    "transformer.": "transformer",
    "model.diffusion_model.": "unet",
    "diffusion_model.": "unet",
    "base_model.model.": "",
}


def read(path: Path, nets: Mapping[str, nn.Module], tell: Tell = log.warning) -> dict[Place, Change]:
    """Read what the LoRA in a file (or a folder of just one) adds to which layers of the networks, by their names.

    Names and shapes are checked: CheckpointError for another kind of file, or a LoRA trained for another base. tell:
    told what is left aside.
    """
    names = Names(BEGINNINGS, {name: aliases(net) for name, net in nets.items()}, others=(BUNDLE,))
    return {
        (net, layer): trained.change(weight_of(nets[net], layer)).to("cpu")
        for (net, layer), trained in read_lora(Path(path), nets, names, tell).layers.items()
    }


def weight_of(net: nn.Module, layer: str) -> Net:
    """Give the weight of a layer by its name."""
    return net.get_submodule(layer).weight


def aliases(net: nn.Module) -> dict[str, str]:
    """Give the names a LoRA may call a network's layers by, flattened -> the layer's own."""
    own = own_names(net)
    attention = {
        f"{flat.removesuffix(theirs)}{kohyas}": name
        for flat, name in own.items()
        for theirs, kohyas in (("q_proj", "to_q"), ("k_proj", "to_k"), ("v_proj", "to_v"), ("out_proj", "to_out_0"))
        if flat.endswith(theirs)
    }
    blocks = dict(sgm_names(net)) if "down_blocks" in dict(net.named_children()) else {}
    blocks |= {norm_name(name): flat for name, flat in blocks.items()}
    sgm = {flat: own[name] for flat, name in blocks.items() if name in own}
    return {**sgm, **attention, **own}


def norm_name(name: str) -> str:
    """Give Stability's own name of a residual block's norm, which `sgm_names` leaves as it is."""
    if "transformer_blocks" in name:
        return name
    return re.sub("_norm2$", "_out_layers_0", re.sub("_norm1$", "_in_layers_0", name))


def sgm_names(unet: Net) -> Iterator[tuple[str, str]]:
    """Yield (name, flattened own name) of a UNet's layers in Stability's own code, which kohya's SDXL LoRAs use."""
    pairs = {"conv_in": "input_blocks_0_0", "conv_norm_out": "out_0", "conv_out": "out_2"}
    pairs |= {f"time_embedding_linear_{n}": f"time_embed_{2 * n - 2}" for n in (1, 2)}
    pairs |= {f"add_embedding_linear_{n}": f"label_emb_0_{2 * n - 2}" for n in (1, 2)}
    each = unet.config["layers_per_block"]
    for block, held in enumerate(unet.down_blocks):
        for layer in range(len(held.resnets)):
            place = f"input_blocks_{1 + block * (each + 1) + layer}"
            pairs |= {f"down_blocks_{block}_resnets_{layer}": f"{place}_0"}
            pairs |= {f"down_blocks_{block}_attentions_{layer}": f"{place}_1"}
        pairs[f"down_blocks_{block}_downsamplers_0_conv"] = f"input_blocks_{(block + 1) * (each + 1)}_0_op"
    pairs |= {"mid_block_resnets_0": "middle_block_0", "mid_block_attentions_0": "middle_block_1"}
    pairs["mid_block_resnets_1"] = "middle_block_2"
    for block, held in enumerate(unet.up_blocks):
        for layer in range(len(held.resnets)):
            place = f"output_blocks_{block * (each + 1) + layer}"
            pairs |= {f"up_blocks_{block}_resnets_{layer}": f"{place}_0"}
            pairs |= {f"up_blocks_{block}_attentions_{layer}": f"{place}_1"}
        above = 2 if getattr(held, "attentions", None) else 1
        pairs[f"up_blocks_{block}_upsamplers_0_conv"] = f"output_blocks_{block * (each + 1) + each}_{above}_conv"
    inside = {"conv1": "in_layers_2", "conv2": "out_layers_3", "time_emb_proj": "emb_layers_1"}
    inside["conv_shortcut"] = "skip_connection"
    for name, _ in unet.named_modules():
        flat = flat_name(name)
        ours = next((start for start in pairs if flat == start or flat.startswith(start + "_")), None)
        if ours is not None:
            rest = flat.removeprefix(ours).removeprefix("_")
            rest = inside.get(rest, rest) if "resnets" in ours else rest
            yield f"{pairs[ours]}_{rest}".removesuffix("_"), flat
