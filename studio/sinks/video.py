"""A video file: H.264 in mp4, by imageio and PyAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.frames import Frame


class VideoFile:
    """Writes every frame it is given, `fps` to the second. The file appears under its name when it is complete."""

    def __init__(self, path: str | Path, fps: int = 24) -> None:
        self.path = Path(path)
        self.fps = fps
        self.frames = 0
        self._part = self.path.with_name(f".{self.path.stem}.part{self.path.suffix or '.mp4'}")
        self._file: Any = None

    def put(self, frame: Frame) -> None:
        """Encode one picture; raises OSError with the path and what to do if it cannot be written."""
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write_frame(frame.picture)
        except OSError as error:
            self._drop()
            raise cannot_write(self.path, error) from error
        self.frames += 1

    def _open(self) -> Any:
        from imageio.v3 import imopen

        file = imopen(self._part, "w", plugin="pyav")
        file.init_video_stream("libx264", fps=self.fps)
        # Bits for a sharp small picture; "yuv420p" is what every player and browser shows.
        file._video_stream.options = {"crf": "16", "preset": "veryfast"}
        return file

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there is no file."""
        if self._file is None:
            return
        try:
            self._file.close()
            self._part.replace(self.path)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        finally:
            self._drop()

    def _drop(self) -> None:
        self._file = None
        self._part.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> OSError:
    """The error a person can act on."""
    reason = error.strerror or str(error)
    return OSError(error.errno, f"cannot write {path} ({reason}); make room or choose another place, and render again")
