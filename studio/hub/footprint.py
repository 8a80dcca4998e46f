"""What a model takes while it plays, computed from its architecture's numbers before anything is loaded.

Weights and caches are exact; what a forward and a decode take on the way are estimates from the largest feature maps
that live at once, meant to be too high, and not measured on a card yet. Everything here is bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from studio.hub.safetensors_headers import count_parameters

HALF, FULL = 2, 4  # bytes a number: bfloat16 or float16 on a card, float32 on a processor
QUANTIZED = 0.53  # of half precision, with 8-bit weights: embeddings, norms and scales stay as they are
CUDA_CONTEXT = 600_000_000  # CUDA's own, and its libraries' workspaces
RESIDENT = {"pocket": 800_000_000, "terrain": 700_000_000}  # while they play, measured (docs/log.md)
IMAGE_ROWS = 4  # image frames in flight that room is made for
# Estimates, bytes a pixel of one row in half precision: what is alive at once in a UNet, and in each decoder.
UNET, VAE, TINY_VAE = 600, 2_000, 400
VIDEO_VAE, VIDEO_TINY = 8_000, 2_000
FORWARD_TOKEN = 100_000  # bytes a token of a Wan block: its norms and products in float32, its feed-forward
PROMPT_TOKENS, PROMPTS = 512, 3  # token states that cross-attention keeps of a prompt, and of how many prompts
TOKEN_SIDE = 16  # pixels to a side of one of Wan's tokens

Kind = Literal["pocket", "terrain", "image", "video"]
DEFAULT_SIZE: Mapping[str, tuple[int, int]] = {
    "pocket": (256, 256),
    "terrain": (512, 512),
    "image": (512, 512),
    "video": (480, 832),
}
Options = Mapping[str, Any]  # a factory's, by name: each has its own type


@dataclass(frozen=True)
class ParameterCounts:
    """How many parameters a model has: the denoiser, its text encoders, its decoder and the tiny one in its place.

    size: (height, width) in pixels it is played at by default; layers, width: the video transformer's, for its cache.
    """

    kind: Kind
    size: tuple[int, int]
    denoiser: int
    text_encoder: int
    decoder: int
    tiny_decoder: int = 0
    layers: int = 0
    width: int = 0


@dataclass(frozen=True)
class MemoryNeed:
    """What a model takes, bytes by what takes them: on the device that draws, and beside it in the machine's memory."""

    on_device: Mapping[str, int]
    on_host: Mapping[str, int]

    @property
    def device_bytes(self) -> int:
        """Sum what lies on the device that draws."""
        return sum(self.on_device.values())

    @property
    def host_bytes(self) -> int:
        """Sum what lies in the machine's memory beside it."""
        return sum(self.on_host.values())

    @property
    def total(self) -> int:
        """Sum both."""
        return self.device_bytes + self.host_bytes


def memory_need(counts: ParameterCounts, options: Options, cuda: bool = True) -> MemoryNeed:
    """Compute what a model takes when it is opened with the factory's `options`, on a CUDA card or on the processor."""
    if counts.kind in RESIDENT:
        return MemoryNeed({"weights and working space": RESIDENT[counts.kind]}, {})
    number = HALF if cuda else FULL
    size = picture_size(counts, options)
    on_device = {"denoiser": round(counts.denoiser * number * (QUANTIZED if options.get("quantize") else 1))}
    extra = sum(count_parameters(path) for path in adapter_files(options))
    if extra:
        on_device["LoRA and ControlNet"] = extra * number
    on_host: dict[str, int] = {}
    if counts.kind == "image":
        on_device |= image_need(counts, options, size, number)
    else:
        on_device |= video_need(counts, options, size, number)
        on_host = {"text encoder": counts.text_encoder * number}
    if cuda:
        on_device["CUDA"] = CUDA_CONTEXT
    return MemoryNeed(on_device, on_host)


def image_need(counts: ParameterCounts, options: Options, size: tuple[int, int], number: int) -> dict[str, int]:
    """Compute what an image model takes beside its UNet; `number`: bytes a number."""
    tiny = options.get("tiny_vae", counts.tiny_decoder or None) is not None
    pixels = math.prod(size) * number // HALF
    return {
        "text encoder": counts.text_encoder * number,
        "decoder": counts.tiny_decoder * number if tiny else counts.decoder * FULL,
        "forward": IMAGE_ROWS * UNET * pixels,
        "decode": (TINY_VAE if tiny else VAE) * pixels,
    }


def video_need(counts: ParameterCounts, options: Options, size: tuple[int, int], number: int) -> dict[str, int]:
    """Compute what a video model takes beside its transformer; `number`: bytes a number."""
    tiny = options.get("tiny_decoder", counts.tiny_decoder or None) is not None
    steps = options.get("steps", 4)
    chunks = {"rollout": 1, "rolling": steps, "stream": steps + 1}.get(options.get("sampler", "rollout"), 1)
    rows = options.get("chunk", 3) * chunks  # of one forward: the cache gives each a slot
    kept = options.get("sink", 3) + options.get("window", 6)
    slots = kept + rows + (kept if options.get("drift_guard") else 0)
    if limit := options.get("max_attention_frames", 0):  # rows in flight then lie in memory of one layer
        slots = max(kept + options.get("chunk", 3), limit) + limit / (counts.layers or 1)
    pixels = math.prod(size) * number // HALF
    return {
        "KV cache": round(slots * frame_kv_bytes(counts, size, number)),
        "words": PROMPTS * 2 * counts.layers * counts.width * PROMPT_TOKENS * number,
        "decoder": (counts.decoder + (counts.tiny_decoder if tiny else 0)) * number,
        "forward": rows * frame_tokens(size) * FORWARD_TOKEN * number // HALF,
        "decode": (VIDEO_TINY if tiny else VIDEO_VAE) * pixels,
    }


def picture_size(counts: ParameterCounts, options: Options) -> tuple[int, int]:
    """Give the (height, width) that is asked for, or else the model's own."""
    height, width = options.get("size") or counts.size
    return height, width


def frame_kv_bytes(counts: ParameterCounts, size: tuple[int, int], number: int = HALF) -> int:
    """Count keys and values of one latent frame in every layer: 288 MB for Wan 1.3B at 480x832 in half precision."""
    return 2 * counts.layers * counts.width * frame_tokens(size) * number


def frame_tokens(size: tuple[int, int]) -> int:
    """Count the tokens of one latent frame of a picture of (height, width) pixels."""
    return math.ceil(size[0] / TOKEN_SIDE) * math.ceil(size[1] / TOKEN_SIDE)


def adapter_files(options: Options) -> Iterable[Path]:
    """Name the weights that come beside the model and stay loaded."""
    if options.get("controlnet"):
        yield Path(options["controlnet"])
    for path in (options.get("loras") or {}).values():
        yield Path(path)
