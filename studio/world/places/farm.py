"""Draws the four views of the farm."""

import numpy as np

from studio.world.painting import FULL_TURN, Array, Canvas, below, blend, boxes, ellipses, grid, polygons, rolling
from studio.world.scenery import grass, sky, spread, trees, windows


def farm(canvas: Canvas, view: int) -> None:
    sky(canvas, 148, (70, 196, 128, 60)[view])
    canvas.ground(rolling((132, 126, 136, 130)[view], 10, 1.3, 1.6 * view), "#94bd9c", "#a6c48a", 0.6)
    canvas.ground(rolling(150, 6, 1.1, view + 1.0), ("#d9c25a", "#a8c85c", "#8fc05c", "#e0b84a")[view], "#b5c060", 0.3)
    trees(canvas, [(x, 160, 26) for x in spread(canvas, 6, 0, 256)], "#5d9c62", 0.3)
    crest = rolling((176, 180, 176, 178)[view], 4, 0.8, view + 3.0)
    if view == 3:
        windmill(canvas, 190, 182)
    else:
        x = (158, 70, 190)[view]
        barn(canvas, x, 182, (112, 96, 66)[view])
        silo(canvas, x + (74, -62, 50)[view], 182, (92, 88, 66)[view])
    field(
        canvas,
        crest,
        (("#e3c45c", "#b8923a"), ("#86b84a", "#7a5a3c"), ("#6fae48", "#4f8f3c"), ("#ecc85a", "#c09a3c"))[view],
    )
    if view == 0:
        for x, y, r in ((40, 206, 17), (76, 200, 12)):
            bale(canvas, x, y, r)
    elif view == 2:
        fence(canvas, 196)
        canvas.fill(ellipses([(38, 176, 8, 5), (66, 180, 9, 6), (98, 177, 8, 5)]), "#fbf6ee", 0.05)
        canvas.fill(ellipses([(31, 175, 3.4, 3), (58, 179, 3.6, 3.2), (106, 176, 3.4, 3)]), "#3f3a3e", 0.05)
    if view == 1:
        rows = [(x, y, 14.0) for y in (232, 250) for x in range(8, 256, 22)]
        canvas.fill(ellipses([(x, y, 8, 6) for x, y, _ in rows]), "#5fa548", 0.0, 0.6)
    else:
        grass(canvas, 26, ("#c9a040", "#4a9440", "#4a9440", "#cfa648")[view], 234)


def field(canvas: Canvas, crest: Array, codes: tuple[str, str]) -> None:
    """A field whose furrows run together at the horizon."""
    canvas.ground(crest, codes[0], codes[0], 0.04)
    furrows = [
        [(128 + a * 0.42, 172), (128 + a * 0.42 + 1.5, 172), (128 + a * 2.1 + 9, 258), (128 + a * 2.1 - 3, 258)]
        for a in range(-290, 300, 17)
    ]
    fade = np.clip((grid().rows - 178) / 50, 0.15, 1)
    canvas.fill((polygons(furrows) * below(crest + 2) * fade).astype(np.float32), codes[1], 0.03, 0.35, strength=0.42)


def barn(canvas: Canvas, x: float, y: float, width: float) -> None:
    """A red barn with a gambrel roof, white edges and a crossed door."""
    w, h = width / 2, width * 0.5
    front = [
        (x - w, y),
        (x - w, y - h),
        (x - 0.66 * w, y - 1.6 * h),
        (x, y - 1.95 * h),
        (x + 0.66 * w, y - 1.6 * h),
        (x + w, y - h),
        (x + w, y),
    ]
    roof = [(a + (a - x) * 0.1, b - 5) for a, b in front[1:6]]
    canvas.fill(polygons([[*roof, *front[5:0:-1]]]), "#f7f0e4", 0.05, 0.9)
    canvas.fill(polygons([front]), "#c8453a", 0.05, 0.06, to="#9c3230", span=(y - 1.9 * h, y))
    boards = [(x - w + 6 * i, y - 2 * h, x - w + 6 * i + 0.8, y) for i in range(1, int(width / 6) + 1)]
    canvas.fill(polygons([front]) * boxes(boards), "#7d2726", 0.05, strength=0.45)
    door = (x - 0.34 * w, y - 0.72 * h, x + 0.34 * w, y)
    canvas.fill(boxes([(door[0] - 2, door[1] - 2, door[2] + 2, y)]), "#f7f0e4", 0.05)
    canvas.fill(boxes([door]), "#a83a34", 0.05)
    cross = [
        [(door[0], y), (door[0] + 3, y), (door[2], door[1]), (door[2] - 3, door[1])],
        [(door[2], y), (door[2] - 3, y), (door[0], door[1]), (door[0] + 3, door[1])],
    ]
    canvas.fill(polygons(cross), "#f7f0e4", 0.05)
    canvas.fill(boxes([(x - 0.17 * w, y - 1.52 * h, x + 0.17 * w, y - 1.12 * h)]), "#f7f0e4", 0.05)
    windows(canvas, [(x - 0.12 * w, y - 1.46 * h, x + 0.12 * w, y - 1.18 * h)], 0.05)


def silo(canvas: Canvas, x: float, y: float, height: float) -> None:
    w = height * 0.17
    canvas.fill(ellipses([(x, y - height, w, w)]), "#8f9aa8", 0.08, 0.95)
    canvas.fill(boxes([(x - w, y - height, x + w, y)]), "#d4d8dc", 0.08, 0.05)
    canvas.fill(boxes([(x + 0.3 * w, y - height, x + w, y)]), "#7f8896", 0.08, strength=0.5)
    canvas.fill(
        boxes([(x - w, y - height * a, x + w, y - height * a + 1.4) for a in (0.25, 0.5, 0.75, 1.0)]), "#9aa2ac", 0.08
    )


def windmill(canvas: Canvas, x: float, y: float) -> None:
    """A white mill whose four sails go a quarter round in a loop."""
    body = polygons([[(x - 25, y), (x - 15, y - 78), (x + 15, y - 78), (x + 25, y)]])
    canvas.fill(body, "#f4ecdc", 0.05, 0.05, to="#d3c2a4", span=(y - 78, y))
    canvas.fill(body * boxes([(x + 8, 0, x + 30, 256)]), "#8f8474", 0.05, strength=0.35)
    canvas.fill(polygons([[(x - 18, y - 76), (x, y - 102), (x + 18, y - 76)]]), "#a8483f", 0.05, 0.8)
    canvas.fill(boxes([(x - 6, y - 20, x + 6, y)]), "#6b4a3c", 0.05)
    windows(canvas, [(x - 5, y - 54, x + 5, y - 42)], 0.05)
    wood, cloth = canvas.shade("#6b4b34", 0.03), canvas.shade("#fbf6ea", 0.03)

    def play(pixels: Array, turn: float) -> None:
        spars, sails = [], []
        for i in range(4):
            angle = turn / 4 + i * FULL_TURN / 4 + 0.4
            out, side = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
            at = lambda a, b, o=out, s=side: tuple((np.array([x, y - 80]) + a * o + b * s).tolist())  # noqa: E731
            spars.append([at(0, -1.3), at(58, -1.3), at(58, 1.3), at(0, 1.3)])
            sails.append([at(14, 1), at(57, 1), at(57, 12), at(14, 12)])
        blend(pixels, polygons(sails), cloth)
        blend(pixels, polygons(spars), wood)

    canvas.motions.append(play)


def bale(canvas: Canvas, x: float, y: float, r: float) -> None:
    canvas.fill(ellipses([(x + 3, y + r * 0.9, r * 1.2, r * 0.22)]), "#7a6230", 0.0, strength=0.45)
    canvas.fill(boxes([(x, y - r, x + r * 0.9, y + r)]), "#c9a04a", 0.0, 0.2)
    canvas.fill(ellipses([(x + r * 0.9, y, r * 0.5, r)]), "#b58c3c", 0.0, 0.2)
    canvas.fill(ellipses([(x, y, r * 0.8, r)]), "#ecce78", 0.0, 0.4)
    canvas.fill(ellipses([(x, y, r * 0.5, r * 0.64)]), "#c9a04a", 0.0, 0.2)
    canvas.fill(ellipses([(x, y, r * 0.34, r * 0.46)]), "#ecce78", 0.0, 0.2)


def fence(canvas: Canvas, y: float) -> None:
    posts = [(x, y - 16, x + 4, y + 8) for x in range(6, 256, 36)]
    canvas.fill(boxes([*posts, (0, y - 12, 256, y - 8), (0, y - 2, 256, y + 2)]), "#b08a5c", 0.0, 0.7)
