"""A thing cut out of a picture: found around a point by the picture's own edges, or where a hand has brushed.

OpenCV's GrabCut (Rother, Kolmogorov, Blake 2004) finds it, in a window as large as the ring of the brush and once more
in one around what was found; where pictures before it are at hand, what has moved over them tells it where to begin.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.controls import ControlError
from studio.controls.stroke import SIZES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

WORK = 256  # pixels of the longer side that is looked at
SIDE = 96  # pixels of the window in which the thing is told from what is around
RING = 0.6  # of the brush's size: how far from the hand a thing is looked for at first
AROUND, OUTSIDE = 1.75, 1.4  # in the window's radii: how far it reaches; from where on there is only background
CORE = 0.2  # radii around the hand that are the thing for certain
GROWN = 1.15  # what was found, to the radii that the next pass begins with
GAP = 0.04  # of a radius: parts that lie so near to each other are one thing
EDGE = 5.0  # of CIE Lab: how far colours on both sides of an outline must be apart on average
LEAK = 0.4  # share of an outline that may be the window's own
LEAST, MOST = 0.001, 0.6  # share of the picture that a thing covers
SLIVER = 0.03  # of the ring's radius squared: what is smaller is a speck of the thing that is meant
MOVED = 14.0  # of CIE Lab: what has changed so far against the pictures before has moved
BEFORE = 4  # pictures from which on that can be told
SOFT = 0.8  # pixels of the picture over which an outline fades
MOST_OUTLINE = 64  # points
LARGEST = 44_000  # bytes of a cut-out as a file: a page can send it again in one message
FACELESS = "There is nothing with an outline of its own there. Press on a thing, or paint over it with Shift held."
ENDLESS = (
    "What is there runs on into the picture around it. Make the ring as large as the thing ([ and ]), or paint over it "
    "with Shift held."
)
UNPAINTED = "Nothing of the picture is painted over; paint over the thing, then drag it."
TOO_WIDE = "That is wider than {most:.0%} of the picture, which is as wide as a thing may be; paint over less."
MISSING = 'taking hold of a thing needs OpenCV, which is not installed: pip install "live-studio[vision]"'


@dataclass(frozen=True)
class Cut:
    """A thing cut out of a picture.

    pixels: RGBA uint8 (h, w, 4), straight alpha; box: left, top, right, bottom of it in 0..1 of the picture, at least a
    tenth wide; outline: its edge as (x, y) in 0..1, closed, 64 points at most.
    """

    pixels: np.ndarray
    box: tuple[float, float, float, float]
    outline: tuple[tuple[float, float], ...]

    @property
    def middle(self) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def width(self) -> float:
        """Give its size as a stroke counts it, a share of the picture's width."""
        return self.box[2] - self.box[0]

    def to_file(self) -> bytes:
        """Give it as a PNG, or as a WebP where that would be large; the same cut gives the same bytes."""
        from PIL import Image

        image, written = Image.fromarray(self.pixels), b""
        while not written or len(written) > LARGEST:
            if written:
                image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))
            written = encoded(image, "PNG", compress_level=6)
            if len(written) > LARGEST:
                written = encoded(image, "WEBP", quality=92, exact=True)
        return written


def encoded(image: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grab(picture: np.ndarray, point: tuple[float, float], size: float = 0.34, past: Sequence[np.ndarray] = ()) -> Cut:
    """Cut out the thing at a point of a picture. Raises ControlError, in words, where there is none.

    picture: uint8 (H, W, 3); point: x, y in 0..1; size: about how wide the thing is, a share of the picture's width;
    past: pictures before it, at best over two seconds. The same picture, point and past give the same cut.
    """
    cv2 = vision()
    lab, scale = reduced(picture)
    height, width = lab.shape[:2]
    at, radius = (point[0] * width, point[1] * height), max(4.0, RING * size * width)
    before = moved(lab, [reduced(one)[0] for one in past], at, radius)
    found = found_at(lab, at, radius, before)
    soft = cv2.resize(found.astype(np.float32), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return cut_out(picture, feathered(soft, SOFT + 0.5 / scale))


def brushed(picture: np.ndarray, mask: np.ndarray) -> Cut:
    """Cut out what was painted over; mask: uint8 (h, w) of any size, white where. Raises ControlError."""
    cv2 = vision()
    height, width = picture.shape[:2]
    soft = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    if (soft > 0.5).mean() < LEAST:
        raise ControlError(UNPAINTED)
    return cut_out(picture, feathered(soft, SOFT))


# -- finding the thing ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Area:
    """Where a thing is thought to be, in pixels: its middle, and its radii across and down."""

    x: float
    y: float
    across: float
    down: float

    @staticmethod
    def around(mask: Mask) -> Area:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        (top, bottom), (left, right) = ((ends[0], ends[-1] + 1) for ends in (rows, columns))
        across, down = (max(4.0, GROWN * (high - low) / 2) for low, high in ((left, right), (top, bottom)))
        return Area((left + right) / 2, (top + bottom) / 2, across, down)


class Look:
    """A window of a picture in CIE Lab, around an area, in few pixels."""

    def __init__(self, lab: np.ndarray, area: Area) -> None:
        self.shape, self.area = lab.shape[:2], area
        rows = self._ends(area.y, area.down, lab.shape[0])
        columns = self._ends(area.x, area.across, lab.shape[1])
        self.part = np.s_[rows[0] : rows[1], columns[0] : columns[1]]
        tall, wide = rows[1] - rows[0], columns[1] - columns[0]
        scale = min(1.0, SIDE / max(tall, wide))
        self.size = max(8, round(wide * scale)), max(8, round(tall * scale))
        self.pixels = self._shrunk(lab[self.part])
        self.x = columns[0] + (np.arange(self.size[0]) + 0.5) * wide / self.size[0]
        self.y = rows[0] + ((np.arange(self.size[1]) + 0.5) * tall / self.size[1])[:, None]
        self.scale = self.size[0] / wide

    @staticmethod
    def _ends(middle: float, radius: float, most: int) -> tuple[int, int]:
        return max(0, int(middle - AROUND * radius)), min(most, int(middle + AROUND * radius) + 1)

    def _shrunk(self, pixels: np.ndarray) -> np.ndarray:
        cv2 = vision()
        return cv2.resize(pixels, self.size, interpolation=cv2.INTER_AREA)

    def distance(self, power: int) -> np.ndarray:
        """Give how far each pixel is from the area's middle in its radii, as a circle (2) or nearly a box (4)."""
        away = abs((self.x - self.area.x) / self.area.across) ** power
        return (away + abs((self.y - self.area.y) / self.area.down) ** power) ** (1 / power)

    def grow(self, at: tuple[float, float], core: float, before: Mask | None) -> Mask:
        """Tell the thing under a point from what is around it, (H, W) of the whole picture.

        core: pixels around the point that are the thing for certain; before: what was taken for it so far.
        """
        cv2 = vision()
        away = self.distance(2 if before is None else 4)
        likely = away < 1 if before is None else self._shrunk(before[self.part].astype(np.uint8) * 255) > 127
        marks = np.where(away < OUTSIDE, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
        marks[likely] = cv2.GC_PR_FGD
        hand = np.hypot(self.x - at[0], self.y - at[1]) < max(core, 1.5 / self.scale)
        marks[hand] = cv2.GC_FGD
        whole = np.zeros(self.shape, bool)
        if hand.any() and not (marks & 1).all() and float(self.pixels.reshape(-1, 3).std(0).max()) > 1:
            cv2.setRNGSeed(1)  # its clusters begin at random
            cv2.grabCut(self.pixels, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
            thing = joined(marks & 1, hand, GAP * max(self.area.across, self.area.down) * self.scale)
            back = cv2.resize(thing, whole[self.part].shape[::-1], interpolation=cv2.INTER_LINEAR)
            whole[self.part] = back > 127
        return whole


def found_at(lab: np.ndarray, at: tuple[float, float], radius: float, before: Mask | None) -> Mask:
    """Give the thing at a point of a picture in CIE Lab, both in its pixels; ControlError where there is none.

    radius: how far it may reach; before: what is known of it.
    """
    area, found = Area(*at, radius, radius) if before is None else Area.around(before), before
    for is_last in (False, True):
        look = Look(lab, area)
        found = look.grow(at, min(radius, area.across, area.down) * CORE, found)
        if not found.any():
            raise ControlError(FACELESS)
        area = Area.around(found)
        if is_last:
            check_thing(look, lab, found, radius)
    assert found is not None
    return found


def joined(marks: np.ndarray, hand: Mask, gap: float) -> np.ndarray:
    """Give what hangs together with what is under the hand, its holes filled: uint8 (h, w), 0 or 255."""
    cv2 = vision()
    reach = 2 * max(1, round(gap)) + 1
    near = cv2.dilate(marks, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, parts = cv2.connectedComponents(near)
    thing = (marks * np.isin(parts, np.unique(parts[hand & (near > 0)]))).astype(np.uint8)
    lines, _ = cv2.findContours(thing, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(thing), lines, -1, 255, cv2.FILLED)


def moved(lab: np.ndarray, past: Sequence[np.ndarray], at: tuple[float, float], radius: float) -> Mask | None:
    """Give what at a point differs from the pictures before, (H, W); None where that does not tell a thing.

    Where a thing has moved on, most of the pictures before show what is behind it. After a change of scene all differs.
    """
    past = [one for one in past if one.shape == lab.shape]
    if len(past) < BEFORE:
        return None
    behind = np.median(np.stack(past), 0)
    differs = np.linalg.norm(lab - behind, axis=-1) > MOVED
    y, x = np.ogrid[: lab.shape[0], : lab.shape[1]]
    hand = np.hypot(x + 0.5 - at[0], y + 0.5 - at[1]) < max(2.0, CORE * radius)
    thing = joined(differs.astype(np.uint8), hand, GAP * radius) > 0
    enough = 0.5 * radius**2 < thing.sum() < 9 * radius**2
    return thing if enough and (differs & hand).sum() > 0.5 * hand.sum() else None


def check_thing(look: Look, lab: np.ndarray, found: Mask, radius: float) -> None:
    """Raise ControlError for what has no outline, or only that of the window it was looked for in.

    radius: pixels of the ring, beside which a thing can be too small as well.
    """
    share = found.mean()
    if share < LEAST or found.sum() < SLIVER * radius**2:
        raise ControlError(FACELESS)
    leak, contrast = outline_of(look, lab, found)
    if contrast < EDGE:
        raise ControlError(FACELESS)
    if share > MOST or leak > LEAK:
        raise ControlError(ENDLESS)


def outline_of(look: Look, lab: np.ndarray, found: Mask) -> tuple[float, float]:
    """Give the share of an outline that is where only background was allowed, and how far its two sides are apart."""
    cv2 = vision()
    cross = np.ones((3, 3), np.uint8)
    thing = found.astype(np.uint8)
    edge, colours = thing > cv2.erode(thing, cross), lab.astype(np.float32)

    def mean(mask: np.ndarray) -> np.ndarray:
        share = cv2.blur(mask.astype(np.float32), (5, 5))
        return cv2.blur(colours * mask[..., None], (5, 5)) / np.maximum(share, 1e-4)[..., None]

    apart = np.linalg.norm(mean(thing) - mean(1 - thing), axis=-1)[edge]
    bounds = np.ones(found.shape, np.uint8)
    allowed = (look.distance(4) < OUTSIDE).astype(np.uint8)
    bounds[look.part] = 1 - cv2.resize(allowed, bounds[look.part].shape[::-1], interpolation=cv2.INTER_NEAREST)
    ends = cv2.dilate(bounds, cross)[edge] > 0
    return float(ends.mean()) if edge.any() else 1.0, float(apart.mean()) if edge.any() else 0.0


# -- cutting it out ---------------------------------------------------------------------------------------------------


def feathered(soft: np.ndarray, over: float) -> np.ndarray:
    """Give a mask (H, W) in 0..1 an edge that fades over so many pixels."""
    cv2 = vision()
    return np.clip(2 * cv2.GaussianBlur(soft, (0, 0), over) - 0.5, 0, 1)


def cut_out(picture: np.ndarray, alpha: np.ndarray) -> Cut:
    """Cut a thing out of a picture by its alpha (H, W) in 0..1; ControlError for one that is too wide."""
    cv2 = vision()
    height, width = alpha.shape
    rows, columns = np.flatnonzero((alpha > 0.02).any(1)), np.flatnonzero((alpha > 0.02).any(0))
    (top, bottom), (left, right) = ((int(ends[0]), int(ends[-1]) + 1) for ends in (rows, columns))
    if right - left > SIZES[1] * width or (alpha > 0.5).mean() > MOST:
        raise ControlError(TOO_WIDE.format(most=SIZES[1]))
    pixels = np.dstack([picture, np.rint(alpha * 255).astype(np.uint8)])[top:bottom, left:right]
    margin = max(0, -(-int(np.ceil(SIZES[0] * width) - (right - left)) // 2))
    pixels = np.pad(pixels, ((0, 0), (margin, margin), (0, 0)))
    lines, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(lines, key=len)[:, 0]
    step = -(-len(longest) // MOST_OUTLINE)
    outline = tuple(((float(x) + 0.5) / width, (float(y) + 0.5) / height) for x, y in longest[::step])
    box = (left - margin) / width, top / height, (right + margin) / width, bottom / height
    return Cut(np.ascontiguousarray(pixels), box, outline)


# -- where it has gone ------------------------------------------------------------------------------------------------


def gone_on(cut: Cut, newest: np.ndarray, reach: float = 0.15) -> tuple[float, float]:
    """Give how far a thing has moved on in a newer picture, (dx, dy) in 0..1; (0, 0) where it is not found there.

    reach: how far it is looked for, a share of the picture's width. OpenCV's template matching, under the cut's alpha.
    """
    cv2 = vision()
    scale = min(1.0, WORK / 2 / max(newest.shape[:2]))
    height, width = (round(side * scale) for side in newest.shape[:2])
    around = round(reach * width)
    small = cv2.copyMakeBorder(
        cv2.resize(newest, (width, height), interpolation=cv2.INTER_AREA), *(4 * [around]), cv2.BORDER_REPLICATE
    )
    left, top = round(cut.box[0] * width), round(cut.box[1] * height)
    size = tuple(max(2, round((cut.box[n + 2] - cut.box[n]) * side)) for n, side in enumerate((width, height)))
    thing = cv2.resize(cut.pixels, size, interpolation=cv2.INTER_AREA)
    under = small[max(0, top) : top + size[1] + 2 * around, max(0, left) : left + size[0] + 2 * around]
    if under.shape[0] < size[1] or under.shape[1] < size[0]:
        return 0.0, 0.0
    colours, mask = thing[..., :3].astype(np.float32), np.repeat(thing[..., 3:].astype(np.float32) / 255, 3, -1)
    error = cv2.matchTemplate(under.astype(np.float32), colours, cv2.TM_SQDIFF, mask=mask) / max(1.0, mask.sum())
    _, _, (x, y), _ = cv2.minMaxLoc(error)
    if not np.isfinite(error[y, x]) or error[y, x] > 30**2:
        return 0.0, 0.0
    return (x - around + min(0, left)) / width, (y - around + min(0, top)) / height


def reduced(picture: np.ndarray) -> tuple[np.ndarray, float]:
    """Give a picture in CIE Lab, uint8, at most `WORK` pixels a side, and by how much it was reduced."""
    cv2 = vision()
    height, width = picture.shape[:2]
    scale = min(1.0, WORK / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    return cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB), scale


def vision() -> Any:
    """Give OpenCV; ControlError that says how to get it."""
    try:
        import cv2
    except ImportError:
        raise ControlError(MISSING) from None
    return cv2
