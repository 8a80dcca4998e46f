"""LoRAs of the Wan family: how their trainers name the layers, and what is made of the weights they change.

Names come as diffusers and PEFT write them (`transformer.blocks.0.attn1.to_q`), as the original code's
(`blocks.0.self_attn.q`, under ComfyUI's `diffusion_model.`), or as one word of those (musubi's
`lora_unet_blocks_0_self_attn_q`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from studio.models.lora.names import Names, own_names
from studio.models.lora.reader import Trained, read_lora
from studio.models.lora.source import ReadPickled, Tell

NET = "transformer"
MODULATION, TABLE = ".diff_m", "scale_shift_table"  # LightX2V's ending, and what diffusers calls what it changes
# How trainers begin a layer's name -> the network it then is of.
BEGINNINGS = {
    "lora_unet_": NET,
    "lora_transformer_": NET,
    "lycoris_": "",
    "base_model.model.": "",
    "model.diffusion_model.": NET,
    "diffusion_model.": NET,
    "transformer_2.": "transformer_2",
    "transformer.": NET,
    "text_encoder.": "text_encoder",
    "lora_te_": "text_encoder",
    "lora_te1_": "text_encoder",
    "model.": "",
    "module.": "",
}
# Parts of layers' names, diffusers' -> the original code's.
ORIGINAL = {
    "condition_embedder_time_embedder_linear_1": "time_embedding_0",
    "condition_embedder_time_embedder_linear_2": "time_embedding_2",
    "condition_embedder_text_embedder_linear_1": "text_embedding_0",
    "condition_embedder_text_embedder_linear_2": "text_embedding_2",
    "condition_embedder_time_proj": "time_projection_1",
    "proj_out": "head_head",
    "attn1_to_out_0": "self_attn_o",
    "attn2_to_out_0": "cross_attn_o",
    "attn1_to_": "self_attn_",
    "attn2_to_": "cross_attn_",
    "attn1_norm": "self_attn_norm",
    "attn2_norm": "cross_attn_norm",
    "_norm2": "_norm3",
    "ffn_net_0_proj": "ffn_0",
    "ffn_net_2": "ffn_2",
}
IMAGE_TO_VIDEO = ("k_img", "v_img", "img_emb", "add_k_proj", "add_v_proj", "norm_added_k", "image_embedder")
ELSEWHERE: dict[str, str] = dict.fromkeys(IMAGE_TO_VIDEO, "the layers of an image-to-video Wan")


def layer_names(net: nn.Module) -> Names:
    """Give the layers of a WanTransformer3DModel by diffusers' names and the original code's."""
    own = own_names(net)
    layers = {original_name(flat): name for flat, name in own.items()} | own
    return Names(BEGINNINGS, {NET: layers}, ELSEWHERE, (MODULATION,))


def original_name(flat: str) -> str:
    """Give the original code's name of a layer, both flattened."""
    for ours, theirs in ORIGINAL.items():
        flat = flat.replace(ours, theirs)
    return flat


def lora_merges(
    source: Path, net: nn.Module, tell: Tell, read_pickled: ReadPickled
) -> dict[str, Callable[[Tensor], Tensor]]:
    """Say what a LoRA makes of the weights it changes, by their names: weight -> changed weight, float32.

    net: on the meta device. Raises CheckpointError for a LoRA that is not one of this base, see `read_lora`.
    """
    names = layer_names(net)
    lora = read_lora(source, {NET: net}, names, tell, read_pickled)
    aside: list[str] = []
    merges: dict[str, Callable[[Tensor], Tensor]] = modulation_merges(lora.others, net, names, aside)
    if aside:
        tell(f"LoRA {source.name}: {len(aside)} modulations that this model has not are left aside (as {aside[0]})")
    for (_, layer), trained in lora.layers.items():
        merges[f"{layer}.weight"] = partial(merge_weight, trained)
        if (change := trained.bias) is not None:
            merges[f"{layer}.bias"] = partial(merge_added, change)
    return merges


def merge_weight(trained: Trained, weight: Tensor) -> Tensor:
    """Give a layer's weight with its change."""
    return weight.float() + trained.change(weight).of_weight(weight)


def merge_added(change: Tensor, weight: Tensor) -> Tensor:
    """Give a bias, or a modulation, with its change."""
    return weight.float() + change.float().reshape(weight.shape)


def modulation_merges(
    changes: Mapping[str, Tensor], net: nn.Module, names: Names, aside: list[str]
) -> dict[str, Callable[[Tensor], Tensor]]:
    """Say what changes of modulations (LightX2V's `blocks.0.diff_m`, `head.diff_m`) make of them, by their names.

    aside: gets the keys of those that the net does not have.
    """
    own = {name: held.numel() for name, held in net.named_parameters() if name.endswith(TABLE)}
    merges: dict[str, Callable[[Tensor], Tensor]] = {}
    for key, change in changes.items():
        whose, place = names.split(key.removesuffix(MODULATION), NET)
        name = TABLE if place == "head" else f"{place}.{TABLE}"
        if whose == NET and own.get(name) == change.numel():
            merges[name] = partial(merge_added, change)
        else:
            aside.append(key)
    return merges
