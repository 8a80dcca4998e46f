"""A video file by PyAV: H.264 in mp4, VP9 in webm, or an animated gif."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.frames import Frame
from studio.outputs.carriers import carry
from studio.outputs.errors import OutputError, write_error
from studio.outputs.fragments import finish_fragments, part_of

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph


@dataclass(frozen=True)
class Encoding:
    """How pictures become a file: the container and its options, the codec and its own, and the form of its pixels.

    A file in fragments (`file_options`) is written anew in one piece when it is closed, without encoding it again.
    """

    container: str
    codec: str
    pixels: str
    options: Mapping[str, str]
    file_options: Mapping[str, str] = field(default_factory=dict)
    max_fps: int = 240


# A small picture deserves the bits; "yuv420p" is what every player and browser shows.
MP4 = Encoding("mp4", "libx264", "yuv420p", {"crf": "16", "preset": "veryfast"})
# While it is written it can be played to any point, in fragments of one picture each: a take whose process was killed.
# The codec holds no picture back (zerolatency); a key picture a second or so to seek to.
RECORDED_MP4 = replace(
    MP4,
    options={**MP4.options, "tune": "zerolatency", "g": "24"},
    file_options={"movflags": "frag_every_frame+empty_moov+default_base_moof", "flush_packets": "1"},
)
WEBM = Encoding("webm", "libvpx-vp9", "yuv420p", {"crf": "20", "b": "0", "deadline": "realtime", "cpu-used": "5"})
GIF = Encoding("gif", "gif", "pal8", {}, max_fps=50)  # its clock has 100 ticks a second, and browsers stall at one


class Encoder:
    """A file that is open, and the codec that writes pictures (H, W, 3), uint8, into it."""

    def __init__(self, path: Path, encoding: Encoding, fps: int, height: int, width: int) -> None:
        import av

        path.touch()  # av opens the file only with the first packet; a place that cannot be is better told now
        self._file = av.open(str(path), "w", format=encoding.container, options=dict(encoding.file_options))
        stream = self._file.add_stream(encoding.codec, rate=fps, options=dict(encoding.options))
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = height, width, encoding.pixels
        self._stream = stream
        self._palette = palette_converter(height, width, fps) if encoding.pixels == "pal8" else None

    def write(self, picture: np.ndarray) -> None:
        """Add a picture."""
        import av

        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        for converted in self._palette(frame) if self._palette else (frame,):
            self._file.mux(self._stream.encode(converted))

    def close(self) -> None:
        """Write what the codec still holds, and the end of the file."""
        self._file.mux(self._stream.encode())
        self._file.close()


class VideoFile:
    """Writes every frame it is given, `fps` to the second. The file appears under its name when it is complete."""

    def __init__(self, path: str | Path, fps: int = 24, encoding: Encoding = MP4, text: str = "") -> None:
        """fps: 1 to what the encoding can hold; OutputError for another. text: what the file carries (`carriers`)."""
        if not 1 <= fps <= encoding.max_fps:
            raise OutputError(f"{path} at {fps} frames a second; {encoding.container} holds 1 to {encoding.max_fps}")
        self.path = Path(path)
        self.fps = fps
        self.frames = 0
        self._encoding, self._text = encoding, text
        self._part = part_of(self.path)
        self._encoder: Encoder | None = None

    def put(self, frame: Frame) -> None:
        """Encode one picture; raises OSError with the path and what to do if it cannot be written."""
        from av.error import FFmpegError

        try:
            self._write(frame.picture)
        except OSError as error:
            self._drop()
            raise write_error(self.path, error) from error
        except FFmpegError as error:  # H.264 takes no picture of odd width, say, or this build of ffmpeg has no codec
            self._drop()
            height, width, _ = frame.picture.shape
            raise OSError(f"cannot write {self.path}: {width}x{height} cannot be encoded ({error})") from error
        self.frames += 1

    def _write(self, picture: np.ndarray) -> None:
        if self._encoder is None:
            self._encoder = Encoder(self._part, self._encoding, self.fps, *picture.shape[:2])
        self._encoder.write(picture)

    def close(self, frames: int | None = None) -> None:
        """Finish the file and give it its name; without a frame there is no file.

        frames: of a file in fragments, how many to keep, if fewer than were put.
        """
        if self._encoder is None:
            return
        try:
            self._encoder.close()
            if self._encoding.file_options:
                finish_fragments(self._part, self.path, frames)
            else:
                if self._text:
                    carry(self._part, self._text)
                self._part.replace(self.path)
        except OSError as error:
            raise write_error(self.path, error) from error
        finally:
            self._drop()

    def _drop(self) -> None:
        self._encoder = None
        self._part.unlink(missing_ok=True)


def palette_converter(height: int, width: int, fps: int) -> Callable[[VideoFrame], Iterable[VideoFrame]]:
    """Give a function from a picture to the same with 256 colours of its own (ffmpeg's palettegen and paletteuse)."""
    from av import VideoFormat
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(None, width, height, VideoFormat("rgb24", width, height), time_base=Fraction(1, fps))
    split, palette, use = (
        graph.add("split"),
        graph.add("palettegen", "stats_mode=single"),
        graph.add("paletteuse", "new=1"),
    )
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(graph.add("buffersink"))
    graph.configure()
    number = 0

    def convert(picture: VideoFrame) -> Iterable[VideoFrame]:
        nonlocal number
        picture.pts, number = number, number + 1
        graph.push(picture)
        return ready_frames(graph)

    return convert


def ready_frames(graph: Graph) -> Iterable[VideoFrame]:
    """Yield the pictures that a filter graph has ready."""
    from av.error import BlockingIOError, EOFError

    while True:
        try:
            yield graph.vpull()
        except (BlockingIOError, EOFError):
            return
