"""Frames on their way to one page: the newest, each once, no more at a time than the window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from studio.ui.mailbox import Bell, Mailbox, pack
from studio.ui.window import Window


class FrameSender:
    """Takes frames out of a seat's mailbox for one page."""

    def __init__(self, mailbox: Mailbox, bell: Bell, clock: Callable[[], float]) -> None:
        self.window = Window()
        self._mailbox, self._bell, self._clock = mailbox, bell, clock
        self._sequence = 0
        self._sent_count = 0  # the mailbox's count when the last frame was taken out

    @property
    def ready(self) -> bool:
        """Whether there is a frame this page has not had, and room for it on the way."""
        return self._mailbox.count > self._sent_count and self.window.open(self._clock())

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
        self.window.sent(sequence, self._clock())
        return await asyncio.to_thread(pack, frame, sequence)

    def acknowledge(self, sequence: int) -> None:
        """The page has drawn the frame of a sequence number: there is room for another."""
        self.window.acknowledged(sequence, self._clock())
        self._bell.ring()
