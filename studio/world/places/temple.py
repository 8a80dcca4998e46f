"""Draws the four views of the temple garden."""

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    Array,
    Canvas,
    blend,
    boxes,
    colour,
    edge,
    ellipses,
    grid,
    mix,
    polygons,
    ribbon,
    rolling,
)
from studio.world.scenery import peak, sky, stones, trees, water, windows

RED, ROOF = "#c8402f", "#4a5668"


def temple(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (200, 70, 60, 128)[view])
    if view in (1, 3):
        peak(canvas, (178, 0, 0, 128)[view], 66, 120, 170, "#8f9cc0", 0.5, 0.36)
    canvas.ground(rolling(142, 9, 1.3, view * 1.7), "#93b3ae", "#9cc09a", 0.6)
    trees(canvas, [(x, 168, 30) for x in (10, 44, 206, 244)], "#5d9c74", 0.3)
    canvas.ground(rolling(166, 4, 1.0, view + 2.0), "#8fbf6a", "#7cae58", 0.12)
    if view == 0:
        pagoda(canvas, 88, 184, 1.0, 5)
    elif view == 1:
        torii(canvas, 128, 206, 1.12)
    elif view == 2:
        pagoda(canvas, 176, 182, 1.1, 2)
    else:
        pagoda(canvas, 42, 180, 0.72, 3)
    if view == 3:
        pond(canvas)
    else:
        gravel(canvas, view)
    blossom(canvas, (((226, 206, 116),), ((22, 208, 104), (240, 204, 92)), ((38, 208, 128),), ((232, 200, 108),))[view])
    for x, y in (((158, 206),), ((70, 212), (190, 212)), ((110, 204), (244, 204)), ((84, 196),))[view]:
        stone_lantern(canvas, x, y)
    petals(canvas)


def curved_roof(x: float, y: float, half: float, rise: float) -> list[tuple[float, float]]:
    """A roof whose eaves turn up, its eaves' middle at (x, y)."""
    t = np.linspace(-1, 1, 15)
    eaves = [(x + half * a, y - 0.42 * rise * a**4) for a in t]
    ridge = [(x + half * a, y - rise * (1 - 0.62 * abs(a)) - 0.30 * rise * a**4) for a in t[::-1]]
    return [*eaves, *ridge]


def pagoda(canvas: Canvas, x: float, y: float, size: float, storeys: int) -> None:
    canvas.fill(boxes([(x - 44 * size, y - 6 * size, x + 44 * size, y + 3)]), "#b8b0a4", 0.06, 0.8)
    foot = y - 6 * size
    for i in range(storeys):
        shrink = size * (1 - 0.13 * i) * (1.4 if storeys == 2 else 1.0)
        half, tall = 26 * shrink, 19 * shrink
        canvas.fill(
            boxes([(x - half, foot - tall, x + half, foot)]), "#f0e2c8", 0.07, to="#cdb48c", span=(foot - tall, foot)
        )
        canvas.fill(
            boxes(
                [
                    (x + a * half - 1.6 * size, foot - tall, x + a * half + 1.6 * size, foot)
                    for a in (-0.97, -0.36, 0.36, 0.97)
                ]
            ),
            RED,
            0.06,
        )
        canvas.fill(boxes([(x - half, foot - 3.2 * shrink, x + half, foot)]), RED, 0.06)
        windows(
            canvas,
            [
                (x + (a - 0.17) * half, foot - 0.78 * tall, x + (a + 0.17) * half, foot - 0.28 * tall)
                for a in (-0.66, 0, 0.66)
            ],
            0.05,
        )
        eaves = foot - tall
        canvas.fill(polygons([curved_roof(x, eaves + 4 * shrink, 1.78 * half, 17 * shrink)]), ROOF, 0.06, 0.85)
        canvas.fill(
            polygons(
                [
                    [(a, b - 1.2) for a, b in curved_roof(x, eaves + 4 * shrink, 1.78 * half, 17 * shrink)[:15]]
                    + [
                        (a, b + 1.4 * size)
                        for a, b in curved_roof(x, eaves + 4 * shrink, 1.78 * half, 17 * shrink)[14::-1]
                    ]
                ]
            ),
            "#d9a04a",
            0.05,
        )
        foot = eaves - 10 * shrink
    canvas.fill(boxes([(x - 1.3 * size, foot - 22 * size, x + 1.3 * size, foot)]), "#d9a04a", 0.05)
    canvas.fill(
        ellipses([(x, foot - a * size, (4.4 - 0.12 * a) * size, 1.4 * size) for a in (4, 8, 12, 16)]), "#d9a04a", 0.05
    )


def torii(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A red gate before the path."""
    legs = [
        [
            (x + s * 50 * size - 5 * size, y),
            (x + s * 45 * size - 4 * size, y - 88 * size),
            (x + s * 45 * size + 4 * size, y - 88 * size),
            (x + s * 50 * size + 5 * size, y),
        ]
        for s in (-1, 1)
    ]
    t = np.linspace(-1, 1, 13)
    lintel = [
        *[(x + 72 * size * a, y - 88 * size - 7 * size * a**2) for a in t],
        *[(x + 75 * size * a, y - 99 * size - 9 * size * a**2) for a in t[::-1]],
    ]
    canvas.fill(
        boxes(
            [
                (x - 58 * size, y - 74 * size, x + 58 * size, y - 65 * size),
                (x - 5 * size, y - 90 * size, x + 5 * size, y - 66 * size),
            ]
        ),
        RED,
        0.03,
        0.2,
    )
    canvas.fill(polygons(legs), RED, 0.02, 0.05, to="#9c2f2a", span=(y - 90 * size, y + 10))
    canvas.fill(polygons([lintel]), RED, 0.02, 0.3)
    cap = [
        *[(x + 75 * size * a, y - 99 * size - 9 * size * a**2) for a in t],
        *[(x + 77 * size * a, y - 105 * size - 10 * size * a**2) for a in t[::-1]],
    ]
    canvas.fill(polygons([cap]), "#34303c", 0.02, 0.9)
    canvas.fill(
        boxes([(x + s * 50 * size - 7 * size, y - 6, x + s * 50 * size + 7 * size, y + 2) for s in (-1, 1)]),
        "#34303c",
        0.02,
        0.4,
    )


def gravel(canvas: Canvas, view: int) -> None:
    """Raked gravel with islands of stone."""
    canvas.fill(edge(grid().rows - 196), "#e4dccb", 0.0, 0.9, to="#bfb39c", span=(196, 258))
    islands = (((60, 226, 30, 22),), ((30, 244, 24, 18),), ((214, 232, 30, 26), (190, 240, 15, 12)))[view]
    near = np.min(
        [np.hypot((grid().columns - x) / (1.5 * w), (grid().rows - y + 4) / (0.5 * w)) for x, y, w, _ in islands],
        axis=0,
    )
    rings = np.where(near < 2.1, np.sin(near * 15), np.sin((grid().rows - 196) * 1.1))
    canvas.fill((0.34 * np.clip(rings, 0, 1) * edge(grid().rows - 197)).astype(np.float32), "#9c9078", 0.0, 0.4)
    if view == 1:
        canvas.fill(ribbon((128, 196, 22), (128, 214, 32), (128, 258, 62)), "#b5aa9a", 0.0, 0.9)
        slabs = boxes([(40, y, 216, y + 1.6) for y in (206, 219, 237)])
        canvas.fill(ribbon((128, 196, 22), (128, 214, 32), (128, 258, 62)) * slabs, "#857b6e", 0.0, strength=0.7)
    canvas.fill(ellipses([(x, y, 1.5 * w, 0.26 * h) for x, y, w, h in islands]), "#6f9a4c", 0.0, 0.8)
    stones(canvas, list(islands), "#8f948c", "#4f565a")


def pond(canvas: Canvas) -> None:
    """A pond with lotus under a red bridge."""
    water(canvas, 190, "#2f7f84", "#8fc8c4")
    canvas.reflect(190, 0.5)
    canvas.glints(204, 250, 12, 0.35)
    canvas.behind()
    t = np.linspace(0, 1, 15)
    deck = [(70 + 128 * a, 206 - 34 * np.sin(np.pi * a)) for a in t]
    canvas.fill(polygons([[*deck, *[(a, b + 9) for a, b in deck[::-1]]]]), "#a8342a", 0.02, 0.3)
    canvas.fill(boxes([(a - 1.6, b - 19, a + 1.6, b + 4) for a, b in deck[::2]]), RED, 0.0, 0.3)
    for lift in (10, 18):
        canvas.fill(
            polygons([[*[(a, b - lift) for a, b in deck], *[(a, b - lift + 3) for a, b in deck[::-1]]]]), RED, 0.0, 0.7
        )
    canvas.fill(ellipses([(34, 232, 24, 6), (70, 246, 20, 5), (204, 240, 26, 7)]), "#4f9a68", 0.0, 0.7)
    canvas.fill(ellipses([(36, 227, 6, 5), (206, 234, 7, 5)]), "#ffb9d2", 0.0, 0.3)


def blossom(canvas: Canvas, places: tuple[tuple[float, float, float], ...]) -> None:
    """Cherry trees in flower at (x, foot, height)."""
    for x, y, h in places:
        bough = [
            [(x - 0.06 * h, y), (x - 0.03 * h, y - 0.5 * h), (x + 0.03 * h, y - 0.5 * h), (x + 0.07 * h, y)],
            [
                (x - 0.03 * h, y - 0.4 * h),
                (x - 0.34 * h, y - 0.66 * h),
                (x - 0.31 * h, y - 0.69 * h),
                (x + 0.03 * h, y - 0.48 * h),
            ],
            [
                (x, y - 0.42 * h),
                (x + 0.32 * h, y - 0.72 * h),
                (x + 0.35 * h, y - 0.69 * h),
                (x + 0.04 * h, y - 0.36 * h),
            ],
        ]
        canvas.fill(polygons(bough), "#5f4640", 0.0, 0.2)
        puffs = [
            (-0.34, 0.7, 0.2),
            (-0.12, 0.82, 0.24),
            (0.16, 0.84, 0.23),
            (0.36, 0.72, 0.2),
            (-0.24, 0.58, 0.15),
            (0.24, 0.6, 0.16),
            (0.02, 0.66, 0.2),
        ]
        canvas.fill(ellipses([(x + a * h, y - b * h, c * h, c * h * 0.86) for a, b, c in puffs]), "#f0a0b8", 0.0, 0.4)
        canvas.fill(
            ellipses([(x + (a - 0.04) * h, y - (b + 0.05) * h, 0.68 * c * h, 0.56 * c * h) for a, b, c in puffs]),
            "#ffd4de",
            0.0,
            0.8,
            strength=0.8,
        )
        dots = canvas.rng.normal((0, 0.72), (0.2, 0.1), (26, 2))
        canvas.fill(ellipses([(x + a * h, y - b * h, 2, 1.8) for a, b in dots]), "#fff0f4", 0.0, 0.6)
        canvas.fill(ellipses([(x, y, 0.4 * h, 4)]), "#f4b8c8", 0.0, 0.7, strength=0.5)


def stone_lantern(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(
        boxes([(x - 9, y - 4, x + 9, y), (x - 4, y - 20, x + 4, y - 4), (x - 9, y - 23, x + 9, y - 19)]),
        "#9aa098",
        0.0,
        0.6,
    )
    canvas.fill(boxes([(x - 7, y - 34, x + 7, y - 23)]), "#878d86", 0.0, 0.2)
    blend(
        canvas.pixels,
        boxes([(x - 3.6, y - 32, x + 3.6, y - 25)]),
        mix(canvas.shade("#4a4c4c"), colour("#ffd27a"), canvas.light.lamps),
    )
    canvas.fill(polygons([[(x - 14, y - 33), (x - 3, y - 43), (x + 3, y - 43), (x + 14, y - 33)]]), "#7d847c", 0.0, 0.9)
    canvas.fill(ellipses([(x, y - 44, 3, 3.6)]), "#7d847c", 0.0, 0.6)
    if canvas.light.lamps > 0.3:
        canvas.flicker(x, y - 28, 24, "#ffc35c", 0.5 * canvas.light.lamps, 0.2)


def petals(canvas: Canvas) -> None:
    """A few petals falling slantwise; each ends the loop where the next began it."""
    shade = canvas.shade("#ffc4d4")
    starts = canvas.rng.random(5)

    def play(pixels: Array, turn: float) -> None:
        flakes = []
        for c, start in enumerate(starts):
            for k in range(2):
                fallen = (k + start + turn / FULL_TURN) / 2 % 1.0
                flakes.append(
                    ((c + start) * 52 + 46 * fallen + 8 * np.sin(FULL_TURN * fallen), 270 * fallen - 8, 2.8, 2.0)
                )
        blend(pixels, ellipses(flakes) * 0.9, shade)

    canvas.motions.append(play)
