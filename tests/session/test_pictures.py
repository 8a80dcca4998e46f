"""Pictures sent to a session: kept in its take, skipped where they are alike, refused where they cannot be read."""

import pytest
from tiny.pictures import flat, noisy

from session.playing import CAMERA, pictures_of, play, replayed
from studio.controls import ControlError, Picture, Prompt, Sampling, Similarity
from studio.score import Event, Score, ScoreError, replay
from studio.session import Session


def test_a_recorded_take_with_pictures_replays_bit_for_bit_from_its_file(still, tmp_path):
    session = Session(still)
    play(session, 3, CAMERA)
    session.record(tmp_path / "take.jsonl")
    made = play(session, 17, CAMERA)
    score = session.stop_recording()
    assert len(pictures_of(score)) == 4
    assert Score.read(tmp_path / "take.jsonl") == score
    assert replayed(Score.read(tmp_path / "take.jsonl"), still) == made


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_frames_that_were_skipped_are_skipped_again_in_the_replay(still, sampler):
    session = Session(still, sampler=sampler)
    session.record()
    frames = []
    for number in range(25):
        for frame, control in CAMERA:
            if frame == number:
                session.send(control)
        frames.append(session.step())
    again = list(replay(session.stop_recording(), still))
    assert [frame.hash for frame in again] == [frame.hash for frame in frames]
    assert [frame.skipped for frame in again] == [frame.skipped for frame in frames]
    assert {frame.skipped for frame in frames} == {True, False}


def test_a_session_that_is_not_recording_keeps_only_the_newest_picture(still):
    session = Session(still)
    play(session, 20, CAMERA)
    assert pictures_of(session.score) == [Picture(noisy(4))]
    assert [event.control for event in session.score.events if isinstance(event.control, Prompt)][-1].text == "winter"
    session.record()
    play(session, 3, [(20, Picture(noisy(5))), (21, Picture(noisy(6)))])
    assert pictures_of(session.stop_recording()) == [Picture(noisy(number)) for number in (4, 5, 6)]
    assert pictures_of(session.score) == [Picture(noisy(6))]


def test_a_branch_of_a_stream_of_pictures_goes_on_bit_for_bit(still):
    session = Session(still)
    play(session, 6, CAMERA)
    state = session.snapshot()
    left = play(session, 12, CAMERA)
    session.restore(state)
    assert play(session, 12, CAMERA) == left
    other = Session(still)
    other.restore(state)
    assert play(other, 12, CAMERA) == left


def test_a_picture_that_cannot_be_decoded_is_told_to_the_sender_and_the_stream_keeps_the_one_it_had(still):
    session, other = Session(still), Session(still)
    for one in (session, other):
        one.send(Picture(flat(80)))
        one.step()
    with pytest.raises(ControlError, match="cannot be decoded"):
        session.send(Picture(flat(200)[:50]))
    assert play(session, 3) == play(other, 3)


def test_how_many_frames_were_skipped_lately_is_told(still):
    session = Session(still)
    assert session.stats["skip_rate"] == 0
    session.send(Similarity(0.1, most=1000))
    session.send(Sampling(steps=1))
    play(session, 4)
    assert session.stats["skip_rate"] == 0.75
    drawn = session.stats["tick_ms"]
    play(session, 40)
    assert session.stats["skip_rate"] == 1
    assert session.stats["tick_ms"] == drawn


def test_a_take_whose_picture_was_damaged_says_at_which_frame(still):
    session = Session(still)
    session.record()
    play(session, 6, [(3, Picture(flat(80)))])
    score = session.stop_recording()
    score.events[-1] = Event(3, Picture(flat(80)[:50]))
    frames = replay(score, still)
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ScoreError, match=r"cannot be played at frame 3: .*cannot be decoded.*take out its line"):
        next(frames)


def test_a_branch_is_told_its_own_negative_prompt_and_not_what_the_other_was_told(still):
    session = Session(still)
    play(session, 10, [(0, Sampling(0, "full", 1.5, 4)), (0, Prompt("winter", "a blur"))])
    state = session.snapshot()
    shown = play(session, 8)
    session.restore(state)
    play(session, 2, [(10, Prompt("winter", "a crowd of people"))])
    session.restore(state)
    assert play(session, 8) == shown
