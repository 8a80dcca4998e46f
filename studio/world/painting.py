"""Paint and light: the small toolbox the drawn world's scenes are painted with.

Everything is drawn on a `Canvas` of 256 x 256 units, as float pixels in 0..1: a pixel a unit, or more of them, as
`resolution` says. Colours are given as daylight colours ("#rrggbb"); the canvas lights them (time of day, weather),
fades them with distance (atmospheric perspective) and covers ground with snow. Shapes are anti-aliased in pixels:
curves analytically, polygons and ellipses by supersampling.
What moves is kept as functions of the turn (0..2 pi over the loop), so the still part is painted once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE = 256  # units, whatever the resolution
Array = NDArray[np.floating]
Point = tuple[float, float]
Motion = Callable[[Array, float], None]

FULL_TURN = 2 * np.pi


# --- resolution ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a picture lie, in units.

    rows, columns: (size, size). along: an axis (size,). down: it as (size, 1, 1), for what changes with the row alone.
    """

    size: int
    scale: int  # pixels a unit
    rows: Array
    columns: Array
    along: Array
    down: Array

    @property
    def oversampling(self) -> int:
        """How many times finer polygons and ellipses are drawn, to either side."""
        return 2 if self.scale == 1 else 4

    def index(self, units: Array | float) -> Array:
        """The pixels at places in units, not rounded."""
        units = np.asarray(units)
        return (units + 0.5) * self.scale - 0.5 if self.scale > 1 else units


@cache
def _grid(size: int) -> Grid:
    if size % SIZE or size < SIZE:
        raise ValueError(f"the world is drawn at {SIZE} pixels or whole multiples of that, not at {size}")
    scale = size // SIZE
    along = ((np.arange(size) + 0.5) / scale - 0.5).astype(np.float32)
    rows, columns = (np.ascontiguousarray(axis) for axis in np.meshgrid(along, along, indexing="ij"))
    return Grid(size, scale, rows, columns, along, along[:, None, None])


_SIZE: ContextVar[int] = ContextVar("pixels of a side", default=SIZE)


def grid() -> Grid:
    """The grid that is drawn on."""
    return _grid(_SIZE.get())


@contextmanager
def resolution(size: int) -> Iterator[Grid]:
    """Whatever is drawn within is `size` pixels wide and high. Raises ValueError unless that is a multiple of 256."""
    drawn_on, before = _grid(size), _SIZE.set(size)
    try:
        yield drawn_on
    finally:
        _SIZE.reset(before)


def colour(code: str) -> Array:
    """ "#rrggbb" to three floats in 0..1."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def mix(a: Array, b: Array, amount: float | Array) -> Array:
    return a + (b - a) * amount


# --- light -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Light:
    """What time and weather do to colours. All colours are float triples in 0..1, all amounts 0..1."""

    time: str
    weather: str
    top: Array  # the sky's three stops, zenith to horizon
    middle: Array
    low: Array
    tint: Array  # multiplies every surface colour
    glow: Array  # colour of sun or moon
    lamps: float  # how much windows and lanterns are lit
    veil: float = 0.0  # fog
    cover: float = 0.0  # snow on the ground
    wet: float = 0.0
    clouds: float = 0.0

    @property
    def haze(self) -> Array:
        return mix(self.low, self.middle, 0.3)

    @property
    def dark(self) -> bool:
        return self.time == "night"


_SKIES = {  # top, middle, low, tint, sun or moon, lamps
    "day": ("#3f97e8", "#86c9f5", "#d9f1fa", (1.0, 1.0, 1.0), "#fff6c8", 0.0),
    "sunset": ("#56459a", "#ee6d6f", "#ffbe6a", (1.0, 0.75, 0.66), "#ffe08a", 0.65),
    "night": ("#080d2c", "#16235c", "#33478c", (0.27, 0.34, 0.58), "#f4f1d8", 1.0),
    "dawn": ("#a9b2e6", "#e3c3ea", "#fff0bd", (0.90, 0.83, 0.97), "#fffbe2", 0.25),
}


def light_of(time: str, weather: str) -> Light:
    """The light of one time of day under one weather."""
    top, middle, low, tint, glow, lamps = _SKIES[time]
    clear = Light(
        time, weather, colour(top), colour(middle), colour(low), np.array(tint, np.float32), colour(glow), lamps
    )
    if weather == "clear":
        return clear
    # (how grey, how bright the sky is, how bright surfaces are, tinge of the grey)
    grey, sky, surface, tinge = {
        "cloudy": (0.50, 0.90, 0.84, (0.98, 0.99, 1.03)),
        "rain": (0.72, 0.58, 0.60, (0.88, 0.98, 1.12)),
        "snow": (0.62, 1.02, 0.96, (0.97, 1.00, 1.05)),
        "fog": (0.60, 1.00, 0.92, (1.00, 1.00, 1.00)),
    }[weather]
    if clear.dark:  # the night is dark enough under cloud, and snow is bright in it
        sky, surface = max(sky, 0.72), {"snow": 1.5, "rain": 0.74}.get(weather, 0.95)
    tinge = np.array(tinge, np.float32)

    def dull(shade: Array, bright: float, amount: float) -> Array:
        return np.clip(mix(shade, shade.mean() * tinge, amount) * bright, 0, 1)

    skies = [dull(shade, sky, grey) for shade in (clear.top, clear.middle, clear.low)]
    if weather in ("fog", "snow"):  # the sky's stops melt into one another
        skies = [mix(shade, skies[2], 0.45) for shade in skies]
    return replace(
        clear,
        top=skies[0],
        middle=skies[1],
        low=skies[2],
        tint=dull(clear.tint, surface, 0.6 if weather == "snow" else 0.35),
        lamps=max(lamps, 0.35),
        veil=0.62 if weather == "fog" else 0.10,
        cover=0.88 if weather == "snow" else 0.0,
        wet=1.0 if weather == "rain" else 0.0,
        clouds={"cloudy": 1.0, "rain": 1.0, "snow": 0.5, "fog": 0.0}[weather],
    )


# --- masks -----------------------------------------------------------------------------------------------------------


def edge(distance: Array) -> Array:
    """Mask that is 0 where a distance in units is below 0, 1 where it is above, and one pixel sharp in between.

    At a pixel a unit it rises from 0 to 1; on finer grids around the same middle.
    """
    scale = grid().scale
    return np.clip(distance * scale - (scale - 1) / 2 if scale > 1 else distance, 0, 1)


def level(y: float) -> Array:
    """A flat curve."""
    return np.full(grid().size, y, np.float32)


def slope(curve: Array) -> Array:
    """How many units a curve falls a unit."""
    return np.gradient(curve) * grid().scale


def below(curve: Array) -> Array:
    """Mask (H, W) of what lies under a curve y(x) of shape (W,)."""
    return edge(grid().rows - curve[None, :] + 0.5)


def rolling(base: float, height: float, waves: float, start: float = 0.0) -> Array:
    """A soft ridge line: three sines around `base`, about `waves` hills across the picture."""
    u = grid().along / SIZE * FULL_TURN * waves
    curve = np.sin(u + start) + 0.45 * np.sin(1.9 * u + 2.1 * start + 1) + 0.2 * np.sin(3.7 * u + 3.3 * start)
    return (base - height * curve / 1.4).astype(np.float32)


def _rounded(at: Sequence[float], values: Sequence[float], reach: int) -> Array:
    """Values along an axis (size,) through `values` at places `at`, rounded over `reach` units to either side."""
    scale = grid().scale
    reach *= scale
    sharp = np.interp((np.arange(-reach, grid().size + reach) + 0.5) / scale - 0.5, at, values)
    window = np.hanning(2 * reach + 3)[1:-1]
    return np.asarray(np.convolve(sharp, window / window.sum(), "valid"), float)


def through(*points: Point) -> Array:
    """A curve y(x) through points, smoothly rounded."""
    x, y = zip(*points, strict=True)
    return _rounded(x, y, 9).astype(np.float32)


def ribbon(*points: tuple[float, float, float]) -> Array:
    """Mask of a winding band through (x, y, half width), downwards: a path, a stream."""
    x, y, half = zip(*points, strict=True)
    middle, wide = (_rounded(y, values, 10)[:, None] for values in (x, half))
    band = edge(wide - np.abs(grid().columns - middle) + 0.5)
    return (band * edge(grid().rows - y[0] + 0.5)).astype(np.float32)


def drawn(draw: Callable[[ImageDraw.ImageDraw, Callable[[Array], list[float]]], None], corners: Array) -> Array:
    """Mask of whatever `draw(pen, place)` fills within corners (N, 2), supersampled.

    `place` makes coordinates on the pen's sheet of points in units. The sheet is no larger than the shapes need.
    """
    size, scale, finer = grid().size, grid().scale, grid().oversampling
    mask = np.zeros((size, size), np.float32)
    first = np.clip(np.floor(corners.min(0) * scale).astype(int) - 1, 0, size)
    last = np.clip(np.ceil(corners.max(0) * scale).astype(int) + 2, 0, size)
    if (first >= last).any():
        return mask
    sheet = Image.new("L", tuple(((last - first) * finer).tolist()))
    start = first * finer
    draw(ImageDraw.Draw(sheet), lambda points: (points * (scale * finer) - start).ravel().tolist())
    (left, top), (right, bottom) = first, last
    mask[top:bottom, left:right] = np.asarray(sheet.reduce(finer), np.float32) / 255
    return mask


def polygons(shapes: Sequence[Sequence[Point]]) -> Array:
    """Mask of a union of polygons."""
    outlines = [np.asarray(shape, float) for shape in shapes]

    def draw(pen: ImageDraw.ImageDraw, place: Callable[[Array], list[float]]) -> None:
        for outline in outlines:
            pen.polygon(place(outline), fill=255)

    return drawn(draw, np.concatenate(outlines)) if outlines else np.zeros_like(grid().rows)


def ellipses(shapes: Sequence[tuple[float, float, float, float]]) -> Array:
    """Mask of a union of ellipses (x, y, horizontal radius, vertical radius)."""
    bounds = [np.array([(x - rx, y - ry), (x + rx, y + ry)], float) for x, y, rx, ry in shapes]

    def draw(pen: ImageDraw.ImageDraw, place: Callable[[Array], list[float]]) -> None:
        for bound in bounds:
            pen.ellipse(place(bound), fill=255)

    return drawn(draw, np.concatenate(bounds)) if bounds else np.zeros_like(grid().rows)


def boxes(shapes: Sequence[tuple[float, float, float, float]]) -> Array:
    """Mask of a union of boxes (left, top, right, bottom)."""
    return polygons([((a, b), (c, b), (c, d), (a, d)) for a, b, c, d in shapes])


def soft_disc(x: float, y: float, rx: float, ry: float) -> Array:
    """A bell, 1 at the centre, fading to nothing at the radii."""
    distance = ((grid().columns - x) / rx) ** 2 + ((grid().rows - y) / ry) ** 2
    return np.clip(1 - distance, 0, 1) ** 2


def stamp(
    pixels: Array, x: float, y: float, rx: float, ry: float, shade: Array, strength: float, soft: bool = False
) -> None:
    """Blend one soft disc (softer still: a bell) into the pixels, touching only the patch it covers."""
    size, pixel = grid().size, grid().index
    left, right = max(0, int(pixel(x - rx))), min(size, int(pixel(x + rx)) + 2)
    top, bottom = max(0, int(pixel(y - ry))), min(size, int(pixel(y + ry)) + 2)
    if left >= right or top >= bottom:
        return
    across, down = grid().columns[top:bottom, left:right], grid().rows[top:bottom, left:right]
    bell = np.clip(1 - ((across - x) / rx) ** 2 - ((down - y) / ry) ** 2, 0, 1)[..., None]
    alpha = strength * (bell * bell if soft else bell)
    patch = pixels[top:bottom, left:right]
    patch += (shade - patch) * alpha


def blend(pixels: Array, mask: Array, shade: Array) -> None:
    """Blend a colour, or colours (H, W, 3) or (H, 1, 3), in place through a mask; what it leaves empty is skipped."""
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return
    band = slice(rows[0], rows[-1] + 1)
    columns = np.flatnonzero(mask[band].any(axis=0))
    part = band, slice(columns[0], columns[-1] + 1)
    if shade.ndim == 3:
        shade = shade[part] if shade.shape[1] > 1 else shade[band]
    pixels[part] += (shade - pixels[part]) * mask[part][..., None]


# --- the canvas ------------------------------------------------------------------------------------------------------


@dataclass
class Canvas:
    """A picture under way: its pixels (H, W, 3), its light, and the motions to be played over it."""

    light: Light
    rng: np.random.Generator  # the place's layout, the same under every light
    chance: np.random.Generator  # what comes and goes with the light: clouds, stars, rain
    pixels: Array = field(default_factory=lambda: np.zeros((grid().size, grid().size, 3), np.float32))
    motions: list[Motion] = field(default_factory=list)
    layers: list[tuple[list[Motion], Array]] = field(default_factory=list)  # motions, and the picture they lie upon

    def behind(self) -> None:
        """What was set in motion so far lies behind whatever is painted from now on."""
        if self.motions:
            self.layers.append((self.motions, self.pixels.copy()))
            self.motions = []

    def moving(self) -> list[tuple[list[Motion], Array | None]]:
        """The motions, layer by layer, each with the mask (H, W, 1) of where it is seen; None: everywhere."""

        def unlike(picture: Array) -> Array:
            apart = np.abs(self.pixels - picture)
            return np.maximum(np.maximum(apart[..., :1], apart[..., 1:2]), apart[..., 2:])

        seen = [(motions, np.clip(1.4 - 14 * unlike(picture), 0, 1)) for motions, picture in self.layers]
        return [*seen, (self.motions, None)]

    def shade(self, code: str | Array, depth: float = 0.0, cover: float = 0.0) -> Array:
        """A daylight colour as it appears here: snowed over (0..1), lit, and faded at a depth 0 (near)..1 (horizon)."""
        light = self.light
        plain = colour(code) if isinstance(code, str) else code
        plain = mix(plain, colour("#f3f7fc"), cover * light.cover)
        lit = plain * light.tint * (1 - 0.12 * light.wet)
        fade = 1 - (1 - 0.8 * depth) * (1 - light.veil * (0.35 + 0.65 * depth))
        return mix(lit, light.haze, fade)

    def fill(
        self,
        mask: Array,
        code: str,
        depth: float = 0.0,
        cover: float = 0.0,
        *,
        to: str | None = None,
        span: tuple[float, float] = (0, SIZE),
        strength: float = 1.0,
    ) -> None:
        """Paint a mask with a colour, or a vertical gradient of two over `span` rows."""
        shade = self.shade(code, depth, cover)
        if to is not None:
            down = np.clip((grid().down - span[0]) / (span[1] - span[0]), 0, 1)
            shade = mix(shade, self.shade(to, depth * 0.6, cover), down)
        blend(self.pixels, mask * strength if strength != 1 else mask, shade)

    def ground(self, curve: Array, code: str, to: str, depth: float = 0.0, cover: float = 1.0) -> None:
        """Everything under a curve, from one colour at its crest to another at the bottom, with a lighter rim."""
        mask = below(curve)
        top = float(curve.min())
        self.fill(mask, code, depth, cover, to=to, span=(top, max(top + 40, SIZE)))
        rim = mask * np.clip(1 - (grid().rows - curve[None, :]) / 14, 0, 1)
        blend(self.pixels, rim * 0.22, mix(self.light.haze, self.light.glow, 0.5))

    def glow(self, x: float, y: float, radius: float, shade: Array | str, strength: float) -> None:
        """Light spilling out of a point."""
        shade = colour(shade) if isinstance(shade, str) else shade
        blend(self.pixels, strength * soft_disc(x, y, radius, radius), shade)

    def flicker(
        self, x: float, y: float, radius: float, shade: Array | str, strength: float, depth: float = 0.4
    ) -> None:
        """A glow that breathes once a loop."""
        shade = colour(shade) if isinstance(shade, str) else shade
        start = self.chance.uniform(0, FULL_TURN)
        self.motions.append(
            lambda pixels, turn: stamp(
                pixels, x, y, radius, radius, shade, strength * (1 - depth + depth * np.sin(turn + start)), radius > 6
            )
        )

    def reflect(self, shore: float, strength: float = 0.5, ripple: float = 2.0) -> None:
        """Mirror what stands above a shore line into the water below it, rippled and darkening downwards."""
        here, last = grid(), grid().size - 1
        deep = here.rows - shore
        wave = ripple * np.sin(here.rows * 0.55 + 0.9 * np.sin(here.columns * 0.05)) * np.clip(deep / 60, 0, 1)
        rows = np.clip(here.index(2 * shore - here.rows), 0, last).astype(int)
        columns = np.clip(here.index(here.columns + wave), 0, last).astype(int)
        mask = strength * edge(deep) * np.clip(1.15 - deep / 130, 0.25, 1)
        blend(self.pixels, mask, self.pixels[rows, columns] * np.array([0.90, 0.95, 1.0], np.float32))

    def glints(
        self, top: float, bottom: float, count: int = 22, strength: float = 0.4, within: Array | None = None
    ) -> None:
        """Soft horizontal shimmer on water, broader towards the viewer; perhaps only within a mask."""
        shade = mix(self.light.low, self.light.glow, 0.6)
        near = self.rng.random(count if within is None else 30 * count)
        near[::2] **= 2
        places = np.stack([self.rng.uniform(0, SIZE - 1, len(near)), top + near * (bottom - top)], 1)
        if within is not None:
            scale = grid().scale  # looked up a unit at a time, so that every resolution chooses the same places
            seen = within.reshape(SIZE, scale, SIZE, scale).mean((1, 3)) if scale > 1 else within
            column, row = places.astype(int).T
            inside = [seen[row, np.clip(column + d, 0, SIZE - 1)] > 0.5 for d in (-12, 0, 12)]
            chosen = np.flatnonzero(np.all(inside, axis=0))[:count]
            places, near, count = places[chosen], near[chosen], len(chosen)
        starts = self.rng.uniform(0, FULL_TURN, count)

        def play(pixels: Array, turn: float) -> None:
            for (x, y), start, size in zip(places, starts, near, strict=True):
                alpha = strength * (0.5 + 0.5 * np.sin(turn + start))
                stamp(pixels, x + 5 * np.cos(turn + start), y, 9 + 17 * size, 1.6 + 1.8 * size, shade, alpha)

        self.motions.append(play)

    def rising(
        self, x: float, y: float, height: float, count: int, radius: float, shade: Array, strength: float
    ) -> None:
        """Soft puffs that rise and spread: smoke, steam, spray. Each puff ends the loop where the next began it."""

        def play(pixels: Array, turn: float) -> None:
            for i in range(count):
                age = (i + turn / FULL_TURN) / count
                size = radius * (0.5 + 1.2 * age)
                alpha = strength * np.sin(np.pi * age)
                stamp(pixels, x + 4 * np.sin(4 * age + x) + 8 * age, y - height * age, size, size, shade, alpha)

        self.motions.append(play)

    def drift(self, y: float, height: float, strength: float, shade: Array | None = None) -> None:
        """Two broad veils of mist that sway against one another."""
        shade = self.light.haze if shade is None else shade
        starts = self.chance.uniform(0, FULL_TURN, 2)

        def play(pixels: Array, turn: float) -> None:
            for i, start in enumerate(starts):
                x = 70 + 120 * i + 22 * np.sin(turn + start)
                stamp(pixels, x, y + (i - 0.5) * height * 0.6, 150, 1.3 * height, shade, strength, True)

        self.motions.append(play)

    def sway(
        self, roots: Sequence[tuple[float, float, float]], code: str, lean: float = 4.0, width: float = 2.4
    ) -> None:
        """Blades (x, y, length) bending in the wind."""
        shade = self.shade(code, 0.0, 0.5)
        starts = [0.035 * x + self.rng.uniform(0, 1.2) for x, _, _ in roots]
        rests = self.rng.uniform(-6, 6, len(roots))

        def play(pixels: Array, turn: float) -> None:
            blades = []
            for (x, y, length), start, rest in zip(roots, starts, rests, strict=True):
                bend = rest + lean * np.sin(turn + start)
                middle = (x + 0.3 * bend, y - 0.55 * length)
                tip = (x + bend, y - length)
                blades.append(
                    (
                        (x - width, y),
                        (middle[0] - 0.8 * width, middle[1]),
                        tip,
                        (middle[0] + 0.8 * width, middle[1]),
                        (x + width, y),
                    )
                )
            blend(pixels, polygons(blades), shade)

        self.motions.append(play)
