"""A link by HTTP, for who has no socket: pulls, what is sent, and how it ends."""

import json
import threading
import time

import pytest

from studio.controls import to_message
from studio.ui.mailbox import unpack
from studio.ui.protocol import CloseCode
from studio.ui.pull import PULL_PATIENCE
from studio.ui.routes import PREFIX
from ui.client import FOX, OURS, jpeg, pause, paused, pulled, sent, ticket_of


def test_a_page_that_pulls_through_an_hour_of_pause_plays_on_by_the_same_link(timed):
    routes, client, beat = timed
    headers = pulled(routes, client, routes.seats.sit())
    (connection,) = routes.connections.open.values()
    client.post(f"{PREFIX}/up", headers=headers, json={"messages": [pause()]})
    paused(connection.seat)
    for _ in range(60):
        beat()
        assert client.post(f"{PREFIX}/up", headers=headers, json={"messages": []}).status_code == 200
    client.post(f"{PREFIX}/up", headers=headers, json={"messages": [pause(False)]})
    paused(connection.seat, False)
    first, second = (unpack(client.get(f"{PREFIX}/frame", headers=headers).content) for _ in range(2))
    assert second[1] > first[1]
    for _ in range(2 * PULL_PATIENCE):  # frames alone do as well
        beat()
        assert client.get(f"{PREFIX}/frame", headers=headers).status_code == 200
    assert list(routes.connections.open.values()) == [connection]


def test_a_page_that_neither_pulls_nor_sends_is_taken_for_closed(timed):
    routes, client, beat = timed
    seat = routes.seats.sit()
    headers = pulled(routes, client, seat)
    (connection,) = routes.connections.open.values()
    beat(PULL_PATIENCE)
    assert connection.closed is None
    beat()
    assert connection.closed is CloseCode.SILENT
    assert seat.left_at is not None
    assert client.get(f"{PREFIX}/frame", headers=headers).status_code == 403
    again = pulled(routes, client, seat)
    assert client.get(f"{PREFIX}/frame", headers=again).status_code == 200
    assert seat.session.starts == 1


def test_a_pull_that_waits_keeps_its_link(timed):
    routes, client, beat = timed
    routes.connections.heartbeat = 1.0  # a pull waits for ten of them
    headers = pulled(routes, client, routes.seats.sit())
    (connection,) = routes.connections.open.values()
    client.get(f"{PREFIX}/frame", headers=headers)
    client.post(f"{PREFIX}/up", headers=headers, json={"messages": [pause()]})
    paused(connection.seat)
    connection.frames._sent_count = connection.seat.mailbox.count  # there is no newer one to be had
    answers: list[int] = []
    waits = threading.Thread(target=lambda: answers.append(client.get(f"{PREFIX}/frame", headers=headers).status_code))
    waits.start()
    while not connection.heartbeat._in_progress:  # it waits
        time.sleep(0.01)
    beat(3 * PULL_PATIENCE)
    assert connection.closed is None
    client.post(f"{PREFIX}/up", headers=headers, json={"messages": [pause(False)]})
    waits.join(20)
    assert answers == [200]


def test_a_superseded_pull_is_told_who_has_the_seat(house):
    routes, client = house
    seat = routes.seats.sit()
    first = pulled(routes, client, seat)
    second = pulled(routes, client, seat)
    for answer in (
        client.get(f"{PREFIX}/frame", headers=first),
        client.post(f"{PREFIX}/up", headers=first, json={"messages": []}),
    ):
        assert answer.status_code == 403
        assert answer.json() == {"error": CloseCode.SUPERSEDED.words, "code": CloseCode.SUPERSEDED}
    assert client.get(f"{PREFIX}/frame", headers=second).status_code == 200


def test_a_superseded_pull_is_forgotten_in_the_end(timed):
    routes, client, beat = timed
    seat = routes.seats.sit()
    first, second = pulled(routes, client, seat), pulled(routes, client, seat)
    for _ in range(PULL_PATIENCE + 1):
        beat()
        assert client.get(f"{PREFIX}/frame", headers=first).status_code == 403
        assert client.get(f"{PREFIX}/frame", headers=second).status_code == 200
    assert list(routes.connections.open) == [second["x-studio-link"]]
    assert seat.left_at is None


def test_pulling_is_the_same_link_by_http(house):
    routes, client = house
    opened = client.post(f"{PREFIX}/link", headers=OURS | {"x-studio-ticket": ticket_of(routes)}).json()
    assert opened["messages"][0]["type"] == "hello"
    headers = OURS | {"x-studio-link": opened["token"]}
    first = unpack(client.get(f"{PREFIX}/frame", headers=headers).content)
    second = unpack(client.get(f"{PREFIX}/frame", headers=headers).content)
    assert second[1] > first[1]
    control = {"type": "control", "number": 4, "control": to_message(FOX)}
    answer = client.post(f"{PREFIX}/up", headers=headers, json={"messages": [control, {"type": "dance"}]}).json()
    assert {"sent", "error"} <= {message["type"] for message in answer["messages"]}
    for body in (b"{", b"[]", b'{"messages": 7}', b'{"messages": [7]}'):
        answer = client.post(f"{PREFIX}/up", headers=headers, content=body).json()
        assert "error" in {message["type"] for message in answer["messages"]}
    assert client.post(f"{PREFIX}/up", headers=headers, content=b"x" * 70_000).status_code == 413
    octets = headers | {"content-type": "application/octet-stream"}
    answer = client.post(f"{PREFIX}/up", headers=octets, content=sent(jpeg(), 12)).json()
    assert 12 in [message.get("number") for message in answer["messages"] if message["type"] == "sent"]
    answer = client.post(f"{PREFIX}/up", headers=octets, content=sent(b"nonsense", 13)).json()
    assert 13 in [message.get("number") for message in answer["messages"] if message["type"] == "error"]
    assert client.post(f"{PREFIX}/up", headers=octets, content=bytes(600_000)).status_code == 413


def test_pulling_needs_the_same_papers(house):
    routes, client = house
    good = ticket_of(routes)
    evil = {"origin": "https://evil.example", "x-studio-ticket": good}
    assert client.post(f"{PREFIX}/link", headers=evil).status_code == 403
    assert client.post(f"{PREFIX}/link", headers=OURS | {"x-studio-ticket": "x"}).status_code == 403
    assert client.get(f"{PREFIX}/frame", headers=OURS).status_code == 403
    assert client.post(f"{PREFIX}/up", headers=OURS, json={"messages": []}).status_code == 403
    assert client.post(f"{PREFIX}/link", headers=OURS | {"x-studio-ticket": good}).status_code == 200


def test_a_pull_without_an_origin_from_another_machine_is_refused_as_a_socket_is(house):
    routes, client = house
    ticket = ticket_of(routes)
    assert client.post(f"{PREFIX}/link", headers={"x-studio-ticket": ticket}).status_code == 403
    assert routes.tickets.valid(ticket)
    headers = pulled(routes, client, routes.seats.sit())
    token = {"x-studio-link": headers["x-studio-link"]}
    assert client.post(f"{PREFIX}/up", headers=token, json={"messages": []}).status_code == 403
    assert client.get(f"{PREFIX}/frame", headers=token).status_code == 200, "a browser leaves it out of a GET"


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": [' + b"[" * 994 + b"]" * 994 + b"]}",
        b'{"messages": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"messages": [{"type": "control", "number": NaN, "control": 1}]}',
        b'{"messages": [{"type": "control", "number": "\\ud800", "control": 1}]}',
        b'{"messages": [{"type": "control", "number": 1e999, "control": 1}]}',
        b'{"messages": [{"type": "control", "number": {"a": [1, 2]}, "control": 1}]}',
        b'{"messages": [{"type": "control", "number": "' + b"x" * 50_000 + b'", "control": 1}]}',
        b'{"messages": [{"type": "\\ud800"}]}',
        b'{"messages": [{"type": "command", "name": "load", "model": "\\ud800"}]}',
        b"\xff\xfe",
        b'{"messages": {"a": 1}}',
    ],
    ids=[
        "deep",
        "deeper",
        "NaN",
        "half",
        "infinite",
        "an object",
        "long",
        "type",
        "model",
        "no text",
        "no list",
    ],
)
def test_what_is_no_message_is_answered_and_nothing_is_lost_with_it(house, body):
    routes, client = house
    headers = pulled(routes, client, routes.seats.sit())
    (connection,) = routes.connections.open.values()
    connection.send_ping()
    answer = client.post(f"{PREFIX}/up", headers=headers, content=body)
    assert answer.status_code == 200
    messages = json.loads(answer.text)["messages"]
    assert {"ping", "error"} <= {message["type"] for message in messages}, "what was on its way is not lost"
    assert len(answer.content) < 20_000, "nothing is said back at length"
    (error,) = [message for message in messages if message["type"] == "error"]
    assert error.get("number") is None
    assert client.post(f"{PREFIX}/up", headers=headers, json={"messages": [{"type": "dance"}]}).status_code == 200
