"""Draws the four views of the library."""

from collections.abc import Callable

import numpy as np

from studio.world.painting import Array, Canvas, blend, boxes, colour, ellipses, grid, mix, polygons, soft_disc
from studio.world.places.room import interior, lamplit
from studio.world.scenery import WHITE

Paint = Callable[[str], Array]
BOOKS = ("#a8403c", "#3f6a94", "#c99a3c", "#4f7f5c", "#6f5490", "#d3c4a0", "#8a4f38")


def library(canvas: Canvas, view: int) -> None:
    lit = lamplit(canvas.light)
    interior(canvas, ("#6a4a38", "#5a4a44", "#6f5240", "#5f4638")[view], "#9a6440", lit)
    if view == 0:
        cases(canvas, ((-4, 84), (172, 260)), 8, lit)
        window(canvas, 128, 30, 34, 150, lit)
        gallery(canvas, 92, lit)
    elif view == 1:
        cases(canvas, ((-4, 62), (66, 128), (132, 194), (198, 260)), -6, lit)
        ladder(canvas, 106, lit)
    elif view == 2:
        cases(canvas, ((-4, 60), (196, 260)), 8, lit)
        for x in (92, 164):
            window(canvas, x, 40, 24, 150, lit)
        globe(canvas, 36, 206, lit)
    else:
        aisle(canvas, lit)
    boards = [
        [(128 + a * 0.7, 193), (128 + a * 0.7 + 1, 193), (128 + a * 1.25 + 2, 256), (128 + a * 1.25, 256)]
        for a in range(-190, 200, 30)
    ]
    blend(canvas.pixels, polygons(boards) * 0.3, lit("#5a3a26"))
    blend(canvas.pixels, ellipses([(128, 234, 118, 18)]) * 0.9, lit(("#2f5a4c", "#7a2f38", "#34507a", "#7a2f38")[view]))
    blend(canvas.pixels, ellipses([(128, 234, 106, 14)]) * 0.9, lit(("#4f8068", "#a8504c", "#5f7fa8", "#a8504c")[view]))
    if view in (0, 1):
        desk(canvas, (206, 40)[view], 214, lit)
    dust(canvas, view)


def cases(canvas: Canvas, spans: tuple[tuple[float, float], ...], top: float, lit: Paint) -> None:
    """Bookcases from floor to ceiling, full."""
    books: dict[str, list[tuple[float, float, float, float]]] = {code: [] for code in BOOKS}
    for left, right in spans:
        blend(canvas.pixels, boxes([(left, top, right, 200)]), lit("#8a5a38"))
        rows = np.arange(top + 8, 186, 30)
        blend(canvas.pixels, boxes([(left + 4, y, right - 4, y + 26) for y in rows]), lit("#3a2418"))
        for y in rows:
            x = left + 6
            while x < right - 9:
                wide = canvas.rng.uniform(3.6, 7)
                if canvas.rng.random() < 0.94:
                    books[BOOKS[canvas.rng.integers(len(BOOKS))]].append(
                        (x, y + canvas.rng.uniform(2, 8), x + wide, y + 26)
                    )
                x += wide + 0.6
        blend(
            canvas.pixels,
            boxes(
                [(left - 2, top - 6, right + 2, top + 2), (left, top, left + 2.5, 200), (right - 2.5, top, right, 200)]
            ),
            lit("#a8744a"),
        )
    for code, shapes in books.items():
        blend(canvas.pixels, boxes(shapes), lit(code))
        blend(canvas.pixels, boxes([(a + 0.6, b + 4, c - 0.6, b + 5.6) for a, b, c, _ in shapes]) * 0.6, lit("#f0d890"))


def window(canvas: Canvas, x: float, top: float, half: float, bottom: float, lit: Paint) -> None:
    """A tall arched window of many panes, and its light."""
    light = canvas.light
    arch = lambda w: np.maximum(boxes([(x - w, top + half, x + w, bottom)]), ellipses([(x, top + half, w, w)]))  # noqa: E731
    blend(
        canvas.pixels,
        np.maximum(arch(half + 6), boxes([(x - half - 9, bottom, x + half + 9, bottom + 7)])),
        lit("#c9a882"),
    )
    pane, down = arch(half), np.clip((grid().down - top) / (bottom - top), 0, 1)
    blend(
        canvas.pixels,
        pane,
        mix(mix(light.top, light.middle, np.clip(2 * down, 0, 1)), light.low, np.clip(2 * down - 1, 0, 1)),
    )
    blend(canvas.pixels, pane * soft_disc(x + 6, top + half, 40, 40) * 0.8, light.glow)
    blend(
        canvas.pixels,
        pane * ellipses([(x - 14, bottom - 4, 26, 20), (x + 18, bottom, 24, 26)]),
        canvas.shade("#5f9460", 0.3),
    )
    bars = [(x + a - 0.9, 0, x + a + 0.9, bottom) for a in np.arange(-half, half + 1, half / 2)]
    bars += [(x - half, y, x + half, y + 1.6) for y in np.arange(top + half, bottom, 22)]
    blend(canvas.pixels, pane * boxes(bars), lit("#e8dcc4"))
    if light.dark:
        for a, b in canvas.chance.uniform((x - half + 4, top + 14), (x + half - 4, bottom - 40), (5, 2)):
            canvas.flicker(a, b, 2.4, "#fff8e0", 0.9, 0.4)
    patch = polygons([[(x - half * 0.9, 198), (x + half * 0.9, 198), (x + half * 1.5, 250), (x - half * 1.5, 250)]])
    strength = {"day": 0.36, "sunset": 0.40, "night": 0.14, "dawn": 0.32}[light.time]
    shade = mix(light.low, light.glow, 0.4)
    canvas.motions.append(lambda pixels, turn: blend(pixels, patch * (strength * (0.8 + 0.2 * np.sin(turn))), shade))


def gallery(canvas: Canvas, y: float, lit: Paint) -> None:
    """A balcony along the upper shelves."""
    for left, right in ((-4, 86), (170, 260)):
        blend(canvas.pixels, boxes([(left, y, right, y + 7)]), lit("#b07a4c"))
        blend(canvas.pixels, boxes([(x, y - 20, x + 1.8, y) for x in np.arange(left + 3.0, right, 8)]), lit("#d9b078"))
        blend(canvas.pixels, boxes([(left, y - 22, right, y - 18.5)]), lit("#b07a4c"))


def ladder(canvas: Canvas, x: float, lit: Paint) -> None:
    sides = [[(x + a, 10), (x + a + 3, 10), (x + a + 17, 206), (x + a + 13, 206)] for a in (0, 17)]
    rungs = [(x + 1 + 0.07 * y, y, x + 19 + 0.07 * y, y + 2.6) for y in range(28, 204, 20)]
    blend(canvas.pixels, np.maximum(polygons(sides), boxes(rungs)), lit("#e0b070"))


def globe(canvas: Canvas, x: float, y: float, lit: Paint) -> None:
    blend(canvas.pixels, boxes([(x - 2, y - 30, x + 2, y - 4), (x - 16, y - 5, x + 16, y)]), lit("#7a4f30"))
    blend(
        canvas.pixels,
        np.clip(ellipses([(x, y - 52, 28, 28)]) - ellipses([(x, y - 52, 25.5, 25.5)]), 0, 1),
        lit("#d9b060"),
    )
    ball = ellipses([(x, y - 52, 23, 23)])
    blend(canvas.pixels, ball, lit("#4f90b8"))
    lands = [(x - 9, y - 60, 8, 7), (x + 8, y - 50, 8, 10), (x - 6, y - 42, 6, 7), (x + 2, y - 70, 9, 3)]
    blend(canvas.pixels, ball * ellipses(lands), lit("#8fae5a"))
    blend(canvas.pixels, ball * soft_disc(x - 8, y - 62, 20, 20) * 0.5, WHITE)


def desk(canvas: Canvas, x: float, y: float, lit: Paint) -> None:
    """A reading table with a green lamp and an open book."""
    blend(canvas.pixels, boxes([(x - 40, y - 30, x - 35, y), (x + 35, y - 30, x + 40, y)]), lit("#5f3c26"))
    blend(canvas.pixels, boxes([(x - 46, y - 36, x + 46, y - 29)]), lit("#a06a42"))
    blend(
        canvas.pixels,
        polygons([[(x - 26, y - 36), (x - 14, y - 41), (x - 2, y - 37), (x + 10, y - 41), (x + 20, y - 36)]]),
        lit("#f4ead4"),
    )
    blend(canvas.pixels, boxes([(x + 25, y - 58, x + 27, y - 36), (x + 19, y - 38, x + 33, y - 36)]), lit("#c9a04a"))
    green = mix(lit("#2f7f5c"), colour("#5fd09a"), 0.6 * canvas.light.lamps)
    blend(canvas.pixels, polygons([[(x + 13, y - 58), (x + 18, y - 68), (x + 34, y - 68), (x + 39, y - 58)]]), green)
    canvas.flicker(x + 26, y - 48, 46, "#ffd98a", 0.16 + 0.4 * canvas.light.lamps, 0.15)


def aisle(canvas: Canvas, lit: Paint) -> None:
    """Shelves left and right running away to a bright window."""
    window(canvas, 128, 62, 20, 168, lit)
    for side in (-1, 1):
        for i in range(4):
            near, far = 128 + side * (138 - 28 * i), 128 + side * (112 - 28 * i + 4)
            top, low = -6 + 22 * i, 232 - 13 * i
            blend(canvas.pixels, boxes([(min(near, far), top, max(near, far), low)]), lit("#8a5a38") * (1 - 0.08 * i))
            blend(canvas.pixels, boxes([(far - 2, top + 4, far + 2, low)]), lit("#b58050") * (1 - 0.08 * i))
            rows = np.arange(top + 10, low - 20, 26 - 3 * i)
            for k, code in enumerate(BOOKS):
                shapes = []
                for y in rows:
                    for j in range(4):
                        if (j + int(y) + i + side) % len(BOOKS) == k:
                            x = min(near, far) + 4 + 4.6 * j
                            shapes.append((x, y + 3 + (j * 5 + k) % 5, x + 4, y + 22 - 3 * i))
                if shapes:
                    blend(canvas.pixels, boxes(shapes), lit(code) * (1 - 0.06 * i))
    for i, y in enumerate((46, 60)):
        canvas.flicker(128, y - 30, 40 - 8 * i, "#ffd98a", 0.18 + 0.3 * canvas.light.lamps, 0.15)
    blend(canvas.pixels, boxes([(127, 0, 129, 14)]), lit("#4a3424"))
    blend(
        canvas.pixels,
        ellipses([(128, 18, 9, 7)]),
        mix(lit("#f4e4b8"), colour("#fff0b8"), 0.5 + 0.5 * canvas.light.lamps),
    )


def dust(canvas: Canvas, view: int) -> None:
    """Motes in the light."""
    for x, y in canvas.chance.uniform((70, 60), (190, 190), (8, 2)):
        canvas.flicker(x, y, 2.4, "#fff0c8", 0.5, 0.6)
