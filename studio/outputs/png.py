"""Frames as PNG files: every pixel as the model made it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from studio.frames import Frame
from studio.outputs.carriers import ZIP_NAME, pack_text, png_with
from studio.outputs.errors import write_error


class PngSequence:
    """A folder of PNG files, one a frame, named by the frame's number: 000007.png. The first carries `text`."""

    def __init__(self, folder: str | Path, text: str = "") -> None:
        self.path = Path(folder)
        self._text = text

    def put(self, frame: Frame) -> None:
        """Write one file; raises OSError with the path and what to do if it cannot be written."""
        text, self._text = self._text, ""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / f"{frame.index:06d}.png").write_bytes(encode_png(frame.picture, text))
        except OSError as error:
            raise write_error(self.path, error) from error

    def close(self) -> None:
        """Do nothing: every file is complete already."""


class PngZip:
    """The same in one file, and `text` by a name of its own beside them. It appears when it is complete."""

    def __init__(self, path: str | Path, text: str = "") -> None:
        self.path = Path(path)
        self._part = self.path.with_name(f".{self.path.name}.part")
        self._text = self._first = text
        self._zip: zipfile.ZipFile | None = None

    def put(self, frame: Frame) -> None:
        """Add one picture; raises OSError with the path and what to do if it cannot be written."""
        first, self._first = self._first, ""
        try:
            self._zip = self._zip or zipfile.ZipFile(self._part, "w", zipfile.ZIP_STORED)  # a PNG is packed already
            self._zip.writestr(f"{frame.index:06d}.png", encode_png(frame.picture, first))
        except OSError as error:
            raise write_error(self.path, error) from error

    def close(self) -> None:
        """Finish the file and give it its name; without a picture there is none."""
        zip, self._zip = self._zip, None
        if zip is None:
            return
        try:
            if self._text:
                zip.writestr(ZIP_NAME, self._text, zipfile.ZIP_DEFLATED)
            zip.close()
            self._part.replace(self.path)
        except OSError as error:
            raise write_error(self.path, error) from error
        finally:
            self._part.unlink(missing_ok=True)


def encode_png(picture: np.ndarray, text: str = "") -> bytes:
    """Give a picture, uint8 (H, W, 3), as PNG, every pixel as the model made it; with a text that it carries."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return png_with(buffer.getvalue(), pack_text(text)) if text else buffer.getvalue()
