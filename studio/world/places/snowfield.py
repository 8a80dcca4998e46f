"""Draws the four views of the snowfield."""

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    Array,
    Canvas,
    blend,
    boxes,
    colour,
    edge,
    ellipses,
    grid,
    mix,
    polygons,
    rolling,
)
from studio.world.scenery import peak, pines, sky, water


def snowfield(canvas: Canvas, view: int) -> None:
    horizon = (140.0, 128.0, 146.0, 134.0)[view]
    sky(canvas, horizon, (70, 190, 128, 200)[view])
    if canvas.light.dark and canvas.light.weather == "clear":
        aurora(canvas)
    if view in (0, 2):
        water(canvas, horizon, "#1f7f9c", "#8fd3e0")
        bergs = ((52, 62, 44), (196, 92, 60)) if view == 0 else ((126, 66, 74),)
        for x, top, half in bergs:
            berg(canvas, x, top, half, horizon + 6)
        canvas.reflect(horizon + 6, 0.35)
        canvas.glints(horizon + 10, 190, 12, 0.4)
        canvas.behind()
        floes = [(60, 170, 44, 6), (206, 180, 52, 7)] if view == 0 else [(36, 176, 40, 6), (228, 168, 40, 6)]
        canvas.fill(ellipses([(x, y + 4, a, b) for x, y, a, b in floes]), "#8fcfe0", 0.1)
        canvas.fill(ellipses(floes), "#f6fbff", 0.1)
        canvas.ground(rolling(194, 4, 0.8, view), "#ffffff", "#d3e6f6", 0.0)
    else:
        for x, top, half in ((40, 84, 76), (150, 100, 70), (232, 76, 70)) if view == 1 else ((210, 92, 90),):
            peak(canvas, x, top, half, 168, "#b9cbe4", 0.42, 1.2)
        canvas.ground(rolling(horizon + 14, 8, 1.2, view), "#eaf3fc", "#dbe9f7", 0.3)
        canvas.ground(rolling(176, 9, 0.8, view + 2.0), "#ffffff", "#cfe2f4", 0.03)
        igloo(canvas, 60, 196, 40) if view == 3 else pines(canvas, [(226, 196, 44), (244, 204, 58)], "#4c7f86", 0.06)
    for x, y in canvas.rng.uniform((8, 204), (248, 250), (10, 2)):
        canvas.flicker(x, y, 3.4, "#ffffff", 0.55 if not canvas.light.dark else 0.35, 0.5)
    canvas.drift(206, 12, 0.25, canvas.shade("#ffffff"))


def berg(canvas: Canvas, x: float, top: float, half: float, base: float) -> None:
    tall = base - top
    lit = [
        (x - half, base),
        (x - 0.8 * half, base - 0.45 * tall),
        (x - 0.35 * half, base - 0.62 * tall),
        (x - 0.1 * half, top),
        (x + 0.25 * half, base),
    ]
    dim = [
        (x - 0.1 * half, top),
        (x + 0.3 * half, top + 0.18 * tall),
        (x + 0.55 * half, base - 0.5 * tall),
        (x + half, base - 0.3 * tall),
        (x + 0.95 * half, base),
        (x + 0.1 * half, base),
    ]
    canvas.fill(polygons([dim]), "#a5d5ea", 0.15, to="#5fb4d0", span=(top, base))
    canvas.fill(polygons([lit]), "#f4fbff", 0.15, to="#cdeaf5", span=(top, base))


def igloo(canvas: Canvas, x: float, y: float, radius: float) -> None:
    canvas.fill(ellipses([(x + 8, y + 2, radius * 1.2, 7)]), "#9cbcdc", 0.0, strength=0.6)
    dome = ellipses([(x, y, radius, radius * 0.95)]) * edge(y + 2 - grid().rows)
    canvas.fill(dome, "#ffffff", 0.0, to="#b9d4ec", span=(y - radius, y + 6))
    joints = boxes([(x - radius, y - h, x + radius, y - h + 1.8) for h in (12, 24)])
    canvas.fill(dome * joints, "#8fb4d6", 0.0, strength=0.7)
    door = ellipses([(x + 18, y, 13, 18)]) * edge(y + 2 - grid().rows)
    canvas.fill(door, "#cfe1f2", 0.0)
    inner = ellipses([(x + 20, y, 9, 13)]) * edge(y + 2 - grid().rows)
    blend(canvas.pixels, inner, mix(canvas.shade("#47648c"), colour("#ffc46b"), canvas.light.lamps))


def aurora(canvas: Canvas) -> None:
    """Two curtains of green light that sway."""
    start = canvas.chance.uniform(0, FULL_TURN)

    def play(pixels: Array, turn: float) -> None:
        for i, code in enumerate(("#4ff0b0", "#9a7cf0")):
            line = (
                66
                - 20 * i
                + 14 * np.sin(grid().along * 0.022 + start + 1.4 * i + 0.5 * np.sin(turn))
                + 4 * np.sin(grid().along * 0.05 + turn + i)
            )
            height = line[None, :] - grid().rows
            curtain = np.clip(1 - height / 52, 0, 1) * np.clip(height / 9 + 1, 0, 1)
            pleats = 0.72 + 0.28 * np.sin(grid().along * 0.09 + turn + 2 * i)
            blend(pixels, (0.55 * curtain * pleats[None, :] * (height > -9)).astype(np.float32), colour(code))

    canvas.motions.append(play)
