"""A link by WebSocket: its handshake, its frames, and how it ends."""

import re
import threading
import time

import pytest
from starlette.websockets import WebSocketDisconnect

from studio.controls import Prompt, to_message
from studio.ui.heartbeat import SOCKET_PATIENCE
from studio.ui.protocol import CloseCode
from studio.ui.routes import WEB
from studio.ui.window import NARROWEST
from ui.client import FOX, OURS, close_of, jpeg, pause, paused, sent, socket, ticket_of, until


def test_a_page_with_a_ticket_is_greeted_and_gets_frames(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        hello = until(page, "hello")
        assert hello["size"] == [64, 64]
        assert hello["labels"] == ["fox", "bear"]
        assert hello["state"]["prompt"]["text"] == "a meadow"
        first, second = until(page, "frame"), until(page, "frame")
        assert second[1] > first[1]


def test_a_stroke_over_the_socket_is_in_the_next_pictures(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        page.send_json({"type": "control", "number": 1, "control": to_message(FOX)})
        revision = until(page, "sent")["revision"]
        got = (0, 0, -1)
        for _ in range(50):
            got = until(page, "frame")
            page.send_json({"type": "ack", "sequence": got[0]})
            if got[2] >= revision:
                break
        (seat,) = routes.seats.taken.values()
        assert got[2] >= revision
        assert seat.mailbox.frame(None).picture[48, 16].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("ticket", "headers"),
    [("", OURS), ("guess", OURS), (None, {"origin": "https://evil.example"}), (None, {})],
    ids=["no ticket", "a guess", "a foreign page", "no origin from afar"],
)
def test_who_may_not_in_is_refused_before_the_handshake(house, ticket, headers):
    routes, client = house
    good = ticket_of(routes)
    with pytest.raises(WebSocketDisconnect), socket(client, good if ticket is None else ticket, headers):
        pass
    assert routes.tickets.valid(good)


def test_a_ticket_works_for_one_link_only(house):
    routes, client = house
    ticket = ticket_of(routes)
    with socket(client, ticket) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        with pytest.raises(WebSocketDisconnect), socket(client, ticket):
            pass


def test_a_page_without_acknowledgements_gets_no_more_than_the_window(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        (seat,) = routes.seats.taken.values()
        while seat.mailbox.count < 20:
            time.sleep(0.02)
        assert seat.connection.frames._sequence == NARROWEST


def test_garbage_on_the_socket_is_answered_and_pictures_go_on(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        for garbage in ("{", "[]", '{"type": "control", "control": {"kind": "prompt", "text": ""}}'):
            page.send_text(garbage)
            assert until(page, "error")["message"]
        page.send_bytes(b"\xff\x00")
        assert "binary" in until(page, "error")["message"]
        page.send_bytes(sent(b"\xff\xd8\xff\x00"))
        assert until(page, "error")["number"] == 9
        page.send_bytes(sent(jpeg()))
        assert until(page, "sent")["number"] == 9
        assert until(page, "frame")


def test_a_second_tab_on_the_same_seat_takes_over(house):
    routes, client = house
    seat = routes.seats.sit()
    with socket(client, routes.tickets.mint(seat.id)) as first:
        first.send_json({"type": "open"})
        until(first, "hello")
        with socket(client, routes.tickets.mint(seat.id)) as second:
            second.send_json({"type": "open"})
            until(second, "hello")
            assert "another tab" in until(first, "superseded")["message"]
            assert until(second, "frame")
            assert seat.session.starts == 1


def test_a_page_that_answers_pings_through_an_hour_of_pause_plays_on_by_the_same_link(timed):
    routes, client, beat = timed
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        (connection,) = routes.connections.open.values()
        page.send_json(pause())
        until(page, "receipts")
        paused(connection.seat)
        for _ in range(60):
            beat()
            page.send_json({"type": "pong", "number": until(page, "ping")["number"]})
        page.send_json(pause(False))
        paused(connection.seat, False)
        first, second = until(page, "frame"), until(page, "frame")
        assert second[1] > first[1]
        assert list(routes.connections.open.values()) == [connection]
        assert connection.closed is None


def test_a_socket_whose_page_answers_nothing_is_closed_as_silent_and_its_session_waits(timed):
    routes, client, beat = timed
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        (connection,) = routes.connections.open.values()
        beat(SOCKET_PATIENCE)
        assert connection.closed is None
        beat()
        assert close_of(page) == (CloseCode.SILENT, CloseCode.SILENT.words)
        assert routes.connections.open == {}
        assert connection.seat.left_at is not None
        assert connection.seat.session.running
    with socket(client, routes.tickets.mint(connection.seat.id)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        assert until(page, "frame")
        assert connection.seat.session.starts == 1


def test_a_page_whose_words_are_being_read_is_not_silent(timed):
    routes, client, beat = timed
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        (connection,) = routes.connections.open.values()
        reading, read, send = threading.Event(), threading.Event(), connection.seat.session.send

        def slow(control):
            reading.set()
            assert read.wait(20)
            return send(control)

        connection.seat.session.send = slow
        page.send_json({"type": "control", "control": to_message(Prompt("a harbour"))})
        assert reading.wait(20)
        beat(3 * SOCKET_PATIENCE)
        assert connection.closed is None
        read.set()
        assert until(page, "sent")


def test_a_superseded_socket_is_closed_with_a_code_of_its_own(house):
    routes, client = house
    seat = routes.seats.sit()
    with socket(client, routes.tickets.mint(seat.id)) as first:
        first.send_json({"type": "open"})
        until(first, "hello")
        with socket(client, routes.tickets.mint(seat.id)) as second:
            second.send_json({"type": "open"})
            until(second, "hello")
            assert close_of(first) == (CloseCode.SUPERSEDED, CloseCode.SUPERSEDED.words)


def test_a_page_whose_seat_is_closed_is_told(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        routes.seats.close_all()
        assert close_of(page) == (CloseCode.STOPPING, CloseCode.STOPPING.words)


def test_a_ticket_whose_seat_is_gone_ends_as_refused(house):
    routes, client = house
    ticket = ticket_of(routes)
    routes.seats.close_all()
    with socket(client, ticket) as page:
        page.send_json({"type": "open"})
        assert close_of(page) == (CloseCode.POLICY, CloseCode.POLICY.words)


def test_page_and_server_mean_the_same_by_a_close_code():
    (table,) = re.findall(r"export const CLOSE = \{(.*?)\};", (WEB / "wire.js").read_text())
    theirs = {name: int(code) for name, code in re.findall(r"(\w+): (\d+)", table)}
    assert theirs == {code.name.lower(): code for code in CloseCode}
    assert all(0 < len(code.words.encode()) <= 123 for code in CloseCode), "a close frame holds no more"


def test_a_lost_socket_leaves_the_session_for_a_while(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        (seat,) = routes.seats.taken.values()
    for _ in range(100):
        if seat.left_at is not None:
            break
        time.sleep(0.02)
    assert seat.left_at is not None
    assert seat.session.running


def test_a_socket_whose_first_word_is_binary_is_taken_as_any(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_bytes(b"\x00\x01")
        assert until(page, "hello")
    with socket(client, ticket_of(routes)) as page:
        page.close()  # before its first word
