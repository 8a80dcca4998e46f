"""Judges two-clock drags on a video student of the drawn world: does the thing follow the hand, and stay itself.

The thing is cut out of the student's own picture, as a hand takes hold of it where the witness of subjects finds it,
and moved along a path that no training saw; the witness then says where it is. The same takes are played without the
pin.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from studio.controls import ControlError, CutOut, Stroke
from studio.engine import Engine
from studio.evaluation.video import GRID, Witness, new_take, witness_right
from studio.models.base import Model
from studio.training.video_clips import LABELS, World
from studio.trajectory import Placement, place
from studio.underpaint.cutting import Cut, grab

APPROACH, ALONG = 12, 48  # pictures from where the thing is to the path, and along it
FREE = 21  # pictures before it is taken hold of: a clean start and a chunk
SIZE = 0.4  # about how wide a thing is, a share of the picture's width
SIDE = 256  # pixels that errors are told in
CLEAR = 1.0  # of that width: so far away a thing no longer covers where it was
PLAIN = 0.8  # of the witness, from which on a thing is plain enough to be taken hold of
SURE = 0.5  # of the witness, from which on something is there
Curve = Callable[[float], tuple[float, float]]


def zigzag(u: float) -> tuple[float, float]:
    """Go from left to right in four legs."""
    return 0.22 + 0.56 * u, 0.38 + 0.26 * abs(1 - (4 * u + 1) % 2)


# What no subject of the drawn world does by itself: u in 0..1 to x, y. Two curves: two things that cross.
PATHS: dict[str, tuple[Curve, ...]] = {
    "circle": (lambda u: (0.5 + 0.24 * math.cos(math.tau * u), 0.52 + 0.2 * math.sin(math.tau * u)),),
    "eight": (lambda u: (0.5 + 0.26 * math.sin(math.tau * u), 0.52 + 0.16 * math.sin(2 * math.tau * u)),),
    "zigzag": (zigzag,),
    "dash": (lambda u: (0.22 + 0.56 * min(1.0, 3 * u), 0.55),),
    "cross": (lambda u: (0.24 + 0.52 * u, 0.36 + 0.3 * u), lambda u: (0.76 - 0.52 * u, 0.36 + 0.3 * u)),
}


@dataclass
class Judged:
    """What came of trials.

    errors: px at 256, of each picture and thing; itself: whether the witness was sure of the thing there. left_behind:
    of each trial that goes far enough, whether something was seen where the thing had been, in most of the pictures in
    which it was away.
    """

    errors: list[float] = field(default_factory=list)
    itself: list[bool] = field(default_factory=list)
    left_behind: list[bool] = field(default_factory=list)

    def add(self, other: Judged) -> None:
        """Take in what came of others."""
        self.errors += other.errors
        self.itself += other.itself
        self.left_behind += other.left_behind

    def figures(self) -> dict[str, float | None]:
        """Give the means, and the error's median and 90th percentile; None where nothing was judged.

        error_itself_px: of the pictures in which the thing is itself; elsewhere the witness names what is likest.
        """
        there = [error for error, sure in zip(self.errors, self.itself, strict=True) if sure]
        values = {
            "error_px": np.mean(self.errors), "error_itself_px": np.mean(there) if there else None,
            "median_px": np.median(self.errors), "p90_px": np.quantile(self.errors, 0.9),
            "itself": np.mean(self.itself),
            "left_behind": np.mean(self.left_behind) if self.left_behind else None,
        }  # fmt: skip
        return {name: None if value is None else round(float(value), 3) for name, value in values.items()}


@dataclass(frozen=True)
class Trial:
    """A take up to the moment the hand takes hold: what is sent, and where the witness saw the thing.

    offsets: of each stroke, how far from it the witness sees its thing: a cut's middle is not what it calls the middle.
    """

    engine: Engine
    cut: CutOut
    strokes: tuple[Stroke, ...]
    origin: tuple[float, float]
    offsets: tuple[tuple[float, float], ...]


def path_from(start: tuple[float, float], curve: Curve) -> tuple[tuple[float, float, float], ...]:
    """Give the points (t, x, y) of a path: from where a thing is to the curve, and along it."""
    along = [(APPROACH + t, *curve(t / ALONG)) for t in range(ALONG + 1)]
    return ((0.0, *start), *along)


def begin(model: Model, world: World, witness: Witness, rng: np.random.Generator, curves: Sequence[Curve]) -> Trial:
    """Play a take to the end of a chunk, and take hold of the thing there; of a second, its label's picture is pasted.

    A take in which the witness does not see the thing that was asked for is no trial: another is played.
    """
    for _ in range(20):
        engine, _, label = new_take(model, world, rng, model.capabilities.steps)
        pictures = [engine.step().picture for _ in range(FREE)]
        assert not engine.ahead, "a chunk's end"
        ((name, x, y, sure),) = witness.find(tensor(pictures[-1:]))
        if name == label and sure > PLAIN and (cut := cut_at(pictures, (x, y))):
            break
    else:
        raise ValueError(f"{model.name} draws nothing that can be taken hold of: nothing was found in 20 takes")
    strokes = [Stroke("a", label, path_from(cut.middle, curves[0]), "path", cut.width, loop=False)]
    for curve in curves[1:]:
        other = LABELS[(LABELS.index(label) + 5) % len(LABELS)]
        strokes.append(Stroke("b", other, path_from(curve(0.0), curve), "path", SIZE, loop=False))
    offsets = ((x - cut.middle[0], y - cut.middle[1]), (0.0, 0.0))
    return Trial(engine, CutOut("a", cut.to_file()), tuple(strokes), (x, y), offsets)


def cut_at(pictures: Sequence[np.ndarray], point: tuple[float, float]) -> Cut | None:
    """Cut out the thing at a point of the last of pictures as a hand does; None where nothing has an outline."""
    try:
        return grab(pictures[-1], point, SIZE, pictures[:-1])
    except ControlError:
        return None


def play(trial: Trial, pinned: bool, stiffness: float) -> list[np.ndarray]:
    """Play a trial on, with the hand or without it: the pictures."""
    if pinned:
        strokes = (replace(one, stiffness=stiffness) for one in trial.strokes)
        trial.engine.accept(trial.cut, *trial.strokes)
        trial.engine.apply([(9 + number, one) for number, one in enumerate((trial.cut, *strokes))])
    return [trial.engine.step().picture for _ in range(APPROACH + ALONG)]


def judge(trial: Trial, witness: Witness, pictures: Sequence[np.ndarray]) -> Judged:
    """Judge the pictures of a trial: where each thing is, whether it is that, and whether something was left behind."""
    judged = Judged()
    for stroke, (right, down) in zip(trial.strokes, trial.offsets):
        found = witness.find(tensor(pictures), stroke.label)
        for number, (_, x, y, sure) in enumerate(found):
            judged.errors.append(SIDE * away(place(stroke, number), (x - right, y - down)))
            judged.itself.append(sure > SURE)
    clear = [
        number
        for number in range(len(pictures))
        if all(away(place(stroke, number), trial.origin) > CLEAR * SIZE for stroke in trial.strokes)
    ]
    if clear:
        left = subjects_in(witness, [pictures[number] for number in clear])
        judged.left_behind.append(float(np.mean([is_there(one, trial.origin) for one in left])) > 0.5)
    return judged


def away(one: Placement, point: tuple[float, float]) -> float:
    """Give how far a placement is from a point, in 0..1."""
    return math.hypot(one.x - point[0], one.y - point[1])


def subjects_in(witness: Witness, pictures: Sequence[np.ndarray]) -> Tensor:
    """Give the share of any subject in each cell of pictures, (N, 16, 16)."""
    with torch.no_grad():
        return 1 - witness(tensor(pictures)).softmax(1)[:, 0]


def is_there(share: Tensor, point: tuple[float, float]) -> bool:
    """Whether the witness sees any subject about a point of a picture, share (16, 16)."""
    column, row = (min(GRID - 1, int(GRID * value)) for value in point)
    return bool(share[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max() > SURE)


def tensor(pictures: Sequence[np.ndarray]) -> Tensor:
    """Give pictures (H, W, 3) uint8 as (N, 3, H, W) in 0..1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def evaluate_drag(
    model: Model,
    world: World,
    witness: Witness,
    count: int = 8,
    seed: int = 2027,
    stiffness: float = 1.0,
    progress: Callable[..., Iterable[Any]] = lambda iterable, **_: iterable,
) -> dict[str, Any]:
    """Give the figures of `count` trials of each path, with the pin and without it; see `Judged`.

    Raises ValueError for a model that draws nothing of the drawn world.
    """
    ways = {way: {name: Judged() for name in ("all", *PATHS)} for way in ("pinned", "free")}
    played = trials(model, world, witness, count, seed, stiffness)
    for name, way, judged, _ in progress(played, total=2 * count * len(PATHS), desc="drags"):
        ways[way][name].add(judged)
        ways[way]["all"].add(judged)
    figures = {way: {name: judged.figures() for name, judged in rows.items()} for way, rows in ways.items()}
    return {**figures, "stiffness": stiffness, "trials": count * len(PATHS), **witness_right(witness, world)}


def trials(
    model: Model, world: World, witness: Witness, count: int, seed: int, stiffness: float
) -> Iterator[tuple[str, str, Judged, list[np.ndarray]]]:
    """Play the trials, yielding path, way, what came of it, and its pictures."""
    for place_of, (name, curves) in enumerate(PATHS.items()):
        for number in range(count):
            trial = begin(model, world, witness, np.random.default_rng([seed, place_of, number]), curves)
            snapshot = trial.engine.snapshot()
            for way in ("pinned", "free"):
                trial.engine.restore(snapshot)
                pictures = play(trial, way == "pinned", stiffness)
                yield name, way, judge(trial, witness, pictures), pictures
