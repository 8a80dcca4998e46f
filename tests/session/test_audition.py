"""An audition: the programme never notices it, and what it shows is what the programme would, and will once taken."""

import logging
from dataclasses import replace

import golden
import pytest
from test_chunked import Chunked
from tiny.pictures import PictureModel

from session.playing import CAMERA, SEVERAL, drag, play, replayed
from studio.controls import ControlError, Erase, Lora, Pause, Prompt, Sampling, Sink, Stroke, strokes
from studio.hub.fit import NotEnoughMemory
from studio.hub.machine import Machine
from studio.session import Session, audition
from studio.session.history import bytes_of
from studio.trajectory import placements

LAKE = Prompt("a lake")
PATH = Stroke("p", "fox", ((0, 0.0, 0.5), (40, 1.0, 0.5)), "path")


class Kept(list):
    """An output that keeps every frame."""

    put = list.append

    def close(self):
        pass


def shown(session, frames, events=()):
    """Play, and give the audition's frames as hashes of their own."""
    return play(session, frames, events), [frame.hash for frame in session.auditioning.output]


@pytest.fixture(scope="module")
def wan(tmp_path_factory):
    return golden.wan(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    return golden.camera(tmp_path_factory.mktemp("camera"))


@pytest.fixture
def kind(request, model):
    """(model, what is played on it)."""
    words = [(0, Sampling(3, steps=3)), (9, Prompt("winter", blend=5)), (17, Sampling(4, steps=2))]
    match request.param:
        case "tiny":
            return model, SEVERAL
        case "pictures":
            return PictureModel(), CAMERA
        case "chunked":
            return Chunked(), words
        case "wan":
            return request.getfixturevalue("wan"), words
        case "sd":
            return request.getfixturevalue("camera"), [*CAMERA, (5, Lora("glow", 0.5))]


KINDS = pytest.mark.parametrize("kind", ["tiny", "pictures", "chunked", "wan", "sd"], indirect=True)


def candidates(model):
    loras = [Lora(name, 0.8) for name in model.capabilities.loras]
    return [LAKE, Sampling(77), *loras]


@KINDS
def test_the_programme_is_the_same_bit_for_bit(kind):
    model, events = kind
    alone, beside = Session(model), Session(model)
    straight = play(alone, 24, events)
    seen = play(beside, 5, events)
    one = beside.audition(*candidates(model), output=(kept := Kept()))
    seen += play(beside, 10, events)
    two = beside.audition(replace(LAKE, switch="cut"))
    assert two._engine is one._engine  # no memory is taken twice
    seen += play(beside, 6, events)
    beside.drop_audition()
    seen += play(beside, 3, events)
    assert seen == straight
    assert one.newest is kept[-1]
    assert kept[-1].hash not in straight
    assert beside.score == alone.score
    assert [one.frame for one in beside.history.stretches] == [one.frame for one in alone.history.stretches]
    assert len(beside.receipts) == len(alone.receipts)


@pytest.mark.parametrize("kind", ["tiny", "pictures"], indirect=True)
def test_of_what_is_in_force_it_shows_the_programme_itself(kind):
    model, events = kind
    session = Session(model)
    play(session, 3, events)
    session.audition(session.engine.state[Prompt], every=1, output=Kept())
    changes = [one for one in events if not isinstance(one[1], Prompt)]  # of other slots
    assert len(set(one := shown(session, 20, changes)[0])) == 20
    assert [frame.hash for frame in session.auditioning.output] == one


@KINDS
def test_once_taken_the_programme_shows_what_the_audition_did(kind):
    model, events = kind
    session = Session(model)
    play(session, 8, events)
    session.send(Pause())
    session.step()
    ahead = session.engine.ahead
    session.audition(replace(LAKE, blend=3), *candidates(model)[1:], output=Kept())
    if "stroke" not in model.capabilities.refuses:
        session.audition(replace(LAKE, blend=3), Sampling(77), PATH, output=Kept())
    for _ in range(8):
        assert session.step() is None
    seen = [frame.hash for frame in session.auditioning.output]
    session.take_audition()
    session.send(Pause(False))
    assert play(session, ahead + 8)[ahead:] == seen
    assert session.auditioning is None
    assert replayed(session.score, model)[8 + ahead :] == seen


def test_a_quarter_of_the_frames_and_what_moves_is_where_it_is_in_the_programme(model):
    session = Session(model)
    session.send(PATH)
    play(session, 6)
    session.audition(LAKE, output=(kept := Kept()))
    session.send(drag(0.9, "q"))
    for _ in range(40):
        made, before = session.step(), len(kept)
        assert len(kept) == before
        one = session.auditioning._engine
        if len(kept) and (made.index - 6) % 4 == 0:
            there = placements(strokes(one.state), one.frame - 1)
            assert there == placements(strokes(session.engine.state), made.index)
    assert [frame.index for frame in kept] == list(range(6, 16))
    assert session.auditioning._engine.state[Prompt] == LAKE


def test_a_chunk_in_as_many_chunks_and_never_while_pictures_of_the_programmes_wait():
    session = Session(Chunked())
    play(session, 3)
    session.audition(LAKE, output=(kept := Kept()))
    one, drawn = session.auditioning._engine, []
    one._draw = lambda draw=one._draw: drawn.append(session.engine.ahead) or draw()
    for _ in range(144):
        session.step()
    assert abs(len(kept) - 36) <= 2
    assert drawn == [0] * len(drawn)
    assert abs(len(drawn) - 36 / 12) <= 1


def test_what_is_taken_is_set_at_one_frame_and_leaves_a_dial_that_was_turned_since(model):
    session = Session(model)
    play(session, 4)
    session.audition(Sampling(9), LAKE)
    session.send(Sampling(0, "self", 1.5, 3))
    made = play(session, 4)
    assert session.auditioning._engine.state[Sampling] == Sampling(9, "self", 1.5, 3)
    session.take_audition()
    made += play(session, 3)
    assert session.engine.state[Sampling] == Sampling(9, "self", 1.5, 3)
    assert [event for event in session.score.events if event.frame == 8] == [
        event for event in session.score.events if event.control in (LAKE, Sampling(9, "self", 1.5, 3))
    ]
    assert replayed(session.score, model)[4:] == made
    with pytest.raises(RuntimeError, match=r"nothing is auditioned; call audition\(\) with a control first"):
        session.take_audition()


def test_a_seed_of_minus_1_is_drawn_once(model):
    session = Session(model)
    session.audition(one := Sampling(-1))
    session.take_audition()
    session.step()
    assert session.engine.state[Sampling].seed == one.seed


def test_a_subject_that_is_taken_away_stays_so(model):
    session = Session(model)
    session.send(drag(0.2))
    play(session, 2)
    session.audition(Erase("*"))
    session.send(drag(0.4, "b"))
    play(session, 5)
    assert not strokes(session.auditioning._engine.state)
    assert len(strokes(session.engine.state)) == 2


@pytest.mark.parametrize("way", ["rewind", "branch", "reset", "record", "restore"])
def test_where_the_programme_goes_it_begins_again(model, way):
    session, never = Session(model), Session(model)
    for one in (session, never):
        play(one, 20, SEVERAL)
        snapshot = one.snapshot()
        play(one, 4)
        left = one.rewind(16)
        play(one, 4)
        if one is session:
            one.audition(LAKE, output=Kept())
            play(one, 6)
        else:
            play(one, 6)
        match way:
            case "rewind":
                one.rewind(13)
            case "branch":
                one.go_to(left.name)
            case "reset":
                one.reset()
            case "record":
                one.record()
            case "restore":
                one.restore(snapshot)
    session.auditioning.output.clear()
    begun = session.engine.frame
    made, other = play(session, 9), play(never, 9)
    assert made == other
    assert [frame.index for frame in session.auditioning.output] == [begun + 1, begun + 2]
    if way == "record":
        score = session.stop_recording()
        assert replayed(score, model) == made
        assert not any(event.control == LAKE for event in score.events)


def test_it_ends_where_another_model_plays(model, still):
    session = Session(model)
    one = session.audition(LAKE)
    play(session, 2)
    session.hand_over(still)
    assert session.auditioning is None
    assert one.ended == "still plays now, so the audition on the model before has ended."
    session.step()


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        ((), "an audition is of 1 to 16 controls, such as Prompt or Sampling, got 0"),
        ((LAKE,) * 17, "got 17"),
        (("a lake",), "an audition is of controls such as Prompt or Sampling, got 'a lake'"),
        ((Pause(),), "a pause changes no picture"),
        ((LAKE, Lora("ink")), "LoRA is 'ink'; tiny was opened with: none"),
    ],
)
def test_what_cannot_be_tried_is_said_and_the_one_before_goes_on(model, controls, words):
    session = Session(model)
    one = session.audition(LAKE)
    with pytest.raises(ControlError, match=words.replace("(", r"\(")):
        session.audition(*controls)
    with pytest.raises(ControlError, match="every is 0"):
        session.audition(LAKE, every=0)
    play(session, 4)
    assert session.auditioning is one


@pytest.mark.parametrize("kind", ["tiny", "pictures", "chunked", "wan"], indirect=True)
def test_what_it_holds_is_no_more_than_was_computed(kind, monkeypatch):
    model, events = kind
    session = Session(model)
    play(session, 30, events)
    said = "an audition of .* needs .* beside the programme, and 1 MB are free in memory; set it without"
    monkeypatch.setattr(audition, "this_machine", lambda: Machine(None, 0, 1))
    with pytest.raises(NotEnoughMemory, match=said):
        session.audition(LAKE)
    need = audition.memory_need(session.engine)
    monkeypatch.setattr(audition, "this_machine", lambda: Machine(None, 0, need))
    engine = session.audition(LAKE)._engine
    play(session, 24)
    assert 0 < bytes_of(engine.snapshot()) <= need


def test_one_that_fails_ends_and_the_programme_plays_on(model, caplog):
    session, alone = Session(model), Session(model)
    one = session.audition(LAKE)

    def out_of_memory():
        raise RuntimeError("CUDA out of memory")

    one._engine.step = out_of_memory
    with caplog.at_level(logging.CRITICAL):
        assert play(session, 6) == play(alone, 6)
    assert session.auditioning is None
    assert "the programme plays on. It said: 'CUDA out of memory'" in one.ended


def test_on_a_thread_it_goes_along_paused_too(model):
    with Session(model) as session:
        session.start()
        one = session.audition(Sink("renew", 1))
        wait_for(lambda: one.newest)
        session.send(Pause())
        wait_for(lambda: session.engine.state[Pause].paused)
        frame = one.newest.index
        wait_for(lambda: one.newest.index > frame + 1)


def wait_for(condition):
    import time

    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
