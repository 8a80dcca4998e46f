"""Pictures enlarged on their way into a file: as pixels, never as latents, which would turn what is fine into haze."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from studio.frames import Frame
from studio.outputs import FileOutput

TIMES = (1, 4)


class Enlarged:
    """A file whose pictures are so many times as wide and high as the frames, by Lanczos' filter."""

    def __init__(self, output: FileOutput, times: int) -> None:
        self.output, self.times = output, times

    @property
    def path(self) -> Path:
        """The file."""
        return self.output.path

    def put(self, frame: Frame) -> None:
        """Write a frame, enlarged."""
        self.output.put(replace(frame, picture=enlarged(frame.picture, self.times)))

    def close(self) -> None:
        """Finish the file."""
        self.output.close()


def enlarged(picture: np.ndarray, times: int) -> np.ndarray:
    """Enlarge a picture (H, W, 3), uint8, to (H * times, W * times, 3); raises ValueError for a number out of range."""
    if not TIMES[0] <= times <= TIMES[1]:
        raise ValueError(f"enlarge is {times}; possible: {TIMES[0]} to {TIMES[1]}")
    if times == 1:
        return picture
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width * times, height * times), Image.Resampling.LANCZOS))
