"""How far a stream has drifted from how it began: sharpness, contrast and colour of what is shown, against an anchor.

A video model that goes on from its own frames may slowly blur, harden or colour them. The meter tells it early, by a
few rows of a few frames; it knows nothing of what is drawn, so a new subject moves it too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from statistics import median

import numpy as np

from studio.frames import Frame

EVERY = 6  # frames from one look to the next
FIRST, LAST = 1, 5  # the looks after a start that are the anchor: its first second at 24 a second, but the first
RECENT = 4  # looks that the present is the median of
ROWS = 32  # of a picture that are looked at, at most
FAINT = 1.0  # of 255: below it there is nothing to measure a change by


@dataclass(frozen=True)
class Look:
    """What a picture looks like, 0..255 each.

    sharpness: mean difference of neighbouring pixels; contrast: standard deviation of the greys; colour: mean
    difference of the strongest and the weakest channel.
    """

    sharpness: float
    contrast: float
    colour: float


@dataclass(frozen=True)
class Drift:
    """The look now as shares of the anchor's, 1 where nothing has changed."""

    sharpness: float = 1.0
    contrast: float = 1.0
    colour: float = 1.0


def look_of(picture: np.ndarray) -> Look:
    """Measure a picture, uint8 (H, W, 3), by at most ROWS of its rows, in full width."""
    red, green, blue = picture[:: -(-len(picture) // ROWS)].transpose(2, 0, 1).astype(np.float32, order="C")
    grey = (red + green + blue) / 3
    strongest, weakest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return Look(float(np.abs(np.diff(grey, axis=1)).mean()), float(grey.std()), float((strongest - weakest).mean()))


class DriftMeter:
    """A FrameOutput that looks at every sixth frame. drift: None until there is an anchor and something to compare."""

    def __init__(self, scene: Callable[[], Hashable]) -> None:
        """scene: what of the session, while a frame is shown, begins a new anchor when it is another."""
        self.drift: Drift | None = None
        self._scene, self._shown, self._next = scene, None, 0
        self._begin()

    def put(self, frame: Frame) -> None:
        """Look at a frame, if it is time; a gap in the numbers is another moment, and begins a new anchor."""
        scene = self._scene()
        if scene != self._shown or frame.index != self._next:
            self._begin()
        if self._count % EVERY == 0:
            self._add(look_of(frame.picture))
        self._shown, self._next, self._count = scene, frame.index + 1, self._count + 1

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _begin(self) -> None:
        self.drift, self._count = None, 0
        self._anchor: list[Look] = []
        self._recent: deque[Look] = deque(maxlen=RECENT)

    def _add(self, look: Look) -> None:
        seen = self._count // EVERY
        if FIRST <= seen < LAST:
            self._anchor.append(look)
        self._recent.append(look)
        if seen >= LAST:
            before, now = median_look(self._anchor), median_look(list(self._recent))
            self.drift = Drift(
                share(now.sharpness, before.sharpness),
                share(now.contrast, before.contrast),
                share(now.colour, before.colour),
            )


def share(now: float, before: float) -> float:
    """Give one value as a share of another; 1 where both are too faint to tell."""
    return (max(now, FAINT)) / max(before, FAINT)


def median_look(looks: list[Look]) -> Look:
    """Give the median of each measure."""
    return Look(
        median(look.sharpness for look in looks),
        median(look.contrast for look in looks),
        median(look.colour for look in looks),
    )
