"""Draws the four views of the canyon."""

from collections.abc import Sequence

import numpy as np

from studio.world.painting import Canvas, Point, below, edge, grid, polygons, ribbon, rolling, through
from studio.world.places.landmarks import mesas
from studio.world.scenery import sky, stones, water_in


def canyon(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (128, 190, 70, 150)[view])
    mesas(canvas, ((20, 84, 92, "#c98a72"), (118, 168, 104, "#c98a72"), (206, 262, 84, "#c98a72")), 150)
    canvas.ground(rolling(146, 4, 1.6, view), "#d29a72", "#c98556", 0.4)
    walls = (
        (
            ((-10, 20), (52, 26), (66, 92), (58, 124), (98, 190), (-10, 210)),
            ((266, 40), (214, 46), (204, 106), (212, 132), (168, 190), (266, 214)),
        ),
        (((-10, 8), (84, 16), (92, 70), (80, 110), (116, 186), (-10, 206)),),
        (((266, 12), (166, 22), (160, 78), (172, 118), (128, 184), (266, 206)),),
        (
            (
                (52, 186),
                (70, 70),
                (60, 48),
                (98, 30),
                (168, 30),
                (204, 50),
                (192, 72),
                (212, 186),
                (172, 186),
                (160, 104),
                (128, 78),
                (100, 104),
                (92, 186),
            ),
        ),
    )[view]
    for i, wall in enumerate(walls):
        cliff(canvas, wall, -1 if i == 0 and view != 2 else 1)
    canvas.ground(rolling(186, 4, 1.1, view * 1.3), "#dc9a66", "#bf7547", 0.03, 0.9)
    if view in (0, 2):
        river = ribbon((132, 186, 9), (118, 202, 14), (146, 222, 24), (108, 256, 46))
        canvas.fill(river * np.clip((grid().rows - 188) / 20, 0.4, 1), "#f0c08a", 0.0, 0.5, strength=0.5)
        water_in(canvas, river * edge(grid().rows - 188), "#3f9fb4", 186)
    else:
        stones(canvas, [(22, 248, 32, 26), (238, 252, 34, 28), (64, 253, 14, 11)], "#bf6a48", "#7a3c2c")
    canvas.drift(180, 16, 0.32, canvas.shade("#f0c49a", 0.2, 0.9))


def cliff(canvas: Canvas, outline: Sequence[Point], side: int) -> None:
    """A rock wall in strata of red and orange, darker on the side away from the light."""
    mask = polygons([outline])
    canvas.fill(mask, "#c4653f", 0.1, 0.05, to="#a84f35", span=(20, 200))
    for i, code in enumerate(("#e08e5a", "#8f3f30", "#eab07c", "#a34a34", "#d97e4e", "#8a3a30")):
        top = through((0, 40 + 25 * i), (90, 46 + 25 * i), (170, 38 + 25 * i), (256, 45 + 25 * i))
        band = below(top) * (1 - below(top + 8 + 4 * (i % 2)))
        canvas.fill(mask * band, code, 0.1, 0.75, strength=0.7)
    shadow = np.clip((grid().columns - 128) / 120 * side * 0.5 + 0.35, 0, 0.55)
    canvas.fill((mask * shadow).astype(np.float32), "#4a2438", 0.1, 0.1)
