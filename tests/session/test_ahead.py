"""Controls that wait for their frame, and what is told of how prompts came in."""

import pytest

from session.playing import drag, play, replayed
from studio.controls import ControlError, Pause, Prompt
from studio.presets import Preset
from studio.score import Event
from studio.session import Session
from studio.session.history import prompts


def came_in(session):
    _, *later = (event for event in session.score.events if isinstance(event.control, Prompt))
    return [(event.frame, event.control.text) for event in later]


def test_what_waits_takes_effect_in_its_frame_and_replays(model, tmp_path):
    session, plain = Session(model), Session(model)
    for one in (session, plain):
        one.record(tmp_path / "take.jsonl")
    session.send_at(Prompt("winter"), 9)
    assert session.ahead == (Event(9, Prompt("winter")),)
    shown = play(session, 14)
    assert shown == play(plain, 14, [(9, Prompt("winter"))])
    assert session.ahead == ()
    assert replayed(session.stop_recording(), model) == shown


def test_what_comes_too_late_takes_effect_at_once(model):
    session = Session(model)
    play(session, 5)
    session.send_at(Prompt("winter"), 2)
    play(session, 1)
    assert came_in(session)[-1] == (5, "winter")


def test_one_waits_in_a_slot_and_what_is_sent_meanwhile_takes_its_place(model):
    session = Session(model)
    session.send(Prompt("fog"))  # before it, in the same frame: what waits is not taken for older
    session.send_at(Prompt("winter"), 4)
    session.send_at(Prompt("spring"), 3)
    session.send_at(drag(0.4), 3)
    play(session, 5)
    assert came_in(session) == [(0, "fog"), (3, "spring")]
    session.send_at(Prompt("winter"), 8)
    play(session, 1, [(5, Prompt("rain"))])
    play(session, 4)
    assert came_in(session)[-1] == (5, "rain")


def test_a_preset_is_not_in_the_way_and_what_waits_is_called_off(model):
    session = Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("fog")), Event(2, Prompt("rain")), Event(4, Prompt("sun")))))
    play(session, 1)
    session.send_at(Prompt("winter"), 3)
    play(session, 6)
    assert came_in(session) == [(0, "fog"), (3, "winter")]
    session.send_at(Prompt("spring"), 9)
    assert session.call_off(Prompt.kind)
    assert not session.call_off(Prompt.kind)
    play(session, 6)
    assert came_in(session)[-1] == (3, "winter")


def test_while_it_is_paused_nothing_falls_due(model):
    session = Session(model)
    session.send_at(Prompt("winter"), 1)
    session.send(Pause(True))
    assert [session.step() for _ in range(3)] == [None] * 3
    assert session.ahead
    session.send(Pause(False))
    play(session, 2)
    assert came_in(session)[-1] == (1, "winter")


def test_going_back_finds_what_was_waiting_then(model):
    session = Session(model)
    play(session, 8)
    session.send_at(Prompt("winter"), 12)
    shown = play(session, 12)
    session.rewind(10)
    assert session.ahead == (Event(12, Prompt("winter")),)
    assert play(session, 10) == shown[2:]


@pytest.mark.parametrize("frame", [-1, 2.5, 10**9, "soon", None])
def test_a_frame_that_cannot_be_waited_for_is_refused(model, frame):
    with pytest.raises(ControlError, match="frame to wait for"):
        Session(model).send_at(Prompt("winter"), frame)


def test_words_that_nobody_can_play_are_refused_when_they_are_set(model):
    with pytest.raises(ControlError, match="controls such as"):
        Session(model).send_at("winter", 9)


def test_how_each_prompt_came_in_is_told_and_moves_of_a_mix_are_one(model):
    session = Session(model)
    moves = [(5 + n, Prompt("fog", weight=4 - n, mix=(("rain", n),))) for n in range(5)]
    styles = [(2, Prompt("sun", switch="cut")), (3, Prompt("fog", switch="keep"))]
    later = [(12, Prompt("snow", blend=6)), (19, Prompt("ice"))]
    play(session, 21, [(1, Prompt("sea")), *styles, *moves, *later])
    assert prompts(session.history.stretches) == [
        (1, "sea", "recache", 0),
        (2, "sun", "cut", 0),
        (3, "fog", "keep", 0),
        (5, "rain", "blend", 4),
        (12, "snow", "blend", 6),
        (19, "ice", "recache", 0),
    ]
