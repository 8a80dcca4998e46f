"""What a page says and is told: controls, bad messages, states, presets, frames."""

import asyncio
import json
import threading

import pytest

from studio.controls import Prompt, to_message
from studio.ui.mailbox import unpack
from studio.ui.parsing import parse
from studio.ui.protocol import CloseCode, ProtocolError
from ui.client import FOX, linked, told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "possible types: control"),
        ("null", "possible types"),
        ('{"type": "dance"}', "'dance'; possible types"),
        ('{"type": ["control"]}', "possible types"),
        ("[" * 3000, "not JSON"),
        ('"' + "x" * 70_000 + '"', "65536 are possible"),
    ],
)
def test_a_message_that_is_none_is_explained(text, says):
    with pytest.raises(ProtocolError, match=says):
        parse(text)


def test_who_ends_a_link_first_says_why():
    async def test(connection, session):
        assert connection.closed is None
        connection.end(CloseCode.SUPERSEDED)
        connection.end(CloseCode.SILENT)
        assert connection.closed is CloseCode.SUPERSEDED

    linked(test)


def test_a_control_reaches_the_session_and_is_numbered():
    async def test(connection, session):
        await connection.receive(json.dumps({"type": "control", "number": 5, "control": to_message(FOX), "saw": 3}))
        assert session.sent == [FOX]
        assert told(connection, "sent") == [{"type": "sent", "number": 5, "revision": 1, "saw": 3}]
        session.step()
        assert told(connection, "receipts") == [{"type": "receipts", "items": [[1, "stroke", 0]]}]

    linked(test)


@pytest.mark.parametrize(
    ("control", "says"),
    [
        ({"kind": "prompt", "text": ""}, "empty"),
        ({"kind": "prompt", "text": "x" * 4001}, "4001 characters"),
        ({"kind": "stroke", "id": "1", "label": "fox", "points": [[0, float("nan"), 0]]}, "finite"),
        ({"kind": "stroke", "id": "1", "label": "fox", "points": [[0, 0, 0]] * 2049}, "2049 points"),
        ({"kind": "stroke", "id": "1", "label": "unicorn", "points": [[0, 0, 0]]}, "unicorn"),
        ({"kind": "dance"}, "dance"),
        (7, "7"),
    ],
)
def test_a_bad_control_is_answered_and_the_session_goes_on(control, says):
    async def test(connection, session):
        assert await connection.receive(json.dumps({"type": "control", "number": 8, "control": control}))
        (error,) = told(connection, "error")
        assert says in error["message"]
        assert error["number"] == 8
        await connection.receive(json.dumps({"type": "control", "control": to_message(FOX)}))
        assert session.sent == [FOX]

    linked(test)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "ack", "sequence": "x"},
        {"type": "ack", "sequence": True},
        {"type": "pong", "number": 1e300},
        {"type": "command", "name": "dance"},
        {"type": "command", "name": ["stop"]},
        {"type": "command", "name": "preset", "preset": "nowhere"},
        {"type": "command", "name": "snapshot"},
    ],
)
def test_any_other_bad_message_is_answered_too(message):
    async def test(connection, session):
        assert await connection.receive(json.dumps(message))
        assert len(told(connection, "error")) == 1

    linked(test)


def test_a_flood_is_refused_and_told():
    async def test(connection, session):
        heard = [await connection.receive('{"type": "ack", "sequence": 1}') for _ in range(1000)]
        assert not all(heard)
        assert "Too many messages" in told(connection, "error")[0]["message"]

    linked(test)


def test_what_the_page_did_not_do_is_told_as_a_new_state():
    async def test(connection, session):
        connection.drain()
        session.send(Prompt("a harbour"))  # a notebook on the same session
        session.step()
        (state,) = told(connection, "state")
        assert state["state"]["prompt"]["text"] == "a harbour"
        await connection.receive(json.dumps({"type": "control", "control": to_message(Prompt("a beach"))}))
        session.step()
        assert told(connection, "state") == []

    linked(test)


def test_a_preset_is_played_and_shown_before_its_first_frame():
    async def test(connection, session):
        session.send(FOX)
        session.step()
        connection.drain()
        await connection.receive(json.dumps({"type": "command", "name": "preset", "preset": "fox"}))
        (state,) = told(connection, "state")
        assert state["state"]["prompt"]["text"] == "a meadow"
        assert [stroke["id"] for stroke in state["state"]["stroke"]] == ["fox"]

    linked(test)


def test_a_late_page_gets_the_newest_frame_and_each_only_once():
    async def test(connection, session):
        for _ in range(5):
            session.step()
        assert unpack(await connection.wait_frame(0.1))[1] == 4
        assert await connection.wait_frame(0.01) is None
        session.step()
        assert unpack(await connection.wait_frame(0.1))[:2] == (2, 5)

    linked(test)


def test_a_waiting_page_is_woken_by_a_frame_from_another_thread():
    async def test(connection, session):
        connection.seat.mailbox.listen(connection.bell)
        threading.Timer(0.05, session.step).start()
        assert unpack(await connection.wait_frame(5.0))[1] == 0

    linked(test)


def test_two_pulls_at_once_do_not_get_the_same_frame():
    async def test(connection, session):
        connection.seat.mailbox.listen(connection.bell)
        pulls = [asyncio.create_task(connection.wait_frame(0.5)) for _ in range(2)]
        await asyncio.sleep(0.02)
        session.step()
        await asyncio.sleep(0.05)
        session.step()
        assert sorted(unpack(data)[1] for data in await asyncio.gather(*pulls)) == [0, 1]

    linked(test)
