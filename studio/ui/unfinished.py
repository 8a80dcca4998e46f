"""Takes whose server was killed while it recorded them: found in the folder for takes, and finished."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from studio.folders import held
from studio.outputs.carriers import carry
from studio.outputs.fragments import part_of, recover_video
from studio.score import Score
from studio.score.format import parse_header, parse_object

FINISHING = 60.0  # seconds without a change after which a video whose score has ended is taken for left
LONGEST_HEADER = 4096  # characters
log = logging.getLogger("studio")


class UnfinishedTakes:
    """The takes of one folder that were cut off. recovered: the names of those that were finished here, oldest first.

    A take that another server records into the same folder is in use, and left alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recovered: list[str] = []
        self._done: set[str] = set()  # files that need no second look: they have ended, or cannot be finished

    def recover(self) -> None:
        """Finish every take that was cut off since the last call. What cannot be is told once, in the log."""
        for path in self._candidates():
            try:
                if recover_take(path):
                    self._add(path)
            except (OSError, ValueError, LookupError) as error:
                self._done.add(path.name)
                log.warning("the take %s was cut off and cannot be finished (%s); its files stay there", path, error)

    def _add(self, path: Path) -> None:
        name = path.name.removesuffix(".jsonl")
        self.recovered.append(name)
        log.warning("the take %s was cut off by the end of its server; what there is of it was finished", name)

    def _candidates(self) -> Iterator[Path]:
        """Yield the scores that have no end, or a video that has none."""
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.name in self._done:
                continue
            if part_of(video_of(path)).is_file() or was_cut_off(path):
                yield path
            elif has_ended(path):
                self._done.add(path.name)


def recover_take(path: Path) -> bool:
    """End a score at its last checkpoint, or its last control, and its video with its last whole picture.

    False for one that is being recorded now, here or by another server. Raises OSError and ScoreError.
    """
    with held(path) as ours:
        if not ours or is_being_finished(path):
            return False
        score = Score.read(path)
        if recover_video(video_of(path)):
            carry(video_of(path), score.ended(score.length, score.header.digest).text)
        if read_length(path) is None:  # last: until then it is found again
            score.ended(score.length, score.header.digest).write(path)
        return True


def video_of(path: Path) -> Path:
    """Give the name of the video of a score."""
    return path.with_name(path.name.removesuffix(".jsonl") + ".mp4")


def was_cut_off(path: Path) -> bool:
    """Whether a score is that of a recording without an end: one that a person wrote has no checkpoints."""
    return not has_ended(path) and has_checkpoint(path)


def has_ended(path: Path) -> bool:
    """Whether a score has an end, or is none that can be read."""
    try:
        return read_length(path) is not None
    except (OSError, ValueError):
        return True


def read_length(path: Path) -> int | None:
    """Give the number of frames in a score's header, None for one that has not ended; raises OSError and ScoreError."""
    with path.open(encoding="utf-8") as file:
        first = file.readline(LONGEST_HEADER)
    return parse_header(parse_object(1, first, str(path)), str(path)).frames


def has_checkpoint(path: Path) -> bool:
    """Whether a line of a score is a checkpoint."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return any(line.startswith('{"checkpoint"') for line in file)


def is_being_finished(path: Path) -> bool:
    """Whether somebody is at the video of a score that has ended: its last pictures are written after the score."""
    part = part_of(video_of(path))
    if not part.is_file() or read_length(path) is None:
        return False
    return time.time() - part.stat().st_mtime < FINISHING
