"""Noise that follows a flow and stays noise (Go-with-the-Flow, arXiv 2501.08331, section 3).

Each pixel carries C numbers, N(0, 1) and independent of all others', and a weight. From picture to picture it goes
where the flow says. One that becomes n is shared out: its number and n - 1 fresh ones are turned together, by the
reflection that takes the first axis to the diagonal, so that each part has its number / sqrt(n), and all are N(0, 1)
and know nothing of each other. Several that land on one cell are summed by weight and brought to N(0, 1) again. A cell
that none lands on pulls from where its own flow came from; what comes in from outside is new.

Three things differ from the paper's code, which draws n numbers for n parts. Ways that are no whole pixels are rounded
up and down in turn, everywhere at once (`whole_steps`): with a rest that each pixel keeps for itself, under any zoom
half of all pixels were torn or crushed in every picture. And pixels are known by their number, not by comparing what
they carry.

`NoiseField` keeps the numbers in rows that never move: only the place of each pixel's row does, and what was shared out
or summed takes the rows that are free. `warp_slowly` is the definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.geometry.flow import Box, Flow
from studio.noise import noise

# Step numbers that no sampler's steps reach: of a field's first noise, of what parts are given, of what comes in.
FIRST, PARTS, OUTSIDE = 2**32, 2**32 + 1, 2**32 + 2
TURNS = (0.7548776662466927, 0.5698402909980532)  # of x and y: the most even pair (Roberts' R2 sequence)
NEAR = 1e-3  # pixels: so near to a whole number a way is that number
EASING = np.float32(1e-4)  # how far the weight of a cell that changes goes back to 1: none is ever lost


@dataclass(frozen=True, eq=False)
class NoiseField:
    """Noise at the resolution of pixels.

    rows: (H W, C) float32, in no order; place: (H, W) int32, the row of each pixel; weight: (H, W) float32.
    """

    rows: np.ndarray
    place: np.ndarray
    weight: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """The noise of every pixel, (H, W, C)."""
        return self.rows[self.place]

    @property
    def nbytes(self) -> int:
        """How many bytes it takes."""
        return self.rows.nbytes + self.place.nbytes + self.weight.nbytes


@dataclass(frozen=True, eq=False)
class Uses:
    """Who brings numbers to cells that change: pixels of a box by their number there.

    source, target: of each use, pushes first, by source, then pulls, by target; shares: into how many parts its source
    is shared out. fresh: cells that pull from outside. came: (cells,) of every other cell the one it takes over whole.
    """

    source: np.ndarray
    target: np.ndarray
    shares: np.ndarray
    fresh: np.ndarray
    came: np.ndarray


def new_field(size: tuple[int, int], channels: int, seed: int, frame: int) -> NoiseField:
    """Make a field (H, W) as it begins at a frame: a function of seed and frame."""
    pixels = size[0] * size[1]
    rows = noise(seed, frame, FIRST, (pixels, channels)).numpy()
    return NoiseField(rows, np.arange(pixels, dtype=np.int32).reshape(size), np.ones(size, np.float32))


def warp_noise(field: NoiseField, flows: Iterable[Flow], seed: int, frame: int, in_place: bool = False) -> NoiseField:
    """Give a field moved by flows, the first of them to the picture `frame`: a function of all of these.

    in_place: nobody else holds the field, which may be written to.
    """
    moved = field if in_place else None
    for number, flow in enumerate(flows, frame):
        whole = whole_steps(flow, number)
        if (box := changing_box(whole, flow.seen)) is None:
            continue
        moved = moved or NoiseField(field.rows.copy(), field.place.copy(), field.weight.copy())
        part = replace(moved, place=moved.place[box], weight=moved.weight[box])
        move(part, plan(whole[box], flow.seen[box]), (seed, number))
    return moved or field


def whole_steps(flow: Flow, frame: int) -> np.ndarray:
    """Give the whole pixels (H, W, 2) that each goes to the picture `frame`: rounded so that their mean in time is it.

    The threshold is the same for all pixels, so what moves as one goes as one; whole numbers stay as they are.
    """
    if flow.is_still:
        return np.zeros(flow.motion.shape, np.int32)
    thresholds = np.array([NEAR + (1 - 2 * NEAR) * (frame * turn % 1) for turn in TURNS], np.float32)
    return np.floor(flow.motion + thresholds).astype(np.int32)


def changing_box(whole: np.ndarray, seen: np.ndarray) -> Box | None:
    """Give the box of pixels outside of which nothing changes; None where nothing does at all."""
    x, y = whole[..., 0], whole[..., 1]
    moves = (x != 0) | (y != 0) | ~seen
    if not moves.any():
        return None
    box = []
    for axis, way in ((1, y), (0, x)):
        (places,) = np.nonzero(moves.any(axis))
        farthest = max(way.max(), -way.min())
        box.append(slice(int(max(places[0] - farthest, 0)), int(places[-1] + farthest + 1)))
    return box[0], box[1]


def plan(whole: np.ndarray, seen: np.ndarray) -> Uses:
    """Say who goes where in one picture, of whole steps (h, w, 2) and of who is seen at their end."""
    height, width = whole.shape[:2]
    cells, one = height * width, np.int32
    x, y = np.arange(width, dtype=one) + whole[..., 0], np.arange(height, dtype=one)[:, None] + whole[..., 1]
    lands = seen & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    source = np.flatnonzero(lands)
    target = (y * one(width) + x).reshape(-1)[source].astype(np.intp)
    pushed = np.bincount(target, minlength=cells)
    came = np.zeros(cells, np.intp)
    came[target] = source

    bare = np.flatnonzero(pushed == 0)
    step = whole.reshape(-1, 2)[bare]
    y, x = np.divmod(bare, width)
    x, y = x - step[:, 0], y - step[:, 1]
    comes = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    pulled, pulling = (y * width + x)[comes], bare[comes]
    came[pulling] = pulled

    shares = np.bincount(pulled, minlength=cells) + lands.reshape(-1)
    changes = pushed[target] > 1
    changes[np.searchsorted(source, np.unique(pulled[lands.reshape(-1)[pulled]]))] = True  # pushed, and pulled from
    parted = shares[pulled] > 1
    sources = np.concatenate([source[changes], pulled[parted]])
    targets = np.concatenate([target[changes], pulling[parted]])
    return Uses(sources, targets, shares[sources], bare[~comes], came)


def move(field: NoiseField, uses: Uses, key: tuple[int, int]) -> None:
    """Move a field, in place, in one picture; key: seed and the picture's number."""
    shape, place, weight = field.place.shape, field.place.reshape(-1), field.weight.reshape(-1)
    values, weights = parts(field.rows[place[uses.source]], weight[uses.source], uses, key)
    cells, values, weights = summed(uses.target, values, weights)
    changed = np.concatenate([cells, uses.fresh])
    stays = np.ones(len(place), bool)
    stays[changed] = False
    taken = np.zeros(len(place), bool)
    taken[uses.came[stays]] = True
    free = place[~taken]
    place, weight = place[uses.came], weight[uses.came]
    place[changed] = free
    weight[changed] = np.concatenate([weights + (1 - weights) * EASING, np.ones(len(uses.fresh), np.float32)])
    field.rows[free] = np.concatenate([values, from_outside(len(uses.fresh), values.shape[1], key)])
    field.place[:], field.weight[:] = place.reshape(shape), weight.reshape(shape)


def parts(values: np.ndarray, weights: np.ndarray, uses: Uses, key: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Give the numbers (K, C) and weights (K,) that uses bring, each source's shared out over all of its uses."""
    split = np.flatnonzero(uses.shares > 1)
    if len(split):
        split = split[np.argsort(uses.source[split], kind="stable")]  # the uses of each source side by side
        starts = group_starts(uses.source[split])
        later, more = np.delete(split, starts), np.diff(np.append(starts, len(split))) - 1
        drawn = noise(*key, PARTS, (len(later), values.shape[1])).numpy()
        sums, root = group_sums(drawn, starts - np.arange(len(starts))), np.sqrt(uses.shares[split], dtype=np.float32)
        first = root[starts][:, None]
        values[split] /= root[:, None]
        values[split[starts]] += sums / first
        values[later] += drawn - (sums / (first * (first - 1))).repeat(more, axis=0)
    return values, weights / uses.shares.astype(np.float32)


def summed(target: np.ndarray, values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the cells that uses land on, rising, their numbers, N(0, 1) again, and the sums of their weights."""
    if not len(target):
        return target, values, weights
    order = np.argsort(target, kind="stable")
    starts = group_starts(target[order])
    weights = weights[order]
    lengths = np.sqrt(group_sums(weights[:, None] ** 2, starts))
    sizes = np.diff(np.append(starts, len(order)))
    share = np.where((sizes == 1).repeat(sizes)[:, None], 1, weights[:, None] / lengths.repeat(sizes, axis=0))
    return target[order][starts], group_sums(values[order] * share, starts), group_sums(weights[:, None], starts)[:, 0]


def group_starts(keys: np.ndarray) -> np.ndarray:
    """Give where each run of equal keys begins."""
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))


def group_sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sum runs of rows (K, C), which begin at `starts`, each row after row; most runs are of one or two."""
    sums, sizes = values[starts], np.diff(np.append(starts, len(values)))
    for further in range(1, int(sizes.max())):
        longer = np.flatnonzero(sizes > further)
        sums[longer] += values[starts[longer] + further]
    return sums


def from_outside(count: int, channels: int, key: tuple[int, int]) -> np.ndarray:
    """Give what comes in from outside of the picture, (count, C)."""
    return noise(*key, OUTSIDE, (count, channels)).numpy()


def latent_noise(field: NoiseField, latent: tuple[int, int]) -> Tensor:
    """Give the noise of latent cells, (C, h, w): of each the sum of its pixels by the root of their number, N(0, 1).

    latent: (h, w), each a whole share of the field's size.
    """
    (height, width), (h, w) = field.place.shape, latent
    if height % h or width % w:
        raise ValueError(f"a latent of {h} x {w} is no whole share of {height} x {width} pixels")
    cells = field.place.reshape(h, height // h, w, width // w).transpose(0, 2, 1, 3).reshape(h * w, -1)
    bags = torch.from_numpy(np.ascontiguousarray(cells))
    sums = F.embedding_bag(bags, torch.from_numpy(field.rows), mode="sum") / cells.shape[1] ** 0.5
    return sums.T.reshape(-1, h, w)


def degraded(warped: Tensor, fresh: Tensor, follow: float) -> Tensor:
    """Give noise, N(0, 1), that follows a flow by a share of 0..1, and is fresh for the rest."""
    return (follow * warped + (1 - follow) * fresh) / (follow**2 + (1 - follow) ** 2) ** 0.5


def warp_slowly(values: np.ndarray, weight: np.ndarray, flow: Flow, key: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Do what `warp_noise` does with one flow, pixel by pixel, on values (H, W, C) and weights (H, W): the definition.

    key: seed and the picture's number.
    """
    height, width = weight.shape
    pixels = [(y, x) for y in range(height) for x in range(width)]
    whole = whole_steps(flow, key[1])

    def go(y: int, x: int, sign: int) -> tuple[int, int] | None:
        dx, dy = whole[y, x]
        y, x = int(y + sign * dy), int(x + sign * dx)
        return (y, x) if 0 <= y < height and 0 <= x < width else None

    uses = [(one, go(*one, 1)) for one in pixels if flow.seen[one] and go(*one, 1)]
    landed = {target for _, target in uses}
    bare = [one for one in pixels if one not in landed]
    uses += [(go(*one, -1), one) for one in bare if go(*one, -1)]
    fresh = [one for one in bare if not go(*one, -1)]
    return bring_slowly(values, weight, uses, fresh, key)


def bring_slowly(
    values: np.ndarray, weight: np.ndarray, uses: Sequence[tuple], fresh: Sequence[tuple], key: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Give values and weights after all uses (source, target) and what comes in; a part of the definition."""
    sources, targets = [source for source, _ in uses], [target for _, target in uses]
    brought: dict[tuple, dict[int, tuple[np.ndarray, float]]] = {target: {} for target in targets}
    fresh_parts = iter(noise(*key, PARTS, (len(sources) - len(set(sources)), values.shape[2])).numpy())
    for source in sorted(set(sources)):
        numbers = [number for number, one in enumerate(sources) if one == source]
        together = np.stack([values[source], *(next(fresh_parts) for _ in numbers[1:])])
        for number, part in zip(numbers, reflection(len(numbers)) @ together):
            brought[targets[number]][number] = part, float(weight[source]) / len(numbers)
    values, weight = values.copy(), weight.copy()
    for target, uses_of in brought.items():
        given = [uses_of[number] for number in sorted(uses_of)]
        total = sum(part for _, part in given)
        changes = len(given) > 1 or sources.count(sources[targets.index(target)]) > 1
        length = sum(part**2 for _, part in given) ** 0.5
        values[target] = sum(value * part for value, part in given) / length if len(given) > 1 else given[0][0]
        weight[target] = total + (1 - total) * EASING if changes else total
    for target, value in zip(fresh, from_outside(len(fresh), values.shape[2], key)):
        values[target], weight[target] = value, 1
    return values, weight


def reflection(n: int) -> np.ndarray:
    """Give the n x n reflection that takes the first axis to the diagonal: each row begins with 1 / sqrt(n)."""
    off = np.eye(n)[0] - n**-0.5
    return np.eye(n) - 2 * np.outer(off, off) / max(off @ off, 1e-12)
