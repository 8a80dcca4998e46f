"""Pictures that a page sends."""

import base64
import json

import pytest

from studio.controls import Picture
from studio.ui import security
from ui.client import Clock, drawing, jpeg, linked, sent, told


def test_a_picture_in_binary_reaches_the_session_and_is_numbered():
    async def test(connection, session):
        connection.drain()
        await connection.receive(sent(jpeg()))
        assert session.sent == [Picture(jpeg())]
        assert told(connection, "sent") == [{"type": "sent", "number": 9, "revision": 1, "saw": 4}]
        session.step()
        assert connection.seat.state[Picture] == Picture(jpeg())
        session.send(Picture(jpeg(grey=9)))  # taken into a frame before this connection heard of its revision
        session.step()
        assert told(connection, "state") == [], "a camera's pictures change nothing that the page shows"

    linked(test, drawing())


@pytest.mark.parametrize(
    ("data", "says", "number"),
    [
        (b"\xff", "no picture", None),
        (b"STF1" + bytes(40), "no picture", None),
        (b"STP1" + bytes(8), "no picture", None),
        (sent(b"hello"), "possible: JPEG, PNG, WebP", 9),
        (sent(jpeg()[:100]), "picture", 9),
        (sent(b"\x89PNG\r\n\x1a\n" + bytes(50)), "cannot be read", 9),
        (sent(b"RIFF" + bytes(50)), "cannot be read", 9),
        (sent(jpeg(security.WIDEST_PICTURE + 8, 16)), "at most 2048 a side", 9),
        (sent(jpeg(4, 4)), "4x4", 9),
        (sent(bytes(security.LARGEST_UPLOAD)), "524,288 are possible", None),
    ],
    ids=["byte", "frame", "header", "text", "half-JPEG", "no-PNG", "no-WebP", "too-wide", "too-small", "too-long"],
)
def test_a_malformed_picture_is_answered_and_ends_nothing(data, says, number):
    async def test(connection, session):
        assert await connection.receive(data)
        (error,) = told(connection, "error")
        assert says in error["message"]
        assert error["number"] == number
        assert session.sent == []
        await connection.receive(sent(jpeg()))
        assert session.sent == [Picture(jpeg())]

    linked(test, drawing())


def test_a_bad_picture_within_a_control_is_answered_too():
    async def test(connection, session):
        control = {"kind": "picture", "data": base64.b64encode(jpeg()[:200]).decode()}
        await connection.receive(json.dumps({"type": "control", "number": 3, "control": control}))
        assert told(connection, "error")[0]["number"] == 3
        await connection.receive(
            json.dumps({"type": "control", "number": 4, "control": {"kind": "picture", "data": ""}})
        )
        assert session.sent == [Picture()]

    linked(test, drawing())


def test_a_flood_of_pictures_is_refused_and_leaves_room_for_words():
    async def test(connection, session):
        heard = [await connection.receive(sent(b"x")) for _ in range(400)]
        assert sum(heard) == 2 * security.PICTURES_A_SECOND
        assert await connection.receive('{"type": "ack", "sequence": 1}')

    clock = Clock()
    linked(test, drawing(), clock=clock)


def test_the_newest_picture_is_all_that_waits():
    async def test(connection, session):
        for grey in range(40):
            await connection.receive(sent(jpeg(grey=grey)))
        assert len(session._inbox) == 1
        session.step()
        assert connection.seat.state[Picture] == Picture(jpeg(grey=39))

    linked(test, drawing())
