"""Draws the four views of the playground."""

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    Array,
    Canvas,
    blend,
    boxes,
    edge,
    ellipses,
    grid,
    polygons,
    ribbon,
    rolling,
)
from studio.world.scenery import flowers, grass, sky, spread, trees

RED, BLUE, YELLOW, GREEN = "#e8484a", "#3f86d8", "#ffc93c", "#4fb86a"


def playground(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (200, 60, 128, 190)[view])
    canvas.ground(rolling(140, 8, 1.3, view * 1.6), "#93bd9c", "#93c290", 0.6)
    trees(
        canvas,
        [(x, 164 + 2 * np.sin(x), canvas.rng.uniform(36, 54)) for x in spread(canvas, 8, -6, 262)],
        "#5fa860",
        0.22,
    )
    canvas.ground(rolling(162, 3, 0.9, view + 2.0), "#9ad46a", "#62b04c", 0.06)
    picket(canvas, 170)
    sand = ((124, 212, 132, 24), (130, 212, 128, 22), (128, 210, 112, 22), (128, 214, 126, 22))[view]
    canvas.fill(ellipses([(sand[0], sand[1] + 2, sand[2] + 6, sand[3] + 3)]), "#b5915c", 0.03, 0.7)
    canvas.fill(ellipses([sand]), "#f2dca4", 0.03, 0.85)
    if view == 0:
        slide(canvas, 74, 204, 92, 1)
        swings(canvas, 190, 200, 78)
    elif view == 1:
        swings(canvas, 84, 202, 104)
        dome(canvas, 206, 206, 42)
    elif view == 2:
        tower(canvas, 128, 204)
        spring_seat(canvas, 30, 210)
    else:
        roundabout(canvas, 64, 208)
        slide(canvas, 186, 204, 84, -1)
    path = ribbon((128, 226, 70), (128, 236, 90), (128, 258, 150))
    canvas.fill(path, "#8fd05c", 0.0, 0.9, to="#58a846", span=(226, 258))
    flowers(canvas, 18, 232, 250, ("#ffffff", "#ffd23f"))
    grass(canvas, 20, "#4a9a40", 238)


def picket(canvas: Canvas, y: float) -> None:
    posts = [[(x, y + 8), (x, y - 8), (x + 2, y - 11), (x + 4, y - 8), (x + 4, y + 8)] for x in range(2, 256, 10)]
    canvas.fill(
        np.maximum(polygons(posts), boxes([(0, y - 5, 256, y - 3), (0, y + 2, 256, y + 4)])), "#fbf6ea", 0.12, 0.4
    )


def slide(canvas: Canvas, x: float, y: float, height: float, way: int) -> None:
    """A slide: ladder, platform with a roof, and a curved chute going down to the right (way 1) or left."""
    top, w = y - height * 0.62, height * 0.16
    canvas.fill(boxes([(x - w, top, x - w + 3, y), (x + w - 3, top, x + w, y)]), BLUE, 0.0, 0.2)
    rungs = [(x - w, v, x + w, v + 2.4) for v in np.linspace(top + 8, y - 8, 5)]
    canvas.fill(boxes(rungs), YELLOW, 0.0, 0.4)
    t = np.linspace(0, 1, 12)
    upper = [
        (x + way * (w + height * 0.72 * a), top - 2 + height * 0.6 * (a - 0.09 * np.sin(FULL_TURN * a))) for a in t
    ]
    lower = [(a, b + 8) for a, b in upper]
    canvas.fill(polygons([[*upper, *lower[::-1]]]), RED, 0.0, 0.5)
    canvas.fill(polygons([[*upper, *[(a, b + 2.4) for a, b in upper][::-1]]]), "#ffb0a0", 0.0, 0.9, strength=0.8)
    end = upper[-1][0]
    canvas.fill(boxes([(min(end, end - 3 * way), upper[-1][1], max(end, end - 3 * way), y)]), BLUE, 0.0)
    canvas.fill(boxes([(x - w - 2, top - 2, x + w + 2, top + 3)]), YELLOW, 0.0, 0.6)
    canvas.fill(
        boxes([(x - w, top - height * 0.26, x - w + 3, top), (x + w - 3, top - height * 0.26, x + w, top)]), BLUE, 0.0
    )
    canvas.fill(
        polygons([[(x - w - 6, top - height * 0.25), (x, top - height * 0.46), (x + w + 6, top - height * 0.25)]]),
        GREEN,
        0.0,
        0.9,
    )


def swings(canvas: Canvas, x: float, y: float, width: float) -> None:
    """Two swings that swing against one another."""
    w, tall = width / 2, width * 0.86
    legs = [
        [(x + s * w - 2, y - tall), (x + s * w + 2, y - tall), (x + s * w + d + 2, y), (x + s * w + d - 2, y)]
        for s in (-1, 1)
        for d in (-10, 10)
    ]
    canvas.fill(polygons(legs), RED, 0.02, 0.2)
    canvas.fill(boxes([(x - w - 3, y - tall - 3, x + w + 3, y - tall + 2)]), YELLOW, 0.02, 0.8)
    canvas.fill(ellipses([(x - w / 2, y, 12, 2.4), (x + w / 2, y, 12, 2.4)]), "#a8844c", 0.0, 0.5, strength=0.5)
    rope, seat = canvas.shade("#6f6a74"), canvas.shade(BLUE)

    def play(pixels: Array, turn: float) -> None:
        ropes, seats = [], []
        for s in (-1, 1):
            angle = 0.34 * s * np.sin(turn)
            reach = tall * 0.78
            a, b = x + s * w * 0.5 + reach * np.sin(angle), y - tall + reach * np.cos(angle)
            for d in (-6, 6):
                ropes.append(
                    [
                        (x + s * w * 0.5 + d - 0.6, y - tall),
                        (x + s * w * 0.5 + d + 0.6, y - tall),
                        (a + d + 0.6, b),
                        (a + d - 0.6, b),
                    ]
                )
            seats.append((a - 9, b, a + 9, b + 4))
        blend(pixels, polygons(ropes), rope)
        blend(pixels, boxes(seats), seat)

    canvas.motions.append(play)


def dome(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """A climbing dome of hoops."""
    bars = np.zeros_like(grid().rows)
    for r in (1.0, 0.62, 0.22):
        bars = np.maximum(
            bars,
            np.clip(ellipses([(x, y, radius * r, radius)]) - ellipses([(x, y, radius * r - 2.6, radius - 2.6)]), 0, 1),
        )
    for h in (0.36, 0.68):
        half = radius * np.sqrt(1 - h * h)
        bars = np.maximum(bars, boxes([(x - half, y - radius * h - 1.2, x + half, y - radius * h + 1.2)]))
    canvas.fill(bars * edge(y - grid().rows), BLUE, 0.0, 0.4)
    canvas.fill(ellipses([(x, y - radius, 4, 4)]), YELLOW, 0.0, 0.6)


def tower(canvas: Canvas, x: float, y: float) -> None:
    """Two play towers with a rope bridge, and a slide to either side."""
    for side in (-1, 1):
        slide(canvas, x + 46 * side, y, 96, side)
    planks = [
        (
            x - 30 + 10 * i,
            y - 58 + 5 * np.sin(np.pi * (i + 0.5) / 6),
            x - 22 + 10 * i,
            y - 55 + 5 * np.sin(np.pi * (i + 0.5) / 6),
        )
        for i in range(6)
    ]
    canvas.fill(boxes(planks), "#b07c4c", 0.0, 0.7)
    canvas.fill(boxes([(x - 30, y - 72, x + 30, y - 70.6)]), "#6f6a74", 0.0)
    canvas.fill(boxes([(x - 30 + 10 * i, y - 71, x - 29 + 10 * i, y - 54) for i in range(7)]), "#6f6a74", 0.0)


def spring_seat(canvas: Canvas, x: float, y: float) -> None:
    yellow, red = canvas.shade(YELLOW), canvas.shade(RED)
    canvas.fill(boxes([(x - 3, y - 14, x + 3, y)]), "#7a7a88", 0.0)

    def play(pixels: Array, turn: float) -> None:
        lean = 2.5 * np.sin(turn)
        blend(pixels, ellipses([(x + lean, y - 20, 17, 9)]), yellow)
        blend(pixels, ellipses([(x + 15 + 1.5 * lean, y - 31, 8, 7)]), yellow)
        blend(pixels, boxes([(x - 8 + lean, y - 27, x + 2 + lean, y - 23)]), red)

    canvas.motions.append(play)


def roundabout(canvas: Canvas, x: float, y: float) -> None:
    """A turning disc with rails."""
    canvas.fill(ellipses([(x, y + 3, 46, 12)]), "#a8844c", 0.0, 0.5, strength=0.6)
    canvas.fill(ellipses([(x, y - 4, 44, 11)]), "#2f6fb8", 0.0, 0.3)
    canvas.fill(ellipses([(x, y - 8, 44, 11)]), YELLOW, 0.0, 0.7)
    canvas.fill(ellipses([(x, y - 8, 30, 7)]), RED, 0.0, 0.6)
    rail = canvas.shade("#f4f6fa")

    def play(pixels: Array, turn: float) -> None:
        bars = []
        for i in range(6):
            angle = (i + turn / FULL_TURN) * FULL_TURN / 6
            a, b = x + 38 * np.cos(angle), y - 8 + 9 * np.sin(angle)
            bars += [
                [(a - 1.2, b), (a + 1.2, b), (a + 1.2, b - 22), (a - 1.2, b - 22)],
                [(a, b - 22), (x, y - 34), (x, y - 32), (a, b - 20)],
            ]
        blend(pixels, polygons(bars), rail)

    canvas.motions.append(play)
