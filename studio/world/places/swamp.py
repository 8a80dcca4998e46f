"""Draws the four views of the swamp."""

import numpy as np

from studio.world.painting import FULL_TURN, Array, Canvas, blend, boxes, edge, ellipses, grid, polygons, rolling
from studio.world.scenery import sky, spread, water, windows


def swamp(canvas: Canvas, view: int) -> None:
    sky(canvas, 168, (190, 70, 128, 60)[view])
    canvas.fill(edge(grid().rows + 2), "#b5b86a", 0.4, strength=0.42)
    for i, (base, code, depth, count, tall) in enumerate(
        ((150, "#9aa878", 0.66, 14, 84), (160, "#74875a", 0.42, 9, 112))
    ):
        for x in spread(canvas, count, -8, 264):
            cypress(canvas, float(x), base + 6, tall * float(canvas.rng.uniform(0.8, 1.15)), code, depth, i == 1)
        canvas.ground(rolling(base, 4, 1.3, view + i), code, "#7d8a58", depth, 0.8)
    canvas.drift(158, 18, 0.4, canvas.shade("#c8cc98", 0.4))
    water(canvas, 164, "#4a5a2c", "#8f9a5c")
    canvas.fill(edge(grid().rows - 164), "#6a7a34", 0.0, 0.2, strength=0.5)
    canvas.reflect(164, 0.42)
    canvas.glints(176, 236, 12, 0.28)
    canvas.behind()
    weed(canvas)
    giants = (
        ((36, 214, 150), (224, 196, 120)),
        ((206, 222, 166),),
        ((24, 204, 130), (238, 220, 160)),
        ((60, 204, 138),),
    )[view]
    for x, y, tall in giants:
        canvas.fill(ellipses([(x, y, tall * 0.24, 5)]), "#2c341c", 0.0, strength=0.5)
        cypress(canvas, x, y, tall, "#5a5a3c", 0.03, True)
    if view == 1:
        boardwalk(canvas)
    elif view == 2:
        cabin(canvas, 128, 184)
    elif view == 3:
        log(canvas, 190, 214)
    if canvas.light.time in ("night", "sunset"):
        for a, b in canvas.chance.uniform((16, 110), (240, 216), (10, 2)):
            canvas.flicker(a, b, 5, "#d8ff7a", 0.75, 0.5)
    reeds = [
        (x + d, 260, 42 + 10 * np.sin(3 * d))
        for x in ((18, 238), (30,), (12, 244), (226, 250))[view]
        for d in range(-18, 20, 5)
    ]
    canvas.sway(reeds, "#7d8a3c", 3.5)


def cypress(canvas: Canvas, x: float, y: float, tall: float, code: str, depth: float, moss: bool) -> None:
    """A swamp cypress: a flared foot, bare boughs, hanging moss."""
    w = tall * 0.055
    trunk = [
        (x - 3.2 * w, y),
        (x - 1.4 * w, y - 0.14 * tall),
        (x - w, y - 0.4 * tall),
        (x - 0.6 * w, y - tall),
        (x + 0.6 * w, y - tall),
        (x + w, y - 0.4 * tall),
        (x + 1.4 * w, y - 0.14 * tall),
        (x + 3.4 * w, y),
    ]
    boughs = [
        [
            (x, y - h * tall),
            (x + s * reach * tall, y - (h + 0.16) * tall),
            (x + s * reach * tall, y - (h + 0.145) * tall),
            (x, y - (h - 0.045) * tall),
        ]
        for s, h, reach in ((-1, 0.62, 0.24), (1, 0.7, 0.26), (-1, 0.84, 0.18), (1, 0.52, 0.2))
    ]
    canvas.fill(polygons([trunk, *boughs]), code, depth, 0.3)
    canvas.fill(polygons([[(x + 0.2 * w, y), (x + 0.3 * w, y - tall), *trunk[4:]]]), "#2a2c1c", depth, strength=0.35)
    tops = [
        (x + a * tall, y - b * tall, c * tall, 0.055 * tall)
        for a, b, c in ((-0.2, 0.8, 0.13), (0.22, 0.88, 0.14), (0, 1.0, 0.17), (-0.14, 1.02, 0.1), (0.2, 0.7, 0.09))
    ]
    canvas.fill(ellipses(tops), "#7d9450", depth, 0.7, strength=0.9)
    if moss:
        beards(canvas, x, y, tall, depth)


BEARDS = (
    (-0.26, 0.8, 0.22),
    (-0.17, 0.78, 0.3),
    (-0.1, 0.96, 0.16),
    (0.12, 0.86, 0.2),
    (0.2, 0.84, 0.32),
    (0.28, 0.86, 0.2),
)


def beards(canvas: Canvas, x: float, y: float, tall: float, depth: float) -> None:
    """Moss hanging from a tree's boughs, swaying."""
    shade, start = canvas.shade("#a3b070", depth, 0.3), canvas.rng.uniform(0, FULL_TURN)
    hung = [(x + a * tall, y - b * tall, c * tall) for a, b, c in BEARDS]
    half = 0.022 * tall

    def play(pixels: Array, turn: float) -> None:
        shapes = []
        for i, (a, b, length) in enumerate(hung):
            tip = a + 0.02 * tall * np.sin(turn + start + i)
            low = [(tip + 0.4 * half, b + 0.7 * length), (tip, b + length), (tip - 0.6 * half, b + 0.6 * length)]
            shapes.append([(a - half, b), (a + half, b), *low])
        blend(pixels, polygons(shapes) * 0.85, shade)

    canvas.motions.append(play)


def weed(canvas: Canvas) -> None:
    """Duckweed and lily pads on the dark water."""
    near = np.sort(canvas.rng.random(46))
    canvas.fill(
        ellipses([(canvas.rng.uniform(-10, 266), 172 + 72 * n, 8 + 20 * n, 1.2 + 2.6 * n) for n in near]),
        "#8fae3c",
        0.05,
        0.6,
        strength=0.62,
    )
    pads = [(canvas.rng.uniform(0, 256), 206 + 46 * n, 7 + 8 * n, 2.2 + 2.4 * n) for n in near[::6]]
    canvas.fill(ellipses(pads), "#4f8a3c", 0.0, 0.6)
    canvas.fill(ellipses([(x + 2, y - r - 1, 3.2, 2.6) for x, y, _, r in pads[::3]]), "#f4d8ea", 0.0, 0.3)


def boardwalk(canvas: Canvas) -> None:
    canvas.fill(boxes([(x, 214 + 0.1 * x, x + 4, 250) for x in (20, 74, 122)]), "#4a3826", 0.0)
    canvas.fill(polygons([[(-6, 206), (150, 206), (128, 226), (-6, 232)]]), "#9a7a50", 0.0, 0.85)
    gaps = [[(x, 206), (x + 1.4, 206), (x - 5, 230), (x - 7, 230)] for x in range(8, 146, 14)]
    canvas.fill(polygons(gaps), "#4f3a26", 0.0, strength=0.6)
    canvas.fill(polygons([[(-6, 232), (128, 226), (128, 230), (-6, 237)]]), "#5a4229", 0.0)


def cabin(canvas: Canvas, x: float, y: float) -> None:
    """A crooked cabin on stilts with a lit window."""
    canvas.fill(boxes([(x + a, y - 10, x + a + 4, y + 12) for a in (-38, -14, 12, 34)]), "#3f3424", 0.05)
    canvas.fill(boxes([(x - 46, y - 14, x + 48, y - 8)]), "#6a5438", 0.05, 0.8)
    canvas.fill(polygons([[(x - 36, y - 14), (x - 32, y - 52), (x + 34, y - 50), (x + 38, y - 14)]]), "#7d6648", 0.06)
    canvas.fill(
        polygons([[(x - 46, y - 48), (x - 10, y - 80), (x + 8, y - 78), (x + 46, y - 46)]]), "#5a5038", 0.05, 0.9
    )
    canvas.fill(boxes([(x - 8, y - 42, x + 8, y - 14)]), "#3a2c20", 0.05)
    windows(canvas, [(x + 14, y - 42, x + 28, y - 28), (x - 28, y - 42, x - 15, y - 28)], 0.04)
    canvas.flicker(x + 21, y - 34, 20, "#ffcf70", 0.2 + 0.4 * canvas.light.lamps, 0.3)


def log(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(ellipses([(x, y + 9, 58, 5)]), "#2c341c", 0.0, strength=0.5)
    canvas.fill(
        polygons([[(x - 56, y - 4), (x + 50, y - 10), (x + 52, y + 6), (x - 54, y + 10)]]),
        "#6a543a",
        0.0,
        0.2,
        to="#453626",
        span=(y - 10, y + 10),
    )
    canvas.fill(ellipses([(x + 51, y - 2, 5, 8)]), "#b08f60", 0.0)
    canvas.fill(polygons([[(x - 20, y - 6), (x - 30, y - 30), (x - 25, y - 30), (x - 10, y - 6)]]), "#5f4a32", 0.0)
    canvas.fill(ellipses([(x - 40, y - 5, 14, 4), (x + 10, y - 8, 20, 4)]), "#7d9a3c", 0.0, 0.7)
