"""Things pasted on a picture where strokes put them, to a part of a pixel. In numpy and Pillow alone: a replay is exact
whatever else is installed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.trajectory import Placement

FAINT = 0.002  # alpha from which a pixel is seen to be covered
Thing = tuple[np.ndarray, Placement]  # RGBA uint8 (h, w, 4), straight alpha, and where it is


def paste(picture: np.ndarray, things: Sequence[Thing]) -> tuple[np.ndarray, np.ndarray]:
    """Paste things on a picture (H, W, 3) uint8, a later one over an earlier: the picture, and alpha (H, W) float32.

    A thing's width is its placement's size, a share of the picture's width; its height keeps its shape, and its middle
    is at (x, y). It looks to the left as it is stored, and is mirrored where it faces right. What is out of the picture
    is cut off. alpha: 0..1, how much of the picture the things cover together.
    """
    drawn, bare = picture.astype(np.float32), np.ones(picture.shape[:2], np.float32)
    for pixels, place in things:
        sprite, rows, columns = placed(pixels, place, picture.shape[:2])
        cover = sprite[..., 3:]
        drawn[rows, columns] = drawn[rows, columns] * (1 - cover) + sprite[..., :3]
        bare[rows, columns] *= 1 - cover[..., 0]
    return np.rint(drawn).astype(np.uint8), 1 - bare


def placed(pixels: np.ndarray, place: Placement, size: tuple[int, int]) -> tuple[np.ndarray, slice, slice]:
    """Give a thing as it lies on a picture of `size` (H, W): premultiplied float32 (h, w, 4), and its rows and columns.

    Colours are in 0..255, alpha in 0..1.
    """
    height, width = size
    across = max(1, round(place.size * width))
    sprite = resized(pixels, across, max(1, round(across * pixels.shape[0] / pixels.shape[1])))
    if place.facing > 0:
        sprite = sprite[:, ::-1]
    top, down = divmod(place.y * height - sprite.shape[0] / 2, 1)
    left, right = divmod(place.x * width - sprite.shape[1] / 2, 1)
    moved = shifted(sprite, down, right)
    rows, own_rows = overlap(int(top), moved.shape[0], height)
    columns, own_columns = overlap(int(left), moved.shape[1], width)
    return moved[own_rows, own_columns], rows, columns


def resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Give RGBA uint8 as premultiplied float32 (height, width, 4) of another size, every pixel counted."""
    from PIL import Image

    whole = pixels.astype(np.float32)
    whole[..., 3] /= 255
    whole[..., :3] *= whole[..., 3:]
    if whole.shape[:2] == (height, width):
        return whole
    box = Image.Resampling.HAMMING  # sharp, and never below 0
    planes = [Image.fromarray(whole[..., n]).resize((width, height), box) for n in range(4)]
    return np.stack([np.asarray(plane) for plane in planes], -1)


def shifted(sprite: np.ndarray, down: float, right: float) -> np.ndarray:
    """Move a picture (h, w, C) by parts of a pixel, in 0..1, down and to the right: (h + 1, w + 1, C)."""
    wide = np.pad(sprite, ((1, 1), (1, 1), (0, 0)))
    tall = wide[1:] * np.float32(1 - down) + wide[:-1] * np.float32(down)
    return tall[:, 1:] * np.float32(1 - right) + tall[:, :-1] * np.float32(right)


def overlap(start: int, length: int, whole: int) -> tuple[slice, slice]:
    """Give which part of 0..whole a stretch covers, and which part of the stretch that is; empty where none."""
    first, last = min(max(start, 0), whole), min(max(start + length, 0), whole)
    return slice(first, last), slice(first - start, last - start) if last > first else slice(0, 0)


def filled(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill what is marked of a picture (H, W, 3) uint8 from what is around it; hole (H, W) in 0..1, or True and False.

    Pull and push: colours are averaged over ever larger squares until none is empty, and spread back from there. A
    picture that is all hole comes back as it is.
    """
    marked = hole > FAINT  # what shines through a soft edge is not the picture's own colour
    if marked.all() or not marked.any():
        return picture
    part = around(marked)
    known = np.float32(~marked[part])[..., None]
    colours = spread(picture[part].astype(np.float32) * known, known)
    whole = picture.copy()
    whole[part] = np.where(known > 0, picture[part], np.rint(colours).clip(0, 255))
    return whole


def around(marked: np.ndarray) -> tuple[slice, slice]:
    """Give the rows and columns that hold all that is marked of (H, W), and what is near enough to fill it from."""
    ends = []
    for axis in (1, 0):
        places = np.flatnonzero(marked.any(axis))
        first, last = int(places[0]), int(places[-1]) + 1
        margin = max(8, (last - first) // 4)
        ends.append(slice(max(0, first - margin), min(marked.shape[1 - axis], last + margin)))
    return ends[0], ends[1]


def spread(colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Give colours (h, w, C), which are premultiplied by how far each is known (h, w, 1), where they are not known."""
    own = colours / np.maximum(known, 1e-6)
    if known.all() or max(known.shape[:2]) == 1:
        return own
    height, width = known.shape[:2]
    pad = ((0, height % 2), (0, width % 2), (0, 0))
    low, low_known = halved(np.pad(colours, pad)), halved(np.pad(known, pad))
    share = np.minimum(1.0, 4 * low_known) / np.maximum(low_known, 1e-6)  # one pixel in four that is known is enough
    wide = doubled(spread(low * share, low_known * share))[:height, :width]
    return own * known + wide * (1 - known)


def halved(values: np.ndarray) -> np.ndarray:
    """Average squares of two by two of (h, w, C), h and w even."""
    height, width, channels = values.shape
    return values.reshape(height // 2, 2, width // 2, 2, channels).mean((1, 3))


def doubled(values: np.ndarray) -> np.ndarray:
    """Spread (h, w, C) over twice the pixels, smoothly."""
    edge = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = np.empty((2 * values.shape[0], *edge.shape[1:]), np.float32)
    tall[0::2], tall[1::2] = 0.75 * edge[1:-1] + 0.25 * edge[:-2], 0.75 * edge[1:-1] + 0.25 * edge[2:]
    wide = np.empty((tall.shape[0], 2 * values.shape[1], values.shape[2]), np.float32)
    wide[:, 0::2] = 0.75 * tall[:, 1:-1] + 0.25 * tall[:, :-2]
    wide[:, 1::2] = 0.75 * tall[:, 1:-1] + 0.25 * tall[:, 2:]
    return wide
