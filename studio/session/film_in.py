"""A video file as the pictures that come in: decoded ahead on a thread of its own, over and over, in its own time."""

from __future__ import annotations

import io
import itertools
import logging
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.controls import ControlError, Live, Picture
from studio.frames import Frame
from studio.models.playable import playable_kinds
from studio.motion.film import FASTEST, FilmError, open_film, opened, small

if TYPE_CHECKING:
    from studio.session.session import Session

AHEAD = 8  # pictures that are decoded before they are due
QUALITY = 88  # of the JPEG that a take keeps of each
LATE = 1.0  # seconds behind the film's time, after which that stands still too
PATIENCE = 0.5  # seconds between two looks whether the session is still there
Due = tuple[float, bytes]  # when, in seconds of the film, and the JPEG
log = logging.getLogger("studio")


def check_film(path: Path) -> None:
    """Raise FilmError, with what can be read, for a file whose first picture cannot be."""
    try:
        _, pictures = open_film(path.read_bytes(), 64, (64, 64))
    except OSError as error:
        raise FilmError(f"{path} cannot be read ({error.strerror or error}); give a video file") from error
    except FilmError as error:
        raise FilmError(f"{path}: {error}") from error
    if next(pictures, None) is None:
        raise FilmError(f"{path}: no picture of it can be read; give an MP4, WebM, MOV or GIF")


def decode(path: Path, size: tuple[int, int]) -> Iterator[tuple[float, np.ndarray]]:
    """Yield a film's pictures, uint8 (H, W, 3), once, with the seconds at which each is due; FASTEST a second at most.

    Raises FilmError where it breaks off before the first.
    """
    import av.error

    container, stream = opened(path.read_bytes())
    own = float(stream.average_rate or stream.guessed_rate or 24)
    every = max(1, round(own / FASTEST))
    number = -1
    try:
        for number, frame in enumerate(container.decode(stream)):
            if number % every == 0:
                yield number / own, small(frame, size)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if number < 0:
            raise FilmError(f"{path} is damaged from the start") from error
        log.warning("%s breaks off after %.1f s, and begins again there", path, number / own)
    finally:
        container.close()
    if number < 0:
        raise FilmError(f"{path} has no picture")


class FilmIn:
    """A FrameOutput that answers the frames of a session with the film's newest picture that is due.

    A picture is a control like any other: the take holds it, and replays without the film. It ends with the session,
    and when a person chooses another picture, or none. problem: why it has ended by itself, or "".
    """

    def __init__(self, session: Session, path: Path) -> None:
        self.problem = ""
        self._session = weakref.ref(session)
        self._path, self._size = path, session.model.size
        self._shown, self._ended = threading.Event(), threading.Event()
        self._ahead: queue.Queue[Due] = queue.Queue(AHEAD)
        self._last: Picture | None = None
        for work in (self._decode, self._send):
            threading.Thread(target=self._work, args=(work,), name="studio-film", daemon=True).start()

    def put(self, frame: Frame) -> None:
        """A frame was shown: the next picture may go."""
        self._shown.set()

    def close(self) -> None:
        """End it."""
        self._ended.set()

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (FilmError, ControlError, OSError) as error:  # the last picture stays, and the stream goes on
            self.problem = f"the film has ended: {error}"
            log.warning(self.problem)
        finally:
            self._ended.set()

    def _decode(self) -> None:
        """Fill the queue, film after film."""
        from PIL import Image

        begins = 0.0
        for _ in itertools.count():
            due = begins
            for at, pixels in decode(self._path, self._size):
                packed, due = io.BytesIO(), begins + at
                Image.fromarray(pixels).save(packed, "JPEG", quality=QUALITY)
                if not self._offer(due, packed.getvalue()):
                    return
            begins = due + 1 / FASTEST

    def _offer(self, due: float, data: bytes) -> bool:
        """Put a picture into the queue, once there is room; False where nobody takes any more."""
        while not self._ended.is_set() and self._session() is not None:
            try:
                self._ahead.put((due, data), timeout=PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    def _send(self) -> None:
        """Send what is due, with each frame that is shown; what was due meanwhile is left out."""
        began, waiting = 0.0, None  # by the clock; the picture that is not due yet
        while not self._ended.is_set():
            if not self._shown.wait(PATIENCE):
                if self._session() is None:
                    return
                continue
            self._shown.clear()
            began = began or time.monotonic()
            now = time.monotonic() - began
            newest, waiting = self._newest(now, waiting)
            if newest is None:
                continue
            if now - newest[0] > LATE:  # it stood still meanwhile: the film goes on where it was
                began += now - newest[0]
            if not self._give(newest[1]):
                return

    def _newest(self, now: float, waiting: Due | None) -> tuple[Due | None, Due | None]:
        """Give the last picture that is due, None where none is; and the one that is not yet."""
        newest = None
        while True:
            try:
                waiting = waiting or self._ahead.get_nowait()
            except queue.Empty:
                return newest, None
            if waiting[0] > now:
                return newest, waiting
            newest, waiting = waiting, None

    def _give(self, data: bytes) -> bool:
        """Send a picture; False where a person has chosen another meanwhile, or the session is gone."""
        session = self._session()
        if session is None:
            return False
        now, plays = session.pending_state(), playable_kinds(session.model)
        if Picture.kind not in plays:  # another model plays now
            return True
        if self._last is None:
            if Live.kind in plays and not now[Live].redraw:
                session.send(replace(now[Live], redraw=True))
        elif now[Picture].data != self._last.data:
            return False
        self._last = Picture(data)
        session.send(self._last)
        return True
