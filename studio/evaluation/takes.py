"""Takes to judge, and the rulers: where a subject is, which one it is, how like the drawn truth."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.controls import Control, ControlState, Prompt, Sampling, Stroke, strokes
from studio.models.pocket import model as pocket
from studio.training import vocabulary
from studio.training.losses import edges
from studio.trajectory import Placement, placements
from studio.world import compositing, scenes, words
from studio.world.backgrounds import Scene

FALSE_COLOUR = 0.08  # of 0..1: plainly seen in a flat sky; the autoencoder was off by it in none of 51,200 cells
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

    def controls(self, steps: int) -> tuple:
        return (
            Prompt(self.prompt),
            Sampling(seed=self.seed, steps=steps),
            Stroke("subject", self.word, self.path, mode="path", size=self.size, loop=True),
        )


def held_out_path(rng: np.random.Generator, frames: int) -> tuple[tuple[float, float, float], ...]:
    """A Bezier curve there and back at an uneven pace: training draws lines, circles and jumps only."""
    corners = rng.uniform(0.22, 0.78, (4, 2))
    t = np.linspace(0, 1, frames)
    s = (0.5 - 0.5 * np.cos(2 * np.pi * t))[:, None]
    weights = ((1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3)
    curve = np.sum([weight * corner for weight, corner in zip(weights, corners, strict=True)], 0)
    return tuple((float(f), float(x), float(y)) for f, (x, y) in enumerate(curve))


def draw_take(
    rng: np.random.Generator,
    period: int = 48,
    labels: tuple[str, ...] = (),
    places: tuple[str, ...] = scenes.FIRST_PLACES,
) -> Take:
    """Half of the takes use a held-out wording, and independently half a held-out word for the subject.

    labels: the subjects to choose from; those that nets are trained on if left out. places: likewise.
    """
    seed = int(rng.integers(2**31))
    place = places[rng.integers(len(places))]
    time = rng.choice(scenes.times_of(place))
    weather = rng.choice(scenes.weathers_of(place))
    unseen, synonym = (bool(flag) for flag in rng.random(2) < 0.5)
    label = str(rng.choice(labels or compositing.sprites().labels))
    held_out = (words.SUBJECTS.get(label) or vocabulary.added()[label]).held_out
    synonym = synonym and bool(held_out)
    word = str(rng.choice(held_out)) if synonym else label
    scene = Scene(place, seed % pocket.VIEWS, str(time), str(weather))
    prompt = words.compose(place, time, weather, rng, unseen)
    path, size = held_out_path(rng, period), float(rng.uniform(0.28, 0.44))
    return Take(scene, prompt, unseen, label, word, synonym, path, size, seed)


@dataclass(frozen=True)
class HandTake:
    """Two subjects dragged and left standing as with a mouse, and a prompt that changes the world under them.

    labels: of the subjects; hands (2, T, 2): where each is asked in every frame; switch: the frame of the other prompt.
    """

    scene: Scene
    prompt: str
    other: Scene
    other_prompt: str
    switch: int
    labels: tuple[str, str]
    hands: np.ndarray
    size: float
    seed: int

    def controls(self, frame: int, steps: int) -> list[Control]:
        """What the page sends before a frame."""
        sent: list[Control] = [Prompt(self.prompt), Sampling(seed=self.seed, steps=steps)] if frame == 0 else []
        if frame == self.switch:
            sent.append(Prompt(self.other_prompt, switch="recache"))
        for label, hand in zip(self.labels, self.hands, strict=True):
            x, y = map(float, hand[frame])
            if frame == 0 or (hand[frame] != hand[frame - 1]).any():
                sent.append(Stroke(label, label, ((0.0, x, y),), mode="drag", size=self.size))
        return sent

    def scene_at(self, frame: int) -> Scene:
        return self.scene if frame < self.switch else self.other


def hand(rng: np.random.Generator, frames: int) -> np.ndarray:
    """(T, 2) places: a hand with a mouse rests for 4-15 frames, then moves in 4-11, slow at both ends, and rests."""
    places = [rng.uniform(0.2, 0.8, 2)]
    while len(places) < frames:
        places += [places[-1]] * int(rng.integers(4, 16))
        share = np.linspace(0, 1, int(rng.integers(5, 13)))[1:, None]
        eased = share * share * (3 - 2 * share)
        places += list(places[-1] + eased * (rng.uniform(0.15, 0.85, 2) - places[-1]))
    return np.array(places[:frames])


def draw_hand_take(
    rng: np.random.Generator, frames: int = 120, switch: int = 60, places: tuple[str, ...] = scenes.FIRST_PLACES
) -> HandTake:
    """Two places, each in some light and weather, in wordings as in training; after the switch the hand rests."""
    seed = int(rng.integers(2**31))
    here, there = rng.choice(len(places), 2, replace=False)
    worlds = []
    for place in (places[here], places[there]):
        time, weather = str(rng.choice(scenes.times_of(place))), str(rng.choice(scenes.weathers_of(place)))
        worlds.append((Scene(place, seed % pocket.VIEWS, time, weather), words.compose(place, time, weather, rng)))
    (scene, prompt), (other, other_prompt) = worlds
    one, two = (str(label) for label in rng.choice(compositing.sprites().labels, 2, replace=False))
    hands = np.stack([hand(rng, frames) for _ in range(2)])
    hands[:, switch - 1 :] = hands[:, switch - 1 : switch]
    size = float(rng.uniform(0.28, 0.44))
    return HandTake(scene, prompt, other, other_prompt, switch, (one, two), hands, size, seed)


@dataclass(frozen=True)
class Truth:
    """A frame as the drawn world shows it: picture (3, S, S) in 0..1, subject's alpha (1, S, S), its place."""

    picture: Tensor
    alpha: Tensor
    background: Tensor
    x: float
    y: float
    size: float
    facing: float
    light: tuple[float, float, float]


def truth(
    take: Take,
    frame: int,
    scene: Scene | None = None,
    side: int = compositing.SIZE,
    pack: compositing.Sprites | None = None,
) -> Truth:
    """Draw a take's frame as the world shows it, `side` pixels wide; pack: whose subjects, the world's if left out."""
    scene = scene or take.scene
    state = ControlState().after(Stroke("subject", take.word, take.path, mode="path", size=take.size), 0)
    (placed,) = placements(strokes(state), frame)
    background = scene_picture(scene, frame, side)
    picture, alpha = with_subject(background, take.label, placed, scene, pack)
    light = compositing.LIGHT[scene.time]
    return Truth(picture, alpha, background, placed.x, placed.y, placed.size, -placed.facing, light)


def scene_picture(scene: Scene, frame: int, side: int = compositing.SIZE) -> Tensor:
    """(3, side, side) in 0..1: a scene without subjects."""
    pixels = scenes.paint(scene.place, scene.view, scene.time, scene.weather, frame % scenes.PHASES, side)
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def with_subject(
    picture: Tensor, label: str, placed: Placement, scene: Scene, pack: compositing.Sprites | None = None
) -> tuple[Tensor, Tensor]:
    """The picture with a subject on it, and its alpha (1, S, S); pack: whose, the world's own if left out."""
    pack = pack or (compositing.sprites() if label in words.SUBJECTS else compositing.added())
    number = torch.tensor([pack.index(label)])
    x, y, size, facing = (torch.tensor([v]) for v in (placed.x, placed.y, placed.size, -placed.facing))
    light = torch.tensor([compositing.LIGHT[scene.time]])
    drawn, alpha = compositing.composite(picture[None], number, x, y, size, facing, light, pack)
    return drawn[0], alpha[0]


def hand_truth(state: ControlState, scene: Scene, frame: int, side: int = compositing.SIZE) -> tuple[Tensor, Tensor]:
    """A frame as the drawn world shows it under the strokes in force, and all subjects' alpha (1, side, side)."""
    picture, covered = scene_picture(scene, frame, side), torch.zeros(1, side, side)
    for placed in placements(strokes(state), frame):
        picture, alpha = with_subject(picture, placed.label, placed, scene)
        covered = torch.maximum(covered, alpha)
    return picture, covered


def position_error(made: Tensor, true: Truth) -> float:
    """Pixels of 256 between the asked place and where the drawn subject fits best, by masked template matching.

    The template is the subject as drawn; it is moved over +-12 pixels and fitted by squared error, with a parabola
    between pixels. Larger pictures are judged at 256.
    """
    if made.shape[-1] > compositing.SIZE:
        made, picture, alpha = (_shrunk(part) for part in (made, true.picture, true.alpha))
        true = replace(true, picture=picture, alpha=alpha)
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


def _shrunk(picture: Tensor) -> Tensor:
    return F.interpolate(picture[None], size=(compositing.SIZE, compositing.SIZE), mode="area")[0]


def _span(flags: Tensor) -> tuple[int, int]:
    places = flags.nonzero()
    return int(places.min()), int(places.max()) + 1


def _parabola(line: Tensor, at: int) -> float:
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = (float(v) for v in line[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend > 0 else 0.0


def identify(made: Tensor, true: Truth, pack: compositing.Sprites | None = None) -> str:
    """The label whose drawing, put where the subject was asked, is nearest to the picture there (squared error).

    pack: whose subjects may have been meant; those that nets are trained on if left out.
    """
    pack, side = pack or compositing.sprites(), pocket.MAP
    width = math.ceil(1.1 * true.size * side) + 1  # of the window round the subject, in pixels of half the picture's
    left, top = (math.floor((middle - 0.55 * true.size) * side) for middle in (true.x, true.y))
    inside = (..., slice(max(0, -top), side - top), slice(max(0, -left), side - left))

    def window(picture: Tensor) -> Tensor:
        small = F.interpolate(picture[None], size=(side, side), mode="area")
        wide = F.pad(small, (width,) * 4, mode="replicate")
        return wide[..., top + width : top + 2 * width, left + width : left + 2 * width]

    count = len(pack.labels)
    where = ((true.x * side - left) / width, (true.y * side - top) / width, true.size * side / width, true.facing)
    x, y, size, facing = (torch.full((count,), value) for value in where)
    drawn, _ = compositing.composite(
        window(true.background).expand(count, -1, -1, -1),
        torch.arange(count),
        x,
        y,
        size,
        facing,
        torch.tensor([true.light]).expand(count, 3),
        pack,
    )
    return pack.labels[int((drawn - window(made))[inside].square().mean((1, 2, 3)).argmin())]


def subject_edges(made: Tensor, picture: Tensor, alpha: Tensor) -> dict[str, float]:
    """Energy of the gradients inside the subjects, as a share of the drawn picture's, and their correlation with it."""
    energy, likeness = edges(made[None], picture[None], (alpha > 0.5).float()[None])
    return {"edge_energy": energy, "edge_correlation": likeness}


def subject_psnr(made: Tensor, picture: Tensor, alpha: Tensor) -> float:
    """dB inside the subjects, against the drawn picture."""
    return _psnr(made, picture, (alpha > 0.5).float())


def background_psnr(made: Tensor, picture: Tensor, alpha: Tensor) -> float:
    """dB outside the subjects, a cell's width away from them, against the drawn picture."""
    return _psnr(made, picture, _outside(alpha))


def false_cells(made: Tensor, picture: Tensor) -> Tensor:
    """(16, 16) bool: cells in which the mean of some colour is off by more than `FALSE_COLOUR`.

    Texture that is a little blurred or out of place keeps its mean; a block of another scene does not.
    """
    return F.adaptive_avg_pool2d((made - picture)[None], pocket.CELLS)[0].abs().amax(0) > FALSE_COLOUR


def ghosts(made: Tensor, fresh: Tensor, picture: Tensor, alpha: Tensor) -> float:
    """The share of cells outside the subjects in a false colour that the model's past has put there.

    fresh: what the model draws of the same frame without a past; where that is false too, the words were misread, which
    is no ghost. 0 where the subjects leave no cell free.
    """
    free = F.adaptive_avg_pool2d(_outside(alpha)[None], pocket.CELLS)[0, 0] == 1
    haunted = false_cells(made, picture) & ~false_cells(fresh, picture) & free
    return float(haunted.sum() / free.sum().clamp_min(1))


def _psnr(made: Tensor, picture: Tensor, weight: Tensor) -> float:
    error = ((made - picture).square() * weight).sum() / (3 * weight.sum().clamp_min(1))
    return float(-10 * torch.log10(error.clamp_min(1e-8)))


def _outside(alpha: Tensor) -> Tensor:
    """(1, H, W): 1 where every subject is more than a cell away."""
    cell = alpha.shape[-1] // pocket.CELLS
    return 1 - F.max_pool2d((alpha > 0.01).float(), 2 * cell + 1, stride=1, padding=cell)
