"""A virtual camera, by pyvirtualcam: OBS's on Windows and macOS, v4l2loopback on Linux."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from studio.outputs.errors import missing_package

DRIVERS = {
    "linux": "load v4l2loopback (sudo modprobe v4l2loopback)",
    "darwin": "install OBS 30 or newer and start its virtual camera once",
    "win32": "install OBS, whose virtual camera is used",
}


class VirtualCamera:
    """Shows the stream as a camera, for video calls and OBS."""

    def __init__(self, name: str) -> None:
        """name: is not shown: the driver names its camera."""
        self._camera: Any = None

    @staticmethod
    def problem() -> str:
        """Why it cannot be here."""
        if sys.platform not in DRIVERS:
            return f"there is no virtual camera for {sys.platform}; Linux, macOS and Windows have one"
        return missing_package("pyvirtualcam", "pyvirtualcam", "virtualcam")

    def open(self, height: int, width: int, fps: int) -> None:
        """Take the first camera there is."""
        import pyvirtualcam  # pyright: ignore[reportMissingImports]

        try:
            self._camera = pyvirtualcam.Camera(width=width, height=height, fps=fps)
        except RuntimeError as error:
            raise RuntimeError(f"no virtual camera was found; {DRIVERS.get(sys.platform, '')} ({error})") from error

    def send(self, picture: np.ndarray) -> None:
        """Show a picture."""
        self._camera.send(np.ascontiguousarray(picture))

    def close(self) -> None:
        """Let go of the camera."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None
