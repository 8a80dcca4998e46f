"""Video clips of the drawn world, whose subjects move by themselves: what the video student is trained on.

A part of the drawn world, so that an hour of one core can teach it: 16 subjects, each with a gait of its own, fourteen
places by day and by night, in one view and clear weather. A picture is 128 pixels wide; backgrounds go through their
eight phases in sixteen pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.world import compositing, scenes, words

SIDE = 128
TIMES = ("day", "night")
GAITS = {
    "walk": ("fox", "cow", "elephant", "penguin", "turtle", "bus"),
    "fly": ("bee", "owl", "ufo", "balloon", "rocket"),
    "hop": ("basketball", "frog", "pumpkin"),
    "swim": ("tropical fish", "octopus"),
}
LABELS = tuple(label for labels in GAITS.values() for label in labels)
GAIT_OF = {label: gait for gait, labels in GAITS.items() for label in labels}
HEIGHTS = {"walk": (0.5, 0.78), "fly": (0.25, 0.55), "hop": (0.6, 0.78), "swim": (0.3, 0.7)}
SIZES = (0.32, 0.46)
SPEEDS = (0.006, 0.014)  # shares of the picture's width a picture
COUNTS = (0.12, 0.78, 0.10)  # how often a clip has no subject, one, two
OPENING = (0.4, 0.01)  # size and speed of subjects in what the student learns


def all_settings() -> list[tuple[str, str]]:
    """List the places with their times of day: those that the students, and the witness that judges them, know."""
    return [(place, time) for place in scenes.FIRST_PLACES for time in TIMES if time in scenes.times_of(place)]


@dataclass(frozen=True)
class World:
    """The backgrounds: pictures uint8 (setting, phase, 128, 128, 3), and what each shows."""

    settings: tuple[tuple[str, str], ...]
    pictures: np.ndarray

    @staticmethod
    def paint(settings: list[tuple[str, str]] | None = None) -> World:
        """Paint them: seconds, so nothing is kept on disk."""
        settings = settings or all_settings()
        small = [shrink(scenes.paint_all_phases(place, 0, time, "clear")) for place, time in settings]
        return World(tuple(settings), np.stack(small))

    def frames(self, numbers: np.ndarray, pictures: np.ndarray) -> Tensor:
        """Give the backgrounds of settings (N,) at picture numbers (N,): (N, 3, 128, 128) in 0..1."""
        phase, half = np.divmod(pictures % (2 * scenes.PHASES), 2)
        one = torch.from_numpy(self.pictures[numbers, phase]).float()
        two = torch.from_numpy(self.pictures[numbers, (phase + half) % scenes.PHASES]).float()
        return (one + two).permute(0, 3, 1, 2) / 510


def shrink(phases: np.ndarray) -> np.ndarray:
    """Halve the sides of pictures (N, 256, 256, 3) uint8."""
    wide = torch.from_numpy(phases).permute(0, 3, 1, 2).float()
    return F.avg_pool2d(wide, 2).round().byte().permute(0, 2, 3, 1).numpy()


@dataclass(frozen=True)
class Paths:
    """How N subjects move, all (N,): gait by label number, where and how they begin."""

    label: np.ndarray
    x: np.ndarray
    y: np.ndarray
    speed: np.ndarray  # signed: to the right above 0
    size: np.ndarray
    swing: np.ndarray  # where in its gait's period it begins, 0..1

    @staticmethod
    def draw(label: np.ndarray, rng: np.random.Generator) -> Paths:
        """Draw paths for subjects of these label numbers; -1 for none."""
        count = len(label)
        lows, highs = np.array([HEIGHTS[GAIT_OF[LABELS[n]]] for n in label]).reshape(-1, 2).T
        speed = rng.uniform(*SPEEDS, count) * rng.choice([-1.0, 1.0], count)
        x, y, size = rng.uniform(0.2, 0.8, count), rng.uniform(lows, highs), rng.uniform(*SIZES, count)
        return Paths(label, x, y, speed, size, rng.random(count))

    def opening(self, x: np.ndarray, rows: np.ndarray) -> Paths:
        """Give the paths in one size and speed, those of some rows as a stream begins: at x (N,), to the left."""
        y = np.array([np.mean(HEIGHTS[GAIT_OF[LABELS[n]]]) for n in self.label])
        size, speed = (np.full(len(rows), value) for value in OPENING)
        return Paths(
            self.label,
            np.where(rows, x, self.x),
            np.where(rows, y, self.y),
            np.where(rows, -speed, speed * np.sign(self.speed)),
            size,
            np.where(rows, 0.0, self.swing),
        )

    def at(self, time: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Give x, y and facing (+1 to the left, as drawn) of the subjects at picture numbers (T,): each (N, T).

        A subject turns at the picture's edges. It walks with a small bob, flies in waves, hops in arcs, swims slowly
        up and down.
        """
        run = (self.x - 0.15)[:, None] + self.speed[:, None] * time
        lap = np.mod(run, 1.4)
        back = lap > 0.7
        x, to_right = 0.15 + np.where(back, 1.4 - lap, lap), (self.speed[:, None] > 0) ^ back
        phase = 2 * np.pi * self.swing[:, None]
        walk = -0.02 * np.abs(np.sin(2 * np.pi * time / 16 + phase))
        hop = -0.2 * np.abs(np.sin(2 * np.pi * time / 48 + phase))
        wave = 0.09 * np.sin(2 * np.pi * time / 56 + phase)
        swim = 0.05 * np.sin(2 * np.pi * time / 40 + phase)
        gait = np.array([[GAIT_OF[LABELS[n]]] for n in self.label])
        y = self.y[:, None] + np.select([gait == "walk", gait == "fly", gait == "hop"], [walk, wave, hop], swim)
        x, y, facing = (torch.from_numpy(v).float() for v in (x, y, np.where(to_right, -1.0, 1.0)))
        return x, y, facing


@dataclass(frozen=True)
class VideoClips:
    """B clips of T pictures: pictures (B, T, 3, 128, 128) in 0..1, the subjects' alpha (B, T, 1, 128, 128).

    setting (B,): numbers; labels (B, 2): subjects' numbers, -1 for none; x, y (B, T, 2).
    """

    pictures: Tensor
    covered: Tensor
    setting: np.ndarray
    labels: np.ndarray
    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Script:
    """What B clips show, to be drawn from any picture on: settings (B,), subjects' numbers (B, 2) and their paths."""

    setting: np.ndarray
    labels: np.ndarray
    paths: tuple[Paths, Paths]

    @staticmethod
    def draw(world: World, count: int, rng: np.random.Generator) -> Script:
        """Draw scripts; every place is equally likely, whatever its times."""
        places = list(dict.fromkeys(place for place, _ in world.settings))
        wanted = [places[n] for n in rng.integers(len(places), size=count)]
        setting = [rng.choice([n for n, (place, _) in enumerate(world.settings) if place == one]) for one in wanted]
        subjects = rng.choice(3, size=count, p=COUNTS)
        labels = rng.integers(len(LABELS), size=(count, 2))
        paths = Paths.draw(labels[:, 0], rng), Paths.draw(labels[:, 1], rng)
        return Script(np.array(setting), np.where(np.arange(2) < subjects[:, None], labels, -1), paths)

    def only(self, rows: np.ndarray) -> Script:
        """Give some of the scripts."""
        one, two = (Paths(*(getattr(path, field.name)[rows] for field in fields(Paths))) for path in self.paths)
        return Script(self.setting[rows], self.labels[rows], (one, two))

    def opening(self, share: float, rng: np.random.Generator) -> Script:
        """Give the scripts in one size and speed, a share as a stream begins: a subject in the middle, or two beside.

        Told words alone, and drawn in a few steps, a net can only draw the mean of all that is possible: where a
        subject may be anywhere, that is a blur everywhere. So a stream begins in one place, and goes on from its past.
        """
        rows = rng.random(len(self.setting)) < share
        two = (self.labels >= 0).all(1)
        places = np.where(two, 0.32, 0.5), np.full(len(rows), 0.68)
        one, other = (path.opening(x, rows) for path, x in zip(self.paths, places, strict=True))
        return Script(self.setting, self.labels, (one, other))

    def restaged(self, world: World, rng: np.random.Generator) -> Script:
        """Give the same paths elsewhere, with other subjects where a coin says so: what a prompt switch asks for."""
        other = Script.draw(world, len(self.setting), rng)
        keep = rng.random(len(self.setting)) < 0.5
        gaits = [np.array([GAIT_OF[LABELS[n]] for n in path.label]) for path in self.paths]
        labels = self.labels.copy()
        for slot in range(2):
            for b in np.flatnonzero(~keep & (labels[:, slot] >= 0)):
                labels[b, slot] = LABELS.index(rng.choice(GAITS[gaits[slot][b]]))
        return Script(other.setting, labels, self.paths)

    def film(self, world: World, pictures: int, first: int = 0) -> VideoClips:
        """Draw the pictures `first` to `first + pictures`."""
        batch, time = len(self.setting), np.arange(first, first + pictures)
        flat = np.repeat(self.setting, pictures)
        drawn = world.frames(flat, np.tile(time, batch))
        light = torch.tensor([compositing.LIGHT[world.settings[n][1]] for n in flat])
        covered = torch.zeros(batch * pictures, 1, SIDE, SIDE)
        xs, ys = [], []
        for slot, path in enumerate(self.paths):
            x, y, facing = path.at(time.astype(float))
            size = torch.from_numpy(path.size).float()[:, None].expand(-1, pictures)
            numbers = torch.tensor([sprite_number(n) for n in self.labels[:, slot]]).repeat_interleave(pictures)
            if (there := numbers >= 0).any():
                here = [value.reshape(-1)[there] for value in (x, y, size, facing)]
                made, alpha = compositing.composite(
                    drawn[there], numbers[there], here[0], here[1], here[2], here[3], light[there]
                )
                drawn[there], covered[there] = made, torch.maximum(covered[there], alpha)
            xs.append(x)
            ys.append(y)
        shape = (batch, pictures)
        return VideoClips(
            drawn.view(*shape, 3, SIDE, SIDE),
            covered.view(*shape, 1, SIDE, SIDE),
            self.setting,
            self.labels,
            torch.stack(xs, -1),
            torch.stack(ys, -1),
        )


def sprite_number(label: int) -> int:
    """Give the number in the sprite pack of a label number of ours; -1 stays."""
    return compositing.sprites().index(LABELS[label]) if label >= 0 else -1


def prompt(world: World, setting: int, labels: np.ndarray, rng: np.random.Generator, held_out: bool = False) -> str:
    """Compose a prompt of a setting and its subjects, as people write: "a fox in a snowy field at night"."""
    place, time = world.settings[setting]
    sentence = words.compose(place, time, "clear", rng, held_out)
    named = [name_subject(LABELS[n], rng, held_out) for n in labels if n >= 0]
    if not named:
        return sentence
    return f"{' and '.join(named)}{rng.choice([' in ', ', ', ' at ', ' '])}{sentence}"


def name_subject(label: str, rng: np.random.Generator, held_out: bool = False) -> str:
    """Name a subject as people do: "a fox", "the vixen", "fox"."""
    kept = words.SUBJECTS[label].held_out if held_out else ()
    choices = kept or words.SUBJECTS[label].words
    word = str(choices[rng.integers(len(choices))]) if rng.random() < 0.5 else label
    article = "" if word.startswith(("a ", "an ", "the ")) else rng.choice(["a ", "the ", ""])
    return f"{article}{word}"
