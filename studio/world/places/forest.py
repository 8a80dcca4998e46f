"""Draws the four views of the forest."""

import numpy as np

from studio.world.painting import Array, Canvas, blend, grid, polygons, ribbon, rolling
from studio.world.scenery import grass, pines, sky, spread, trees


def forest(canvas: Canvas, view: int) -> None:
    sky(canvas, 170, (128, 60, 200, 128)[view])
    layers = ((158, "#8fb8a0", 0.72, 15, 62), (172, "#5f9a76", 0.45, 11, 92), (188, "#3f7d58", 0.2, 8, 124))
    clearing = (128, 90, 168, 128)[view]
    for i, (base, code, depth, count, tall) in enumerate(layers):
        canvas.ground(rolling(base, 4, 1.2, view + i), code, "#5c9458", depth)
        row = [
            (x, base + 8 + canvas.rng.uniform(-2, 5), tall * canvas.rng.uniform(0.8, 1.15))
            for x in spread(canvas, count, -8, 264)
        ]
        row = [place for place in row if i == 0 or abs(place[0] - clearing) > 20 + 22 * i]
        pines(canvas, row, code, depth) if view % 2 == 0 else trees(canvas, row, code, depth)
    canvas.ground(rolling(200, 5, 0.8, view * 1.5), "#6fa650", "#3f7a3c", 0.03)
    path = ribbon((clearing, 200, 5), (clearing + 10, 212, 11), (clearing - 8, 228, 24), (clearing + 4, 256, 50))
    if view in (0, 3):
        canvas.fill(path, "#c9a874", 0.0, 0.75, strength=0.9)
    sides = ((8, 40), (240, 262), (18, 246), (0, 256))[view]
    trunks = [[(x - 15, 262), (x - 9, -4), (x + 9, -4), (x + 16, 262)] for x in sides[: 1 if view < 2 else 2]]
    canvas.fill(polygons(trunks), "#5d4433", 0.0, 0.12)
    canvas.fill(
        polygons([[(a[0] + 3, 262), (b[0] + 2, -4), (b[0] + 6, -4), (a[0] + 9, 262)] for a, b, *_ in trunks]),
        "#8a6748",
        0.0,
        0.7,
        strength=0.7,
    )
    light_shafts(canvas, clearing)
    if canvas.light.dark:
        for x, y in canvas.chance.uniform((20, 130), (236, 232), (9, 2)):
            canvas.flicker(x, y, 5.5, "#e9ff8a", 0.75, 0.5)
    grass(canvas, 38, "#2f7038")


def light_shafts(canvas: Canvas, x: float) -> None:
    """Slanting beams through the crowns, breathing slowly."""
    if canvas.light.weather not in ("clear", "fog"):
        canvas.drift(176, 24, 0.28)
        return
    slant = grid().columns - x + 0.45 * (grid().rows - 110)
    fade = np.clip(grid().rows / 40, 0, 1) * np.clip((214 - grid().rows) / 60, 0, 1)
    strength = 0.10 if canvas.light.dark else 0.24
    beams = [
        (np.clip(1 - np.abs(slant - c) / w, 0, 1) * fade).astype(np.float32) for c, w in ((-44, 16), (2, 24), (52, 14))
    ]

    def play(pixels: Array, turn: float) -> None:
        for i, beam in enumerate(beams):
            blend(pixels, beam * (strength * (0.65 + 0.35 * np.sin(turn + 2.1 * i))), canvas.light.glow)

    canvas.motions.append(play)
