"""Draws the four views of the railway station."""

import numpy as np

from studio.world.painting import Canvas, blend, boxes, colour, edge, ellipses, grid, mix, polygons, rolling
from studio.world.scenery import sky, spread, trees, windows


def station(canvas: Canvas, view: int) -> None:
    sky(canvas, 152, (196, 60, 210, 128)[view])
    canvas.ground(rolling(144, 9, 1.2, view * 1.7), "#93b3ae", "#9cc09a", 0.6)
    trees(canvas, [(x, 164, 28) for x in spread(canvas, 7, -4, 260)], "#5d9c62", 0.32)
    if view == 3:
        tracks_ahead(canvas)
        return
    if view == 1:
        hall(canvas, 88, 186)
    canvas.fill(boxes([(0, 168, 256, 200)]), "#9c948c", 0.06, 0.8, to="#7a726c", span=(168, 200))
    canvas.fill(boxes([(0, 184, 256, 187), (0, 193, 256, 195)]), "#5f5a5c", 0.04, 0.3)
    if view == 0:
        train(canvas, 186, 104, ("#c8413c", "#f4ead8"))
    elif view == 1:
        canvas.fill(boxes([(x, 182, x + 8, 199) for x in range(2, 256, 18)]), "#6b5344", 0.04, 0.4, strength=0.7)
        canvas.fill(boxes([(0, 184, 256, 187), (0, 193, 256, 195)]), "#8a8a94", 0.03, 0.3)
    else:
        locomotive(canvas, 62, 190)
        train(canvas, 190, 146, ("#3f7a5f", "#f0dcae"))
    platform(canvas, 200)
    roof(canvas, (26, 30, 40)[view], (0, 1, 0)[view])
    clock(canvas, (206, 206, 214)[view], 84)


def train(canvas: Canvas, foot: float, left: float, codes: tuple[str, str]) -> None:
    """Coaches standing at the platform, from column `left` to the right edge."""
    for x in np.arange(left - 104 if left == 104 else left, 262, 106):
        canvas.fill(
            boxes([(x, foot - 54, x + 102, foot - 6)]),
            codes[0],
            0.05,
            0.1,
            to="#7a2f38" if codes[0] == "#c8413c" else "#24503f",
            span=(foot - 54, foot + 10),
        )
        canvas.fill(boxes([(x, foot - 46, x + 102, foot - 24)]), codes[1], 0.05)
        canvas.fill(boxes([(x + 1, foot - 59, x + 101, foot - 53)]), "#6a6f7c", 0.05, 0.95)
        panes = [(x + 6 + 16 * i, foot - 43, x + 18 + 16 * i, foot - 28) for i in range(6)]
        windows(canvas, panes, 0.04)
        canvas.fill(boxes([(x - 4, foot - 12, x + 106, foot - 7)]), "#34323c", 0.04)
        canvas.fill(ellipses([(x + a, foot - 3, 6.5, 6.5) for a in (14, 32, 72, 90)]), "#2c2a34", 0.04)


def locomotive(canvas: Canvas, x: float, foot: float) -> None:
    """A steam engine, its plume rising."""
    canvas.fill(
        boxes([(x - 40, foot - 40, x + 42, foot - 14)]), "#2f5f4c", 0.03, 0.1, to="#1d3a34", span=(foot - 40, foot - 10)
    )
    canvas.fill(ellipses([(x - 40, foot - 27, 7, 13)]), "#3a3640", 0.03)
    canvas.fill(boxes([(x + 42, foot - 60, x + 78, foot - 12)]), "#2f5f4c", 0.03)
    canvas.fill(boxes([(x + 38, foot - 64, x + 82, foot - 59)]), "#3a3640", 0.03, 0.9)
    windows(canvas, [(x + 48, foot - 54, x + 60, foot - 40), (x + 64, foot - 54, x + 74, foot - 40)], 0.03)
    canvas.fill(
        polygons([[(x - 32, foot - 39), (x - 36, foot - 62), (x - 16, foot - 62), (x - 20, foot - 39)]]),
        "#2c2a34",
        0.03,
    )
    canvas.fill(
        np.maximum(ellipses([(x + 4, foot - 40, 9, 8)]), boxes([(x - 44, foot - 14, x + 80, foot - 9)])),
        "#b5483f",
        0.03,
    )
    canvas.fill(
        boxes([(x - 14, foot - 40, x - 11, foot - 14), (x + 20, foot - 40, x + 23, foot - 14)]), "#d9b45a", 0.03
    )
    canvas.fill(
        ellipses(
            [(x - 24, foot - 4, 8, 8), (x + 4, foot - 7, 11, 11), (x + 32, foot - 7, 11, 11), (x + 64, foot - 4, 8, 8)]
        ),
        "#b5483f",
        0.03,
    )
    canvas.fill(
        ellipses(
            [(x - 24, foot - 4, 5, 5), (x + 4, foot - 7, 8, 8), (x + 32, foot - 7, 8, 8), (x + 64, foot - 4, 5, 5)]
        ),
        "#34323c",
        0.03,
    )
    canvas.fill(polygons([[(x - 46, foot - 8), (x - 58, foot + 4), (x - 40, foot + 4)]]), "#4a4650", 0.03)
    canvas.rising(x - 26, foot - 66, 66, 5, 15, mix(canvas.light.low, canvas.shade("#f4f4f8"), 0.6), 0.7)
    canvas.flicker(x - 46, foot - 30, 9, "#fff0b0", 0.3 + 0.7 * canvas.light.lamps, 0.15)


def platform(canvas: Canvas, top: float) -> None:
    canvas.fill(edge(grid().rows - top), "#cfc6b8", 0.0, 0.9, to="#9a9084", span=(top, 258))
    canvas.fill(boxes([(0, top, 256, top + 5)]), "#eee6d6", 0.0, 0.8)
    canvas.fill(boxes([(0, top + 10, 256, top + 14)]), "#f2c93c", 0.0, 0.7)
    joints = [
        [(128 + a * 0.9, top + 14), (128 + a * 0.9 + 1, top + 14), (128 + a * 1.5 + 1.6, 258), (128 + a * 1.5, 258)]
        for a in range(-200, 210, 36)
    ]
    canvas.fill(np.maximum(polygons(joints), boxes([(0, 234, 256, 235.4)])), "#857c72", 0.0, 0.5, strength=0.5)


def roof(canvas: Canvas, y: float, glass: int) -> None:
    """The platform's roof on iron columns, lamps under it."""
    for x in (20, 236):
        canvas.fill(boxes([(x - 3, y, x + 3, 204), (x - 6, 196, x + 6, 206)]), "#3f5a6a", 0.0)
        arcs = [[(x, y + 34), (x + s * 30, y + 4), (x + s * 26, y + 4), (x, y + 28)] for s in (-1, 1)]
        canvas.fill(polygons(arcs), "#3f5a6a", 0.0)
    canvas.fill(
        boxes([(0, y - 30, 256, y)]),
        "#7d8f9c" if glass else "#6a5a52",
        0.02,
        0.0,
        to="#4a5866" if glass else "#4a3c3a",
        span=(y - 30, y),
    )
    canvas.fill(boxes([(0, y - 4, 256, y + 4)]), "#2f4656", 0.0)
    teeth = [[(x, y + 3), (x + 8, y + 3), (x + 4, y + 12)] for x in range(0, 256, 8)]
    canvas.fill(polygons(teeth), "#f0ead8", 0.0)
    for x in (66, 128, 190):
        canvas.fill(boxes([(x - 0.8, y + 4, x + 0.8, y + 18), (x - 8, y + 18, x + 8, y + 21)]), "#34424e", 0.0)
        if canvas.light.lamps > 0.3:
            canvas.glow(x, y + 24, 42, "#ffd27a", 0.42 * canvas.light.lamps)
        canvas.flicker(x, y + 23, 8, "#fff1c4", 0.3 + 0.7 * canvas.light.lamps, 0.15)


def clock(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(boxes([(x - 1.4, y - 50, x + 1.4, y)]), "#34424e", 0.0)
    canvas.fill(ellipses([(x, y, 17, 17)]), "#2f3a48", 0.0)
    blend(
        canvas.pixels,
        ellipses([(x, y, 14, 14)]),
        mix(canvas.shade("#fffaf0"), colour("#fff4d0"), 0.7 * canvas.light.lamps),
    )
    hands = [
        [(x - 1.2, y + 2), (x + 1.2, y + 2), (x + 0.6, y - 11), (x - 0.6, y - 11)],
        [(x - 2, y + 1), (x - 1, y - 1.4), (x + 8, y + 3), (x + 7.4, y + 4.4)],
    ]
    canvas.fill(polygons(hands), "#2c2430", 0.0)


def hall(canvas: Canvas, x: float, y: float) -> None:
    """The station's brick building across the tracks."""
    canvas.fill(boxes([(x - 84, y - 78, x + 84, y)]), "#c27a58", 0.12, 0.05, to="#9c5a48", span=(y - 78, y))
    canvas.fill(
        polygons([[(x - 90, y - 77), (x - 74, y - 100), (x + 74, y - 100), (x + 90, y - 77)]]), "#5f6a7c", 0.12, 0.95
    )
    canvas.fill(polygons([[(x - 26, y - 76), (x, y - 118), (x + 26, y - 76)]]), "#d08a66", 0.1, 0.2)
    arches = [(x + a - 9, y - 58, x + a + 9, y - 14) for a in (-64, -36, 36, 64)]
    canvas.fill(boxes([(a - 3, b - 3, c + 3, d) for a, b, c, d in arches]), "#eadcc4", 0.1)
    windows(canvas, arches, 0.1)
    canvas.fill(np.maximum(boxes([(x - 13, y - 46, x + 13, y)]), ellipses([(x, y - 46, 13, 13)])), "#6b4a3c", 0.1)
    canvas.fill(ellipses([(x, y - 88, 8, 8)]), "#fff8e4", 0.1)


def tracks_ahead(canvas: Canvas) -> None:
    """Two tracks running to the horizon under their wires, platforms left and right."""
    canvas.fill(edge(grid().rows - 164), "#a89c90", 0.1, 0.85, to="#7d736c", span=(164, 258))
    depth = [166 + 92 * (i / 15) ** 2.2 for i in range(1, 16)]
    sleepers = [(128 - 1.15 * (y - 152), y, 128 + 1.15 * (y - 152), y + 0.045 * (y - 152) + 0.5) for y in depth]
    canvas.fill(boxes(sleepers), "#6b5344", 0.03, 0.4, strength=0.8)
    rails = [
        [(128 + a * 0.12, 162), (128 + a * 0.12 + 0.8, 162), (128 + a + 2.4, 258), (128 + a - 2.4, 258)]
        for a in (-104, -34, 34, 104)
    ]
    canvas.fill(polygons(rails), "#d4d8e0", 0.02, 0.2)
    for side in (-1, 1):
        edge_of = [(128 + side * 20, 162), (128 + side * 136, 258), (128 + side * 300, 258), (128 + side * 140, 162)]
        canvas.fill(polygons([edge_of]), "#d3cabb", 0.02, 0.9)
        canvas.fill(
            polygons(
                [[(128 + side * 20, 162), (128 + side * 25, 162), (128 + side * 152, 258), (128 + side * 136, 258)]]
            ),
            "#f2c93c",
            0.02,
            0.6,
        )
        for near in (0.16, 0.34, 0.72):
            x, foot, tall = 128 + side * (44 + 100 * near), 166 + 30 * near, 40 + 120 * near
            canvas.fill(
                boxes([(x - 1 - 1.4 * near, foot - tall, x + 1 + 1.4 * near, foot)]), "#3f5a6a", 0.2 * (1 - near)
            )
            canvas.fill(
                boxes(
                    [(min(x, x - side * 40 * near), foot - tall, max(x, x - side * 40 * near), foot - tall + 1 + near)]
                ),
                "#3f5a6a",
                0.2 * (1 - near),
            )
            canvas.flicker(
                x - side * 4, foot - tall * 0.8, 5 + 7 * near, "#ffe3a0", 0.2 + 0.7 * canvas.light.lamps, 0.15
            )
    canopy = [[(128 + s * 30, 132), (128 + s * 160, 60), (128 + s * 160, 76), (128 + s * 30, 138)] for s in (-1, 1)]
    canvas.fill(polygons(canopy), "#4a6272", 0.06, 0.9)
    train_face(canvas, 111, 168)


def train_face(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(np.maximum(boxes([(x - 11, y - 18, x + 11, y)]), ellipses([(x, y - 18, 11, 7)])), "#c8413c", 0.12)
    windows(canvas, [(x - 8, y - 19, x + 8, y - 10)], 0.1, 0.5)
    canvas.flicker(x - 7, y - 4, 4, "#fff4c8", 0.9, 0.2)
    canvas.flicker(x + 7, y - 4, 4, "#fff4c8", 0.9, 0.2)
