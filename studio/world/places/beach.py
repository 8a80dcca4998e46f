"""Draws the four views of the beach."""

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    Array,
    Canvas,
    below,
    blend,
    boxes,
    edge,
    ellipses,
    grid,
    mix,
    rolling,
    through,
)
from studio.world.places.landmarks import palm
from studio.world.scenery import sky, stones, sunlit_path, water


def beach(canvas: Canvas, view: int) -> None:
    horizon = (122.0, 106.0, 132.0, 116.0)[view]
    sky(canvas, horizon, (186, 76, 128, 200)[view])
    if view in (1, 3):
        canvas.ground(rolling(horizon - 4, 9, 0.7, 1.0 + view), "#7fa8a0", "#86b09a", 0.6)
    water(canvas, horizon, "#2bb5c4", "#5fc6e0")
    sunlit_path(canvas, (186, 76, 128, 200)[view], horizon)
    canvas.glints(horizon + 5, 176, 18, 0.35)
    shore = (
        through((0, 178), (90, 190), (180, 178), (256, 168)),
        through((0, 214), (70, 186), (150, 170), (256, 164)),
        through((0, 176), (128, 194), (256, 176)),
        through((0, 166), (100, 172), (190, 190), (256, 216)),
    )[view]
    canvas.fill(below(shore + 5), "#d9bd88", 0.05, 0.55)
    canvas.ground(shore + 15, "#f7e2b0", "#eccb8c", 0.0, 0.85)
    foam(canvas, shore)
    canvas.behind()
    if view == 0:
        palm(canvas, 226, 236, 148, -0.34)
    elif view == 1:
        palm(canvas, 22, 214, 124, 0.30)
        palm(canvas, 44, 222, 96, 0.42)
    elif view == 2:
        parasol(canvas, 48, 206)
    else:
        stones(canvas, [(16, 192, 32, 42), (46, 196, 20, 24)], "#9d9088", "#5c5451")
        canvas.fill(ellipses([(214, 246, 8, 5), (228, 250, 5, 3.5)]), "#ffb3a0", 0.0, 0.3)


def foam(canvas: Canvas, shore: Array) -> None:
    """The wave's white edge running up the sand and back."""
    white, shallow = mix(canvas.shade("#ffffff"), canvas.light.low, 0.15), canvas.shade("#8fdede", 0.1)
    start = canvas.rng.uniform(0, FULL_TURN)

    def play(pixels: Array, turn: float) -> None:
        brink = shore + 7 + 6 * np.sin(turn + start) + 2.5 * np.sin(grid().along * 0.06 + start)
        reach = brink[None, :] - grid().rows
        blend(pixels, edge(reach + 0.5) * np.clip(1 - reach / 24, 0, 1) * 0.75, shallow)
        blend(pixels, np.clip(1.6 - np.abs(reach - 1.5) / 2.2, 0, 1), white)
        second = np.clip(1.2 - np.abs(reach - 20 - 4 * np.sin(turn + start + 1)) / 2.0, 0, 1)
        blend(pixels, 0.55 * second, white)

    canvas.motions.append(play)


def parasol(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(ellipses([(x + 10, y + 34, 40, 7)]), "#a8854f", 0.0, 0.5, strength=0.5)
    canvas.fill(boxes([(x - 1.5, y - 40, x + 1.5, y + 34)]), "#f4efe6", 0.0)
    dome = ellipses([(x, y - 22, 44, 34)]) * edge(y - 20 - grid().rows)
    canvas.fill(dome, "#e8504a", 0.0, 0.5)
    canvas.fill(dome * ellipses([(x, y - 22, 26, 40)]), "#fff4e4", 0.0, 0.5)
    canvas.fill(dome * ellipses([(x, y - 22, 9, 40)]), "#e8504a", 0.0, 0.5)
