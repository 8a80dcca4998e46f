"""The core suite: what each of the studio's ways to save work saves, on tiny nets on a CPU. Ratios only.

Two ways are run side by side in one process (`paired`), so the ratios hold where times do not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from studio.bench.nets import PastingVideo, TinyPictures, TinyVideo, camera, stripe
from studio.bench.paired import paired
from studio.conditioning import Rows, condition_frames
from studio.controls import ControlState, Prompt, Region, Sampling, Similarity, Stroke
from studio.models.base import Model
from studio.noise import noise
from studio.samplers import Sampler, samplers_of
from studio.samplers.pin import encode_clip

ROUNDS, QUICK = 40, 4
STEPS = (1, 2, 4)
KINDS = ("none", "self", "initialize", "full")
CHANGED = 0.2  # of each side: the part of a picture that moves


def core(seed: int = 0, rounds: int = ROUNDS) -> dict[str, Any]:
    """All ratios of the suite; `rounds` timings of each pair.

    stream_batch: sequential over stream batch, time a frame, by steps, on nets whose forward costs about the same for
    any number of rows (for them the most possible is the number of steps). guidance: a kind's time over none's at four
    steps, on those nets and on larger ones, where twice the rows are twice the work. recache: of the kept frames over a
    chunk of four steps, on frames that share their work as Wan-1.3B's at 480x832 do. cache: recomputing what the cache
    holds over reading it. regional_words: a step that hears three regions over one that hears the prompt alone.
    similarity_regions: a picture a fifth of whose sides moves, drawn in part over drawn whole, and how far the two
    latents are apart, root mean square over the whole one's. two_clock: what a stroke that moves a pasted thing adds to
    a chunk, as shares of it: the encode of its reference, and all else.
    """
    small = (TinyPictures(seed), TinyVideo(seed, cells=(4, 4)))
    large = TinyVideo(seed)
    return {
        "stream_batch": {m.name: {str(s): stream_batch(m, seed, s, rounds) for s in STEPS} for m in small},
        "guidance": {m.name: guidance(m, seed, rounds) for m in small},
        "guidance_large": {m.name: guidance(m, seed, rounds) for m in (TinyPictures(seed, cells=32), large)},
        "recache": recache(large, seed, rounds),
        "cache": cache(large, seed, rounds),
        "regional_words": {m.name: regional_words(m, seed, rounds) for m in (TinyPictures(seed, cells=32), large)},
        "similarity_regions": similarity_regions(TinyPictures(seed, cells=64), seed, max(1, rounds // 4)),
        "two_clock": two_clock(PastingVideo(seed), seed, rounds),
    }


def sampling_state(**sampling: Any) -> ControlState:
    """Give controls in force: a prompt, a negative one, and the sampling."""
    return ControlState.of(Prompt("a meadow", "rain"), Sampling(**sampling))


def warm_step(model: Model, name: str, state: ControlState) -> partial[torch.Tensor]:
    """One step of a sampler that has played long enough for its cache and pipe to be full."""
    sampler: Sampler[Any, Any] = samplers_of(model)[name](model)
    for _ in range((model.sink + model.window) // model.chunk + state[Sampling].steps + 1):
        sampler.step(state)
    return partial(sampler.step, state)


def stream_batch(model: Model, seed: int, steps: int, rounds: int) -> float:
    state = sampling_state(seed=seed, steps=steps)
    ways = {name: warm_step(model, name, state) for name in ("stream", "rollout")}
    return paired(ways, rounds).ratio("rollout", "stream")


def guidance(model: Model, seed: int, rounds: int, steps: int = 4) -> dict[str, float]:
    ways = {
        kind: warm_step(model, "stream", sampling_state(seed=seed, steps=steps, guidance=kind, scale=1.5, delta=1.0))
        for kind in KINDS
    }
    timings = paired(ways, rounds)
    return {kind: timings.ratio(kind, "none") for kind in KINDS[1:]}


def recache(model: Model, seed: int, rounds: int) -> float:
    """A prompt switch's rebuilding of the cache, over a chunk of four steps and its clean pass."""
    state = sampling_state(seed=seed, steps=4)
    chunk: Any = warm_step(model, "rollout", state)
    switch = partial(chunk.func.__self__.switch, "recache", state.updated(Prompt("rain")))
    return paired({"recache": switch, "chunk": chunk}, rounds).ratio("recache", "chunk")


def cache(model: Model, seed: int, rounds: int) -> float:
    """One step of a chunk that sees nine frames: these forwarded again with it, over read from the cache."""
    kept, frames = model.sink + model.window, model.sink + model.window + model.chunk
    x = torch.stack([noise(seed, frame, 0, model.latent) for frame in range(frames)])
    cond = condition_frames(model, sampling_state(), range(frames))
    held = model.new_cache()
    with torch.no_grad():
        for first in range(0, kept, model.chunk):
            part = slice(first, first + model.chunk)
            clean = Rows(x[part], (0.0,) * model.chunk, cond.rows(part), tuple(range(first, first + model.chunk)))
            model.denoise(clean, held, model.chunk)
    levels, last = (0.5,) * model.chunk, cond.rows(slice(kept, None))
    ways = {
        "cached": partial(model.denoise, Rows(x[kept:], levels, last, tuple(range(kept, frames))), held),
        "again": partial(model.denoise, Rows(x, (0.0,) * kept + levels, cond, tuple(range(frames)))),
    }
    return paired(ways, rounds).ratio("again", "cached")


def regional_words(model: Model, seed: int, rounds: int) -> float:
    """A step under a prompt and three regions, a third of the picture each, over one under the prompt alone."""
    state = sampling_state(seed=seed, steps=4)
    third = [Region(text, text, stripe(place / 3, (place + 1) / 3)) for place, text in enumerate(("a", "b", "c"))]
    ways = {"heard": state.updated(*third), "plain": state}
    return paired({name: warm_step(model, "stream", held) for name, held in ways.items()}, rounds).ratio(
        "heard", "plain"
    )


def two_clock(model: PastingVideo, seed: int, rounds: int) -> dict[str, float]:
    """What of a chunk's time, of four steps, is added by a stroke: the encode of what is pasted, and all else."""
    state, several = sampling_state(seed=seed, steps=4), model.capabilities.pictures
    path = Stroke("a", "fox", ((0, 0.2, 0.5), (90, 0.8, 0.5)), "path")
    pictures = np.full((1 + several * model.chunk, *model.size, 3), 128, np.uint8)
    known = encode_clip(model.video_encoder, pictures, several)
    encode = partial(encode_clip, model.video_encoder, pictures, several)
    plain = warm_step(model, "rollout", state)
    # Beside it, a stroke whose encode costs nothing.
    free: Any = SimpleNamespace(
        lead=3, start=lambda: None, encode=lambda pixels, _: (known[: (len(pixels) + 3) // several], None)
    )
    model.video_encoder = free
    ways = {
        "plain": plain,
        "pinned": warm_step(model, "rollout", state.updated(path)),
        "ready": partial(encode_clip, model.video_encoder, pictures, several),  # pictures as the encoder takes them
        "encode": encode,
    }
    seconds = paired(ways, rounds).seconds
    rest = [(pinned - ready) / plain - 1 for plain, pinned, ready, _ in zip(*seconds.values(), strict=True)]
    share = [encode / plain for plain, *_, encode in zip(*seconds.values(), strict=True)]
    return {"encode": round(median(share), 3), "rest": round(median(rest), 3)}


def similarity_regions(model: Model, seed: int, rounds: int) -> dict[str, float]:
    pictures = camera(8, model.size, CHANGED, seed)

    def drawing(regions: bool) -> tuple[Sampler[Any, Any], Callable[[], torch.Tensor]]:
        sampler: Sampler[Any, Any] = samplers_of(model)["stream"](model)
        base = sampling_state(seed=seed, steps=1).updated(Similarity(0.02, regions=regions))
        coming = cycle(pictures)
        return sampler, lambda: sampler.step(base.updated(next(coming)))

    (_, part), (_, whole) = drawing(True), drawing(False)
    timings = paired({"part": part, "whole": whole}, rounds, warm=1)
    with torch.no_grad():
        drawn, wanted = part(), whole()
    apart = ((drawn - wanted).square().mean() / wanted.square().mean()).sqrt()
    return {"cost": timings.ratio("part", "whole"), "apart": round(float(apart), 4)}
