"""What is said of a model that cannot be played."""

from __future__ import annotations

from typing import Any


class UnknownModel(ValueError):
    """Neither a name in `MODELS` nor a folder that can be played."""


class OptionError(ValueError):
    """An option that a model does not take, or not so: says what is possible."""


class MissingWeights(RuntimeError):
    """Weights that are not on this machine: says how to get them."""


class NotFinite(ArithmeticError):
    """Pictures that are no numbers (NaN, infinite): a model that overflowed. pictures: what is shown of them, black."""

    def __init__(self, pictures: list[Any]) -> None:
        super().__init__("the model gave numbers that are not finite (NaN)")
        self.pictures = pictures


class CheckpointError(RuntimeError):
    """Files of weights that cannot be played as asked: says what was found, what would fit, and what to do."""
