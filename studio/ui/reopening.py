"""Going on from a bookmark at a seat; where that cannot be, what can be done instead is done, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.controls import Prompt
from studio.presets import Preset
from studio.score import Score, ScoreError
from studio.ui.editing import end_show
from studio.ui.errors import LibraryError, QuotaExceeded
from studio.ui.offline import tell
from studio.ui.protocol import Notice
from studio.ui.restore import opening_of
from studio.ui.rewinds import Travelled, travel

if TYPE_CHECKING:
    from studio.ui.bookmarks import Bookmark
    from studio.ui.seat import Seat


def make(seat: Seat) -> str:
    """Bookmark the present moment, and give what the page is told; where no file can be, it is kept as a branch."""
    try:
        return f"Bookmark kept: {seat.bookmarks.add().title}."
    except QuotaExceeded as error:
        why = str(error)
    except (OSError, ScoreError) as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error)
    branch = seat.session.mark()
    return (
        f"There is no file for the bookmark ({why}). The moment is kept as {branch.name}, as long as this page is open."
    )


def reopen(seat: Seat, name: str) -> tuple[Travelled, str]:
    """Go on from a bookmark: what was left, and what the page is told of what could not be.

    Raises ValueError where nothing can be done; then nothing is changed.
    """
    one = seat.bookmarks.named(name)
    score = read(seat, one)
    end_show(seat)
    try:
        return travel(seat, lambda: seat.session.open_bookmark(seat.bookmarks.path(name))), ""
    except ValueError as error:
        return Travelled(None, None), instead(seat, one, score, error)


def read(seat: Seat, one: Bookmark) -> Score:
    """Read a bookmark's file; raises ValueError with what can still be done."""
    path = seat.bookmarks.path(one.name)
    if not path.is_file():
        seat.bookmarks.forget(one.name)
        raise ValueError(
            f"the file of the bookmark “{one.title}” is gone from {path.parent}; it was taken off the list"
        )
    try:
        return Score.read(path)
    except ScoreError as error:
        raise ValueError(f"“{one.title}” cannot be read: {error}; nothing was changed, remove the bookmark") from error


def instead(seat: Seat, one: Bookmark, score: Score, why: ValueError) -> str:
    """Do what can be done with a bookmark that this model cannot go on from: its own model, or its controls here.

    Raises ValueError where nothing can.
    """
    wanted = score.header.model
    if wanted != seat.session.model.name and is_coming(seat, wanted):
        seat.arrived = lambda: arrive(seat, one, wanted)
        return f"“{one.title}” is of {wanted}, which is being loaded: it goes on from there as soon as it plays."
    problem = f"“{one.title}” cannot be gone on from: {why}"
    if not score.events:
        raise ValueError(f"{problem}; nothing was changed, remove the bookmark") from why
    set_controls(seat, score)
    return f"{problem}. Its prompt and settings are set here instead."


def is_coming(seat: Seat, model: str) -> bool:
    """Have a model made ready: whether it can be, here."""
    try:
        seat.models.choose(model)
    except LibraryError:
        return False
    return True


def arrive(seat: Seat, one: Bookmark, wanted: str) -> None:
    """Go on from a bookmark once the model that it waited for plays."""
    if seat.session.model.name != wanted:
        return
    try:
        seat.session.open_bookmark(seat.bookmarks.path(one.name))
    except (OSError, ValueError) as error:
        tell(seat, Notice(f"“{one.title}” cannot be gone on from: {error}."))


def set_controls(seat: Seat, score: Score) -> None:
    """Put in force what a score begins with, as far as the model takes it."""
    opening = score.opening().restarted(0)
    kept, _ = seat.session.engine.adapt(opening)
    seat.session.play(Preset("bookmark", "bookmark", tuple(opening_of(kept, opening[Prompt]))))
    seat.run()
