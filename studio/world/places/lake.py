"""Draws the four views of the lake."""

import numpy as np

from studio.world.painting import Canvas, boxes, ellipses, polygons, rolling, through
from studio.world.scenery import peak, pines, sky, spread, sunlit_path, trees, water


def lake(canvas: Canvas, view: int) -> None:
    shore = (146.0, 134.0, 152.0, 140.0)[view]
    sun = (184, 70, 128, 196)[view]
    sky(canvas, shore, sun)
    canvas.ground(rolling(shore - 34, 18, 1.3, view * 2.1), "#a3b8d2", "#a9c0cc", 0.72)
    if view == 1:
        peak(canvas, 178, 44, 92, shore + 2, "#74829f", 0.35)
    elif view == 3:
        peak(canvas, 60, 58, 76, shore + 2, "#74829f", 0.38)
        peak(canvas, 128, 76, 60, shore + 2, "#7f8da8", 0.42)
    canvas.ground(rolling(shore - 12, 9, (1.1, 1.6, 0.7, 1.3)[view], view + 1.0), "#5f9270", "#6fa66c", 0.32)
    count = (14, 10, 20, 8)[view]
    stand = [(x, shore + 1, canvas.rng.uniform(16, 34)) for x in spread(canvas, count, 0, 256)]
    pines(canvas, stand, "#3f7558", 0.2) if view != 2 else trees(canvas, stand, "#c07f3e", 0.2)
    water(canvas, shore, "#24648f", "#9cd0e4")
    canvas.reflect(shore, 0.62)
    sunlit_path(canvas, sun, shore, 0.4)
    canvas.glints(shore + 8, 226, 20, 0.34)
    canvas.behind()
    if view == 0:
        jetty(canvas)
    elif view == 2:
        pads = [(30, 236, 22, 6), (70, 248, 26, 7), (220, 240, 26, 7), (186, 252, 20, 5)]
        canvas.fill(ellipses(pads), "#4f9a58", 0.0, 0.6)
        canvas.fill(ellipses([(34, 231, 5, 4), (224, 234, 6, 5)]), "#ffb9d2", 0.0, 0.4)
    elif view == 3:
        canvas.ground(through((0, 216), (60, 236), (120, 262), (256, 270)), "#79ad5c", "#5c9448", 0.0)
        pines(canvas, [(18, 232, 96)], "#28604a", 0.0)
    side = (228, 16, 128, 236)[view]
    canvas.sway([(side + d, 258, 34 + 9 * np.sin(d)) for d in range(-22, 24, 5)], "#5c8f45", 3.5)


def jetty(canvas: Canvas) -> None:
    canvas.fill(boxes([(40, 206, 44, 240), (84, 206, 88, 240), (14, 220, 20, 258)]), "#6b4b34", 0.0)
    canvas.fill(polygons([[(-4, 214), (88, 198), (104, 205), (-4, 236)]]), "#b98a5c", 0.0, 0.9)
    canvas.fill(polygons([[(-4, 236), (104, 205), (104, 210), (-4, 243)]]), "#7d5638", 0.0)
