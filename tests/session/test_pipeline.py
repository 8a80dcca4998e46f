"""A frame's picture is made while the next frame is begun: the same frames, the same takes, the same ways back."""

import random
import threading
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tiny.model import TinyDecoder, TinyModel

from session.playing import Each, drag, play
from studio.controls import Pause, Prompt, Sampling, Stroke
from studio.engine import NOT_FINITE
from studio.hub.machine import usable_cores
from studio.models.base import Capabilities
from studio.models.errors import NotFinite
from studio.presets import Preset
from studio.score import Event, replay
from studio.session import Session
from studio.session.pipeline import LOOKS, RESTS, Gain, overlaps
from studio.session.playout import Playout

WAIT = 60


class Remembering(TinyDecoder):
    """A decoder with a state: each of its pictures is a little brighter than the one before."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def decode(self, latents, inputs=None):
        pictures = [picture // 2 + np.uint8(self.count % 100) for picture in super().decode(latents)]
        self.count += 1
        return pictures

    def snapshot(self):
        return self.count

    def restore(self, state):
        self.count = state


class Beside(TinyModel):
    """The tiny model, whose pictures may be made beside the next frame, by a decoder that has a state."""

    capabilities = replace(TinyModel.capabilities, decodes_beside=True)

    def __init__(self, decode=None):
        super().__init__()
        self.decode = decode

    def new_decoder(self):
        decoder = Remembering()
        if (made := self.decode) is not None:
            decoder.decode = lambda latents, inputs=None, plain=decoder.decode: made(plain, latents)
        return decoder


class Shown:
    """An output that keeps every frame, and at which a number of them can be waited for."""

    def __init__(self, each=lambda frame: None):
        self.frames, self._each = [], each
        self._more = threading.Condition()

    def put(self, frame):
        self._each(frame)
        with self._more:
            self.frames.append(frame)
            self._more.notify_all()

    def close(self):
        pass

    def wait(self, count):
        with self._more:
            assert self._more.wait_for(lambda: len(self.frames) >= count, WAIT)


def run(session, count, each=lambda frame: None, pipelined=True, fps=None):
    """The frames that a session shows on its thread, so many at least."""
    session.outputs.append(shown := Shown(each))
    session.start(fps, pipelined)
    shown.wait(count)
    session.stop()
    session.outputs.remove(shown)
    return shown.frames


def hashes(frames):
    return [frame.hash for frame in frames]


def some_control(chance, number):
    match chance.randrange(7):
        case 0:
            return Prompt(f"winter {number}", switch=chance.choice(("recache", "keep", "cut")))
        case 1:
            return Prompt(f"summer {number}", blend=chance.randrange(1, 4))
        case 2:
            return Sampling(chance.randrange(9), chance.choice(("none", "self")), 1.5, chance.randrange(1, 4))
        case 3:
            return Stroke("p", "fox", ((0, chance.random(), 0.5), (9, 0.9, chance.random())), "path")
        case _:
            return drag(chance.random(), chance.choice("ab"))


def test_a_long_take_of_a_busy_hand_is_what_its_score_replays():
    """The score is played step by step: the slow definition."""
    chance, session = random.Random(11), Session(Beside())
    session.record()

    def hand(frame):
        if chance.random() < 0.4:
            session.send(some_control(chance, frame.index))

    shown = run(session, 200, hand)
    score = session.stop_recording()
    assert len({event.control.kind for event in score.events}) >= 3
    assert [frame.index for frame in shown] == list(range(score.length))
    assert hashes(replay(score, Beside())) == hashes(shown)
    session.close()


def test_what_is_played_and_what_is_kept_of_it_is_as_step_by_step():
    chance = random.Random(5)
    events = tuple(Event(number, some_control(chance, number)) for number in range(0, 60, 3))
    # From a checkpoint on with a decoder that remembers nothing; the checkpoint is of the one before it.
    events = tuple(sorted((*events, Event(56, Prompt("elsewhere", switch="cut"))), key=lambda event: event.frame))
    # A picture takes so long that the next frame has begun before it is shown.
    step_by_step, beside = Session(Beside()), Session(Beside(lambda plain, latents: time.sleep(0.01) or plain(latents)))
    for session in (step_by_step, beside):
        session.play(Preset("", "", events))
    shown = run(beside, 66)
    assert play(step_by_step, len(shown)) == hashes(shown)
    assert beside.score == step_by_step.score
    for one, other in zip(beside.history.stretches, step_by_step.history.stretches, strict=True):
        assert (one.frame, one.hashes, one.events, one.scheduled) == (
            other.frame,
            other.hashes,
            other.events,
            other.scheduled,
        )
        assert one.start.score == other.start.score
        assert one.start.scheduled == other.start.scheduled
        assert one.start.engine.state == other.start.engine.state
        assert one.start.engine.decoder == other.start.engine.decoder
    assert len(beside.history.stretches) > 4


def test_from_every_checkpoint_it_goes_on_as_it_did_and_knows_the_picture_before():
    session = Session(Beside())
    session.send(Stroke("p", "fox", ((0, 0.1, 0.5), (40, 0.9, 0.5)), "path"))
    shown = run(session, 40)
    starts = [stretch.start.engine for stretch in session.history.stretches[1:]]
    assert starts
    for start in starts:
        assert np.array_equal(start.last_picture, shown[start.frame - 1].picture)
    for frame in (33, 17, 8):
        session.rewind(frame)
        assert play(session, 5) == hashes(shown[frame : frame + 5])


def test_whoever_has_a_turn_finds_it_between_two_frames():
    session = Session(Beside())
    session.outputs.append(shown := Shown())
    session.start(pipelined=True)
    for count in range(4, 24, 4):
        shown.wait(count)
        snapshot = session.snapshot()
        made = shown.frames[snapshot.engine.frame - 1]
        assert np.array_equal(snapshot.engine.last_picture, made.picture)
        assert sum(len(one.hashes) for one in session.line()) >= snapshot.engine.frame
    session.stop()
    assert session.engine.frame == len(shown.frames)


def test_the_next_frame_begins_before_the_picture_is_made():
    forwards, came, beside = [], threading.Condition(), []

    def decode(plain, latents, inputs=None):
        before, session_runs = len(forwards), bool(beside) and session._running
        with came:  # the first picture is made alone, and the last
            beside.append(
                came.wait_for(lambda: len(forwards) > before, 20 if session_runs and all(beside[1:]) else 0.1)
            )
        return plain(latents)

    def noted(rows, *others):
        with came:
            forwards.append(rows.frames)
            came.notify_all()
        return denoise(rows, *others)

    model = Beside(decode)
    denoise, model.denoise = model.denoise, noted
    session = Session(model)
    run(session, 8)
    assert beside[1:7] == [True] * 6


@pytest.mark.parametrize("pipelined", [False, True])
def test_a_picture_that_cannot_be_made_ends_the_thread_and_its_number_comes_again(pipelined, caplog):
    fails = {5}

    def decode(plain, latents, inputs=None):
        if session.engine and len(shown.frames) in fails:
            fails.clear()
            raise MemoryError("no room for a picture")
        return plain(latents)

    session = Session(Beside(decode))
    session.outputs.append(shown := Shown())
    session.start(pipelined=pipelined)
    until = time.monotonic() + WAIT
    while session.running and time.monotonic() < until:
        time.sleep(0.01)
    assert len(shown.frames) == 5
    assert session.stats["error"] == "no room for a picture"
    assert session.engine.frame == 5
    with pytest.raises(MemoryError):
        session.stop()
    session.start(pipelined=pipelined)
    shown.wait(12)
    session.stop()
    assert [frame.index for frame in shown.frames] == list(range(len(shown.frames)))


def test_a_frame_that_cannot_be_begun_loses_none_before_it(caplog):
    model = Beside()
    session = Session(model)
    session.outputs.append(shown := Shown())
    denoise = model.denoise

    def broken(rows, *others):
        if len(rows) == 3 and rows.frames[1] == 9:
            raise ZeroDivisionError("this forward fails")
        return denoise(rows, *others)

    model.denoise = broken
    session.send(drag(0.2))
    session.start(pipelined=True)
    until = time.monotonic() + WAIT
    while session.running and time.monotonic() < until:
        time.sleep(0.01)
    with pytest.raises(ZeroDivisionError):
        session.stop()
    assert [frame.index for frame in shown.frames] == list(range(session.engine.frame))
    assert sum(len(one.hashes) for one in session.history.stretches) == session.engine.frame
    model.denoise = denoise
    kept = session.keep(100)
    assert hashes(replay(kept, Beside())) == hashes(shown.frames)


def test_pictures_that_are_no_numbers_are_told_with_their_frame():
    def decode(plain, latents, inputs=None):
        pictures = plain(latents)
        if len(shown.frames) == 4:
            raise NotFinite(pictures)
        return pictures

    session, problems = Session(Beside(decode)), []
    shown = Shown(lambda frame: problems.append(session.stats["problem"]))
    session.outputs.append(shown)
    session.start(pipelined=True)
    shown.wait(8)
    session.stop()
    assert problems[:8] == [None] * 4 + [NOT_FINITE.format(4)] + [None] * 3


def test_a_pause_stops_it_and_what_is_sent_then_waits():
    session = Session(Beside())
    session.outputs.append(shown := Shown(lambda frame: session.send(Pause()) if frame.index == 6 else None))
    session.start(pipelined=True)
    shown.wait(7)
    time.sleep(0.2)
    made = len(shown.frames)
    assert made <= 8, "at most the one that had begun"
    session.send(Prompt("winter"))
    time.sleep(0.1)
    assert len(shown.frames) == made
    session.send(Pause(False))
    shown.wait(made + 3)
    session.stop()
    assert [event.frame for event in session.score.events if event.control == Prompt("winter")] == [made]


def test_a_rate_is_held_down_and_held():
    begun = time.perf_counter()
    shown = run(Session(Beside()), 20, fps=40)
    assert len(shown) <= 40 * (time.perf_counter() - begun) + 2
    assert all(later.due - sooner.due > 0.024 for sooner, later in pairwise(shown[4:]) if later.due > sooner.due + 0.01)


def test_the_next_begins_so_that_both_pictures_come_in_time():
    playout = Playout(25)
    assert playout.due(100.04, 0.05, 0) == pytest.approx(100.0)
    # Due at 100.04 is the one being made, at 100.08 the next: it begins 1.1 times 0.05 s before.
    assert playout.wait(100.0, begun=1) == pytest.approx(0.08 - 0.055)
    assert playout.wait(100.0) == 0.0


def test_it_is_for_models_that_say_so_and_where_there_are_two_cores(monkeypatch, tmp_path):
    assert not overlaps(Session(TinyModel()).engine, wanted=True)
    engine = Session(Beside()).engine
    assert overlaps(engine, wanted=True)
    assert not overlaps(engine, wanted=False)
    for cores in (1, 2):
        monkeypatch.setattr("studio.session.pipeline.usable_cores", lambda cores=cores: cores)
        assert overlaps(engine) == (cores == 2)
    with pytest.raises(ValueError, match="one picture a chunk, not 12"):
        Capabilities(size=(8, 8), latent=(1, 1, 1), chunk=3, pictures=4, decodes_beside=True)
    with pytest.raises(ValueError, match="pasted on the last picture"):
        Capabilities(size=(8, 8), latent=(1, 1, 1), strokes="cutouts", decodes_beside=True)
    whole = usable_cores(tmp_path)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert usable_cores(tmp_path) == whole
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert usable_cores(tmp_path) == 1


def test_an_audition_is_drawn_with_its_programme_step_by_step():
    session, seen = Session(Beside()), []
    session.audition(Prompt("winter"), output=Each(seen.append))
    shown = run(session, 16)
    assert hashes(shown) == play(Session(Beside()), len(shown))
    assert len(seen) >= 3


def test_where_both_halves_at_once_take_as_long_it_rests_and_tries_again():
    gain = Gain()
    for _ in range(3 * LOOKS):
        gain.add(0.025, 0.047, 5.0)
    assert gain.pays(5.0)
    for _ in range(LOOKS):
        gain.add(0.047, 0.047, 6.0)
    assert not gain.pays(6.0 + 0.9 * RESTS)
    assert gain.pays(6.0 + 1.1 * RESTS)
    fresh = Gain()
    for _ in range(LOOKS - 1):
        fresh.add(0.4, 0.047, 20.0)
    assert fresh.pays(20.0), "not before it was looked at often enough"
    fresh.add(0.4, 0.047, 20.0)
    assert not fresh.pays(20.0)


def test_a_session_that_gains_nothing_goes_on_step_by_step(monkeypatch):
    monkeypatch.setattr("studio.session.pipeline.usable_cores", lambda: 2)
    monkeypatch.setattr("studio.session.pipeline.WORTH", 0.0)
    session, beside = Session(Beside()), []
    begin = session._begin_next
    session._begin_next = lambda *given: beside.append(1) or begin(*given)
    shown = run(session, 60, pipelined=None)
    assert len(beside) == LOOKS
    assert hashes(shown) == play(Session(Beside()), len(shown))
    run(session, 30, pipelined=True)
    assert len(beside) > LOOKS, "what was asked for is done"
