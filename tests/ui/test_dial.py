"""The latency dial of a seat: what it sends to the session, what a person's own steps mean to it, what is refused."""

import json
from typing import Any

import pytest
from tiny.model import TinyModel

from studio.controls import Sampling, Sink
from studio.score import replay
from studio.session import Session
from studio.ui.dial import Dial
from studio.ui.frame_sender import FrameSender, Sending
from studio.ui.mailbox import unpack
from studio.ui.parsing import parse
from studio.ui.protocol import ProtocolError
from ui.client import Clock, frame, linked, told

MODEL = TinyModel()


class Slow(Session):
    """A session on a machine where a picture takes so long, whatever this one does."""

    load = 1.0

    @property
    def stats(self) -> Any:
        draw = self.load * (20 + 8 * self.pending_state()[Sampling].steps)
        return super().stats | {"draw_ms": draw}


class Turned:
    """A dial on a slow session, on time that passes when it is told to."""

    def __init__(self, load, name="number", ms=150.0):
        self.clock, self.session = Clock(), Slow(MODEL)
        self.session.load = load
        self.dial = Dial(self.clock)
        self.hashes = [self.session.step().hash]
        self.dial.turn(name, ms, self.session)

    @property
    def steps(self):
        return self.session.engine.state[Sampling].steps

    def play(self, seconds):
        for _ in range(int(seconds / 0.4)):
            self.dial.measured(1.5 * self.session.stats["draw_ms"] + 25, 5, 20, self.session)
            self.hashes.append(self.session.step().hash)
            self.clock.now += 0.4


def test_steps_are_set_as_a_control_and_the_take_replays_bit_for_bit():
    turned = Turned(1.6, "balanced")
    turned.session.send(Sampling(steps=6))
    turned.hashes += [turned.session.step().hash]
    turned.play(10)
    assert turned.steps == 3
    assert turned.dial.why == "3 steps instead of 6: a picture took 109 ms, you asked for 150 in all."
    assert turned.dial.stands == "131 ms of the 150 you asked for, with 3 steps; this model was made for 2."
    score = turned.session.score
    assert [event.control.steps for event in score.events if isinstance(event.control, Sampling)][-1] == 3
    assert [one.hash for one in replay(score, MODEL)] == turned.hashes


def test_off_changes_nothing_and_turning_it_off_sets_all_as_it_was():
    turned = Turned(8.0, "off")
    turned.play(10)
    assert (turned.steps, turned.dial.told().name, turned.dial.why) == (2, "off", "")
    turned.dial.turn("balanced", 0, turned.session)
    turned.play(10)
    assert turned.steps == 1
    turned.dial.sending.quality = 60
    turned.dial.turn("off", 0, turned.session)
    turned.session.step()
    assert (turned.steps, turned.dial.sending.quality) == (2, 88)


def test_a_persons_own_steps_stay_and_it_says_so_until_the_dial_is_turned_again():
    turned = Turned(8.0)
    turned.play(6)
    assert turned.steps == 1
    mine = Sampling(steps=5)
    turned.dial.hear(mine, turned.session)
    turned.session.send(mine)
    assert turned.dial.why == "You set 5 steps yourself, so they stay."
    turned.play(20)
    assert (turned.steps, turned.dial.told().held) == (5, True)
    assert "you set 5 steps yourself" in turned.dial.stands
    turned.dial.turn("number", 150, turned.session)
    turned.play(20)
    assert turned.steps == 1


def test_a_page_that_does_not_know_the_new_steps_yet_has_not_set_them():
    turned = Turned(8.0)
    while turned.steps == 2:
        turned.play(0.4)
    turned.dial.hear(Sampling(seed=5, steps=2), turned.session)
    assert not turned.dial.told().held
    turned.dial.hear(Sampling(seed=5, steps=1), turned.session)
    turned.dial.hear(Sink("keep"), turned.session)
    assert not turned.dial.told().held
    other = Turned(8.0)
    while other.steps == 2:
        other.play(0.4)
    other.dial.hear(Sampling(steps=7), other.session)
    assert other.dial.told().held, "at once, but no steps that were in force"
    turned.clock.now += 2
    turned.dial.hear(Sampling(seed=5, steps=2), turned.session)
    assert turned.dial.told().held


def test_nothing_is_decided_while_it_is_paused():
    from studio.controls import Pause

    turned = Turned(8.0)
    turned.session.send(Pause())
    turned.session.step()
    for _ in range(20):
        turned.dial.measured(900, 5, 20, turned.session)
        turned.clock.now += 0.4
    assert turned.session.pending_state()[Sampling].steps == 2


@pytest.mark.parametrize("to", ["quick", 10, 5000, True, None, [150]])
def test_what_the_dial_does_not_have_is_refused_with_what_it_has(to):
    with pytest.raises(ProtocolError, match="send off, snappy, balanced, fine, or 30 to 2000 ms"):
        parse(json.dumps({"type": "command", "name": "dial", "to": to}))


@pytest.mark.parametrize("latency", ["fast", -1, 1e9, None])
def test_a_page_measures_milliseconds(latency):
    with pytest.raises(ProtocolError, match="latency must be ms from 0 to 60000"):
        parse(json.dumps({"type": "measured", "latency": latency, "line": 1, "page": 1}))


def test_a_page_turns_it_over_the_link_and_what_it_measures_is_no_touch_of_a_person():
    async def test(connection, session):
        connection.drain()
        await connection.receive(json.dumps({"type": "command", "name": "dial", "to": 150}))
        (dial,) = told(connection, "dial")
        assert (dial["name"], dial["ms"], dial["stands"]) == ("number", 150, "Measuring.")
        touched = connection.seat.touched_at
        connection.seat.dial.turn("off", 0, session)
        assert await connection.receive(json.dumps({"type": "measured", "latency": 90, "line": 3, "page": 20.5}))
        assert connection.seat.touched_at == touched
        assert told(connection, "error") == []

    linked(test)


def test_the_quality_of_the_jpeg_is_the_dials_and_fewer_are_sent_when_it_says_so():
    async def test(connection, session):
        sending = Sending()
        clock = Clock()
        connection.seat.mailbox.put(frame())
        frames = FrameSender(connection.seat.mailbox, connection.bell, clock, sending)
        usual = await frames.next()
        sending.quality = 60
        small = await frames.next()
        assert len(unpack(small)[-1]) < 0.8 * len(unpack(usual)[-1])
        assert sending.typical_ms > 0
        sending.rate = 12
        for sequence in (1, 2):
            frames.acknowledge(sequence)
        connection.seat.mailbox.put(frame(8))
        assert not frames.ready
        clock.now += 1 / 12
        assert frames.ready

    linked(test)
