"""A subject of one's own cut out of any picture file: by its own alpha, a plain ground, or OpenCV's GrabCut.

What is found is a proposal: the page shows it, and a hand takes away from it or adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from studio.controls import ControlError, image_file
from studio.controls.image_file import SEEN
from studio.underpaint.cutting import feathered, vision

if TYPE_CHECKING:
    from PIL.Image import Image

    from studio.underpaint.cutting import Mask

WORK = 384  # pixels of the longer side that is given back: twice what is kept
LOOKED = 192  # pixels of the longer side in which GrabCut looks
DRAFT = 1024  # pixels that a large JPEG is decoded to
MEANT = 0.005  # share of pixels that something shines through, from which an alpha means an outline
OPAQUE = 240  # of 255
RIM = 0.03  # of the shorter side: the border that is looked at
CORES = (
    0.0,
    0.45,
)  # of the ellipse that is likely the subject: how much of it surely is, in turn until something stands out
PLAIN, PLAIN_SHARE = 12.0, 0.85  # of CIE Lab, and share of the border so near its median: a plain ground
ROUNDS = 3  # of GrabCut
LEAST, MOST = 0.01, 0.92  # share of the picture that a subject covers
CRUMB = 0.08  # of the largest part: smaller ones are no part of the subject
SOFT = 1.0  # pixels over which an outline fades
ALL_CLEAR = "all of this picture is transparent, so there is nothing to see in it; choose another"
ONE_COLOUR = "this picture is of one colour all over, so there is no subject in it; choose another"
NOTHING_FOUND = "No subject stands out from its background, so all of the picture is taken. Rub out what is to go."
NO_VISION = (
    "It is taken whole: cutting a subject out needs OpenCV, which this server lacks "
    '(pip install "live-studio[vision]"). Rub out what is to go.'
)
FIRST = "It has {} pictures; the first is taken."


@dataclass(frozen=True)
class SubjectCut:
    """A picture with what of it is the subject: uint8 (h, w, 3) and (h, w), 384 pixels a side at most.

    remarks: what a person should know of how it was made, in sentences.
    """

    picture: np.ndarray
    alpha: np.ndarray
    remarks: tuple[str, ...] = ()


def cut_subject(data: bytes) -> SubjectCut:
    """Cut the subject out of a picture file of any kind that is read. The same bytes give the same cut.

    Raises ControlError for what is no picture, too large to decode, all transparent or all one colour.
    """
    picture, remarks = opened(data)
    pixels = np.array(picture.convert("RGBA"))
    colours, own = pixels[..., :3], pixels[..., 3]
    if not (own > SEEN).any():
        raise ControlError(ALL_CLEAR)
    if (own < OPAQUE).mean() >= MEANT:
        return SubjectCut(colours, own, remarks)
    if np.ptp(colours.reshape(-1, 3), axis=0).max() < 3:
        raise ControlError(ONE_COLOUR)
    alpha, said = found_in(colours)
    return SubjectCut(colours, alpha, (*remarks, *said))


def opened(data: bytes) -> tuple[Image, tuple[str, ...]]:
    """Read a picture file, 384 pixels a side at most, upright and in sRGB, and what is to be said of it."""
    if image_file.kind_of(data) is None:
        kinds = ", ".join(image_file.KINDS)
        raise ControlError(f"no picture can be made out in this file; possible: {kinds}")
    with image_file.reading(data) as picture:
        count = getattr(picture, "n_frames", 1)
        picture.draft("RGB", (DRAFT, DRAFT))  # a large JPEG is decoded no larger than is of use
        image_file.check_shape(picture.size)
        whole = image_file.seen(picture)
    small = whole.convert("RGBa") if whole.has_transparency_data else whole
    small.thumbnail((WORK, WORK))
    return small.convert(whole.mode), (FIRST.format(count),) if count > 1 else ()


def found_in(picture: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Find the subject of a picture, uint8 (h, w, 3): its alpha (h, w), and a remark where it is not as was wanted."""
    everything = np.full(picture.shape[:2], 255, np.uint8)
    try:
        cv2 = vision()
    except ControlError:
        return everything, (NO_VISION,)
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    plain = is_plain(lab)
    tries = (off_plain(lab),) if plain else (grown(picture, core) for core in CORES)
    found = next((one for one in map(whole_parts, tries) if LEAST <= one.mean() <= MOST), None)
    if found is None:
        return everything, (NOTHING_FOUND,)
    soft = feathered(found.astype(np.float32), SOFT if plain else 1.5 * SOFT)
    return np.rint(soft * 255).astype(np.uint8), ()


def rim_of(shape: tuple[int, ...], lower: bool = True) -> Mask:
    """Mark the border of a picture (h, w); lower: along its lower side too, which a portrait runs over."""
    height, width = shape[:2]
    wide = max(1, round(RIM * min(height, width)))
    rim = np.ones((height, width), bool)
    rim[wide : -wide if lower else None, wide:-wide] = False
    return rim


def to_ground(lab: np.ndarray) -> np.ndarray:
    """Give how far each pixel's colour is from the border's median, (h, w), of CIE Lab."""
    ground = np.median(lab[rim_of(lab.shape)], 0)
    return np.linalg.norm(lab.astype(np.float32) - ground, axis=-1)


def is_plain(lab: np.ndarray) -> bool:
    """Whether a picture's border is of one colour, as a drawing's on paper."""
    return bool((to_ground(lab)[rim_of(lab.shape)] < PLAIN).mean() >= PLAIN_SHARE)


def off_plain(lab: np.ndarray) -> Mask:
    """Mark what is not joined to the border by the ground's own colour, (h, w): white within a drawing stays."""
    cv2 = vision()
    _, parts = cv2.connectedComponents((to_ground(lab) < PLAIN).astype(np.uint8), connectivity=4)
    outer = np.unique(parts[rim_of(lab.shape) & (parts > 0)])
    return ~np.isin(parts, outer)


def grown(picture: np.ndarray, core: float = 0.0) -> Mask:
    """Mark by GrabCut what in the middle differs from the border, (h, w).

    core: so much of the ellipse in the middle is the subject for certain: where both are of the same colours nothing
    is left of it otherwise.
    """
    cv2 = vision()
    height, width = picture.shape[:2]
    scale = min(1.0, LOOKED / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    x, y = (np.arange(size[0]) + 0.5) / size[0] - 0.5, (np.arange(size[1]) + 0.5) / size[1] - 0.5
    away = np.hypot(x[None] / 0.38, y[:, None] / 0.42)
    marks = np.where(away < 1, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[away < core] = cv2.GC_FGD
    marks[rim_of(marks.shape, lower=False)] = cv2.GC_BGD
    cv2.setRNGSeed(1)  # its clusters begin at random
    cv2.grabCut(small, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    back = cv2.resize((marks & 1) * np.uint8(255), (width, height), interpolation=cv2.INTER_LINEAR)
    return back > 127


def whole_parts(found: Mask) -> Mask:
    """Give what was found without crumbs, and without holes that are no larger than a crumb."""
    return ~without_crumbs(~without_crumbs(found))


def without_crumbs(found: Mask) -> Mask:
    cv2 = vision()
    _, parts, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not len(areas):
        return found
    return np.isin(parts, 1 + np.flatnonzero(areas >= CRUMB * areas.max()))
