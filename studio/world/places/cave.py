"""Draws the four views of the cave."""

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    Array,
    Canvas,
    blend,
    boxes,
    colour,
    ellipses,
    grid,
    mix,
    polygons,
    ribbon,
    rolling,
    soft_disc,
)
from studio.world.scenery import sky, trees

ROCK, DEEP = "#7a6c78", "#2e2636"


def cave(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (128, 96, 150, 180)[view])
    x, y, wide, tall = ((128, 136, 74, 66), (70, 130, 46, 56), (170, 108, 58, 54), (186, 140, 50, 58))[view]
    canvas.ground(rolling(142, 10, 1.4, view * 1.8), "#8cb59a", "#8cc07c", 0.5)
    trees(canvas, [(x - 0.5 * wide, 168, 32), (x + 0.45 * wide, 166, 26)], "#5d9c62", 0.25)
    canvas.behind()
    walls(canvas, x, y, wide, tall)
    floor(canvas, view, x)
    spikes(canvas, x, wide)
    if view == 1:
        crystals(canvas, ((196, 208, 46, "#7fe0f5"), (232, 222, 60, "#b98af0"), (150, 200, 26, "#7fe0f5")))
    elif view == 3:
        crystals(canvas, ((36, 212, 58, "#ff9ac8"), (76, 206, 34, "#ffcf7a"), (14, 230, 40, "#b98af0")))
    elif view == 0:
        crystals(canvas, ((24, 220, 30, "#7fe0f5"), (236, 224, 34, "#8af0b4")))
        torch(canvas, 226, 150)
        torch(canvas, 28, 146)
    beam(canvas, x, y, wide)


def walls(canvas: Canvas, x: float, y: float, wide: float, tall: float) -> None:
    """Rock all around a ragged mouth, in shells that darken inwards."""
    angles = np.linspace(0, FULL_TURN, 26)[:-1]
    bumps = canvas.rng.uniform(0.86, 1.12, (4, len(angles)))
    lit = mix(canvas.light.low, canvas.light.glow, 0.4)
    for i, (grow, shade) in enumerate(((1.0, "#a8949a"), (1.22, "#85747f"), (1.55, "#5f5262"), (2.05, "#43394a"))):
        around = bumps[i]
        mouth = [
            (x + grow * wide * b * np.cos(a), y + (0.5 + 0.5 * grow) * tall * b * np.sin(a))
            for a, b in zip(angles, around, strict=True)
        ]
        mask = 1 - polygons([mouth])
        blend(canvas.pixels, mask, mix(canvas.shade(shade), lit, 0.22 / (1 + i)))
    shade = 0.5 * np.clip(np.hypot((grid().columns - x) / 190, (grid().rows - y) / 150) - 0.3, 0, 1)
    blend(canvas.pixels, shade.astype(np.float32), canvas.shade(DEEP) * 0.55)


def floor(canvas: Canvas, view: int, x: float) -> None:
    crest = rolling(190, 4, 1.3, view * 1.3)
    canvas.ground(crest, "#85767c", "#463a48", 0.0, 0.0)
    if view == 2:
        pool = ellipses([(128, 232, 134, 30)])
        canvas.fill(ellipses([(128, 230, 140, 33)]), "#5f525e", 0.0)
        blend(canvas.pixels, pool, mix(canvas.shade("#2f8fa4"), colour("#3fd0d8"), 0.3))
        canvas.glints(212, 252, 12, 0.6, pool)
        for a, b in ((60, 226), (150, 238), (206, 224)):
            canvas.flicker(a, b, 26, "#7ff5f0", 0.32, 0.4)
    else:
        way = ribbon((x, 190, 16), (x * 0.7 + 38, 206, 26), (128, 230, 44), (128, 258, 70))
        canvas.fill(way, "#a8968c", 0.0, strength=0.55)
    lit = 0.5 * soft_disc(x, 200, 110, 30)
    blend(canvas.pixels, lit, mix(canvas.light.low, canvas.light.glow, 0.4))


def spikes(canvas: Canvas, x: float, wide: float) -> None:
    """Stalactites from above, stalagmites at the sides."""
    down, lit = [], []
    for a in np.cumsum(canvas.rng.uniform(9, 24, 17)) - 14:
        length = float(canvas.rng.uniform(12, 54)) * (0.55 if abs(a - x) < wide else 1.25)
        half = 4 + 0.1 * length
        down.append(
            [
                (a - half, -4),
                (a + half, -4),
                (a + 0.22 * half, 0.6 * length),
                (a, length),
                (a - 0.3 * half, 0.55 * length),
            ]
        )
        lit.append([(a - half, -4), (a - 0.3 * half, -4), (a, length), (a - 0.3 * half, 0.55 * length)])
    up = [
        [(a - 0.3 * h, y), (a - 0.1 * h, y - 0.6 * h), (a, y - h), (a + 0.12 * h, y - 0.55 * h), (a + 0.32 * h, y)]
        for a, y, h in ((10, 206, 40), (34, 200, 24), (228, 202, 28), (250, 210, 48))
        if abs(a - x) > wide
    ]
    canvas.fill(polygons([*down, *up]), ROCK, 0.0, to=DEEP, span=(0, 150))
    canvas.fill(polygons(lit), "#b8a6ac", 0.0, strength=0.45)
    if up:
        canvas.fill(polygons([shape[:3] for shape in up]), "#b8a6ac", 0.0, strength=0.4)


def crystals(canvas: Canvas, clusters: tuple[tuple[float, float, float, str], ...]) -> None:
    """Clusters that shine by themselves."""
    for x, y, size, code in clusters:
        canvas.glow(x, y - 0.4 * size, 1.7 * size, code, 0.34)
        for lean, tall, wide in ((-0.6, 0.7, 0.16), (0.5, 0.62, 0.15), (-0.22, 0.9, 0.17), (0.14, 1.0, 0.2)):
            tip = (x + lean * size, y - tall * size)
            foot = (x + 0.4 * lean * size, y)
            w = wide * size
            body = [
                (foot[0] - w, foot[1]),
                (tip[0] - w, tip[1] + 1.3 * w),
                tip,
                (tip[0] + w, tip[1] + 1.3 * w),
                (foot[0] + w, foot[1]),
            ]
            blend(canvas.pixels, polygons([body]), colour(code) * 0.82)
            blend(
                canvas.pixels,
                polygons([[body[0], body[1], tip, (tip[0] - 0.2 * w, tip[1] + 1.6 * w), (foot[0] - 0.2 * w, foot[1])]]),
                mix(colour(code), colour("#ffffff"), 0.55),
            )
        canvas.flicker(x, y - 0.5 * size, size, code, 0.3, 0.6)


def torch(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(boxes([(x - 2, y, x + 2, y + 22)]), "#6b4a30", 0.0)
    canvas.glow(x, y - 4, 66, "#ff9a3f", 0.34)
    canvas.flicker(x, y - 4, 40, "#ffb04a", 0.35, 0.3)
    shade = colour("#ffd86a")

    def play(pixels: Array, turn: float) -> None:
        lean = 2.5 * np.sin(turn)
        blend(
            pixels,
            polygons([[(x - 5, y), (x - 4, y - 8), (x + lean, y - 19 - 2 * np.cos(turn)), (x + 4, y - 8), (x + 5, y)]]),
            shade,
        )

    canvas.motions.append(play)


def beam(canvas: Canvas, x: float, y: float, wide: float) -> None:
    """The day lying on the floor before the mouth, breathing."""
    strength = {"day": 0.5, "sunset": 0.6, "night": 0.2, "dawn": 0.45}[canvas.light.time]
    patch = strength * soft_disc(x + 8, y + 70, 1.7 * wide, 44)
    shade = mix(canvas.light.low, canvas.light.glow, 0.5)
    canvas.motions.append(lambda pixels, turn: blend(pixels, patch * (0.8 + 0.2 * np.sin(turn)), shade))
