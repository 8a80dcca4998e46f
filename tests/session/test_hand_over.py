"""A session that is handed over to another model."""

from dataclasses import replace

import pytest

from session.playing import SEVERAL, drag, play, replayed
from studio.controls import ControlError, Pause, Prompt, Sampling, strokes
from studio.outputs.latest import Latest
from studio.presets import Preset
from studio.score import Event, Score
from studio.session import Session


def test_a_session_goes_on_with_another_model_under_what_that_takes(model, still):
    session = Session(model)
    play(session, 7, SEVERAL)
    still.capabilities = replace(still.capabilities, refuses={"stroke": "it draws from words"})
    session.send(Prompt("autumn"))
    session.send(drag(0.5, "late"))
    refused = session.hand_over(still)
    assert refused == {"stroke": "still takes no stroke: it draws from words"}
    frame = session.step()
    assert (frame.index, frame.picture.shape) == (7, (64, 64, 3))
    assert session.model is still
    assert session.engine.state[Prompt].text == "autumn"
    assert session.engine.state[Sampling].steps == 3
    assert not strokes(session.engine.state)
    assert session.receipts[-1].frame == 7
    with pytest.raises(ControlError, match="it draws from words"):
        session.send(drag(0.5))


def test_after_a_hand_over_a_new_take_begins_that_replays_on_the_new_model(model, still, tmp_path):
    session = Session(model)
    session.record(tmp_path / "first.jsonl")
    first = play(session, 5, SEVERAL)
    revision = session.send(Prompt("winter"))
    session.hand_over(still)
    assert not session.recording
    assert replayed(Score.read(tmp_path / "first.jsonl"), model) == first
    made = [session.step()]
    assert made[0].revision == revision
    made += [session.step() for _ in range(4)]
    assert session.score.header.model == "still"
    assert (session.score.header.start, session.score.header.frames) == (5, 5)
    assert replayed(session.score, still) == [frame.hash for frame in made]
    session.hand_over(model)
    assert session.step().index == 10


def test_a_model_that_cannot_play_leaves_the_session_as_it_was(model, still):
    session, other = Session(model), Session(model)
    play(session, 3), play(other, 3)

    def broken(text, loras=None):
        raise RuntimeError("no text encoder")

    still.prepare = broken
    with pytest.raises(RuntimeError, match="no text encoder"):
        session.hand_over(still)
    assert session.model is model
    assert play(session, 3) == play(other, 3)


def test_a_preset_that_is_playing_goes_on_with_what_the_new_model_takes(model, still):
    still.capabilities = replace(still.capabilities, refuses={"stroke": "it draws from words"})
    session = Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("winter")), Event(3, Prompt("spring")), Event(3, drag(0.2)))))
    play(session, 1)
    session.hand_over(still)
    play(session, 4)
    assert session.engine.state[Prompt].text == "spring"
    assert not strokes(session.engine.state)


def test_what_is_sent_while_a_session_is_handed_over_is_checked_for_the_model_that_plays_it(model, still):
    still.capabilities = replace(still.capabilities, refuses={"stroke": "it draws from words"})
    session = Session(model)
    check = session.engine.check

    def late(control):
        """The hand-over comes between the check and the inbox."""
        check(control)
        session.hand_over(still)

    session.engine.check = late
    with pytest.raises(ControlError, match="still takes no stroke"):
        session.send(drag(0.5))
    session.step()
    assert not strokes(session.engine.state)


def test_a_paused_session_stays_paused_with_another_model(model, still):
    session = Session(model)
    play(session, 2)
    session.send(Pause())
    assert session.step() is None
    session.hand_over(still)
    assert session.step() is None
    session.send(Pause(False))
    assert session.step().index == 2


def test_a_running_session_is_handed_over_between_two_frames(model, still):
    session, latest = Session(model), Latest()
    session.outputs.append(latest)
    session.start()
    serial, frame = latest.read(0, timeout=60)
    session.hand_over(still)
    while frame.picture.shape != (64, 64, 3):
        index = frame.index
        serial, frame = latest.read(serial, timeout=60)
        assert frame.index > index
    session.stop()


def test_another_model_is_played_by_its_own_sampler_with_its_own_steps_unless_a_person_chose_others(model, still):
    still.capabilities = replace(still.capabilities, sampler="rollout", steps=4)
    session = Session(model)
    session.hand_over(still)
    assert (session.engine.sampler_name, session.engine.state[Sampling].steps) == ("rollout", 4)
    session.send(Sampling(steps=3))
    session.hand_over(model)
    assert (session.engine.sampler_name, session.engine.state[Sampling].steps) == ("stream", 3)
    session.step()
