"""What the places of the drawn world share: sky and clouds, trees, houses, water, and the weather in the air."""

from collections.abc import Callable, Sequence

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    SIZE,
    Array,
    Canvas,
    Point,
    below,
    blend,
    boxes,
    colour,
    edge,
    ellipses,
    grid,
    level,
    mix,
    polygons,
    stamp,
)

WHITE = colour("#ffffff")


def sky(canvas: Canvas, horizon: float, sun: float = 190.0) -> None:
    """Sky down to the horizon, with the sun or moon at column `sun` and the weather's clouds."""
    light = canvas.light
    down = np.clip(grid().down / horizon, 0, 1.2)
    upper = mix(light.top, light.middle, np.clip(down / 0.6, 0, 1))
    canvas.pixels[:] = mix(upper, light.low, np.clip((down - 0.5) / 0.5, 0, 1) ** 1.2)
    height = {"day": 44.0, "night": 46.0, "sunset": horizon - 20, "dawn": horizon - 30}[light.time]
    if light.time == "dawn":
        sun = SIZE - sun
    if light.weather in ("clear", "snow", "fog"):
        sun_or_moon(canvas, sun, height, 1.0 if light.weather == "clear" else 0.35)
    if light.dark and light.weather == "clear":
        stars(canvas, horizon * 0.85, 46, 14)
    clouds(canvas, horizon)
    canvas.behind()


def sun_or_moon(canvas: Canvas, x: float, y: float, strength: float) -> None:
    light = canvas.light
    radius = {"day": 15, "night": 14, "sunset": 22, "dawn": 16}[light.time]
    canvas.glow(x, y, radius * 6.5, light.glow, 0.42 * strength)
    canvas.glow(x, y, radius * 2.6, light.glow, 0.40 * strength)
    blend(canvas.pixels, ellipses([(x, y, radius, radius)]) * strength, light.glow)
    if light.dark:
        spots = ellipses([(x - 4, y - 3, 3.6, 3.2), (x + 4, y + 4, 2.8, 2.6), (x + 3, y - 6, 2, 1.8)])
        blend(canvas.pixels, spots * 0.18 * strength, colour("#8d8fae"))


def stars(canvas: Canvas, bottom: float, still: int, twinkling: int) -> None:
    """A field of faint stars, and a few bright ones that twinkle as soft discs."""
    shade = colour("#fff8e0")
    for x, y, size in canvas.chance.uniform((0, 0, 0), (SIZE, bottom, 1), (still, 3)):
        stamp(canvas.pixels, x, y, 1.5 + size, 1.5 + size, shade, 0.35 + 0.4 * size)
    for x, y, size in canvas.chance.uniform((6, 6, 0), (SIZE - 6, bottom * 0.9, 1), (twinkling, 3)):
        canvas.flicker(x, y, 2.6 + 1.2 * size, shade, 0.95, 0.42)


def cloud(canvas: Canvas, x: float, y: float, size: float, strength: float) -> None:
    """One cumulus: a union of puffs on a flat base, light above, shaded below."""
    light = canvas.light
    puffs = [(-1.0, 0.0, 0.55), (-0.45, -0.32, 0.62), (0.2, -0.48, 0.74), (0.75, -0.12, 0.58), (1.2, 0.08, 0.42)]
    mask = ellipses([(x + a * size, y + b * size, c * size, c * size * 0.86) for a, b, c in puffs])
    mask = mask * np.clip((y + 0.34 * size - grid().rows) / (0.4 * size), 0, 1)
    bright = mix(mix(light.low, light.glow, 0.55), WHITE, 0.55) * (0.34 if light.dark else 1.0)
    shadow = mix(light.middle, light.low, 0.5)
    down = np.clip((grid().down - y + size) / (1.4 * size), 0, 1)
    blend(canvas.pixels, mask * strength, mix(bright, shadow, down))


def clouds(canvas: Canvas, horizon: float) -> None:
    light = canvas.light
    if light.clouds > 0:
        overcast(canvas, horizon)
        if light.weather == "cloudy":  # a pale patch where sun or moon would be
            canvas.glow(128, 0.45 * horizon, 110, mix(light.glow, light.low, 0.5), 0.34)
    elif light.weather == "clear":
        for _ in range(2 if light.dark else 3):
            x, y = canvas.chance.uniform(10, 246), canvas.chance.uniform(26, max(40, horizon * 0.62))
            cloud(canvas, x, y, canvas.chance.uniform(13, 22), 0.35 if light.dark else 0.85)


def overcast(canvas: Canvas, horizon: float) -> None:
    """A lid of heavy cloud in three ranks, the nearest highest; bright rounded tops over grey bases."""
    light = canvas.light
    for rank, (height, count, size) in enumerate(((0.80, 9, 17), (0.50, 7, 26), (0.16, 6, 36))):
        y = horizon * height
        puffs = []
        for x in np.linspace(-8, 264, count) + canvas.chance.uniform(-9, 9, count):
            wide, lift = size * canvas.chance.uniform(0.8, 1.3), canvas.chance.uniform(-5, 5)
            puffs += [
                (x, y + lift, wide, wide * 0.5),
                (x + 0.5 * wide, y + lift - 0.22 * wide, 0.6 * wide, 0.42 * wide),
            ]
        top = y - 0.75 * size
        above = edge(y - grid().rows) if rank == 2 else 0.0
        mask = np.maximum(ellipses(puffs), above) * np.clip((y + 0.62 * size - grid().rows) / (0.5 * size), 0, 1)
        crown = mix(mix(light.low, light.middle, 0.25), WHITE, 0.05 if light.dark else 0.30) * (1.0 - 0.04 * rank)
        base = mix(light.middle, light.top, 0.25 + 0.25 * rank) * 0.94
        down = np.clip((grid().down - top) / (1.25 * size), 0, 1) ** 0.8
        blend(canvas.pixels, (mask * 0.85).astype(np.float32), mix(crown, base, down))


def pine_shape(x: float, y: float, height: float) -> list[list[Point]]:
    """A fir standing at (x, y): three tiers and a trunk."""
    w = height * 0.27
    tiers = [
        [(x - w * s, y - height * low), (x + w * s, y - height * low), (x, y - height * high)]
        for s, low, high in ((1.0, 0.12, 0.58), (0.80, 0.36, 0.80), (0.56, 0.60, 1.0))
    ]
    return [
        *tiers,
        [(x - w * 0.16, y), (x + w * 0.16, y), (x + w * 0.16, y - height * 0.2), (x - w * 0.16, y - height * 0.2)],
    ]


def pines(
    canvas: Canvas, places: Sequence[tuple[float, float, float]], code: str = "#2f6b4a", depth: float = 0.1
) -> None:
    """Firs at (x, y, height), lit from one side and snowed on."""
    canvas.fill(polygons([part for place in places for part in pine_shape(*place)]), code, depth, 0.25)
    lit = []
    for x, y, height in places:
        for s, low, high in ((0.27, 0.14, 0.58), (0.21, 0.38, 0.80), (0.15, 0.62, 1.0)):
            lit.append(
                [(x - height * s, y - height * low), (x - height * s * 0.25, y - height * low), (x, y - height * high)]
            )
    canvas.fill(polygons(lit), "#4f9463", depth, 0.95, strength=0.75)


def trees(
    canvas: Canvas, places: Sequence[tuple[float, float, float]], code: str = "#4f9a4c", depth: float = 0.1
) -> None:
    """Round leafy trees at (x, y, height) with a lit side."""
    trunks = [(x - h * 0.05, y - h * 0.45, x + h * 0.05, y) for x, y, h in places]
    canvas.fill(boxes(trunks), "#7a5536", depth)
    crowns = [
        (x + a * h, y - b * h, c * h, c * h)
        for x, y, h in places
        for a, b, c in ((0, 0.68, 0.30), (-0.20, 0.54, 0.22), (0.20, 0.52, 0.23))
    ]
    canvas.fill(ellipses(crowns), code, depth, 0.35)
    shine = [
        (x + a * h, y - b * h, c * h, c * h * 0.9)
        for x, y, h in places
        for a, b, c in ((-0.07, 0.76, 0.19), (-0.24, 0.60, 0.12))
    ]
    canvas.fill(ellipses(shine), "#86c65c", depth, 0.95, strength=0.6)


def peak(
    canvas: Canvas, x: float, y: float, half: float, base: float, code: str, depth: float, cap: float = 0.42
) -> None:
    """A mountain with its top at (x, y): a sunlit and a shaded flank, and a snow cap down to `cap` of its height."""
    tall = base - y
    body = [
        (x - half, base),
        (x - 0.52 * half, y + 0.50 * tall),
        (x - 0.40 * half, y + 0.42 * tall),
        (x, y),
        (x + 0.34 * half, y + 0.30 * tall),
        (x + 0.46 * half, y + 0.46 * tall),
        (x + half, base),
    ]
    ridge = [
        (x, y),
        (x + 0.07 * half, y + 0.22 * tall),
        (x - 0.03 * half, y + 0.42 * tall),
        (x + 0.10 * half, y + 0.66 * tall),
        (x + 0.02 * half, base),
    ]
    mask, shaded = polygons([body]), polygons([[*ridge, (x + 1.2 * half, base), (x + 1.2 * half, y)]])
    canvas.fill(mask, code, depth, 0.55, to="#8fa8a0", span=(y, base + 20))
    canvas.fill(mask * shaded, "#3f4a6e", depth, 0.15, strength=0.45)
    teeth = [(x + half * (i / 4 - 1), y + tall * (cap + (0.13 if i % 2 else -0.03))) for i in range(9)]
    snow = mask * polygons([[(x - half, y - 5), *teeth, (x + half, y - 5)]])
    canvas.fill(snow * (1 - shaded), "#fbfdff", depth * 0.5)
    canvas.fill(snow * shaded, "#c3d3ee", depth * 0.5)


def house(canvas: Canvas, x: float, y: float, width: float, wall: str, roof: str, depth: float = 0.05) -> None:
    """A gabled cottage standing at (x, y), with windows that are lit when it is dark."""
    w, h = width, width * 0.62
    canvas.fill(boxes([(x - w / 2, y - h, x + w / 2, y)]), wall, depth, to="#cdb79c", span=(y - h, y + 10))
    canvas.fill(boxes([(x + w * 0.24, y - h * 1.75, x + w * 0.36, y - h * 1.1)]), "#8a5b4c", depth)
    top = [
        (x - w * 0.60, y - h * 0.94),
        (x - w * 0.34, y - h * 1.62),
        (x + w * 0.34, y - h * 1.62),
        (x + w * 0.60, y - h * 0.94),
    ]
    canvas.fill(polygons([top]), roof, depth, 0.97)
    canvas.fill(boxes([(x - w * 0.60, y - h * 0.98, x + w * 0.60, y - h * 0.90)]), "#5d3b3b", depth, 0.6)
    canvas.fill(boxes([(x - w * 0.08, y - h * 0.55, x + w * 0.10, y)]), "#6b4a3c", depth)
    windows(
        canvas,
        [
            (x - w * 0.38, y - h * 0.66, x - w * 0.18, y - h * 0.28),
            (x + w * 0.20, y - h * 0.66, x + w * 0.40, y - h * 0.28),
        ],
        depth,
    )


def windows(
    canvas: Canvas, panes: Sequence[tuple[float, float, float, float]], depth: float = 0.0, lit: float = 1.0
) -> None:
    """Panes of glass: the sky's colour by day, lamplight by night, with a glow around."""
    lamp = canvas.light.lamps * lit
    glass = mix(
        canvas.shade("#7fa6c4", depth), mix(colour("#ffd27a"), canvas.light.haze, 0.4 * canvas.light.veil), lamp
    )
    blend(canvas.pixels, boxes(panes), glass)
    if lamp > 0.3:
        for a, b, c, d in panes[:6]:
            canvas.glow((a + c) / 2, (b + d) / 2, 3.0 * (c - a), "#ffc35c", 0.28 * lamp)


def water(canvas: Canvas, shore: Array | float, near: str = "#2f7fae", far: str = "#8cc7df") -> Array:
    """A sheet of water under a shore line: the sky's colours far away, its own near. Returns its mask."""
    curve = shore if isinstance(shore, np.ndarray) else level(shore)
    mask, top = below(curve), float(curve.min())
    down = np.clip((grid().down - top) / (SIZE - top), 0, 1)
    light = canvas.light
    mirror = 0.35 if light.time == "day" else 0.6  # a low sun colours the water more than the water does
    distant = mix(canvas.shade(far, 0.35), mix(light.low, light.middle, 0.3), mirror + 0.15)
    surface = mix(distant, mix(canvas.shade(near), mix(light.top, light.middle, 0.35), mirror), down**0.8)
    blend(canvas.pixels, mask, surface)
    return mask


def water_in(canvas: Canvas, mask: Array, code: str, top: float) -> None:
    """A stream or pool in a mask, mirroring the sky, with shimmer."""
    near = mix(canvas.shade(code), mix(canvas.light.top, canvas.light.middle, 0.5), 0.35)
    down = np.clip((grid().down - top) / (SIZE - top), 0, 1)
    blend(canvas.pixels, mask, mix(mix(near, canvas.light.low, 0.6), near, down))
    canvas.glints(top + 8, 253, 9, 0.5, mask)


def stones(canvas: Canvas, places: Sequence[tuple[float, float, float, float]], code: str, dark: str) -> None:
    """Boulders (x, foot, half width, height), flat at the foot, lit from the upper left."""
    shapes = [
        [
            (x + w * a, y - h * b)
            for a, b in ((-1, 0), (-0.92, 0.42), (-0.55, 0.86), (-0.05, 1), (0.5, 0.84), (0.9, 0.4), (1, 0))
        ]
        for x, y, w, h in places
    ]
    faces = [
        [
            (x + w * a, y - h * b)
            for a, b in ((-0.92, 0.42), (-0.55, 0.86), (-0.05, 1), (0.28, 0.88), (0.02, 0.56), (-0.5, 0.42))
        ]
        for x, y, w, h in places
    ]
    canvas.fill(ellipses([(x + 0.1 * w, y, 1.12 * w, 0.16 * h) for x, y, w, h in places]), dark, 0.0, 0.6, strength=0.4)
    top, foot = min(y - h for _, y, _, h in places), max(y for _, y, _, _ in places)
    canvas.fill(polygons(shapes), code, 0.02, 0.35, to=dark, span=(top, foot))
    canvas.fill(polygons(faces), "#ffffff", 0.02, 0.9, strength=0.22 + 0.6 * canvas.light.cover)


def sunlit_path(canvas: Canvas, x: float, top: float, strength: float = 0.4) -> None:
    """The light of a low sun or the moon lying on water."""
    if canvas.light.weather != "clear" or canvas.light.time == "day":
        return
    x = SIZE - x if canvas.light.time == "dawn" else x
    deep = grid().rows - top
    width = 9 + 0.28 * np.clip(deep, 0, SIZE)
    ripple = 0.72 + 0.28 * np.sin(grid().rows * 0.75 - 0.004 * deep**2)
    mask = strength * np.clip(1 - np.abs(grid().columns - x) / width, 0, 1) * np.clip(deep / 2, 0, 1) * ripple
    blend(canvas.pixels, mask.astype(np.float32), canvas.light.glow)


def spread(canvas: Canvas, count: int, left: float, right: float) -> Array:
    """`count` columns evenly spread with some play."""
    step = (right - left) / count
    return left + step * (np.arange(count) + canvas.rng.uniform(0.15, 0.85, count))


def grass(canvas: Canvas, count: int = 46, code: str = "#3f8f3a", top: float = 226.0) -> None:
    roots = [(x, canvas.rng.uniform(top + 14, 262), canvas.rng.uniform(16, 28)) for x in spread(canvas, count, -4, 260)]
    canvas.sway(roots, code)


def flowers(canvas: Canvas, count: int, top: float, bottom: float, codes: Sequence[str]) -> None:
    """Soft dots of colour, larger towards the viewer; snow hides most of them."""
    near = np.sort(canvas.rng.random(count))
    places = [(canvas.rng.uniform(0, SIZE), top + n * (bottom - top), 1.6 + 2.4 * n) for n in near]
    for i, code in enumerate(codes):
        mask = ellipses([(x, y, r, r * 0.85) for x, y, r in places[i :: len(codes)]])
        canvas.fill(mask, code, 0.05, 0.9, strength=0.95)


# --- weather in the air ----------------------------------------------------------------------------------------------


def falling(
    columns: int, each: int, drift: float, seed: Array
) -> Callable[[float, int], list[tuple[float, float, int]]]:
    """Places of things that fall along `columns` winding lines, `each` of them evenly spaced down every line.

    Within a loop each moves to where the next one began, so the loop closes though nothing runs the whole height.
    """
    length = SIZE + 32.0

    def places(turn: float, steps: int) -> list[tuple[float, float, int]]:
        found = []
        for c in range(columns):
            for k in range(each):
                travelled = (k + seed[c] + steps * turn / FULL_TURN) / each % 1.0
                y = travelled * length - 16
                x = (
                    (c + seed[c]) * SIZE / columns
                    + drift * (y - SIZE / 2)
                    + 15 * np.sin(FULL_TURN * travelled + 7 * seed[c]) * (drift == 0)
                )
                found.append((x % SIZE if drift else x, y, c))
        return found

    return places


def snowfall(canvas: Canvas) -> None:
    flakes = falling(7, 4, 0.0, canvas.chance.random(7))
    shade = mix(WHITE, canvas.light.low, 0.25 if canvas.light.dark else 0.0)

    def play(pixels: Array, turn: float) -> None:
        for x, y, c in flakes(turn, 1):
            size = 3.4 + 0.5 * c
            stamp(pixels, x, y, size, size, shade, 0.95)

    canvas.motions.append(play)


def rainfall(canvas: Canvas) -> None:
    """Soft slanted streaks, and rings where the drops meet the ground."""
    drops = falling(9, 3, -0.22, canvas.chance.random(9))
    shade = mix(canvas.light.low, WHITE, 0.25 if canvas.light.dark else 0.6)
    rings = canvas.chance.uniform((6, 204), (250, 250), (9, 2))
    starts = canvas.chance.random(9)

    def play(pixels: Array, turn: float) -> None:
        for x, y, c in drops(turn, 1):
            for step in range(5):
                stamp(pixels, x - 0.22 * 4.5 * step, y + 4.5 * step, 1.9, 4.6, shade, 0.34 + 0.02 * c)
        for (x, y), start in zip(rings, starts, strict=True):
            age = (start + turn / FULL_TURN) % 1.0
            stamp(pixels, x, y, 3 + 10 * age, 1.6 + 2.6 * age, shade, 0.55 * (1 - age) * min(1.0, 6 * age))

    canvas.motions.append(play)


def puddles(canvas: Canvas) -> None:
    """Wet sheen on the ground."""
    shapes = [
        (*canvas.chance.uniform((10, 212), (246, 250)), *canvas.chance.uniform((20, 3), (40, 6))) for _ in range(4)
    ]
    blend(canvas.pixels, ellipses(shapes) * 0.38, mix(canvas.light.low, canvas.light.middle, 0.4))


def fog_bank(canvas: Canvas) -> None:
    """A veil thicker towards the horizon, with two slow banks in it."""
    thickness = 0.20 + 0.42 * np.exp(-(((grid().rows - 150) / 62) ** 2))
    blend(canvas.pixels, thickness.astype(np.float32), canvas.light.haze)
    canvas.drift(150, 34, 0.55)
    canvas.drift(212, 22, 0.34)


def weather_over(canvas: Canvas) -> None:
    weather = canvas.light.weather
    if weather == "rain":
        puddles(canvas)
        rainfall(canvas)
    elif weather == "snow":
        snowfall(canvas)
    elif weather == "fog":
        fog_bank(canvas)
