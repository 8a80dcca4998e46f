"""A page that comes back when its session has ended, by a restart of the server too: what it gets, and is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import CONTROLS, ControlState, Prompt, Sampling, opening_events, strokes
from studio.presets import Preset
from studio.score import Event
from studio.ui.autosave import SavedLine, SavedLines
from studio.ui.bookmarks import MOST_LISTED
from studio.ui.errors import LibraryError
from studio.ui.recorder import Take
from studio.ui.saved import SavedSeat, SavedSeats
from studio.ui.security import LOOPBACK
from studio.ui.unfinished import UnfinishedTakes

if TYPE_CHECKING:
    from studio.ui.seat import Seat

MOST_TAKES = 30  # that a page gets back
BEGINS_ANEW = "Your session had ended and begins anew at frame 0"
GOES_ON = "Your session had ended and goes on at frame {}"
log = logging.getLogger("studio")


class Restorer:
    """What a server knows of the seats and takes of servers before it.

    saved, lines: where seats are saved, and what they play; None: nowhere. own: whether only the person who runs the
    server can open its pages: then a take that was cut off is offered to every page of this machine, and else only to
    the page whose it was.
    """

    def __init__(
        self, takes: Path, saved: SavedSeats | None = None, own: bool = False, lines: SavedLines | None = None
    ) -> None:
        self.unfinished = UnfinishedTakes(takes)
        self._saved, self._own, self._lines = saved, own, lines
        self.unfinished.recover()

    def load(self, id: object) -> SavedSeat | None:
        """Give what was saved of a seat, by the id that its page alone knows."""
        return self._saved.load(id) if self._saved else None

    def begin(self, seat: Seat, saved: SavedSeat | None) -> bool:
        """Give a new seat what its page had, and the takes that were cut off, as far as they are its own.

        Whether its controls are set; where they cannot be, the page is told, and begins as any other.
        """
        self.unfinished.recover()
        restored = saved is not None and self._restore(seat, saved)
        if self._own and seat.address in LOOPBACK:
            seat.bookmarks.adopt_all()
            for name in self.unfinished.recovered:
                seat.recorder.adopt(name, unfinished=True)
        return restored

    def _restore(self, seat: Seat, saved: SavedSeat) -> bool:
        try:
            restore(seat, saved, self.unfinished.folder, self._lines.load(seat.id) if self._lines else None)
        except Exception as error:  # whatever it is, a page that could not open any more would be worse
            log.exception("a saved session could not be restored")
            seat.news = f"{BEGINS_ANEW}; what was set could not be restored: {error}"
            return False
        return True

    def save(self, seat: Seat) -> None:
        """Save a seat that a person has used, if anything has changed; not on a session's thread, as disks are slow."""
        if self._saved and (
            seat.played or seat.bookmarks or seat.recorder.takes or seat.recorder.recording or seat.viewers.used
        ):
            self._saved.save(seat.id, saved_of(seat))
            if self._lines:
                self._lines.save(seat.id, seat.session)

    def leave(self, seat: Seat) -> None:
        """Save a seat that was closed, for its page to come back to."""
        self.save(seat)
        if self._saved:
            self._saved.leave(seat.id)
        if self._lines:
            self._lines.leave(seat.id)


def saved_of(seat: Seat) -> SavedSeat:
    """Take down what a page would want back of its seat."""
    takes = seat.recorder.takes[-MOST_TAKES:]
    return SavedSeat.of(
        seat.editing.live_state or seat.state,
        model=seat.models.chosen,
        takes=tuple(take.name for take in takes),
        recording=seat.recorder.name,
        unfinished=tuple(take.name for take in takes if take.unfinished),
        bookmarks=tuple(one.name for one in seat.bookmarks[-MOST_LISTED:]),
        views=seat.viewers.secret,
    )


def restore(seat: Seat, saved: SavedSeat, folder: Path, line: SavedLine | None = None) -> None:
    """Give a new seat the controls, the model and the takes that were saved; `seat.news` is what its page is told.

    line: what it played, to go on with at the same frame; without it the picture begins anew.
    """
    state, refused = saved.state(), dict[str, str]()
    goes_on = line is not None and not saved.model and line.go_on(seat.session)
    if not goes_on:
        kept, refused = seat.session.engine.adapt(state)
        seat.session.play(Preset("saved", "saved", tuple(opening_of(kept, state[Prompt]))))
    seat.played = True
    seat.viewers.secret = saved.views or seat.viewers.secret
    parts = [describe_controls(state)]
    if saved.model:
        late = {*refused, Sampling.kind}  # the present model plays its own, or another
        seat.late = tuple(held.control for held in state.slots.values() if held.control.kind in late)
        if line is not None:
            seat.arrived = partial(line.go_on, seat.session)
        parts.append(request_model(seat, saved.model))
    for name in saved.takes:
        seat.recorder.adopt(name, name in saved.unfinished)
    for name in saved.bookmarks:
        seat.bookmarks.adopt(name)
    if saved.recording:
        take = seat.recorder.adopt(saved.recording, unfinished=True)
        parts.append(describe_take(saved.recording, take, folder))
    lost = dict.fromkeys(saved.left_out, "") | ({} if seat.late else refused)
    if lost and not goes_on:
        parts.append(describe_lost(lost))
    seat.news = f"{GOES_ON.format(line.frame) if goes_on and line else BEGINS_ANEW}, {'; '.join(parts)}."


def opening_of(state: ControlState, prompt: Prompt) -> Iterator[Event]:
    """Yield what brings a new session into a state; the prompt's blend comes when nothing is left to blend from."""
    for frame, control in opening_events(state, 0):
        yield Event(frame, control)
    if prompt.blend and state[Prompt].text == prompt.text:
        yield Event(1, prompt)


def request_model(seat: Seat, name: str) -> str:
    """Have the seat go over to the model it had; give what its page is told of that."""
    try:
        seat.models.choose(name)
    except LibraryError as error:
        seat.late = ()
        return f"it plays on {seat.models.name} ({error})"
    return f"its model {name} is being loaded"


def describe_controls(state: ControlState) -> str:
    """Say what came back of the controls."""
    painted = len(strokes(state))
    count = {0: "", 1: ", stroke"}.get(painted, f", {painted} strokes")
    return f"with its prompt{count} and settings"


def describe_take(name: str, take: Take | None, folder: Path) -> str:
    """Say what became of the take that was being recorded."""
    if take is not None:
        seconds = round(take.frames / take.fps)
        return f"its take was cut off at {seconds // 60}:{seconds % 60:02d} and is in the list of takes"
    if (folder / f"{name}.jsonl").is_file():
        return f"its take was cut off and could not be finished: what there is of it is in {folder}"
    return f"of its take nothing is left in {folder}"


def describe_lost(lost: Mapping[str, str]) -> str:
    """Say which kinds of control did not come back, with the reasons that are known."""
    names = {kind: CONTROLS[kind].plural or kind if kind in CONTROLS else kind for kind in lost}
    return "not back: " + ", ".join(f"{names[kind]} ({why})" if why else names[kind] for kind, why in lost.items())
