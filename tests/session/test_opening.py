"""Takes that are opened again in a session, and lines that another process goes on from."""

from dataclasses import replace

import pytest
import safetensors.torch as safetensors

from session.playing import CAMERA, SEVERAL, drag, play, replayed
from studio.controls import Lora, Pause, Prompt, strokes
from studio.presets import Preset
from studio.score import Digest, Event, Score
from studio.score.snapshot import metadata
from studio.session import Session


def recorded(session, frames=18, events=SEVERAL):
    session.record()
    shown = play(session, frames, events)
    return session.stop_recording(), shown


def line_score(session, start=None):
    """A line as its file holds it: (score, frames)."""
    line = session.played_since(start)
    digest = Digest()
    for hash in line.hashes:
        digest.add_hash(hash)
    score = Score(replace(line.header, digest=str(digest)), [*line.opening, *line.events], line.snapshot())
    return Score.parse(score.text), len(line.hashes)


# Takes


@pytest.mark.parametrize("sampler", ["stream", "rollout", "rolling"])
def test_a_take_that_is_opened_plays_as_it_was_recorded(model, sampler):
    score, shown = recorded(Session(model, sampler=sampler))
    other = Session(model)
    play(other, 5, [(0, Prompt("something else"))])
    assert other.open_take(Score.parse(score.text)) == []
    assert play(other, len(shown)) == shown
    assert other.engine.sampler_name == sampler


def test_so_does_one_with_a_cameras_pictures(still):
    score, shown = recorded(Session(still), events=CAMERA)
    other = Session(still)
    assert other.open_take(Score.parse(score.text)) == []
    assert play(other, len(shown)) == shown


def test_one_that_was_kept_begins_in_mid_play(model):
    session = Session(model)
    shown = play(session, 40, SEVERAL)
    score = session.keep(16)
    assert score.snapshot
    other = Session(model)
    assert other.open_take(Score.parse(score.text)) == []
    assert play(other, score.length) == shown[-score.length :]
    assert other.engine.frame == 40


def test_what_was_played_is_a_branch_and_what_is_played_on_can_be_gone_back_in(model):
    score, shown = recorded(Session(model))
    session = Session(model)
    before = play(session, 9, [(3, Prompt("a lake"))])
    session.open_take(score)
    play(session, 12)
    (branch,) = session.history.branches
    assert branch.words == "a lake"
    session.rewind(5)
    assert play(session, 5) == shown[5:10]
    session.go_to(branch.name)
    session.rewind(4)
    assert play(session, 5) == before[4:9]


def test_a_person_takes_over_a_slot_and_only_that(model):
    score, shown = recorded(Session(model), events=[(4, Prompt("winter")), (4, drag(0.2)), (9, Prompt("spring"))])
    session = Session(model)
    session.send(Prompt("set long before"))
    session.open_take(score)
    assert play(session, 6) == shown[:6]
    play(session, 6, [(7, Prompt("mine"))])
    assert session.engine.state[Prompt].text == "mine"
    assert strokes(session.engine.state).keys() == {"a"}


def test_a_paused_session_plays_it(model):
    score, shown = recorded(Session(model))
    session = Session(model)
    play(session, 2)
    session.send(Pause(True))
    assert session.step() is None
    session.open_take(score)
    assert play(session, 4) == shown[:4]


def test_what_cannot_be_played_here_is_left_out_and_said(model):
    score, _ = recorded(Session(model))
    strange = replace(score, events=[*score.events, Event(17, Lora("missing", 1.0))])
    (said,) = Session(model).open_take(strange)
    assert "left out: lora" in said
    for other, words in (
        ({"model": "wan-of-another"}, "was played on wan-of-another and plays on"),
        ({"weights": "0123"}, "other weights (0123"),
        ({"width": 8}, "it was 8x"),
        ({"sampler": "new"}, "its sampler 'new' is not one of this model's"),
    ):
        session = Session(model)
        remarks = session.open_take(Score(replace(score.header, **other), score.events))
        assert words in remarks[0], other
        assert play(session, 3)


@pytest.mark.parametrize("hurt", [b"nonsense", None])
def test_a_snapshot_that_cannot_be_played_is_said_and_the_take_begins_clean(model, hurt):
    session = Session(model)
    play(session, 40, SEVERAL)
    score = session.keep(16)
    if hurt is None:  # whole, of other shapes
        tensors = {name: one[..., :1].contiguous() for name, one in safetensors.load(score.snapshot).items()}
        hurt = safetensors.save(tensors, metadata(score.snapshot))
    other = Session(model)
    (said,) = other.open_take(replace(score, snapshot=hurt))
    assert "begins clean" in said
    assert len(play(other, 5)) == 5


# Lines


@pytest.mark.parametrize("sampler", ["stream", "rollout", "rolling"])
@pytest.mark.parametrize("frames", [3, 29])
def test_a_line_goes_on_in_another_session_bit_for_bit(model, sampler, frames):
    session, other = Session(model, sampler=sampler), Session(model, sampler=sampler)
    play(session, frames, SEVERAL)
    other.resume(*line_score(session))
    assert other.engine.frame == frames
    shown = play(session, 9, [(frames + 2, Prompt("later"))])
    assert play(other, 9, [(frames + 2, Prompt("later"))]) == shown
    assert other.rewind(frames + 1)
    assert play(other, 8, [(frames + 2, Prompt("later"))]) == shown[1:]
    assert replayed(other.keep(4), model)[-4:] == shown[-4:]


def test_a_line_since_an_earlier_checkpoint_is_the_same_line(model):
    session, other = Session(model), Session(model)
    play(session, 20, SEVERAL)
    start = session.played_since().start
    play(session, 30, [(25, Prompt("autumn"))])
    line = session.played_since(start)
    assert line.start is start
    assert len(line.hashes) > 30
    other.resume(*line_score(session, start))
    assert play(other, 5) == play(session, 5)


def test_what_waits_and_what_a_preset_has_to_come_go_on_too(model):
    session, other = Session(model), Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("winter")), Event(12, Prompt("spring")), Event(14, drag(0.2)))))
    play(session, 10)
    session.send(Pause(True))
    assert session.step() is None
    session.send(drag(0.7, "b"))
    line = session.played_since()
    other.resume(*line_score(session), line.scheduled, line.waiting)
    assert other.engine.frame == 10
    assert other.step() is None, "it was paused"
    for one in (session, other):
        one.send(Pause(False))
    assert play(other, 9) == play(session, 9)
    assert strokes(other.engine.state).keys() == {"a", "b"}


def test_a_line_of_another_model_is_refused(model):
    session = Session(model)
    play(session, 3)
    score, frames = line_score(session)
    with pytest.raises(ValueError, match="other"):
        Session(model).resume(Score(replace(score.header, model="other"), score.events), frames)
