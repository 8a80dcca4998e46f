"""Frames a second, and where the time of a step goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median
from typing import Any

from studio.bench.delegate import Delegate
from studio.controls import Prompt, Sampling, Stroke
from studio.models.base import Decoder, Model
from studio.outputs.latest import Latest
from studio.session.session import Session

WARM = 16  # steps before anything is counted: pipe, caches and allocator fill
TURNS = 3  # of each way to play, one after the other
AROUND = 32  # frames on each side of a frame whose rate is asked for


@dataclass
class Clock:
    """Time spent inside what it wraps, in seconds."""

    spent: float = 0.0

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                self.spent += time.perf_counter() - begun

        return timed


class TimedModel(Delegate):
    """A model whose forward and whose decoder's decode run under a clock; everything else is the model's own."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.clock = Clock()
        self.denoise = self.clock.timed(model.denoise)  # type: ignore[method-assign]

    def new_decoder(self) -> Decoder:
        decoder = self.model.new_decoder()
        return TimedDecoder(self.clock.timed(decoder.decode), decoder.snapshot, decoder.restore)


@dataclass(frozen=True)
class TimedDecoder:
    """A decoder whose calls are these."""

    decode: Callable[..., Any]
    snapshot: Callable[[], Any]
    restore: Callable[[Any], None]


def new_session(model: Model, seed: int) -> Session:
    """Give a session as a person would have it: a prompt, and a subject going to and fro on a path."""
    session = Session(model)
    session.send(Sampling(seed=seed))
    session.send(Prompt("snowy mountains on a clear morning"))
    there_and_back = ((0, 0.25, 0.6), (48, 0.75, 0.6), (96, 0.25, 0.6))
    session.send(Stroke("bench", "fox", there_and_back, mode="path"))
    return session


def steps(model: Model, seed: int, frames: int) -> dict[str, Any]:
    """fps, tick_ms, engine_overhead over all steps, and the rate around frames 100 and 3000."""
    timed = TimedModel(model)
    session = new_session(timed, seed)
    for _ in range(min(WARM, frames - 2)):
        session.step()
    first, made = session.engine.frame, [time.perf_counter()]
    timed.clock.spent = 0.0
    while session.engine.frame < frames:
        session.step()
        made.append(time.perf_counter())
    ticks = [after - before for before, after in pairwise(made)]
    return {
        "fps": round(len(ticks) / (made[-1] - made[0]), 2),
        "tick_ms": round(median(ticks) * 1e3, 2),
        "engine_overhead": round(1 - timed.clock.spent / (made[-1] - made[0]), 4),
        "fps_at_100": rate_around(made, 100 - first),
        "fps_at_3000": rate_around(made, 3000 - first),
    }


def rate_around(made: Sequence[float], place: int) -> float | None:
    """Frames a second over the 64 around a place in a list of times; None if the list does not reach that far."""
    if place - AROUND < 0 or place + AROUND >= len(made):
        return None
    return round(2 * AROUND / (made[place + AROUND] - made[place - AROUND]), 2)


def end_to_end(model: Model, seed: int, seconds: float) -> dict[str, float]:
    """Frames a second that leave as JPEG, made on the session's thread and read from the mailbox on another.

    fps_step_by_step: with a frame begun only when the one before it has its picture; of a model that can do both at
    once (`Capabilities.decodes_beside`), in turn with the other, each for so many seconds in all.
    """
    ways: dict[str, bool | None] = {"fps_end_to_end": None}
    if model.capabilities.decodes_beside:
        ways["fps_step_by_step"] = False
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, pipelined in ways.items():
            rates[name].append(rate_of_jpegs(new_session(model, seed), seconds / TURNS, pipelined))
    return {name: round(mean(found), 2) for name, found in rates.items()}


def rate_of_jpegs(session: Session, seconds: float, pipelined: bool | None) -> float:
    """Play a session for so many seconds, see `end_to_end`; pipelined: see `Runner.start`."""
    import simplejpeg

    latest = Latest()
    for _ in range(WARM):
        session.step()
    session.outputs.append(latest)
    session.start(pipelined=pipelined)
    try:
        read = latest.read(0)
        begun, count = time.perf_counter(), 0
        while read and time.perf_counter() - begun < seconds:
            read = latest.read(read[0])
            if read:
                simplejpeg.encode_jpeg(read[1].picture, quality=88)
                count += 1
        return count / (time.perf_counter() - begun)
    finally:
        session.close()
