"""Draws the four views of the city."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from studio.world.painting import Canvas, Point, blend, boxes, colour, ellipses, grid, level, mix, polygons
from studio.world.scenery import sky, water


def city(canvas: Canvas, view: int) -> None:
    sky(canvas, 176, (60, 190, 128, 210)[view])
    skyline(canvas, 176, 16, (40, 92), ("#9fb0cc",), 0.6)
    skyline(canvas, 182, 11, (54, 118), ("#7f93b8", "#8b86ae", "#7aa0b4"), 0.34)
    if view == 0:
        skyline(canvas, 196, 6, (70, 140), ("#6a7ba6", "#a87f78", "#56809a"), 0.08, gap=(86, 176))
    elif view == 1:
        towers(canvas)
    elif view == 2:
        skyline(canvas, 194, 8, (36, 70), ("#c98d6e", "#d9b48a", "#a87268"), 0.08)
    canvas.ground(level(196), "#8f97a6", "#6f7888", 0.04, 0.9)
    if view == 3:
        water(canvas, 196, "#2a5f8c", "#7fb0d0")
        canvas.reflect(196, 0.55)
        canvas.glints(202, 250, 18, 0.35)
        canvas.fill(boxes([(0, 190, 256, 197)]), "#b7b2ae", 0.05, 0.9)
        return
    canvas.fill(boxes([(0, 190, 256, 200)]), "#b9bcc4", 0.03, 0.9)
    if view == 0:
        canvas.fill(polygons([[(118, 196), (142, 196), (236, 258), (24, 258)]]), "#565d6b", 0.0, 0.5)
        dashes = [[(129, a), (131, a), (131 + 2, b), (127, b)] for a, b in ((200, 207), (214, 224), (234, 250))]
        canvas.fill(polygons(dashes), "#ffe9a8", 0.0, 0.3)
    else:
        canvas.fill(boxes([(0, 204, 256, 258)]), "#565d6b", 0.0, 0.5)
        canvas.fill(boxes([(x, 229, x + 26, 233) for x in range(6, 256, 50)]), "#ffe9a8", 0.0, 0.3)
    for x in ((30, 226), (20, 128, 236), (12, 244))[view]:
        lamp_post(canvas, x, 204, 52)


def skyline(
    canvas: Canvas,
    base: float,
    count: int,
    heights: Point,
    codes: Sequence[str],
    depth: float,
    gap: Point | None = None,
) -> None:
    """A row of houses with lit windows, leaving a gap free."""
    edges = np.linspace(-4, 260, count + 1)
    for i, (left, right) in enumerate(pairwise(edges)):
        top = base - canvas.rng.uniform(*heights)
        if gap and right > gap[0] and left < gap[1]:
            continue
        left += canvas.rng.uniform(0, 3)
        building(canvas, (left, top, right - 1, base + 6), codes[i % len(codes)], depth, i % 3)


def building(canvas: Canvas, box: tuple[float, float, float, float], code: str, depth: float, roof: int) -> None:
    left, top, right, bottom = box
    width = right - left
    shapes = [box]
    if roof == 1:
        shapes.append((left + width * 0.25, top - 8, right - width * 0.25, top))
    elif roof == 2:
        shapes.append((left + width * 0.46, top - 16, left + width * 0.54, top))
    mask = boxes(shapes)
    canvas.fill(mask, code, depth)
    canvas.fill(mask * np.clip((grid().columns - left - 0.72 * width) / 2, 0, 1), "#39406a", depth, strength=0.28)
    canvas.fill(boxes([(left, top, right, top + 3)]), "#e6ebf2", depth, 1.0, strength=0.25 + 0.7 * canvas.light.cover)
    if depth > 0.5:
        return
    columns, step = max(2, int(width / 9)), 12
    cell = width / columns
    panes = [
        (left + cell * (c + 0.25), y, left + cell * (c + 0.75), y + 5.5)
        for c in range(columns)
        for y in np.arange(top + 8, bottom - 12, step)
    ]
    lit = [pane for pane in panes if canvas.rng.random() < 0.55]
    dark = [pane for pane in panes if pane not in lit]
    if dark:
        canvas.fill(boxes(dark), "#46557c", depth, strength=0.6)
    if lit:
        glass = mix(
            canvas.shade("#a9c6e0", depth), mix(colour("#ffd98a"), canvas.light.haze, 0.5 * depth), canvas.light.lamps
        )
        blend(canvas.pixels, boxes(lit) * 0.9, glass)
        if canvas.light.lamps > 0.3 and depth < 0.4:
            a, b, c, d = lit[len(lit) // 2]
            canvas.flicker((a + c) / 2, (b + d) / 2, 8, "#ffcf70", 0.5 * canvas.light.lamps, 0.5)


def towers(canvas: Canvas) -> None:
    """Glass towers left and right of a square."""
    for box, code, roof in (
        ((8, 44, 54, 200), "#5d86ae", 2),
        ((58, 96, 84, 200), "#8a7fa8", 0),
        ((176, 88, 204, 200), "#6fa0a8", 1),
        ((208, 30, 250, 200), "#5f78ac", 2),
    ):
        building(canvas, box, code, 0.08, roof)


def lamp_post(canvas: Canvas, x: float, y: float, height: float) -> None:
    canvas.fill(boxes([(x - 1.3, y - height, x + 1.3, y)]), "#3c4458", 0.0)
    canvas.fill(ellipses([(x, y - height, 4.5, 5)]), "#fff3cf", 0.0)
    if canvas.light.lamps > 0.3:
        canvas.glow(x, y - height, 30, "#ffd27a", 0.55 * canvas.light.lamps)
        canvas.flicker(x, y - height, 7, "#fff1c4", canvas.light.lamps, 0.15)
