"""Draws the four views of the village."""

from studio.world.painting import Canvas, boxes, mix, polygons, ribbon, rolling
from studio.world.scenery import flowers, grass, house, sky, trees, windows


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
