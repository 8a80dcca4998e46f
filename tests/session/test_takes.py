"""What a session has played: scores, recordings, snapshots and branches, each replayed bit for bit."""

import errno

import pytest

from session.playing import SEVERAL, drag, play, replayed
from studio.controls import Erase, Pause, Prompt, Sampling, strokes
from studio.presets import Preset
from studio.score import Event, Score
from studio.session import Session


def test_the_score_of_a_session_replays_bit_for_bit(model):
    session = Session(model)
    made = play(session, 15, SEVERAL)
    assert session.score.length == 15
    assert replayed(session.score, model) == made


def test_a_score_that_was_written_and_read_replays_bit_for_bit(model, tmp_path):
    session = Session(model, sampler="rollout")
    made = play(session, 15, SEVERAL)
    assert replayed(Score.read(session.score.write(tmp_path / "take.jsonl")), model) == made


def test_a_take_begins_where_the_session_is_and_replays_from_its_own_first_frame(model, tmp_path):
    session = Session(model)
    # Under way when the take begins: a path, two drags that have turned, two strokes in another order than painted.
    play(session, 13, [*SEVERAL[:4], (10, drag(0.6, "c")), (11, drag(0.4, "c")), (12, drag(0.41, "b"))])
    assert session.record(tmp_path / "take.jsonl") == 13
    made = play(session, 14, [(15, Prompt("spring")), (16, drag(0.7, "c")), (17, Erase("*"))])
    score = session.stop_recording()
    assert (score.header.start, score.header.frames) == (13, 14)
    assert Score.read(tmp_path / "take.jsonl") == score
    assert replayed(score, model) == made


def test_pausing_while_recording_changes_no_frame_of_the_replay(model):
    session = Session(model)
    session.record()
    made = play(session, 3)
    session.send(Pause())
    assert session.step() is None
    session.send(Pause(False))
    made += play(session, 3, [(3, Prompt("winter"))])
    assert replayed(session.stop_recording(), model) == made


def test_a_recording_that_was_cut_off_is_all_on_disk(model, tmp_path):
    session = Session(model)
    session.record(tmp_path / "take.jsonl")
    made = play(session, 12, SEVERAL)
    # No stop_recording: the process died here.
    assert replayed(Score.read(tmp_path / "take.jsonl"), model) == made[:12]


def test_a_full_disk_while_recording_stops_neither_the_session_nor_the_take(model, tmp_path, monkeypatch, caplog):
    session = Session(model)
    session.record(tmp_path / "take.jsonl")
    made = play(session, 3)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("studio.score.ScoreWriter._append", full)
    made += play(session, 12, [(frame + 3, control) for frame, control in SEVERAL])
    assert "No space left on device" in session.stats["problem"]
    assert len(caplog.records) == 1
    score = session.stop_recording()
    assert replayed(score, model) == made
    assert Score.read(tmp_path / "take.jsonl") == score


def test_stopping_a_recording_that_was_not_begun_is_told(model):
    with pytest.raises(RuntimeError, match=r"nothing is being recorded; call record\(\) first"):
        Session(model).stop_recording()


def test_closing_finishes_what_is_being_recorded(model, tmp_path):
    with Session(model) as session:
        session.record(tmp_path / "take.jsonl")
        play(session, 3)
    assert Score.read(tmp_path / "take.jsonl").header.frames == 3


def test_a_reset_goes_back_to_frame_0_with_the_controls_and_another_seed(model):
    session = Session(model)
    play(session, 12, SEVERAL)
    session.send(Prompt("spring"))
    session.reset(seed=9)
    made = play(session, 6)
    assert session.engine.state[Prompt].text == "spring"
    assert session.engine.state[Sampling] == Sampling(9, "self", 1.5, 3)
    assert session.score.header.start == 0
    assert replayed(session.score, model) == made
    session.reset()
    assert play(session, 6) == made


def test_from_a_snapshot_the_session_goes_on_and_its_score_is_that_of_the_branch(model):
    session = Session(model)
    play(session, 6, SEVERAL)
    state = session.snapshot()
    left = play(session, 9, SEVERAL)
    session.restore(state)
    assert play(session, 9, SEVERAL) == left
    session.restore(state)
    right = play(session, 5, [(7, Prompt("autumn"))])
    assert right != left[:5]
    assert replayed(session.score, model)[6:] == right


def test_a_branch_has_the_controls_that_its_preset_had_still_to_play(model):
    """What `restore` forgets, nobody sends again: the later controls of a preset come at their frames."""
    session = Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("winter")), Event(4, Prompt("spring")), Event(6, drag(0.2, "new")))))
    play(session, 2)
    state = session.snapshot()
    left = play(session, 8)
    assert session.engine.state[Prompt].text == "spring"
    session.restore(state)
    assert session.engine.state[Prompt].text == "winter"
    assert play(session, 8) == left
    assert list(strokes(session.engine.state)) == ["new"]
    other = Session(model)
    other.restore(state)
    assert play(other, 8) == left
    assert [event.frame for event in other.score.events if event.frame] == [4, 6]


def test_a_snapshot_of_another_model_is_refused(model, still):
    state = Session(model).snapshot()
    with pytest.raises(ValueError, match="the snapshot is of tiny; hand over to it, then restore"):
        Session(still).restore(state)


def test_the_digest_is_that_of_the_frames_it_was_made_of_and_goes_when_more_are_played(model):
    session = Session(model)
    session.record()
    play(session, 3)
    assert session.stop_recording().header.digest
    play(session, 2)
    assert (session.score.header.frames, session.score.header.digest) == (5, "")
