"""A take shown in the place of what is played, and the way back to that, exactly as it was left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.controls import Pause
from studio.score import Score
from studio.score.snapshot import unpack_snapshot
from studio.session.history import Branch, SessionSnapshot, Stretch
from studio.session.rewind import check_model
from studio.session.take import new_take

if TYPE_CHECKING:
    from studio.session.rewind import Rewindable

LEAST = 4  # parts of the memory for going back, of which a take that is shown has one at least


@dataclass(frozen=True, eq=False)
class Live:
    """What was played when a take was shown: its end, what it can go back to, and the memory that it may take."""

    end: SessionSnapshot
    stretches: tuple[Stretch, ...]
    most_bytes: int


def leave_live(session: Rewindable) -> Live:
    """Give what is played, to come back to with `go_live`; what it takes of the memory, what is shown has not."""
    with session._turn:
        session._apply()
        history = session.history
        live = Live(session._snapshot(), tuple(history.stretches), history.most_bytes)
        history.most_bytes = max(live.most_bytes - history.bytes, live.most_bytes // LEAST)
        return live


def show_take(session: Rewindable, score: Score) -> None:
    """Play a take of the session's model from its beginning, and on from its end. Ends a recording.

    Its pauses are left out. Raises ValueError for a take of another model, ScoreError for a beginning that cannot be
    read.
    """
    check_model(score.header, session.model)
    start = score.header.start
    events = [event for event in score.events if not isinstance(event.control, Pause)]
    later = tuple(event for event in events if event.frame > start)
    opening = Score(score.header, [event for event in events if event.frame <= start], score.snapshot)
    engine = session.engine
    engine.prepare(*(event.control for event in events))
    with session._turn:
        session._recorder.finish()
        session._inbox.take()  # what waits was set for what was played before
        if score.snapshot:
            taken = unpack_snapshot(opening, session.model)
            engine.restore(taken)
            session.history.begin(SessionSnapshot(engine.snapshot(), opening, later))
        else:
            engine.restart(start, opening.opening())
            session.history.begin()
        session._recorder.begin(new_take(engine))
        session._inbox.scheduled = later


def go_live(session: Rewindable, live: Live) -> None:
    """Go back to what was played before a take was shown: its next frame is the next. Ends a recording.

    Raises ValueError where the session has another model since.
    """
    end = live.end
    check_model(end.score.header, session.model)
    with session._turn:
        session._inbox.take()
        history = session.history
        history.most_bytes = live.most_bytes
        branch = Branch("live", end.engine.frame, "", (*live.stretches, Stretch(end)))
        history.branches.append(branch)
        session._go_on_from(history.take_up(branch).start)
