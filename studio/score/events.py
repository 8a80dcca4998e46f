"""A control and when it took effect: one line of a score, one entry of a preset."""

from __future__ import annotations

from dataclasses import dataclass

from studio.controls import Control


@dataclass(frozen=True)
class Event:
    """A control and the frame it took effect at."""

    frame: int
    control: Control
