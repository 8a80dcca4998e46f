"""Steps on a thread: when frames are drawn, and when they are due."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import replace

from studio.frames import Frame
from studio.session.inbox import Inbox
from studio.session.pace import Pace
from studio.session.playout import Playout

PAUSED_WAIT = 0.05  # seconds between two looks at a paused session; a message wakes it at once
SHORTEST_WAIT, LONGEST_WAIT = 0.005, 0.1  # seconds, after a frame that was skipped
log = logging.getLogger("studio")


class Runner(AbstractContextManager, ABC):
    """Calls its own `step` on a thread, from `start` to `stop`. error: what ended the thread by itself, if anything."""

    def __init__(self, inbox: Inbox) -> None:
        """inbox: what is put there wakes a thread that waits."""
        self.error: BaseException | None = None
        self._inbox = inbox
        self._pace, self._playout = Pace(), Playout()
        self._thread: threading.Thread | None = None
        self._running = False
        self._pipelined: bool | None = None

    @abstractmethod
    def step(self) -> Frame | None:
        """Make one frame; None while paused."""

    @abstractmethod
    def close(self) -> None:
        """Stop for good."""

    def start(self, fps: float | None = None, pipelined: bool | None = None) -> None:
        """Step on a thread of its own, at most `fps` frames a second, until `stop`.

        Where a model makes a chunk's pictures at once, they are put out at once; each says when it is due.
        pipelined: whether a frame's picture is made while the next frame is begun on another core, where the model
        allows it; None: where there are two cores. The frames are the same.
        """
        if self._thread and self.error:  # it is ending
            self._thread.join()
        if self.running:
            return
        if fps is not None and not fps > 0:
            raise ValueError(f"fps is {fps}; give a number above 0, or None for as fast as it goes")
        self.error, self._running, self._playout, self._pipelined = None, True, Playout(fps), pipelined
        self._thread = threading.Thread(target=self._run, name="studio-session", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the frame it is at; raises what had stopped it before, if anything did."""
        self._running = False
        self._inbox.wake()
        if self._thread:
            self._thread.join()
            self._thread = None
        if self.error:
            error, self.error = self.error, None
            raise error

    @property
    def running(self) -> bool:
        """Whether the thread steps."""
        return self._thread is not None and self._thread.is_alive()

    def _play(self) -> Frame | None:
        """Make a frame, or several; give the last, None while paused."""
        return self.step()

    def _timed(self, frame: Frame, ahead: int) -> Frame:
        """Give the frame with the time it is due, if the thread made it. ahead: pictures that come after it at once."""
        if self._running:
            due = self._playout.due(time.monotonic(), frame.tick_ms / 1e3, ahead)
            frame = replace(frame, due=due)
        self._pace.add(frame.due or time.monotonic(), frame)
        return frame

    def _run(self) -> None:
        try:
            while self._running:
                frame = self._play()
                if frame is None:
                    self._inbox.wait(PAUSED_WAIT)
                    continue
                if frame.skipped:  # nothing to do: about as long as drawing it would have taken, or until it is needed
                    wait = self._pace.mean_tick_ms / 1e3
                    self._inbox.wait_for_new(min(max(wait, SHORTEST_WAIT), LONGEST_WAIT))
                time.sleep(self._playout.wait(time.monotonic()))
        except BaseException as error:  # ours, not the person's: kept for `stop`, which raises it
            self.error = error
            log.exception("the session stopped")

    def __exit__(self, *_: object) -> None:
        self.close()
