"""Two ways to do a thing, timed side by side: ratios that hold on a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

import torch


@dataclass(frozen=True)
class Timings:
    """Seconds of each call, by name, a number a round."""

    seconds: Mapping[str, list[float]]

    def ratio(self, one: str, other: str) -> float:
        """How many times as long the one takes: the median of the rounds' own ratios, to three digits."""
        return round(median(a / b for a, b in zip(self.seconds[one], self.seconds[other], strict=True)), 3)


@torch.no_grad()
def paired(calls: Mapping[str, Callable[[], object]], rounds: int, warm: int = 1) -> Timings:
    """Every call once a round, one after another and each round in the reverse order of the last.

    What slows the machine for longer than a round slows all of them alike.
    """
    for _ in range(warm):
        for call in calls.values():
            call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds):
        for name in list(calls)[:: 1 if turn % 2 else -1]:
            begun = time.perf_counter()
            calls[name]()
            seconds[name].append(time.perf_counter() - begun)
    return Timings(seconds)
