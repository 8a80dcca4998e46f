"""Draws the four views of the rice terraces."""

import numpy as np

from studio.world.painting import Canvas, below, blend, boxes, ellipses, grid, mix, polygons, rolling
from studio.world.scenery import grass, sky, trees, windows


def terraces(canvas: Canvas, view: int) -> None:
    sky(canvas, 118, (190, 60, 128, 206)[view])
    canvas.ground(rolling(92, 22, 1.2, view * 1.8), "#8fb0bc", "#93bda0", 0.72)
    canvas.ground(rolling(112, 16, 0.9, view * 2.3 + 1.0), "#6fa68c", "#7cb880", 0.48)
    canvas.drift(112, 16, 0.34)
    if view in (1, 3):
        trees(canvas, [(x, 132, 24) for x in (196, 216, 240)], "#4f9060", 0.3)
    steps(canvas, view)
    if view == 0:
        hut(canvas, 206, 150, 34)
    elif view == 2:
        hut(canvas, 52, 166, 42)
        hut(canvas, 96, 148, 28)
    elif view == 3:
        canvas.fill(boxes([(38, 168, 40.5, 208), (28, 178, 50, 180)]), "#7d5638", 0.0)
        canvas.fill(polygons([[(24, 172), (39, 158), (54, 172)]]), "#e0c070", 0.0, 0.5)
        canvas.fill(polygons([[(31, 172), (47, 172), (50, 194), (28, 194)]]), "#5f80b0", 0.0, 0.2)
    grass(canvas, 24, ("#5fb04a", "#7cc04a", "#c9a83c", "#5fb04a")[view], 240)


def steps(canvas: Canvas, view: int) -> None:
    """Fields in steps down the slope: a bright rim, water or rice, and the earth bank under each."""
    light, count = canvas.light, 9
    rice = (None, "#8fd050", "#e6c650", None)[view]
    for i in range(count):
        near = i / (count - 1)
        crest = rolling(118 + 116 * near**1.2, 9 + 13 * near, 0.62 + 0.3 * (view % 2), view * 1.6 + 0.7 * i)
        depth, tall = 0.34 * (1 - near), 5 + 15 * near
        canvas.fill(below(crest), "#a8d468", depth, 0.95)  # the grassy rim, and under it the wall of earth
        canvas.fill(
            below(crest + 0.26 * tall), "#7a6a40", depth, 0.5, to="#5a5a34", span=(crest.min(), crest.max() + tall)
        )
        field = below(crest + 0.62 * tall)
        if rice is None or i % 4 == 2:
            mirror = mix(mix(light.low, light.middle, 0.25 + 0.5 * near), canvas.shade("#7fb8c8", depth), 0.25)
            blend(canvas.pixels, field, mirror)
            tufts = [
                (x, float(np.interp(x, grid().along, crest)) + tall * 1.1, 1.4 + 1.6 * near, 1.6 + 2.2 * near)
                for x in np.arange(3 + 5 * (i % 2), 256, 9 + 6 * near)
            ]
            canvas.fill(ellipses(tufts), "#6fbf4a", depth, 0.6, strength=0.8)
        else:
            canvas.fill(field, rice, depth, 0.8)
            lines = np.clip(np.sin((grid().rows - crest[None, :]) * FURROWS / tall), 0, 1) * field
            canvas.fill((0.32 * lines).astype(np.float32), "#3f7a34" if view == 1 else "#a87f2c", depth, 0.3)
    if rice is None:
        canvas.glints(150, 240, 20, 0.4)


FURROWS = 9.0  # rows of rice to a field's depth, as a phase


def hut(canvas: Canvas, x: float, y: float, width: float) -> None:
    """A hut on stilts under a thatched roof."""
    w, h = width / 2, width * 0.5
    canvas.fill(boxes([(x + a * w - 1, y - 5, x + a * w + 1, y + 6) for a in (-0.7, -0.2, 0.3, 0.7)]), "#5f432c", 0.05)
    canvas.fill(boxes([(x - 0.8 * w, y - h, x + 0.8 * w, y - 3)]), "#c09058", 0.06, to="#94683c", span=(y - h, y))
    windows(canvas, [(x - 0.5 * w, y - 0.72 * h, x - 0.14 * w, y - 0.32 * h)], 0.05)
    canvas.fill(boxes([(x + 0.18 * w, y - 0.76 * h, x + 0.52 * w, y - 3)]), "#5f3f2a", 0.05)
    roof = [
        (x - 1.15 * w, y - 0.84 * h),
        (x - 0.42 * w, y - 1.75 * h),
        (x + 0.42 * w, y - 1.75 * h),
        (x + 1.15 * w, y - 0.84 * h),
    ]
    canvas.fill(polygons([roof]), "#d9b468", 0.05, 0.9, to="#a07c3c", span=(y - 1.75 * h, y - 0.7 * h))
    straws = [
        [
            (x + a * 0.4 * w, y - 1.75 * h),
            (x + a * 0.4 * w + 0.8, y - 1.75 * h),
            (x + a * 1.1 * w + 1, y - 0.84 * h),
            (x + a * 1.1 * w, y - 0.84 * h),
        ]
        for a in np.linspace(-0.9, 0.9, 9)
    ]
    canvas.fill(polygons(straws), "#7d5c2c", 0.05, strength=0.45)
