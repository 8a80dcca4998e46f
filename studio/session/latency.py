"""The latency dial: from what a page measures, what to change so that a picture shows a hand's move within a time.

Pure: no clock, no session. `Controller.decide` is told the time and what was measured, and gives the knobs to set with
a plain sentence of why. Seldom enough that what it did shows before it does more; a step that proved too dear is left
alone for a while, longer each time, so that it never hunts between two settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

OVER, UNDER = 1.1, 0.9  # shares of the target beyond which something is done
OVER_FOR, UNDER_FOR = 0.8, 1.6  # seconds that it must have been so
SETTLES = 2.0  # seconds after a change in which what is measured is still of before
WAITS = 1.5  # pictures from hand to picture: half of one until the next begins, and that one
FIXED_STEPS = 3  # a picture costs about as much as its steps and so many more, until it was measured
SLOW_LINE, SLOW_PAGE = 0.3, 0.4  # shares of the target from which the way to the page, and the page, are saved on
BLOCKED = 20.0  # seconds that a step is left alone that proved too dear, the first time
UNDONE_WITHIN = 12.0  # seconds
REPEATS = 4.0  # seconds after which the figures of a sentence are told anew

QUALITIES = (60, 75, 88, 95)  # of JPEG
RATES = (12, 15, 20, 30)  # frames a second that are sent
Knob = Literal["steps", "quality", "rate"]


@dataclass(frozen=True)
class Target:
    """What was asked for: ms from hand to picture; spends: whether time to spare goes into more than the usual."""

    ms: float
    spends: bool = True


TARGETS = {"snappy": Target(80, False), "balanced": Target(150, False), "fine": Target(300)}


@dataclass(frozen=True)
class Knobs:
    """What can be turned: denoising steps, which change frames; JPEG quality and frames a second sent, which do not."""

    steps: int
    quality: int = 88
    rate: int = 30


USUAL = Knobs(0)  # quality and rate while the dial is off


@dataclass(frozen=True)
class Room:
    """What a model leaves to choose from.

    steps: those that may be set, rising; own: those it was made for; hold: why no others may be, in words, or "";
    few_suffice: whether it was made for a few steps, so that more of them show little.
    """

    steps: Sequence[int]
    own: int
    hold: str = ""
    few_suffice: bool = True


@dataclass(frozen=True)
class Measured:
    """Medians of the last moments, in ms.

    latency: hand to picture; picture: one of the model; line: packing it as JPEG and the way to the page; page: what it
    waits before, and from the page to the screen.
    """

    latency: float
    picture: float
    line: float = 0.0
    page: float = 0.0


@dataclass(frozen=True)
class Decision:
    """What to set, and why, in a sentence; changed: whether that is other than before."""

    knobs: Knobs
    says: str
    changed: bool = False


@dataclass(frozen=True)
class Change:
    """A knob that was turned: at which time, from which value to which, what a picture took before."""

    at: float
    knob: Knob
    before: int
    after: int
    picture: float


class Controller:
    """Holds a latency by one change at a time. It knows the last change, what steps cost and what proved too dear."""

    def __init__(self) -> None:
        self._last: Change | None = None
        self._side = 0  # -1 under the target, 1 over it, 0 about there
        self._since = 0.0  # since when
        self._said: tuple[int, float] | None = None  # on which side what was said of it, and when
        self._costs: dict[int, float] = {}  # of a picture by its steps, in units of the first that was measured
        self._blocked: dict[tuple[Knob, int], tuple[float, float]] = {}  # until when, and for how long that is

    def decide(self, now: float, measured: Measured, target: Target, knobs: Knobs, room: Room) -> Decision:
        """Give what to set from now on (seconds of any clock)."""
        if self._last and now - self._last.at < SETTLES:
            return Decision(knobs, "")
        self._learn(measured, knobs)
        side = (measured.latency > OVER * target.ms) - (measured.latency < UNDER * target.ms)
        if side != self._side:
            self._side, self._since = side, now
        if side and now - self._since < (OVER_FOR if side > 0 else UNDER_FOR):
            return Decision(knobs, "")
        if side == 0:
            return Decision(knobs, self._once(now, side, holding(measured, target, knobs)))
        chosen = (
            self._save(measured, target, knobs, room) if side > 0 else self._spend(now, measured, target, knobs, room)
        )
        if chosen is None:
            return Decision(knobs, self._once(now, side, self._at_the_end(side, measured, target, knobs, room)))
        knob, value = chosen
        self._note(now, knob, getattr(knobs, knob), value, measured)
        says = because(knob, value, measured, target, knobs, room)
        return Decision(replace(knobs, **{knob: value}), says, True)

    def _once(self, now: float, side: int, says: str) -> str:
        """Give a sentence, or "" where the same with other figures was said just before."""
        if self._said and self._said[0] == side and now - self._said[1] < REPEATS:
            return ""
        self._said = side, now
        return says

    def _learn(self, measured: Measured, knobs: Knobs) -> None:
        """Take in what the steps cost that were changed to last."""
        if not self._costs:
            self._costs[knobs.steps] = 1.0
        change = self._last
        if change and change.knob == "steps" and change.after == knobs.steps and change.picture:
            self._costs[change.after] = self._cost(change.before, change.after) * measured.picture / change.picture
            self._last = replace(change, picture=0.0)  # learnt

    def _cost(self, steps: int, near: int) -> float:
        """Give what a picture of so many steps costs, as it was measured or by what the others suggest."""
        if steps in self._costs:
            return self._costs[steps]
        known = near if near in self._costs else min(self._costs, key=lambda one: abs(one - steps))
        return self._costs[known] * (steps + FIXED_STEPS) / (known + FIXED_STEPS)

    def _expected(self, steps: int, measured: Measured, knobs: Knobs) -> float:
        """Give the latency in ms with so many steps, if nothing else changes."""
        share = self._cost(steps, knobs.steps) / self._cost(knobs.steps, knobs.steps)
        return measured.latency + WAITS * measured.picture * (share - 1)

    def _save(self, measured: Measured, target: Target, knobs: Knobs, room: Room) -> tuple[Knob, int] | None:
        """Give what to turn down: where the time goes first, and what is seen least of the rest."""
        coarser, slower = below(QUALITIES, knobs.quality), below(RATES, knobs.rate)
        if coarser and (measured.line > SLOW_LINE * target.ms or knobs.quality > USUAL.quality):
            return "quality", coarser
        if (
            slower and measured.page > SLOW_PAGE * target.ms and slower < 1000 / measured.picture
        ):  # else the model itself gives no more
            return "rate", slower
        fewer = [steps for steps in room.steps if steps < knobs.steps]
        fitting = [steps for steps in fewer if self._expected(steps, measured, knobs) <= target.ms]
        return ("steps", (fitting[-1:] or fewer)[0]) if fewer else None

    def _spend(
        self, now: float, measured: Measured, target: Target, knobs: Knobs, room: Room
    ) -> tuple[Knob, int] | None:
        """Give what to turn up: first what was saved, then steps, as far as they fit."""
        quality, rate = above(QUALITIES, knobs.quality), above(RATES, knobs.rate)
        turns: list[tuple[Knob, int]] = []
        if rate:
            turns.append(("rate", rate))
        if quality and quality <= USUAL.quality:
            turns.append(("quality", quality))
        most = room.steps[-1] if target.spends else room.own
        more = [steps for steps in room.steps if knobs.steps < steps <= min(most, max(2 * knobs.steps, 2))]
        fitting = [steps for steps in more if self._expected(steps, measured, knobs) <= target.ms]
        turns.extend(("steps", one) for one in reversed(fitting))
        if quality and target.spends:
            turns.append(("quality", quality))
        for knob, value in turns:
            if self._blocked.get((knob, value), (0.0, 0.0))[0] <= now:
                return knob, value
        return None

    def _note(self, now: float, knob: Knob, before: int, after: int, measured: Measured) -> None:
        """Remember a change; one that takes back the last soon after it blocks that for a while."""
        last = self._last
        if last and last.knob == knob and last.before < last.after and after < before and now - last.at < UNDONE_WITHIN:
            _, so_long = self._blocked.get((knob, before), (0.0, BLOCKED / 2))
            self._blocked[knob, before] = (now + 2 * so_long, 2 * so_long)
        self._said = None
        self._last, self._side = Change(now, knob, before, after, measured.picture), 0

    def _at_the_end(self, side: int, measured: Measured, target: Target, knobs: Knobs, room: Room) -> str:
        """Say why nothing more is done, though the target is not met."""
        is_at = f"{measured.latency:.0f} ms of the {target.ms:.0f} you asked for"
        if side > 0:
            why = room.hold or f"{counted(knobs.steps)} is the fewest this model plays"
            return f"{is_at}: {why}, and a picture takes {measured.picture:.0f} ms."
        if room.hold:
            return f"{is_at}: {room.hold}."
        if not target.spends and knobs.steps >= room.own:
            more = "" if knobs.steps == room.own else f"; this model was made for {room.own}"
            return f"{is_at}, with {counted(knobs.steps)}{more}."
        if knobs.steps >= room.steps[-1]:
            return f"{is_at}: {counted(knobs.steps)} is the most this model plays."
        return f"{is_at}: one step more would take longer than that."


def below(values: Sequence[int], value: int) -> int | None:
    """Give the next lower of rising values."""
    return max((one for one in values if one < value), default=None)


def above(values: Sequence[int], value: int) -> int | None:
    """Give the next higher of rising values."""
    return min((one for one in values if one > value), default=None)


def counted(steps: int) -> str:
    """Give a number of steps in words."""
    return f"{steps} step{'s' if steps != 1 else ''}"


def holding(measured: Measured, target: Target, knobs: Knobs) -> str:
    """Say that the target is held, and with what."""
    return f"Held with {counted(knobs.steps)}: {measured.latency:.0f} ms of the {target.ms:.0f} you asked for."


def because(knob: Knob, value: int, measured: Measured, target: Target, knobs: Knobs, room: Room) -> str:
    """Say what is changed, and why."""
    before, down = getattr(knobs, knob), value < getattr(knobs, knob)
    what = {
        "steps": f"{counted(value)} instead of {before}",
        "quality": f"JPEG quality {value} instead of {before}",
        "rate": f"{value} frames a second sent instead of {before}",
    }[knob]
    why = {
        "steps": f"a picture took {measured.picture:.0f} ms",
        "quality": f"the way to this page took {measured.line:.0f} ms",
        "rate": f"this page took {measured.page:.0f} ms to show one",
    }[knob]
    if down:
        return f"{what}: {why}, you asked for {target.ms:.0f} in all."
    says = f"{what}: {measured.latency:.0f} of the {target.ms:.0f} ms you asked for were used."
    if knob == "steps" and value > room.own and room.few_suffice:
        says += f" This model was made for {room.own}: more of them show little."
    return says
