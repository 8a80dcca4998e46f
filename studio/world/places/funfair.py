"""Draws the four views of the funfair."""

from collections.abc import Sequence
from itertools import pairwise

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
from studio.world.scenery import WHITE, sky, trees

BRIGHT = ("#ff5a5f", "#ffd24a", "#4fc3f0", "#7fdc6a", "#c77df0", "#ff9a4a")


def funfair(canvas: Canvas, view: int) -> None:
    sky(canvas, 160, (50, 200, 70, 128)[view])
    canvas.ground(rolling(150, 8, 1.3, view * 1.8), "#8fb5a0", "#8cbc88", 0.55)
    trees(canvas, [(x, 172, 30) for x in (8, 40, 84, 172, 214, 250)], "#5d9c62", 0.3)
    if view == 0:
        wheel(canvas, 158, 98, 78, 192)
        tent(canvas, 44, 192, 84, 74, ("#e8484a", "#fff4e4"))
    elif view == 1:
        tent(canvas, 128, 192, 168, 128, ("#e8484a", "#fff4e4"))
        tent(canvas, 232, 192, 60, 62, ("#4a86d8", "#fff4e4"))
    elif view == 2:
        carousel(canvas, 128, 194)
    else:
        coaster(canvas)
        tent(canvas, 214, 194, 78, 70, ("#3fae8c", "#fff4e4"))
    canvas.fill(edge(grid().rows - 190), "#d9b98c", 0.03, 0.9, to="#a8865c", span=(190, 258))
    canvas.fill(boxes([(0, 190, 256, 193)]), "#8f7048", 0.0, 0.6, strength=0.5)
    garland(canvas, ((-4, 40), (84, 62), (172, 58), (260, 36)) if view % 2 else ((-4, 56), (96, 30), (260, 48)))
    if view in (0, 3):
        booth(canvas, (224, 40)[view // 3], 200)


def wheel(canvas: Canvas, x: float, y: float, radius: float, foot: float) -> None:
    """A big wheel with cabins in two colours, which goes on by two cabins in a loop."""
    legs = [[(x - 3, y), (x + 3, y), (x + s * 46 + 4, foot), (x + s * 46 - 4, foot)] for s in (-1, 1)]
    canvas.fill(polygons(legs), "#e8ecf4", 0.06, 0.1)
    rim, cabins = canvas.shade("#f4f6fa", 0.05), 12
    bulb = mix(canvas.shade("#fff0b0", 0.05), colour("#ffe08a"), canvas.light.lamps)
    shades = [mix(canvas.shade(code, 0.03), colour(code), 0.6 * canvas.light.lamps) for code in BRIGHT[:2]]
    hoop = np.clip(ellipses([(x, y, radius, radius)]) - ellipses([(x, y, radius - 3, radius - 3)]), 0, 1)
    hoop = np.maximum(
        hoop,
        np.clip(
            ellipses([(x, y, radius * 0.62, radius * 0.62)])
            - ellipses([(x, y, radius * 0.62 - 1.5, radius * 0.62 - 1.5)]),
            0,
            1,
        ),
    )

    def play(pixels: Array, turn: float) -> None:
        angles = (np.arange(cabins) + 2 * turn / FULL_TURN) * FULL_TURN / cabins
        spokes = []
        for angle in angles:
            c, s = np.cos(angle), np.sin(angle)
            spokes.append(
                [
                    (x - s, y + c),
                    (x + radius * c - s * 0.7, y + radius * s + c * 0.7),
                    (x + radius * c + s * 0.7, y + radius * s - c * 0.7),
                    (x + s, y - c),
                ]
            )
        blend(pixels, np.maximum(0.55 * polygons(spokes), hoop), rim)
        for k, shade in enumerate(shades):
            mine = [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles[k::2]]
            blend(pixels, boxes([(a - 5.5, b + 2, a + 5.5, b + 11) for a, b in mine]), shade)
            blend(
                pixels,
                polygons([[(a - 7, b + 3), (a, b - 3), (a + 7, b + 3)] for a, b in mine]),
                mix(shade, WHITE, 0.35),
            )
        between = angles + FULL_TURN / cabins / 2
        blend(pixels, ellipses([(x + radius * np.cos(a), y + radius * np.sin(a), 2.4, 2.4) for a in between]), bulb)

    canvas.motions.append(play)
    if canvas.light.lamps > 0.3:
        canvas.glow(x, y, radius * 1.3, "#ff9ad0", 0.16 * canvas.light.lamps)
    canvas.fill(ellipses([(x, y, 8, 8)]), "#ff5a5f", 0.03)


def tent(canvas: Canvas, x: float, y: float, width: float, height: float, codes: tuple[str, str]) -> None:
    """A striped big top with a pennant."""
    w, eaves = width / 2, y - 0.42 * height
    roof = [
        (x - w, eaves),
        (x - 0.42 * w, eaves - 0.26 * height),
        (x, y - height),
        (x + 0.42 * w, eaves - 0.26 * height),
        (x + w, eaves),
    ]
    side = [(x - 0.9 * w, eaves), (x + 0.9 * w, eaves), (x + 0.86 * w, y), (x - 0.86 * w, y)]
    edges = np.linspace(-1, 1, 12)
    stripes = [
        [(x + w * a, eaves), (x, y - height - 2), (x + w * b, eaves)]
        for a, b in zip(edges[:-1:2], edges[1::2], strict=True)
    ]
    panels = [(x + 0.9 * w * a, eaves, x + 0.9 * w * b, y) for a, b in zip(edges[:-1:2], edges[1::2], strict=True)]
    top, walls = polygons([roof]), polygons([side])
    canvas.fill(walls, codes[1], 0.08, to="#d8c4a8", span=(eaves, y))
    canvas.fill(walls * boxes(panels), codes[0], 0.08, to="#8a2c3c", span=(eaves - 20, y + 50))
    canvas.fill(top, codes[1], 0.06, 0.5)
    canvas.fill(top * polygons(stripes), codes[0], 0.06, 0.5)
    canvas.fill(
        ellipses([(x + w * a, eaves, w * 0.1, w * 0.085) for a in np.linspace(-0.9, 0.9, 10)]), "#ffd24a", 0.05, 0.4
    )
    door = [(x - 0.14 * w, y), (x, eaves + 0.06 * height), (x + 0.14 * w, y)]
    blend(
        canvas.pixels, polygons([door]), mix(canvas.shade("#5a2c3c", 0.05), colour("#ffcf70"), 0.8 * canvas.light.lamps)
    )
    pole = y - height
    canvas.fill(boxes([(x - 0.8, pole - 14, x + 0.8, pole + 2)]), "#6b4b34", 0.05)
    shade = canvas.shade("#ffd24a", 0.03)
    canvas.motions.append(
        lambda pixels, turn: blend(
            pixels, polygons([[(x, pole - 14), (x + 15, pole - 10 + 2 * np.sin(turn)), (x, pole - 6)]]), shade
        )
    )


def carousel(canvas: Canvas, x: float, y: float) -> None:
    """A roundabout whose horses go by, rising and sinking."""
    canvas.fill(boxes([(x - 78, y - 78, x + 78, y - 8)]), "#f0d8b0", 0.08, to="#c99a6a", span=(y - 78, y))
    canvas.fill(boxes([(x - 24, y - 78, x + 24, y - 8)]), "#d96a7a", 0.06, to="#a8405c", span=(y - 78, y))
    canvas.glow(x, y - 44, 84, "#ffdf9a", 0.2 + 0.35 * canvas.light.lamps)
    gold = canvas.shade("#e8c05a", 0.02)
    white = mix(canvas.shade("#fff4ee", 0.02), WHITE, 0.4 * canvas.light.lamps)
    saddle = mix(canvas.shade("#e86a9a", 0.02), colour("#e86a9a"), 0.4 * canvas.light.lamps)

    def play(pixels: Array, turn: float) -> None:
        for i in range(6):
            a = x - 78 + 26 * (i + turn / FULL_TURN) % 156
            b = y - 34 + 6 * np.sin(FULL_TURN * a / 78)
            blend(pixels, boxes([(a - 0.9, y - 78, a + 0.9, y - 8)]), gold)
            legs = [(a - 9, b, a - 6, b + 13), (a + 6, b, a + 9, b + 13)]
            neck = [
                [(a + 4, b - 2), (a + 12, b - 16), (a + 19, b - 13), (a + 11, b + 4)],
                [(a - 10, b - 3), (a - 16, b + 7), (a - 13, b + 8), (a - 8, b + 1)],
            ]
            horse = np.maximum(np.maximum(ellipses([(a, b, 12, 6)]), boxes(legs)), polygons(neck))
            within = boxes([(x - 78, 0, x + 78, 256)])
            blend(pixels, horse * within, white)
            blend(pixels, ellipses([(a, b - 2, 5, 4)]) * within, saddle)

    canvas.motions.append(play)
    canvas.behind()
    canvas.fill(boxes([(x - 84, y - 10, x + 84, y)]), "#e8484a", 0.03, 0.6)
    canvas.fill(ellipses([(x - 84 + 12 * i, y - 5, 2.4, 2.4) for i in range(15)]), "#ffe08a", 0.0)
    roof = [(x - 90, y - 76), (x, y - 142), (x + 90, y - 76)]
    edges = np.linspace(-1, 1, 14)
    stripes = [
        [(x + 90 * a, y - 76), (x, y - 144), (x + 90 * b, y - 76)] for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    canvas.fill(polygons([roof]), "#fff4e4", 0.04, 0.6)
    canvas.fill(polygons([roof]) * polygons(stripes), "#e8484a", 0.04, 0.6)
    canvas.fill(ellipses([(x - 84 + 14 * i, y - 75, 7.4, 8) for i in range(13)]), "#ffd24a", 0.03, 0.4)
    canvas.fill(ellipses([(x, y - 146, 5, 5)]), "#ffd24a", 0.03)


def coaster(canvas: Canvas) -> None:
    """A roller coaster's track on its trestles."""
    along = grid().along
    track = (
        116
        - 52 * np.exp(-(((along - 66) / 34) ** 2))
        - 26 * np.exp(-(((along - 150) / 26) ** 2))
        + 34 * np.exp(-(((along - 112) / 20) ** 2))
        + 0.16 * along
    )
    band = edge(grid().rows - track[None, :] + 1) * edge(track[None, :] + 5 - grid().rows)
    at = lambda x: float(np.interp(x, along, track))  # noqa: E731
    legs = [[(x - 1, at(x)), (x + 1, at(x)), (x + 1, 192), (x - 1, 192)] for x in range(4, 256, 16)]
    cross = [[(x, at(x) + 10), (x + 1.4, at(x) + 10), (x + 17.4, 190), (x + 16, 190)] for x in range(4, 240, 16)]
    canvas.fill(polygons(legs + cross), "#f0ece4", 0.14, 0.2, strength=0.9)
    canvas.fill(band.astype(np.float32), "#d8434a", 0.08, 0.5)
    for i, x in enumerate((24, 35, 46)):
        canvas.fill(ellipses([(x, at(x) - 3, 6, 5)]), BRIGHT[1 + i], 0.05)


def garland(canvas: Canvas, posts: Sequence[tuple[float, float]]) -> None:
    """Coloured bulbs on sagging wires; at night they glow in turn."""
    places = []
    for (x0, y0), (x1, y1) in pairwise(posts):
        t = np.arange(0.5, max(4, round((x1 - x0) / 13))) / max(4, round((x1 - x0) / 13))
        places += zip(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t + 64 * t * (1 - t), strict=True)
    wire = np.interp(grid().along, [x for x, _ in places], [y for _, y in places]) - 3
    canvas.fill(
        (edge(grid().rows - wire[None, :] + 0.5) * edge(wire[None, :] + 1.4 - grid().rows)).astype(np.float32),
        "#3c3a4c",
        0.02,
        strength=0.8,
    )
    for i, code in enumerate(BRIGHT):
        mine = places[i :: len(BRIGHT)]
        shade = mix(canvas.shade(code), mix(colour(code), WHITE, 0.25), canvas.light.lamps)
        blend(canvas.pixels, ellipses([(x, y, 3.2, 3.6) for x, y in mine]), shade)
        for x, y in mine:
            canvas.flicker(x, y, 6 + 5 * canvas.light.lamps, code, 0.12 + 0.6 * canvas.light.lamps, 0.5)


def booth(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(boxes([(x - 24, y - 46, x + 24, y)]), "#c98a4f", 0.02, to="#8f5f38", span=(y - 46, y))
    blend(
        canvas.pixels,
        boxes([(x - 20, y - 42, x + 20, y - 20)]),
        mix(canvas.shade("#5a4652"), colour("#ffd98a"), 0.85 * canvas.light.lamps),
    )
    canvas.fill(boxes([(x - 28 + 14 * i, y - 62, x - 21 + 14 * i, y - 42) for i in range(4)]), "#4a86d8", 0.0, 0.7)
    canvas.fill(boxes([(x - 21 + 14 * i, y - 62, x - 14 + 14 * i, y - 42) for i in range(4)]), "#fff4e4", 0.0, 0.7)
