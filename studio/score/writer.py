"""A take on its way to its file, and the hash over its frames."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from studio.folders import hold
from studio.score.events import Event
from studio.score.format import Checkpoint, Header, Score, checkpoint_line, event_line, header_line

if TYPE_CHECKING:
    from studio.frames import Frame

CHECKPOINT_SECONDS = 0.5
log = logging.getLogger("studio")


class Digest:
    """One hash over the hashes of a take's frames: equal if and only if all frames are."""

    def __init__(self) -> None:
        self.frames = 0
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, frame: Frame) -> None:
        """Take in the next frame."""
        self.add_hash(frame.hash)

    def add_hash(self, hash: str) -> None:
        """Take in the next frame by its hash (`Frame.hash`)."""
        self._hash.update(hash.encode())
        self.frames += 1

    def __str__(self) -> str:
        """Give 32 hex digits over the frames so far."""
        return self._hash.hexdigest()


class ScoreWriter:
    """Appends a take to a file line by line while it is played, so that a crash loses half a second.

    Twice a second it writes how many frames there are, and has the disk keep all that was written, on a thread of its
    own: a disk may take its time. A disk that refuses is told once, in the log and in `problem`; the take goes on in
    memory, where the session keeps it, and `finish` tries once more to write it whole.
    """

    def __init__(self, path: str | Path, header: Header, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = Path(path)
        self.problem: str | None = None
        self._file: IO[str] | None = None
        self._clock, self._written_at = clock, clock()
        self._disk = ThreadPoolExecutor(1, "studio-score")
        self._kept: Future[None] | None = None  # what the disk is at
        self._attempt(lambda: self._open(header))

    def add(self, event: Event) -> None:
        """Append a control."""
        if self._file is not None:
            self._attempt(lambda: self._append(event_line(event)))

    def checkpoint(self, digest: Digest) -> None:
        """Append how far the take has come, if the last time was half a second ago."""
        if self._file is not None and self._clock() - self._written_at >= CHECKPOINT_SECONDS:
            self._written_at = self._clock()
            self._attempt(lambda: self._checkpoint(Checkpoint(digest.frames, str(digest))))

    def finish(self, score: Score) -> None:
        """Write the score whole, now that its number of frames is known."""
        self._close()
        self._attempt(lambda: score.write(self.path))

    def _open(self, header: Header) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", encoding="utf-8")
        hold(self._file)  # so that no other server takes it for one that was cut off
        self._append(header_line(header))

    def _append(self, line: str) -> None:
        assert self._file is not None
        self._file.write(line + "\n")
        self._file.flush()

    def _checkpoint(self, checkpoint: Checkpoint) -> None:
        assert self._file is not None
        self._append(checkpoint_line(checkpoint))
        if self._kept is None or self._kept.done():
            if self._kept:
                self._kept.result()  # raises what the disk said
            self._kept = self._disk.submit(os.fsync, self._file.fileno())

    def _attempt(self, write: Callable[[], object]) -> None:
        try:
            write()
            self.problem = None
        except OSError as error:
            self._close()
            self.problem = (
                f"cannot write the score {self.path} ({error.strerror or error}); the take is kept in memory: "
                "make room, then stop the recording or save it elsewhere"
            )
            log.warning(self.problem)

    def _close(self) -> None:
        if self._file is None:
            return
        file, self._file = self._file, None
        self._disk.shutdown()  # it is done with the file
        with suppress(OSError):  # what it still held could not be written: `finish` writes the whole score again
            file.close()
