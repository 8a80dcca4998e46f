"""Judges a video student of the drawn world: is the named subject there, and the place; does it last.

The witness of subjects finds and names them in a picture. Like the witness of places (`detector`) it has seen drawn
pictures only; what it gets wrong on those bounds every figure here, and is told beside them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from studio.controls import Prompt, Sampling
from studio.engine import Engine
from studio.evaluation.detector import Detector, load_detector
from studio.models.base import Model
from studio.training.video_clips import LABELS, Script, VideoClips, World, prompt

SIDE, GRID = 64, 16  # pixels of a side as the witness sees it, and cells of its answer
NEAR = 0.25  # of a subject's size: cells so near to its middle are to say its name
JUDGED = (8, 20, 32, 44)  # pictures of a take
EARLY, LATE = range(20, 60, 4), range(260, 300, 4)


class Witness(nn.Module):
    """pictures (N, 3, H, W) in 0..1 -> scores (N, 1 + subjects, 16, 16) of what has its middle in a cell; 0: none."""

    def __init__(self) -> None:
        super().__init__()
        widths, strides = (3, 32, 64, 64, 64, 64), (2, 2, 1, 1, 1)
        stages = [
            nn.Sequential(nn.Conv2d(a, b, 3, stride=s, padding=1), nn.BatchNorm2d(b), nn.SiLU())
            for a, b, s in zip(widths, widths[1:], strides)
        ]
        self.body = nn.Sequential(*stages, nn.Conv2d(64, 1 + len(LABELS), 1))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.body(F.interpolate(pictures, size=(SIDE, SIDE), mode="area") * 2 - 1)

    @torch.no_grad()
    def find(self, pictures: Tensor, label: str | None = None) -> list[tuple[str, float, float, float]]:
        """Give the likeliest subject of each picture, or where `label` is likeliest: name, x, y in 0..1, how sure."""
        shares = self(pictures).softmax(1)[:, 1:]
        if label is not None:
            chosen = LABELS.index(label)
            shares = shares * F.one_hot(torch.tensor(chosen), len(LABELS))[:, None, None]
        peaks, found = F.avg_pool2d(shares, 3, 1, 1).flatten(1).max(1), []
        for share, number in zip(shares, peaks.indices.tolist()):
            name = number // (GRID * GRID)
            x, y = middle(share[name])
            found.append((LABELS[name], x, y, float(share[name].max())))
        return found


def middle(share: Tensor) -> tuple[float, float]:
    """Give the middle of what a map (16, 16) holds around its highest cell, x and y in 0..1."""
    row, column = divmod(int(share.argmax()), GRID)
    places = torch.arange(GRID)
    near = ((places[:, None] - row).abs() <= 3) & ((places[None] - column).abs() <= 3)
    weight = share * near
    centres = (places + 0.5) / GRID
    total = weight.sum()
    return float((weight.sum(0) * centres).sum() / total), float((weight.sum(1) * centres).sum() / total)


def answers(clips: VideoClips, sizes: np.ndarray) -> Tensor:
    """Give what the witness is to say of the pictures of clips: (B, T, 16, 16). sizes (B, 2): of the subjects."""
    centres = (torch.arange(GRID) + 0.5) / GRID
    wanted = torch.zeros(*clips.pictures.shape[:2], GRID, GRID, dtype=torch.long)
    for slot in range(2):  # the second stands before the first
        across = centres - clips.x[..., slot, None]
        down = centres - clips.y[..., slot, None]
        radius = torch.from_numpy(NEAR * sizes[:, slot]).float()[:, None, None, None]
        near = (across[..., None, :].square() + down[..., None].square()).sqrt() < radius
        label = torch.from_numpy(clips.labels[:, slot])[:, None, None, None]
        wanted = torch.where(near & (label >= 0), label + 1, wanted)
    return wanted


def witness_batch(world: World, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw single pictures, half of them a little soft, and what is to be said of them."""
    script = Script.draw(world, count, rng)
    clips = script.film(world, 1, int(rng.integers(400)))
    pictures = clips.pictures[:, 0]
    soft = torch.from_numpy(rng.random(count) < 0.5)
    pictures[soft] = F.avg_pool2d(F.pad(pictures[soft], (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    noise = torch.from_numpy(rng.standard_normal(pictures.shape, dtype=np.float32))
    sizes = np.stack([path.size for path in script.paths], 1)
    return (pictures + 0.02 * noise).clamp(0, 1), answers(clips, sizes)[:, 0]


def train_witness(world: World, out: Path, steps: int, batch: int = 32, seed: int = 5) -> Iterator[dict]:
    """Train and write the witness of subjects, yielding progress, at last how often it is right; once done, nothing."""
    if out.exists():
        return
    torch.manual_seed(seed)
    rng, witness = np.random.default_rng(seed), Witness()
    optimiser = torch.optim.AdamW(witness.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=max(2, steps))
    weight = torch.ones(1 + len(LABELS))
    weight[0] = 0.2
    for step in range(steps):
        pictures, wanted = witness_batch(world, batch, rng)
        loss = F.cross_entropy(witness(pictures), wanted, weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 50 == 49:
            yield {"step": step + 1, "loss": loss.item()}
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in witness.state_dict().items()}, out)
    yield {"step": steps, **witness_right(witness.eval(), world)}


def load_witness(path: Path) -> Witness:
    """Load a witness that was trained."""
    witness = Witness()
    witness.load_state_dict(load_file(path))
    return witness.eval()


def witness_right(witness: Witness, world: World, count: int = 100, seed: int = 71) -> dict[str, float]:
    """Measure how often the witness names a picture's subject, and how far off its place is, in 1/256 of a side."""
    rng = np.random.default_rng(seed)
    script = Script.draw(world, count, rng)
    script = Script(script.setting, np.stack([script.paths[0].label, np.full(count, -1)], 1), script.paths)
    clips = script.film(world, 1, 40)
    found = witness.find(clips.pictures[:, 0])
    right = [name == LABELS[n] for (name, *_), n in zip(found, script.labels[:, 0])]
    true = zip(clips.x[:, 0, 0].tolist(), clips.y[:, 0, 0].tolist(), strict=True)
    off = [np.hypot(x - tx, y - ty) for (_, x, y, _), (tx, ty) in zip(found, true, strict=True)]
    return {"witness_right": float(np.mean(right)), "witness_px": float(256 * np.median(off))}


def picture(frame: np.ndarray) -> Tensor:
    """Give a frame (H, W, 3) uint8 as (1, 3, H, W) in 0..1."""
    return torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float() / 255


def background_error(made: Tensor, world: World, setting: int) -> float:
    """Give the median difference, in 0..255, from the background's nearest phase: subjects cover less than half."""
    phases = world.frames(np.full(16, setting), np.arange(16))
    return float((255 * (made - phases).abs().mean(1)).flatten(1).median(1).values.min())


def judge(witness: Witness, detector: Detector, world: World, frame: np.ndarray, setting: int, label: str) -> dict:
    """Say what one picture of a take got right."""
    made, (place, moment) = picture(frame), world.settings[setting]
    named, (seen, when, _) = witness.find(made)[0], detector.name(made)[0]
    return {
        "subject_right": named[0] == label and named[3] > 0.5,
        "place_right": seen == place,
        "time_right": when == moment,
        "background_error": background_error(made, world, setting),
    }


def means(rows: list[dict]) -> dict[str, float]:
    """Give the mean of each figure of rows."""
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]} if rows else {}


def new_take(model: Model, world: World, rng: np.random.Generator, steps: int) -> tuple[Engine, int, str]:
    """Begin a take of one subject in one setting, by a prompt as in training: the engine, the setting, the label."""
    setting, label = int(rng.integers(len(world.settings))), int(rng.integers(len(LABELS)))
    engine = Engine(model, "rollout")
    text = prompt(world, setting, np.array([label, -1]), rng)
    engine.apply([(1, Prompt(text)), (2, Sampling(seed=int(rng.integers(2**31)), steps=steps))])
    return engine, setting, LABELS[label]


def evaluate_video(
    model: Model, world: World, witness: Witness, count: int = 40, long: int = 4, steps: int = 4, seed: int = 2026
) -> dict:
    """Give the figures of a student: `count` takes of 45 pictures, `long` of 300, and pictures a second."""
    detector, rng = load_detector(), np.random.default_rng(seed)
    rows, began, shown = [], time.monotonic(), 0
    for _ in range(count):
        engine, setting, label = new_take(model, world, rng, steps)
        for number in range(max(JUDGED) + 1):
            frame = engine.step()
            if number in JUDGED:
                rows.append(judge(witness, detector, world, frame.picture, setting, label))
        shown += max(JUDGED) + 1
    seconds = time.monotonic() - began
    early, late = [], []
    for _ in range(long):
        engine, setting, label = new_take(model, world, rng, steps)
        for number in range(max(LATE) + 1):
            frame = engine.step()
            if number in EARLY or number in LATE:
                row = judge(witness, detector, world, frame.picture, setting, label)
                (early if number in EARLY else late).append(row)
    figures = {"takes": means(rows), "early": means(early), "late": means(late), "fps": round(shown / seconds, 1)}
    return figures | witness_right(witness, world)
