"""How fast a session draws."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from studio.frames import Frame

RECENT = 32  # frames the rate is measured over
DRAWS = 8  # the last draws, of which the median is given
DREW = 0.2  # share of the longest step from which one has drawn


@dataclass
class Pace:
    """When the last frames were made, which of them were skipped, and how long the others took."""

    made: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    skipped: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))
    tick_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    decode_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def add(self, now: float, frame: Frame) -> None:
        """Count a frame that was made, or is due, `now`, in seconds of any one clock."""
        self.made.append(now)
        self.skipped.append(frame.skipped)
        if not frame.skipped:
            self.tick_ms.append(frame.tick_ms)
            self.decode_ms.append(frame.decode_ms)

    @property
    def skip_rate(self) -> float:
        """The share, 0..1, of frames that the similarity filter skipped."""
        skipped = tuple(self.skipped)
        return sum(skipped) / len(skipped) if skipped else 0.0

    @property
    def fps(self) -> float:
        """Frames a second."""
        made = tuple(self.made)
        return (len(made) - 1) / (made[-1] - made[0]) if len(made) > 1 and made[-1] > made[0] else 0.0

    @property
    def mean_tick_ms(self) -> float:
        """Milliseconds that a frame took which was drawn."""
        ticks = tuple(self.tick_ms)
        return sum(ticks) / len(ticks) if ticks else 0.0

    @property
    def last_decode_ms(self) -> float:
        """Milliseconds that the last picture took to make; 0 before the first."""
        return self.decode_ms[-1] if self.decode_ms else 0.0

    @property
    def draw_ms(self) -> tuple[float, float]:
        """Give the medians of the last draws: of all of one, and of its pictures' decoding.

        Where a draw makes several pictures, the first frame of it takes all of its time.
        """
        ticks = list(zip(tuple(self.tick_ms), tuple(self.decode_ms), strict=False))
        least = DREW * max((tick for tick, _ in ticks), default=0.0)
        draws = [one for one in ticks if one[0] >= least][-DRAWS:]
        return (median(tick for tick, _ in draws), median(decode for _, decode in draws)) if draws else (0.0, 0.0)
