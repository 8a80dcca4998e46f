"""The image models and the Wan model of the other tests."""

from image.conftest import folders, opened
from wan.conftest import base, model

__all__ = ["base", "folders", "model", "opened"]
