"""Frames on their way to one page: the newest, each once, no more at a time than the window."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from studio.frames import Frame
from studio.outputs.h264 import H264Stream
from studio.ui.line import LineChoice, LineMeter
from studio.ui.mailbox import H264_KEY, H264_NEXT, QUALITY, Bell, Mailbox, encode_jpeg, pack
from studio.ui.window import Window

FASTEST = 30  # frames a second, as video; a faster machine would only play the paths faster
MEASURED = 16  # frames whose packing is remembered
DECIDE_EVERY = 1.0  # seconds between two looks at what a line takes
log = logging.getLogger("studio")


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


class LineVideo:
    """The pictures of one link: JPEG, or H.264 where its page shows that and its line is slow."""

    def __init__(self, sending: Sending, clock: Callable[[], float]) -> None:
        self.meter, self.choice = LineMeter(clock), LineChoice()
        self._sending, self._clock = sending, clock
        self._decodes, self._decided_at = False, float("-inf")
        self._stream: H264Stream | None = None

    @property
    def rate(self) -> int:
        """Bits a second of H.264; 0 for JPEG."""
        return self._stream.rate if self._stream else 0

    def begin(self, decodes: bool) -> None:
        """Note whether the page shows H.264; what it is sent of that begins with a key picture."""
        self._decodes, self._stream = decodes, None

    def steer(self, window: Window, frame: Frame) -> None:
        """Decide about once a second what is sent."""
        now = self._clock()
        if not self._decodes or now - self._decided_at < DECIDE_EVERY:
            return
        taken = self.meter.measure(max(0.0, window.typical - window.shortest), self._sending.rate)
        if taken is not None:
            height, width = frame.picture.shape[:2]
            self._decided_at = now
            self.choice.decide(now, taken, height * width)

    def pack(self, frame: Frame, sequence: int) -> bytes:
        """Pack a frame; see `mailbox.pack`. On a worker thread."""
        if not self._decodes or not self.choice.rate or not (stream := self._stream_for(frame)):
            self._stream = None
            return self._sending.pack(frame, sequence)
        magic = H264_KEY if stream.pictures == 0 else H264_NEXT
        return pack(frame, sequence, stream.encode(frame.picture), magic)

    def _stream_for(self, frame: Frame) -> H264Stream | None:
        """The stream that a frame goes on with: a new one for another rate or size, None where there can be none."""
        height, width = frame.picture.shape[:2]
        stream, rate = self._stream, self.choice.rate
        if stream is None or (stream.size, stream.rate) != ((height, width), rate):
            try:
                stream = self._stream = H264Stream(height, width, rate)
            except (ImportError, ValueError) as error:  # no such codec here, or a picture of odd size: JPEG does
                log.warning("frames stay JPEG: %s", error)
                self._decodes, stream = False, None
        return stream


class FrameSender:
    """Takes frames out of a seat's mailbox for one page."""

    def __init__(
        self, mailbox: Mailbox, bell: Bell, clock: Callable[[], float], sending: Sending | None = None
    ) -> None:
        """sending: the seat's, which the latency dial turns."""
        self.window = Window()
        self._sending = sending or Sending()
        self.video = LineVideo(self._sending, clock)
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
        self.video.steer(self.window, frame)
        data = await asyncio.to_thread(self.video.pack, frame, sequence)
        self.video.meter.sent(sequence, len(data), self._sent_count)
        return data

    def acknowledge(self, sequence: int) -> None:
        """The page has drawn the frame of a sequence number: there is room for another."""
        self.window.acknowledged(sequence, self._clock())
        self.video.meter.acknowledged(sequence)
        self._bell.ring()
