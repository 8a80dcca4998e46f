"""Frames as PNG files."""

from __future__ import annotations

from pathlib import Path

from studio.frames import Frame


class Pictures:
    """A folder of PNG files, one a frame, named by the frame's number."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def put(self, frame: Frame) -> None:
        snapshot(frame, self.folder / f"{frame.index:06d}.png")

    def close(self) -> None:
        """Every file is complete already."""


def snapshot(frame: Frame, path: str | Path) -> Path:
    """One frame as a PNG file."""
    from PIL import Image

    Image.fromarray(frame.picture).save(path, format="PNG")
    return Path(path)
