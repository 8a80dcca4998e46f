"""Draws the four views of the room."""

from collections.abc import Callable

import numpy as np

from studio.world.painting import (
    FULL_TURN,
    SIZE,
    Array,
    Canvas,
    Light,
    below,
    blend,
    boxes,
    colour,
    ellipses,
    grid,
    mix,
    polygons,
    rolling,
    soft_disc,
)
from studio.world.scenery import WHITE


def room(canvas: Canvas, view: int) -> None:
    light = canvas.light
    wall, wood = (("#e9cfae", "#a8704a"), ("#b9d0c0", "#b98558"), ("#dcb8b4", "#8f5f48"), ("#c3c6e0", "#a87850"))[view]
    lamp, lit = light.lamps, lamplit(light)
    interior(canvas, wall, wood, lit)
    planks = [
        [(128 + a * 0.7, 193), (128 + a * 0.7 + 1, 193), (128 + a * 1.25 + 2, 256), (128 + a * 1.25, 256)]
        for a in range(-190, 200, 38)
    ]
    blend(canvas.pixels, polygons(planks) * 0.25, lit(wood) * 0.5)
    frame = ((150, 34, 228, 118), (76, 26, 180, 124), (26, 40, 92, 120), (120, 30, 232, 112))[view]
    casement(canvas, frame, lit)
    blend(canvas.pixels, ellipses([(128, 230, 92, 20)]) * 0.9, lit(("#b5483f", "#3f6f8c", "#5f7a52", "#7a4f8a")[view]))
    blend(canvas.pixels, ellipses([(128, 230, 76, 15)]) * 0.9, lit(("#d98a6a", "#7fa8b4", "#a3b07f", "#b08fc0")[view]))
    if view == 0:
        fireplace(canvas, lit)
    elif view == 1:
        shelf(canvas, (8, 84, 58, 200), lit)
        plant(canvas, 224, 204, lit)
    elif view == 2:
        shelf(canvas, (176, 40, 246, 200), lit)
        armchair(canvas, 52, 206, lit)
    else:
        plant(canvas, 30, 206, lit)
        floor_lamp(canvas, 76, 200, lit)
    if lamp > 0.3 and view in (1, 2):
        pendant(canvas, (30, 132)[view - 1])
    daylight(canvas, frame)


def lamplit(light: Light) -> Callable[[str], Array]:
    """Colours as they are seen indoors, where it never gets as dark as outside: lamplight adds to the tint."""
    tint = np.clip(mix(light.tint, np.array([0.92, 0.74, 0.58], np.float32), 0.66 * light.lamps), 0, 1)
    return lambda code: colour(code) * tint


def interior(canvas: Canvas, wall: str, floor: str, lit: Callable[[str], Array]) -> None:
    """A wall, a skirting board, a floor."""
    blend(canvas.pixels, np.ones_like(grid().rows), mix(lit(wall), lit(wall) * 0.8, grid().down / SIZE))
    blend(canvas.pixels, boxes([(0, 186, 256, 193)]), mix(lit(floor), WHITE, 0.25))
    blend(
        canvas.pixels,
        boxes([(0, 193, 256, 256)]),
        mix(lit(floor), lit(floor) * 0.62, np.clip((grid().down - 193) / 63, 0, 1)),
    )


def casement(canvas: Canvas, frame: tuple[float, float, float, float], lit: Callable[[str], Array]) -> None:
    """A window onto the evening, the morning, the stars; curtains at its sides."""
    left, top, right, bottom = frame
    light, pane = canvas.light, boxes([frame])
    down = np.clip((grid().down - top) / (bottom - top), 0, 1)
    blend(canvas.pixels, boxes([(left - 6, top - 6, right + 6, bottom + 8)]), lit("#fbf3e4"))
    blend(
        canvas.pixels,
        pane,
        mix(mix(light.top, light.middle, np.clip(2 * down, 0, 1)), light.low, np.clip(2 * down - 1, 0, 1)),
    )
    hill = rolling(bottom - 16, 8, 1.7, left)
    blend(canvas.pixels, pane * below(hill), canvas.shade("#6fa66c", 0.3))
    x, y = left + 0.7 * (right - left), top + (0.62 if light.time in ("sunset", "dawn") else 0.3) * (bottom - top)
    blend(canvas.pixels, pane * soft_disc(x, y, 26, 26) * 0.7, light.glow)
    blend(canvas.pixels, pane * ellipses([(x, y, 8, 8)]), light.glow)
    if light.dark:
        for a, b in canvas.chance.uniform((left + 6, top + 6), (right - 6, bottom - 34), (7, 2)):
            canvas.flicker(a, b, 2.8, "#fff8e0", 0.9, 0.4)
    bars = [
        ((left + right) / 2 - 2, top, (left + right) / 2 + 2, bottom),
        (left, (top + bottom) / 2 - 2, right, (top + bottom) / 2 + 2),
    ]
    blend(canvas.pixels, boxes(bars), lit("#fbf3e4"))
    for side, edge in ((-1, left), (1, right)):
        cloth = [
            (edge + 12 * side, top - 10),
            (edge - 13 * side, top - 10),
            (edge - 5 * side, (top + bottom) / 2),
            (edge + 1 * side, bottom + 12),
            (edge + 15 * side, bottom + 12),
        ]
        folds = (0.86 + 0.14 * np.sin(grid().columns * 0.8))[..., None]
        blend(canvas.pixels, polygons([cloth]), lit("#c9605a") * folds)


def daylight(canvas: Canvas, frame: tuple[float, float, float, float]) -> None:
    """The window's light on the floor, breathing as a curtain moves."""
    left, _, right, _ = frame
    patch = polygons([[(left - 20, 200), (right - 20, 200), (right - 56, 246), (left - 66, 246)]])
    strength = {"day": 0.34, "sunset": 0.40, "night": 0.16, "dawn": 0.30}[canvas.light.time]
    shade = mix(canvas.light.low, canvas.light.glow, 0.4)
    canvas.motions.append(lambda pixels, turn: blend(pixels, patch * (strength * (0.8 + 0.2 * np.sin(turn))), shade))


def fireplace(canvas: Canvas, lit: Callable[[str], Array]) -> None:
    blend(canvas.pixels, boxes([(14, 92, 112, 200), (30, -2, 96, 92)]), lit("#b06a52"))
    bricks = [
        (a + 9 * (row % 2), 98 + 14 * row, a + 9 * (row % 2) + 15, 109 + 14 * row)
        for row in range(7)
        for a in range(14, 96, 19)
    ]
    blend(canvas.pixels, boxes(bricks) * 0.35, lit("#dc9a7c"))
    blend(canvas.pixels, boxes([(6, 84, 120, 95)]), lit("#7a4a34"))
    hearth = np.maximum(boxes([(34, 142, 92, 200)]), ellipses([(63, 142, 29, 20)]))
    blend(canvas.pixels, hearth, colour("#2a1614"))
    blend(canvas.pixels, polygons([[(40, 192), (86, 186), (87, 194), (41, 199)]]), colour("#5c3a28"))
    canvas.flicker(63, 178, 84, "#ff9a3f", 0.22 + 0.2 * canvas.light.lamps, 0.25)

    def play(pixels: Array, turn: float) -> None:
        for i, (code, size) in enumerate((("#ff6a2a", 1.0), ("#ffb03a", 0.72), ("#fff0a0", 0.42))):
            tongues = []
            for j, (x, tall) in enumerate(((50, 26), (63, 40), (76, 28))):
                tip = tall * size * (0.85 + 0.2 * np.sin(turn + 2.2 * j + 0.6 * i))
                lean, wide = 4 * np.sin(turn + 1.7 * j), 10 * size
                tongues.append(
                    [
                        (x - wide, 188),
                        (x - wide * 0.7, 188 - tip * 0.5),
                        (x + lean, 188 - tip),
                        (x + wide * 0.7, 188 - tip * 0.45),
                        (x + wide, 188),
                    ]
                )
            blend(pixels, polygons(tongues), colour(code))

    canvas.motions.append(play)


def shelf(canvas: Canvas, box: tuple[float, float, float, float], lit: Callable[[str], Array]) -> None:
    left, top, right, bottom = box
    blend(canvas.pixels, boxes([box]), lit("#7a5238"))
    codes = ("#d9564f", "#4f86c0", "#e8b04a", "#5fa070", "#8a68b0", "#e8dcc4")
    rows = np.arange(top + 6, bottom - 24, 36)
    blend(canvas.pixels, boxes([(left + 5, y, right - 5, y + 31) for y in rows]), lit("#4d3224"))
    books: dict[str, list[tuple[float, float, float, float]]] = {code: [] for code in codes}
    for y in rows:
        x = left + 7
        while x < right - 13:
            wide = canvas.rng.uniform(5, 8)
            books[codes[canvas.rng.integers(len(codes))]].append((x, y + canvas.rng.uniform(4, 11), x + wide, y + 31))
            x += wide + 0.7
    for code, shapes in books.items():
        if shapes:
            blend(canvas.pixels, boxes(shapes), lit(code))


def plant(canvas: Canvas, x: float, y: float, lit: Callable[[str], Array]) -> None:
    blend(
        canvas.pixels,
        polygons([[(x - 16, y - 24), (x + 16, y - 24), (x + 12, y + 4), (x - 12, y + 4)]]),
        lit("#d9825a"),
    )
    start = canvas.rng.uniform(0, FULL_TURN)

    def play(pixels: Array, turn: float) -> None:
        for code, wide in (("#3f8a54", 7.0), ("#6fb36a", 3.0)):
            leaves = []
            for i, angle in enumerate(np.linspace(0.12 * np.pi, 0.88 * np.pi, 6)):
                reach = 58 + 10 * (i % 2)
                tip = (x + reach * 0.8 * np.cos(angle) + 2.5 * np.sin(turn + start + i), y - 24 - reach * np.sin(angle))
                middle = (x + 0.5 * reach * np.cos(angle), y - 24 - 0.6 * reach * np.sin(angle))
                leaves.append([(x, y - 22), (middle[0] - wide, middle[1]), tip, (middle[0] + wide, middle[1])])
            blend(pixels, polygons(leaves), lit(code))

    canvas.motions.append(play)


def armchair(canvas: Canvas, x: float, y: float, lit: Callable[[str], Array]) -> None:
    blend(
        canvas.pixels,
        np.maximum(boxes([(x - 32, y - 66, x + 32, y - 10)]), ellipses([(x, y - 66, 32, 20)])),
        lit("#4f7f86"),
    )
    blend(
        canvas.pixels,
        np.maximum(
            boxes([(x - 42, y - 36, x - 26, y), (x + 26, y - 36, x + 42, y)]),
            ellipses([(x - 34, y - 36, 9, 9), (x + 34, y - 36, 9, 9)]),
        ),
        lit("#3f6a72"),
    )
    blend(canvas.pixels, boxes([(x - 27, y - 26, x + 27, y - 2)]), lit("#6fa0a4"))


def floor_lamp(canvas: Canvas, x: float, y: float, lit: Callable[[str], Array]) -> None:
    blend(
        canvas.pixels, np.maximum(boxes([(x - 1.5, y - 110, x + 1.5, y)]), ellipses([(x, y, 13, 3.5)])), lit("#4d4038")
    )
    shade = mix(lit("#f4e0b4"), colour("#ffe0a0"), canvas.light.lamps)
    blend(
        canvas.pixels, polygons([[(x - 12, y - 134), (x + 12, y - 134), (x + 22, y - 104), (x - 22, y - 104)]]), shade
    )
    canvas.flicker(x, y - 116, 70, "#ffcf7a", 0.08 + 0.34 * canvas.light.lamps, 0.2)


def pendant(canvas: Canvas, x: float) -> None:
    blend(canvas.pixels, boxes([(x - 1, 0, x + 1, 22)]), colour("#3c3430"))
    blend(canvas.pixels, polygons([[(x - 5, 20), (x + 5, 20), (x + 15, 36), (x - 15, 36)]]), colour("#ffdf9c"))
    canvas.flicker(x, 40, 76, "#ffcf7a", 0.34 * canvas.light.lamps, 0.2)
