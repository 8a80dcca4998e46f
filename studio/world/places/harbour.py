"""Draws the four views of the harbour."""

from collections.abc import Sequence

import numpy as np

from studio.world.painting import Canvas, boxes, ellipses, polygons, rolling
from studio.world.scenery import sky, sunlit_path, water, windows

HOUSES = ("#e8b04a", "#d9685a", "#6fa6c8", "#f0dcb8", "#8fb98a", "#e08a6a", "#b9a0c8")


def harbour(canvas: Canvas, view: int) -> None:
    shore = (146.0, 138.0, 152.0, 142.0)[view]
    sun = (190, 66, 128, 210)[view]
    sky(canvas, shore, sun)
    canvas.ground(rolling(shore - 22, 14, 1.1, view * 1.9), "#86aab0", "#8fb5a6", 0.62)
    if view == 2:
        for x, lean in ((44, 1), (206, -1)):
            crane(canvas, x, shore + 4, lean)
    else:
        waterfront(canvas, shore, ((-4, 262), (92, 262), (-4, 158))[view if view < 2 else 2])
    if view == 3:
        beacon(canvas, 222, shore + 6)
    water(canvas, shore + 4, "#1d6a96", "#74bcd6")
    canvas.reflect(shore + 4, 0.45)
    sunlit_path(canvas, sun, shore + 4)
    canvas.glints(shore + 10, 204, 18, 0.35)
    canvas.behind()
    if view == 2:
        ship(canvas, 128, shore + 34)
    fleet = (((52, 186, 34), (208, 178, 28)), ((40, 182, 46),), ((226, 194, 22),), ((66, 184, 40), (128, 168, 20)))[
        view
    ]
    for i, (x, y, size) in enumerate(fleet):
        sailing_boat(canvas, x, y, size, HOUSES[(2 * i + view) % 3])
    quay(canvas, (212, 214, 216, 212)[view])


def waterfront(canvas: Canvas, shore: float, reach: tuple[float, float]) -> None:
    """Tall narrow houses in many colours, wall to wall along the quay."""
    canvas.fill(boxes([(reach[0], shore - 5, reach[1], shore + 6)]), "#b5a794", 0.2, 0.6)
    x, number = reach[0], 0
    while x < reach[1] - 12:
        wide, tall = canvas.rng.uniform(22, 30), canvas.rng.uniform(42, 66)
        top, right = shore - 3 - tall, min(x + wide, reach[1])
        code = HOUSES[number % len(HOUSES)]
        canvas.fill(boxes([(x, top, right, shore - 3)]), code, 0.14, to="#b9a088", span=(top, shore + 20))
        gable = [(x - 1, top + 1), ((x + right) / 2, top - 15), (right + 1, top + 1)]
        canvas.fill(polygons([gable]), ("#a8483f", "#7a5a58", "#8a6a5a")[number % 3], 0.14, 0.95)
        rows = np.arange(top + 6, shore - 18, 15)
        panes = [(x + a * wide, y, x + (a + 0.2) * wide, y + 8) for y in rows for a in (0.16, 0.62)]
        windows(canvas, [pane for pane in panes if pane[2] < right - 1], 0.1, float(canvas.rng.random() < 0.75))
        x, number = x + wide, number + 1


def sailing_boat(canvas: Canvas, x: float, y: float, size: float, code: str) -> None:
    hull = [
        (x - size * 0.62, y - size * 0.2),
        (x + size * 0.66, y - size * 0.24),
        (x + size * 0.44, y),
        (x - size * 0.46, y),
    ]
    canvas.fill(ellipses([(x, y + 1, size * 0.62, size * 0.09)]), "#123a52", 0.0, strength=0.5)
    canvas.fill(boxes([(x - 1, y - size * 1.75, x + 1, y - size * 0.2)]), "#6b4b34", 0.0)
    sails = [
        [(x + 2, y - size * 1.7), (x + size * 0.6, y - size * 0.34), (x + 2, y - size * 0.32)],
        [(x - 2, y - size * 1.5), (x - size * 0.46, y - size * 0.34), (x - 2, y - size * 0.32)],
    ]
    canvas.fill(polygons(sails[:1]), "#fdf8ec", 0.0, 0.3, to="#e4d8c4", span=(y - size * 1.7, y))
    canvas.fill(polygons(sails[1:]), code, 0.0, 0.3)
    canvas.fill(polygons([hull]), "#fbf6ee", 0.0, 0.2)
    canvas.fill(polygons([hull]) * boxes([(x - size, y - size * 0.11, x + size, y + 2)]), code, 0.0)


def ship(canvas: Canvas, x: float, y: float) -> None:
    """A freighter with containers on its deck."""
    hull = [(x - 78, y - 22), (x + 84, y - 22), (x + 70, y), (x - 68, y)]
    stacks: Sequence[tuple[float, float, float, float]] = [
        (x - 48 + 17 * i, y - 32 - 9 * ((i * 5) % 3), x - 33 + 17 * i, y - 22) for i in range(6)
    ]
    for i, stack in enumerate(stacks):
        canvas.fill(boxes([stack]), ("#d9685a", "#e8b04a", "#5fa0b8")[i % 3], 0.06, 0.8)
    canvas.fill(boxes([(x - 72, y - 50, x - 54, y - 22)]), "#f4f0e6", 0.06, 0.7)
    windows(canvas, [(x - 69, y - 46, x - 57, y - 41)], 0.05)
    canvas.fill(polygons([hull]), "#34506e", 0.05)
    canvas.fill(polygons([hull]) * boxes([(0, y - 7, 256, y + 2)]), "#b5483f", 0.05)


def crane(canvas: Canvas, x: float, y: float, lean: int) -> None:
    """A harbour crane on four legs, its arm out over the water."""
    legs = [(x - 18, y - 62, x - 13, y), (x + 13, y - 62, x + 18, y), (x - 18, y - 40, x + 18, y - 36)]
    arm = [(x - 30 * lean, y - 74), (x + 74 * lean, y - 108), (x + 74 * lean, y - 104), (x - 30 * lean, y - 66)]
    tower = [(x - 10, y - 62), (x + 10, y - 62), (x + 4, y - 100), (x - 4, y - 100)]
    canvas.fill(boxes([(x - 60, y - 8, x + 60, y)]), "#a89c8c", 0.2, 0.7)
    canvas.fill(np.maximum(boxes(legs), polygons([arm, tower])), "#e0843f", 0.12, 0.2)
    canvas.fill(boxes([(x + 62 * lean - 0.7, y - 102, x + 62 * lean + 0.7, y - 52)]), "#4a4a56", 0.1)
    canvas.fill(boxes([(x + 62 * lean - 7, y - 52, x + 62 * lean + 7, y - 43)]), "#5fa0b8", 0.1)


def beacon(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(boxes([(x - 40, y - 12, x + 60, y)]), "#8f8478", 0.12, 0.8)
    canvas.fill(boxes([(x - 5, y - 46, x + 5, y - 12)]), "#4f9a6a", 0.1)
    canvas.fill(boxes([(x - 7, y - 49, x + 7, y - 46), (x - 4, y - 56, x + 4, y - 49)]), "#f4efe2", 0.1, 0.6)
    canvas.flicker(x, y - 52, 12, "#9affb4", 0.3 + 0.6 * canvas.light.lamps, 0.4)


def quay(canvas: Canvas, top: float) -> None:
    """The stone edge one stands on, with bollards."""
    canvas.fill(boxes([(0, top, 256, 258)]), "#c4b8a4", 0.0, 0.85, to="#8f8474", span=(top, 258))
    canvas.fill(boxes([(0, top + 5, 256, top + 13)]), "#8a7f70", 0.0, 0.3)
    joints = [(x, top + 13, x + 1, 258) for x in range(14, 256, 42)]
    canvas.fill(boxes([*joints, (0, 236, 256, 237)]), "#7d7264", 0.0, 0.6, strength=0.5)
    for x in (30, 226):
        canvas.fill(
            np.maximum(boxes([(x - 5, top - 10, x + 5, top + 3)]), ellipses([(x, top - 11, 8, 4)])), "#3f4654", 0.0, 0.3
        )
