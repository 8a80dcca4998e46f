"""What a person takes home: scores, videos, snapshots."""

from __future__ import annotations

import queue
import re
import secrets
import sys
import threading
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from studio.frames import Frame
from studio.outputs.video import RECORDED_MP4, VideoFile

WAITING = 96  # frames a slow disk may be behind before the video leaves some out: 19 MB at 256x256
BOOKMARK = ".bookmark.jsonl"  # the ending of a bookmark's file
OFFERED = 64  # downloads a seat keeps on offer


class TakeVideo:
    """A FrameOutput that writes one take as H.264, on a thread of its own, so that the session never waits for it.

    Whatever ends the process, the file `part_of(path)` plays to there. Frames that come before `begin(start)` wait,
    because only the session knows with which frame a take begins.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path, self.fps = path, min(60, max(1, round(fps or 24)))
        self.problem = ""
        self.left_out = 0
        self._frames_of_take = range(0)
        self._started = threading.Event()
        self._queue: queue.Queue[Frame | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="studio-video", daemon=True)
        self._thread.start()

    def put(self, frame: Frame) -> None:
        try:
            self._queue.put_nowait(frame)
        except queue.Full:
            self.left_out += 1

    def begin(self, start: int) -> None:
        """Frames from this one on belong to the take."""
        self._frames_of_take = range(start, sys.maxsize)
        self._started.set()

    def finish(self, start: int, frames: int) -> None:
        """Write what belongs to the take, `frames` of them from `start`, and close the file.

        Frames after them may have been written already, for a take's end is known a moment after it: they are cut off.
        """
        self._frames_of_take = range(start, start + frames)
        self.close()
        if self.left_out and not self.problem:
            lacks = f"The video lacks {self.left_out} frames, for the disk was too slow"
            self.problem = f"{lacks}; it is made again, whole, from the score."

    def close(self) -> None:
        self._started.set()
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        self._started.wait()
        try:
            self._write()
        except (OSError, ImportError) as error:  # a full disk, no codec: told with the take; the stream goes on
            self.problem = f"There is no video: {error}. The score is complete: `studio render` makes the video of it."
            while self._queue.get() is not None:
                continue

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        video = VideoFile(self.path, self.fps, RECORDED_MP4)
        written: list[int] = []  # the frames' numbers
        while (frame := self._queue.get()) is not None:
            if frame.index in self._frames_of_take:
                video.put(frame)
                written.append(frame.index)
        video.close(bisect_left(written, self._frames_of_take.stop))


@dataclass(frozen=True)
class Download:
    """Something on offer: a name for the file, its media type, and the bytes or the file they are in."""

    name: str
    media_type: str
    content: bytes | Path


class Downloads:
    """What a seat offers, each under a secret that is its address; the oldest are withdrawn, files stay on disk."""

    def __init__(self) -> None:
        self._offered: OrderedDict[str, Download] = OrderedDict()

    def offer(self, download: Download) -> str:
        """The secret it can be fetched by."""
        secret = secrets.token_urlsafe(18)
        self._offered[secret] = download
        while len(self._offered) > OFFERED:
            self._offered.popitem(last=False)
        return secret

    def get(self, secret: str) -> Download | None:
        return self._offered.get(secret)


def take_path(folder: Path, words: str) -> Path:
    """A path without ending that no take has yet: time and the prompt's first words."""
    slug = "-".join(re.findall(r"[a-z0-9]+", words.lower())[:5]) or "take"
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{slug[:40]}"
    path, number = folder / stem, 2
    while any(path.with_name(path.name + ending).exists() for ending in (".jsonl", ".mp4", BOOKMARK)):
        path, number = folder / f"{stem}-{number}", number + 1
    return path
