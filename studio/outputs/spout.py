"""Spout, by SpoutGL: the stream as a shared texture for other programs on Windows."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from studio.outputs.errors import missing_package
from studio.outputs.rgba import opaque

GL_RGBA = 0x1908


class Spout:
    """Shows the stream as a Spout sender, for Resolume, TouchDesigner, MadMapper."""

    def __init__(self, name: str) -> None:
        """name: of the sender."""
        self._name = name
        self._sender: Any = None

    @staticmethod
    def problem() -> str:
        """Why it cannot be here."""
        if sys.platform != "win32":
            other = "syphon" if sys.platform == "darwin" else "virtualcam or ndi"
            return f"Spout shares textures on Windows alone; here take --out {other}"
        return missing_package("SpoutGL", "SpoutGL", "spout")

    def open(self, height: int, width: int, fps: int) -> None:
        """Announce the sender; it takes on the size of what is sent."""
        import SpoutGL  # pyright: ignore[reportMissingImports]

        self._sender = SpoutGL.SpoutSender()
        self._sender.setSenderName(self._name)

    def send(self, picture: np.ndarray) -> None:
        """Show a picture; raises RuntimeError where the graphics card shares none."""
        height, width, _ = picture.shape
        if not self._sender.sendImage(opaque(picture), width, height, GL_RGBA, False, 0):
            raise RuntimeError("Spout took no picture; does this machine's graphics card have DirectX 11?")

    def close(self) -> None:
        """Take the sender away."""
        if self._sender is not None:
            self._sender.releaseSender()
            self._sender = None
