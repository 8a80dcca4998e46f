"""How far two films of one take differ: by the picture, and by where its subjects are.

A subject's place is found by matching: what the one film shows round the stroke is looked for in the other, within
`SEARCH` pixels. Pixels count by their distance from the stroke's middle, so that what stands behind a subject, and does
not move with it, counts little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from studio.trajectory import Placement

SEARCH = 6  # pixels each way, of a picture of 256
MOST_MATCHED = 48  # frames of a take in which places are looked for
SAME_DB, SAME_PIXELS = 28.0, 2.0  # a film is the same, finer, from this likeness on and up to this distance


@dataclass(frozen=True)
class Difference:
    """Two films compared. psnr: dB on average over so many frames; lowest: of the frame that differs most.

    pixels: between the places of subjects, the mean over those that were matched; None where no subject was.
    """

    psnr: float
    lowest: float
    frames: int
    pixels: float | None = None

    @property
    def is_same_film(self) -> bool:
        """Whether the one is the other, finer or coarser."""
        return self.psnr >= SAME_DB and (self.pixels is None or self.pixels <= SAME_PIXELS)

    def __str__(self) -> str:
        """Say it: "same film: 31.2 dB on average (27.0 at worst), subjects within 0.3 px"."""
        if math.isinf(self.psnr):
            return "same film, bit for bit"
        what = "same film" if self.is_same_film else "another film"
        places = "" if self.pixels is None else f", subjects within {self.pixels:.1f} px"
        return f"{what}: {self.psnr:.1f} dB on average ({self.lowest:.1f} at worst){places}"


@dataclass
class Comparison:
    """Takes in two films frame by frame. total: how many frames there will be."""

    total: int
    _psnr: list[float] = field(default_factory=list)
    _pixels: list[float] = field(default_factory=list)

    def add(self, original: np.ndarray, made: np.ndarray, subjects: Sequence[Placement] = ()) -> None:
        """Take in a frame of each, uint8 (H, W, 3), and where its subjects are asked to be."""
        self._psnr.append(psnr(original, made))
        apart = max(1, self.total // MOST_MATCHED)
        if (len(self._psnr) - 1) % apart == 0:
            self._pixels += [distance(original, made, each) for each in subjects]

    def result(self) -> Difference | None:
        """Give the difference; None before the first frame. Frames that are equal count as 99 dB in the average."""
        if not self._psnr:
            return None
        equal = all(math.isinf(value) for value in self._psnr)
        mean = math.inf if equal else float(np.mean([min(value, 99.0) for value in self._psnr]))
        pixels = float(np.mean(self._pixels)) if self._pixels else None
        return Difference(mean, min(self._psnr), len(self._psnr), pixels)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Give the likeness of two pictures in dB; infinite where they are equal."""
    error = float(np.mean((one.astype(np.float32) - other.astype(np.float32)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def distance(original: np.ndarray, made: np.ndarray, subject: Placement) -> float:
    """Give how many pixels of a picture of 256 a subject stands from where it stands in the original."""
    height, width, _ = original.shape
    scale = width / 256
    search = max(2, round(SEARCH * scale))
    half = max(3, round(0.5 * subject.size * width))
    y, x = round(subject.y * height), round(subject.x * width)
    padded = [
        np.pad(one.astype(np.float32), ((half + search,) * 2, (half + search,) * 2, (0, 0)), "edge")
        for one in (original, made)
    ]
    template = padded[0][y + search : y + search + 2 * half, x + search : x + search + 2 * half]
    weight = bell(half)[..., None]
    side = 2 * search + 1
    errors = np.empty((side, side))
    for down in range(side):
        for across in range(side):
            window = padded[1][y + down : y + down + 2 * half, x + across : x + across + 2 * half]
            errors[down, across] = float((weight * (window - template) ** 2).sum())
    down, across = np.unravel_index(int(errors.argmin()), errors.shape)
    dy = down - search + between_pixels(errors[:, across], int(down))
    dx = across - search + between_pixels(errors[down], int(across))
    return math.hypot(dy, dx) / scale


def bell(half: int) -> np.ndarray:
    """Give weights (2 half, 2 half) that fall off from the middle, to a seventh at a third of the width."""
    line = (np.arange(2 * half) - half + 0.5) / half
    fall = np.exp(-((line / 0.35) ** 2) / 2)
    return (fall[:, None] * fall[None]).astype(np.float32)


def between_pixels(line: np.ndarray, at: int) -> float:
    """Give the lowest point of a parabola through three errors, from the middle one."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = (float(value) for value in line[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend > 0 else 0.0
