"""A take shown in the place of what is played, and back again."""

import pytest
from tiny.model import TinyModel

from session.playing import SEVERAL, drag, play
from studio.controls import Pause, Prompt
from studio.score import Event, Score, replay
from studio.score.edit import insert
from studio.session import Session
from studio.session.history import MOST_BRANCHES
from studio.session.preview import go_live, leave_live, show_take


def recorded(model, frames=14, events=SEVERAL):
    session = Session(model)
    session.record()
    play(session, frames, events)
    return session.stop_recording()


def test_a_take_is_shown_as_it_replays_and_what_was_played_goes_on_as_if_nothing_had_been(model):
    take = recorded(model)
    session, other = Session(model), Session(model)
    for each in (session, other):
        play(each, 9, SEVERAL)
        each.send(drag(0.4, "z"))  # waits
    live = leave_live(session)
    show_take(session, take)
    assert [session.step().hash for _ in range(take.length)] == [frame.hash for frame in replay(take, model)]
    session.send(drag(0.9, "y"))
    session.step()
    session.send(drag(0.1, "y"))  # of the preview, and not to come up after it
    go_live(session, live)
    assert not session.history.branches
    assert play(session, 8, [(12, Prompt("summer"))]) == play(other, 8, [(12, Prompt("summer"))])
    session.rewind(5)
    other.rewind(5)
    assert session.step().hash == other.step().hash


def test_an_edited_take_and_one_that_begins_in_mid_play_are_shown_as_they_replay(model):
    session = Session(model)
    play(session, 30, SEVERAL)
    kept = session.keep(8)
    edited = insert(kept, kept.header.start + 4, Prompt("autumn"))
    for take in (kept, edited):
        live = leave_live(session)
        show_take(session, take)
        assert [session.step().hash for _ in range(take.length)] == [frame.hash for frame in replay(take, model)]
        go_live(session, live)
        assert session.engine.frame == 30


def test_pauses_of_a_take_do_not_stop_it_and_a_live_picture_that_stood_still_does_again(model):
    take = recorded(model, 6, [(3, Prompt("winter"))])
    take = Score(take.header, [*take.events, Event(5, Pause())])
    session = Session(model)
    play(session, 3)
    session.send(Pause())
    assert session.step() is None
    live = leave_live(session)
    show_take(session, take)
    assert [session.step() is not None for _ in range(8)] == [True] * 8
    go_live(session, live)
    assert session.step() is None


def test_what_was_played_is_not_lost_however_much_is_done_meanwhile(model):
    take = recorded(model)
    session, other = Session(model), Session(model)
    play(session, 9, SEVERAL)
    play(other, 9, SEVERAL)
    live = leave_live(session)
    show_take(session, take)
    for number in range(MOST_BRANCHES + 1):
        session.step()
        session.send(drag(number / 10))
        session.step()
        session.rewind(session.engine.frame - 1)
    go_live(session, live)
    assert play(session, 4) == play(other, 4)


def test_a_take_of_another_model_is_not_shown(model):
    class Other(TinyModel):
        name, weights_id = "other", "ba9876543210"

    take = recorded(Other())
    session = Session(model)
    play(session, 3)
    with pytest.raises(ValueError, match="the snapshot is of other"):
        show_take(session, take)
    live = leave_live(session)
    session.hand_over(Other())
    with pytest.raises(ValueError, match="the snapshot is of tiny"):
        go_live(session, live)
