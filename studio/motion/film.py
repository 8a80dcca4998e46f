"""A video file as pictures, small, upright and in order, as far as it can be read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.pictures import cropped

LONGEST = 20.0  # seconds
FASTEST = 30.0  # pictures a second that are looked at; of more, some are left out
MOST_PIXELS = 4096 * 2304  # of a picture


class FilmError(ValueError):
    """A file that no motion can be read from, in words for whoever gave it."""


@dataclass
class Film:
    """What is known of a video while it is read.

    rate: pictures a second that are given; total: about how many, 0 where the file does not say; remarks: what of it is
    left aside, in words.
    """

    rate: float
    total: int
    remarks: list[str]


def open_film(data: bytes, side: int, shape: tuple[int, int]) -> tuple[Film, Iterator[np.ndarray]]:
    """Open a video, and give its pictures, uint8 (h, w, 3), as they are asked for: the middle, in the shape (H, W).

    side: pixels of the longer side that is wanted. A file that breaks off is read to there. Raises FilmError for one
    that is no video, has no pictures or too large ones.
    """
    container, stream = opened(data)
    width, height = stream.codec_context.width, stream.codec_context.height
    if not width or not height:
        raise FilmError("it has no pictures, only sound; give a video")
    if width * height > MOST_PIXELS:
        most = f"at most {MOST_PIXELS / 1e6:.1f} million pixels are read"
        raise FilmError(f"its pictures are {width}x{height}, {most}; make it smaller")
    own = float(stream.average_rate or stream.guessed_rate or 24)
    every = max(1, round(own / FASTEST))
    seconds = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
    film = Film(own / every, round(min(seconds, LONGEST) * own / every), [])
    scale = side / max(shape)
    size = max(16, round(shape[0] * scale)), max(16, round(shape[1] * scale))
    return film, pictures(container, stream, film, every, size)


def opened(data: bytes) -> tuple[Any, Any]:
    """Open a video's bytes: the container and its pictures."""
    import av.error

    try:
        container: Any = av.open(io.BytesIO(data))
        return container, container.streams.video[0]
    except (av.error.FFmpegError, IndexError, OSError, ValueError) as error:
        raise FilmError("it is no video that can be read; give an MP4, WebM, MOV or GIF") from error


def pictures(container: Any, stream: Any, film: Film, every: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Decode a video's pictures, every so many, at a size (h, w); what is left aside goes into the film's remarks."""
    import av.error

    most = int(LONGEST * film.rate)
    given = 0
    try:
        for number, frame in enumerate(container.decode(stream)):
            if number % every:
                continue
            if given == most:
                film.remarks.append(f"only its first {LONGEST:g} s are read")
                return
            yield small(frame, size)
            given += 1
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if not given:
            raise FilmError("it is damaged from the start: no picture of it can be read") from error
        film.remarks.append(f"it breaks off after {given / film.rate:.1f} s")
    finally:
        container.close()


def small(frame: Any, size: tuple[int, int]) -> np.ndarray:
    """Give a decoded picture at a size (h, w): reduced first by the decoder, upright, its middle in that shape."""
    turned = frame.rotation % 180 != 0
    tall, wide = (frame.width, frame.height) if turned else (frame.height, frame.width)
    scale = min(1.0, 2 * max(size[0] / tall, size[1] / wide))
    width, height = max(16, round(frame.width * scale)), max(16, round(frame.height * scale))
    pixels = frame.reformat(width=width, height=height).to_ndarray(format="rgb24")
    return cropped(np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90))), size)
