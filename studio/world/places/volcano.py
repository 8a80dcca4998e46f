"""Draws the four views of the volcano."""

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    Array,
    Canvas,
    below,
    blend,
    colour,
    edge,
    ellipses,
    grid,
    mix,
    polygons,
    ribbon,
    rolling,
)
from studio.world.scenery import sky, stones


def volcano(canvas: Canvas, view: int) -> None:
    sky(canvas, 168, (216, 40, 60, 200)[view])
    for x, y, radius in ((128, 60, 150), (40, 120, 110), (220, 130, 110)):
        canvas.glow(x, y, radius, "#c0503c", 0.22)
    canvas.ground(rolling(150, 12, 1.4, view * 1.9), "#8a7a86", "#7a6470", 0.55)
    x, top, half = ((122, 58, 122), (176, 74, 104), (74, 66, 112), (128, 40, 150))[view]
    if view == 1:
        cone(canvas, 44, 112, 70, 0.34)
    cone(canvas, x, top, half, 0.14)
    canvas.ground(rolling((182, 180, 184, 178)[view], 5, 1.1, view + 2.0), "#5c4a50", "#2c2228", 0.03, 0.7)
    if view in (0, 2):
        flow = ribbon((x + 4, 180, 4), (x + 22, 196, 8), (112, 216, 16), (150 - 30 * view, 256, 34))
        lava(canvas, flow)
    elif view == 3:
        lava(canvas, ellipses([(128, 226, 104, 20)]))
    else:
        cracks = [
            [(a, b), (a + 26, b + 5), (a + 44, b + 2), (a + 70, b + 9), (a + 44, b + 5.5), (a + 26, b + 8)]
            for a, b in ((20, 216), (120, 232), (160, 204), (40, 246))
        ]
        lava(canvas, polygons(cracks))
    rocks = (
        ((24, 236, 26, 26), (236, 244, 30, 24)),
        ((222, 250, 28, 22),),
        ((216, 236, 34, 34), (246, 250, 24, 20)),
        ((14, 226, 24, 30), (244, 230, 26, 34)),
    )[view]
    stones(canvas, rocks, "#5f5058", "#2a2026")
    for a, b in canvas.chance.uniform((16, 70), (240, 220), (9, 2)):
        canvas.flicker(a, b, 2.8, "#ffb04a", 0.85, 0.5)


def cone(canvas: Canvas, x: float, top: float, half: float, depth: float) -> None:
    """The mountain with its crater alight, lava down its flank, and a plume."""
    base, mouth = 190.0, half * 0.2
    t = np.linspace(0, 1, 9)
    left = [(x - mouth - (half - mouth) * a**1.5, top + (base - top) * a) for a in t]
    right = [(x + mouth + (half - mouth) * a**1.5, top + (base - top) * a) for a in t]
    mask = polygons([[*left, *right[::-1]]])
    canvas.fill(mask, "#6a5660", depth, 0.35, to="#3f333c", span=(top, base))
    shaded = polygons(
        [[(x + 0.1 * mouth, top), (x + 0.5 * mouth, top + 30), (x + 0.2 * half, base), (x + half, base), right[0]]]
    )
    canvas.fill(mask * shaded, "#241a24", depth, 0.1, strength=0.45)
    if depth > 0.2:
        return
    canvas.glow(x, top - 2, 62, "#ff7a3a", 0.5 + 0.25 * canvas.light.lamps)
    canvas.behind()
    canvas.rising(x, top - 2, top + 34, 6, 21, mix(canvas.shade("#6f6470", 0.1), colour("#ff8a5a"), 0.16), 0.72)
    canvas.fill(ellipses([(x, top, mouth, mouth * 0.22)]), "#3a2a30", depth)
    lava(canvas, ellipses([(x, top + 1, mouth * 0.82, mouth * 0.16)]))
    for a, reach, wide in ((-0.4, 0.5, 2.6), (0.2, 0.86, 3.4), (0.62, 0.36, 2.2)):
        line = [
            (
                x + a * mouth + half * 0.36 * a * s**1.4 + 3 * np.sin(7 * s + a),
                top + 1 + (base - top) * s,
                wide * (0.5 + 0.5 * s),
            )
            for s in np.linspace(0, reach, 7)
        ]
        outline = [*[(b - w, c) for b, c, w in line], *[(b + w, c) for b, c, w in line[::-1]]]
        lava(canvas, polygons([outline]))
    ridge = mask * below(np.full_like(grid().along, top)) * edge(top + 3 - grid().rows)
    blend(canvas.pixels, ridge * 0.5, colour("#ffb066"))


def lava(canvas: Canvas, mask: Array) -> None:
    """Molten rock: it lights itself, and its brightness creeps along."""
    bright, deep = colour("#ffe08a"), colour("#f2501c")
    start = canvas.rng.uniform(0, FULL_TURN)
    rows, columns = grid().rows, grid().columns
    grain = 0.07 * rows + 0.8 * np.sin(0.055 * columns + start) + 0.5 * np.sin(0.13 * columns - 0.04 * rows)
    blend(canvas.pixels, mask, deep)
    spread = (mask * 0.75).astype(np.float32)

    def play(pixels: Array, turn: float) -> None:
        streaks = np.clip(0.5 + 0.5 * np.sin(2 * grain - turn), 0, 1) ** 2
        blend(pixels, (spread * streaks).astype(np.float32), bright)

    canvas.motions.append(play)
