"""What a line takes, and what it is sent for that: JPEG, or H.264 at so many bits a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

SPAN = 2.0  # seconds that are measured over
LATEST = 64  # frames on their way whose size is remembered
USUAL_FPS = 24  # that a rate is meant at (`outputs.h264`)
LEAST_BITS, MOST_BITS = 0.05, 0.6  # of H.264, a pixel: as coarse as it may become, and as good as JPEG


@dataclass(frozen=True)
class Taken:
    """What a page took in the last seconds.

    shown, made: frames a second that it has acknowledged, and that there were for it; queued: seconds that a frame
    waited on its way beyond the shortest round trip; bits: a second, of frames acknowledged.
    """

    shown: float
    made: float
    queued: float
    bits: float


class LineMeter:
    """Measures what of the frames sent has been acknowledged. count: of the frames that came into sight."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sizes: dict[int, int] = {}
        self._taken: deque[tuple[float, int]] = deque()
        self._made: deque[tuple[float, int]] = deque()

    def sent(self, sequence: int, size: int, count: int) -> None:
        """Note a frame of so many bytes on its way."""
        self._sizes[sequence] = size
        self._sizes.pop(sequence - LATEST, None)
        self._made.append((self._clock(), count))

    def acknowledged(self, sequence: int) -> None:
        """Note that it has come."""
        size = self._sizes.pop(sequence, None)
        if size is not None:
            self._taken.append((self._clock(), size))

    def measure(self, queued: float, fastest: float) -> Taken | None:
        """Give what was taken; None where too little was sent to say. fastest: frames a second that may be sent."""
        now = self._clock()
        for entries, least in ((self._taken, 0), (self._made, 2)):
            while len(entries) > least and now - entries[0][0] > SPAN:
                entries.popleft()
        if len(self._made) < 2 or now - self._made[0][0] < SPAN / 2 or self._made[-1][0] == self._made[0][0]:
            return None
        made = (self._made[-1][1] - self._made[0][1]) / (self._made[-1][0] - self._made[0][0])
        bits = 8 * sum(size for _, size in self._taken) / SPAN
        return Taken(len(self._taken) / SPAN, min(made, fastest), queued, bits)


class LineChoice:
    """Decides about once a second. rate: bits a second of H.264, meant at 24 frames a second; 0 for JPEG.

    JPEG as long as the line takes the frames there are. Where it does not, H.264 at what it takes: less at once where
    frames wait, more after some seconds without, and at its best JPEG is tried again, ever more seldom where that was
    in vain. Where fewer bytes bring no more frames the line was not what was slow, and JPEG is back.
    """

    BEHIND, WAITED = 0.75, 0.06  # share of the frames shown, and seconds queued, beyond which JPEG is too much
    FLOWS, LATE = 0.85, 0.2  # the same of H.264
    LESS, MORE, FLUENT = 0.7, 1.4, 4  # how the rate moves; and after how many good decisions it grows
    PROOF, BETTER = 4.0, 1.25  # seconds after which H.264 must have brought so many times the frames
    SPARED = 30.0  # seconds in which a rate found too high is not tried again
    HOLD, LONGEST_HOLD = 60.0, 960.0  # seconds before what was in vain is tried again

    def __init__(self) -> None:
        self.rate = 0
        self._since = self._settles = self._jpeg_from = self._h264_from = self._spared_until = float("-inf")
        self._hold = self.HOLD
        self._in_a_row = 0  # decisions that found JPEG behind, or H.264 fluent
        self._before: float | None = None  # frames a second by JPEG, until H.264 has bettered it
        self._too_much = 0  # the rate that was found too high

    def decide(self, now: float, taken: Taken, pixels: int) -> int:
        """Take in what was measured, for pictures of so many pixels; give the rate."""
        if taken.made <= 0 or now < self._settles:  # paused; or some of what was measured is from before the change
            return self.rate
        if self.rate:
            self._steer(now, taken, pixels)
            return self.rate
        behind = taken.shown < self.BEHIND * taken.made and taken.queued > self.WAITED
        self._in_a_row = self._in_a_row + 1 if behind else 0
        if self._in_a_row > 1 and now >= self._h264_from:
            if now - self._since < self.SPARED:  # JPEG was tried again, in vain
                self._hold_longer()
            self._since, self._jpeg_from, self._before = now, now + self._hold, taken.shown
            self._change(now, self._fit(taken, pixels))
        return self.rate

    def _steer(self, now: float, taken: Taken, pixels: int) -> None:
        """Decide while H.264 is sent."""
        flows = taken.shown >= self.FLOWS * taken.made and taken.queued <= self.LATE
        if self._before is not None and now - self._since >= self.PROOF:
            if not flows and taken.shown < self.BETTER * self._before:
                self._h264_from = now + self._hold
                self._hold_longer()
                self._to_jpeg(now)
                return
            self._before = None
        least, most = bounds(pixels)
        if not flows:
            self._too_much, self._spared_until = self.rate, now + self.SPARED
            self._change(now, max(least, min(round(self.LESS * self.rate), self._fit(taken, pixels))))
            return
        self._in_a_row += 1
        top = min(most, round(0.85 * self._too_much)) if now < self._spared_until else most
        more = min(top, round(self.MORE * self.rate))
        if self._in_a_row >= self.FLUENT and more > self.rate:
            self._change(now, more)
        elif self._in_a_row >= 2 * self.FLUENT and self.rate >= most and now >= self._jpeg_from:
            self._to_jpeg(now)

    def _to_jpeg(self, now: float) -> None:
        self._since, self._before = now, None
        self._change(now, 0)

    def _change(self, now: float, rate: int) -> None:
        if rate != self.rate:
            self._settles = now + SPAN
        self.rate, self._in_a_row = rate, 0

    def _hold_longer(self) -> None:
        self._hold = min(2 * self._hold, self.LONGEST_HOLD)

    def _fit(self, taken: Taken, pixels: int) -> int:
        """The rate at which all frames there are would go through, with room to spare."""
        least, most = bounds(pixels)
        fits = 0.75 * taken.bits * USUAL_FPS / min(max(taken.made, 8.0), 30.0)
        return round(min(max(fits, least), most))


def bounds(pixels: int) -> tuple[int, int]:
    """Give the lowest and the highest rate for pictures of so many pixels."""
    return round(LEAST_BITS * pixels * USUAL_FPS), round(MOST_BITS * pixels * USUAL_FPS)
