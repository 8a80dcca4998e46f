"""What can be played: models by family, the table of those that have a name, and how one is loaded.

`load` and `MODELS` arrive when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

NAMES = {"MODELS": "studio.models.registry", "load": "studio.models.loader"}

if TYPE_CHECKING:
    from studio.models.loader import load as load
    from studio.models.registry import MODELS as MODELS


def __getattr__(name: str) -> object:
    if name in NAMES:
        return getattr(importlib.import_module(NAMES[name]), name)
    raise AttributeError(f"studio.models has no name {name!r}; it has: {', '.join(NAMES)}")
