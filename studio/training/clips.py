"""Training clips of the drawn world: pictures, and what the model is told about each frame."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from studio.models.pocket import appearance
from studio.world import compositing
from studio.world.backgrounds import Backgrounds

SLOTS = 3
SINKS = 0.3  # share of clips whose first frame is far from the others
SWITCHES = 0.2  # share of clips in which the prompt (and so the world) changes midway


@dataclass(frozen=True)
class Prompts:
    """Sentence vectors of wordings, made once.

    vectors (P, 384); nothing (384,): the vector of no words; of_scene: wording numbers by (place, time, weather).
    """

    vectors: Tensor
    nothing: Tensor
    of_scene: dict[tuple[str, str, str], np.ndarray]

    def draw(self, scene, rng) -> int:
        return int(rng.choice(self.of_scene[scene.place, scene.time, scene.weather]))


@dataclass(frozen=True)
class Clips:
    """B clips of T frames.

    pictures (B, T, 3, 256, 256) in 0..1; covered (B, T, 1, 256, 256): the subjects' alpha; prompt (B, T): wording
    numbers, -1 for none; view, phase (B, T); subject (B, S): sprite numbers, -1 for none; label (B, S): memory key to
    read it by; x, y, size, facing (B, T, S); size 0 for none.
    """

    pictures: Tensor
    covered: Tensor
    prompt: Tensor
    view: Tensor
    phase: Tensor
    subject: Tensor
    label: Tensor
    x: Tensor
    y: Tensor
    size: Tensor
    facing: Tensor


def wander(frames: int, rng: np.random.Generator) -> np.ndarray:
    """(T, 2) places of one subject: still, strolling, circling, or thrown about as by a hand with a mouse."""
    kind = rng.random()
    start = rng.uniform(0.1, 0.9, 2)
    if kind < 0.25:
        return np.repeat(start[None], frames, 0)
    if kind < 0.65:
        speed = rng.normal(0, 0.03, 2)
        return start + speed * np.arange(frames)[:, None] + rng.normal(0, 0.004, (frames, 2))
    if kind < 0.85:
        turn = rng.uniform(0, 6.3) + rng.normal(0, 0.25) * np.arange(frames)
        return start + rng.uniform(0.05, 0.3) * np.stack([np.cos(turn), np.sin(turn)], 1)
    return start + rng.normal(0, 0.15, (frames, 2))


class ClipMaker:
    """Draws batches of clips. All randomness comes from the generator it is called with."""

    def __init__(self, backgrounds: Backgrounds, prompts: Prompts, owner: Tensor):
        self.backgrounds, self.prompts = backgrounds, prompts
        self.keys_of = [np.flatnonzero(owner.numpy() == n) for n in range(int(owner.max()) + 1)]
        self.variants: dict[str, list[int]] = {}
        for number, scene in enumerate(backgrounds.scenes):
            self.variants.setdefault(scene.place, []).append(number)
        self.places = list(self.variants)

    def scene(self, view: int | None, rng) -> int:
        """A background number; every place is equally likely, however many weathers it has."""
        choices = self.variants[self.places[rng.integers(len(self.places))]]
        number = choices[rng.integers(len(choices))]
        scene = self.backgrounds.scenes[number]
        return number if view is None else self.backgrounds.number[replace(scene, view=view)]

    def _worlds(self, batch: int, frames: int, rng) -> tuple[np.ndarray, np.ndarray]:
        """Scene and wording numbers (B, T); a switch keeps the view, which is the seed's."""
        scene, prompt = np.empty((batch, frames), int), np.empty((batch, frames), int)
        for b in range(batch):
            first = self.scene(None, rng)
            scene[b], prompt[b] = first, self.prompts.draw(self.backgrounds.scenes[first], rng)
            if frames > 1 and rng.random() < SWITCHES:
                at = rng.integers(1, frames)
                second = self.scene(self.backgrounds.scenes[first].view, rng)
                scene[b, at:] = second
                prompt[b, at:] = self.prompts.draw(self.backgrounds.scenes[second], rng)
        return scene, prompt

    def draw(self, batch: int, frames: int, rng: np.random.Generator) -> Clips:
        scene, prompt = self._worlds(batch, frames, rng)
        phases = self.backgrounds.pictures.shape[1]
        phase = (rng.integers(phases, size=(batch, 1)) + np.arange(frames)) % phases
        far = rng.random(batch) < (SINKS if frames > 2 else 0)  # the first frame is a sink: another moment, long ago
        phase[far, 0] = rng.integers(phases, size=batch)[far]
        pictures = self.backgrounds.frames(scene.ravel(), phase.ravel())
        light = torch.tensor([compositing.LIGHT[self.backgrounds.scenes[n].time] for n in scene.ravel()])
        count = rng.choice(SLOTS + 1, size=batch, p=[0.06, 0.54, 0.28, 0.12])
        subject = np.where(np.arange(SLOTS) < count[:, None], rng.integers(len(self.keys_of), size=(batch, SLOTS)), -1)
        label = np.array([[rng.choice(self.keys_of[s]) if s >= 0 else 0 for s in row] for row in subject])
        place = np.stack([[wander(frames, rng) for _ in range(SLOTS)] for _ in range(batch)])  # (B, S, T, 2)
        place[far, :, 0] = rng.uniform(0.1, 0.9, (batch, SLOTS, 2))[far]
        x, y = torch.from_numpy(place.transpose(3, 0, 2, 1).copy()).float().clamp(-0.05, 1.05)
        size = torch.from_numpy(np.where(subject >= 0, rng.uniform(0.2, 0.5, (batch, SLOTS)), 0)).float()
        size = size[:, None].expand(batch, frames, SLOTS)
        facing = torch.from_numpy(rng.choice([-1.0, 1.0], (batch, 1, SLOTS))).float().expand(batch, frames, SLOTS)
        covered = torch.zeros(batch * frames, 1, *pictures.shape[-2:])
        for s in range(SLOTS):
            numbers = torch.from_numpy(subject[:, s]).repeat_interleave(frames)
            there = numbers >= 0
            here = [v[..., s].reshape(-1)[there] for v in (x, y, size, facing)]
            drawn, alpha = compositing.composite(
                pictures[there], numbers[there], here[0], here[1], here[2], here[3], light[there]
            )
            pictures[there] = drawn
            covered[there] = torch.maximum(covered[there], alpha)
        shape = (batch, frames)
        return Clips(
            pictures.view(*shape, 3, compositing.SIZE, compositing.SIZE),
            covered.view(*shape, 1, compositing.SIZE, compositing.SIZE),
            torch.from_numpy(prompt),
            torch.tensor([[self.backgrounds.scenes[n].view for n in row] for row in scene]),
            torch.from_numpy(phase),
            torch.from_numpy(subject),
            torch.from_numpy(label),
            x,
            y,
            size,
            facing,
        )


def track_maps(clips: Clips, memory: appearance.AppearanceMemory) -> Tensor:
    """(B, T, 256, 16, 16) track channels of the clips' subjects, as the studio draws them from strokes."""
    batch, frames, slots = clips.x.shape
    planes = memory.read(memory.keys[clips.label.reshape(-1)].float())
    planes = planes.view(batch, 1, slots, *planes.shape[1:]).expand(batch, frames, slots, *planes.shape[1:])
    track = planes.new_zeros(batch * frames, 4, appearance.MAP, appearance.MAP)
    for s in range(slots):
        drawn = (v[..., s].reshape(-1) for v in (clips.x, clips.y, clips.size, clips.facing))
        track = appearance.draw_track(track, planes[:, :, s].flatten(0, 1), *drawn)
    return appearance.fold(track).view(batch, frames, -1, track.shape[-2] // 8, track.shape[-1] // 8)
