"""Draws the four views of the market."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from studio.world.painting import Array, Canvas, blend, boxes, colour, edge, ellipses, grid, mix, polygons
from studio.world.scenery import sky, trees, windows

AWNINGS = (
    ("#e8504a", "#fff6e8"),
    ("#3f9f8a", "#fff6e8"),
    ("#f0a83c", "#fff6e8"),
    ("#4a78c0", "#fff6e8"),
    ("#b860a0", "#fff6e8"),
)
FRUIT = ("#e8443a", "#f5a53c", "#8fc84a", "#f2d84a", "#a860b0")
FACADES = ("#e9c79a", "#dba88a", "#efe0c4", "#c9d0c4", "#e4b8a4")


def market(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (128, 60, 196, 128)[view])
    facades(canvas, 168, ((-6, 262, 42),), (1.0,)) if view in (0, 3) else facades(
        canvas, 168, ((-6, 96, 40), (166, 262, 40)) if view == 1 else ((-6, 150, 46),), (1.0, 0.9)
    )
    if view == 1:
        hall(canvas, 131, 170)
    elif view == 2:
        trees(canvas, [(186, 176, 74), (232, 178, 86)], depth=0.1)
    canvas.fill(edge(grid().rows - 168), "#c9b898", 0.06, 0.9, to="#94836c", span=(168, 258))
    cobbles(canvas)
    stalls = (
        ((44, 194, 74), (128, 188, 60), (214, 194, 76)),
        ((30, 202, 92), (228, 202, 92)),
        ((62, 194, 84), (168, 190, 66)),
        ((26, 190, 58), (92, 190, 58), (158, 190, 58), (224, 190, 58)),
    )[view]
    for i, (x, y, width) in enumerate(stalls):
        stall(canvas, x, y, width, AWNINGS[(i + 2 * view) % len(AWNINGS)])
    lanterns(canvas, ((0, 66), (128, 92), (256, 62)) if view % 2 == 0 else ((0, 84), (90, 104), (172, 100), (256, 76)))


def facades(canvas: Canvas, base: float, rows: Sequence[tuple[float, float, float]], heights: Sequence[float]) -> None:
    """Rows (left, right, house width) of old town houses with shutters, wall to wall."""
    for (left, right, wide), high in zip(rows, heights, strict=False):
        for i, x in enumerate(np.arange(left, right - wide / 2, wide)):
            tall, code = high * canvas.rng.uniform(84, 116), FACADES[(i + int(left) % 3) % len(FACADES)]
            top = base - tall
            canvas.fill(boxes([(x, top, x + wide, base)]), code, 0.22, to="#b89a80", span=(top, base + 30))
            roof = [(x - 2, top + 1), (x + wide * 0.2, top - 16), (x + wide * 0.8, top - 16), (x + wide + 2, top + 1)]
            canvas.fill(polygons([roof]), ("#b86a4a", "#9c5a48", "#8a6458")[i % 3], 0.22, 0.95)
            panes = [
                (x + wide * a, y, x + wide * (a + 0.16), y + 13)
                for y in (top + 12, top + 38, top + 64)
                for a in (0.2, 0.62)
            ]
            shutters = [(a - 3, b - 1, c + 3, d + 1) for a, b, c, d in panes]
            canvas.fill(boxes(shutters), ("#5f8f84", "#7a6a98", "#4f7a9c")[i % 3], 0.2)
            windows(canvas, panes, 0.2, 0.8)


def hall(canvas: Canvas, x: float, y: float) -> None:
    """A town hall with a clock tower at the end of the square."""
    canvas.fill(boxes([(x - 36, y - 70, x + 36, y)]), "#efe4cc", 0.24, to="#cdb898", span=(y - 70, y))
    canvas.fill(
        polygons([[(x - 40, y - 69), (x - 28, y - 88), (x + 28, y - 88), (x + 40, y - 69)]]), "#5f7a8c", 0.24, 0.9
    )
    canvas.fill(boxes([(x - 11, y - 128, x + 11, y - 70)]), "#f4ecd8", 0.22)
    canvas.fill(polygons([[(x - 14, y - 127), (x, y - 160), (x + 14, y - 127)]]), "#4f8a80", 0.22, 0.8)
    canvas.fill(ellipses([(x, y - 112, 8, 8)]), "#5a4a44", 0.2)
    canvas.fill(ellipses([(x, y - 112, 6.6, 6.6)]), "#fff8e4", 0.2)
    canvas.fill(boxes([(x - 0.8, y - 117, x + 0.8, y - 111), (x - 0.8, y - 113, x + 4, y - 111.4)]), "#3a3038", 0.2)
    windows(canvas, [(x + a, y - 60, x + a + 8, y - 40) for a in (-30, -15, 7, 22)], 0.22)
    canvas.fill(boxes([(x + a, y - 26, x + a + 12, y) for a in (-30, -6, 18)]), "#8a6f58", 0.22)


def cobbles(canvas: Canvas) -> None:
    """Rows of rounded stones, larger towards the viewer."""
    stones, y, row = [], 180.0, 0
    while y < 258:
        size = 2.6 + 9 * (y - 176) / 80
        stones += [(x + size * (row % 2), y, size * 0.86, size * 0.34) for x in np.arange(-4, 264, 2.1 * size)]
        y, row = y + size * 0.86, row + 1
    canvas.fill(ellipses(stones), "#dccdb0", 0.03, 0.9, strength=0.34)


def stall(canvas: Canvas, x: float, y: float, width: float, codes: tuple[str, str]) -> None:
    """A wooden table heaped with fruit under a striped awning."""
    w, top = width / 2, y - width * 0.86
    inside = mix(canvas.shade("#6a4c40", 0.03), colour("#ffcf80"), 0.55 * canvas.light.lamps)
    blend(canvas.pixels, boxes([(x - w * 0.88, top + 8, x + w * 0.88, y - 10)]), inside)
    canvas.fill(boxes([(x - w * 0.92, top, x - w * 0.86, y), (x + w * 0.86, top, x + w * 0.92, y)]), "#7d5638", 0.02)
    if canvas.light.lamps > 0.3:
        canvas.flicker(x, top + width * 0.34, width * 0.6, "#ffc866", 0.42 * canvas.light.lamps, 0.15)
    size = width * 0.052
    heaps: dict[int, list[tuple[float, float, float, float]]] = {i: [] for i in range(5)}
    for i, a in enumerate(np.linspace(-0.74, 0.74, 15)):
        for level in range(3):
            if level < 2 or i % 3 == 1:
                heaps[(i // 3) % 5].append(
                    (x + a * w + (level % 2) * size * 0.6, y - width * 0.3 - level * size * 1.25, size, size)
                )
    for i, heap in heaps.items():
        canvas.fill(ellipses(heap), FRUIT[i], 0.0, 0.1)
        canvas.fill(
            ellipses([(a - size * 0.3, b - size * 0.3, size * 0.3, size * 0.3) for a, b, _, _ in heap]),
            "#ffffff",
            0.0,
            strength=0.4,
        )
    canvas.fill(
        boxes([(x - w, y - width * 0.28, x + w, y)]), "#b07c4c", 0.0, 0.1, to="#80563a", span=(y - width * 0.28, y)
    )
    canvas.fill(boxes([(x - w, y - width * 0.28, x + w, y - width * 0.23)]), "#d9a870", 0.0, 0.6)
    slats = [(x - w + width * a, y - width * 0.22, x - w + width * a + 1.2, y) for a in (0.2, 0.4, 0.6, 0.8)]
    canvas.fill(boxes(slats), "#5f3f2a", 0.0, strength=0.6)
    canvas.fill(ellipses([(x, y + 1, w * 1.06, 3)]), "#4f4034", 0.0, strength=0.4)
    hem = top + width * 0.22
    cloth = [
        (x - w * 0.86, top - width * 0.08),
        (x + w * 0.86, top - width * 0.08),
        (x + w * 1.12, hem),
        (x - w * 1.12, hem),
    ]
    edges = np.linspace(-1, 1, 11)
    stripes = [
        [
            (x + w * 0.86 * a, top - width * 0.08),
            (x + w * 0.86 * b, top - width * 0.08),
            (x + w * 1.12 * b, hem),
            (x + w * 1.12 * a, hem),
        ]
        for a, b in zip(edges[::2], edges[1::2], strict=False)
    ]
    canvas.fill(polygons([cloth]), codes[1], 0.0, 0.8)
    canvas.fill(polygons(stripes), codes[0], 0.0, 0.7)
    scallops = [(x + w * 1.12 * (a + b) / 2, hem, w * 0.115, w * 0.1) for a, b in pairwise(edges)]
    canvas.fill(ellipses(scallops[::2]), codes[0], 0.0, 0.3)
    canvas.fill(ellipses(scallops[1::2]), codes[1], 0.0, 0.3)


def lanterns(canvas: Canvas, posts: Sequence[tuple[float, float]]) -> None:
    """Paper lanterns on a line across the square, swinging a little."""
    x, y = zip(*posts, strict=True)
    along = grid().along
    wire = np.interp(along, x, y) + 10 * np.abs(np.sin(np.interp(along, x, np.arange(len(x))) * np.pi))
    canvas.fill(
        (edge(grid().rows - wire[None, :] + 0.5) * edge(wire[None, :] + 1.2 - grid().rows)).astype(np.float32),
        "#4a4048",
        0.0,
    )
    places = [(a, float(np.interp(a, along, wire))) for a in range(16, 256, 32)]
    shades = [
        mix(canvas.shade(code), mix(colour(code), colour("#fff0c0"), 0.4), canvas.light.lamps)
        for code in ("#f2c14e", "#f08a5a", "#f4ead0")
    ]
    if canvas.light.lamps > 0.3:
        for a, b in places:
            canvas.glow(a, b + 9, 20, "#ffcf70", 0.4 * canvas.light.lamps)

    def play(pixels: Array, turn: float) -> None:
        for k, shade in enumerate(shades):
            swung = [(a + 1.6 * np.sin(turn + a), b + 8, 5.4, 6.4) for a, b in places[k::3]]
            blend(pixels, ellipses(swung), shade)

    canvas.motions.append(play)
