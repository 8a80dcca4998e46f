"""Two cores at one stream: a frame's picture is decoded while the next frame is begun. The frames are the same.

`Session.step` is the slow definition. Here the session's thread has its turn for as long as nobody else wants it: it
makes the pictures, shows and remembers them, and beside it a second thread begins the next frame under the controls of
that moment. Whoever else has a turn finds the session between two frames, with nothing on its way.
Where the cores are busy with something else, both at once are no sooner done and each picture comes later: that is
measured (`Gain`), and frames are made one after the other for a while.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from statistics import median

from studio.begun import Begun
from studio.controls import Control, Pause
from studio.engine import Engine
from studio.frames import Frame
from studio.hub.machine import usable_cores
from studio.session.inbox import Receipt
from studio.session.rewind import Between
from studio.session.stepping import Stepping

LOOKS = 16  # frames by which it is judged
WORTH = 0.85  # of the time that the halves take one after the other: no more than that may pass
RESTS = 10.0  # seconds in which frames are made one after the other, where it was not worth it


@dataclass
class Next:
    """A frame that is begun on the second thread.

    taken: what came in force with it; begun: None while paused; busy: seconds of the processor that it took.
    """

    taken: list[tuple[Receipt, Control]] = field(default_factory=list)
    begun: Begun | None = None
    busy: float = 0.0


class Gain:
    """Whether two halves at once are worth it, by what passed and what they took of the processor; in seconds."""

    def __init__(self) -> None:
        self._shares: deque[float] = deque(maxlen=LOOKS)
        self._rests_until = 0.0

    def pays(self, now: float) -> bool:
        """Whether it did when it was last looked at, or that is long ago."""
        return now >= self._rests_until

    def add(self, passed: float, halves: float, now: float) -> None:
        """Take in how long a frame's picture and the next one's beginning took, and would have taken on one core."""
        self._shares.append(passed / max(halves, 1e-6))
        if len(self._shares) == LOOKS and median(self._shares) > WORTH:
            self._shares.clear()
            self._rests_until = now + RESTS


class Pipelined(Stepping):
    """What of a session makes frames on two cores, while it runs."""

    _beside: ThreadPoolExecutor | None = None
    _gain: Gain

    def stop(self) -> None:
        """End the threads after the frame they are at, see `Runner.stop`."""
        try:
            super().stop()
        finally:
            beside, self._beside = self._beside, None
            if beside is not None:
                beside.shutdown()

    def _play(self) -> Frame | None:
        """Make frames until somebody else wants a turn or nothing is gained; give the last, None while paused."""
        rests = self._rests or self.auditioning is not None
        if rests or not overlaps(self.engine, self._pipelined):
            return self.step()
        with self._turn:
            begun = self._begin()
            while begun is not None and (delay := self._delay(begun)) is not None:
                begun = self._finish_beside(begun, delay)
            return None if begun is None else self._show(self.engine.finish(begun))

    @property
    def _rests(self) -> bool:
        """Whether frames are made one after the other because both halves at once were not worth it."""
        return not (self._pipelined or self._gain.pays(time.monotonic()))

    def _begin(self) -> Begun | None:
        """Begin a frame as `step` does; None while paused."""
        self._apply(only=Pause.kind)
        if self.engine.state[Pause].paused:
            return None
        self._apply(due=self.engine.frame)
        self._mark_clean_start()
        return self.engine.begin()

    def _delay(self, begun: Begun) -> float | None:
        """Give the seconds until the next frame is to begin; None if it is not to begin beside this one's picture."""
        if begun.skipped or self._rests or self._turn.is_wanted or not self._running:
            return None
        delay = self._playout.wait(time.monotonic(), begun=1)
        return delay if delay < self._pace.last_decode_ms / 1e3 else None  # else there is time for both

    def _finish_beside(self, begun: Begun, delay: float) -> Begun | None:
        """Finish a frame and begin the next one beside it; give that."""
        self._beside = self._beside or ThreadPoolExecutor(1, "studio-beside")
        after, coming = self._between(), Next()
        ended = self._beside.submit(self._begin_next, delay, coming)
        lost: Begun | None = begun
        clock, busy = time.monotonic(), time.thread_time()
        try:
            frame = self.engine.finish(begun)
            lost = None
            self._show(frame, with_picture(after, begun, frame))
            spent = time.thread_time() - busy
        except BaseException:
            wait([ended])
            if (lost := lost or coming.begun) is not None:
                self.engine.take_back(lost)
            raise
        finally:
            wait([ended])
            self._note(coming.taken)
        ended.result()
        now = time.monotonic()
        self._gain.add(now - clock, spent + delay + coming.busy, now)
        return coming.begun

    def _begin_next(self, delay: float, coming: Next) -> None:
        """Begin the next frame after so many seconds, under what was sent by then."""
        time.sleep(delay)
        busy = time.thread_time()
        coming.taken += self._take(only=Pause.kind)
        if not self.engine.state[Pause].paused:
            coming.taken += self._take(due=self.engine.frame)
            coming.begun = self.engine.begin()
        coming.busy = time.thread_time() - busy


def overlaps(engine: Engine, wanted: bool | None = None) -> bool:
    """Whether frames are begun beside pictures: where the model allows it; wanted: None: on two cores."""
    able = engine.model.capabilities.decodes_beside
    return able and (usable_cores() >= 2 if wanted is None else wanted)


def with_picture(after: Between, begun: Begun, frame: Frame) -> Between:
    """Give the moment after a frame with what was not there when the next one began: its picture."""
    if after.engine is None:
        return after
    engine = replace(after.engine, last_picture=frame.picture, decoder=begun.decoder.snapshot())
    return replace(after, engine=engine)
