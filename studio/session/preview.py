"""A take shown in the place of what is played, and the way back to that, exactly as it was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.controls import Pause, Prompt
from studio.score import Score
from studio.score.snapshot import unpack_snapshot
from studio.session.history import Branch, SessionSnapshot, Stretch
from studio.session.rewind import check_model
from studio.session.take import new_take

if TYPE_CHECKING:
    from studio.session.rewind import Rewindable

LIVE = "live"


def leave_live(session: Rewindable) -> Branch:
    """Give what is played, to come back to with `go_live`; among the branches meanwhile, so it counts as memory."""
    with session._turn:
        session._apply()
        end, history = session._snapshot(), session.history
        fork = end.engine.frame
        branch = Branch(LIVE, fork, end.engine.state[Prompt].text, (*history.stretches, Stretch(end)))
        history.branches.append(branch)
        return branch


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


def go_live(session: Rewindable, live: Branch) -> None:
    """Go back to what was played before a take was shown: its next frame is the next. Ends a recording.

    Raises ValueError where the session has another model since.
    """
    end = live.stretches[-1].start
    check_model(end.score.header, session.model)
    with session._turn:
        session._inbox.take()
        history = session.history
        if live not in history.branches:  # there was no room for it among the others; it is not lost
            history.branches.append(live)
        session._go_on_from(history.take_up(live).start)
