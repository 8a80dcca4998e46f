"""Takes made into files to take home, each with its score in it: on a thread that leaves the stream its time."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import Pause
from studio.frames import Frame
from studio.outputs import FileOutput, OutputError, open_output
from studio.score import Digest, Score, ScoreError, digest_difference, read_score, replay
from studio.ui.errors import QuotaExceeded
from studio.ui.protocol import ExportProgress
from studio.ui.quota import DiskQuota
from studio.ui.recorder import Recorder, Take
from studio.ui.takes import Download, Downloads

if TYPE_CHECKING:
    from studio.session.session import Session

SHARE = 0.3  # of the time that it takes while the session draws
NICE = 10  # the thread's, where threads have one
TELL_EVERY = 0.25  # seconds
CHECK_EVERY = 24  # frames between two looks at how much of the disk it takes
LEFT_AFTER = 86400.0  # seconds after which what a killed server left is removed
FOLDER = ".export-"
log = logging.getLogger("studio")


@dataclass(frozen=True)
class Form:
    """A kind of file that a take is made into: its ending and its media type."""

    ending: str
    media_type: str


# By the name that a page asks with.
FORMS = {
    "mp4": Form(".mp4", "video/mp4"),
    "webm": Form(".webm", "video/webm"),
    "gif": Form(".gif", "image/gif"),
    "png": Form(".zip", "application/zip"),
}


@dataclass(frozen=True)
class Place:
    """Where files of a seat are put, and offered: its folder, its downloads, and its share of the disk."""

    folder: Path
    downloads: Downloads
    disk: DiskQuota
    address: str

    def check_room(self, more: int = 0) -> None:
        """Raise QuotaExceeded where so many bytes more are too many for this person."""
        if self.disk.is_full(self.address, more):
            raise QuotaExceeded("your takes fill what this server keeps for one person; download them and ask for room")

    def offer(self, path: Path, media_type: str) -> str:
        """Count a file, and offer it; gives its secret."""
        self.disk.add(self.address, path.stat().st_size)
        return self.downloads.offer(Download(path.name, media_type, path))


class Cancelled(Exception):
    """The person called it off."""


class Exports:
    """The exports of one seat, one at a time. progress: of the last, None before the first."""

    def __init__(
        self, session: Session, recorder: Recorder, place: Place, tell: Callable[[ExportProgress], object]
    ) -> None:
        """recorder: whose takes they are; tell: called with the progress, from any thread."""
        self.progress: ExportProgress | None = None
        self.recorder = recorder
        self._session, self._place, self._tell = session, place, tell
        self._closed = False
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None
        self._told_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether a file is being made."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, take: str, form: str) -> None:
        """Begin to make a file of a take of this seat.

        Raises OutputError for a take or a form that is none, and while another is made; QuotaExceeded; ScoreError where
        the take cannot be read.
        """
        if self._closed:
            raise OutputError("this session is over; open the take in another")
        if self.busy and self.progress:
            raise OutputError(
                f"{self.progress.take} is being made into {self.progress.form}; wait for it, or cancel it"
            )
        if form not in FORMS:
            raise OutputError(f"a take can be made into {', '.join(FORMS)}, got {form[:40]!r}")
        known = {one.name: one for one in self.recorder.takes}
        if take not in known:
            raise OutputError(f"there is no take {take[:80]!r} in your list")
        self._place.check_room()
        score = read_score(self._place.folder / f"{take}.jsonl", take)
        self._cancel = threading.Event()
        self.progress = ExportProgress(take, form, total=score.length)
        self._thread = threading.Thread(
            target=self._run, args=(score, known[take].fps, self._cancel), name="studio-export", daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """Call off what is being made; nothing of it stays."""
        self._cancel.set()

    def close(self) -> None:
        """Call it off, for good."""
        self._closed = True
        self.cancel()

    def _report(self, **changes: object) -> None:
        assert self.progress
        self.progress = replace(self.progress, **changes)  # type: ignore[arg-type]
        now = time.monotonic()
        if self.progress.stage != "making" or now - self._told_at >= TELL_EVERY:
            self._told_at = now
            self._tell(self.progress)

    def _run(self, score: Score, fps: int, cancel: threading.Event) -> None:
        be_nice()
        self._report()
        try:
            path, note = self._make(score, fps, cancel)
            form = FORMS[self.progress.form if self.progress else ""]
            address = self._place.offer(path, form.media_type)
            self._report(stage="done", done=score.length, name=path.name, address=address, note=note)
        except Cancelled:
            self._report(stage="cancelled")
        except (OSError, OutputError, ScoreError, QuotaExceeded, ValueError) as error:
            self._report(stage="failed", note=f"The take could not be exported: {error}")
        except Exception as error:  # a fault of ours; it is told, and the session plays on
            log.exception("an export failed")
            self._report(stage="failed", note=f"The take could not be exported: {error!r}")

    def _make(self, score: Score, fps: int, cancel: threading.Event) -> tuple[Path, str]:
        """Make the file in a folder of its own, and put it beside the take: its path, and what is to be known of it."""
        assert self.progress
        folder, name = self._place.folder, self.progress.take + FORMS[self.progress.form].ending
        remove_left(folder)
        with tempfile.TemporaryDirectory(prefix=FOLDER, dir=folder) as work:
            output = open_output(Path(work) / name, min(fps, 50) if name.endswith(".gif") else fps, score.text)
            frames, note = self._frames(score, Path(folder / f"{self.progress.take}.mp4"))
            with contextlib.closing(output):
                difference = self._write(frames, output, score, cancel)
            path = folder / name
            shutil.move(Path(work) / name, path)
        return path, note or difference

    def _write(self, frames: Iterable[Frame], output: FileOutput, score: Score, cancel: threading.Event) -> str:
        """Put the frames out; give what is to be said of them, where they are not the recording's."""
        digest, began = Digest(), time.monotonic()
        for frame in frames:
            if cancel.is_set():
                raise Cancelled
            output.put(frame)
            digest.add(frame)
            self._report(done=digest.frames)
            if digest.frames % CHECK_EVERY == 0:
                self._place.check_room(sum(one.stat().st_size for one in output.path.parent.iterdir()))
            if self._is_live:
                cancel.wait((time.monotonic() - began) * (1 / SHARE - 1))
            began = time.monotonic()
        return digest_difference(score.header, digest, self._session.model) or ""

    def _frames(self, score: Score, video: Path) -> tuple[Iterator[Frame], str]:
        """Give a take's frames: made again, or, where another model plays, those of its video.

        Raises ScoreError where neither can be.
        """
        try:
            return replay(score, self._session.model), ""
        except ScoreError as error:
            if not video.is_file():
                raise ScoreError(f"{error}; or change to that model on the page, and export again") from error
            return frames_of_video(video, score.header.start), "Its pictures are the video's: its model plays not now."

    @property
    def _is_live(self) -> bool:
        """Whether the session draws pictures, and wants the machine."""
        return self._session.running and not self._session.engine.state[Pause].paused


def make_whole(exports: Exports, take: Take | None) -> Take | None:
    """Have the video of a take that has ended made from its score, which waited for no disk, where it lacks frames."""
    if take is not None and exports.recorder.left_out:
        try:
            exports.start(take.name, "mp4")
        except (OutputError, ScoreError, QuotaExceeded) as error:
            log.warning("the video of %s is not made again: %s; `studio render` makes it", take.name, error)
    return take


def frames_of_video(path: Path, start: int) -> Iterator[Frame]:
    """Yield a video's pictures as frames from a number on."""
    import av

    with av.open(str(path)) as video:
        for number, picture in enumerate(video.decode(video=0), start):
            yield Frame(number, picture.to_ndarray(format="rgb24"))


def be_nice() -> None:
    """Have this thread give way to others, on a system where threads have priorities of their own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def remove_left(folder: Path) -> None:
    """Remove what a server left there that was killed while it made a file."""
    for left in folder.glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_AFTER:
                shutil.rmtree(left, ignore_errors=True)
