"""Frames as PNG files: every pixel as the model made it."""

from __future__ import annotations

from pathlib import Path

from studio.frames import Frame
from studio.outputs.errors import write_error


class PngSequence:
    """A folder of PNG files, one a frame, named by the frame's number: 000007.png."""

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder)

    def put(self, frame: Frame) -> None:
        """Write one file; raises OSError with the path and what to do if it cannot be written."""
        from PIL import Image

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            Image.fromarray(frame.picture).save(self.path / f"{frame.index:06d}.png", format="PNG")
        except OSError as error:
            raise write_error(self.path, error) from error

    def close(self) -> None:
        """Do nothing: every file is complete already."""
