"""A live diffusion studio: paint, type, and watch it stream.

    import studio

    session = studio.open("pocket", prompt="a quiet meadow at dawn", seed=7)
    session.send(studio.Stroke("1", "fox", [(0, 0.2, 0.6), (48, 0.8, 0.6)], mode="path"))
    frame = session.step()

Importing this loads nothing heavy: names arrive when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.3.0"

NAMES = {
    "Control": "studio.controls",
    "ControlError": "studio.controls",
    "Erase": "studio.controls",
    "Frame": "studio.frames",
    "Pause": "studio.controls",
    "Prompt": "studio.controls",
    "Sampling": "studio.controls",
    "Score": "studio.score",
    "ScoreError": "studio.score",
    "Session": "studio.session.session",
    "Stroke": "studio.controls",
    "open": "studio.session.session",
    "render": "studio.score",
    "replay": "studio.score",
}

__all__ = [*NAMES, "__version__"]

if TYPE_CHECKING:
    from studio.controls import Control as Control
    from studio.controls import ControlError as ControlError
    from studio.controls import Erase as Erase
    from studio.controls import Pause as Pause
    from studio.controls import Prompt as Prompt
    from studio.controls import Sampling as Sampling
    from studio.controls import Stroke as Stroke
    from studio.frames import Frame as Frame
    from studio.score import Score as Score
    from studio.score import ScoreError as ScoreError
    from studio.score import render as render
    from studio.score import replay as replay
    from studio.session.session import Session as Session
    from studio.session.session import open as open


def __getattr__(name: str) -> Any:
    if name in NAMES:
        return getattr(importlib.import_module(NAMES[name]), name)
    raise AttributeError(f"studio has no name {name!r}; it has: {', '.join(NAMES)}")


def __dir__() -> list[str]:
    return sorted(__all__)
