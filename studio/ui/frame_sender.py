"""Frames on their way to one page: the newest, each once, no more at a time than the window."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from studio.frames import Frame
from studio.ui.mailbox import QUALITY, Bell, Mailbox, encode_jpeg, pack
from studio.ui.window import Window

FASTEST = 30  # frames a second, as video; a faster machine would only play the paths faster
MEASURED = 16  # frames whose packing is remembered


@dataclass
class Sending:
    """How frames go to a page: JPEG quality, the most a second over a socket; and how many ms packing the last took."""

    quality: int = QUALITY
    rate: int = FASTEST
    pack_ms: deque[float] = field(default_factory=lambda: deque(maxlen=MEASURED))
    _last: tuple[Frame, int, bytes] | None = None  # frame, quality and JPEG: all who look at a seat share it

    def jpeg(self, frame: Frame) -> bytes:
        """Give a frame's picture as JPEG at the present quality. From any thread."""
        last, quality = self._last, self.quality
        if last and last[0] is frame and last[1] == quality:
            return last[2]
        began = time.perf_counter()
        data = encode_jpeg(frame.picture, quality)
        self.pack_ms.append((time.perf_counter() - began) * 1e3)
        self._last = frame, quality, data
        return data

    def pack(self, frame: Frame, sequence: int) -> bytes:
        """Pack a frame at the present quality; see `mailbox.pack`."""
        return pack(frame, sequence, self.jpeg(frame))

    @property
    def typical_ms(self) -> float:
        """What packing a frame takes; 0 before the first."""
        times = sorted(self.pack_ms)
        return times[len(times) // 2] if times else 0.0


class FrameSender:
    """Takes frames out of a seat's mailbox for one page."""

    def __init__(
        self, mailbox: Mailbox, bell: Bell, clock: Callable[[], float], sending: Sending | None = None
    ) -> None:
        """sending: the seat's, which the latency dial turns."""
        self.window = Window()
        self._sending = sending or Sending()
        self._sent_at = float("-inf")
        self._mailbox, self._bell, self._clock = mailbox, bell, clock
        self._sequence = 0
        self._sent_count = 0  # the mailbox's count when the last frame was taken out

    @property
    def ready(self) -> bool:
        """Whether there is a frame this page has not had, and room for it on the way."""
        now = self._clock()
        is_due = self._sending.rate >= FASTEST or now - self._sent_at >= 0.9 / self._sending.rate
        return is_due and self._mailbox.count > self._sent_count and self.window.open(now)

    def due(self, longest: float) -> float:
        """Seconds, `longest` at most, until a frame comes into sight for which no bell rings."""
        return self._mailbox.wait(longest)

    async def wait(self, timeout: float, closed: Callable[[], bool]) -> bytes | None:
        """Give the newest frame, packed, as soon as there is one this page has not had.

        None after `timeout` seconds, or once `closed` says so.
        """
        until = self._clock() + timeout
        while self._mailbox.count == self._sent_count or closed():
            left = until - self._clock()
            if left <= 0 or closed():
                return None
            await self._bell.wait(self._mailbox.wait(left))
        return await self.next()

    async def next(self) -> bytes | None:
        """Give the newest frame, packed, marked as sent; None before the first.

        The JPEG is made on a worker thread: neither the engine nor the loop waits for it.
        """
        frame = self._mailbox.newest
        if frame is None:
            return None
        self._sent_count = self._mailbox.count
        self._sequence += 1
        sequence = self._sequence
        self._sent_at = self._clock()
        self.window.sent(sequence, self._sent_at)
        return await asyncio.to_thread(self._sending.pack, frame, sequence)

    def acknowledge(self, sequence: int) -> None:
        """The page has drawn the frame of a sequence number: there is room for another."""
        self.window.acknowledged(sequence, self._clock())
        self._bell.ring()
