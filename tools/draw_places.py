"""Draw pictures of places that no training saw, in five other styles: `python tools/draw_places.py FOLDER [COUNT]`.

For `studio evaluate --places FOLDER`; photographs can be laid beside them. The same pictures every time.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 512


def colour(rng, low=40, high=240):
    return tuple(int(value) for value in rng.integers(low, high, 3))


def sky(rng):
    """A gradient of two bright colours."""
    top, low = (np.array(colour(rng, 120, 250)) for _ in range(2))
    share = np.linspace(0, 1, SIDE)[:, None, None]
    return Image.fromarray(np.broadcast_to(top * (1 - share) + low * share, (SIDE, SIDE, 3)).astype(np.uint8))


def poster(rng):
    """Flat hills one behind the other, and a disc."""
    picture = sky(rng)
    draw = ImageDraw.Draw(picture)
    x, y, r = rng.integers(80, 430), rng.integers(60, 200), rng.integers(25, 60)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=colour(rng, 200, 255))
    for layer in range(4):
        across = np.arange(0, SIDE + 8, 8)
        height = 230 + 65 * layer + 40 * np.sin(across / rng.uniform(40, 120) + rng.uniform(0, 6))
        draw.polygon([(0, SIDE), *zip(across.tolist(), height.tolist(), strict=True), (SIDE, SIDE)], fill=colour(rng))
    return picture


def pixels(rng):
    """A little landscape of large pixels, in few colours."""
    small = np.zeros((32, 32, 3), np.uint8)
    small[:] = colour(rng, 130, 240)
    ground = 18 + np.cumsum(rng.integers(-1, 2, 32)).clip(-6, 6)
    for x in range(32):
        small[ground[x] :, x] = colour(rng, 60, 90)
        small[ground[x], x] = (90, 170, 70)
    for _ in range(5):
        x = int(rng.integers(1, 28))
        small[ground[x] - 6 : ground[x], x : x + 3] = colour(rng)
    return Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.NEAREST)


def interior(rng):
    """A room: two walls, a floor, a window, shelves with things."""
    picture = Image.new("RGB", (SIDE, SIDE), colour(rng, 150, 230))
    draw = ImageDraw.Draw(picture)
    draw.polygon([(0, SIDE), (0, 400), (SIDE, 360), (SIDE, SIDE)], fill=colour(rng, 80, 170))
    left = int(rng.integers(40, 260))
    draw.rectangle((left, 70, left + 180, 250), fill=colour(rng, 180, 250), outline=(250, 250, 250), width=9)
    draw.line((left + 90, 70, left + 90, 250), fill=(250, 250, 250), width=7)
    for shelf in (290, 340):
        draw.rectangle((30, shelf, 300, shelf + 8), fill=(110, 70, 40))
        for x in range(36, 280, 26):
            draw.rectangle((x, shelf - int(rng.integers(15, 40)), x + 20, shelf), fill=colour(rng))
    return picture


def crayon(rng):
    """A child's house and tree in strokes that leave paper between them."""
    picture = Image.new("RGB", (SIDE, SIDE), (250, 247, 240))
    draw = ImageDraw.Draw(picture)

    def hatch(left, top, right, low, ink):
        for x in range(left, right, 7):
            shift = rng.integers(-9, 9, 4)
            draw.line((x + shift[0], top + shift[1], x + shift[2], low + shift[3]), fill=ink, width=5)

    hatch(0, 0, SIDE, 180, colour(rng, 120, 220))
    hatch(0, 380, SIDE, 500, (80, 160, 70))
    left = int(rng.integers(60, 280))
    hatch(left, 240, left + 150, 400, colour(rng))
    draw.polygon([(left - 15, 245), (left + 75, 150), (left + 165, 245)], fill=colour(rng))
    hatch(left + 55, 320, left + 95, 400, (90, 60, 40))
    return picture


def street(rng):
    """A street that runs away between houses with windows, softened as by a lens."""
    picture = sky(rng)
    draw = ImageDraw.Draw(picture)
    draw.polygon([(0, SIDE), (236, 280), (276, 280), (SIDE, SIDE)], fill=(95, 95, 100))
    for side in (-1, 1):
        for near in range(1, 6):
            x, high = 256 + side * (20 + 26 * near * (near + 1) / 2), 20 + 24 * near * (near + 1) / 2
            wide = 26 * (near + 1)
            left, right = sorted((x, x + side * wide))
            draw.rectangle((left, 285 - high, right, 285 + high * 0.6), fill=colour(rng, 70, 220))
            for row in range(3):
                top = 285 - high * (0.85 - 0.3 * row)
                draw.rectangle((left + wide * 0.3, top, left + wide * 0.6, top + high * 0.16), fill=(230, 220, 160))
    return picture.filter(ImageFilter.GaussianBlur(1.5))


STYLES = (poster, pixels, interior, crayon, street)


def main(folder: str, count: str = "20") -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number in range(int(count)):
        style = STYLES[number % len(STYLES)]
        picture = style(np.random.default_rng(number))
        picture.save(Path(folder) / f"{style.__name__}-{number // len(STYLES)}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
