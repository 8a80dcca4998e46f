"""Bookmarks: moments of a session in files, named, listed, and gone back to in another process."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import Prompt
from studio.score import Score
from studio.score.snapshot import last_picture
from studio.ui.quota import DiskQuota
from studio.ui.takes import BOOKMARK, take_path
from studio.ui.thumbnails import data_url

if TYPE_CHECKING:
    from studio.session.session import Session

MOST_LISTED = 60
LARGEST = 256 * 2**20  # bytes of a file that is read for its picture alone
LONGEST_TITLE = 60  # characters
log = logging.getLogger("studio")


@dataclass(frozen=True)
class Bookmark:
    """A bookmark as the page lists it.

    name: of its file, without the ending; frame: the next one there; picture: a small JPEG as a data URL.
    """

    name: str
    title: str
    frame: int
    model: str
    words: str
    picture: str


class Bookmarks(list[Bookmark]):
    """A seat's bookmarks, the oldest first: files in the folder for takes, on its share of the disk."""

    def __init__(self, session: Session, folder: Path, disk: DiskQuota, address: str = "") -> None:
        super().__init__()
        self.folder = folder
        self._session, self._disk, self._address = session, disk, address

    def add(self, title: str = "") -> Bookmark:
        """Write a bookmark of the session now, and give it. Raises QuotaExceeded and OSError."""
        self._disk.begin_take(self._address)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = take_path(self.folder, self._session.pending_state()[Prompt].text)
        path = self._session.bookmark(path.with_name(path.name + BOOKMARK), title[:LONGEST_TITLE])
        self._disk.add(self._address, path.stat().st_size)
        self.append(read(path))
        return self[-1]

    def adopt(self, name: str) -> None:
        """List a bookmark that another session left in the folder, if it can be read."""
        path = self.path(name)
        if path.parent == self.folder and path.is_file() and all(one.name != name for one in self):
            try:
                self.append(read(path))
            except (OSError, ValueError) as error:
                log.warning("the bookmark %s cannot be read and is not listed: %s", path, error)

    def adopt_all(self) -> None:
        """List the newest bookmarks in the folder, whoever left them there."""
        for path in sorted(self.folder.glob(f"*{BOOKMARK}"))[-MOST_LISTED:]:
            self.adopt(path.name.removesuffix(BOOKMARK))

    def named(self, name: str) -> Bookmark:
        """Give the bookmark of a name; raises ValueError with those there are."""
        for one in self:
            if one.name == name:
                return one
        raise ValueError(f"there is no bookmark {name!r}; there are: {', '.join(one.name for one in self) or 'none'}")

    def path(self, name: str) -> Path:
        """Give the path of a bookmark's file."""
        return self.folder / f"{name}{BOOKMARK}"

    def rename(self, name: str, title: str) -> None:
        """Call a bookmark something else, in its file too; raises ValueError and OSError."""
        place, title = self.index(self.named(name)), " ".join(title.split())[:LONGEST_TITLE]
        if not title:
            raise ValueError("a bookmark's name is empty; write one")
        score = Score.read(self.path(name))
        replace(score, header=replace(score.header, title=title)).write(self.path(name))
        self[place] = replace(self[place], title=title)

    def forget(self, name: str) -> None:
        """Take a bookmark off the list and its file off the disk, if it is there; raises ValueError and OSError."""
        one = self.named(name)
        with suppress(FileNotFoundError):
            size = self.path(name).stat().st_size
            self.path(name).unlink()
            self._disk.add(self._address, -size)
        self.remove(one)

    def told(self) -> Iterator[dict[str, object]]:
        """Yield what a page is told of each."""
        return (asdict(one) for one in tuple(self))


def read(path: Path) -> Bookmark:
    """Read what a bookmark's file says of itself; raises OSError and ValueError."""
    score = Score.read(path) if path.stat().st_size <= LARGEST else head_of(path)
    header, picture = score.header, last_picture(score.snapshot)
    shown = "" if picture is None else data_url(picture)
    name, words = path.name.removesuffix(BOOKMARK), score.opening()[Prompt].text
    return Bookmark(name, header.title or words or name, header.start, header.model, words, shown)


def head_of(path: Path) -> Score:
    """Read a large file without its snapshot, which is its second line."""
    with path.open(encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith('{"snapshot"')]
    return Score.parse("".join(lines), json.dumps(str(path)))
