"""New words: which wait, which replace others, and how much of the time reading them may take."""

import asyncio
import json
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from ui_stand_ins import StandIn
from websockets.sync.client import connect

from studio.controls import Prompt, Stroke, to_message
from studio.ui.command_queue import MOST_QUEUED, CommandQueue
from studio.ui.connection import Connection
from studio.ui.protocol import Record, SetControl
from studio.ui.reading import LONGEST_WAIT, READING_AT_ONCE, READING_SHARE, ReadingBudget
from studio.ui.routes import PREFIX, Routes
from studio.ui.seat import Seat
from studio.ui.seats import Seats
from ui.client import FOX, Clock, socket, ticket_of, until


def control(number, text="a lake", **fields) -> SetControl:
    return SetControl({"kind": "prompt", "text": text, **fields}, number=number)


def test_of_one_slot_only_the_newest_waits_and_it_goes_by_no_other_command():
    queue = CommandQueue()
    queue.put(control(1), Prompt("a"))
    queue.put(control(2), FOX)
    queue.put(control(3), Prompt("b"))
    queue.put(Record())
    queue.put(control(4), Prompt("c"))
    queue.put(control(5), Prompt("d"))
    taken = []
    while (one := queue.take()) is not None:
        taken.append((one.control, [before.number for before in one.replaced]))
    assert taken == [(FOX, []), (Prompt("b"), [1]), (None, []), (Prompt("d"), [4])]


def test_reading_is_budgeted_in_time():
    clock = Clock()
    budget = ReadingBudget(clock)
    assert budget.wait == 0
    budget.spend(READING_AT_ONCE)
    assert budget.wait == 0
    budget.spend(0.1)
    assert budget.wait == pytest.approx(0.1 / READING_SHARE)
    clock.now += 0.1 / READING_SHARE
    assert budget.wait == pytest.approx(0)
    budget.spend(60)
    assert budget.wait == pytest.approx(LONGEST_WAIT), "words that take a minute are waited for once"
    clock.now += 3600
    assert budget.wait == 0
    budget.spend(READING_AT_ONCE + 0.1)
    assert budget.wait > 0, "an hour of silence saves no hour of reading"


class Reads(StandIn):
    """A session that takes a while to read each prompt; how long all of them took."""

    took = 0.0
    each = 0.05

    def send(self, control):
        if isinstance(control, Prompt):
            time.sleep(self.each)
            self.took += self.each
        return super().send(control)


def test_a_flood_of_new_words_takes_a_share_of_the_time_and_its_last_words_come(tmp_path):
    routes = Routes(Seats(Reads, takes=tmp_path), {})
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    with TestClient(app) as client, socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        (seat,) = routes.seats.taken.values()
        began, number = time.monotonic(), 0
        while time.monotonic() - began < 6:
            for _ in range(2):
                number += 1
                message = {"kind": "prompt", "text": f"words {number}"}
                page.send_json({"type": "control", "number": number, "control": message})
            time.sleep(0.03)
        answered = []
        while number not in answered:
            answered.append(until(page, "sent")["number"])
        spent = time.monotonic() - began
        assert answered == list(range(1, number + 1)), "each is answered, those that were never read too"
        assert seat.session.sent[-1] == Prompt(f"words {number}")
        assert seat.session.took <= READING_AT_ONCE + spent * READING_SHARE + 2 * Reads.each
        assert seat.session.took > READING_AT_ONCE / 2


def test_a_pause_and_an_answer_to_a_ping_do_not_wait_for_words_that_are_read(tmp_path):
    async def test():
        session, go_on = StandIn(), threading.Event()
        send = session.send

        def slow(control):
            assert go_on.wait(20)
            return send(control)

        session.send = slow
        connection = Connection(Seat(session, tmp_path), {})
        connection.send_hello()
        pings = [message["number"] for message in map(json.loads, connection.drain()) if message["type"] == "ping"]
        connection.accept(json.dumps({"type": "control", "number": 1, "control": to_message(Prompt("slow"))}))
        work = asyncio.create_task(connection.work())
        await asyncio.sleep(0.05)
        assert connection.accept(json.dumps({"type": "pong", "number": pings[0]}))
        assert connection.frames.window.shortest < 20
        go_on.set()
        await work
        assert session.sent == [Prompt("slow")]

    asyncio.run(test())


def test_what_replaced_others_and_is_refused_answers_all_of_them(tmp_path):
    async def test():
        session = StandIn()
        connection = Connection(Seat(session, tmp_path), {})
        for number, label in ((1, "fox"), (2, "bear"), (3, "unicorn")):
            stroke = to_message(Stroke("a", label, ((0, 0.5, 0.5),)))
            connection.accept(json.dumps({"type": "control", "number": number, "control": stroke}))
        await connection.work()
        errors = [message for message in map(json.loads, connection.drain()) if message["type"] == "error"]
        assert [error["number"] for error in errors] == [1, 2, 3]
        assert session.sent == []

    asyncio.run(test())


def test_more_than_can_wait_is_refused(tmp_path):
    async def test():
        clock = Clock()
        connection = Connection(Seat(StandIn(), tmp_path), {}, clock)
        accepted = 0
        for number in range(2 * MOST_QUEUED):
            clock.now += 1
            stroke = to_message(Stroke(str(number), "fox", ((0, 0.5, 0.5),)))
            accepted += connection.accept(json.dumps({"type": "control", "number": number, "control": stroke}))
        assert accepted == MOST_QUEUED

    asyncio.run(test())


def test_what_was_sent_before_the_page_went_counts(served):
    address, routes = served
    seat = routes.seats.sit()
    ticket, send = routes.tickets.mint(seat.id), seat.session.send
    seat.session.send = lambda control: time.sleep(0.03) or send(control)
    protocols: Any = ["studio.v1", f"ticket.{ticket}"]
    origin: Any = address
    with connect(address.replace("http", "ws") + f"{PREFIX}/ws", subprotocols=protocols, origin=origin) as page:
        page.send("{}")
        for number in range(20):
            page.send(json.dumps({"type": "control", "control": to_message(replace(FOX, id=str(number)))}))
    end = time.monotonic() + 20
    while len(seat.session.sent) < 20 + 3 and time.monotonic() < end:
        time.sleep(0.01)
    assert sum(isinstance(control, Stroke) for control in seat.session.sent) == 20 + 1  # and the preset's
    routes.seats.close_all()
