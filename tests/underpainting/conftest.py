"""The image models of the other tests."""

from image.conftest import folders, opened

__all__ = ["folders", "opened"]
