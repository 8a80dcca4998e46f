"""Whether a model plays on a machine, and what would if it does not."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from studio.hub.footprint import (
    RESIDENT,
    TOKEN_SIDE,
    MemoryNeed,
    Options,
    ParameterCounts,
    frame_tokens,
    memory_need,
    picture_size,
)
from studio.hub.machine import Machine, this_machine
from studio.hub.units import gigabytes

CORE_FLOPS = 8e10  # float32 operations a second of one core, measured on two of an AMD EPYC (docs/log.md)
LONGEST_WAIT = 60.0  # seconds for a picture, or for a chunk of video, that nobody waits longer for
UNET_SHARE = 0.12  # of a UNet's weights that an average latent position meets: 0.8 TFLOP for SD 2.1 at 512x512
SMALLEST_SIDE = 256  # pixels: no smaller picture is proposed


class NotEnoughMemory(ValueError):
    """The model does not fit: says what it needs, what is there and what would fit."""


@dataclass(frozen=True)
class Fit:
    """Whether a model plays here, in words; slow: on the processor, where a card was meant."""

    fits: bool
    reason: str
    need: MemoryNeed
    slow: bool = False


def fit(counts: ParameterCounts, machine: Machine, options: Options | None = None, cores: int = 2) -> Fit:
    """Tell whether a model plays on a machine, opened with these options. Pure: the machine is given."""
    options = options or {}
    cuda = machine.card is not None and str(options.get("device") or "cuda").startswith("cuda")
    need = memory_need(counts, options, cuda)
    if counts.kind in RESIDENT:
        return Fit(need.total <= machine.memory, compare(need, machine, False), need)
    if cuda:
        enough = need.device_bytes <= machine.card_memory and need.host_bytes <= machine.memory
        return Fit(enough, compare(need, machine, True), need)
    return fit_to_processor(counts, machine, options, cores)


def fit_to_processor(counts: ParameterCounts, machine: Machine, options: Options, cores: int) -> Fit:
    """Tell whether an image or video model plays without a card, and at what pace."""
    need = memory_need(counts, options, cuda=False)
    seconds = step_flops(counts, options) / (CORE_FLOPS * cores)
    thing = "picture" if counts.kind == "image" else "chunk of video"
    pace = f"about {seconds:.0f} s a {thing}" if seconds < 120 else f"about {seconds / 60:.0f} minutes a {thing}"
    if seconds > LONGEST_WAIT:
        on_card = memory_need(counts, options, cuda=True)
        card = gigabytes(on_card.device_bytes)
        return Fit(False, f"needs a CUDA card with {card} free; on this processor {pace}", on_card, True)
    if need.total > machine.memory:
        return Fit(False, compare(need, machine, False), need, True)
    slow = seconds > 1
    return Fit(True, f"plays on the processor, {pace}" if slow else compare(need, machine, False), need, slow)


def compare(need: MemoryNeed, machine: Machine, cuda: bool) -> str:
    """Say what is needed beside what there is."""
    if not cuda:
        return f"needs {gigabytes(need.total)} of memory, {gigabytes(machine.memory)} are free"
    words = f"needs {gigabytes(need.device_bytes)} on the card, {gigabytes(machine.card_memory)} are free"
    if need.host_bytes > machine.memory:
        words += f", and {gigabytes(need.host_bytes)} beside it in memory, {gigabytes(machine.memory)} are free"
    return words


def step_flops(counts: ParameterCounts, options: Options) -> float:
    """Count the operations of one picture in one step, or of one chunk of video down its steps and its clean pass."""
    size = picture_size(counts, options)
    if counts.kind == "image":
        return 2 * counts.denoiser * math.prod(size) / 64 * UNET_SHARE
    chunk = options.get("chunk", 3)
    rows = chunk * frame_tokens(size)
    in_view = (options.get("sink", 3) + options.get("window", 6) + chunk) * frame_tokens(size)
    passes = options.get("steps", 4) + 1
    return passes * (2 * counts.denoiser * rows + 4 * rows * in_view * counts.width * counts.layers)


def check_fit(counts: ParameterCounts, name: str, options: Options, machine: Machine | None = None) -> None:
    """Raise NotEnoughMemory if a model would not fit here, with what would; before anything is downloaded or loaded.

    A person who gives device="cpu" knows that it is slow: then only memory counts.
    """
    machine = machine or this_machine()
    found = fit(counts, machine, options, os.cpu_count() or 1)
    on_processor = str(options.get("device") or "").startswith("cpu")
    if found.fits or (on_processor and memory_need(counts, options, cuda=False).total <= machine.memory):
        return
    others = [words for words, fits in smaller_options(counts, machine, options) if fits]
    remedy = f"it would fit with {', or '.join(others)}" if others else "`studio models` lists what does"
    raise NotEnoughMemory(f"{name} {found.reason}; {remedy}")


def smaller_options(counts: ParameterCounts, machine: Machine, options: Options) -> Iterable[tuple[str, bool]]:
    """List ways to take less, as a person gives them on the command line, and whether the model then fits."""
    height, width = picture_size(counts, options)
    size = (height * 2 // 3 // TOKEN_SIDE * TOKEN_SIDE, width * 2 // 3 // TOKEN_SIDE * TOKEN_SIDE)
    ways: dict[str, dict[str, Any]] = {"--quantize int8": {"quantize": "int8"}}
    if min(size) >= SMALLEST_SIDE:
        ways[f"--size {size[0]}x{size[1]}"] = {"size": size}
        ways[f"--size {size[0]}x{size[1]} --quantize int8"] = {"size": size, "quantize": "int8"}
    if options.get("drift_guard"):
        ways["--no-drift-guard"] = {"drift_guard": False}
    tiny = "tiny_vae" if counts.kind == "image" else "tiny_decoder"
    if counts.tiny_decoder and options.get(tiny, True) is None:
        ways["the tiny decoder (without --full-vae)"] = {tiny: True}
    for words, change in ways.items():
        yield words, fit(counts, machine, {**options, **change}).fits
