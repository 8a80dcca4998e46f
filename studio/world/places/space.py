"""Draws the four views of space."""

import numpy as np

from studio.world.painting import SIZE, Array, Canvas, below, blend, colour, edge, ellipses, grid, mix, rolling
from studio.world.scenery import WHITE, stars


def space(canvas: Canvas, view: int) -> None:
    down = grid().down / SIZE
    canvas.pixels[:] = mix(colour("#060716"), colour("#1a1440"), down)
    for x, y, radius, code in ((60, 60, 120, "#5a2a8a"), (200, 110, 130, "#1f4f96"), (120, 20, 90, "#8a2f70")):
        canvas.glow(x + 30 * view, y, radius, code, 0.42)
    stars(canvas, 250 if view == 3 else 196, 90, 18)
    canvas.behind()
    if view == 0:
        planet(canvas, 190, 66, 34, "#f0b070", "#a8543a", ring=True)
        craters(canvas, rolling(188, 6, 0.8, 1.0), "#c9c8d6", "#7d7c92")
    elif view == 1:
        planet(canvas, 74, 70, 42, "#5fb8f0", "#1d4f9c", land=True)
        craters(canvas, rolling(194, 14, 0.5, 5.2), "#d0cfda", "#83829a")
    elif view == 2:
        planet(canvas, 216, 54, 22, "#e87a5a", "#8a3040")
        planet(canvas, 48, 84, 16, "#9fe0d0", "#3f8a9c")
        craters(canvas, rolling(196, 12, 1.1, 4.0), "#c98a78", "#7a4450")
    else:
        planet(canvas, 128, 330, 150, "#6fc4f5", "#1d4f9c", land=True)
        planet(canvas, 52, 48, 18, "#e8e4d4", "#8c8a9c")


def planet(
    canvas: Canvas, x: float, y: float, r: float, code: str, dark: str, *, ring: bool = False, land: bool = False
) -> None:
    """A ball lit from the upper left, with an atmosphere, perhaps a ring or continents."""
    canvas.glow(x, y, r * 1.5, code, 0.45)
    ball = ellipses([(x, y, r, r)])
    side = np.clip(((grid().columns - x) + (grid().rows - y)) / (2.2 * r) + 0.42, 0, 1)[..., None]
    blend(canvas.pixels, ball, mix(colour(code), colour(dark), side))
    if land:
        shapes = [
            (x - 0.35 * r, y - 0.42 * r, 0.34 * r, 0.26 * r),
            (x + 0.25 * r, y - 0.1 * r, 0.28 * r, 0.36 * r),
            (x - 0.3 * r, y + 0.35 * r, 0.22 * r, 0.28 * r),
            (x + 0.1 * r, y - 0.72 * r, 0.3 * r, 0.14 * r),
        ]
        blend(canvas.pixels, ball * ellipses(shapes) * 0.85, mix(colour("#7cc86f"), colour("#1f5a4c"), side))
        caps = ellipses([(x - 0.1 * r, y - 0.5 * r, 0.5 * r, 0.06 * r), (x + 0.2 * r, y + 0.3 * r, 0.5 * r, 0.06 * r)])
        blend(canvas.pixels, ball * caps * 0.6, WHITE)
    else:
        bands = ellipses([(x, y + d * r, 1.1 * r, 0.09 * r) for d in (-0.5, -0.1, 0.35)])
        blend(canvas.pixels, ball * bands * 0.35, colour(dark))
    if ring:
        hoop = np.clip(ellipses([(x, y + 2, 1.9 * r, 0.42 * r)]) - ellipses([(x, y + 2, 1.5 * r, 0.28 * r)]), 0, 1)
        front = np.maximum(1 - ball, edge(grid().rows - y - 1))
        blend(canvas.pixels, hoop * front * 0.9, colour("#f4dcae"))


def craters(canvas: Canvas, crest: Array, code: str, dark: str) -> None:
    """The ground of a moon."""
    mask = below(crest)
    down = np.clip((grid().down - crest.min()) / 70, 0, 1)
    blend(canvas.pixels, mask, mix(colour(code), colour(dark), down))
    for x, y, size in ((40, 226, 20), (104, 208, 10), (214, 222, 24), (168, 246, 18), (70, 250, 12)):
        blend(canvas.pixels, mask * ellipses([(x, y, size, size * 0.32)]) * 0.8, colour(dark) * 0.75)
        blend(
            canvas.pixels,
            mask * ellipses([(x, y + size * 0.10, size * 0.88, size * 0.24)]),
            mix(colour(code), colour(dark), 0.55),
        )
