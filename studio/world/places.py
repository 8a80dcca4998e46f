"""The fourteen places of the drawn world: for each a painter of its four views, given a canvas and its light.

The middle and lower part of every view is kept calm, so that a subject reads well on it.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from studio.world.painting import (
    ALONG,
    COLUMNS,
    FULL_TURN,
    ROWS,
    SIZE,
    Array,
    Canvas,
    Point,
    below,
    blend,
    boxes,
    colour,
    ellipses,
    mix,
    polygons,
    ribbon,
    rolling,
    soft_disc,
    through,
)
from studio.world.scenery import (
    WHITE,
    flowers,
    grass,
    house,
    peak,
    pines,
    sky,
    spread,
    stars,
    stones,
    sunlit_path,
    trees,
    water,
    water_in,
    windows,
)


def meadow(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (190, 70, 128, 205)[view])
    far = ((138, 16, 1.4, 0.4), (128, 10, 2.1, 2.0), (146, 20, 1.0, 3.6), (150, 8, 1.7, 5.0))[view]
    canvas.ground(rolling(*far), "#86b79a", "#8fc58b", 0.62)
    canvas.ground(rolling(far[0] + 18, 12, 1.3, far[3] + 2), "#7dbb68", "#7cc25a", 0.34)
    if view == 0:
        trees(canvas, [(206, 176, 62), (232, 178, 44)])
    elif view == 1:
        trees(canvas, [(x, 160, 24) for x in spread(canvas, 9, 0, 256)], "#5d9c62", 0.35)
    elif view == 2:
        trees(canvas, [(34, 182, 88)], depth=0.05)
    near = rolling((178, 168, 176, 172)[view], 9, 0.9, far[3] + 4)
    canvas.ground(near, "#8fd05c", "#55a544", 0.05)
    if view == 3:  # a path winding to the hills, and a fence
        path = ribbon((160, 172, 3), (136, 186, 7), (154, 206, 15), (120, 230, 26), (104, 256, 40))
        canvas.fill(path, "#e6cd98", 0.05, 0.7, to="#d9b878", span=(170, 256))
        fence = [(x, 178 + 0.10 * x, x + 4, 200 + 0.12 * x) for x in range(4, 100, 19)]
        rails = [[(0, 184), (106, 194), (106, 197), (0, 187)], [(0, 192), (106, 204), (106, 207), (0, 195)]]
        canvas.fill(np.maximum(boxes(fence), polygons(rails)), "#f4ead6", 0.05, 0.5)
    codes = (("#ffffff", "#ffe14d"), ("#e8453c", "#f26a4f"), ("#b58be8", "#ffffff"), ("#ffd23f", "#ff9fbc"))[view]
    flowers(canvas, (40, 70, 44, 36)[view], 186, 240, codes)
    grass(canvas)


def mountains(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (60, 128, 200, 180)[view])
    canvas.ground(rolling(136, 14, 2.6, view * 1.7), "#9fb2d0", "#a9bcd6", 0.75)
    layouts = (
        ((196, 78, 92, "#6f83a8", 0.42), (96, 34, 118, "#6a7597", 0.16)),
        ((128, 62, 74, "#7d8fb2", 0.45), (38, 52, 88, "#6d7a9c", 0.26), (214, 44, 96, "#6a7597", 0.20)),
        ((60, 70, 80, "#7d8fb2", 0.46), (118, 88, 66, "#7d8fb2", 0.46), (190, 28, 124, "#66708f", 0.15)),
        ((22, 18, 116, "#66708f", 0.16), (236, 26, 110, "#66708f", 0.16), (130, 92, 62, "#8497b8", 0.5)),
    )
    for x, y, half, code, depth in layouts[view]:
        peak(canvas, x, y, half, 190, code, depth)
    canvas.ground(rolling(172, 9, 1.6, view + 0.5), "#5f9a74", "#6aa56f", 0.25)
    row = [(x, 188 + 4 * np.sin(x), canvas.rng.uniform(22, 36)) for x in spread(canvas, 13, 0, 256)]
    pines(canvas, row if view in (0, 1) else [p for p in row if abs(p[0] - 128) > 54], depth=0.16)
    canvas.ground(rolling(196, 7, 0.8, view * 2.0), "#8cbf6a", "#5f9b52", 0.04)
    if view == 2:
        pines(canvas, [(20, 236, 92), (52, 228, 62)], "#265c41", 0.0)
    elif view == 3:
        stream = ribbon((130, 194, 3), (140, 206, 7), (114, 222, 13), (126, 240, 22), (120, 256, 30))
        water_in(canvas, stream, "#4fa3cf", 192)
    elif view == 1:
        stones(canvas, [(28, 246, 26, 18), (226, 250, 34, 22), (60, 252, 18, 11)], "#9a9fa9", "#5e6470")
    canvas.drift(158, 22, 0.30)


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
        edge = shore + 7 + 6 * np.sin(turn + start) + 2.5 * np.sin(ALONG * 0.06 + start)
        reach = edge[None, :] - ROWS
        blend(pixels, np.clip(reach + 0.5, 0, 1) * np.clip(1 - reach / 24, 0, 1) * 0.75, shallow)
        blend(pixels, np.clip(1.6 - np.abs(reach - 1.5) / 2.2, 0, 1), white)
        second = np.clip(1.2 - np.abs(reach - 20 - 4 * np.sin(turn + start + 1)) / 2.0, 0, 1)
        blend(pixels, 0.55 * second, white)

    canvas.motions.append(play)


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


def parasol(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(ellipses([(x + 10, y + 34, 40, 7)]), "#a8854f", 0.0, 0.5, strength=0.5)
    canvas.fill(boxes([(x - 1.5, y - 40, x + 1.5, y + 34)]), "#f4efe6", 0.0)
    dome = ellipses([(x, y - 22, 44, 34)]) * np.clip(y - 20 - ROWS, 0, 1)
    canvas.fill(dome, "#e8504a", 0.0, 0.5)
    canvas.fill(dome * ellipses([(x, y - 22, 26, 40)]), "#fff4e4", 0.0, 0.5)
    canvas.fill(dome * ellipses([(x, y - 22, 9, 40)]), "#e8504a", 0.0, 0.5)


def desert(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (70, 186, 128, 200)[view])
    far = (140, 132, 146, 138)[view]
    if view in (1, 3):
        steps = (
            ((150, 210, 84, "#c47a56"), (20, 66, 100, "#b96f50"))
            if view == 1
            else ((92, 150, 92, "#c47a56"), (196, 236, 78, "#b96f50"))
        )
        mesas(canvas, steps, 152)
    canvas.ground(rolling(far, 10, 1.4, 1.3 * view), "#e9b872", "#e3ab62", 0.5)
    for i, (y, height, waves) in enumerate(((164, 15, 0.9), (188, 14, 0.7))):
        dune(canvas, rolling(y, height, waves, view * 1.9 + 2.4 * i), 0.22 - 0.18 * i)
    if view == 0:
        cactus(canvas, 212, 214, 84)
        cactus(canvas, 36, 190, 42)
    elif view == 1:
        cactus(canvas, 30, 222, 96)
    elif view == 2:  # pyramids behind the dunes would be another place; an oasis of palms instead
        pool = ellipses([(226, 238, 74, 24)])
        canvas.fill(ellipses([(226, 238, 82, 29)]), "#b89a58", 0.05, 0.8, strength=0.7)
        water_in(canvas, pool, "#2f9ab0", 212)
        palm(canvas, 216, 214, 92, -0.20)
        palm(canvas, 238, 216, 70, 0.10)
    else:
        stones(canvas, [(222, 242, 26, 24), (250, 250, 26, 34), (14, 250, 24, 22)], "#c07a58", "#7c4936")
    canvas.drift(196, 13, 0.34, canvas.shade("#ffdca0", 0.1, 0.9))


def dune(canvas: Canvas, crest: Array, depth: float) -> None:
    """A dune with its lee side in shadow where the crest falls to the right."""
    canvas.ground(crest, "#f3ca84", "#dda45c", depth)
    falling = np.clip(np.gradient(crest) * 1.8, 0, 1)
    lee = below(crest) * falling[None, :] * np.clip(1 - (ROWS - crest[None, :]) / 46, 0, 1)
    canvas.fill(lee.astype(np.float32), "#a8683c", depth, 0.4, strength=0.5)


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
        canvas.fill(
            mask * np.clip((COLUMNS - (left + 0.68 * (right - left))) / 4, 0, 1), "#6e3c3a", 0.32, 0.1, strength=0.42
        )
        canvas.fill(mask * np.clip(top + 5 - ROWS, 0, 1), "#e8b07e", 0.3, 1.0)


def cactus(canvas: Canvas, x: float, y: float, height: float) -> None:
    w = height * 0.10
    arms = [
        (x - w, y - height, x + w, y),
        (x - 3.4 * w, y - 0.46 * height, x, y - 0.34 * height),
        (x, y - 0.60 * height, x + 3.4 * w, y - 0.49 * height),
        (x - 3.4 * w, y - 0.74 * height, x - 1.9 * w, y - 0.36 * height),
        (x + 1.9 * w, y - 0.84 * height, x + 3.4 * w, y - 0.5 * height),
    ]
    caps = [
        (x, y - height, w, w),
        (x - 2.65 * w, y - 0.74 * height, 0.75 * w, 0.8 * w),
        (x + 2.65 * w, y - 0.84 * height, 0.75 * w, 0.8 * w),
    ]
    canvas.fill(ellipses([(x + 2 * w, y, 4 * w, w * 0.6)]), "#9c6a3c", 0.0, 0.5, strength=0.5)
    canvas.fill(np.maximum(boxes(arms), ellipses(caps)), "#3f8f56", 0.0, 0.15)
    canvas.fill(boxes([(x - w * 0.6, y - height, x - w * 0.1, y)]), "#7cc078", 0.0, 0.5, strength=0.7)


def forest(canvas: Canvas, view: int) -> None:
    sky(canvas, 170, (128, 60, 200, 128)[view])
    layers = ((158, "#8fb8a0", 0.72, 15, 62), (172, "#5f9a76", 0.45, 11, 92), (188, "#3f7d58", 0.2, 8, 124))
    clearing = (128, 90, 168, 128)[view]
    for i, (base, code, depth, count, tall) in enumerate(layers):
        canvas.ground(rolling(base, 4, 1.2, view + i), code, "#5c9458", depth)
        row = [
            (x, base + 8 + canvas.rng.uniform(-2, 5), tall * canvas.rng.uniform(0.8, 1.15))
            for x in spread(canvas, count, -8, 264)
        ]
        row = [place for place in row if i == 0 or abs(place[0] - clearing) > 20 + 22 * i]
        pines(canvas, row, code, depth) if view % 2 == 0 else trees(canvas, row, code, depth)
    canvas.ground(rolling(200, 5, 0.8, view * 1.5), "#6fa650", "#3f7a3c", 0.03)
    path = ribbon((clearing, 200, 5), (clearing + 10, 212, 11), (clearing - 8, 228, 24), (clearing + 4, 256, 50))
    if view in (0, 3):
        canvas.fill(path, "#c9a874", 0.0, 0.75, strength=0.9)
    sides = ((8, 40), (240, 262), (18, 246), (0, 256))[view]
    trunks = [[(x - 15, 262), (x - 9, -4), (x + 9, -4), (x + 16, 262)] for x in sides[: 1 if view < 2 else 2]]
    canvas.fill(polygons(trunks), "#5d4433", 0.0, 0.12)
    canvas.fill(
        polygons([[(a[0] + 3, 262), (b[0] + 2, -4), (b[0] + 6, -4), (a[0] + 9, 262)] for a, b, *_ in trunks]),
        "#8a6748",
        0.0,
        0.7,
        strength=0.7,
    )
    light_shafts(canvas, clearing)
    if canvas.light.dark:
        for x, y in canvas.chance.uniform((20, 130), (236, 232), (9, 2)):
            canvas.flicker(x, y, 5.5, "#e9ff8a", 0.75, 0.5)
    grass(canvas, 38, "#2f7038")


def light_shafts(canvas: Canvas, x: float) -> None:
    """Slanting beams through the crowns, breathing slowly."""
    if canvas.light.weather not in ("clear", "fog"):
        canvas.drift(176, 24, 0.28)
        return
    slant = COLUMNS - x + 0.45 * (ROWS - 110)
    fade = np.clip(ROWS / 40, 0, 1) * np.clip((214 - ROWS) / 60, 0, 1)
    strength = 0.10 if canvas.light.dark else 0.24
    beams = [
        (np.clip(1 - np.abs(slant - c) / w, 0, 1) * fade).astype(np.float32) for c, w in ((-44, 16), (2, 24), (52, 14))
    ]

    def play(pixels: Array, turn: float) -> None:
        for i, beam in enumerate(beams):
            blend(pixels, beam * (strength * (0.65 + 0.35 * np.sin(turn + 2.1 * i))), canvas.light.glow)

    canvas.motions.append(play)


def city(canvas: Canvas, view: int) -> None:
    sky(canvas, 176, (60, 190, 128, 210)[view])
    skyline(canvas, 176, 16, (40, 92), ("#9fb0cc",), 0.6)
    skyline(canvas, 182, 11, (54, 118), ("#7f93b8", "#8b86ae", "#7aa0b4"), 0.34)
    if view == 0:
        skyline(canvas, 196, 6, (70, 140), ("#6a7ba6", "#a87f78", "#56809a"), 0.08, gap=(86, 176))
    elif view == 1:
        towers(canvas)
    elif view == 2:
        skyline(canvas, 194, 8, (36, 70), ("#c98d6e", "#d9b48a", "#a87268"), 0.08)
    canvas.ground(np.full(SIZE, 196, np.float32), "#8f97a6", "#6f7888", 0.04, 0.9)
    if view == 3:
        water(canvas, 196, "#2a5f8c", "#7fb0d0")
        canvas.reflect(196, 0.55)
        canvas.glints(202, 250, 18, 0.35)
        canvas.fill(boxes([(0, 190, 256, 197)]), "#b7b2ae", 0.05, 0.9)
        return
    canvas.fill(boxes([(0, 190, 256, 200)]), "#b9bcc4", 0.03, 0.9)
    if view == 0:
        canvas.fill(polygons([[(118, 196), (142, 196), (236, 258), (24, 258)]]), "#565d6b", 0.0, 0.5)
        dashes = [[(129, a), (131, a), (131 + 2, b), (127, b)] for a, b in ((200, 207), (214, 224), (234, 250))]
        canvas.fill(polygons(dashes), "#ffe9a8", 0.0, 0.3)
    else:
        canvas.fill(boxes([(0, 204, 256, 258)]), "#565d6b", 0.0, 0.5)
        canvas.fill(boxes([(x, 229, x + 26, 233) for x in range(6, 256, 50)]), "#ffe9a8", 0.0, 0.3)
    for x in ((30, 226), (20, 128, 236), (12, 244))[view]:
        lamp_post(canvas, x, 204, 52)


def skyline(
    canvas: Canvas,
    base: float,
    count: int,
    heights: Point,
    codes: Sequence[str],
    depth: float,
    gap: Point | None = None,
) -> None:
    """A row of houses with lit windows, leaving a gap free."""
    edges = np.linspace(-4, 260, count + 1)
    for i, (left, right) in enumerate(pairwise(edges)):
        top = base - canvas.rng.uniform(*heights)
        if gap and right > gap[0] and left < gap[1]:
            continue
        left += canvas.rng.uniform(0, 3)
        building(canvas, (left, top, right - 1, base + 6), codes[i % len(codes)], depth, i % 3)


def building(canvas: Canvas, box: tuple[float, float, float, float], code: str, depth: float, roof: int) -> None:
    left, top, right, bottom = box
    width = right - left
    shapes = [box]
    if roof == 1:
        shapes.append((left + width * 0.25, top - 8, right - width * 0.25, top))
    elif roof == 2:
        shapes.append((left + width * 0.46, top - 16, left + width * 0.54, top))
    mask = boxes(shapes)
    canvas.fill(mask, code, depth)
    canvas.fill(mask * np.clip((COLUMNS - left - 0.72 * width) / 2, 0, 1), "#39406a", depth, strength=0.28)
    canvas.fill(boxes([(left, top, right, top + 3)]), "#e6ebf2", depth, 1.0, strength=0.25 + 0.7 * canvas.light.cover)
    if depth > 0.5:
        return
    columns, step = max(2, int(width / 9)), 12
    cell = width / columns
    panes = [
        (left + cell * (c + 0.25), y, left + cell * (c + 0.75), y + 5.5)
        for c in range(columns)
        for y in np.arange(top + 8, bottom - 12, step)
    ]
    lit = [pane for pane in panes if canvas.rng.random() < 0.55]
    dark = [pane for pane in panes if pane not in lit]
    if dark:
        canvas.fill(boxes(dark), "#46557c", depth, strength=0.6)
    if lit:
        glass = mix(
            canvas.shade("#a9c6e0", depth), mix(colour("#ffd98a"), canvas.light.haze, 0.5 * depth), canvas.light.lamps
        )
        blend(canvas.pixels, boxes(lit) * 0.9, glass)
        if canvas.light.lamps > 0.3 and depth < 0.4:
            a, b, c, d = lit[len(lit) // 2]
            canvas.flicker((a + c) / 2, (b + d) / 2, 8, "#ffcf70", 0.5 * canvas.light.lamps, 0.5)


def towers(canvas: Canvas) -> None:
    """Glass towers left and right of a square."""
    for box, code, roof in (
        ((8, 44, 54, 200), "#5d86ae", 2),
        ((58, 96, 84, 200), "#8a7fa8", 0),
        ((176, 88, 204, 200), "#6fa0a8", 1),
        ((208, 30, 250, 200), "#5f78ac", 2),
    ):
        building(canvas, box, code, 0.08, roof)


def lamp_post(canvas: Canvas, x: float, y: float, height: float) -> None:
    canvas.fill(boxes([(x - 1.3, y - height, x + 1.3, y)]), "#3c4458", 0.0)
    canvas.fill(ellipses([(x, y - height, 4.5, 5)]), "#fff3cf", 0.0)
    if canvas.light.lamps > 0.3:
        canvas.glow(x, y - height, 30, "#ffd27a", 0.55 * canvas.light.lamps)
        canvas.flicker(x, y - height, 7, "#fff1c4", canvas.light.lamps, 0.15)


def ocean(canvas: Canvas, view: int) -> None:
    horizon = (112.0, 92.0, 128.0, 104.0)[view]
    sun = (128, 196, 60, 186)[view]
    sky(canvas, horizon, sun)
    if view == 1:
        canvas.fill(ellipses([(52, 100, 46, 26)]), "#5f8a6a", 0.45, 0.9)
    elif view == 2:
        lighthouse(canvas, 214, 136)
    elif view == 3:
        outline = [(14, 112), (24, 62), (34, 50), (48, 56), (52, 84), (64, 112)]
        canvas.fill(polygons([outline, [(66, 112), (74, 84), (84, 92), (88, 112)]]), "#77718a", 0.3, 0.55)
    water(canvas, horizon, "#11507f", "#4f9cc8")
    sunlit_path(canvas, sun, horizon, 0.5)
    swell(canvas, horizon)


def lighthouse(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(ellipses([(x + 6, y, 44, 20)]), "#6a6272", 0.12, 0.85)
    body = polygons([[(x - 10, y - 14), (x - 6, y - 84), (x + 6, y - 84), (x + 10, y - 14)]])
    canvas.fill(body, "#fbf6ee", 0.1)
    canvas.fill(body * boxes([(x - 20, y - 70, x + 20, y - 56), (x - 20, y - 40, x + 20, y - 26)]), "#df4a45", 0.1)
    canvas.fill(boxes([(x - 5, y - 96, x + 5, y - 84)]), "#4d5a72", 0.1)
    canvas.fill(polygons([[(x - 8, y - 95), (x, y - 106), (x + 8, y - 95)]]), "#df4a45", 0.1, 0.6)
    canvas.glow(x, y - 90, 44, "#fff0b0", 0.45 * canvas.light.lamps)
    canvas.flicker(x, y - 90, 22, "#fff0b0", 0.25 + 0.75 * canvas.light.lamps, 0.25)


def swell(canvas: Canvas, horizon: float) -> None:
    """Rows of long waves, taller and darker towards the viewer, heaving in place once a loop."""
    light, rows = canvas.light, 6
    starts = canvas.rng.uniform(0, FULL_TURN, rows)

    def play(pixels: Array, turn: float) -> None:
        for i, start in enumerate(starts):
            near = (i + 0.6) / rows
            y = horizon + (SIZE - horizon) * near**1.35
            waves = 5.4 - 3.6 * near
            u = ALONG / SIZE * FULL_TURN * waves + start
            crest = y - (1.2 + 5 * near) * (np.sin(u + 0.9 * np.sin(turn + start)) + 0.3 * np.sin(1.7 * u - turn))
            under = below(crest.astype(np.float32))
            depth = ROWS - crest[None, :]
            body = mix(canvas.shade("#2c83b0", 0.3 * (1 - near)), canvas.shade("#0d4472"), near)
            body = mix(body, mix(light.middle, light.top, near), 0.15 if light.time == "day" else 0.5)
            blend(pixels, under * np.clip(1 - depth / (18 + 50 * near), 0, 1) * 0.6, body)
            rim = under * np.clip(1 - depth / (4 + 6 * near), 0, 1)
            blend(pixels, rim * 0.34, mix(light.low, WHITE, 0.12 if light.dark else 0.35))

    canvas.motions.append(play)


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
    dome = ellipses([(x, y, radius, radius * 0.95)]) * np.clip(y + 2 - ROWS, 0, 1)
    canvas.fill(dome, "#ffffff", 0.0, to="#b9d4ec", span=(y - radius, y + 6))
    joints = boxes([(x - radius, y - h, x + radius, y - h + 1.8) for h in (12, 24)])
    canvas.fill(dome * joints, "#8fb4d6", 0.0, strength=0.7)
    door = ellipses([(x + 18, y, 13, 18)]) * np.clip(y + 2 - ROWS, 0, 1)
    canvas.fill(door, "#cfe1f2", 0.0)
    inner = ellipses([(x + 20, y, 9, 13)]) * np.clip(y + 2 - ROWS, 0, 1)
    blend(canvas.pixels, inner, mix(canvas.shade("#47648c"), colour("#ffc46b"), canvas.light.lamps))


def aurora(canvas: Canvas) -> None:
    """Two curtains of green light that sway."""
    start = canvas.chance.uniform(0, FULL_TURN)

    def play(pixels: Array, turn: float) -> None:
        for i, code in enumerate(("#4ff0b0", "#9a7cf0")):
            line = (
                66
                - 20 * i
                + 14 * np.sin(ALONG * 0.022 + start + 1.4 * i + 0.5 * np.sin(turn))
                + 4 * np.sin(ALONG * 0.05 + turn + i)
            )
            height = line[None, :] - ROWS
            curtain = np.clip(1 - height / 52, 0, 1) * np.clip(height / 9 + 1, 0, 1)
            pleats = 0.72 + 0.28 * np.sin(ALONG * 0.09 + turn + 2 * i)
            blend(pixels, (0.55 * curtain * pleats[None, :] * (height > -9)).astype(np.float32), colour(code))

    canvas.motions.append(play)


def village(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (190, 60, 200, 128)[view])
    canvas.ground(rolling((128, 118, 138, 126)[view], 16, 1.2, 1.4 * view), "#8fb79c", "#93c290", 0.6)
    canvas.ground(rolling(154, 10, 1.0, view + 2.0), "#86bd6a", "#7cb85c", 0.28)
    walls = ("#f6e8cf", "#f2d3b0", "#eef0e6", "#f7dcc4")
    roofs = ("#c8553d", "#a8483f", "#5f7396", "#b86b3e")
    layouts = (
        ((36, 174, 46), (92, 168, 36), (206, 176, 52)),
        ((30, 168, 34), (70, 172, 38), (118, 166, 32), (166, 170, 36), (218, 178, 48)),
        ((52, 182, 66), (216, 168, 38)),
        ((40, 178, 54), (220, 180, 56), (92, 164, 30), (168, 164, 30)),
    )
    if view in (1, 3):
        church(canvas, 140 if view == 1 else 130, 164)
    trees(
        canvas,
        [(x, 172, 30) for x in ((130, 158, 244), (4, 94, 192), (110, 170, 248), (6, 70, 196, 250))[view]],
        depth=0.14,
    )
    for i, (x, y, width) in enumerate(layouts[view]):
        house(canvas, x, y, width, walls[i % 4], roofs[(i + view) % 4], 0.08)
    canvas.ground(rolling(180, 4, 0.9, view + 4.0), "#8cc860", "#5fa548", 0.03)
    bend = (20, -30, 50, 0)[view]
    path = ribbon((130 + bend, 182, 5), (134 + bend * 0.6, 198, 10), (126, 220, 22), (136, 256, 44))
    canvas.fill(path, "#dec597", 0.0, 0.75)
    for x, y, width in layouts[view][:2]:
        canvas.rising(
            x + 0.3 * width, y - width * 1.08, 44, 4, 8, mix(canvas.light.low, canvas.shade("#e8e8ee"), 0.5), 0.55
        )
    flowers(canvas, 26, 200, 246, ("#ffffff", "#ffd23f", "#f28aa8"))
    grass(canvas, 22, "#4a9440", 236)


def church(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(boxes([(x - 9, y - 58, x + 9, y)]), "#f4efe2", 0.16)
    canvas.fill(polygons([[(x - 12, y - 57), (x, y - 94), (x + 12, y - 57)]]), "#4f6a8f", 0.16, 0.6)
    windows(canvas, [(x - 3, y - 46, x + 3, y - 34)], 0.16)


def lake(canvas: Canvas, view: int) -> None:
    shore = (146.0, 134.0, 152.0, 140.0)[view]
    sun = (184, 70, 128, 196)[view]
    sky(canvas, shore, sun)
    canvas.ground(rolling(shore - 34, 18, 1.3, view * 2.1), "#a3b8d2", "#a9c0cc", 0.72)
    if view == 1:
        peak(canvas, 178, 44, 92, shore + 2, "#74829f", 0.35)
    elif view == 3:
        peak(canvas, 60, 58, 76, shore + 2, "#74829f", 0.38)
        peak(canvas, 128, 76, 60, shore + 2, "#7f8da8", 0.42)
    canvas.ground(rolling(shore - 12, 9, (1.1, 1.6, 0.7, 1.3)[view], view + 1.0), "#5f9270", "#6fa66c", 0.32)
    count = (14, 10, 20, 8)[view]
    stand = [(x, shore + 1, canvas.rng.uniform(16, 34)) for x in spread(canvas, count, 0, 256)]
    pines(canvas, stand, "#3f7558", 0.2) if view != 2 else trees(canvas, stand, "#c07f3e", 0.2)
    water(canvas, shore, "#24648f", "#9cd0e4")
    canvas.reflect(shore, 0.62)
    sunlit_path(canvas, sun, shore, 0.4)
    canvas.glints(shore + 8, 226, 20, 0.34)
    canvas.behind()
    if view == 0:
        jetty(canvas)
    elif view == 2:
        pads = [(30, 236, 22, 6), (70, 248, 26, 7), (220, 240, 26, 7), (186, 252, 20, 5)]
        canvas.fill(ellipses(pads), "#4f9a58", 0.0, 0.6)
        canvas.fill(ellipses([(34, 231, 5, 4), (224, 234, 6, 5)]), "#ffb9d2", 0.0, 0.4)
    elif view == 3:
        canvas.ground(through((0, 216), (60, 236), (120, 262), (256, 270)), "#79ad5c", "#5c9448", 0.0)
        pines(canvas, [(18, 232, 96)], "#28604a", 0.0)
    side = (228, 16, 128, 236)[view]
    canvas.sway([(side + d, 258, 34 + 9 * np.sin(d)) for d in range(-22, 24, 5)], "#5c8f45", 3.5)


def jetty(canvas: Canvas) -> None:
    canvas.fill(boxes([(40, 206, 44, 240), (84, 206, 88, 240), (14, 220, 20, 258)]), "#6b4b34", 0.0)
    canvas.fill(polygons([[(-4, 214), (88, 198), (104, 205), (-4, 236)]]), "#b98a5c", 0.0, 0.9)
    canvas.fill(polygons([[(-4, 236), (104, 205), (104, 210), (-4, 243)]]), "#7d5638", 0.0)


def canyon(canvas: Canvas, view: int) -> None:
    sky(canvas, 150, (128, 190, 70, 150)[view])
    mesas(canvas, ((20, 84, 92, "#c98a72"), (118, 168, 104, "#c98a72"), (206, 262, 84, "#c98a72")), 150)
    canvas.ground(rolling(146, 4, 1.6, view), "#d29a72", "#c98556", 0.4)
    walls = (
        (
            ((-10, 20), (52, 26), (66, 92), (58, 124), (98, 190), (-10, 210)),
            ((266, 40), (214, 46), (204, 106), (212, 132), (168, 190), (266, 214)),
        ),
        (((-10, 8), (84, 16), (92, 70), (80, 110), (116, 186), (-10, 206)),),
        (((266, 12), (166, 22), (160, 78), (172, 118), (128, 184), (266, 206)),),
        (
            (
                (52, 186),
                (70, 70),
                (60, 48),
                (98, 30),
                (168, 30),
                (204, 50),
                (192, 72),
                (212, 186),
                (172, 186),
                (160, 104),
                (128, 78),
                (100, 104),
                (92, 186),
            ),
        ),
    )[view]
    for i, wall in enumerate(walls):
        cliff(canvas, wall, -1 if i == 0 and view != 2 else 1)
    canvas.ground(rolling(186, 4, 1.1, view * 1.3), "#dc9a66", "#bf7547", 0.03, 0.9)
    if view in (0, 2):
        river = ribbon((132, 186, 9), (118, 202, 14), (146, 222, 24), (108, 256, 46))
        canvas.fill(river * np.clip((ROWS - 188) / 20, 0.4, 1), "#f0c08a", 0.0, 0.5, strength=0.5)
        water_in(canvas, river * np.clip(ROWS - 188, 0, 1), "#3f9fb4", 186)
    else:
        stones(canvas, [(22, 248, 32, 26), (238, 252, 34, 28), (64, 253, 14, 11)], "#bf6a48", "#7a3c2c")
    canvas.drift(180, 16, 0.32, canvas.shade("#f0c49a", 0.2, 0.9))


def cliff(canvas: Canvas, outline: Sequence[Point], side: int) -> None:
    """A rock wall in strata of red and orange, darker on the side away from the light."""
    mask = polygons([outline])
    canvas.fill(mask, "#c4653f", 0.1, 0.05, to="#a84f35", span=(20, 200))
    for i, code in enumerate(("#e08e5a", "#8f3f30", "#eab07c", "#a34a34", "#d97e4e", "#8a3a30")):
        top = through((0, 40 + 25 * i), (90, 46 + 25 * i), (170, 38 + 25 * i), (256, 45 + 25 * i))
        band = below(top) * (1 - below(top + 8 + 4 * (i % 2)))
        canvas.fill(mask * band, code, 0.1, 0.75, strength=0.7)
    shadow = np.clip((COLUMNS - 128) / 120 * side * 0.5 + 0.35, 0, 0.55)
    canvas.fill((mask * shadow).astype(np.float32), "#4a2438", 0.1, 0.1)


def space(canvas: Canvas, view: int) -> None:
    down = (ROWS / SIZE)[..., None]
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
    side = np.clip(((COLUMNS - x) + (ROWS - y)) / (2.2 * r) + 0.42, 0, 1)[..., None]
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
        front = np.maximum(1 - ball, np.clip(ROWS - y - 1, 0, 1))
        blend(canvas.pixels, hoop * front * 0.9, colour("#f4dcae"))


def craters(canvas: Canvas, crest: Array, code: str, dark: str) -> None:
    """The ground of a moon."""
    mask = below(crest)
    down = np.clip((ROWS - crest.min()) / 70, 0, 1)[..., None]
    blend(canvas.pixels, mask, mix(colour(code), colour(dark), down))
    for x, y, size in ((40, 226, 20), (104, 208, 10), (214, 222, 24), (168, 246, 18), (70, 250, 12)):
        blend(canvas.pixels, mask * ellipses([(x, y, size, size * 0.32)]) * 0.8, colour(dark) * 0.75)
        blend(
            canvas.pixels,
            mask * ellipses([(x, y + size * 0.10, size * 0.88, size * 0.24)]),
            mix(colour(code), colour(dark), 0.55),
        )


def underwater(canvas: Canvas, view: int) -> None:
    light = canvas.light
    tones = {
        "day": ("#7fe0ee", "#1f9fc8", "#0d5f96"),
        "sunset": ("#ffb98a", "#b0608c", "#3f2f74"),
        "night": ("#1b4a86", "#0e2a60", "#07153a"),
        "dawn": ("#f2f0cf", "#93c6d4", "#5b86b8"),
    }[light.time]
    top, middle, deep = (colour(code) for code in tones)
    down = (ROWS / SIZE)[..., None]
    canvas.pixels[:] = mix(mix(top, middle, np.clip(down * 2.2, 0, 1)), deep, np.clip(down * 1.4 - 0.3, 0, 1))
    sun_rays(canvas, top, (90, 170, 128, 60)[view])
    for i, depth in enumerate((0.75, 0.45)):
        curve = rolling((170, 150, 180, 164)[view] + 18 * i, 18 - 4 * i, 1.2 + 0.4 * i, view * 1.7 + 2 * i)
        blend(canvas.pixels, below(curve), mix(canvas.shade("#3f6f8c"), mix(middle, deep, 0.6), depth))
    floor = rolling(208, 7, 0.9, view)
    blend(
        canvas.pixels,
        below(floor),
        mix(
            mix(canvas.shade("#f0dcae"), middle, 0.3),
            mix(canvas.shade("#b49a78"), deep, 0.4),
            np.clip((ROWS - 204) / 54, 0, 1)[..., None],
        ),
    )
    if view == 0:
        coral(canvas, ((30, 222, 42, "#f0707c"), (62, 228, 28, "#f5a65b"), (222, 226, 40, "#b878d8")))
    elif view == 1:
        stones(canvas, [(236, 240, 62, 74), (196, 242, 40, 40)], "#7f93a4", "#3f5264")
        coral(canvas, ((196, 190, 24, "#f5a65b"), (26, 230, 34, "#f0707c")))
    elif view == 2:
        columns_of_ruin(canvas)
    else:
        coral(
            canvas,
            ((20, 230, 46, "#ef8fb0"), (128, 236, 18, "#f5c65b"), (232, 228, 52, "#e8655c"), (200, 234, 26, "#8a7fe0")),
        )
    underwater_life(canvas, view, top)


def underwater_life(canvas: Canvas, view: int, surface: Array) -> None:
    """Weed, bubbles, and at night things that glow."""
    if canvas.light.dark:  # the deep glows
        for x, y in canvas.chance.uniform((14, 60), (242, 226), (12, 2)):
            canvas.flicker(x, y, 5.0, "#7ff5ff", 0.6, 0.45)
    for x, count in (((110, 3), (180, 2)), ((60, 4), (110, 2)), ((30, 4), (228, 4)), ((70, 3), (170, 3)))[view]:
        kelp(canvas, x, count)
    for x in (150, 206, 44)[: 2 + view % 2]:
        canvas.rising(x + 7 * view, 226, 200, 5, 3.6, mix(WHITE, surface, 0.3), 0.7)


def sun_rays(canvas: Canvas, shade: Array, x: float) -> None:
    angle = np.arctan2(COLUMNS - x, ROWS + 60)
    fade = np.clip(1 - ROWS / 210, 0, 1) * (0.30 if canvas.light.dark else 0.5)

    def play(pixels: Array, turn: float) -> None:
        beams = np.clip(np.sin(11 * angle + 0.7 * np.sin(turn)) + 0.5 * np.sin(19 * angle + turn), 0, 1)
        blend(pixels, (beams * fade * 0.6).astype(np.float32), mix(shade, WHITE, 0.0 if canvas.light.dark else 0.3))

    canvas.motions.append(play)


def coral(canvas: Canvas, bushes: Sequence[tuple[float, float, float, str]]) -> None:
    for x, y, size, code in bushes:
        arms = []
        for reach, tall in ((-0.85, 0.62), (-0.45, 0.92), (0.0, 0.78), (0.42, 1.05), (0.82, 0.66)):
            for t in np.linspace(0, 1, 14):
                r = size * (0.12 - 0.035 * t + 0.03 * (t > 0.95))
                arms.append((x + size * reach * np.sin(0.5 * np.pi * t), y - size * tall * t**1.15, r, r))
        mask = ellipses(arms)
        canvas.fill(mask, code, 0.0)
        canvas.fill(mask * np.clip((ROWS - y + 0.5 * size) / size, 0, 1), "#3a2a60", 0.0, strength=0.4)


def columns_of_ruin(canvas: Canvas) -> None:
    """A sunken temple: two columns standing, one fallen."""
    parts = [
        (20, 120, 40, 226),
        (15, 112, 45, 122),
        (15, 220, 45, 230),
        (214, 144, 234, 226),
        (209, 136, 239, 146),
        (209, 220, 239, 230),
    ]
    canvas.fill(boxes(parts), "#a8b8b4", 0.0)
    canvas.fill(boxes([(a + 2 * (c - a) / 3, b, c, d) for a, b, c, d in parts]), "#3f5f74", 0.0, strength=0.5)
    canvas.fill(polygons([[(52, 236), (96, 226), (99, 240), (55, 250)]]), "#93a6a6", 0.0)


def kelp(canvas: Canvas, x: float, count: int) -> None:
    """Ribbons of weed that wave from their roots."""
    shade, start = canvas.shade("#2f8a5c"), canvas.rng.uniform(0, FULL_TURN)
    lengths = canvas.rng.uniform(70, 120, count)

    def play(pixels: Array, turn: float) -> None:
        ribbons = []
        for i, length in enumerate(lengths):
            t = np.linspace(0, 1, 10)
            bend = x + 9 * i - 4 * count + 9 * t * np.sin(turn + start + 4.0 * t + i)
            wide, rise = 4.2 * np.sin(np.pi * (0.12 + 0.86 * t)), 240 - length * t
            ribbons.append([*zip(bend - wide, rise, strict=True), *zip((bend + wide)[::-1], rise[::-1], strict=True)])
        blend(pixels, polygons(ribbons), shade)

    canvas.motions.append(play)


def room(canvas: Canvas, view: int) -> None:
    light = canvas.light
    wall, wood = (("#e9cfae", "#a8704a"), ("#b9d0c0", "#b98558"), ("#dcb8b4", "#8f5f48"), ("#c3c6e0", "#a87850"))[view]
    lamp = light.lamps
    # indoors it never gets as dark as outside: lamplight adds to the tint
    tint = np.clip(mix(light.tint, np.array([0.92, 0.74, 0.58], np.float32), 0.66 * lamp), 0, 1)
    lit = lambda code: colour(code) * tint  # noqa: E731
    blend(canvas.pixels, np.ones((SIZE, SIZE), np.float32), mix(lit(wall), lit(wall) * 0.8, (ROWS / SIZE)[..., None]))
    blend(canvas.pixels, boxes([(0, 186, 256, 193)]), mix(lit(wood), WHITE, 0.25))
    blend(
        canvas.pixels,
        boxes([(0, 193, 256, 256)]),
        mix(lit(wood), lit(wood) * 0.62, np.clip((ROWS - 193) / 63, 0, 1)[..., None]),
    )
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


def casement(canvas: Canvas, frame: tuple[float, float, float, float], lit: Callable[[str], Array]) -> None:
    """A window onto the evening, the morning, the stars; curtains at its sides."""
    left, top, right, bottom = frame
    light, pane = canvas.light, boxes([frame])
    down = np.clip((ROWS - top) / (bottom - top), 0, 1)[..., None]
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
        blend(canvas.pixels, polygons([cloth]), lit("#c9605a") * (0.86 + 0.14 * np.sin(COLUMNS * 0.8))[..., None])


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


PAINTERS: dict[str, Callable[[Canvas, int], None]] = {
    "meadow": meadow,
    "mountains": mountains,
    "beach": beach,
    "desert": desert,
    "forest": forest,
    "city": city,
    "ocean": ocean,
    "snowfield": snowfield,
    "village": village,
    "lake": lake,
    "canyon": canyon,
    "space": space,
    "underwater": underwater,
    "room": room,
}
