"""What can be played. `MODELS` is the table: a name, and the factory behind it, loaded only when it is asked for.

To add a model: a file here (its contract is in base.py) and its line in `MODELS`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.models.base import Model

MODELS: dict[str, str] = {
    "pocket": "studio.models.pocket:Pocket",
}


class UnknownModel(ValueError):
    """A name that is not in `MODELS`."""


class MissingWeights(RuntimeError):
    """Weights that are not on this machine: says how to get them."""


class CheckpointError(RuntimeError):
    """Files of weights that cannot be played as asked: says what was found, what would fit, and what to do."""


def load(name: str, **options: Any) -> Model:
    """The model of a name, with its weights; options are its factory's."""
    if name not in MODELS:
        raise UnknownModel(f"no model is called {name!r}; there are: {', '.join(MODELS)}")
    module, factory = MODELS[name].split(":")
    return getattr(importlib.import_module(module), factory)(**options)
