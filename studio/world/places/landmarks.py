"""Landmarks that stand in more than one place."""

from collections.abc import Sequence

import numpy as np

from studio.world.painting import Canvas, boxes, edge, ellipses, grid, polygons


def palm(canvas: Canvas, x: float, y: float, height: float, lean: float) -> None:
    """A palm whose trunk bows by `lean` of its height."""
    up = np.linspace(0, 1, 9)
    line = [(x + lean * height * t**1.7, y - height * t) for t in up]
    wide = 5.5 - 2.8 * up
    outline = [(a - w, b) for (a, b), w in zip(line, wide, strict=True)]
    outline += [(a + w, b) for (a, b), w in zip(line[::-1], wide[::-1], strict=True)]
    canvas.fill(polygons([outline]), "#a97b4f", 0.0, 0.2)
    top, leaves, shine = line[-1], [], []
    for reach, droop in ((-1.0, 0.55), (-0.85, -0.02), (-0.42, -0.42), (0.30, -0.46), (0.82, -0.10), (1.0, 0.50)):
        out, bow = reach * height * 0.40, droop * height * 0.36
        spine = [(top[0] + out * t, top[1] + bow * t * t - height * 0.13 * np.sin(np.pi * t * 0.9)) for t in up]
        wide = height * 0.05 * np.sin(np.pi * np.clip(0.08 + 0.92 * up, 0, 1))
        upper = [(a, b - w) for (a, b), w in zip(spine, wide, strict=True)]
        lower = [(a, b + w) for (a, b), w in zip(spine, wide, strict=True)]
        leaves.append(upper + lower[::-1])
        shine.append(upper + spine[::-1])
    canvas.fill(polygons(leaves), "#2f8a4e", 0.0, 0.3)
    canvas.fill(polygons(shine), "#6fbf5a", 0.0, 0.8, strength=0.8)
    canvas.fill(ellipses([(top[0] - 4, top[1] + 5, 4, 4), (top[0] + 4, top[1] + 6, 4, 4)]), "#7a4e2c", 0.0)


def mesas(canvas: Canvas, shapes: Sequence[tuple[float, float, float, str]], base: float) -> None:
    """Flat-topped rocks (left, right, top, colour) with bands and a shaded side."""
    for left, right, top, code in shapes:
        outline = [
            (left - 16, base + 12),
            (left - 5, top + 26),
            (left, top),
            (right, top),
            (right + 6, top + 26),
            (right + 18, base + 12),
        ]
        mask = polygons([outline])
        canvas.fill(mask, code, 0.32, 0.1, to="#d99a6c", span=(top, base))
        bands = boxes(
            [
                (left - 30, top + a * (base - top), right + 30, top + (a + 0.10) * (base - top))
                for a in (0.16, 0.46, 0.72)
            ]
        )
        canvas.fill(mask * bands, "#9c5640", 0.34, 0.1, strength=0.5)
        dim = np.clip((grid().columns - (left + 0.68 * (right - left))) / 4, 0, 1)
        canvas.fill(mask * dim, "#6e3c3a", 0.32, 0.1, strength=0.42)
        canvas.fill(mask * edge(top + 5 - grid().rows), "#e8b07e", 0.3, 1.0)
