"""What a model takes while it plays, computed from its architecture's numbers before anything is loaded.

Weights and caches are exact; what a forward and a decode take on the way are estimates from the largest feature maps
that live at once, meant to be too high, and not measured on a card yet. Everything here is bytes.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.hub.units import gigabytes

HALF, FULL = 2, 4  # bytes a number: bfloat16 or float16 on a card, float32 on a processor
QUANTIZED = 0.53  # of half precision, with 8-bit weights: embeddings, norms and scales stay as they are
CONTEXT = 600_000_000  # CUDA's own, and its libraries' workspaces
ROWS = 4  # image frames in flight that room is made for
# Estimates, bytes a pixel of one row in half precision: what is alive at once in a UNet, and in each decoder.
UNET, VAE, TINY_VAE = 600, 2_000, 400
VIDEO_VAE, VIDEO_TINY = 8_000, 2_000
TOKEN = 100_000  # bytes a token of a Wan block: its norms and products in float32, its feed-forward
WORDS, TEXTS = 512, 3  # token states of a prompt that cross-attention keeps, and how many prompts' (KEPT_TEXTS)
PATCH = (1, 2, 2)  # latent frames, rows and columns that make one of Wan's tokens
CELL = 16  # pixels to a side of one of Wan's tokens


class NotEnough(ValueError):
    """The model does not fit: says what it needs, what is there and what would fit."""


@dataclass(frozen=True)
class Network:
    """Numbers of one model: parameters of the denoiser, the text encoders, the decoder and its tiny stand-in.

    kind: "pocket", "image" or "video"; size: (height, width) it is played at by default; layers, width: the video
    transformer's, for its cache.
    """

    kind: str
    size: tuple[int, int]
    net: int
    text: int
    vae: int
    tiny: int = 0
    layers: int = 0
    width: int = 0


# Parameters as diffusers and transformers count them, from the published configs (the tests build them anew).
NETWORKS: dict[str, Network] = {
    "pocket": Network("pocket", (256, 256), 20_000_000, 22_713_216, 0),
    "sd-turbo": Network("image", (512, 512), 865_910_724, 340_387_840, 83_653_863, 2_445_063),
    "sd15-lcm": Network("image", (512, 512), 859_520_964, 123_060_480, 83_653_863, 2_445_063),
    "sdxl-turbo": Network("image", (512, 512), 2_567_463_684, 817_720_320, 83_653_863, 2_445_063),
    "wan-1.3b": Network("video", (480, 832), 1_418_996_800, 5_680_910_336, 126_892_531, 11_300_000, 30, 1536),
}
POCKET = 620_000_000  # resident while it plays, measured (README)


@dataclass(frozen=True)
class Machine:
    """What is free here: card, name and memory of the CUDA card (None without one); memory: of the machine."""

    card: str | None
    card_memory: int
    memory: int


@dataclass(frozen=True)
class Need:
    """What a model takes: `playing` on the device that draws, by what takes it; `beside`: in the machine's memory."""

    playing: Mapping[str, int]
    beside: Mapping[str, int]

    @property
    def on_device(self) -> int:
        return sum(self.playing.values())

    @property
    def in_memory(self) -> int:
        return sum(self.beside.values())

    @property
    def total(self) -> int:
        return self.on_device + self.in_memory


def machine() -> Machine:
    """What this machine has free now."""
    import psutil
    import torch

    memory = min(psutil.virtual_memory().available, container_memory())
    if not torch.cuda.is_available():
        return Machine(None, 0, memory)
    return Machine(torch.cuda.get_device_name(), torch.cuda.mem_get_info()[0], memory)


def container_memory(root: Path = Path("/sys/fs/cgroup")) -> int:
    """What a container's limit leaves, where there is one (cgroup 2); else a number larger than any memory."""
    try:
        return max(0, int((root / "memory.max").read_text()) - int((root / "memory.current").read_text()))
    except (OSError, ValueError):  # no such file, or "max": no limit
        return 1 << 62


def frame_keys(network: Network, size: tuple[int, int], number: int = HALF) -> int:
    """Keys and values of one latent frame in every layer: 288 MB for Wan 1.3B at 480x832 in half precision."""
    return 2 * network.layers * network.width * tokens(size) * number


def tokens(size: tuple[int, int]) -> int:
    """Tokens of one latent frame."""
    return math.ceil(size[0] / CELL) * math.ceil(size[1] / CELL)


def need(network: Network, options: Mapping[str, Any], cuda: bool = True) -> Need:
    """What a model takes when it is opened with these options (the factory's), on a CUDA card or on the processor."""
    if network.kind == "pocket":
        return Need({"weights and working space": POCKET}, {})
    number = HALF if cuda else FULL
    size = tuple(options.get("size") or network.size)
    playing = {"denoiser": round(network.net * number * (QUANTIZED if options.get("quantize") else 1))}
    extra = sum(parameters(path) for path in adapters(options))
    if extra:
        playing["LoRA and ControlNet"] = extra * number
    if network.kind == "image":
        playing |= image_need(network, options, size, number)
        beside = {}
    else:
        playing |= video_need(network, options, size, number)
        beside = {"text encoder": network.text * number}
    if cuda:
        playing["CUDA"] = CONTEXT
    return Need(playing, beside)


def image_need(network: Network, options: Mapping[str, Any], size: tuple[int, ...], number: int) -> dict[str, int]:
    tiny = options.get("tiny_vae", network.tiny or None) is not None
    pixels = math.prod(size) * number // HALF
    return {
        "text encoder": network.text * number,
        "decoder": network.tiny * number if tiny else network.vae * FULL,
        "forward": ROWS * UNET * pixels,
        "decode": (TINY_VAE if tiny else VAE) * pixels,
    }


def video_need(network: Network, options: Mapping[str, Any], size: tuple[int, ...], number: int) -> dict[str, int]:
    tiny = options.get("tiny_decoder", network.tiny or None) is not None
    chunk = options.get("chunk", 3)
    kept = options.get("sink", 3) + options.get("window", 6)
    steps = options.get("steps", 4)
    chunks = {"rollout": 1, "rolling": steps, "stream": steps + 1}.get(options.get("sampler", "rollout"), 1)
    flight = chunk * chunks  # rows of one forward: the cache gives each a slot
    height, width = size
    pixels = height * width * number // HALF
    return {
        "KV cache": (kept + flight) * frame_keys(network, (height, width), number),
        "words": TEXTS * 2 * network.layers * network.width * WORDS * number,
        "decoder": (network.vae + (network.tiny if tiny else 0)) * number,
        "forward": flight * tokens((height, width)) * TOKEN * number // HALF,
        "decode": (VIDEO_TINY if tiny else VIDEO_VAE) * pixels,
    }


def adapters(options: Mapping[str, Any]) -> Iterable[Path]:
    """Files of weights that come beside the model: they stay loaded."""
    if options.get("controlnet"):
        yield Path(options["controlnet"])
    for path in (options.get("loras") or {}).values():
        yield Path(path)


def network_of(folder: Path, kind: str) -> Network:
    """The numbers of a diffusers folder, from the headers of its safetensors files; `kind`: "image" or "video"."""
    net = folder / ("unet" if kind == "image" else "transformer")
    config = read_json(net / "config.json") if kind == "video" else {}
    return Network(
        kind,
        NETWORKS["sd-turbo" if kind == "image" else "wan-1.3b"].size,
        parameters(net) or wan_parameters(config),
        parameters(folder / "text_encoder") + parameters(folder / "text_encoder_2"),
        parameters(folder / "vae"),
        layers=whole_numbers(config).get("num_layers", 0),
        width=width_of(config),
    )


def wan_parameters(config: Mapping[str, Any]) -> int:
    """Parameters of a Wan transformer by its config.json, for a folder whose weights a student's file replaces."""

    def linear(inward: int, outward: int) -> int:
        return (inward + 1) * outward

    usual = {"text_dim": 4096, "freq_dim": 256, "in_channels": 16, "out_channels": 16, "ffn_dim": 0}
    shape = usual | whole_numbers(config)
    width, cells = width_of(config), math.prod(PATCH)
    attention = 4 * linear(width, width) + 2 * width
    block = 2 * attention + linear(width, shape["ffn_dim"]) + linear(shape["ffn_dim"], width) + 8 * width
    told = linear(shape["text_dim"], width) + linear(shape["freq_dim"], width) + 2 * linear(width, width)
    ends = linear(cells * shape["in_channels"], width) + linear(width, cells * shape["out_channels"]) + 2 * width
    return shape.get("num_layers", 0) * block + told + linear(width, 6 * width) + ends if width else 0


def width_of(config: Mapping[str, Any]) -> int:
    """Numbers a token's state has."""
    shape = whole_numbers(config)
    return shape.get("num_attention_heads", 0) * shape.get("attention_head_dim", 0)


def whole_numbers(config: Mapping[str, Any]) -> dict[str, int]:
    """Those of a config's values that are: what else stands there, whoever loads the folder says better."""
    return {name: value for name, value in config.items() if isinstance(value, int)}


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where it cannot be read: whoever loads the folder says so better."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def parameters(path: Path) -> int:
    """Numbers in the safetensors file or files of a path, by their headers; a folder's variants count once."""
    if path.is_file():
        return header_numbers(path) if path.suffix == ".safetensors" else path.stat().st_size // HALF
    counts = {True: 0, False: 0}
    for file in path.glob("*.safetensors"):
        counts[".fp16" in file.name] += header_numbers(file)
    return max(counts.values())


def header_numbers(file: Path) -> int:
    """Numbers in a safetensors file; 0 where its header cannot be read."""
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            header = json.loads(opened.read(min(length, 100_000_000)))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return 0


# --- What fits -------------------------------------------------------------------------------------------------------

CORE = 8e10  # float32 operations a second of one core, measured on two of an AMD EPYC (docs/log.md)
PATIENCE = 60.0  # seconds for a picture, or for a chunk of video, that nobody waits longer for
SHARE = 0.12  # of a UNet's weights that an average latent position meets: 0.8 TFLOP for SD 2.1 at 512x512


@dataclass(frozen=True)
class Fit:
    """Whether a model plays here, in words; slow: on the processor, where a card was meant."""

    fits: bool
    reason: str
    need: Need
    slow: bool = False


def fit(network: Network, here: Machine, options: Mapping[str, Any] | None = None, cores: int = 2) -> Fit:
    """Whether a model plays on a machine. Pure: the machine is given."""
    options = options or {}
    cuda = here.card is not None and str(options.get("device") or "cuda").startswith("cuda")
    needed = need(network, options, cuda)
    if network.kind == "pocket":
        return Fit(needed.total <= here.memory, spoken(needed, here, False), needed)
    if cuda:
        enough = needed.on_device <= here.card_memory and needed.in_memory <= here.memory
        return Fit(enough, spoken(needed, here, True), needed)
    seconds = work(network, options) / (CORE * cores)
    thing = "picture" if network.kind == "image" else "chunk of video"
    pace = f"about {seconds:.0f} s a {thing}" if seconds < 120 else f"about {seconds / 60:.0f} minutes a {thing}"
    if seconds > PATIENCE:
        card = gigabytes(need(network, options, True).on_device)
        return Fit(False, f"needs a CUDA card with {card} free; on this processor {pace}", need(network, options), True)
    if needed.total > here.memory:
        return Fit(False, spoken(needed, here, False), needed, True)
    slow = seconds > 1
    return Fit(True, f"plays on the processor, {pace}" if slow else spoken(needed, here, False), needed, slow)


def spoken(needed: Need, here: Machine, cuda: bool) -> str:
    """What is needed beside what there is."""
    if not cuda:
        return f"needs {gigabytes(needed.total)} of memory, {gigabytes(here.memory)} are free"
    words = f"needs {gigabytes(needed.on_device)} on the card, {gigabytes(here.card_memory)} are free"
    if needed.in_memory > here.memory:
        words += f", and {gigabytes(needed.in_memory)} beside it in memory, {gigabytes(here.memory)} are free"
    return words


def work(network: Network, options: Mapping[str, Any]) -> float:
    """Operations for one picture in one step, or for one chunk of video down four steps and its clean pass."""
    size = tuple(options.get("size") or network.size)
    if network.kind == "image":
        return 2 * network.net * math.prod(size) / 64 * SHARE
    chunk = options.get("chunk", 3)
    rows = chunk * tokens((size[0], size[1]))
    seen = (options.get("sink", 3) + options.get("window", 6) + chunk) * tokens((size[0], size[1]))
    return 5 * (2 * network.net * rows + 4 * rows * seen * network.width * network.layers)


def check(network: Network, name: str, options: Mapping[str, Any], here: Machine | None = None) -> None:
    """NotEnough if a model would not fit here, with what would; called before anything is downloaded or loaded.

    A person who gives device="cpu" knows that it is slow: then only memory counts.
    """
    here = here or machine()
    found = fit(network, here, options, os.cpu_count() or 1)
    asked = str(options.get("device") or "").startswith("cpu")
    if found.fits or (asked and need(network, options, cuda=False).total <= here.memory):
        return
    others = [words for words, fits in smaller(network, here, options) if fits]
    remedy = f"it would fit with {', or '.join(others)}" if others else "`studio models` lists what does"
    raise NotEnough(f"{name} {found.reason}; {remedy}")


def smaller(network: Network, here: Machine, options: Mapping[str, Any]) -> Iterable[tuple[str, bool]]:
    """Ways to take less, as a person gives them on the command line, and whether the model then fits."""
    height, width = tuple(options.get("size") or network.size)
    size = (height * 2 // 3 // CELL * CELL, width * 2 // 3 // CELL * CELL)
    ways: dict[str, dict[str, Any]] = {"--quantize int8": {"quantize": "int8"}}
    if min(size) >= 256:
        ways[f"--size {size[0]}x{size[1]}"] = {"size": size}
        ways[f"--size {size[0]}x{size[1]} --quantize int8"] = {"size": size, "quantize": "int8"}
    tiny = "tiny_vae" if network.kind == "image" else "tiny_decoder"
    if network.tiny and options.get(tiny, True) is None:
        ways["the tiny decoder (without --full-vae)"] = {tiny: True}
    for words, change in ways.items():
        yield words, fit(network, here, {**options, **change}).fits
