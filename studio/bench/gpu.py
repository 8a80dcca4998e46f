"""The GPU suite: architectures of real models at full size, with random weights, played as the studio plays them.

Everything goes through the studio's own loaders, samplers and engine; only the weights are random.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio.accelerate import QUANTIZATIONS
from studio.bench import roofline
from studio.bench.errors import BenchError
from studio.bench.nets import camera
from studio.bench.reference import NotRun, Reference, ratios, reference_at, run
from studio.bench.shapes import SHAPES, SMALL, Shape, write
from studio.controls import Control, ControlState, Prompt, Sampling
from studio.engine import Engine
from studio.models.base import Model
from studio.models.registry import IMAGE, WAN
from studio.samplers import Sampler, samplers_of

COMMAND = "studio bench --suite gpu --json"
VARIANTS = ("eager", "graphs")
PICTURES = 4  # of a latent frame
DECODED_BEFORE, NEVER_SEEN = 8, 40  # pictures in turn: as many as stay decoded (`pictures.REMEMBERED`), and more


class NoGPU(BenchError):
    """The suite is asked for at full size where torch sees no CUDA GPU."""


@dataclass(frozen=True)
class Plan:
    """How much is timed: steps of an image model, chunks of a video model, and steps before either."""

    pictures: int = 300
    chunks: int = 24
    warm: int = 24


FULL, QUICK = Plan(), Plan(pictures=6, chunks=2, warm=4)


def gpu(
    only: Sequence[str] = (),
    variants: Sequence[str] = VARIANTS,
    quick: bool = False,
    reference: Path | None = None,
    python: str = sys.executable,
    plan: Plan | None = None,
) -> dict[str, Any]:
    """Figures of every architecture (or of `only` some), each played in every variant of wrappers.

    A variant is "eager" or names joined by "+": compile, graphs, a quantization, attention:NAME. quick: tiny shapes, on
    the CPU where there is no GPU: to see that the suite runs; its figures mean nothing. reference: a checkout of a
    program known to `studio.bench.reference`, run after the studio on the same shapes by the interpreter `python`;
    "ratio" says how many times as fast the studio is. Raises BenchError for what cannot be.
    """
    shapes = SMALL if quick else SHAPES
    if unknown := set(only) - set(shapes):
        raise BenchError(f"no architecture is called {', '.join(sorted(unknown))}; there are: {', '.join(shapes)}")
    options = {variant: wrapper_options(variant) for variant in variants}
    beside = reference_at(reference) if reference else None
    if not quick and not torch.cuda.is_available():
        raise NoGPU(f"torch sees no CUDA GPU here, so nothing was measured. On a machine that has one: {COMMAND}")
    plan = plan or (QUICK if quick else FULL)
    figures: dict[str, Any] = {"size": "tiny, means nothing" if quick else "full"}
    for name in only or shapes:
        with tempfile.TemporaryDirectory() as folder:
            paths = write(shapes[name], Path(folder), torch.bfloat16)
            ours = {variant: measured(shapes[name], paths, options[variant], plan) for variant in variants}
            if beside and reference and beside.of == name:
                free()
                ours["reference"] = compared(beside, reference, python, shapes[name], paths, ours, plan)
            figures[name] = ours
    return figures


def compared(
    beside: Reference,
    checkout: Path,
    python: str,
    shape: Shape,
    paths: dict[str, Path],
    ours: dict[str, Any],
    plan: Plan,
) -> dict[str, Any]:
    """The other program's figures and, by variant, how many times as fast the studio is; why there are none."""
    try:
        theirs = run(beside, checkout, python, shape, paths, plan.pictures)
    except NotRun as error:
        return {"program": beside.name, "not_measured": str(error)}
    return {"program": beside.name, **theirs, "ratio": {variant: ratios(ours[variant], theirs) for variant in ours}}


def wrapper_options(variant: str) -> dict[str, Any]:
    """What a variant's name means to a factory."""
    options: dict[str, Any] = {}
    for part in variant.split("+"):
        if part in ("compile", "graphs"):
            options[part] = True
        elif part in QUANTIZATIONS:
            options["quantize"] = part
        elif part.startswith("attention:"):
            options["attention"] = part.removeprefix("attention:")
        elif part != "eager":
            possible = ("eager", "compile", "graphs", *QUANTIZATIONS, "attention:NAME")
            raise BenchError(f"no wrapper is called {part!r}; possible, joined by +: {', '.join(possible)}")
    return options


def measured(shape: Shape, paths: dict[str, Path], options: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The figures of one architecture in one variant; why there are none, where this machine cannot play it so."""
    module, factory = (IMAGE if shape.kind == "image" else WAN).split(":")
    free()
    begun = time.perf_counter()
    try:
        model = getattr(importlib.import_module(module), factory)(**paths, size=shape.size, **shape.options, **options)
    except ValueError as error:
        return {"not_measured": str(error)}
    loaded = time.perf_counter() - begun
    figures = image(model, shape, plan) if shape.kind == "image" else video(model, shape, plan)
    goals = {"goals": reached(shape, figures)} if shape.goals else {}
    return {"load_s": round(loaded, 1), **figures, "peak_memory_gb": peak_memory(), **goals}


def reached(shape: Shape, figures: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each figure that has a goal on one H100, the goal, and whether it is reached; None where this is no H100.

    A picture's answer is to come within so many pictures; all other figures are to be as high.
    """
    is_h100 = torch.cuda.is_available() and "H100" in torch.cuda.get_device_name()
    verdicts = {}
    for name, goal in shape.goals.items():
        measured = figures[name]
        well = measured <= goal if name == "pictures_to_answer" else measured >= goal
        # Pictures to an answer are counted, not timed: they are the same on every machine.
        known = is_h100 or name == "pictures_to_answer"
        verdicts[name] = {"measured": measured, "goal": goal, "reached": well if known else None}
    return verdicts


def image(model: Model, shape: Shape, plan: Plan) -> dict[str, Any]:
    """Picture to picture. denoise_fps: the sampler alone, latents to latents. fps: pixels in, pixels (uint8, in host
    memory) out, encoder and decoder in it; fps_from_jpeg: with the JPEG of every picture decoded too.
    latency_ms: from a picture's control to the frame drawn from it, p50 and p95.
    """
    repeated, fresh = (camera(count, shape.size) for count in (DECODED_BEFORE, NEVER_SEEN))
    state = ControlState.of(Prompt("a meadow"), Sampling(steps=shape.steps), repeated[0])
    sampler: Sampler[Any, Any] = samplers_of(model)["stream"](model)
    denoise = timed(lambda: sampler.step(state), plan.pictures, plan.warm)
    engine = Engine(model, "stream", state=state)
    drawing = {name: drawn_from(engine, pictures) for name, pictures in (("repeated", repeated), ("fresh", fresh))}
    whole = timed(drawing["repeated"], plan.pictures, plan.warm)
    jpeg = timed(drawing["fresh"], plan.pictures, plan.warm)
    waits = (sum(whole[at : at + shape.steps]) for at in range(len(whole) - shape.steps + 1))
    return {
        "denoise_fps": rate(denoise),
        "fps": rate(whole),
        "fps_from_jpeg": rate(jpeg),
        "latency_ms": percentiles(list(waits)),
        "first_frame_ms": first_frame(engine),
    }


def drawn_from(engine: Engine, pictures: Sequence[Control]) -> Callable[[], object]:
    """A step of the engine from the next of the pictures, over and over."""
    coming = itertools.cycle(enumerate(pictures))

    def step() -> object:
        engine.apply([next(coming)])
        return engine.step()

    return step


def video(model: Model, shape: Shape, plan: Plan) -> dict[str, Any]:
    """Words to pictures, in a rollout. denoise_fps: the sampler alone, pictures being those its latents stand for (4
    each); fps: pictures (uint8, in host memory) out, decoder in it. chunk_ms: all of a chunk's pictures, p50 and p95;
    latency_ms: from a new prompt to the first picture drawn under it, recache and chunk; pictures_to_answer: the most
    pictures shown from a new prompt on, that one among them. of_peak: FLOP of the
    denoising (derived, see `roofline`) over what the device could do in that time.
    """
    words = [Prompt(f"a meadow, take {number}") for number in range(4)]
    for prompt in words:
        model.prepare(prompt.text)  # once, on the sender's thread: no frame waits for it
    state = ControlState.of(words[0], Sampling(steps=shape.steps))
    sampler: Sampler[Any, Any] = samplers_of(model)["rollout"](model)
    denoise = timed(lambda: sampler.step(state), plan.chunks, plan.warm)
    engine = Engine(model, "rollout", state=state)
    count = PICTURES * model.chunk
    run_steps(
        engine, count - PICTURES + 1
    )  # the first latent of a stream is one picture: from here on chunks are whole
    chunks = timed(lambda: run_steps(engine, count), plan.chunks, plan.warm)
    coming = itertools.cycle(enumerate(words))
    waits = []
    for _ in range(max(2, plan.chunks // 2)):
        engine.apply([next(coming)])
        waits += timed(engine.step, 1, 0)
        run_steps(engine, count - 1)
    return {
        "denoise_fps": round(count * rate(denoise), 2),
        "fps": round(count * rate(chunks), 2),
        "chunk_ms": percentiles(chunks),
        "latency_ms": percentiles(waits),
        "pictures_to_answer": pictures_to_answer(engine, words, count),
        "first_frame_ms": first_frame(engine),
        "of_peak": of_peak(shape, model, float(np.median(denoise))),
    }


def pictures_to_answer(engine: Engine, words: Sequence[Prompt], count: int) -> int:
    """The most pictures from a control to the first drawn under it, wherever in a chunk of `count` it comes."""
    most = 0
    for place in range(count):
        while engine.ahead != (count - place) % count:  # so many of the chunk are still to be shown
            engine.step()
        revision = engine.revision + 1
        engine.apply([(revision, words[place % len(words)])])
        shown = 1
        while engine.step().revision < revision:
            shown += 1
        most = max(most, shown)
    return most


def run_steps(engine: Engine, count: int) -> None:
    for _ in range(count):
        engine.step()


def of_peak(shape: Shape, model: Model, chunk_seconds: float) -> float | None:
    """The share of the device's peak that denoising reaches, None where the device is not in the table."""
    peak = roofline.peak_of(torch.cuda.get_device_name()) if torch.cuda.is_available() else None
    work = sum(roofline.wan_chunk(shape.net, shape.size, shape.steps, model.chunk, model.sink, model.window))
    return round(work / chunk_seconds / peak, 3) if peak else None


def timed(call: Callable[[], object], count: int, warm: int) -> list[float]:
    """Seconds of each of `count` calls, the device's work in them, after `warm` calls that do not count."""
    for _ in range(warm):
        call()
    seconds = []
    for _ in range(count):
        synchronize()
        begun = time.perf_counter()
        call()
        synchronize()
        seconds.append(time.perf_counter() - begun)
    return seconds


def first_frame(engine: Engine) -> float:
    """Milliseconds from a clean start to the first picture, words encoded and kernels warm."""
    engine.restart(0)
    return round(timed(engine.step, 1, 0)[0] * 1e3, 1)


def rate(seconds: Sequence[float]) -> float:
    return round(len(seconds) / sum(seconds), 2)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(seconds, [50, 95]) * 1e3
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def free() -> None:
    """What the last model held goes back, and the peak is counted anew."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> float | None:
    """The most the device held since `free`, GB; None on a CPU."""
    return round(torch.cuda.max_memory_allocated() / 1e9, 2) if torch.cuda.is_available() else None
