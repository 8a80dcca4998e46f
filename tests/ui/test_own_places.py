"""Places of one's own as a page sends them: answered, told without their bytes, kept to one seat."""

import base64
import json

from test_own_places import file
from tiny.model import PlacesModel, TinyModel

from studio.controls import Place
from studio.controls.place import MOST_PLACES, digest
from studio.session import Session
from studio.ui.security import LARGEST_MESSAGE
from ui.client import linked, told


def message(number, name="my garden", data=None, **fields):
    data = file(seed=number) if data is None else data
    control = {"kind": "place", "name": name, "data": base64.b64encode(data).decode(), **fields}
    return json.dumps({"type": "control", "number": number, "control": control})


def test_a_place_is_taken_and_the_page_is_told_its_name_as_it_is_kept_and_no_bytes():
    async def test(connection, session):
        await connection.receive(message(1, "My  Garden", time="dusk"))
        (error,) = told(connection, "error")
        assert (error["number"], "'dusk'; choose one of: day, sunset, night, dawn" in error["message"]) == (1, True)
        await connection.receive(message(2, "My  Garden", time="dawn", end=base64.b64encode(file(seed=9)).decode()))
        heard = [json.loads(text) for text in connection.drain()]
        assert [one["number"] for one in heard if one["type"] == "sent"] == [2]
        session.step()
        (state,) = [one["state"] for one in heard if one["type"] == "state"]
        (place,) = state["place"]
        prints = {"data": digest(file(seed=2)), "end": digest(file(seed=9))}
        assert place == {"kind": "place", "name": "my garden", "time": "dawn", "seconds": 8.0, "since": 0} | prints
        assert base64.b64encode(file(seed=2)).decode() not in json.dumps(heard)

    linked(test, Session(PlacesModel()))


def test_the_thirteenth_is_refused_and_the_twelve_stay():
    async def test(connection, session):
        for number in range(MOST_PLACES):
            await connection.receive(message(number, f"place {number}"))
        assert not told(connection, "error")
        await connection.receive(message(40, "one more"))
        (error,) = told(connection, "error")
        assert "there are 12 places of your own, as many as are possible; take one away" in error["message"]
        assert len(session.pending_state().all(Place)) == MOST_PLACES

    linked(test, Session(PlacesModel()))


def test_a_message_that_is_too_long_is_refused_as_any():
    async def test(connection, session):
        await connection.receive(message(1, data=file("BMP", (200, 200))))
        (error,) = told(connection, "error")
        assert f"{LARGEST_MESSAGE} are possible; send less at once" in error["message"]
        assert not session.pending_state().all(Place)

    linked(test, Session(PlacesModel()))


def test_another_model_says_why_it_has_none():
    async def test(connection, session):
        await connection.receive(message(1))
        (error,) = told(connection, "error")
        assert "tiny has no places of one's own, which are the pocket model's" in error["message"]

    linked(test, Session(TinyModel()))


def test_another_seat_is_told_nothing_of_it():
    one, other = Session(PlacesModel()), Session(PlacesModel())

    async def send(connection, session):
        await connection.receive(message(1))

    async def look(connection, session):
        connection.send_hello()
        assert "my garden" not in "".join(connection.drain())
        assert not session.pending_state().all(Place)

    linked(send, one)
    assert one.pending_state().all(Place)
    linked(look, other)
