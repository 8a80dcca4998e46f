"""What is drawn beside a session, for its seat: a comparison, a video, a rendering, an export. It takes a share of the
machine, all of it together.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from studio.controls import Pause

if TYPE_CHECKING:
    from studio.session.session import Session
    from studio.ui.protocol import Notification
    from studio.ui.seat import Seat

TELL_EVERY = 0.25  # seconds
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


class Progress(Protocol):
    """What a page is told of a job. under_way: whether it has not come to an end."""

    @property
    def under_way(self) -> bool: ...


P = TypeVar("P", bound=Progress)


class ToldJob(ABC, Generic[P]):
    """A job whose page is told how far it is, now and then, and once how it ended.

    progress: how far it is; what is reported after its end changes nothing.
    """

    def __init__(self, progress: P, tell: Callable[[P], object]) -> None:
        """tell: called with the progress, from any thread."""
        self.progress = progress
        self._tell = tell
        self._told_at = 0.0

    def steps(self) -> Iterator[None]:
        """Do a little at each step; closed before its end it is called off, and what there is of the file goes."""
        try:
            self.report()
            yield
            yield from self._work()
        except GeneratorExit:
            self.cancelled()
            raise
        except Exception as error:  # whatever it is, it is told, and the session plays on
            self._drop()
            self.report(**self._failure(error))

    def cancelled(self) -> None:
        """Say that it was called off, if it has not come to an end; nothing of the file stays then."""
        if self.progress.under_way:
            self._drop()
            self.report(**self._cancellation())

    def report(self, **changes: object) -> None:
        """Change the progress, and tell it if it has ended or the last time was a while ago."""
        if not self.progress.under_way:
            return
        self.progress = replace(self.progress, **changes)  # type: ignore[type-var]
        now = time.monotonic()
        if not self.progress.under_way or now - self._told_at >= TELL_EVERY:
            self._told_at = now
            self._tell(self.progress)

    @abstractmethod
    def _work(self) -> Iterator[None]:
        """Do it, and report its end."""

    @abstractmethod
    def _failure(self, error: Exception) -> dict[str, object]:
        """Give what of the progress says that it failed, and why."""

    def _cancellation(self) -> dict[str, object]:
        """Give what of the progress says that it was called off."""
        return {"stage": "cancelled"}

    def _drop(self) -> None:
        """Remove what there is of the file, where it is not yet whole."""


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
