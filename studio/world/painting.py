"""Paint and light: the small toolbox the drawn world's scenes are painted with.

Everything is drawn on a `Canvas` of 256 x 256 float pixels in 0..1. Colours are given as daylight colours ("#rrggbb");
the canvas lights them (time of day, weather), fades them with distance (atmospheric perspective) and covers ground
with snow. Shapes are anti-aliased: curves analytically, polygons and ellipses by supersampling.
What moves is kept as functions of the turn (0..2 pi over the loop), so the still part is painted once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE = 256
OVERSAMPLING = 2
Array = NDArray[np.floating]
Point = tuple[float, float]
Motion = Callable[[Array, float], None]

ROWS, COLUMNS = (axis.astype(np.float32) for axis in np.mgrid[0:SIZE, 0:SIZE])
ALONG = np.arange(SIZE, dtype=np.float32)
FULL_TURN = 2 * np.pi


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


def below(curve: Array) -> Array:
    """Mask (256, 256) of what lies under a curve y(x) of shape (256,)."""
    return np.clip(ROWS - curve[None, :] + 0.5, 0, 1)


def rolling(base: float, height: float, waves: float, start: float = 0.0) -> Array:
    """A soft ridge line: three sines around `base`, about `waves` hills across the picture."""
    u = ALONG / SIZE * FULL_TURN * waves
    curve = np.sin(u + start) + 0.45 * np.sin(1.9 * u + 2.1 * start + 1) + 0.2 * np.sin(3.7 * u + 3.3 * start)
    return (base - height * curve / 1.4).astype(np.float32)


def through(*points: Point) -> Array:
    """A curve y(x) through points, smoothly rounded."""
    x, y = zip(*points, strict=True)
    reach = 9
    sharp = np.interp(np.arange(-reach, SIZE + reach), x, y)
    window = np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(sharp, window / window.sum(), "valid").astype(np.float32)


def ribbon(*points: tuple[float, float, float]) -> Array:
    """Mask of a winding band through (x, y, half width), downwards: a path, a stream."""
    x, y, half = zip(*points, strict=True)
    window = np.hanning(23)[1:-1]
    rows = np.arange(-10, SIZE + 10)
    middle, wide = (np.convolve(np.interp(rows, y, v), window / window.sum(), "valid")[:, None] for v in (x, half))
    band = np.clip(wide - np.abs(COLUMNS - middle) + 0.5, 0, 1)
    return (band * np.clip(ROWS - y[0] + 0.5, 0, 1)).astype(np.float32)


def drawn(draw: Callable[[ImageDraw.ImageDraw, int], None]) -> Array:
    """Mask of whatever `draw(pen, scale)` fills, supersampled."""
    sheet = Image.new("L", (SIZE * OVERSAMPLING, SIZE * OVERSAMPLING))
    draw(ImageDraw.Draw(sheet), OVERSAMPLING)
    return np.asarray(sheet.reduce(OVERSAMPLING), np.float32) / 255


def polygons(shapes: Sequence[Sequence[Point]]) -> Array:
    """Mask of a union of polygons, points in pixels."""

    def draw(pen: ImageDraw.ImageDraw, scale: int) -> None:
        for shape in shapes:
            pen.polygon([(x * scale, y * scale) for x, y in shape], fill=255)

    return drawn(draw)


def ellipses(shapes: Sequence[tuple[float, float, float, float]]) -> Array:
    """Mask of a union of ellipses (x, y, horizontal radius, vertical radius)."""

    def draw(pen: ImageDraw.ImageDraw, scale: int) -> None:
        for x, y, rx, ry in shapes:
            pen.ellipse([(x - rx) * scale, (y - ry) * scale, (x + rx) * scale, (y + ry) * scale], fill=255)

    return drawn(draw)


def boxes(shapes: Sequence[tuple[float, float, float, float]]) -> Array:
    """Mask of a union of boxes (left, top, right, bottom)."""
    return polygons([((a, b), (c, b), (c, d), (a, d)) for a, b, c, d in shapes])


def soft_disc(x: float, y: float, rx: float, ry: float) -> Array:
    """A bell, 1 at the centre, fading to nothing at the radii."""
    distance = ((COLUMNS - x) / rx) ** 2 + ((ROWS - y) / ry) ** 2
    return np.clip(1 - distance, 0, 1) ** 2


def stamp(
    pixels: Array, x: float, y: float, rx: float, ry: float, shade: Array, strength: float, soft: bool = False
) -> None:
    """Blend one soft disc (softer still: a bell) into the pixels, touching only the patch it covers."""
    left, right = max(0, int(x - rx)), min(SIZE, int(x + rx) + 2)
    top, bottom = max(0, int(y - ry)), min(SIZE, int(y + ry) + 2)
    if left >= right or top >= bottom:
        return
    across, down = COLUMNS[top:bottom, left:right], ROWS[top:bottom, left:right]
    bell = np.clip(1 - ((across - x) / rx) ** 2 - ((down - y) / ry) ** 2, 0, 1)[..., None]
    alpha = strength * (bell * bell if soft else bell)
    patch = pixels[top:bottom, left:right]
    patch += (shade - patch) * alpha


def blend(pixels: Array, mask: Array, shade: Array) -> None:
    """Blend a colour, or a picture of colours, in place through a mask; rows the mask leaves empty are skipped."""
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return
    band = slice(rows[0], rows[-1] + 1)
    if shade.ndim == 3:
        shade = shade[band]
    pixels[band] += (shade - pixels[band]) * mask[band, :, None]


# --- the canvas ------------------------------------------------------------------------------------------------------


@dataclass
class Canvas:
    """A picture under way: its pixels (256, 256, 3), its light, and the motions to be played over it."""

    light: Light
    rng: np.random.Generator  # the place's layout, the same under every light
    chance: np.random.Generator  # what comes and goes with the light: clouds, stars, rain
    pixels: Array = field(default_factory=lambda: np.zeros((SIZE, SIZE, 3), np.float32))
    motions: list[Motion] = field(default_factory=list)
    layers: list[tuple[list[Motion], Array]] = field(default_factory=list)  # motions, and the picture they lie upon

    def behind(self) -> None:
        """What was set in motion so far lies behind whatever is painted from now on."""
        if self.motions:
            self.layers.append((self.motions, self.pixels.copy()))
            self.motions = []

    def moving(self) -> list[tuple[list[Motion], Array | None]]:
        """The motions, layer by layer, each with the mask (256, 256, 1) of where it is seen; None: everywhere."""
        seen = [
            (motions, np.clip(1.4 - 14 * np.abs(self.pixels - picture).max(-1, keepdims=True), 0, 1))
            for motions, picture in self.layers
        ]
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
            down = np.clip((ROWS - span[0]) / (span[1] - span[0]), 0, 1)[..., None]
            shade = mix(shade, self.shade(to, depth * 0.6, cover), down)
        blend(self.pixels, mask * strength if strength != 1 else mask, shade)

    def ground(self, curve: Array, code: str, to: str, depth: float = 0.0, cover: float = 1.0) -> None:
        """Everything under a curve, from one colour at its crest to another at the bottom, with a lighter rim."""
        mask = below(curve)
        top = float(curve.min())
        self.fill(mask, code, depth, cover, to=to, span=(top, max(top + 40, SIZE)))
        rim = mask * np.clip(1 - (ROWS - curve[None, :]) / 14, 0, 1)
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
        wave = ripple * np.sin(ROWS * 0.55 + 0.9 * np.sin(COLUMNS * 0.05)) * np.clip((ROWS - shore) / 60, 0, 1)
        rows = np.clip(2 * shore - ROWS, 0, SIZE - 1).astype(int)
        columns = np.clip(COLUMNS + wave, 0, SIZE - 1).astype(int)
        mask = strength * np.clip(ROWS - shore, 0, 1) * np.clip(1.15 - (ROWS - shore) / 130, 0.25, 1)
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
            column, row = places.astype(int).T
            inside = [within[row, np.clip(column + d, 0, SIZE - 1)] > 0.5 for d in (-12, 0, 12)]
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
