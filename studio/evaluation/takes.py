"""Takes to judge, and the rulers: where a subject is, which one it is, how like the drawn truth."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..controls import InForce, Prompt, Sampling, Stroke
from ..models import pocket
from ..training import scenes, words, world
from ..training.backgrounds import Scene
from ..trajectory import placements

SEARCH = 12  # pixels around the asked place in which the subject is looked for


@dataclass(frozen=True)
class Take:
    """One thing asked for: a scene in some wording, a subject by some word, a path, a seed."""

    scene: Scene
    prompt: str
    unseen: bool  # the wording was held out of training
    label: str
    word: str
    synonym: bool  # the word was held out of training
    path: tuple[tuple[float, float, float], ...]
    size: float
    seed: int

    def controls(self, rungs: int) -> tuple:
        return (
            Prompt(self.prompt),
            Sampling(seed=self.seed, rungs=rungs),
            Stroke("subject", self.word, self.path, mode="path", size=self.size, loop=True),
        )


def held_out_path(rng: np.random.Generator, frames: int) -> tuple[tuple[float, float, float], ...]:
    """A Bezier curve there and back at an uneven pace: training draws lines, circles and jumps only."""
    corners = rng.uniform(0.22, 0.78, (4, 2))
    t = np.linspace(0, 1, frames)
    s = (0.5 - 0.5 * np.cos(2 * np.pi * t))[:, None]
    weights = ((1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3)
    curve = sum(weight * corner for weight, corner in zip(weights, corners, strict=True))
    return tuple((float(f), float(x), float(y)) for f, (x, y) in enumerate(curve))


def draw_take(rng: np.random.Generator, period: int = 48) -> Take:
    """Half of the takes use a held-out wording, and independently half a held-out word for the subject."""
    seed = int(rng.integers(2**31))
    place = scenes.PLACES[rng.integers(len(scenes.PLACES))]
    time = rng.choice(scenes.times_of(place))
    weather = rng.choice(scenes.weathers_of(place))
    unseen, synonym = (bool(flag) for flag in rng.random(2) < 0.5)
    label = str(rng.choice(world.sprites().labels))
    synonym = synonym and bool(words.SUBJECTS[label].held_out)
    word = str(rng.choice(words.SUBJECTS[label].held_out)) if synonym else label
    scene = Scene(place, seed % pocket.VIEWS, str(time), str(weather))
    prompt = words.compose(place, time, weather, rng, unseen)
    path, size = held_out_path(rng, period), float(rng.uniform(0.28, 0.44))
    return Take(scene, prompt, unseen, label, word, synonym, path, size, seed)


@dataclass(frozen=True)
class Truth:
    """A frame as the drawn world shows it: picture (3, 256, 256) in 0..1, subject's alpha (1, 256, 256), its place."""

    picture: Tensor
    alpha: Tensor
    background: Tensor
    x: float
    y: float
    size: float
    facing: float
    light: tuple[float, float, float]


def truth(take: Take, frame: int, scene: Scene | None = None) -> Truth:
    scene = scene or take.scene
    in_force = InForce().after(Stroke("subject", take.word, take.path, mode="path", size=take.size), 0)
    (placed,) = placements(in_force.strokes, frame)
    painted = scenes.paint(scene.place, scene.view, scene.time, scene.weather, frame % scenes.PHASES)
    background = torch.from_numpy(painted.copy()).permute(2, 0, 1).float() / 255
    light = world.LIGHT[scene.time]
    number = torch.tensor([world.sprites().index(take.label)])
    where = (torch.tensor([v]) for v in (placed.x, placed.y, placed.size, -placed.facing))
    picture, alpha = world.composite(background[None], number, *where, torch.tensor([light]))
    return Truth(picture[0], alpha[0], background, placed.x, placed.y, placed.size, -placed.facing, light)


def position_error(made: Tensor, true: Truth) -> float:
    """Pixels between the asked place and where the drawn subject fits best, by masked template matching.

    The template is the subject as drawn; it is moved over +-12 pixels and fitted by squared error, with a parabola
    between pixels.
    """
    mask = true.alpha[None]
    picture = F.pad(made[None], (SEARCH,) * 4, mode="replicate")
    rows, columns = (mask[0, 0].sum(d) > 0 for d in (1, 0))
    top, bottom = _span(rows)
    left, right = _span(columns)
    alpha, template = mask[..., top:bottom, left:right], true.picture[None, :, top:bottom, left:right]
    window = picture[..., top : bottom + 2 * SEARCH, left : right + 2 * SEARCH]
    weight = alpha.expand(-1, 3, -1, -1)
    error = (
        F.conv2d(window.square(), weight) - 2 * F.conv2d(window, weight * template) + (weight * template.square()).sum()
    )[0, 0]
    row, column = divmod(int(error.argmin()), error.shape[1])
    down = row - SEARCH + _parabola(error[:, column], row)
    across = column - SEARCH + _parabola(error[row], column)
    return float(np.hypot(down, across))


def _span(flags: Tensor) -> tuple[int, int]:
    places = flags.nonzero()
    return int(places.min()), int(places.max()) + 1


def _parabola(line: Tensor, at: int) -> float:
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = (float(v) for v in line[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend > 0 else 0.0


def identify(made: Tensor, true: Truth) -> str:
    """The label whose drawing, put where the subject was asked, is nearest to the picture there (squared error)."""
    pack, side = world.sprites(), pocket.MAP
    width = math.ceil(1.1 * true.size * side) + 1  # of the window round the subject, in pixels of half the picture's
    left, top = (math.floor((middle - 0.55 * true.size) * side) for middle in (true.x, true.y))
    inside = (..., slice(max(0, -top), side - top), slice(max(0, -left), side - left))

    def window(picture: Tensor) -> Tensor:
        small = F.interpolate(picture[None], size=(side, side), mode="area")
        wide = F.pad(small, (width,) * 4, mode="replicate")
        return wide[..., top + width : top + 2 * width, left + width : left + 2 * width]

    count = len(pack.labels)
    where = ((true.x * side - left) / width, (true.y * side - top) / width, true.size * side / width, true.facing)
    drawn, _ = world.composite(
        window(true.background).expand(count, -1, -1, -1),
        torch.arange(count),
        *(torch.full((count,), value) for value in where),
        torch.tensor([true.light]).expand(count, 3),
    )
    return pack.labels[int((drawn - window(made))[inside].square().mean((1, 2, 3)).argmin())]


def subject_psnr(made: Tensor, true: Truth) -> float:
    """dB inside the subject."""
    weight = (true.alpha > 0.5).float()
    error = ((made - true.picture).square() * weight).sum() / (3 * weight.sum())
    return float(-10 * torch.log10(error.clamp_min(1e-8)))
