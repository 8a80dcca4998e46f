"""A tiny picture encoder, and a tiny image-to-video student as RealWonder's trainer leaves it."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import WanTransformer3DModel
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

from tiny.wan_folders import LAYERS, TEXT, original_name

WIDTH = 20  # numbers a token of the picture has
TOKENS = 5  # four patches and one of the whole
PICTURE = {
    "condition_embedder.image_embedder.norm1.": "img_emb.proj.0.",
    "condition_embedder.image_embedder.ff.net.0.proj.": "img_emb.proj.1.",
    "condition_embedder.image_embedder.ff.net.2.": "img_emb.proj.3.",
    "condition_embedder.image_embedder.norm2.": "img_emb.proj.4.",
}
IN_BLOCK = {"add_k_proj.": "k_img.", "add_v_proj.": "v_img.", "norm_added_k.": "norm_k_img."}


def tiny_i2v(seed: int = 0, layers: int = LAYERS) -> WanTransformer3DModel:
    """The tiny net of `wan_folders`, told a picture: 16 + 20 channels in, and its tokens."""
    torch.manual_seed(seed)
    net = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=24, in_channels=36, out_channels=16,
        text_dim=TEXT, freq_dim=32, ffn_dim=64, num_layers=layers, image_dim=WIDTH, added_kv_proj_dim=48,
    )  # fmt: skip
    for name, weight in net.named_parameters():
        if "norm" in name:
            weight.data += torch.randn_like(weight) / 3
    return net.eval().requires_grad_(False)


def original(name: str) -> str:
    """The name the original code gives a weight."""
    for part, other in PICTURE.items():
        if name.startswith(part):
            return name.replace(part, other)
    for part, other in IN_BLOCK.items():
        if f".attn2.{part}" in name:
            return name.replace("attn2.", "cross_attn.").replace(part, other)
    return original_name(name)


def tiny_student(path: Path, seed: int = 0) -> Path:
    """A student's file: two nets, every name under "model." and FSDP's wrapper."""
    state = {f"model._fsdp_wrapped_module.{original(k)}": v.clone() for k, v in tiny_i2v(seed).state_dict().items()}
    torch.save({"generator": state, "generator_ema": state}, path)
    return path


def tiny_picture_encoder(folder: Path, seed: int = 0) -> Path:
    """A folder with image_encoder/ and image_processor/, of pictures of 28 pixels."""
    torch.manual_seed(seed)
    config = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    CLIPVisionModel(config).save_pretrained(folder / "image_encoder")
    size = {"height": 28, "width": 28}
    CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=size).save_pretrained(folder / "image_processor")
    return folder
