"""Points followed from picture to picture by dense flow, and gathered into the things that move by themselves."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from studio.motion.film import FilmError

STEP = 6  # pixels between two points
BACK = 1.0, 0.05  # pixels, and of the way: how far from its start a point may come back by the flow the other way
UNLIKE = 10  # of 255: how much the picture may change around a point on its way
WINDOW = 5  # pictures that a point's motion is judged by
SLOWEST = 0.35  # pixels a picture, beside the camera's motion
ALIKE = 0.6, 0.3  # pixels, and of the way: how far neighbours of one thing may differ
FEWEST = 5  # points of a thing
STRAY = 0.7, 0.35  # pixels, and of the way: how far a point of a thing may go another way
ASTRAY = 3  # pictures after which a point that goes another way than its thing is no part of it
CUT = 0.25  # share of points found again, below which another shot begins
MISSING = 'motion from a video needs OpenCV, which is not installed: pip install "live-studio[vision]"'


@dataclass
class Points:
    """The points that are followed, one a row. moves, places: of the last WINDOW pictures, the newest last.

    place (n, 2) in pixels; age: pictures since it was set; thing: its number, 0 for none; astray: see ASTRAY.
    """

    place: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    age: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    thing: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    astray: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    moves: np.ndarray = field(default_factory=lambda: np.zeros((0, WINDOW, 2), np.float32))
    places: np.ndarray = field(default_factory=lambda: np.zeros((0, WINDOW, 2), np.float32))

    def kept(self, which: np.ndarray) -> Points:
        """Give some of the points."""
        return Points(**{name: value[which] for name, value in vars(self).items()})

    def joined(self, place: np.ndarray) -> Points:
        """Give these points and new ones at these places."""
        count = len(place)
        new = Points(
            place,
            np.zeros(count, int),
            np.zeros(count, int),
            np.zeros(count, int),
            np.zeros((count, WINDOW, 2), np.float32),
            np.repeat(place[:, None], WINDOW, 1),
        )
        return Points(**{name: np.concatenate([value, vars(new)[name]]) for name, value in vars(self).items()})


class Tracker:
    """Follows what moves through pictures of one size, uint8 (h, w, 3), one after the other. FilmError without OpenCV.

    seen: by a thing's number and a picture's, (x, y, w, h) in pixels, its middle and extent. camera: by a picture's
    number how far all of it has moved, (dx, dy). cuts: numbers of the pictures another shot begins with.
    """

    def __init__(self) -> None:
        try:
            import cv2 as opencv
        except ImportError as error:
            raise FilmError(MISSING) from error
        cv2: Any = opencv  # its types know not all that it has
        cv2.setRNGSeed(0)
        self._flow: Any = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._grey: np.ndarray | None = None
        self._points = Points()
        self._things = 0
        self.frames = 0
        self.seen: dict[int, dict[int, tuple[float, ...]]] = defaultdict(dict)
        self.camera: dict[int, tuple[float, float]] = {}
        self.cuts: list[int] = []

    def add(self, picture: np.ndarray) -> None:
        """Take in the next picture."""
        import cv2

        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if self._grey is not None:
            self._follow(self._grey, grey)
            self._gather()
            self._note()
        self._grey = grey
        self._points = self._points.joined(free_places(self._points.place, grey.shape))
        self.frames += 1

    def ground(self) -> np.ndarray:
        """Give where the camera has taken the middle of the ground by each picture, (frames, 2) in pixels."""
        steps = [self.camera.get(frame, (0.0, 0.0)) for frame in range(self.frames)]
        return np.cumsum(np.array(steps).reshape(-1, 2), 0)

    def _follow(self, before: np.ndarray, now: np.ndarray) -> None:
        """Move the points by the flow, and let those go that it does not lead back to where they were."""
        there, back = self._flow.calc(before, now, None), self._flow.calc(now, before, None)
        points = self._points
        move = sampled(there, points.place)
        place = points.place + move
        off = np.linalg.norm(move + sampled(back, place), axis=1)
        height, width = now.shape
        inside = (place >= 0).all(1) & (place[:, 0] <= width - 1) & (place[:, 1] <= height - 1)
        good = inside & (off < BACK[0] + BACK[1] * np.linalg.norm(move, axis=1))
        good &= unlike(before, now, points.place, place) < UNLIKE
        if good.mean() < CUT:
            self.cuts.append(self.frames)
            self._points = Points()
            return
        camera = camera_motion(points.place[good], move[good])
        middle = np.array([[width / 2, height / 2]], np.float32)
        dx, dy = moved_by(camera, middle)[0]
        self.camera[self.frames] = float(dx), float(dy)
        beside = move - moved_by(camera, points.place)
        points.moves = np.concatenate([points.moves[:, 1:], beside[:, None]], 1)
        points.places = np.concatenate([points.places[:, 1:], place[:, None]], 1)
        points.place, points.age = place, points.age + 1
        self._points = thinned(points.kept(good), now.shape)

    def _gather(self) -> None:
        """Join points that move alike side by side into things, and let go of those that have gone astray."""
        points = self._points
        steps = np.minimum(points.age, WINDOW)[:, None].clip(1)
        speed = points.moves.sum(1) / steps
        moving = (points.age >= 3) & (np.linalg.norm(speed, axis=1) > SLOWEST)
        for group in groups_of(points.place, speed, moving):
            known = points.thing[group]
            names, counts = np.unique(known[known > 0], return_counts=True)
            if len(names):
                points.thing[group[known == 0]] = names[counts.argmax()]
            elif len(group) >= FEWEST:
                self._things += 1
                points.thing[group] = self._things
                self._look_back(group)
        for name in np.unique(points.thing[points.thing > 0]):
            mine = points.thing == name
            leading = mine & moving if (mine & moving).sum() >= 3 else mine
            middle = np.median(points.moves[leading, -1], 0)
            far = np.linalg.norm(points.moves[:, -1] - middle, axis=1)
            strays = mine & (far > np.maximum(STRAY[0], STRAY[1] * np.linalg.norm(middle)))
            points.astray = np.where(mine, np.where(strays, points.astray + 1, 0), points.astray)
            self._adopt(int(name), middle)
        points.thing[points.astray >= ASTRAY] = 0
        points.astray[points.thing == 0] = 0

    def _adopt(self, name: int, move: np.ndarray) -> None:
        """Take points that were just set into a thing that moves, where they move as it does and are on it."""
        points, pace = self._points, np.linalg.norm(move)
        if pace < 2 * SLOWEST:
            return
        x, y, width, height = extent(points.place[points.thing == name])
        near = np.abs(points.place - [x, y]) < np.array([width, height]) / 2 + STEP
        alike = np.linalg.norm(points.moves[:, -1] - move, axis=1) < max(STRAY[0], STRAY[1] * pace) / 2
        points.thing[(points.thing == 0) & (points.age > 0) & near.all(1) & alike] = name

    def _look_back(self, group: np.ndarray) -> None:
        """Note where a thing that was just found was in the pictures before."""
        points = self._points
        for back in range(1, WINDOW):
            old = group[points.age[group] >= back]
            if len(old) >= FEWEST:
                self.seen[self._things][self.frames - back] = extent(points.places[old, -1 - back])

    def _note(self) -> None:
        """Note where every thing is in this picture."""
        for name in np.unique(self._points.thing[self._points.thing > 0]):
            mine = self._points.place[self._points.thing == name]
            if len(mine) >= FEWEST:
                self.seen[int(name)][self.frames] = extent(mine)


def sampled(flow: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Read a flow (h, w, 2), or a grey picture (h, w), at places (n, 2), between its pixels too."""
    import cv2

    if not len(places):
        return np.zeros((0, *flow.shape[2:]), np.float32)
    rows = 8192  # OpenCV's remap makes no larger pictures than 32767 a side
    x, y = places[:, 0].astype(np.float32), places[:, 1].astype(np.float32)
    parts = [
        cv2.remap(flow, x[at : at + rows, None], y[at : at + rows, None], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
        for at in range(0, len(x), rows)
    ]
    return np.concatenate(parts)[:, 0]


def unlike(before: np.ndarray, now: np.ndarray, places: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Measure how much two grey pictures differ around points, (n,): beside what moves, flow takes the ground along."""
    taps = np.array([(dx, dy) for dx in (-2, 0, 2) for dy in (-2, 0, 2)], np.float32)
    near = [sampled(picture, (at[:, None] + taps).reshape(-1, 2)) for picture, at in ((before, places), (now, after))]
    return np.abs(near[1].astype(np.float32) - near[0]).reshape(-1, len(taps)).mean(1)


def camera_motion(places: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Fit what most points do together: a shift, a turn and a zoom, as an affine map (2, 3)."""
    import cv2

    if len(places) >= 8:
        found, _ = cv2.estimateAffinePartial2D(
            places, places + moves, method=cv2.RANSAC, ransacReprojThreshold=1.0, maxIters=500
        )
        if found is not None:
            return found.astype(np.float32)
    shift = np.median(moves, 0) if len(moves) else np.zeros(2)
    return np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)


def moved_by(camera: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Give how far a camera's motion moves places (n, 2)."""
    return places @ camera[:, :2].T + camera[:, 2] - places


def extent(places: np.ndarray) -> tuple[float, ...]:
    """Give the middle and the extent (x, y, w, h) of points that lie evenly: from medians, whatever strays around them.

    Half of what lies evenly is nearer to the middle than a quarter of its extent.
    """
    middle = np.median(places, 0)
    size = 4 * np.median(np.abs(places - middle), 0)
    return float(middle[0]), float(middle[1]), float(size[0]), float(size[1])


def thinned(points: Points, shape: tuple[int, ...]) -> Points:
    """Leave one point in each cell of the grid, that which is followed longest: where they are driven together too."""
    cells = (points.place / STEP).astype(int)
    number = cells[:, 1] * (shape[1] // STEP + 1) + cells[:, 0]
    order = np.argsort(-points.age, kind="stable")
    _, first = np.unique(number[order], return_index=True)
    return points.kept(np.sort(order[first]))


def free_places(places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Give the middles of the cells of a grid that no point is in, (n, 2)."""
    rows, columns = -(-shape[0] // STEP), -(-shape[1] // STEP)
    taken = np.zeros((rows, columns), bool)
    cells = (places / STEP).astype(int)
    taken[cells[:, 1].clip(0, rows - 1), cells[:, 0].clip(0, columns - 1)] = True
    y, x = np.nonzero(~taken)
    middles = np.stack([x, y], 1) * STEP + (STEP - 1) / 2
    return middles[(middles[:, 0] <= shape[1] - 1) & (middles[:, 1] <= shape[0] - 1)].astype(np.float32)


def groups_of(places: np.ndarray, speed: np.ndarray, moving: np.ndarray) -> list[np.ndarray]:
    """Give the numbers of the moving points of each group: side by side on the grid, and alike in their motion."""
    numbers = np.nonzero(moving)[0]
    if not len(numbers):
        return []
    cells = (places[numbers] / STEP).astype(int)
    rows, columns = cells[:, 1].max() + 3, cells[:, 0].max() + 3
    name = np.zeros((rows, columns), int)
    pace = np.zeros((rows, columns, 2), np.float32)
    name[cells[:, 1] + 1, cells[:, 0] + 1] = np.arange(1, len(numbers) + 1)
    pace[cells[:, 1] + 1, cells[:, 0] + 1] = speed[numbers]
    shifts = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    joins = [joined(name, pace, shift) for shift in shifts]
    while True:
        spread = name.copy()
        for shift, join in zip(shifts, joins, strict=True):
            spread = np.where(join, np.minimum(spread, np.roll(spread, shift, (0, 1))), spread)
        if (spread == name).all():
            break
        name = spread
    of = name[cells[:, 1] + 1, cells[:, 0] + 1]
    return [numbers[of == one] for one in np.unique(of)]


def joined(name: np.ndarray, pace: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    """Mark the cells of a grid that are of one thing with the neighbour a shift away."""
    other, its = np.roll(name, shift, (0, 1)), np.roll(pace, shift, (0, 1))
    far = np.linalg.norm(pace - its, axis=2)
    near = np.maximum(ALIKE[0], ALIKE[1] * np.linalg.norm(pace, axis=2))
    return (name > 0) & (other > 0) & (far < near)
