"""Draws the four views of the waterfall."""

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    Array,
    Canvas,
    Point,
    blend,
    colour,
    edge,
    ellipses,
    grid,
    mix,
    polygons,
    rolling,
    soft_disc,
)
from studio.world.scenery import WHITE, pines, sky, stones, trees, water

Fall = tuple[float, float, float, float]  # its middle, its top, half its width there, and at its foot


def waterfall(canvas: Canvas, view: int) -> None:
    sky(canvas, 120, (214, 60, 200, 128)[view])
    canvas.ground(rolling(92, 14, 1.4, view * 1.7), "#8fb5a8", "#8cbc94", 0.6)
    falls: tuple[Fall, ...] = (
        ((122, 52, 22, 30),),
        ((176, 40, 16, 22),),
        ((70, 60, 26, 32),),
        ((84, 66, 15, 20), (172, 52, 19, 26)),
    )[view]
    rocks(canvas, view)
    foot = 186.0
    for fall in falls:
        tumble(canvas, fall, foot)
    pool(canvas, foot, falls)
    banks(canvas, view)
    if view in (0, 2) and canvas.light.weather == "clear" and canvas.light.time in ("day", "dawn"):
        rainbow(canvas, falls[0][0] + 44, foot + 14)
    for x, _, _, half in falls:
        for side in (-0.7, 0.1, 0.8):
            canvas.rising(
                x + side * half, foot + 4, 34, 3, 15, mix(canvas.shade("#ffffff"), canvas.light.low, 0.3), 0.5
            )


def rocks(canvas: Canvas, view: int) -> None:
    """The cliff, in ledges, with grass on its top."""
    t = np.linspace(-4, 260, 23)
    top = (58, 46, 64, 62)[view] + 9 * np.sin(0.03 * t + 1.9 * view) + canvas.rng.uniform(-3, 3, len(t))
    if view == 1:
        top = top + 40 * np.clip((130 - t) / 80, 0, 1)
    elif view == 2:
        top = top + 46 * np.clip((t - 130) / 80, 0, 1)
    cliff = polygons([[*zip(t, top, strict=True), (260, 200), (-4, 200)]])
    canvas.fill(cliff, "#8a8f86", 0.1, 0.15, to="#565f60", span=(40, 190))
    lit, dim = [], []
    for x in np.arange(-6, 262, 17.0):
        y0 = float(np.interp(x, t, top)) + 8
        for y in np.arange(y0, 184, 27):
            a, b = x + canvas.rng.uniform(-5, 5), y + canvas.rng.uniform(-6, 6)
            w, h = canvas.rng.uniform(8, 14), canvas.rng.uniform(12, 20)
            lit.append(
                [
                    (a - w, b + 0.3 * h),
                    (a - 0.2 * w, b),
                    (a + 0.5 * w, b + 0.2 * h),
                    (a + 0.1 * w, b + 0.7 * h),
                    (a - 0.8 * w, b + h),
                ]
            )
            dim.append(
                [(a + 0.5 * w, b + 0.2 * h), (a + w, b + 0.5 * h), (a + 0.8 * w, b + 1.1 * h), (a - 0.1 * w, b + h)]
            )
    canvas.fill(cliff * polygons(lit), "#b0b4a4", 0.1, 0.6, strength=0.34)
    canvas.fill(cliff * polygons(dim), "#3c464c", 0.1, 0.1, strength=0.24)
    moss = [
        (a, float(np.interp(a, t, top)) + 26 + 60 * canvas.rng.random(), 9, 3.4) for a in canvas.rng.uniform(0, 256, 16)
    ]
    canvas.fill(cliff * ellipses(moss), "#6f9a4c", 0.08, 0.7, strength=0.8)
    turf = [(a, float(np.interp(a, t, top)), 13, 6.5) for a in np.arange(-4.0, 262, 11)]
    canvas.fill(ellipses(turf), "#5fa04c", 0.1, 0.95)
    canvas.fill(ellipses([(a - 2, b - 2, 8, 3) for a, b, *_ in turf]), "#8fcf62", 0.1, 0.95, strength=0.6)
    stand = [
        (a, float(np.interp(a, t, top)) + 2, h)
        for a, h in (
            ((14, 46), (40, 34), (214, 40), (244, 52)),
            ((26, 30), (226, 48), (250, 40)),
            ((12, 44), (226, 40), (204, 30)),
            ((16, 50), (128, 40), (240, 46)),
        )[view]
    ]
    pines(canvas, stand, "#3a7a56", 0.12) if view % 2 == 0 else trees(canvas, stand, "#4f9a4c", 0.12)


def tumble(canvas: Canvas, fall: Fall, foot: float) -> None:
    """White water falling, its strands sliding down."""
    x, top, narrow, wide = fall
    t = np.linspace(0, 1, 10)
    half = narrow + (wide - narrow) * t**0.8
    y = top + (foot - top) * t
    sheet = polygons([[*zip(x - half, y, strict=True), *zip((x + half)[::-1], y[::-1], strict=True)]])
    sheet = np.maximum(sheet, ellipses([(x, top, narrow, 5)]))
    canvas.fill(sheet, "#d8f0f8", 0.06, to="#9fd0e4", span=(top, foot + 20))
    across = (grid().columns - x) / np.clip(narrow + (wide - narrow) * (grid().rows - top) / (foot - top), 4, None)
    bright, deep = mix(canvas.shade("#ffffff"), canvas.light.low, 0.1), canvas.shade("#5fa8c8", 0.05)
    strands = 7.0 * across + 1.3 * np.sin(3.1 * across + 0.4)
    rows = FULL_TURN * grid().rows / 64

    def play(pixels: Array, turn: float) -> None:
        light = (
            np.sin(2 * strands)
            + 0.8 * np.sin(3.3 * strands + 2 * rows - 2 * turn)
            + 0.5 * np.sin(5 * across - rows + turn)
        )
        blend(pixels, (sheet * np.clip(-0.36 * light - 0.1, 0, 0.6)).astype(np.float32), deep)
        blend(pixels, (sheet * np.clip(0.5 * light, 0, 0.9)).astype(np.float32), bright)

    canvas.motions.append(play)


def pool(canvas: Canvas, foot: float, falls: tuple[Fall, ...]) -> None:
    water(canvas, foot, "#1f8f9a", "#7fd0cc")
    canvas.fill(ellipses([(x, foot + 5, 1.5 * half, 7) for x, _, _, half in falls]), "#f4fcff", 0.04, strength=0.8)
    white = mix(canvas.shade("#ffffff"), canvas.light.low, 0.2)

    def play(pixels: Array, turn: float) -> None:
        for x, _, _, half in falls:
            for i in range(3):
                age = (i + turn / FULL_TURN) / 3
                rx, ry = half * (1.2 + 1.9 * age), 6 + 22 * age
                ring = np.clip(ellipses([(x, foot + 4, rx, ry)]) - ellipses([(x, foot + 4, rx - 5, ry - 2.2)]), 0, 1)
                blend(
                    pixels,
                    (ring * edge(grid().rows - foot) * 0.5 * np.sin(np.pi * (0.15 + 0.85 * age))).astype(np.float32),
                    white,
                )

    canvas.motions.append(play)
    canvas.glints(foot + 14, 250, 14, 0.4)


def banks(canvas: Canvas, view: int) -> None:
    left, right = ((54, 60), (70, 40), (36, 74), (46, 46))[view]
    shores: list[list[Point]] = [
        [(-4, 190), (left * 0.6, 200), (left, 222), (left * 0.7, 260), (-4, 260)],
        [(260, 188), (256 - right * 0.6, 202), (256 - right, 226), (256 - right * 0.6, 260), (260, 260)],
    ]
    canvas.fill(polygons(shores), "#6fb04c", 0.0, 0.95, to="#3f7f3c", span=(188, 258))
    stones(
        canvas,
        [
            (left - 6, 226, 17, 14),
            (left + 12, 238, 10, 8),
            (256 - right + 4, 230, 19, 16),
            (256 - right - 16, 242, 10, 7),
        ],
        "#9aa09a",
        "#525c60",
    )
    ferns = [(x + d, 256, 34 + 8 * np.sin(d)) for x in (left * 0.4, 256 - right * 0.4) for d in range(-20, 22, 5)]
    canvas.sway(ferns, "#3f9048", 4.0, 2.8)


def rainbow(canvas: Canvas, x: float, y: float) -> None:
    for i, code in enumerate(("#ff5a5a", "#ffb03c", "#fff06a", "#6adc7a", "#5aa8ff", "#b07aff")):
        r = 74 - 3.2 * i
        arc = np.clip(ellipses([(x, y, r, r)]) - ellipses([(x, y, r - 3.6, r - 3.6)]), 0, 1) * edge(y - 8 - grid().rows)
        blend(
            canvas.pixels,
            (arc * 0.3 * soft_disc(x, y - 60, 120, 90)).astype(np.float32),
            mix(colour(code), WHITE, 0.15),
        )
