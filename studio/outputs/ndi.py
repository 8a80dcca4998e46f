"""NDI, by cyndilib, whose wheels bring NDI's own library: the stream for every machine of the network."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from studio.outputs.errors import missing_package
from studio.outputs.rgba import opaque


class Ndi:
    """Shows the stream as an NDI source, for vMix, OBS, Resolume and others on this network."""

    def __init__(self, name: str) -> None:
        """name: that the source is listed under."""
        self._name = name
        self._sender: Any = None

    @staticmethod
    def problem() -> str:
        """Why it cannot be here."""
        return missing_package("cyndilib", "cyndilib", "ndi")

    def open(self, height: int, width: int, fps: int) -> None:
        """Announce the source; its size is settled with that."""
        from cyndilib.sender import Sender  # pyright: ignore[reportMissingImports]
        from cyndilib.video_frame import VideoSendFrame  # pyright: ignore[reportMissingImports]
        from cyndilib.wrapper.ndi_structs import FourCC  # pyright: ignore[reportMissingImports]

        frame = VideoSendFrame()
        frame.set_resolution(width, height)
        frame.set_frame_rate(Fraction(fps))
        frame.set_fourcc(FourCC.RGBX)
        self._sender = Sender(self._name)
        self._sender.set_video_frame(frame)
        self._sender.open()

    def send(self, picture: np.ndarray) -> None:
        """Show a picture."""
        self._sender.write_video(opaque(picture).reshape(-1))

    def close(self) -> None:
        """Take the source off the network."""
        if self._sender is not None:
            self._sender.close()
            self._sender = None
