"""How soon a control shows, in ticks: 1.0 is the time one frame takes.

Time is counted in ticks by the frames' own finishing times, a moment between two of them by its share of the way, so a
figure tells of the engine and not of how busy the machine was.
"""

from __future__ import annotations

import random
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from studio.bench.delegate import Delegate
from studio.bench.rates import WARM, new_session
from studio.conditioning import Conditioning, FrameInputs, PromptStates
from studio.controls import Control, ControlState, Prompt, Sampling, Stroke
from studio.engine import Engine
from studio.frames import Frame
from studio.models.base import Model
from studio.session.session import Session

HERTZ = 60


@dataclass
class Watch:
    """An output that notes every frame and when it came."""

    frames: list[Frame] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, frame: Frame) -> None:
        with self.changed:
            self.frames.append(frame)
            self.times.append(time.perf_counter())
            self.changed.notify_all()

    def close(self) -> None:
        """Nothing is open."""

    def wait(self, count: int) -> None:
        """Until so many frames have come; raises RuntimeError if none comes for a minute."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.frames) >= count, timeout=60):
                raise RuntimeError("no frame for a minute; see the session's error in the log")


class WatchedModel(Delegate):
    """A model that notes which frames were drawn under which controls, those in force in the engine that plays it."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.drawn: list[tuple[ControlState, tuple[int, ...]]] = []
        self.engine: Engine | None = None

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        if self.engine is not None:
            self.drawn.append((self.engine.state, tuple(int(frame) for frame in frames)))
        return super().condition(states, inputs, frames)


def in_ticks(times: Sequence[float], moment: float) -> float:
    """A moment as a place in the list of finishing times, with its share of the way to the next."""
    before = min(max(bisect_right(times, moment) - 1, 0), len(times) - 2)
    return before + (moment - times[before]) / (times[before + 1] - times[before])


def touch(number: int, seed: int, chance: random.Random) -> Control:
    """What a hand does: a new place for a subject, and every other time a slider."""
    if number % 2:
        return Sampling(seed=seed, guidance="self", scale=chance.uniform(1.05, 1.5))
    return Stroke("mark", "cow", ((0, chance.uniform(0.2, 0.8), chance.uniform(0.2, 0.8)),), size=0.4)


def words(number: int, seed: int, chance: random.Random) -> Control:
    """A new prompt, never the same twice, so that its encoding counts."""
    return Prompt(f"{chance.choice(('a beach', 'a city', 'a forest', 'a desert'))} on evening {number}")


def changes(model: Model, seed: int, trials: int) -> dict[str, Any]:
    """Ticks from `send`, at a random moment on the running session, to the picture.

    p50, p95: to the first frame that differs from the same run without the change; ms: the same in milliseconds, the
    median. settled: to the first frame every one of whose noise levels was drawn under it, the longest of all trials.
    Of strokes and sliders; of a prompt, with the encoding of its words, under "prompt". Where pictures are made beside
    the next frame a tick is shorter than what a picture takes, and the same time is more ticks.
    """
    watched = WatchedModel(model)
    session = new_session(watched, seed)
    watched.engine = session.engine
    for _ in range(WARM):
        session.step()
    chance = random.Random(seed)
    hand = [one_change(session, watched, touch(number, seed, chance), chance) for number in range(trials)]
    prompt = [
        one_change(session, watched, words(number, seed, chance), chance) for number in range(max(1, trials // 4))
    ]
    session.close()
    return {**summary(hand), "prompt": summary(prompt)}


def summary(results: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    shown, settled, ms = zip(*results, strict=True)
    return {
        "p50": round(float(np.percentile(shown, 50)), 3),
        "p95": round(float(np.percentile(shown, 95)), 3),
        "settled": round(max(settled), 3),
        "ms": round(float(np.percentile(ms, 50)), 1),
    }


def one_change(
    session: Session, watched: WatchedModel, control: Control, chance: random.Random
) -> tuple[float, float, float]:
    """Ticks to the first frame that differs, and to the first made wholly under the control; ms to the former."""
    steps = session.engine.state[Sampling].steps
    before, after = 3, steps + 4
    state = session.snapshot()
    watch = Watch()
    session.outputs.append(watch)
    watched.drawn.clear()
    session.start()
    watch.wait(before)
    time.sleep(chance.random() * (watch.times[-1] - watch.times[-2]))
    sent = time.perf_counter()
    revision = session.send(control)
    while watch.frames[-1].revision < revision:  # on a busy machine this thread may be many frames behind the other
        watch.wait(len(watch.frames) + 1)
    watch.wait(len(watch.frames) + after)
    session.stop()
    session.outputs.remove(watch)
    first = next(place for place, frame in enumerate(watch.frames) if frame.revision >= revision)
    wholly = made_wholly_under(session.engine.state, watched, watch.frames[first].index)
    settled = next(place for place, frame in enumerate(watch.frames) if frame.index >= wholly)
    start = in_ticks(watch.times, sent)
    session.restore(state)
    differs = first_difference(watch.frames, [session.step() for _ in watch.frames])
    return differs - start, settled - start, (watch.times[differs] - sent) * 1e3


def first_difference(frames: Sequence[Frame], others: Sequence[Frame | None]) -> int:
    """The place of the first frame that is another; raises RuntimeError if none is."""
    for place, (frame, other) in enumerate(zip(frames, others)):
        if other is None or frame.hash != other.hash:
            return place
    raise RuntimeError("a control changed no frame; the model does not hear it, look at its `condition`")


def made_wholly_under(state: ControlState, watched: WatchedModel, effect: int) -> int:
    """The first frame, from the one the change took effect at on, of which nothing was drawn under other controls."""
    others = [frames for controls, frames in watched.drawn if controls.at(state.frame) != state]
    touched = {frame for frames in others for frame in frames}
    return next(frame for frame in range(effect, effect + 10_000) if frame not in touched)


def sweeps(model: Model, seed: int, count: int, seconds: float) -> dict[str, float]:
    """A slider swept at 60 Hz on the running session.

    lost_finals: sweeps whose last value is not the one in force afterwards. settle_ticks: from the last value sent to
    the first frame made under it, the longest of the sweeps; settle_ms: the same in milliseconds, tick_ms for scale.
    """
    session, watch = new_session(model, seed), Watch()
    for _ in range(WARM):
        session.step()
    session.outputs.append(watch)
    session.start()
    watch.wait(2)
    settled, lost = [], 0
    for number in range(count):
        final = Sampling(seed=seed, guidance="self", scale=1.0 + 0.05 * (number + 1))
        revision, sent = sweep(session, final, seconds)
        place = first_under(watch, revision)
        lost += session.engine.state[Sampling] != final
        settled.append((place - in_ticks(watch.times, sent), (watch.times[place] - sent) * 1e3))
    session.close()
    ticks, milliseconds = (max(column) for column in zip(*settled))
    return {
        "lost_finals": lost,
        "settle_ticks": round(ticks, 3),
        "settle_ms": round(milliseconds, 1),
        "tick_ms": round(float(np.median(np.diff(watch.times))) * 1e3, 1),
    }


def sweep(session: Session, final: Sampling, seconds: float) -> tuple[int, float]:
    """Send values at 60 Hz that end at `final`; its revision, and when it was sent."""
    total = max(1, round(seconds * HERTZ))
    begun = time.perf_counter()
    for number in range(total):
        time.sleep(max(0.0, begun + number / HERTZ - time.perf_counter()))
        share = number / total
        session.send(Sampling(final.seed, final.guidance, 1.0 + share * (final.scale - 1.0), final.steps))
    sent = time.perf_counter()
    return session.send(final), sent


def first_under(watch: Watch, revision: int) -> int:
    """The place of the first frame made under a revision, waited for."""
    place = 0
    while True:
        watch.wait(place + 1)
        if watch.frames[place].revision >= revision:
            return place
        place += 1
