"""Who is still there: pings, their answers, and pages that give none."""

import json

import pytest

from studio.ui.heartbeat import PINGS_KEPT, Heartbeat
from ui.client import Clock, linked, told


def test_a_page_is_silent_when_it_has_left_several_pings_unanswered():
    heartbeat = Heartbeat(Clock(), patience=3)
    for _ in range(2):
        heartbeat.beat()
    assert not heartbeat.silent
    with heartbeat.answering():
        pass
    for _ in range(2):
        heartbeat.beat()
    assert not heartbeat.silent
    heartbeat.beat()
    assert heartbeat.silent


def test_a_page_is_not_silent_while_what_it_said_is_in_progress():
    heartbeat = Heartbeat(Clock(), patience=3)
    with heartbeat.answering():
        with heartbeat.answering():
            pass
        for _ in range(9):
            heartbeat.beat()
        assert not heartbeat.silent
    heartbeat.beat()
    assert not heartbeat.silent


def test_a_server_that_stood_still_takes_no_page_for_gone():
    clock = Clock()
    heartbeat = Heartbeat(clock, patience=3)
    heartbeat.beat()
    clock.now += 3600
    heartbeat.beat()
    assert not heartbeat.silent


def test_a_round_trip_is_that_of_the_ping_that_is_answered():
    clock = Clock()
    clock.now = 0.0
    heartbeat = Heartbeat(clock)
    first = heartbeat.ping()
    clock.now = 5.0
    second = heartbeat.beat()
    clock.now = 5.25
    assert heartbeat.round_trip(second) == 0.25
    assert heartbeat.round_trip(second) is None
    assert heartbeat.round_trip(first) == 5.25
    assert heartbeat.round_trip(99) is None


def test_pings_that_are_never_answered_do_not_pile_up():
    heartbeat = Heartbeat(Clock())
    numbers = [heartbeat.ping() for _ in range(3 * PINGS_KEPT)]
    answered = [number for number in numbers if heartbeat.round_trip(number) is not None]
    assert answered == numbers[-PINGS_KEPT:]


def test_the_shortest_round_trip_stays_right_through_an_hour_of_pings():
    clock = Clock()

    async def test(connection, session):
        connection.send_hello()
        late = [message["number"] for message in told(connection, "ping")]
        for _ in range(720):
            connection.send_ping()
            (ping,) = told(connection, "ping")
            clock.now += 0.05
            await connection.receive(json.dumps({"type": "pong", "number": ping["number"]}))
            await connection.receive(json.dumps({"type": "pong", "number": ping["number"]}))
            clock.now += 4.95
        for number in [*late, 0, 10**6]:
            await connection.receive(json.dumps({"type": "pong", "number": number}))
        assert connection.frames.window.shortest == pytest.approx(0.05)
        assert connection.frames.window.typical == 0.0, "a ping is no frame"

    linked(test, clock=clock)
