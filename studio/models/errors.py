"""What is said of a model that cannot be played."""

from __future__ import annotations


class UnknownModel(ValueError):
    """Neither a name in `MODELS` nor a folder that can be played."""


class OptionError(ValueError):
    """An option that a model does not take, or not so: says what is possible."""


class MissingWeights(RuntimeError):
    """Weights that are not on this machine: says how to get them."""


class CheckpointError(RuntimeError):
    """Files of weights that cannot be played as asked: says what was found, what would fit, and what to do."""
