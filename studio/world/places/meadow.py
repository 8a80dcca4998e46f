"""Draws the four views of the meadow."""

import numpy as np

from studio.world.painting import Canvas, boxes, polygons, ribbon, rolling
from studio.world.scenery import flowers, grass, sky, spread, trees


def meadow(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (190, 70, 128, 205)[view])
    far = ((138, 16, 1.4, 0.4), (128, 10, 2.1, 2.0), (146, 20, 1.0, 3.6), (150, 8, 1.7, 5.0))[view]
    canvas.ground(rolling(*far), "#86b79a", "#8fc58b", 0.62)
    canvas.ground(rolling(far[0] + 18, 12, 1.3, far[3] + 2), "#7dbb68", "#7cc25a", 0.34)
    if view == 0:
        trees(canvas, [(206, 176, 62), (232, 178, 44)])
    elif view == 1:
        trees(canvas, [(x, 160, 24) for x in spread(canvas, 9, 0, 256)], "#5d9c62", 0.35)
    elif view == 2:
        trees(canvas, [(34, 182, 88)], depth=0.05)
    near = rolling((178, 168, 176, 172)[view], 9, 0.9, far[3] + 4)
    canvas.ground(near, "#8fd05c", "#55a544", 0.05)
    if view == 3:  # a path winding to the hills, and a fence
        path = ribbon((160, 172, 3), (136, 186, 7), (154, 206, 15), (120, 230, 26), (104, 256, 40))
        canvas.fill(path, "#e6cd98", 0.05, 0.7, to="#d9b878", span=(170, 256))
        fence = [(x, 178 + 0.10 * x, x + 4, 200 + 0.12 * x) for x in range(4, 100, 19)]
        rails = [[(0, 184), (106, 194), (106, 197), (0, 187)], [(0, 192), (106, 204), (106, 207), (0, 195)]]
        canvas.fill(np.maximum(boxes(fence), polygons(rails)), "#f4ead6", 0.05, 0.5)
    codes = (("#ffffff", "#ffe14d"), ("#e8453c", "#f26a4f"), ("#b58be8", "#ffffff"), ("#ffd23f", "#ff9fbc"))[view]
    flowers(canvas, (40, 70, 44, 36)[view], 186, 240, codes)
    grass(canvas)
