"""The drawn world: thirty places, four times of day, five weathers, four views each, in a loop of eight frames.

`paint` is a pure function of its arguments. A scene is painted in two parts: the still part once, then what moves
(water, snow, rain, stars, lamps, grass) over it for every phase; `paint_all_phases` shares the still part.
The middle and lower part of every view is kept calm, so that a subject reads well on it.
"""

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from studio.world.lights import TIMES as TIMES
from studio.world.lights import WEATHERS as WEATHERS
from studio.world.lights import times_of, weathers_of
from studio.world.painting import FULL_TURN, SIZE, Array, Canvas, Motion, light_of, mix, resolution
from studio.world.places import PAINTERS
from studio.world.scenery import weather_over

VIEWS = 4
PHASES = 8
PLACES = tuple(PAINTERS)
FIRST_PLACES = PLACES[:14]  # the world of weights whose config names no places


def _checked(name: str, value: object, possible: Sequence[object]) -> None:
    if value not in possible:
        listed = f"0..{len(possible) - 1}" if isinstance(possible, range) else ", ".join(map(str, possible))
        raise ValueError(f"{name} {value!r} cannot be painted here; choose one of: {listed}")


def compose(place: str, view: int, time: str, weather: str, size: int = SIZE) -> Canvas:
    """Paint the still part of a scene, and set in motion what `frame` plays over it.

    Raises ValueError where the place has no such view, time or weather, or the world no such size.
    """
    _checked("place", place, PLACES)
    _checked("view", view, range(VIEWS))
    _checked("time", time, times_of(place))
    _checked("weather", weather, weathers_of(place))
    # layout is the same under every light, so the generator knows only place and view
    seed = zlib.crc32(f"{place}/{view}".encode())
    with resolution(size):
        canvas = Canvas(light_of(time, weather), np.random.default_rng(seed), np.random.default_rng(seed + 1))
        PAINTERS[place](canvas, view)
        weather_over(canvas)
    return canvas


def frame(canvas: Canvas, phase: int) -> NDArray[np.uint8]:
    """Give a picture of a composed scene's loop, uint8 (H, W, 3). The phase counts modulo `PHASES`."""
    return _played(canvas.pixels, canvas.moving(), phase)


def loop(canvas: Canvas) -> Iterator[NDArray[np.uint8]]:
    """Give the pictures of a composed scene's loop, uint8 (H, W, 3), one after the other."""
    moving = canvas.moving()
    for phase in range(PHASES):
        yield _played(canvas.pixels, moving, phase)


def _played(still: Array, moving: list[tuple[list[Motion], Array | None]], phase: int) -> NDArray[np.uint8]:
    pixels = still.copy()
    turn = FULL_TURN * (phase % PHASES) / PHASES
    with resolution(len(pixels)):
        for motions, mask in moving:
            under = pixels if mask is None else pixels.copy()
            for motion in motions:
                motion(pixels, turn)
            if mask is not None:
                pixels = mix(under, pixels, mask)
    return (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)


def paint(place: str, view: int, time: str, weather: str, phase: int, size: int = SIZE) -> NDArray[np.uint8]:
    """One frame of a scene, uint8 (size, size, 3). The phase counts modulo `PHASES`.

    Raises ValueError where the place has no such view, time or weather, or `size` is no multiple of 256.
    """
    return frame(compose(place, view, time, weather, size), phase)


def paint_all_phases(place: str, view: int, time: str, weather: str, size: int = SIZE) -> NDArray[np.uint8]:
    """The whole loop of a scene, uint8 (8, size, size, 3); the still part is painted once."""
    return np.stack([*loop(compose(place, view, time, weather, size))])
