"""Where frames go: a page's newest frame (`latest`), or a file by its ending (`OUTPUTS`).

To add a kind of file: a file here and its line in `OUTPUTS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from studio.frames import FrameOutput
from studio.outputs import video
from studio.outputs.errors import OutputError as OutputError
from studio.outputs.png import PngSequence, PngZip


class FileOutput(FrameOutput, Protocol):
    """A file, or a folder of files, that frames are written into."""

    @property
    def path(self) -> Path: ...


# Ending -> what writes it, from a path, frames a second and a text that it carries (`carriers`).
OUTPUTS: dict[str, Callable[[Path, int, str], FileOutput]] = {
    ".mp4": lambda path, fps, text: video.VideoFile(path, fps, video.MP4, text),
    ".webm": lambda path, fps, text: video.VideoFile(path, fps, video.WEBM, text),
    ".gif": lambda path, fps, text: video.VideoFile(path, fps, video.GIF, text),
    ".png": lambda path, fps, text: PngSequence(path.with_suffix(""), text),
    ".zip": lambda path, fps, text: PngZip(path, text),
}


def open_output(path: str | Path, fps: int = 24, text: str = "") -> FileOutput:
    """Give what writes frames into a file of this ending, `fps` to the second; text: what it carries, a take's score.

    `NAME.zip` holds numbered PNG files, `NAME.png` is a folder NAME of them; so is a folder's own path (one that is
    there, or that ends in "/"). Nothing is written before the first frame. Raises OutputError for another ending.
    """
    if Path(path).is_dir() or str(path).endswith(("/", os.sep)):
        return PngSequence(path, text)
    path = Path(path)
    make = OUTPUTS.get(path.suffix.lower())
    if make is None:
        ending = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise OutputError(
            f"{path} {ending}, and the ending says what is written: {', '.join(OUTPUTS)} (a folder of PNG files), "
            "or a folder's name with / at its end"
        )
    return make(path, fps, text)
