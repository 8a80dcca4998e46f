"""Pictures as H.264, a chunk for each, for who shows every one at once (WebCodecs, a live line)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

USUAL_FPS = 24  # that a rate is meant at: the codec gives each picture its share of it, however far apart they come
BUFFER = 0.5  # seconds of the rate that a key picture and what follows may take at most
NO_KEYS = "100000"  # pictures between two key pictures: only the first of a stream is one
BT709 = 1  # of ITU-T H.273: how colours are told, so that every decoder reads them alike


class H264Stream:
    """Makes chunks of pictures (H, W, 3), uint8; the first is a key picture, each later one needs those before it.

    Each chunk is an access unit in Annex B form; no picture is held back (zerolatency). H and W are even.
    """

    def __init__(self, height: int, width: int, rate: int) -> None:
        """rate: bits a second at 24 pictures a second. Raises ValueError for an odd height or width."""
        if height % 2 or width % 2:
            raise ValueError(f"H.264 takes no picture of {width}x{height}; both must be even")
        self.size, self.rate, self.pictures = (height, width), rate, 0
        self._codec = open_codec(height, width, rate)

    def encode(self, picture: np.ndarray) -> bytes:
        """Give the chunk of a picture."""
        import av
        from av.video.reformatter import Colorspace

        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        frame.pts = self.pictures
        self.pictures += 1
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


def open_codec(height: int, width: int, rate: int) -> VideoCodecContext:
    """Open x264 as a live line wants it: one thread, no picture held back, no more bits than the rate."""
    import av

    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, USUAL_FPS), Fraction(USUAL_FPS)
    codec.bit_rate, codec.thread_count = rate, 1
    codec.color_primaries = codec.color_trc = codec.colorspace = BT709
    codec.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "g": NO_KEYS,
        "sc_threshold": "0",
        "maxrate": str(rate),
        "bufsize": str(round(rate * BUFFER)),
    }
    return codec
