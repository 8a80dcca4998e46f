"""A video file: H.264 in mp4, by PyAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from studio.frames import Frame


class VideoFile:
    """Writes every frame it is given, `fps` to the second. The file appears under its name when it is complete."""

    def __init__(self, path: str | Path, fps: int = 24) -> None:
        self.path = Path(path)
        self.fps = fps
        self.frames = 0
        self._part = self.path.with_name(f".{self.path.stem}.part{self.path.suffix or '.mp4'}")
        self._file: Any = None  # av's OutputContainer
        self._stream: Any = None

    def put(self, frame: Frame) -> None:
        """Encode one picture; raises OSError with the path and what to do if it cannot be written."""
        try:
            if self._file is None:
                self._open(*frame.picture.shape[:2])
            self._write(frame.picture)
        except OSError as error:
            self._drop()
            raise cannot_write(self.path, error) from error
        self.frames += 1

    def _open(self, height: int, width: int) -> None:
        import av

        self._part.touch()  # av opens the file only with the first packet; a place that cannot be is better told now
        self._file = av.open(str(self._part), "w", format="mp4")
        # A small picture deserves the bits; "yuv420p" is what every player and browser shows.
        self._stream = self._file.add_stream("libx264", rate=self.fps, options={"crf": "16", "preset": "veryfast"})
        self._stream.height, self._stream.width, self._stream.pix_fmt = height, width, "yuv420p"

    def _write(self, picture: np.ndarray) -> None:
        import av

        self._file.mux(self._stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there is no file."""
        if self._file is None:
            return
        try:
            self._file.mux(self._stream.encode())
            self._file.close()
            self._part.replace(self.path)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        finally:
            self._drop()

    def _drop(self) -> None:
        self._file = self._stream = None
        self._part.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> OSError:
    """The error a person can act on."""
    reason = error.strerror or str(error)
    return OSError(error.errno, f"cannot write {path} ({reason}); make room or choose another place, and render again")
