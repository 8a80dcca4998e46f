"""Draws the four views of the ocean."""

import numpy as np

from studio.world.painting import FULL_TURN, SIZE, Array, Canvas, below, blend, boxes, ellipses, grid, mix, polygons
from studio.world.scenery import WHITE, sky, sunlit_path, water


def ocean(canvas: Canvas, view: int) -> None:
    horizon = (112.0, 92.0, 128.0, 104.0)[view]
    sun = (128, 196, 60, 186)[view]
    sky(canvas, horizon, sun)
    if view == 1:
        canvas.fill(ellipses([(52, 100, 46, 26)]), "#5f8a6a", 0.45, 0.9)
    elif view == 2:
        lighthouse(canvas, 214, 136)
    elif view == 3:
        outline = [(14, 112), (24, 62), (34, 50), (48, 56), (52, 84), (64, 112)]
        canvas.fill(polygons([outline, [(66, 112), (74, 84), (84, 92), (88, 112)]]), "#77718a", 0.3, 0.55)
    water(canvas, horizon, "#11507f", "#4f9cc8")
    sunlit_path(canvas, sun, horizon, 0.5)
    swell(canvas, horizon)


def lighthouse(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(ellipses([(x + 6, y, 44, 20)]), "#6a6272", 0.12, 0.85)
    body = polygons([[(x - 10, y - 14), (x - 6, y - 84), (x + 6, y - 84), (x + 10, y - 14)]])
    canvas.fill(body, "#fbf6ee", 0.1)
    canvas.fill(body * boxes([(x - 20, y - 70, x + 20, y - 56), (x - 20, y - 40, x + 20, y - 26)]), "#df4a45", 0.1)
    canvas.fill(boxes([(x - 5, y - 96, x + 5, y - 84)]), "#4d5a72", 0.1)
    canvas.fill(polygons([[(x - 8, y - 95), (x, y - 106), (x + 8, y - 95)]]), "#df4a45", 0.1, 0.6)
    canvas.glow(x, y - 90, 44, "#fff0b0", 0.45 * canvas.light.lamps)
    canvas.flicker(x, y - 90, 22, "#fff0b0", 0.25 + 0.75 * canvas.light.lamps, 0.25)


def swell(canvas: Canvas, horizon: float) -> None:
    """Rows of long waves, taller and darker towards the viewer, heaving in place once a loop."""
    light, rows = canvas.light, 6
    starts = canvas.rng.uniform(0, FULL_TURN, rows)

    def play(pixels: Array, turn: float) -> None:
        for i, start in enumerate(starts):
            near = (i + 0.6) / rows
            y = horizon + (SIZE - horizon) * near**1.35
            waves = 5.4 - 3.6 * near
            u = grid().along / SIZE * FULL_TURN * waves + start
            crest = y - (1.2 + 5 * near) * (np.sin(u + 0.9 * np.sin(turn + start)) + 0.3 * np.sin(1.7 * u - turn))
            under = below(crest.astype(np.float32))
            depth = grid().rows - crest[None, :]
            body = mix(canvas.shade("#2c83b0", 0.3 * (1 - near)), canvas.shade("#0d4472"), near)
            body = mix(body, mix(light.middle, light.top, near), 0.15 if light.time == "day" else 0.5)
            blend(pixels, under * np.clip(1 - depth / (18 + 50 * near), 0, 1) * 0.6, body)
            rim = under * np.clip(1 - depth / (4 + 6 * near), 0, 1)
            blend(pixels, rim * 0.34, mix(light.low, WHITE, 0.12 if light.dark else 0.35))

    canvas.motions.append(play)
