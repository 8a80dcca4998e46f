"""Takes of one session: score and video, and where they can be downloaded."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import Prompt
from studio.outputs.carriers import carry
from studio.outputs.fragments import video_rate
from studio.score.format import Header, parse_header, parse_object
from studio.ui.quota import DiskQuota
from studio.ui.takes import Download, Downloads, TakeVideo, take_path
from studio.ui.unfinished import LONGEST_HEADER, read_length, video_of

if TYPE_CHECKING:
    from studio.score import Score
    from studio.session.session import Session

USUAL_FPS = 24  # frames a second, of a take that has no video to ask
log = logging.getLogger("studio")


@dataclass(frozen=True)
class Take:
    """A take that was recorded, as the page lists it.

    score, video: the secrets they are downloaded by, empty where there is none; problem: what went wrong, in words;
    unfinished: whether it was cut off by the end of its server. parent: the name of the take it is a version of; note:
    what is to be known of it, in words.
    """

    name: str
    frames: int
    fps: int
    score: str
    video: str = ""
    problem: str = ""
    unfinished: bool = False
    parent: str = ""
    note: str = ""


class Recorder:
    """Records a session's takes into a folder, and offers them. Not for several threads at once."""

    def __init__(
        self, session: Session, folder: Path, downloads: Downloads, disk: DiskQuota, address: str = ""
    ) -> None:
        self.takes: list[Take] = []
        self.left_out = 0  # frames that the last take's video lacks
        self._disk, self._address = disk, address
        self._session, self.folder, self._downloads = session, folder, downloads
        self._video: TakeVideo | None = None
        self._path = folder

    @property
    def recording(self) -> bool:
        """Whether a take is being recorded."""
        return self._video is not None

    @property
    def name(self) -> str:
        """The name of the take that is being recorded; empty while none is."""
        return self._path.name if self._video is not None else ""

    def start(self) -> None:
        """Begin a take: the session starts clean, the video waits for its first frame. Raises QuotaExceeded."""
        if self._video is not None:
            return
        self._disk.begin_take(self._address)
        self._path = self._new_path()
        self._video = TakeVideo(self._path.with_name(self._path.name + ".mp4"), self._session.stats["fps"])
        self._session.outputs.append(self._video)
        self._video.begin(self._session.record(self._path.with_name(self._path.name + ".jsonl")))

    def stop(self) -> Take | None:
        """End the take and offer it; None if none was recorded."""
        if self._video is None:
            return None
        score = self._session.stop_recording()
        video, self._video = self._video, None
        self._session.outputs.remove(video)
        video.finish(score.header.start, score.length)
        carry_score(score, video.path)
        self.left_out = video.left_out
        take = self._offer(score, video)
        self.takes.append(take)
        self._disk.add(self._address, self._size())
        return take

    def adopt(self, name: str, unfinished: bool = False, note: str = "") -> Take | None:
        """Offer a take that is in the folder already; None where there is no score of it that has ended."""
        path = self.folder / f"{name}.jsonl"
        try:
            frames = read_length(path) if path.parent == self.folder else None
        except (OSError, ValueError):
            return None
        if not frames or any(take.name == name for take in self.takes):
            return None
        files = {path: "application/jsonl", video_of(path): "video/mp4"}
        score, film = (self._offer_file(file, media) if file.is_file() else "" for file, media in files.items())
        rate, parent = video_rate(video_of(path)) or USUAL_FPS, read_parent(path)
        take = Take(name, frames, rate, score, film, unfinished=unfinished, parent=parent, note=note)
        self.takes.append(take)
        return take

    @property
    def over_quota(self) -> bool:
        """Whether the take that is being recorded fills what this person may have of the disk."""
        return self.recording and self._disk.is_full(self._address, self._size())

    def _size(self) -> int:
        """The bytes of the take's files, as far as they are written."""
        files = list(self._path.parent.glob(self._path.name + ".*")) if self._path != self.folder else []
        return sum(file.stat().st_size for file in files if file.is_file())

    def keep(self, score: Score) -> None:
        """Write the score of what was played and not recorded."""
        if not score.header.frames or self._disk.is_full(self._address):
            return
        path = self._new_path()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            kept = score.write(path.with_name(path.name + ".jsonl"))
            self._disk.add(self._address, kept.stat().st_size)
        except OSError as error:
            log.error("a closed page's score could not be kept in %s: %s; make room there", self.folder, error)

    def keep_last(self, score: Score, fps: float, path: Path | None = None) -> Take:
        """Write the score of what was just shown, and offer it; its video comes later. Raises QuotaExceeded.

        path: without ending, where its name is not made of the prompt.
        """
        self._disk.begin_take(self._address)
        path, problem = path or self._new_path(), ""
        text = "\n".join([*score.lines(), ""])
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._disk.add(self._address, score.write(path.with_name(path.name + ".jsonl")).stat().st_size)
        except OSError as error:
            problem = f"The take is not on the server's disk ({error.strerror or error}); download its score now."
        address = self._downloads.offer(Download(f"{path.name}.jsonl", "application/jsonl", text.encode()))
        take = Take(path.name, score.length, max(1, round(fps)), address, "", problem, parent=parent_of(score.header))
        self.takes.append(take)
        return take

    def video_path(self, take: Take) -> Path:
        """Give the path of the video of a take."""
        return self.folder / f"{take.name}.mp4"

    def add_video(self, take: Take) -> Take:
        """Offer the video of a take that was made afterwards, and give the take with it."""
        path = self.video_path(take)
        self._disk.add(self._address, path.stat().st_size)
        whole = replace(take, video=self._offer_file(path, "video/mp4"))
        self.takes = [whole if one.name == take.name else one for one in self.takes]
        return whole

    def _new_path(self) -> Path:
        return take_path(self.folder, self._session.pending_state()[Prompt].text)

    def _offer(self, score: Score, video: TakeVideo) -> Take:
        """Put score and video on offer. A score is held in memory too, so a full disk does not take it away."""
        name, text = self._path.name, "\n".join([*score.lines(), ""])
        address = self._downloads.offer(Download(f"{name}.jsonl", "application/jsonl", text.encode()))
        film = self._offer_file(video.path, "video/mp4") if video.path.is_file() else ""
        return Take(name, score.header.frames or 0, video.fps, address, film, video.problem)

    def _offer_file(self, path: Path, media_type: str) -> str:
        return self._downloads.offer(Download(path.name, media_type, path))


def read_parent(path: Path) -> str:
    """Give the name of the take that a score's is a version of; empty for none. Raises OSError and ScoreError."""
    with path.open(encoding="utf-8") as file:
        return parent_of(parse_header(parse_object(1, file.readline(LONGEST_HEADER), str(path)), str(path)))


def parent_of(header: Header) -> str:
    """Give the name of the take that another is a version of; empty for none."""
    return header.versions[-1][0] if header.versions else ""


def carry_score(score: Score, video: Path) -> None:
    """Put a score into its video, which plays as well without."""
    try:
        if video.is_file():
            carry(video, score.text)
    except OSError as error:
        log.warning("the video %s does not carry its score: %s", video, error)
