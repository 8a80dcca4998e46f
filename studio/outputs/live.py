"""The stream in other programs of this machine or network, as it plays: a virtual camera, NDI, Spout, Syphon.

To add one: a file here with a class of the manners of `Sink`, and its line in `SINKS`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from studio.frames import Frame
from studio.outputs.errors import OutputError
from studio.outputs.latest import Latest
from studio.outputs.ndi import Ndi
from studio.outputs.spout import Spout
from studio.outputs.syphon_out import Syphon
from studio.outputs.virtualcam import VirtualCamera

NAME = "Live studio"  # that other programs list it under
FPS = 30  # frames a second that a sink is told; it is given those there are
QUIET = 3.0  # seconds without a frame after which another session's are shown
AGAIN = 1.0  # seconds after which the last picture is sent again: a camera that falls silent is taken for broken
log = logging.getLogger("studio")


class Sink(Protocol):
    """Another program's way in. One thread opens, sends and closes. Its package is imported when it is opened."""

    def __init__(self, name: str) -> None: ...

    @staticmethod
    def problem() -> str:
        """Why it cannot be on this machine, in a sentence with what to do; "" if nothing speaks against it."""
        ...

    def open(self, height: int, width: int, fps: int) -> None:
        """Begin, for pictures of this size; raises ImportError, OSError or RuntimeError."""
        ...

    def send(self, picture: np.ndarray) -> None:
        """Show a picture, uint8 (H, W, 3)."""
        ...

    def close(self) -> None: ...


SINKS: dict[str, type[Sink]] = {"virtualcam": VirtualCamera, "ndi": Ndi, "spout": Spout, "syphon": Syphon}


def check_sink(name: str) -> None:
    """Raise OutputError, with what is possible or what to do, where the stream cannot go out that way."""
    if name not in SINKS:
        raise OutputError(f"--out is {name!r}; possible: {', '.join(SINKS)}")
    if problem := SINKS[name].problem():
        raise OutputError(f"--out {name}: {problem}")


class LiveOutput:
    """A FrameOutput that shows the newest frame in another program, on a thread of its own; the session never waits.

    Frames of one session at a time: of another only once the first is quiet. problem: why it has stopped, or "".
    """

    def __init__(self, name: str, make: Callable[[str], Sink] | None = None) -> None:
        """name: of SINKS; make: what makes the sink instead. Raises OutputError as `check_sink`."""
        if make is None:
            check_sink(name)
        self.name, self.problem = name, ""
        self._sink = (make or SINKS[name])(NAME)
        self._newest = Latest()
        self._owner: object = None
        self._put_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name=f"studio-{name}", daemon=True)
        self._thread.start()

    def of(self, session: object) -> SessionOutput:
        """Give the output of one of several sessions."""
        return SessionOutput(self, session)

    def put(self, frame: Frame, owner: object = None) -> None:
        """Show a frame, unless another session's are shown."""
        now = time.monotonic()
        if owner is self._owner or now - self._put_at > QUIET:
            self._owner, self._put_at = owner, now
            self._newest.put(frame)

    def close(self) -> None:
        """Stop, and let go of the other program."""
        self._newest.close()
        self._thread.join(5.0)

    def _run(self) -> None:
        size, serial, frame = None, 0, None
        try:
            while not self._newest.closed:
                if (read := self._newest.read(serial, AGAIN)) is not None:
                    serial, frame = read
                if frame is None or self._newest.closed:
                    continue
                height, width = frame.picture.shape[:2]
                if size != (height, width):
                    if size:
                        self._sink.close()
                    size = height, width
                    self._sink.open(height, width, FPS)
                self._sink.send(frame.picture)
        except (
            ImportError,
            OSError,
            RuntimeError,
            ValueError,
        ) as error:  # no driver, no such device: the stream goes on
            self.problem = f"{self.name} shows no more pictures: {error}"
            log.warning(self.problem)
        finally:
            if size:
                self._sink.close()


class SessionOutput:
    """A session's end of an output that several share."""

    def __init__(self, output: LiveOutput, session: object) -> None:
        self._output, self._session = output, session

    def put(self, frame: Frame) -> None:
        """Show a frame, unless another session's are shown."""
        self._output.put(frame, self._session)

    def close(self) -> None:
        """Nothing: the others go on."""
