"""Draws the four views of the kitchen."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from studio.world.painting import Array, Canvas, blend, boxes, colour, ellipses, mix, polygons
from studio.world.places.room import casement, daylight, interior, lamplit
from studio.world.scenery import WHITE

Paint = Callable[[str], Array]
DOORS = ("#5f9a94", "#e0a850", "#c8605a", "#7a9ac0")


def kitchen(canvas: Canvas, view: int) -> None:
    lit, code = lamplit(canvas.light), DOORS[view]
    interior(canvas, ("#f4ecd8", "#eaf0ea", "#f6e8d8", "#f4f0e0")[view], "#d8cdb8", lit)
    tiles(canvas, lit, ("#b8d4d0", "#f0d8a0", "#f0c8bc", "#bccfe4")[view])
    floor(canvas, lit, ("#8fb0aa", "#c99a5a", "#b0685c", "#8097b4")[view])
    frame = ((98, 34, 172, 100), (150, 30, 232, 104), (24, 34, 100, 104), (90, 30, 166, 100))[view]
    casement(canvas, frame, lit)
    cupboards(canvas, ((0, 88), (40, 142), (112, 200), (174, 256))[view], lit, code)
    counter(canvas, lit, code)
    if view == 0:
        stove(canvas, 206, lit)
        sink(canvas, 134, lit)
    elif view == 1:
        fridge(canvas, 22, lit, "#e8f0f0")
        stove(canvas, 108, lit)
        bowl(canvas, 188, 148, lit)
    elif view == 2:
        stove(canvas, 152, lit)
        fridge(canvas, 228, lit, "#f0d8b8")
        sink(canvas, 62, lit)
    else:
        stove(canvas, 34, lit)
        bowl(canvas, 128, 148, lit)
        sink(canvas, 206, lit)
    pans(canvas, (206, 250, 0, 34)[view], 52, lit)
    pendant(canvas, (56, 126, 210, 214)[view], lit)
    daylight(canvas, frame)


def tiles(canvas: Canvas, lit: Paint, code: str) -> None:
    """A band of tiles above the counter."""
    blend(canvas.pixels, boxes([(0, 104, 256, 152)]), lit(code))
    joints = [(x, 104, x + 1, 152) for x in range(7, 256, 16)] + [(0, y, 256, y + 1) for y in (104, 120, 136)]
    blend(canvas.pixels, boxes(joints) * 0.7, mix(lit(code), WHITE, 0.6))


def floor(canvas: Canvas, lit: Paint, code: str) -> None:
    """Chequered, running towards the viewer."""
    edges = [193 + 65 * (i / 5) ** 1.5 for i in range(6)]
    shapes = []
    for i, (top, bottom) in enumerate(pairwise(edges)):
        at = lambda a, y: 128 + a * (0.62 + 0.0098 * (y - 193))  # noqa: E731
        for j in range(-8, 8):
            if (i + j) % 2:
                a, b = 34.0 * j, 34.0 * (j + 1)
                shapes.append([(at(a, top), top), (at(b, top), top), (at(b, bottom), bottom), (at(a, bottom), bottom)])
    blend(canvas.pixels, polygons(shapes) * 0.62, lit(code))


def cupboards(canvas: Canvas, span: tuple[float, float], lit: Paint, code: str) -> None:
    """On the wall, with knobs."""
    left, right = span
    count = max(1, round((right - left) / 44))
    wide = (right - left) / count
    blend(canvas.pixels, boxes([(left, 14, right, 86)]), lit(code) * 0.8)
    for i in range(count):
        a = left + wide * i
        blend(canvas.pixels, boxes([(a + 1.5, 16, a + wide - 1.5, 84)]), lit(code))
        blend(canvas.pixels, boxes([(a + 6, 22, a + wide - 6, 78)]), mix(lit(code), WHITE, 0.2))
        blend(canvas.pixels, ellipses([(a + (wide - 6 if i % 2 == 0 else 6), 66, 2.2, 2.2)]), lit("#f4e0a8"))
    blend(canvas.pixels, boxes([(left - 2, 10, right + 2, 15)]), mix(lit(code), WHITE, 0.4))


def counter(canvas: Canvas, lit: Paint, code: str) -> None:
    blend(canvas.pixels, boxes([(0, 154, 256, 196)]), lit(code) * 0.82)
    for a in range(0, 256, 43):
        blend(canvas.pixels, boxes([(a + 1.5, 158, a + 41.5, 190)]), lit(code))
        blend(canvas.pixels, boxes([(a + 6, 163, a + 37, 186)]), mix(lit(code), WHITE, 0.16))
        blend(canvas.pixels, boxes([(a + 15, 160, a + 28, 161.8)]), lit("#f4e0a8"))
    blend(canvas.pixels, boxes([(0, 190, 256, 197)]), lit("#4f443c"))
    blend(canvas.pixels, boxes([(0, 149, 256, 156)]), lit("#c99a68"))
    blend(canvas.pixels, boxes([(0, 149, 256, 151)]), lit("#eac494"))


def stove(canvas: Canvas, x: float, lit: Paint) -> None:
    """An oven with a pot that steams."""
    blend(canvas.pixels, boxes([(x - 30, 150, x + 30, 196)]), lit("#e8ecf0"))
    blend(canvas.pixels, boxes([(x - 24, 166, x + 24, 190)]), lit("#34383f"))
    blend(canvas.pixels, boxes([(x - 20, 170, x + 20, 187)]), mix(lit("#5a4a40"), colour("#ff9a4a"), 0.45))
    canvas.flicker(x, 179, 24, "#ff9a3f", 0.34, 0.3)
    blend(canvas.pixels, ellipses([(x + a, 159, 2.8, 2.8) for a in (-20, -10, 10, 20)]), lit("#c8453a"))
    blend(canvas.pixels, boxes([(x - 22, 162.5, x + 22, 164.5)]), lit("#9aa2ac"))
    blend(canvas.pixels, boxes([(x - 30, 147, x + 30, 151)]), lit("#3f434a"))
    blend(
        canvas.pixels, np.maximum(boxes([(x - 17, 128, x + 9, 147)]), ellipses([(x - 4, 128, 13, 3)])), lit("#d9564c")
    )
    blend(canvas.pixels, boxes([(x - 21, 133, x - 17, 136), (x + 9, 133, x + 13, 136)]), lit("#8f3430"))
    blend(
        canvas.pixels, np.maximum(ellipses([(x - 4, 125, 2.4, 2.4)]), ellipses([(x - 4, 128, 14, 2.4)])), lit("#f0a090")
    )
    canvas.rising(x - 4, 124, 62, 4, 9, mix(lit("#ffffff"), WHITE, 0.5), 0.5)


def sink(canvas: Canvas, x: float, lit: Paint) -> None:
    blend(canvas.pixels, boxes([(x - 22, 148, x + 22, 152)]), lit("#c4ccd4"))
    tap = np.clip(ellipses([(x, 132, 9, 10)]) - ellipses([(x, 132, 6, 7)]), 0, 1) * boxes([(x - 12, 118, x + 12, 132)])
    blend(canvas.pixels, np.maximum(tap, boxes([(x - 9, 131, x - 6, 149), (x + 6, 131, x + 9, 136)])), lit("#aab4be"))


def fridge(canvas: Canvas, x: float, lit: Paint, code: str) -> None:
    blend(canvas.pixels, boxes([(x - 26, 46, x + 26, 200)]), lit(code))
    blend(canvas.pixels, boxes([(x + 16, 46, x + 26, 200)]) * 0.3, lit("#5a6470"))
    blend(canvas.pixels, boxes([(x - 26, 96, x + 26, 98)]), lit("#8a949c"))
    blend(canvas.pixels, boxes([(x - 20, 72, x - 17, 90), (x - 20, 104, x - 17, 134)]), lit("#7a848c"))
    for a, b, shade in ((2, 64, "#f2c93c"), (-6, 116, "#e8605a"), (6, 126, "#5fa8d8")):
        blend(canvas.pixels, boxes([(x + a, b, x + a + 8, b + 9)]), lit(shade))


def bowl(canvas: Canvas, x: float, y: float, lit: Paint) -> None:
    """Fruit."""
    for a, b, code in ((-10, -13, "#e8443a"), (1, -16, "#f5a53c"), (11, -13, "#8fc84a"), (-3, -11, "#f2d84a")):
        blend(canvas.pixels, ellipses([(x + a, y + b, 7, 7)]), lit(code))
    half = ellipses([(x, y - 10, 23, 11)]) * boxes([(x - 24, y - 10, x + 24, y + 2)])
    blend(canvas.pixels, half, lit("#f4f0e8"))
    blend(canvas.pixels, half * boxes([(x - 24, y - 8, x + 24, y - 5)]), lit("#4f86c0"))


def pans(canvas: Canvas, x: float, y: float, lit: Paint) -> None:
    """Pots and ladles on a rail."""
    blend(canvas.pixels, boxes([(x - 32, y, x + 32, y + 2)]), lit("#8a7050"))
    for i, (a, r, code) in enumerate(((-22, 8, "#c9784a"), (-2, 10, "#b0643c"), (20, 7, "#d08a58"))):
        blend(canvas.pixels, boxes([(x + a - 1, y, x + a + 1, y + 12 + i)]), lit("#5a4638"))
        blend(canvas.pixels, ellipses([(x + a, y + 18 + r / 2, r, r)]), lit(code))
        blend(canvas.pixels, ellipses([(x + a - 0.3 * r, y + 18 + 0.2 * r, 0.4 * r, 0.4 * r)]) * 0.6, lit("#f4d0b0"))


def pendant(canvas: Canvas, x: float, lit: Paint) -> None:
    blend(canvas.pixels, boxes([(x - 0.8, 0, x + 0.8, 12)]), lit("#4a4038"))
    blend(
        canvas.pixels,
        polygons([[(x - 4, 10), (x + 4, 10), (x + 15, 24), (x - 15, 24)]]),
        mix(lit("#d9564c"), colour("#ffdf9c"), 0.7 * canvas.light.lamps),
    )
    if canvas.light.lamps > 0.3:
        canvas.flicker(x, 30, 84, "#ffcf7a", 0.34 * canvas.light.lamps, 0.2)
