"""Whether a hand takes hold of a moving subject that it sees too late, and whether the subject jumps when it does.

Everything is counted in frames and drawn from the seed: no clock, no model. A picture is `LATE` frames old when it is
on the canvas, and a message takes `WAY` frames to the server.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from studio.controls import ControlState, Stroke, strokes
from studio.controls.facing import Point
from studio.trajectory import place, reached

RATE = 24  # frames a second
LATE = 8  # frames: 333 ms, the least that is not below 300
WAY = 4
SPEEDS = (0.1, 1.2)  # widths of the picture a second
SIZES = (0.2, 0.45)
AIM = 0.12  # of the subject's size: how far from its centre a hand comes down, standard deviation
HELD = 24  # frames a hand drags on
JUMP = 0.02  # widths of the picture in a frame beyond what subject and hand move
KINDS = ("path", "loop", "ping-pong", "drag")
Position = tuple[float, float]


@dataclass(frozen=True)
class Trial:
    """One grab. states: the controls in force in each frame; pressed: the frame the server is at then.

    at: where the hand comes down; speed: widths a frame of the subject; hand: widths a frame, across and down.
    """

    kind: str
    states: tuple[ControlState, ...]
    pressed: int
    at: Position
    speed: float
    hand: Position

    @property
    def seen(self) -> int:
        """The frame on the canvas."""
        return self.pressed - LATE


@dataclass(frozen=True)
class Outcome:
    """grabbed: was it the subject? jump: widths it moved in one frame beyond its own and the hand's way; end: widths
    between it and where the hand holds it, at last."""

    grabbed: bool
    jump: float = math.inf
    end: float = math.inf


def grab(seed: int = 0, trials: int = 400) -> dict[str, Any]:
    """Measure the share of trials in which the subject is grabbed, in which it also does not jump, and the widest jump.

    with: hit test and hold in the frame that was seen, moved along to the newest. hit: the hit test alone, the subject
    put under the hand. without: neither, the hit test is in the newest frame. Of each kind of motion `trials` / 4.
    """
    drawn = [draw_trial(random.Random(f"{seed} {number}"), KINDS[number % len(KINDS)]) for number in range(trials)]
    ways = {"with": anchored, "hit": hit_where_seen, "without": unanchored}
    return {
        "trials": trials,
        "late_frames": LATE,
        "way_frames": WAY,
        **{
            way: {
                **summary([play(trial) for trial in drawn]),
                "kinds": {kind: summary([play(one) for one in drawn if one.kind == kind]) for kind in KINDS},
            }
            for way, play in ways.items()
        },
    }


def summary(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Give the figures of some trials."""
    held = [one for one in outcomes if one.grabbed]
    still = [one for one in held if one.jump <= JUMP]
    return {
        "grabbed": round(len(held) / len(outcomes), 4),
        "without_jump": round(len(still) / len(outcomes), 4),
        "widest_jump": round(max((one.jump for one in held), default=0.0), 4),
        "furthest_end": round(max((one.end for one in held), default=0.0), 4),
    }


def draw_trial(chance: random.Random, kind: str) -> Trial:
    """Draw a subject on its way past another that stands still, and a hand that comes down on where it is seen."""
    size, speed = chance.uniform(*SIZES), chance.uniform(*SPEEDS) / RATE
    line = wandering(chance, speed)
    length = line[-1][0]
    pressed = LATE + chance.randrange(1, 2 * round(length))
    states = tuple(motion(kind, line, size, pressed + WAY + 2 * HELD))
    stroke, since = strokes(states[pressed - LATE])["subject"]
    now = place(stroke, pressed - LATE - since)
    at = (inside(chance.gauss(now.x, AIM * size)), inside(chance.gauss(now.y, AIM * size)))
    other = Stroke("other", "cow", ((0, *away(chance, (now.x, now.y), size)),), mode="pin", size=size)
    hand = (chance.uniform(-0.008, 0.008), chance.uniform(-0.008, 0.008))
    return Trial(kind, tuple(state.after(other, 0) for state in states), pressed, at, speed, hand)


def wandering(chance: random.Random, speed: float) -> tuple[Point, ...]:
    """Draw a line through the picture at a speed in widths a frame, two seconds long at least."""
    points = [(0.0, chance.uniform(0.15, 0.85), chance.uniform(0.15, 0.85))]
    while points[-1][0] < 2 * RATE:
        t, x, y = points[-1]
        there = (chance.uniform(0.1, 0.9), chance.uniform(0.1, 0.9))
        points.append((t + max(1.0, math.hypot(there[0] - x, there[1] - y) / speed), *there))
    return tuple(points)


def motion(kind: str, line: tuple[Point, ...], size: float, frames: int) -> list[ControlState]:
    """Give the controls in force in each frame: a path, or a drag with a message a frame, let go of somewhere."""
    if kind != "drag":
        path = Stroke("subject", "fox", line, "path", size, loop=kind != "path", ping_pong=kind == "ping-pong")
        return [ControlState.of(path)] * frames
    along = Stroke("subject", "fox", line, "path", size)
    state, states = ControlState(), []
    for frame in range(frames):
        at = place(along, frame)
        state = state.after(Stroke("subject", "fox", ((0, at.x, at.y),), size=size), frame)
        states.append(state)
    return states


def away(chance: random.Random, position: Position, size: float) -> Position:
    """Find a place where another subject is not in the way of the hand."""
    while True:
        other = (chance.uniform(0, 1), chance.uniform(0, 1))
        if math.dist(other, position) > 1.2 * size:
            return other


def inside(value: float) -> float:
    return min(1.0, max(0.0, value))


def anchored(trial: Trial) -> Outcome:
    """Take hold of what was on the canvas, as the page and the server do."""
    seen = strokes(trial.states[trial.seen])
    if reached(seen, trial.at, trial.seen) != "subject":
        return Outcome(False)
    stroke, since = seen["subject"]
    at = place(stroke, trial.seen - since)
    return dragged(trial, (at.x, at.y), (float(trial.seen), at.x, at.y))


def hit_where_seen(trial: Trial) -> Outcome:
    """Take hold of what was on the canvas, and put it under the hand."""
    if reached(strokes(trial.states[trial.seen]), trial.at, trial.seen) != "subject":
        return Outcome(False)
    return dragged(trial, trial.at, ())


def unanchored(trial: Trial) -> Outcome:
    """Take hold of what is there when the message comes, and put it under the hand."""
    newest = trial.pressed + WAY
    if reached(strokes(trial.states[newest]), trial.at, newest) != "subject":
        return Outcome(False)
    return dragged(trial, trial.at, ())


def dragged(trial: Trial, start: Position, anchor: tuple[float, ...]) -> Outcome:
    """Drag it on, a message a frame, and look at where it is in every frame from the last one before on."""
    first = trial.pressed + WAY
    state = trial.states[first - 1]
    size = strokes(state)["subject"][0].size
    places = [position(state, first - 1)]
    for frame in range(first, first + 2 * HELD):
        gone = min(frame - first, HELD)
        hand = (inside(start[0] + gone * trial.hand[0]), inside(start[1] + gone * trial.hand[1]))
        if gone < HELD:
            state = state.after(Stroke("subject", "fox", ((0, *hand),), size=size, grab=anchor), frame)
        places.append(position(state, frame))
    steps = [math.dist(one, other) for one, other in pairwise(places)]
    own = trial.speed + math.hypot(*trial.hand)
    last = (inside(start[0] + (HELD - 1) * trial.hand[0]), inside(start[1] + (HELD - 1) * trial.hand[1]))
    return Outcome(True, max(steps) - own, math.dist(places[-1], last))


def position(state: ControlState, frame: int) -> Position:
    stroke, since = strokes(state)["subject"]
    at = place(stroke, frame - since)
    return at.x, at.y
