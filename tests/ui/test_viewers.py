"""Who looks at a seat's picture by its link: sees it, changes nothing, and is gone when it is withdrawn."""

import io
import json
import socket as sockets
import threading
import time

import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.websockets import WebSocketDisconnect
from tiny.model import TinyModel
from ui_stand_ins import StandIn

from studio.frames import Frame
from studio.session import Session
from studio.ui import viewers
from studio.ui.frame_sender import Sending
from studio.ui.guard import needs_login
from studio.ui.low_latency_http import LowLatencyHttp
from studio.ui.protocol import CloseCode
from studio.ui.restore import restore, saved_of
from studio.ui.routes import PREFIX, Routes
from studio.ui.saved import parse, small_enough
from studio.ui.seat import Seat
from studio.ui.seats import Seats
from ui.client import FOX, OURS, PRESET, close_of, frame, pulled, socket, ticket_of, told, until
from ui.client import linked as page_linked


def watching(client, secret):
    return client.websocket_connect(f"{PREFIX}/watch/{secret}", subprotocols=["studio.v1"], headers=dict(OURS))


def seat_of(routes) -> Seat:
    (seat,) = routes.seats.taken.values()
    return seat


def test_a_viewer_sees_the_newest_frames_and_changes_nothing(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        views = until(page, "views")
        seat = seat_of(routes)
        assert views == {"type": "views", "secret": seat.viewers.secret, "watching": 0}
        before = list(seat.session.sent)
        with watching(client, views["secret"]) as viewer:
            viewer.send_json({"type": "open"})
            for message in ({"type": "control", "control": FOX.to_message()}, {"type": "command", "name": "reset"}, []):
                viewer.send_json(message)
            viewer.send_text("x" * 5000)
            viewer.send_json({"type": "ack", "sequence": "one"})
            viewer.send_json({"type": "pong", "number": 1})
            first = until(viewer, "frame")
            viewer.send_json({"type": "ack", "sequence": first[0]})
            assert until(viewer, "frame")[1] > first[1]
            assert until(page, "views")["watching"] == 1
        assert seat.session.sent == before
        assert until(page, "views")["watching"] == 0
    assert not len(seat.viewers)
    assert not seat.mailbox._bells  # nobody is woken who has gone


def test_a_withdrawn_link_ends_who_looks_on_and_leads_nowhere(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        secret = until(page, "views")["secret"]
        with watching(client, secret) as viewer:
            viewer.send_json({"type": "open"})
            until(viewer, "frame")
            page.send_json({"type": "command", "name": "withdraw-views"})
            assert close_of(viewer) == (CloseCode.WITHDRAWN, CloseCode.WITHDRAWN.words)
        new = until(page, "views")["secret"]
        assert new != secret
        with watching(client, secret) as viewer:  # whose line was broken as it happened
            assert close_of(viewer) == (CloseCode.WITHDRAWN, CloseCode.WITHDRAWN.words)
        with watching(client, "another") as viewer:
            assert close_of(viewer) == (CloseCode.POLICY, viewers.NOBODY)
        assert client.get(f"{PREFIX}/mjpeg/{secret}").status_code == 404
        assert client.get(f"{PREFIX}/mjpeg/%C3%A4").status_code == 404
    with watching(client, new) as viewer:
        viewer.send_json({"type": "open"})
        until(viewer, "frame")
        routes.seats.close(seat_of(routes))
        assert close_of(viewer)[0] == CloseCode.STOPPING


def test_a_foreign_page_sees_nothing_and_a_silent_viewer_is_given_up(timed):
    routes, client, beat = timed
    seat = routes.seats.sit()
    evil, address = {"origin": "https://evil.example"}, f"{PREFIX}/watch/{seat.viewers.secret}"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(address, headers=evil):
        pass
    with watching(client, seat.viewers.secret) as viewer:
        viewer.send_json({"type": "open"})
        beat(20)
        assert close_of(viewer)[0] == CloseCode.SILENT
    assert not routes.connections.viewers


def test_no_more_look_on_than_may(house, monkeypatch):
    routes, client = house
    monkeypatch.setattr(viewers, "MOST", 1)
    seat = routes.seats.sit()
    with watching(client, seat.viewers.secret) as one:
        one.send_json({"type": "open"})
        json.loads(one.receive_text())
        with watching(client, seat.viewers.secret) as other:
            assert close_of(other) == (
                CloseCode.POLICY,
                "1 look at this picture, as many as can at once; close one of them",
            )
        assert client.get(f"{PREFIX}/mjpeg/{seat.viewers.secret}").status_code == 503


def test_the_page_of_a_projector_is_there_for_any_link_and_tells_nobody_of_it(house):
    _, client = house
    page = client.get(f"{PREFIX}/view/whatever")
    assert "../web/view.js" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


def test_a_login_is_asked_for_on_each_of_its_addresses():
    assert all(needs_login(f"{PREFIX}/{what}/secret") for what in ("view", "watch", "mjpeg"))


def test_a_link_outlives_a_restart_of_the_server(tmp_path):
    before, after, fresh = (Seat(Session(TinyModel()), tmp_path) for _ in range(3))
    restore(after, parse(small_enough(saved_of(before))), tmp_path)
    assert after.viewers.secret == before.viewers.secret
    old = json.loads(small_enough(saved_of(before)))
    del old["views"]
    restore(fresh, parse(json.dumps(old)), tmp_path)
    assert len(fresh.viewers.secret) == len(before.viewers.secret)


def test_all_who_look_on_share_one_jpeg():
    sending, one = Sending(), frame(1)
    assert sending.jpeg(one) is sending.jpeg(one)
    assert len(sending.pack_ms) == 1
    sending.quality = 40
    assert len(sending.jpeg(one)) < len(Sending().jpeg(one))


def test_a_page_says_whether_it_shows_h264_and_only_over_a_socket_is_it_asked(house):
    routes, client = house

    async def test(connection, session):
        assert connection.accept(json.dumps({"type": "decodes", "h264": True}))
        assert connection.frames.video._decodes
        assert connection.accept(json.dumps({"type": "decodes", "h264": "yes"}))
        assert not connection.frames.video._decodes
        assert not told(connection, "error")

    page_linked(test)
    assert pulled(routes, client, routes.seats.sit())  # an old page says nothing
    assert not any(one.frames.video._decodes for one in routes.connections.open.values())


# MJPEG, from a server of its own: a test client reads no stream without an end


@pytest.fixture(scope="module")
def mjpeg(tmp_path_factory):
    """The port of a server, and a seat on it whose pictures the test makes."""
    routes = Routes(Seats(StandIn, opening=PRESET, takes=tmp_path_factory.mktemp("takes")), {"fox": PRESET})
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", http=LowLatencyHttp))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1], routes.seats.sit()
    server.should_exit = server.force_exit = True
    thread.join()


def numbered(index: int) -> Frame:
    """A picture that takes 60 kB as JPEG and says its number in a corner."""
    noise = np.random.default_rng(index).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    noise[:64, :64] = index
    return Frame(index, noise, made_ns=time.time_ns())


class Reader:
    """A player of MJPEG, with small buffers."""

    def __init__(self, port: int, secret: str) -> None:
        self.socket = sockets.socket()
        self.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 32 * 1024)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET {PREFIX}/mjpeg/{secret} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")

    def read_head(self) -> list[str]:
        lines = []
        while line := self.file.readline().strip():
            lines.append(line.decode())
        return lines

    def read_number(self) -> int:
        """The number in the next picture."""
        assert self.file.readline().strip() in (b"--frame", b"")
        size = next((int(line.split()[1]) for line in self.read_head() if line.startswith("Content-Length")), None)
        if size is None:
            raise EOFError
        picture = np.asarray(Image.open(io.BytesIO(self.file.read(size))))
        self.file.readline()
        return round(picture[8:56, 8:56].mean())

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def gone(seat) -> bool:
    end = time.monotonic() + 20
    while len(seat.viewers) and time.monotonic() < end:
        time.sleep(0.02)
    return not len(seat.viewers)


def test_a_player_reads_each_picture_and_a_slow_one_the_newest_with_nothing_piled_up(mjpeg):
    port, seat = mjpeg
    seat.mailbox.put(numbered(1))
    reader = Reader(port, seat.viewers.secret)
    assert reader.read_head()[0] == "HTTP/1.1 200 OK"
    assert reader.read_number() == 1
    seat.mailbox.put(numbered(2))
    assert reader.read_number() == 2
    for number in range(3, 63):  # it does not read meanwhile
        seat.mailbox.put(numbered(number))
        time.sleep(0.02)
    stale = 0
    while reader.read_number() < 60:
        stale += 1
    assert stale <= 6  # what fits into the reader's own buffers; with the machine's there are forty
    reader.close()
    assert gone(seat)


def test_players_are_few_and_a_withdrawn_link_ends_them(mjpeg, monkeypatch):
    port, seat = mjpeg
    seat.mailbox.put(numbered(9))
    monkeypatch.setattr(viewers, "MOST_MJPEG", 1)
    reader = Reader(port, seat.viewers.secret)
    reader.read_head()
    reader.read_number()
    second = Reader(port, seat.viewers.secret)
    assert second.read_head()[0].startswith("HTTP/1.1 503")
    seat.viewers.withdraw()
    with pytest.raises(EOFError):
        list(iter(reader.read_number, None))
    assert gone(seat)
    reader.close()
    second.close()
