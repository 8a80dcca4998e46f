"""Draws the four views of the mountains."""

import numpy as np

from studio.world.painting import Canvas, ribbon, rolling
from studio.world.scenery import peak, pines, sky, spread, stones, water_in


def mountains(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (60, 128, 200, 180)[view])
    canvas.ground(rolling(136, 14, 2.6, view * 1.7), "#9fb2d0", "#a9bcd6", 0.75)
    layouts = (
        ((196, 78, 92, "#6f83a8", 0.42), (96, 34, 118, "#6a7597", 0.16)),
        ((128, 62, 74, "#7d8fb2", 0.45), (38, 52, 88, "#6d7a9c", 0.26), (214, 44, 96, "#6a7597", 0.20)),
        ((60, 70, 80, "#7d8fb2", 0.46), (118, 88, 66, "#7d8fb2", 0.46), (190, 28, 124, "#66708f", 0.15)),
        ((22, 18, 116, "#66708f", 0.16), (236, 26, 110, "#66708f", 0.16), (130, 92, 62, "#8497b8", 0.5)),
    )
    for x, y, half, code, depth in layouts[view]:
        peak(canvas, x, y, half, 190, code, depth)
    canvas.ground(rolling(172, 9, 1.6, view + 0.5), "#5f9a74", "#6aa56f", 0.25)
    row = [(x, 188 + 4 * np.sin(x), canvas.rng.uniform(22, 36)) for x in spread(canvas, 13, 0, 256)]
    pines(canvas, row if view in (0, 1) else [p for p in row if abs(p[0] - 128) > 54], depth=0.16)
    canvas.ground(rolling(196, 7, 0.8, view * 2.0), "#8cbf6a", "#5f9b52", 0.04)
    if view == 2:
        pines(canvas, [(20, 236, 92), (52, 228, 62)], "#265c41", 0.0)
    elif view == 3:
        stream = ribbon((130, 194, 3), (140, 206, 7), (114, 222, 13), (126, 240, 22), (120, 256, 30))
        water_in(canvas, stream, "#4fa3cf", 192)
    elif view == 1:
        stones(canvas, [(28, 246, 26, 18), (226, 250, 34, 22), (60, 252, 18, 11)], "#9a9fa9", "#5e6470")
    canvas.drift(158, 22, 0.30)
