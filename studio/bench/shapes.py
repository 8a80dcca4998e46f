"""The architectures the GPU suite measures, as literal configurations, and checkpoints of them with random weights.

Nothing is downloaded: how fast a network runs does not depend on what it has learned. The checkpoints are folders as
the hub has them, so the studio's own loaders read them; text encoders have one layer, being no part of what is timed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

STABLE = dict(sample_size=64, in_channels=4, out_channels=4, layers_per_block=2, use_linear_projection=True)
SD_TURBO = STABLE | dict(
    block_out_channels=(320, 640, 1280, 1280),
    down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    attention_head_dim=(5, 10, 20, 20),
    cross_attention_dim=1024,
)
SDXL_TURBO = STABLE | dict(
    block_out_channels=(320, 640, 1280),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    transformer_layers_per_block=(1, 2, 10),
    attention_head_dim=(5, 10, 20),
    cross_attention_dim=2048,
    addition_embed_type="text_time",
    addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=2816,
)
TINY_BLOCKS = dict(
    block_out_channels=(16, 32),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    attention_head_dim=(2, 4),
    norm_num_groups=8,
    layers_per_block=1,
)
WAN = dict(
    patch_size=(1, 2, 2), num_attention_heads=12, attention_head_dim=128, in_channels=16, out_channels=16,
    text_dim=4096, freq_dim=256, ffn_dim=8960, num_layers=30, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
    eps=1e-6, rope_max_seq_len=1024,
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """One architecture. kind: "image" or "video"; net: the UNet's or transformer's arguments; text: widths of the text
    encoders' states; tiny: channels of the tiny decoder (TAESD's one width, TAEHV's four); steps: as it is played.
    options: what a factory is told beside; goals: what a figure is to reach on one H100, by its name (`gpu.GOALS`).
    """

    kind: str
    net: dict[str, Any]
    text: tuple[int, ...]
    tiny: tuple[int, ...]
    size: tuple[int, int]
    steps: int
    options: Mapping[str, Any] = field(default_factory=dict)
    goals: Mapping[str, float] = field(default_factory=dict)


# As the registry opens Causal Forcing's students (tests/test_gpu.py holds the two together).
FRAME_WISE: Mapping[str, Any] = {"chunk": 1, "sink": 0, "window": 20}
CHUNK_WISE: Mapping[str, Any] = {"sink": 0, "window": 18, "drift_guard": True}
FRAME_GOALS, CHUNK_GOALS = {"fps": 60, "pictures_to_answer": 6}, {"fps": 40}
TAEHV = (256, 128, 64, 64)

SHAPES = {
    "sd-turbo": Shape("image", SD_TURBO, (1024,), (64,), (512, 512), 1, goals={"fps": 120}),
    "sdxl-turbo": Shape("image", SDXL_TURBO, (768, 1280), (64,), (512, 512), 1),
    "wan-1.3b": Shape("video", WAN, (4096,), TAEHV, (480, 832), 4),
    "wan-1.3b-frame": Shape("video", WAN, (4096,), TAEHV, (480, 832), 2, FRAME_WISE, FRAME_GOALS),
    "wan-1.3b-chunk": Shape("video", WAN, (4096,), TAEHV, (480, 832), 4, CHUNK_WISE, CHUNK_GOALS),
}
SMALL_WAN = WAN | dict(num_attention_heads=2, attention_head_dim=24, text_dim=32, freq_dim=32, ffn_dim=64, num_layers=2)
# The same in small, to see on any machine that the suite runs.
SMALL = {
    "sd-turbo": Shape("image", SD_TURBO | TINY_BLOCKS | dict(cross_attention_dim=32), (32,), (8,), (64, 64), 1),
    "sdxl-turbo": Shape(
        "image",
        SDXL_TURBO
        | TINY_BLOCKS
        | dict(
            transformer_layers_per_block=(1, 2),
            cross_attention_dim=64,
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 32,
        ),
        (32, 32),
        (8,),
        (64, 64),
        1,
    ),
    "wan-1.3b": Shape("video", SMALL_WAN, (32,), (8, 8, 8, 8), (64, 96), 4),
    "wan-1.3b-frame": Shape("video", SMALL_WAN, (32,), (8, 8, 8, 8), (64, 96), 2, FRAME_WISE, FRAME_GOALS),
    "wan-1.3b-chunk": Shape("video", SMALL_WAN, (32,), (8, 8, 8, 8), (64, 96), 4, CHUNK_WISE, CHUNK_GOALS),
}


def write(shape: Shape, folder: Path, dtype: torch.dtype) -> dict[str, Path]:
    """A checkpoint of the shape in a folder: the paths that its factory (`Image`, `Wan`) is called with."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    if shape.kind == "image":
        return write_image(shape, folder, dtype)
    return write_video(shape, folder, dtype)


def write_image(shape: Shape, folder: Path, dtype: torch.dtype) -> dict[str, Path]:
    """A Stable Diffusion folder, and beside it the tiny autoencoder's; its full one is a tiny one too, and not used."""
    import diffusers
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler

    whole, tiny_vae, xl = folder / "whole", folder / "tiny_vae", len(shape.text) == 2
    with torch.device("meta"):
        unet = UNet2DConditionModel(**shape.net)
    save_random(unet, whole / "unet", dtype)
    blocks: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (8,) * 4,
    }
    AutoencoderKL(**blocks, norm_num_groups=4, latent_channels=4).save_pretrained(whole / "vae")
    EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="trailing", steps_offset=1
    ).save_pretrained(whole / "scheduler")
    index: dict[str, Any] = {"unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}
    for number, width in enumerate(shape.text):
        end = f"_{number + 1}" if number else ""
        kind = write_clip(whole, end, width)
        index |= {f"text_encoder{end}": ["transformers", kind], f"tokenizer{end}": ["transformers", "CLIPTokenizer"]}
    pipeline = "StableDiffusionXLPipeline" if xl else "StableDiffusionPipeline"
    absent = ("feature_extractor", "image_encoder") if xl else ("feature_extractor", "image_encoder", "safety_checker")
    index |= {"scheduler": ["diffusers", "EulerDiscreteScheduler"], **{name: [None, None] for name in absent}}
    named = {"_class_name": pipeline, "_diffusers_version": diffusers.__version__, **index}
    (whole / "model_index.json").write_text(json.dumps(named), encoding="utf-8")
    (width,) = shape.tiny
    AutoencoderTiny(encoder_block_out_channels=(width,) * 4, decoder_block_out_channels=(width,) * 4).save_pretrained(
        tiny_vae
    )
    return {"folder": whole, "tiny_vae": tiny_vae}


def write_clip(folder: Path, end: str, width: int) -> str:
    """A CLIP text encoder of one layer with a tokenizer that knows bytes; the class it is of."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    config = CLIPTextConfig(
        vocab_size=514, hidden_size=width, intermediate_size=width, num_hidden_layers=1, num_attention_heads=4,
        projection_dim=width, bos_token_id=512, eos_token_id=513, pad_token_id=513,
    )  # fmt: skip
    kind = CLIPTextModelWithProjection if end else CLIPTextModel
    kind(config).save_pretrained(folder / f"text_encoder{end}")
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    place = folder / f"tokenizer{end}"
    place.mkdir(parents=True)
    (place / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}), encoding="utf-8")
    (place / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    CLIPTokenizer.from_pretrained(place, model_max_length=77).save_pretrained(place)
    return kind.__name__


def write_video(shape: Shape, folder: Path, dtype: torch.dtype) -> dict[str, Path]:
    """A Wan folder in diffusers' layout, and beside it the tiny decoder's file."""
    import transformers
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
    from safetensors.torch import save_file
    from transformers import UMT5Config, UMT5EncoderModel

    from studio.models.wan.video_decoder import TinyDecoder

    base, tiny = folder / "base", folder / "tiny_decoder.safetensors"
    with torch.device("meta"):
        transformer = WanTransformer3DModel(**shape.net)
    save_random(transformer, base / "transformer", dtype)
    AutoencoderKLWan(base_dim=4, num_res_blocks=1).save_pretrained(base / "vae")  # decoded with the tiny one
    letters = [(chr(code), -1.0) for code in range(33, 127)]
    known: Any = transformers
    tokenizer = known.T5TokenizerFast(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *letters], extra_ids=0)
    tokenizer.save_pretrained(base / "tokenizer")
    (width,) = shape.text
    text = UMT5Config(vocab_size=len(tokenizer), d_model=width, d_kv=8, d_ff=64, num_layers=1, num_heads=4)
    UMT5EncoderModel(text).save_pretrained(base / "text_encoder")
    (base / "model_index.json").write_text(json.dumps({"_class_name": "WanPipeline"}), encoding="utf-8")
    save_file(TinyDecoder(16, shape.tiny, (1, 2, 2)).to(dtype).state_dict(), tiny)
    return {"base": base, "tiny_decoder": tiny}


def save_random(net: Any, folder: Path, dtype: torch.dtype) -> None:
    """A diffusers model that was made without memory (on "meta"), saved with random weights."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    some = torch.randn(1 << 22, generator=torch.Generator().manual_seed(0)).mul(0.02).to(dtype)
    save_file(
        {name: random_weight(name, weight, some) for name, weight in net.state_dict().items()},
        folder / "diffusion_pytorch_model.safetensors",
    )
    net.save_config(folder)


def random_weight(name: str, weight: Tensor, some: Tensor) -> Tensor:
    """Matrices and kernels from `some` random numbers over and over; norms do nothing, biases are 0."""
    if weight.ndim == 1:
        return torch.full(weight.shape, float("norm" in name and name.endswith("weight")), dtype=some.dtype)
    return some.repeat(math.ceil(weight.numel() / len(some)))[: weight.numel()].view(weight.shape).contiguous()
