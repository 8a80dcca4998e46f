"""Judges two-clock drags on a video student of the drawn world: does the thing follow the hand, and stay itself.

The thing is cut out of the student's own picture, where the witness of subjects finds it, and moved along a path that
no training saw; the witness then says where it is. The same takes without the pin are played beside it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from studio.controls import Control, CutOut, Stroke
from studio.engine import Engine
from studio.evaluation.video import GRID, Witness, new_take, witness_right
from studio.models.base import Model
from studio.training.video_clips import LABELS, World
from studio.trajectory import place

APPROACH, ALONG = 12, 48  # pictures from where the thing is to the path, and along it
FREE = 21  # pictures before it is taken hold of: a clean start and a chunk
SIZE = 0.44  # of what is cut out, a share of the picture's width
SIDE = 256  # pixels that errors are told in
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
    """What came of trials: errors in px at 256, whether the thing was itself, whether something was left behind."""

    errors: list[float] = field(default_factory=list)
    itself: list[bool] = field(default_factory=list)
    ghosts: list[bool] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Give the means, and the error's median and 90th percentile."""
        low, high = np.quantile(self.errors, (0.5, 0.9)) if self.errors else (math.nan, math.nan)
        figures = {
            "error_px": np.mean(self.errors), "median_px": low, "p90_px": high,
            "itself": np.mean(self.itself), "left_behind": np.mean(self.ghosts),
        }  # fmt: skip
        return {name: round(float(value), 3) for name, value in figures.items()}


@dataclass(frozen=True)
class Trial:
    """A take up to the moment the hand takes hold: the strokes to be sent, and where each thing was."""

    engine: Engine
    controls: tuple[Control, ...]
    strokes: tuple[Stroke, ...]
    origins: tuple[tuple[float, float], ...]


def path_from(start: tuple[float, float], curve: Curve) -> tuple[tuple[float, float, float], ...]:
    """Give the points (t, x, y) of a path: from where a thing is to the curve, and along it."""
    along = [(APPROACH + t, *curve(t / ALONG)) for t in range(ALONG + 1)]
    return ((0.0, *start), *along)


def cut_from(picture: np.ndarray, x: float, y: float, size: float = SIZE) -> bytes:
    """Cut the thing at a place out of a picture, (H, W, 3) uint8, by OpenCV's GrabCut: a square PNG of that size."""
    import cv2
    from PIL import Image

    height, width = picture.shape[:2]
    reach = round(size * width / 2)
    padded = cv2.copyMakeBorder(picture, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    left, top = round(x * width), round(y * height)
    window = np.ascontiguousarray(padded[top : top + 2 * reach, left : left + 2 * reach])
    rows, columns = (np.mgrid[: 2 * reach, : 2 * reach] + 0.5) / reach - 1
    away = np.hypot(rows, columns)
    marks = np.where(away < 0.75, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[away < 0.3], marks[away > 1.0] = cv2.GC_FGD, cv2.GC_BGD
    cv2.setRNGSeed(1)
    cv2.grabCut(window, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    alpha = cv2.GaussianBlur(((marks & 1) * 255).astype(np.uint8), (0, 0), 0.8)
    file = io.BytesIO()
    Image.fromarray(np.dstack([window, alpha])).save(file, "PNG")
    return file.getvalue()


def begin(model: Model, world: World, witness: Witness, rng: np.random.Generator, curves: Sequence[Curve]) -> Trial:
    """Play a take to the end of a chunk, and take hold of the thing there; of a second, its label's picture is pasted.

    A take in which the witness does not see the thing that was asked for is no trial: another is played.
    """
    for _ in range(20):
        engine, _, label = new_take(model, world, rng, model.capabilities.steps)
        for _ in range(FREE):
            frame = engine.step()
        assert not engine.ahead, "a chunk's end"
        ((name, x, y, sure),) = witness.find(tensor([frame.picture]))
        if name == label and sure > SURE:
            break
    else:
        raise ValueError(f"{model.name} draws nothing that can be taken hold of: the witness saw none in 20 takes")
    strokes = [Stroke("a", label, path_from((x, y), curves[0]), "path", SIZE, loop=False)]
    for curve in curves[1:]:
        other = LABELS[(LABELS.index(label) + 5) % len(LABELS)]
        strokes.append(Stroke("b", other, path_from(curve(0.0), curve), "path", 0.4, loop=False))
    cut = CutOut("a", cut_from(frame.picture, x, y))
    return Trial(engine, (cut, *strokes), tuple(strokes), ((x, y),))


def play(trial: Trial, witness: Witness, pinned: bool, judged: Judged, stiffness: float) -> list[np.ndarray]:
    """Play a trial on, with the hand or without it, and judge its pictures."""
    engine, since = trial.engine, trial.engine.frame
    if pinned:
        stiff = (Stroke(**{**vars(one), "stiffness": stiffness}) for one in trial.strokes)
        engine.accept(*trial.controls)
        engine.apply([(9 + n, one) for n, one in enumerate((trial.controls[0], *stiff))])
    pictures = [engine.step().picture for _ in range(APPROACH + ALONG)]
    shares = heard(witness, pictures)
    for stroke in trial.strokes:
        judge_stroke(stroke, witness, pictures, judged)
    for origin, stroke in zip(trial.origins, trial.strokes):
        true = [place(stroke, number) for number in range(len(pictures))]
        far = [n for n, one in enumerate(true) if math.hypot(one.x - origin[0], one.y - origin[1]) > 0.9 * SIZE]
        clear = [n for n in far if all(away(place(other, n), origin) > 0.9 * SIZE for other in trial.strokes)]
        if clear:
            judged.ghosts.append(bool(np.mean([is_there(shares[n], origin) for n in clear[-8:]]) > 0.5))
    del since
    return pictures


def away(one, point: tuple[float, float]) -> float:
    """Give how far a placement is from a point, in 0..1."""
    return math.hypot(one.x - point[0], one.y - point[1])


def judge_stroke(stroke: Stroke, witness: Witness, pictures: Sequence[np.ndarray], judged: Judged) -> None:
    """Judge where a stroke's thing is in each picture, and whether it is that thing."""
    found = witness.find(tensor(pictures), stroke.label)
    for number, (_, x, y, sure) in enumerate(found):
        true = place(stroke, number)
        judged.errors.append(SIDE * math.hypot(x - true.x, y - true.y))
        judged.itself.append(sure > SURE)


def heard(witness: Witness, pictures: Sequence[np.ndarray]) -> Tensor:
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
    model: Model, world: World, witness: Witness, count: int = 8, seed: int = 2027, stiffness: float = 0.5
) -> dict:
    """Give the figures of `count` trials of each path, with the pin and without; errors are px at 256.

    itself: share of pictures in which the witness is sure of the thing; left_behind: share of trials in which it sees
    something where the thing was, once that is away.
    """
    ways: dict[str, dict[str, Judged]] = {way: {} for way in ("pinned", "free")}
    for name, way, judged, *_ in trials(model, world, witness, count, seed, stiffness):
        ways[way].setdefault(name, Judged())
        for part in ("errors", "itself", "ghosts"):
            getattr(ways[way][name], part).extend(getattr(judged, part))
    return {
        way: {"all": together(paths.values()).figures(), **{name: one.figures() for name, one in paths.items()}}
        for way, paths in ways.items()
    } | {"stiffness": stiffness, "trials": count * len(PATHS), **witness_right(witness, world)}


def together(parts) -> Judged:
    """Give what came of several parts as one."""
    parts = list(parts)
    return Judged(*([value for part in parts for value in getattr(part, name)] for name in ("errors", "itself", "ghosts")))


def trials(
    model: Model, world: World, witness: Witness, count: int, seed: int, stiffness: float
) -> Iterator[tuple[str, str, Judged, Trial, list[np.ndarray]]]:
    """Play the trials, yielding path, way, what came of it, the trial and its pictures."""
    for name, curves in PATHS.items():
        for number in range(count):
            rng = np.random.default_rng([seed, list(PATHS).index(name), number])
            trial = begin(model, world, witness, rng, curves)
            snapshot = trial.engine.snapshot()
            for way in ("pinned", "free"):
                trial.engine.restore(snapshot)
                judged = Judged()
                pictures = play(trial, witness, way == "pinned", judged, stiffness)
                yield name, way, judged, trial, pictures
