"""Draws the four views of the castle."""

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
    ribbon,
    rolling,
)
from studio.world.scenery import grass, sky, trees, water, windows

STONE, DIM, ROOF = "#c9c3b8", "#8b8692", "#4f6aa0"


def castle(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (60, 128, 200, 200)[view])
    canvas.ground(rolling(138, 14, 1.6, view * 1.4), "#93b3ae", "#9cc09a", 0.62)
    if view == 1:
        courtyard(canvas)
        return
    canvas.ground(rolling(156, 8, 1.1, view + 2.0), "#83b46e", "#8cc067", 0.3)
    trees(canvas, [(x, 168, 26) for x in ((14, 226, 246), (), (10, 30, 238), (214, 232, 250))[view]], "#5d9c62", 0.25)
    x, y, size = ((128, 176, 1.0), (0, 0, 0), (132, 172, 1.02), (82, 190, 1.22))[view]
    if view == 0:
        canvas.fill(ellipses([(128, 196, 122, 30)]), "#7fb45e", 0.15, 0.9)
    fortress(canvas, x, y, size)
    if view == 2:
        moat(canvas, 178)
        return
    canvas.ground(rolling((184, 0, 0, 190)[view], 4, 0.9, view), "#8cc860", "#5fa548", 0.03)
    bend = (0, 0, 0, 1)[view] * -44
    path = ribbon((x, y + 6, 7), (x + 8 - bend * 0.4, y + 24, 11), (x - 6 - bend, 230, 24), (x + 4 - bend, 256, 42))
    canvas.fill(path, "#dcc9a0", 0.0, 0.75)
    grass(canvas, 24, "#4a9440", 236)


def battlements(left: float, right: float, top: float, tooth: float) -> list[tuple[float, float, float, float]]:
    count = max(2, round((right - left) / (2 * tooth)))
    step = (right - left - tooth) / (count - 1)
    return [(left + i * step, top - tooth, left + i * step + tooth, top + 1) for i in range(count)]


def wall(canvas: Canvas, box: tuple[float, float, float, float], depth: float, tooth: float = 6.0) -> None:
    """A wall or tower with battlements, darker on its right."""
    left, top, right, bottom = box
    mask = boxes([box, *battlements(left, right, top, tooth)])
    canvas.fill(mask, STONE, depth, 0.05, to="#a8a09a", span=(top, bottom))
    canvas.fill(
        mask * boxes([(left + 0.7 * (right - left), top - tooth, right, bottom)]), "#4a4a66", depth, strength=0.3
    )
    rows = np.arange(top + 7, bottom - 3, 9)
    room = max(8, right - left - 9)
    places = [(left + (i * 37 + int(y) * 13) % room, y) for y in rows for i in range(1 + int((right - left) / 40))]
    bricks = [(x, y, x + 7, y + 1.6) for x, y in places]
    if bricks:
        canvas.fill(boxes(bricks), "#8b8480", depth, strength=0.55)
    snow = battlements(left, right, top, tooth)
    canvas.fill(boxes([(a, b, c, b + 2) for a, b, c, _ in snow]), "#f3f7fc", depth, strength=0.9 * canvas.light.cover)


def turret(canvas: Canvas, x: float, y: float, width: float, height: float, depth: float, code: str = ROOF) -> None:
    """A round tower with a pointed roof and a flag."""
    w = width / 2
    wall(canvas, (x - w, y - height, x + w, y), depth, 4.0)
    canvas.fill(boxes([(x - w * 1.18, y - height - 2, x + w * 1.18, y - height + 6)]), "#b0a8a2", depth, 0.3)
    canvas.fill(
        polygons([[(x - w * 1.3, y - height), (x, y - height - width * 1.7), (x + w * 1.3, y - height)]]),
        code,
        depth,
        0.75,
    )
    canvas.fill(
        polygons([[(x + w * 0.2, y - height), (x, y - height - width * 1.7), (x + w * 1.3, y - height)]]),
        "#2c3560",
        depth,
        0.2,
        strength=0.4,
    )
    windows(canvas, [(x - 2.4, y - height + 14, x + 2.4, y - height + 24)], depth)
    banner(canvas, x, y - height - width * 1.7, 0.5 * width)


def banner(canvas: Canvas, x: float, y: float, length: float, code: str = "#d9434a") -> None:
    """A flag on a pole, waving."""
    canvas.fill(boxes([(x - 0.8, y - length * 1.1, x + 0.8, y + 2)]), "#5a5260", 0.05)
    shade, start = canvas.shade(code, 0.05), canvas.rng.uniform(0, FULL_TURN)

    def play(pixels: Array, turn: float) -> None:
        t = np.linspace(0, 1, 7)
        wave = 0.13 * length * t * np.sin(turn + start - 4 * t)
        upper = [*zip(x + 1 + 1.4 * length * t, y - 1.05 * length + wave, strict=True)]
        lower = [*zip(x + 1 + 1.4 * length * t, y - 0.4 * length + wave, strict=True)]
        blend(pixels, polygons([[*upper, *lower[::-1]]]), shade)

    canvas.motions.append(play)


def gate(canvas: Canvas, x: float, y: float, width: float, depth: float, lit: float = 0.0) -> None:
    w = width / 2
    arch = np.maximum(boxes([(x - w, y - 1.1 * width, x + w, y)]), ellipses([(x, y - 1.1 * width, w, w)]))
    canvas.fill(
        np.maximum(boxes([(x - w - 3, y - 1.1 * width, x + w + 3, y)]), ellipses([(x, y - 1.1 * width, w + 3, w + 3)])),
        DIM,
        depth,
    )
    blend(canvas.pixels, arch, mix(canvas.shade("#4a3a34", depth), colour("#ffb95c"), 0.6 * lit * canvas.light.lamps))
    bars = [(x - w + width * a, y - 1.7 * width, x - w + width * a + 1.5, y) for a in (0.2, 0.4, 0.6, 0.8)]
    canvas.fill(arch * boxes(bars), "#2c2430", depth, strength=0.7)


def fortress(canvas: Canvas, x: float, y: float, size: float) -> None:
    """The whole castle from outside."""
    for a, wide, tall in ((-22, 22, 104), (26, 20, 92)):
        turret(canvas, x + a * size, y - 10, wide * size, tall * size, 0.2)
    wall(canvas, (x - 42 * size, y - 74 * size, x + 44 * size, y), 0.14, 6 * size)
    windows(canvas, [(x + a * size, y - 56 * size, x + (a + 6) * size, y - 44 * size) for a in (-30, -3, 24)], 0.12)
    wall(canvas, (x - 78 * size, y - 42 * size, x + 78 * size, y + 2), 0.08, 6 * size)
    for a in (-80, 80):
        turret(canvas, x + a * size, y + 4, 26 * size, 62 * size, 0.05, "#b5483f")
    gate(canvas, x, y + 3, 24 * size, 0.06, 1.0)


def moat(canvas: Canvas, shore: float) -> None:
    """Water before the walls, mirroring them, and a bridge over it."""
    water(canvas, shore, "#2f6f8a", "#8cc0cc")
    canvas.reflect(shore, 0.5)
    canvas.glints(shore + 8, 240, 16, 0.35)
    canvas.behind()
    canvas.ground(rolling(236, 4, 1.0, 1.0), "#83b85a", "#5f9c48", 0.0)
    bridge = [(121, 174), (143, 174), (172, 258), (92, 258)]
    canvas.fill(polygons([bridge]), "#a87a4c", 0.0, 0.85)
    planks = [
        [
            (121 - 0.345 * t, 174 + t),
            (143 + 0.345 * t, 174 + t),
            (143 + 0.345 * t, 175.4 + t),
            (121 - 0.345 * t, 175.4 + t),
        ]
        for t in (6, 14, 24, 36, 50, 66)
    ]
    canvas.fill(polygons(planks), "#6b4a30", 0.0, 0.3, strength=0.6)
    canvas.fill(
        polygons([[(119, 172), (122, 172), (94, 258), (84, 258)], [(142, 172), (145, 172), (180, 258), (170, 258)]]),
        "#7d5638",
        0.0,
        0.8,
    )


def courtyard(canvas: Canvas) -> None:
    """Within the walls: towers left and right, a gate, paving, and banners."""
    turret(canvas, 62, 150, 30, 100, 0.2)
    turret(canvas, 190, 150, 26, 84, 0.2)
    wall(canvas, (-8, 92, 264, 196), 0.08, 9.0)
    for left, right in ((-10, 42), (214, 266)):
        wall(canvas, (left, 56, right, 200), 0.03, 9.0)
    gate(canvas, 128, 194, 44, 0.05, 1.0)
    windows(canvas, [(12, 92, 20, 110), (236, 92, 244, 110)], 0.03)
    for x, code in ((76, "#b5303c"), (180, "#3f5fa8")):
        canvas.fill(polygons([[(x - 10, 108), (x + 10, 108), (x + 10, 152), (x, 162), (x - 10, 152)]]), code, 0.04)
        canvas.fill(ellipses([(x, 128, 5, 6)]), "#f0d070", 0.04)
    canvas.fill(edge(grid().rows - 194), "#b0a594", 0.02, 0.9, to="#857c72", span=(194, 258))
    joints = [
        [(128 + a * 0.5, 195), (128 + a * 0.5 + 1, 195), (128 + a * 1.6 + 2, 258), (128 + a * 1.6, 258)]
        for a in range(-240, 250, 40)
    ]
    canvas.fill(
        np.maximum(polygons(joints), boxes([(0, y, 256, y + 1 + (y > 220)) for y in (203, 215, 233)])),
        "#6b645e",
        0.0,
        0.5,
        strength=0.45,
    )
    for x in (98, 158):
        canvas.flicker(x, 150, 16, "#ffb04a", 0.35 + 0.6 * canvas.light.lamps, 0.25)
        canvas.fill(boxes([(x - 1.5, 152, x + 1.5, 166)]), "#4a3428", 0.0)
