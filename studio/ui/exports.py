"""Takes made into files to take home, each with its score in it: jobs of `offline`, a frame at each step."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.frames import Frame
from studio.outputs import FileOutput, OutputError, open_output
from studio.score import Digest, Score, ScoreError, digest_difference, read_score, replay
from studio.ui.errors import QuotaExceeded
from studio.ui.offline import Offline, ToldJob
from studio.ui.protocol import ExportProgress
from studio.ui.quota import DiskQuota
from studio.ui.recorder import Recorder, Take
from studio.ui.takes import Download, Downloads

if TYPE_CHECKING:
    from studio.session.session import Session

JOB = "an export"  # its name in `offline`
CHECK_EVERY = 24  # frames between two looks at how much of the disk it takes
LEFT_AFTER = 86400.0  # seconds after which what a killed server left is removed
FOLDER = ".export-"
Tell = Callable[[ExportProgress], object]
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


class ExportJob(ToldJob[ExportProgress]):
    """A file made of a take, a frame at each step, in a folder of its own until it is whole."""

    def __init__(
        self, score: Score, fps: int, progress: ExportProgress, *, session: Session, place: Place, tell: Tell
    ) -> None:
        """fps: of a video; session: whose model makes the frames again."""
        super().__init__(progress, tell)
        self._score, self._fps, self._session, self._place = score, fps, session, place

    def _work(self) -> Iterator[None]:
        form, folder = FORMS[self.progress.form], self._place.folder
        name, video = self.progress.take + form.ending, folder / f"{self.progress.take}.mp4"
        remove_left(folder)
        with tempfile.TemporaryDirectory(prefix=FOLDER, dir=folder) as work:
            fps = min(self._fps, 50) if name.endswith(".gif") else self._fps
            output = open_output(Path(work) / name, fps, self._score.text)
            frames, note = self._frames(video)
            with contextlib.closing(output):
                difference = yield from self._write(frames, output)
            yield  # called off here, it is not put beside the take
            path = folder / name
            shutil.move(Path(work) / name, path)
            if not self.progress.under_way:  # called off in the meantime, by another thread
                path.unlink(missing_ok=True)
                return
        address = self._place.offer(path, form.media_type)
        self.report(stage="done", done=self._score.length, name=name, address=address, note=note or difference)

    def _write(self, frames: Iterable[Frame], output: FileOutput) -> Generator[None, None, str]:
        """Put the frames out; give what is to be said of them, where they are not the recording's."""
        digest = Digest()
        for frame in frames:
            output.put(frame)
            digest.add(frame)
            self.report(done=digest.frames)
            if digest.frames % CHECK_EVERY == 0:
                self._place.check_room(sum(one.stat().st_size for one in output.path.parent.iterdir()))
            yield
        return digest_difference(self._score.header, digest, self._session.model) or ""

    def _frames(self, video: Path) -> tuple[Iterator[Frame], str]:
        """Give the take's frames: made again, or, where another model plays, those of its video.

        Raises ScoreError where neither can be.
        """
        try:
            return replay(self._score, self._session.model), ""
        except ScoreError as error:
            if not video.is_file():
                raise ScoreError(f"{error}; or change to that model on the page, and export again") from error
            frames = frames_of_video(video, self._score.header.start)
            return frames, "Its pictures are the video's: its model plays not now."

    def _failure(self, error: Exception) -> dict[str, object]:
        said: object = error
        if not isinstance(error, OSError | OutputError | ScoreError | QuotaExceeded | ValueError):
            log.error("an export failed", exc_info=error)  # a fault of ours
            said = repr(error)
        return {"stage": "failed", "note": f"The take could not be exported: {said}"}


class Exports:
    """The exports of one seat, one at a time. progress: of the last, None before the first."""

    def __init__(self, offline: Offline, session: Session, recorder: Recorder, place: Place, tell: Tell) -> None:
        """offline: what works them off; recorder: whose takes they are; tell: called with the progress."""
        self.recorder = recorder
        self._offline, self._session, self._place, self._tell = offline, session, place, tell
        self._closed = False
        self._job: ExportJob | None = None

    @property
    def progress(self) -> ExportProgress | None:
        """How far the last one is."""
        return self._job and self._job.progress

    def start(self, take: str, form: str) -> None:
        """Begin to make a file of a take of this seat.

        Raises OutputError for a take or a form that is none, and while another is made; QuotaExceeded; ScoreError where
        the take cannot be read.
        """
        if self._closed:
            raise OutputError("this session is over; open the take in another")
        if (going := self.progress) and going.under_way:
            raise OutputError(f"{going.take} is being made into {going.form}; wait for it, or cancel it")
        if form not in FORMS:
            raise OutputError(f"a take can be made into {', '.join(FORMS)}, got {form[:40]!r}")
        known = {one.name: one for one in self.recorder.takes}
        if take not in known:
            raise OutputError(f"there is no take {take[:80]!r} in your list")
        self._place.check_room()
        score = read_score(self._place.folder / f"{take}.jsonl", take)
        progress = ExportProgress(take, form, total=score.length)
        self._job = ExportJob(
            score, known[take].fps, progress, session=self._session, place=self._place, tell=self._tell
        )
        self._offline.run(JOB, self._job.steps())

    def cancel(self) -> None:
        """Call off what is being made; nothing of it stays."""
        self._offline.cancel(JOB)
        if self._job:
            self._job.cancelled()

    def close(self) -> None:
        """Call it off, for good."""
        self._closed = True
        self.cancel()


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


def remove_left(folder: Path) -> None:
    """Remove what a server left there that was killed while it made a file."""
    for left in folder.glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_AFTER:
                shutil.rmtree(left, ignore_errors=True)
