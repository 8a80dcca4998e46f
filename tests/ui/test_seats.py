"""Seats: who has one, who gives way, and what is kept when a page goes."""

import asyncio
import json

import pytest
from ui_stand_ins import StandIn

from studio.controls import Pause, to_message
from studio.score import Score
from studio.ui.connection import Connection
from studio.ui.errors import SeatsTaken
from studio.ui.protocol import CloseCode
from studio.ui.seat import Seat
from studio.ui.seats import GIVES_WAY_AFTER, GIVES_WAY_AFTER_PLAY, IDLE_AFTER, Seats
from studio.ui.security import person_address
from ui.client import FOX, PRESET, Clock, seats


def test_a_seat_is_found_again_by_its_id_and_not_by_a_guess(tmp_path):
    house = seats(tmp_path)
    seat = house.sit()
    assert house.sit(seat.id) is seat
    assert house.sit("guess") is not seat


def test_a_third_page_is_told_what_to_do(tmp_path):
    async def test():
        house = seats(tmp_path)
        for _ in range(2):
            seat = house.sit()
            seat.attach(Connection(seat, {}))
        with pytest.raises(SeatsTaken, match="Close one of the other tabs"):
            house.sit()
        house.close_all()

    asyncio.run(test())


def test_a_seat_whose_page_is_gone_gives_way_but_not_while_it_may_be_reloading(tmp_path):
    async def test():
        clock = Clock()
        house = seats(tmp_path, clock=clock)
        stays, goes = house.sit(), house.sit()
        stays.attach(Connection(stays, {}))
        connection = Connection(goes, {})
        goes.attach(connection)
        goes.detach(connection)
        with pytest.raises(SeatsTaken):
            house.sit()
        clock.now += 3
        third = house.sit()
        assert set(house.taken) == {stays.id, third.id}
        assert not goes.session.running
        house.close_all()

    asyncio.run(test())


def test_a_closed_page_pauses_then_ends_and_its_score_is_kept(tmp_path):
    async def test():
        clock = Clock()
        house = seats(tmp_path, clock=clock, opening=PRESET)
        seat = house.sit()
        connection = Connection(seat, {})
        seat.attach(connection)
        seat.send(FOX)
        while not seat.mailbox.count:
            await asyncio.sleep(0.01)
        seat.detach(connection)
        clock.now += house.pause_after - 1
        house.sweep()
        assert seat.session.running
        clock.now += 2
        house.sweep()
        assert not seat.session.running
        assert house.find(seat.id) is seat
        clock.now += house.close_after
        house.sweep()
        assert house.find(seat.id) is None
        (path,) = tmp_path.glob("*.jsonl")
        assert FOX in [event.control for event in Score.read(path).events]

    asyncio.run(test())


def test_a_page_that_only_looked_leaves_no_file(tmp_path):
    house = seats(tmp_path, opening=PRESET)
    seat = house.sit()
    seat.session.step()
    house.close_all()
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_comes_back_in_time_goes_on_where_it_was(tmp_path):
    async def test():
        clock = Clock()
        house = seats(tmp_path, clock=clock)
        seat = house.sit()
        first = Connection(seat, {})
        seat.attach(first)
        seat.detach(first)
        clock.now += house.pause_after + 1
        house.sweep()
        second = Connection(seat, {})
        assert house.sit(seat.id) is seat
        assert seat.attach(second) is None
        assert seat.session.running
        seat.detach(first)  # the old one's end comes late
        assert seat.connection is second
        house.close_all()

    asyncio.run(test())


def test_a_page_that_comes_as_its_seat_is_closed_is_sent_to_another(tmp_path):
    async def test():
        house = seats(tmp_path)
        seat = house.sit()
        house.close_all()
        connection = Connection(seat, {})
        assert seat.attach(connection) is None
        assert connection.closed is CloseCode.STOPPING
        assert not seat.session.running

    asyncio.run(test())


# Who gives way


def seated(house, played=False, address="") -> tuple[Seat, Connection]:
    """A seat with a page on it."""
    seat = house.sit(address=address)
    connection = Connection(seat, {})
    seat.attach(connection)
    if played:
        seat.send(FOX)
    return seat, connection


def in_loop(test):
    async def run():
        test()

    asyncio.run(run())


def test_who_played_has_half_a_minute_to_come_back_and_who_looked_does_not(tmp_path):
    def test():
        clock = Clock()
        house = Seats(StandIn, takes=tmp_path, clock=clock)
        (player, one), (looker, two) = seated(house, played=True), seated(house)
        player.detach(one)
        looker.detach(two)
        clock.now += GIVES_WAY_AFTER
        house.sit()
        assert player.id in house.taken
        assert looker.id not in house.taken
        clock.now += GIVES_WAY_AFTER_PLAY - GIVES_WAY_AFTER - 1
        assert player.id in house.taken
        clock.now += 1
        house.sit()
        assert player.id not in house.taken
        house.close_all()

    in_loop(test)


def test_an_idle_tab_gives_way_to_who_waits_and_is_told_why(tmp_path):
    def test():
        clock = Clock()
        house = Seats(StandIn, takes=tmp_path, clock=clock)
        (idle, connection), (busy, other) = seated(house, played=True), seated(house, played=True)
        idle.session.step()
        clock.now += IDLE_AFTER
        other.accept(json.dumps({"type": "control", "control": to_message(Pause())}))
        new = house.sit()
        assert set(house.taken) == {busy.id, new.id}
        assert connection.closed is CloseCode.IDLE
        assert "Reload" in CloseCode.IDLE.words
        assert next(tmp_path.glob("*.jsonl"), None), "what was played is kept"
        house.close_all()

    in_loop(test)


def test_nobody_who_waits_leaves_an_idle_tab_its_seat_and_a_recording_is_no_idle_tab(tmp_path):
    def test():
        clock = Clock()
        house = Seats(StandIn, takes=tmp_path, clock=clock)
        (recording, _), (idle, connection) = seated(house), seated(house)
        recording.record()
        clock.now += 100 * IDLE_AFTER
        house.sweep()
        assert set(house.taken) == {recording.id, idle.id}
        connection.accept('{"type": "ack", "sequence": 1}')
        connection.accept('{"type": "pong", "number": 1}')
        house.sit()
        assert set(house.taken) >= {recording.id}
        assert idle.id not in house.taken, "a page that only answers is not touched"
        house.close_all()

    in_loop(test)


def test_one_machine_does_not_take_every_seat_but_the_servers_own_may(tmp_path):
    def test():
        clock = Clock()
        house = Seats(StandIn, takes=tmp_path, clock=clock)
        seated(house, address="10.0.0.7")
        with pytest.raises(SeatsTaken, match="one is kept for others"):
            house.sit(address="10.0.0.7")
        seated(house, address="10.0.0.8")
        house.close_all()
        for _ in range(2):
            seated(house, address="127.0.0.1")
        assert len(house.taken) == 2
        house.close_all()
        alone = Seats(StandIn, takes=tmp_path, clock=clock, running=1)
        seated(alone, address="10.0.0.7")
        alone.close_all()

    in_loop(test)


@pytest.mark.parametrize(
    ("forwarded", "client", "address"),
    [
        (None, "8.8.8.8", "8.8.8.8"),
        ("198.51.100.7", "8.8.8.8", "8.8.8.8"),  # nobody's proxy: a stranger may write what he likes there
        ("198.51.100.7", "10.0.0.2", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7", "127.0.0.1", "198.51.100.7"),
        ("unknown", "10.0.0.2", "10.0.0.2"),
        ("", "10.0.0.2", "10.0.0.2"),
        ("198.51.100.7", None, ""),
        ("198.51.100.7", "testclient", "testclient"),
    ],
)
def test_a_persons_address_is_what_the_nearest_proxy_says(forwarded, client, address):
    assert person_address({"x-forwarded-for": forwarded} if forwarded is not None else {}, client) == address
