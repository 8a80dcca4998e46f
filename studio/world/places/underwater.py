"""Draws the four views under water."""

from collections.abc import Sequence

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    SIZE,
    Array,
    Canvas,
    below,
    blend,
    boxes,
    colour,
    ellipses,
    grid,
    mix,
    polygons,
    rolling,
)
from studio.world.scenery import WHITE, stones


def underwater(canvas: Canvas, view: int) -> None:
    light = canvas.light
    tones = {
        "day": ("#7fe0ee", "#1f9fc8", "#0d5f96"),
        "sunset": ("#ffb98a", "#b0608c", "#3f2f74"),
        "night": ("#1b4a86", "#0e2a60", "#07153a"),
        "dawn": ("#f2f0cf", "#93c6d4", "#5b86b8"),
    }[light.time]
    top, middle, deep = (colour(code) for code in tones)
    down = grid().down / SIZE
    canvas.pixels[:] = mix(mix(top, middle, np.clip(down * 2.2, 0, 1)), deep, np.clip(down * 1.4 - 0.3, 0, 1))
    sun_rays(canvas, top, (90, 170, 128, 60)[view])
    for i, depth in enumerate((0.75, 0.45)):
        curve = rolling((170, 150, 180, 164)[view] + 18 * i, 18 - 4 * i, 1.2 + 0.4 * i, view * 1.7 + 2 * i)
        blend(canvas.pixels, below(curve), mix(canvas.shade("#3f6f8c"), mix(middle, deep, 0.6), depth))
    floor = rolling(208, 7, 0.9, view)
    blend(
        canvas.pixels,
        below(floor),
        mix(
            mix(canvas.shade("#f0dcae"), middle, 0.3),
            mix(canvas.shade("#b49a78"), deep, 0.4),
            np.clip((grid().down - 204) / 54, 0, 1),
        ),
    )
    if view == 0:
        coral(canvas, ((30, 222, 42, "#f0707c"), (62, 228, 28, "#f5a65b"), (222, 226, 40, "#b878d8")))
    elif view == 1:
        stones(canvas, [(236, 240, 62, 74), (196, 242, 40, 40)], "#7f93a4", "#3f5264")
        coral(canvas, ((196, 190, 24, "#f5a65b"), (26, 230, 34, "#f0707c")))
    elif view == 2:
        columns_of_ruin(canvas)
    else:
        coral(
            canvas,
            ((20, 230, 46, "#ef8fb0"), (128, 236, 18, "#f5c65b"), (232, 228, 52, "#e8655c"), (200, 234, 26, "#8a7fe0")),
        )
    underwater_life(canvas, view, top)


def underwater_life(canvas: Canvas, view: int, surface: Array) -> None:
    """Weed, bubbles, and at night things that glow."""
    if canvas.light.dark:  # the deep glows
        for x, y in canvas.chance.uniform((14, 60), (242, 226), (12, 2)):
            canvas.flicker(x, y, 5.0, "#7ff5ff", 0.6, 0.45)
    for x, count in (((110, 3), (180, 2)), ((60, 4), (110, 2)), ((30, 4), (228, 4)), ((70, 3), (170, 3)))[view]:
        kelp(canvas, x, count)
    for x in (150, 206, 44)[: 2 + view % 2]:
        canvas.rising(x + 7 * view, 226, 200, 5, 3.6, mix(WHITE, surface, 0.3), 0.7)


def sun_rays(canvas: Canvas, shade: Array, x: float) -> None:
    angle = np.arctan2(grid().columns - x, grid().rows + 60)
    fade = np.clip(1 - grid().rows / 210, 0, 1) * (0.30 if canvas.light.dark else 0.5)

    def play(pixels: Array, turn: float) -> None:
        beams = np.clip(np.sin(11 * angle + 0.7 * np.sin(turn)) + 0.5 * np.sin(19 * angle + turn), 0, 1)
        blend(pixels, (beams * fade * 0.6).astype(np.float32), mix(shade, WHITE, 0.0 if canvas.light.dark else 0.3))

    canvas.motions.append(play)


def coral(canvas: Canvas, bushes: Sequence[tuple[float, float, float, str]]) -> None:
    for x, y, size, code in bushes:
        arms = []
        for reach, tall in ((-0.85, 0.62), (-0.45, 0.92), (0.0, 0.78), (0.42, 1.05), (0.82, 0.66)):
            for t in np.linspace(0, 1, 14):
                r = size * (0.12 - 0.035 * t + 0.03 * (t > 0.95))
                arms.append((x + size * reach * np.sin(0.5 * np.pi * t), y - size * tall * t**1.15, r, r))
        mask = ellipses(arms)
        canvas.fill(mask, code, 0.0)
        canvas.fill(mask * np.clip((grid().rows - y + 0.5 * size) / size, 0, 1), "#3a2a60", 0.0, strength=0.4)


def columns_of_ruin(canvas: Canvas) -> None:
    """A sunken temple: two columns standing, one fallen."""
    parts = [
        (20, 120, 40, 226),
        (15, 112, 45, 122),
        (15, 220, 45, 230),
        (214, 144, 234, 226),
        (209, 136, 239, 146),
        (209, 220, 239, 230),
    ]
    canvas.fill(boxes(parts), "#a8b8b4", 0.0)
    canvas.fill(boxes([(a + 2 * (c - a) / 3, b, c, d) for a, b, c, d in parts]), "#3f5f74", 0.0, strength=0.5)
    canvas.fill(polygons([[(52, 236), (96, 226), (99, 240), (55, 250)]]), "#93a6a6", 0.0)


def kelp(canvas: Canvas, x: float, count: int) -> None:
    """Ribbons of weed that wave from their roots."""
    shade, start = canvas.shade("#2f8a5c"), canvas.rng.uniform(0, FULL_TURN)
    lengths = canvas.rng.uniform(70, 120, count)

    def play(pixels: Array, turn: float) -> None:
        ribbons = []
        for i, length in enumerate(lengths):
            t = np.linspace(0, 1, 10)
            bend = x + 9 * i - 4 * count + 9 * t * np.sin(turn + start + 4.0 * t + i)
            wide, rise = 4.2 * np.sin(np.pi * (0.12 + 0.86 * t)), 240 - length * t
            ribbons.append([*zip(bend - wide, rise, strict=True), *zip((bend + wide)[::-1], rise[::-1], strict=True)])
        blend(pixels, polygons(ribbons), shade)

    canvas.motions.append(play)
