"""Draws the four views of the jungle."""

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
    mix,
    polygons,
    ribbon,
    rolling,
)
from studio.world.places.landmarks import palm
from studio.world.scenery import sky, spread, stones, water_in


def jungle(canvas: Canvas, view: int) -> None:
    sky(canvas, 176, (128, 70, 190, 128)[view])
    canvas.fill(edge(grid().rows + 2), "#a8d8a0", 0.5, strength=0.34)
    gap = (128, 84, 172, 128)[view]
    for i, (base, code, depth) in enumerate(((132, "#8cc49a", 0.66), (154, "#5fa878", 0.42), (174, "#3c8a58", 0.2))):
        crowns = []
        for x in spread(canvas, 12, -16, 272):
            y = base + canvas.rng.uniform(-10, 8) - 0.08 * abs(x - gap) * (i + 1)
            crowns.append((x, y, *canvas.rng.uniform((16, 13), (28, 22))))
        canvas.fill(np.maximum(ellipses(crowns), edge(grid().rows - base - 4)), code, depth, 0.25)
        lit = [(x - 0.25 * a, y - 0.3 * b, 0.55 * a, 0.45 * b) for x, y, a, b in crowns]
        canvas.fill(ellipses(lit), "#a8d86a", depth, 0.8, strength=0.4)
        stems = [
            [(x - 2.4, base + 44), (x - 1.4, base - 2), (x + 1.4, base - 2), (x + 2.4, base + 44)]
            for x, *_ in crowns[:: 3 - i // 2]
        ]
        canvas.fill(polygons(stems), "#5a5a40", depth, strength=0.6)
    crowns = [(x, -4 + 5 * np.sin(x), 26, 19) for x in range(0, 257, 16) if abs(x - gap) > 26]
    canvas.fill(ellipses(crowns), "#2f7a48", 0.08, 0.2)
    canvas.fill(ellipses([(x + 6, y + 7, 9, 4) for x, y, *_ in crowns]), "#7cc060", 0.08, 0.3, strength=0.6)
    canvas.behind()
    if view == 1:
        ruin(canvas, 172, 196)
    elif view == 3:
        palm(canvas, 58, 206, 132, -0.2)
        palm(canvas, 196, 204, 112, 0.24)
    canvas.ground(rolling(194, 5, 1.0, view * 1.7), "#5fa04a", "#2f6a38", 0.03)
    middle = ribbon((gap, 194, 6), (gap + 12, 208, 13), (gap - 12, 228, 26), (gap, 256, 50))
    if view == 2:
        water_in(canvas, middle, "#2f8f84", 192)
        stones(canvas, [(110, 214, 14, 9), (234, 226, 18, 12)], "#8a9a80", "#4a5a4c")
    else:
        canvas.fill(middle, "#a88454", 0.0, 0.6, strength=0.85)
    trunks(canvas, ((12,), (246,), (16, 250), (4,))[view])
    vines(canvas, ((40, 96, 206), (30, 60, 226), (60, 120, 222), (30, 128, 226))[view])
    for x, way in ((-6, 1), (262, -1)):
        fan(canvas, x, 236, way, 92)
    for x, y, code in ((44, 232, "#ff6a7a"), (208, 236, "#ffb03c"), (228, 218, "#e86ad0"))[: 2 + view % 2]:
        canvas.fill(
            ellipses([(x + 5 * np.cos(a), y + 4 * np.sin(a), 4.2, 3.2) for a in np.arange(5) * FULL_TURN / 5]),
            code,
            0.0,
            0.2,
        )
        canvas.fill(ellipses([(x, y, 2.6, 2.2)]), "#fff0a0", 0.0)


def trunks(canvas: Canvas, columns: tuple[float, ...]) -> None:
    """Giants with buttress roots at the picture's sides."""
    for x in columns:
        outline = [(x - 34, 262), (x - 15, 214), (x - 11, -4), (x + 11, -4), (x + 15, 210), (x + 36, 262)]
        canvas.fill(polygons([outline]), "#6a5440", 0.0, 0.1, to="#43382c", span=(60, 256))
        canvas.fill(
            polygons([[(x - 6, -4), (x - 2, -4), (x - 6, 262), (x - 20, 262)]]), "#9a8058", 0.0, 0.3, strength=0.6
        )
        canvas.fill(ellipses([(x + 8 * np.sin(y), y, 12, 6) for y in (44, 96, 150)]), "#5f9a44", 0.0, 0.6, strength=0.8)


def vines(canvas: Canvas, columns: tuple[float, ...]) -> None:
    """Lianas hanging from above, swaying, with leaves along them."""
    stem, leaf = canvas.shade("#3f6a34"), canvas.shade("#5fae4a", 0.0, 0.4)
    lengths = canvas.rng.uniform(70, 128, len(columns))
    starts = canvas.rng.uniform(0, FULL_TURN, len(columns))

    def play(pixels: Array, turn: float) -> None:
        lines, leaves = [], []
        for x, length, start in zip(columns, lengths, starts, strict=True):
            t = np.linspace(0, 1, 12)
            a = x + 9 * t * np.sin(turn + start) + 5 * np.sin(5 * t + start)
            b = length * t - 4
            lines.append([*zip(a - 1.3, b, strict=True), *zip((a + 1.3)[::-1], b[::-1], strict=True)])
            leaves += [(u + 4.5 * (-1) ** i, v, 5, 2.8) for i, (u, v) in enumerate(zip(a[1:], b[1:], strict=True))]
        blend(pixels, polygons(lines), stem)
        blend(pixels, ellipses(leaves), leaf)

    canvas.motions.append(play)


def fan(canvas: Canvas, x: float, y: float, way: int, length: float) -> None:
    """Great banana leaves reaching in from a side, nodding."""
    dark, bright = canvas.shade("#2f8a48", 0.0, 0.4), canvas.shade("#8fd05a", 0.0, 0.6)
    start = canvas.rng.uniform(0, FULL_TURN)
    t = np.linspace(0, 1, 9)

    def play(pixels: Array, turn: float) -> None:
        blades, ribs = [], []
        for i, angle in enumerate((0.05, 0.42, 0.8, 1.2)):
            lift = angle + 0.035 * np.sin(turn + start + i)
            reach = length * (0.92, 1.05, 0.9, 0.7)[i]
            a = x + way * reach * t * np.cos(lift)
            b = y - reach * t * np.sin(lift) + 0.34 * reach * t * t
            wide = 0.13 * length * np.sin(np.pi * np.clip(0.06 + 0.94 * t, 0, 1)) ** 0.7
            blades.append([*zip(a, b - wide, strict=True), *zip(a[::-1], (b + wide)[::-1], strict=True)])
            ribs.append([*zip(a, b - 0.9, strict=True), *zip(a[::-1], (b + 0.9)[::-1], strict=True)])
        for blade, rib in zip(blades[::-1], ribs[::-1], strict=True):
            leaf = polygons([blade])
            blend(pixels, leaf, dark)
            shine = np.clip((blade[4][1] + 14 - grid().rows) / 26, 0, 1) * 0.4
            blend(pixels, (leaf * shine).astype(np.float32), bright)
            blend(pixels, polygons([rib]), bright)

    canvas.motions.append(play)


def ruin(canvas: Canvas, x: float, y: float) -> None:
    """A stepped temple under moss."""
    for i in range(5):
        half, top = 74 - 13 * i, y - 20 * (i + 1)
        canvas.fill(
            boxes([(x - half, top, x + half, top + 21)]), "#b5b090", 0.16, 0.05, to="#8a8a70", span=(top, top + 26)
        )
        canvas.fill(boxes([(x - half - 2, top, x + half + 2, top + 4)]), "#8fae6a", 0.14, 0.9)
        canvas.fill(boxes([(x + half * 0.5, top + 4, x + half, top + 21)]), "#4a5040", 0.16, strength=0.35)
    stair = [(x - 12, y - 100), (x + 12, y - 100), (x + 19, y), (x - 19, y)]
    canvas.fill(polygons([stair]), "#d3cca8", 0.12, 0.4)
    canvas.fill(
        boxes([(x - 19, y - 6 * i, x + 19, y - 6 * i + 1.6) for i in range(17)]) * polygons([stair]),
        "#7d7a60",
        0.12,
        strength=0.7,
    )
    canvas.fill(boxes([(x - 16, y - 122, x + 16, y - 100)]), "#a8a284", 0.15)
    canvas.fill(boxes([(x - 7, y - 116, x + 7, y - 100)]), "#2c3428", 0.12)
    glow = mix(canvas.light.low, canvas.light.glow, 0.5)
    canvas.flicker(x, y - 108, 10, glow, 0.25 + 0.4 * canvas.light.lamps, 0.5)
