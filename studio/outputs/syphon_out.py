"""Syphon, by syphon-python: the stream as a shared texture for other programs on a Mac."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from studio.outputs.errors import missing_package
from studio.outputs.rgba import opaque


class Syphon:
    """Shows the stream as a Syphon server, for Resolume, MadMapper, VDMX."""

    def __init__(self, name: str) -> None:
        """name: of the server."""
        self._name = name
        self._server: Any = None
        self._texture: Any = None

    @staticmethod
    def problem() -> str:
        """Why it cannot be here."""
        if sys.platform != "darwin":
            other = "spout" if sys.platform == "win32" else "virtualcam or ndi"
            return f"Syphon shares textures on a Mac alone; here take --out {other}"
        return missing_package("syphon", "syphon-python", "syphon")

    def open(self, height: int, width: int, fps: int) -> None:
        """Announce the server, with a texture of this size."""
        import syphon  # pyright: ignore[reportMissingImports]
        from syphon.utils.raw import create_mtl_texture  # pyright: ignore[reportMissingImports]

        self._server = syphon.SyphonMetalServer(self._name)
        self._texture = create_mtl_texture(self._server.device, width, height)

    def send(self, picture: np.ndarray) -> None:
        """Show a picture."""
        from syphon.utils.numpy import copy_image_to_mtl_texture  # pyright: ignore[reportMissingImports]

        copy_image_to_mtl_texture(opaque(picture), self._texture)
        self._server.publish_frame_texture(self._texture)

    def close(self) -> None:
        """Take the server away."""
        if self._server is not None:
            self._server.stop()
            self._server = self._texture = None
