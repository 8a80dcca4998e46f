"""What is drawn beside a session, for its seat: a comparison, a kept take's video. It takes a share of the machine."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from studio.controls import Pause

if TYPE_CHECKING:
    from studio.session.session import Session
    from studio.ui.protocol import Notification
    from studio.ui.seat import Seat

SHARE = 0.25  # of the time, while the session draws; all of it while that stands still
IDLE = 5.0  # seconds without work after which the thread ends
log = logging.getLogger("studio")


class Offline:
    """Works off jobs on a thread of its own, the newest first: that is what a person waits for.

    A job is an iterator that does a little, a frame's worth, at each step; it is closed when it is called off.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._jobs: OrderedDict[str, Iterator[object]] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, name: str, job: Iterator[object]) -> None:
        """Begin a job; one of the same name is called off."""
        with self._changed:
            if self._closed:
                return
            self._jobs[name] = job
            self._jobs.move_to_end(name)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="studio-offline", daemon=True)
                self._thread.start()

    def cancel(self, name: str | None = None) -> None:
        """Call off a job, or all of them."""
        with self._changed:
            for one in [name] if name else list(self._jobs):
                self._jobs.pop(one, None)
            self._changed.notify_all()

    def close(self) -> None:
        """Call off everything, for good."""
        with self._changed:
            self._closed = True
        self.cancel()

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return bool(self._jobs)

    def _run(self) -> None:
        while (begun := self._next()) is not None:
            name, job = begun
            started = time.monotonic()
            going = step(name, job)
            took = time.monotonic() - started
            with self._changed:
                if not going and self._jobs.get(name) is job:
                    del self._jobs[name]
                self._changed.wait_for(lambda job=job, name=name: self._jobs.get(name) is not job, self._rest(took))
                gone = going and self._jobs.get(name) is not job
            if gone:
                close(job)

    def _next(self) -> tuple[str, Iterator[object]] | None:
        """Give the newest job; None, and the thread ends, where there is none for a while."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed, IDLE)
            if not self._jobs:
                self._thread = None
                return None
            return next(reversed(self._jobs.items()))

    def _rest(self, took: float) -> float:
        """Give how long to rest after a step, so that the session keeps its share."""
        draws = self._session.running and not self._session.engine.state[Pause].paused
        return took * (1 / SHARE - 1) if draws else 0.0


def step(name: str, job: Iterator[object]) -> bool:
    """Do a step of a job: whether there is more to do. What goes wrong ends the job, and not the thread."""
    try:
        next(job)
    except StopIteration:
        return False
    except Exception:  # a fault of ours; the stream and the other jobs go on
        log.exception("%s was given up", name)
        return False
    return True


def close(job: Iterator[object]) -> None:
    """Have a job that was called off put its things away."""
    end: Callable[[], object] = getattr(job, "close", lambda: None)
    end()


def tell(seat: Seat, notification: Notification) -> None:
    """Tell the page that is on the seat, if one is; from any thread."""
    if (connection := seat.connection) is not None:
        connection.send(notification)
