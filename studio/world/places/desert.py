"""Draws the four views of the desert."""

import numpy as np

from studio.world.painting import Array, Canvas, below, boxes, ellipses, grid, rolling, slope
from studio.world.places.landmarks import mesas, palm
from studio.world.scenery import sky, stones, water_in


def desert(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (70, 186, 128, 200)[view])
    far = (140, 132, 146, 138)[view]
    if view in (1, 3):
        steps = (
            ((150, 210, 84, "#c47a56"), (20, 66, 100, "#b96f50"))
            if view == 1
            else ((92, 150, 92, "#c47a56"), (196, 236, 78, "#b96f50"))
        )
        mesas(canvas, steps, 152)
    canvas.ground(rolling(far, 10, 1.4, 1.3 * view), "#e9b872", "#e3ab62", 0.5)
    for i, (y, height, waves) in enumerate(((164, 15, 0.9), (188, 14, 0.7))):
        dune(canvas, rolling(y, height, waves, view * 1.9 + 2.4 * i), 0.22 - 0.18 * i)
    if view == 0:
        cactus(canvas, 212, 214, 84)
        cactus(canvas, 36, 190, 42)
    elif view == 1:
        cactus(canvas, 30, 222, 96)
    elif view == 2:  # pyramids behind the dunes would be another place; an oasis of palms instead
        pool = ellipses([(226, 238, 74, 24)])
        canvas.fill(ellipses([(226, 238, 82, 29)]), "#b89a58", 0.05, 0.8, strength=0.7)
        water_in(canvas, pool, "#2f9ab0", 212)
        palm(canvas, 216, 214, 92, -0.20)
        palm(canvas, 238, 216, 70, 0.10)
    else:
        stones(canvas, [(222, 242, 26, 24), (250, 250, 26, 34), (14, 250, 24, 22)], "#c07a58", "#7c4936")
    canvas.drift(196, 13, 0.34, canvas.shade("#ffdca0", 0.1, 0.9))


def dune(canvas: Canvas, crest: Array, depth: float) -> None:
    """A dune with its lee side in shadow where the crest falls to the right."""
    canvas.ground(crest, "#f3ca84", "#dda45c", depth)
    falling = np.clip(slope(crest) * 1.8, 0, 1)
    lee = below(crest) * falling[None, :] * np.clip(1 - (grid().rows - crest[None, :]) / 46, 0, 1)
    canvas.fill(lee.astype(np.float32), "#a8683c", depth, 0.4, strength=0.5)


def cactus(canvas: Canvas, x: float, y: float, height: float) -> None:
    w = height * 0.10
    arms = [
        (x - w, y - height, x + w, y),
        (x - 3.4 * w, y - 0.46 * height, x, y - 0.34 * height),
        (x, y - 0.60 * height, x + 3.4 * w, y - 0.49 * height),
        (x - 3.4 * w, y - 0.74 * height, x - 1.9 * w, y - 0.36 * height),
        (x + 1.9 * w, y - 0.84 * height, x + 3.4 * w, y - 0.5 * height),
    ]
    caps = [
        (x, y - height, w, w),
        (x - 2.65 * w, y - 0.74 * height, 0.75 * w, 0.8 * w),
        (x + 2.65 * w, y - 0.84 * height, 0.75 * w, 0.8 * w),
    ]
    canvas.fill(ellipses([(x + 2 * w, y, 4 * w, w * 0.6)]), "#9c6a3c", 0.0, 0.5, strength=0.5)
    canvas.fill(np.maximum(boxes(arms), ellipses(caps)), "#3f8f56", 0.0, 0.15)
    canvas.fill(boxes([(x - w * 0.6, y - height, x - w * 0.1, y)]), "#7cc078", 0.0, 0.5, strength=0.7)
