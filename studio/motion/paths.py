"""What was seen of moving things as paths: the few that matter, whole, smooth, and of few points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from studio.controls import Stroke
from studio.controls.facing import Point
from studio.controls.stroke import SIZES

Seen = Mapping[int, tuple[float, ...]]  # by a picture's number, (x, y, w, h) in pixels
RATE = 24  # pictures a second of what is played: the time of a path is counted in them
MOST = 6  # things
SHORTEST = 6  # pictures that a thing moves in
STRIDE, STEPS_FAR = 4, 1.5  # pictures, and pixels: what gets so far in so many moves
LEAST = 0.15  # of the weight of the thing that matters most
NEAREST = 0.05  # of the picture's width: what goes less far stands still
GAP = 12  # pictures for which a thing may be hidden
INSIDE = 0.7  # share of its pictures in which one thing is within another, above which it is a part of that
SMOOTH = np.array([1, 4, 6, 4, 1]) / 16
OFF = 0.004  # of the picture: how far a path of fewer points may be from the whole one


@dataclass(frozen=True)
class MovingThing:
    """A thing that moves. points: (t, x, y), t in frames of what is played from the video's start, x, y in 0..1.

    size: its longer side, as a share of the picture's width, as a stroke has it. first, last: seconds between which it
    is seen: before and after it stands still.
    """

    points: tuple[Point, ...]
    size: float
    first: float
    last: float

    def stroke(self, id: str, label: str) -> Stroke:
        """Give it as a stroke that takes its path, over and over."""
        return Stroke(id, label, self.points, "path", self.size)


@dataclass
class Course:
    """A thing's way: pictures' numbers without a gap, its middle (n, 2) and extent (n, 2) in pixels."""

    frames: np.ndarray
    middle: np.ndarray
    extent: np.ndarray

    @property
    def far(self) -> float:
        """How far it gets: the longer side of the box around its way."""
        return float(np.ptp(self.middle, axis=0).max())

    @property
    def size(self) -> float:
        return float(np.median(self.extent.max(1)))

    def weight(self, camera: np.ndarray) -> float:
        """Tell how much it matters: how large it is, how far it gets by itself, and in how many pictures it moves."""
        area = float(np.median(np.sqrt(self.extent.prod(1))))
        return area * float(np.ptp(self.middle - camera[self.frames], axis=0).max()) * self.moving(camera)

    def moving(self, camera: np.ndarray) -> int:
        """Count the pictures it moves in by itself. camera: where it has taken the ground by each picture, (n, 2)."""
        alone = self.middle - camera[self.frames]
        steps = np.linalg.norm(alone[STRIDE:] - alone[:-STRIDE], axis=1)
        return int((steps > STEPS_FAR).sum())

    def joined(self, later: Course) -> Course:
        """Give this way and a later one as one."""
        return course_of({**as_seen(self), **as_seen(later)})


def moving_things(
    seen: Mapping[int, Seen], camera: np.ndarray, size: tuple[int, int], rate: float
) -> tuple[MovingThing, ...]:
    """Give the things that move, those that matter most first.

    seen: of each thing (`Tracker.seen`); camera: where it has taken the ground by each picture, (frames, 2) in pixels;
    size: (h, w) of a picture; rate: of them a second.
    """
    ways = stitched([course_of(one) for one in seen.values() if len(one) >= 3])
    ways = [way for way in ways if way.moving(camera) >= SHORTEST and way.far >= NEAREST * size[1]]
    ways.sort(key=lambda way: way.weight(camera), reverse=True)
    kept: list[Course] = []
    for way in ways:
        if way.weight(camera) >= LEAST * ways[0].weight(camera) and not any(is_part(way, other) for other in kept):
            kept.append(way)
    return tuple(thing_of(way, len(camera), size, rate) for way in kept[:MOST])


def course_of(seen: Seen) -> Course:
    """Give a thing's way, between the pictures it was seen in as the crow flies."""
    known = np.array(sorted(seen))
    values = np.array([seen[frame] for frame in known])
    frames = np.arange(known[0], known[-1] + 1)
    whole = np.stack([np.interp(frames, known, values[:, part]) for part in range(4)], 1)
    return Course(frames, whole[:, :2], whole[:, 2:])


def as_seen(way: Course) -> dict[int, tuple[float, ...]]:
    """Give a way as what was seen of it."""
    rows = np.concatenate([way.middle, way.extent], 1)
    return {int(frame): tuple(row) for frame, row in zip(way.frames, rows, strict=True)}


def stitched(ways: Sequence[Course]) -> list[Course]:
    """Join ways of which one begins, soon, where another that ended would be by then."""
    ordered, whole = sorted(ways, key=lambda way: int(way.frames[0])), list[Course]()
    for way in ordered:
        before = [place for place, one in enumerate(whole) if goes_on(one, way)]
        if before:
            whole[before[0]] = whole[before[0]].joined(way)
        else:
            whole.append(way)
    return whole


def goes_on(one: Course, later: Course) -> bool:
    """Whether a later way is where a thing would be that went on as it was last seen."""
    gap = later.frames[0] - one.frames[-1]
    if not 0 < gap <= GAP:
        return False
    steps = min(6, len(one.frames) - 1)
    pace = (one.middle[-1] - one.middle[-1 - steps]) / max(1, steps)
    off = np.linalg.norm(later.middle[0] - (one.middle[-1] + gap * pace))
    alike = 0.5 < later.size / one.size < 2
    return bool(alike and off < 0.5 * max(one.size, later.size))


def is_part(way: Course, of: Course) -> bool:
    """Whether a thing is seen mostly within another, as a limb is."""
    both, mine, its = np.intersect1d(way.frames, of.frames, return_indices=True)
    if len(both) < INSIDE * len(way.frames):
        return False
    inside = (np.abs(way.middle[mine] - of.middle[its]) < 0.6 * of.extent[its]).all(1)
    return bool(inside.sum() >= INSIDE * len(way.frames))


def thing_of(way: Course, frames: int, size: tuple[int, int], rate: float) -> MovingThing:
    """Give a way as a thing: smooth, in shares of the picture, as long as the video, of few points."""
    height, width = size
    middle = smoothed(way.middle) + 0.5
    places = np.clip(middle / [width, height], 0, 1)
    times = way.frames * (RATE / rate)
    t, x, y = reduced(times, places)
    end = max(t[-1], (frames - 1) * RATE / rate)
    points = [(0.0, x[0], y[0])] if t[0] > 0 else []
    points += list(zip(t, x, y, strict=True))
    points += [(end, x[-1], y[-1])] if end > t[-1] else []
    rounded = tuple((round(float(a), 2), round(float(b), 4), round(float(c), 4)) for a, b, c in points)
    share = min(max(way.size / width, SIZES[0]), SIZES[1])
    return MovingThing(rounded, round(share, 3), float(way.frames[0] / rate), float(way.frames[-1] / rate))


def smoothed(values: np.ndarray) -> np.ndarray:
    """Smooth rows (n, 2) over five; what goes on at an even pace stays as it is, at the ends too."""
    if len(values) < 5:
        return values
    before = 2 * values[0] - values[2:0:-1]
    after = 2 * values[-1] - values[-2:-4:-1]
    padded = np.concatenate([before, values, after])
    return np.stack([np.convolve(padded[:, part], SMOOTH, "valid") for part in range(2)], 1)


def reduced(times: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leave out points that lie on the way from those before to those after, in time too (Douglas and Peucker)."""
    keep, waiting = {0, len(times) - 1}, [(0, len(times) - 1)]
    while waiting:
        low, high = waiting.pop()
        if high - low < 2:
            continue
        share = ((times[low : high + 1] - times[low]) / (times[high] - times[low]))[:, None]
        line = places[low] + share * (places[high] - places[low])
        off = np.linalg.norm(places[low : high + 1] - line, axis=1)
        furthest = low + int(off.argmax())
        if off.max() > OFF:
            keep.add(furthest)
            waiting += [(low, furthest), (furthest, high)]
    kept = sorted(keep)
    return times[kept], places[kept, 0], places[kept, 1]
