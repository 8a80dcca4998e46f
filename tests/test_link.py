"""The connection between a page and its session: packing, window, security, seats and routes, without a browser."""

import asyncio
import base64
import gc
import json
import re
import struct
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from ui_stand_ins import StandIn, StandInModel

from studio.controls import Pause, Picture, Prompt, Stroke, strokes, to_message
from studio.frames import Frame
from studio.presets import Preset
from studio.score import Score
from studio.ui import security
from studio.ui.connection import Connection
from studio.ui.errors import SeatsTaken
from studio.ui.heartbeat import PINGS_KEPT, SOCKET_PATIENCE, Heartbeat
from studio.ui.mailbox import HEADER, Mailbox, encode_jpeg, encode_png, pack, unpack
from studio.ui.model_load import LoadProgress
from studio.ui.protocol import CloseCode, ProtocolError, parse
from studio.ui.pull import PULL_PATIENCE
from studio.ui.routes import PREFIX, WEB, Routes
from studio.ui.seat import Seat
from studio.ui.seats import Seats
from studio.ui.security import Allowance, Tickets, same_origin
from studio.ui.sockets import PROTOCOL
from studio.ui.takes import TakeVideo, take_path
from studio.ui.window import NARROWEST, PATIENCE, WIDEST, Window

FOX = Stroke("1", "fox", ((0, 0.25, 0.75),), mode="pin")
PRESET = Preset.parse(
    json.dumps(
        {
            "name": "Fox",
            "description": "A fox.",
            "controls": [
                {"kind": "prompt", "text": "a meadow"},
                {"kind": "stroke", "id": "fox", "label": "fox", "mode": "pin", "points": [[0, 0.5, 0.5]]},
            ],
        }
    )
)
OURS = {"origin": "http://testserver"}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def frame(index: int = 7, revision: int = 3) -> Frame:
    picture = np.random.default_rng(index).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    return Frame(index, picture, revision, time.time_ns(), 41.5)


# Packing


def test_a_packed_frame_reads_back_as_it_was():
    sequence, index, revision, tick, age, made, jpeg = unpack(pack(frame(), 12))
    assert (sequence, index, revision, tick) == (12, 7, 3, 41.5)
    assert 0 <= age < 5000
    assert made == pytest.approx(time.time() * 1e3, abs=5000)
    assert jpeg[:2] == b"\xff\xd8"


def test_the_header_is_32_bytes_as_the_page_expects():
    assert HEADER.size == 32


def test_what_is_no_frame_is_named():
    with pytest.raises(ValueError, match="STF1"):
        unpack(b"x" * 40)


def test_jpeg_by_either_library_shows_the_picture(monkeypatch):
    import io

    from PIL import Image

    across, down = np.meshgrid(np.arange(64), np.arange(64))
    smooth = np.stack([across, down, np.full((64, 64), 90)], -1).astype(np.uint8) * 2
    for library in ("simplejpeg", "pillow"):
        if library == "pillow":
            monkeypatch.setattr("studio.ui.mailbox.simplejpeg", None)
        shown = np.asarray(Image.open(io.BytesIO(encode_jpeg(smooth))), dtype=int)
        assert abs(shown - smooth).mean() < 3


def test_png_keeps_every_pixel():
    import io

    from PIL import Image

    picture = frame().picture
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(picture)))), picture)


def test_a_mailbox_keeps_the_newest_and_finds_what_was_seen():
    mailbox = Mailbox()
    assert mailbox.newest is None
    assert mailbox.frame(3) is None
    frames = [frame(index) for index in range(40)]
    for made in frames:
        mailbox.put(made)
    assert mailbox.count == 40
    assert mailbox.newest is frames[39]
    assert mailbox.frame(35) is frames[35]
    assert mailbox.frame(2) is frames[39]


def test_a_mailbox_says_how_long_to_wait_for_a_frame_made_ahead():
    mailbox = Mailbox()
    assert mailbox.wait(0.25) == 0.25
    mailbox.put(replace(frame(1), due=time.monotonic() + 3600))
    assert (mailbox.count, mailbox.wait(0.25)) == (0, 0.25)
    assert 3500 < mailbox.wait(9000) <= 3600


# Window


def played(window: Window, round_trip, seconds: float, fps: float = 30.0) -> None:
    """Frames at a rate, acknowledged after `round_trip(frames on their way)` seconds."""
    now, sequence, waiting = 0.0, 0, []
    while now < seconds:
        now += 1 / fps / 4
        for due, number in [entry for entry in waiting if entry[0] <= now]:
            window.acknowledged(number, due)
            waiting.remove((due, number))
        if window.open(now) and sequence < now * fps:
            sequence += 1
            window.sent(sequence, now)
            waiting.append((now + round_trip(len(waiting)), sequence))


def test_the_window_fills_a_long_clear_line():
    window = Window()
    window.pinged(0.1)
    played(window, lambda waiting: 0.1, 10)
    assert 3 <= window.size <= WIDEST


def test_the_window_stays_narrow_where_frames_queue():
    window = Window()
    window.pinged(0.01)
    window.size = WIDEST
    played(window, lambda waiting: 0.01 + 0.1 * (waiting + 1), 20)
    assert window.size == NARROWEST


def test_a_full_window_lets_nothing_out_until_an_acknowledgement_or_patience_ends():
    window = Window()
    for sequence in range(NARROWEST):
        assert window.open(0.0)
        window.sent(sequence, 0.0)
    assert not window.open(0.1)
    window.acknowledged(0, 0.2)
    assert window.open(0.2)
    window.sent(9, 0.2)
    assert not window.open(0.3)
    assert window.open(0.3 + PATIENCE)


def test_an_acknowledgement_of_nothing_changes_nothing():
    window = Window()
    window.acknowledged(99, 1.0)
    assert window.typical == 0.0


# Heartbeat


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


# Security


def test_a_ticket_opens_once():
    tickets = Tickets()
    ticket = tickets.mint("seat")
    assert tickets.valid(ticket)
    assert tickets.valid(ticket)
    assert tickets.burn(ticket) == "seat"
    assert not tickets.valid(ticket)
    assert tickets.burn(ticket) is None


def test_a_ticket_grows_old():
    clock = Clock()
    tickets = Tickets(clock)
    ticket = tickets.mint("seat")
    clock.now += security.TICKET_SECONDS + 0.1
    assert not tickets.valid(ticket)
    assert tickets.burn(ticket) is None


def test_a_made_up_ticket_opens_nothing():
    tickets = Tickets()
    tickets.mint("seat")
    assert not tickets.valid("")
    assert tickets.burn("x") is None


@pytest.mark.parametrize(
    ("headers", "client", "ours"),
    [
        ({"origin": "http://here:7860", "host": "here:7860"}, "10.0.0.9", True),
        ({"origin": "https://pub.example", "host": "10.0.0.1", "x-forwarded-host": "pub.example"}, "10.0.0.9", True),
        ({"origin": "https://evil.example", "host": "here:7860"}, "127.0.0.1", False),
        ({"origin": "null", "host": "here:7860"}, "127.0.0.1", False),
        ({"origin": "", "host": "here:7860"}, "127.0.0.1", False),
        ({"host": "here:7860"}, "127.0.0.1", True),
        ({"host": "here:7860"}, "10.0.0.9", False),
    ],
)
def test_only_pages_of_this_server_are_ours(headers, client, ours):
    assert same_origin(headers, client) is ours


def test_an_allowance_is_spent_and_comes_back():
    clock = Clock()
    allowance = Allowance(clock)
    spent = sum(allowance.spend(10) for _ in range(1000))
    assert spent == 2 * security.MESSAGES_A_SECOND
    clock.now += 1
    assert sum(allowance.spend(10) for _ in range(1000)) == pytest.approx(security.MESSAGES_A_SECOND, abs=1)


def test_large_messages_spend_it_sooner():
    allowance = Allowance(Clock())
    assert sum(allowance.spend(60_000) for _ in range(100)) == 17


# Messages


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


def linked(test, session=None, presets=None, clock=time.monotonic):
    """Run `test(connection, session)` on an event loop with a connection to a stand-in's seat."""
    session = session or StandIn()

    async def run():
        seat = Seat(session, test_folder)
        connection = Connection(seat, presets or {"fox": PRESET}, clock)
        await test(connection, session)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setattr("test_link.test_folder", tmp_path, raising=False)


test_folder: Path = Path()


def told(connection, type):
    return [message for message in map(json.loads, connection.drain()) if message["type"] == type]


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
        connection.seat.mailbox.bell = connection.bell
        threading.Timer(0.05, session.step).start()
        assert unpack(await connection.wait_frame(5.0))[1] == 0

    linked(test)


def test_two_pulls_at_once_do_not_get_the_same_frame():
    async def test(connection, session):
        connection.seat.mailbox.bell = connection.bell
        pulls = [asyncio.create_task(connection.wait_frame(0.5)) for _ in range(2)]
        await asyncio.sleep(0.02)
        session.step()
        await asyncio.sleep(0.05)
        session.step()
        assert sorted(unpack(data)[1] for data in await asyncio.gather(*pulls)) == [0, 1]

    linked(test)


# Pictures


def jpeg(width=48, height=32, grey=90) -> bytes:
    return encode_jpeg(np.full((height, width, 3), grey, np.uint8))


def sent(data: bytes, number=9, saw=4) -> bytes:
    """A picture as the page packs it."""
    return struct.pack("<4sII", b"STP1", number, saw) + data


class Draws(StandInModel):
    """A model that draws from pictures."""

    def __init__(self, size):
        super().__init__(size, independent=True, takes_pictures=True, loras=("ink",))


def drawing() -> Any:
    session = StandIn()
    session.model = Draws((32, 48))
    return session


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


# What a model plays


def test_a_page_is_told_what_plays_and_why_the_rest_does_not():
    class Refusing(StandInModel):
        def __init__(self, size):
            super().__init__(size, refuses={"stroke": "it knows words alone"})

        def sigmas(self, steps, strength=1.0):
            if steps != 4:
                raise ValueError("4 steps")
            return super().sigmas(steps)

    async def test(connection, session):
        connection.send_hello()
        (hello,) = told(connection, "hello")
        assert hello["plays"] == ["prompt", "sampling", "sink", "erase", "pause", "cache"]
        assert hello["refuses"] == {"stroke": "it knows words alone"}
        assert not hello["choice"]
        session.model = Draws((32, 48))
        (hello,) = told(connection, "hello")
        assert {"picture", "similarity", "structure", "lora", "noise", "camera", "steps", "stroke"} < set(
            hello["plays"]
        )
        assert not {"sink", "cache"} & set(hello["plays"])
        assert hello["size"] == [48, 32]
        assert hello["loras"] == ["ink"]
        assert told(connection, "hello") == [], "once for each model"

    session = StandIn()
    session.model = Refusing((64, 64))
    linked(test, session)


def test_a_link_does_not_hold_a_model_that_is_no_longer_played():
    async def test(connection, session):
        connection.send_hello()
        before = weakref.ref(session.model)
        session.model = Draws((32, 48))
        gc.collect()
        assert before() is None

    linked(test)


def test_a_page_is_told_once_what_a_word_is_painted_as_that_the_model_does_not_know():
    async def test(connection, session):
        session.model.reads = lambda label: ("fox", label == "fox")
        for label in ("fox", "democracy", "democracy", "fox"):
            await connection.receive(json.dumps({"type": "control", "control": to_message(replace(FOX, label=label))}))
        (notice,) = told(connection, "notice")
        assert notice["message"] == "stand-in has no word for “democracy”; what is nearest is painted: fox."
        connection.send_hello()  # as with another model
        await connection.receive(
            json.dumps({"type": "control", "control": to_message(replace(FOX, label="democracy"))})
        )
        assert len(told(connection, "notice")) == 1, "it may read the word as something else"
        connection.send_hello()
        connection.seat.session.model.reads = lambda label: (label, True)
        await connection.receive(
            json.dumps({"type": "control", "control": to_message(replace(FOX, label="democracy"))})
        )
        assert not told(connection, "notice")

    linked(test)


def test_a_preset_gives_what_the_model_plays_and_says_what_it_leaves_aside():
    async def test(connection, session):
        session.model = StandInModel((64, 64), refuses={"stroke": "it knows words alone"})
        await connection.receive('{"type": "command", "name": "preset", "preset": "fox"}')
        (notice,) = told(connection, "notice")
        assert notice["message"] == "stand-in takes no strokes: it knows words alone."
        session.step()
        assert session.engine.state[Prompt].text == "a meadow"
        assert not strokes(session.engine.state)

    linked(test)


@pytest.mark.parametrize(
    "command",
    [{"name": "load", "model": "/etc"}, {"name": "load"}, {"name": "load", "model": ["tiny"]}],
)
def test_a_model_that_is_not_offered_is_answered(command):
    async def test(connection, session):
        await connection.receive(json.dumps({"type": "command", **command}))
        assert "one model" in told(connection, "error")[0]["message"]
        await connection.receive('{"type": "command", "name": "cancel"}')
        await connection.receive('{"type": "command", "name": "models"}')
        assert told(connection, "models")[0]["items"] == []

    linked(test)


def test_how_far_a_model_is_is_told_in_turn_and_its_end_always():
    clock = Clock()

    async def test(connection, session):
        def far(done, stage="download"):
            connection.seat.models.load = SimpleNamespace(progress=LoadProgress("big", stage, done, 100))
            return [(message["stage"], message["done"]) for message in told(connection, "loading")]

        assert far(1) == [("download", 1)]
        assert far(2) == [], "not for every megabyte"
        clock.now += 1
        assert far(3) == [("download", 3)]
        assert far(3, "load") == [("load", 3)]
        assert far(3, "ready") == [("ready", 3)]
        assert far(3, "ready") == []
        connection.send_hello()
        assert far(3, "ready") == [], "what is over is not told again"
        connection.seat.models.load = SimpleNamespace(progress=LoadProgress("big", "failed"))
        connection.send_hello()
        assert far(0, "failed") == [("failed", 0)], "but what came to its end while the line was broken is"

    linked(test, clock=clock)


# Seats


def content(seat, secret) -> Any:
    return seat.downloads.get(secret).content


def seats(tmp_path, **options) -> Seats:
    return Seats(StandIn, takes=tmp_path, **options)


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


def test_a_take_in_progress_is_finished_when_its_page_is_closed(tmp_path):
    house = seats(tmp_path)
    seat = house.sit()
    seat.session.step()
    seat.record()
    for _ in range(5):
        seat.session.step()
    house.close_all()
    (score,), (video,) = tmp_path.glob("*.jsonl"), tmp_path.glob("*.mp4")
    assert Score.read(score).header.frames == 5
    assert video.stat().st_size > 500


def test_a_video_holds_exactly_the_frames_of_the_take(tmp_path):
    from imageio.v3 import improps

    house = seats(tmp_path)
    seat = house.sit()
    for _ in range(3):
        seat.session.step()
    seat.record()
    for _ in range(7):
        seat.session.step()
    take = seat.stop_recording()
    seat.session.step()
    assert take
    assert take.frames == 7
    assert take.problem == ""
    assert improps(content(seat, take.video), plugin="pyav").n_images == 7
    assert Score.parse(content(seat, take.score).decode()).header.start == 3


def test_frames_before_a_takes_first_and_after_its_last_are_not_in_the_video(tmp_path):
    from imageio.v3 import improps

    video = TakeVideo(tmp_path / "take.mp4", 24)
    for index in range(6):
        video.put(frame(index))
    video.begin(3)
    for index in range(6, 12):
        video.put(frame(index))
    time.sleep(0.2)
    video.finish(3, 7)
    assert improps(video.path, plugin="pyav").n_images == 7


def test_a_take_survives_a_disk_that_takes_no_video(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    session = StandIn()
    session.record = lambda path: session._begin(session.engine.frame) or 0
    session.stop_recording = lambda: session.score
    seat = Seat(session, blocked)
    seat.record()
    for _ in range(4):
        seat.session.step()
    take = seat.stop_recording()
    assert take
    assert "There is no video" in take.problem
    assert not take.video
    assert Score.parse(content(seat, take.score).decode()).header.frames == 4


def test_a_reset_keeps_the_take_that_is_being_recorded(tmp_path):
    seat = Seat(StandIn(), tmp_path)
    seat.record()
    seat.session.step()
    take = seat.reset()
    assert take
    assert take.frames == 1
    assert seat.session.engine.frame == 0
    assert not seat.recorder.recording


def test_a_snapshot_is_the_frame_the_person_saw(tmp_path):
    import io

    from PIL import Image

    seat = Seat(StandIn(), tmp_path)
    frames: list[Any] = [seat.session.step() for _ in range(5)]
    snapshot = seat.snapshot(2)
    assert snapshot
    assert snapshot.frame == 2
    png = content(seat, snapshot.address)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), frames[2].picture)


def test_takes_of_one_second_get_different_names(tmp_path):
    first = take_path(tmp_path, "A Fox, in the *Snow*!")
    first.with_name(first.name + ".jsonl").touch()
    second = take_path(tmp_path, "A Fox, in the *Snow*!")
    assert "a-fox-in-the-snow" in first.name
    assert first != second
    assert take_path(tmp_path, "../../etc").parent == tmp_path


def test_a_video_that_cannot_keep_up_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.ui.takes.WAITING", 4)
    video = TakeVideo(tmp_path / "take.mp4", 24)
    for index in range(10):
        video.put(frame(index))
    video.finish(0, 10)
    assert "lacks 6 frames" in video.problem


def test_a_session_that_failed_says_so_and_begins_again_with_reset(tmp_path):
    from conftest import TinyModel

    from studio.session.session import Session

    class Failing(TinyModel):
        fails = False

        def denoise(self, *args, **options):
            if self.fails:
                raise RuntimeError("out of memory")
            return super().denoise(*args, **options)

    async def reached(condition):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)

    async def test():
        model = Failing()
        seat = Seat(Session(model), tmp_path)  # pyright: ignore[reportArgumentType]
        connection = Connection(seat, {})
        seat.attach(connection)
        await reached(lambda: seat.mailbox.count > 1)
        model.fails = True
        await reached(lambda: seat.session.error)
        assert told(connection, "status")[0]["error"] == "out of memory"
        model.fails = False
        await connection.receive('{"type": "command", "name": "reset"}')
        count = seat.mailbox.count
        await reached(lambda: seat.mailbox.count > count)
        seat.close()

    asyncio.run(test())


# Routes


@pytest.fixture
def house(tmp_path):
    routes = Routes(Seats(StandIn, opening=PRESET, takes=tmp_path), {"fox": PRESET})
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    with TestClient(app) as client:
        yield routes, client


def socket(client, ticket, headers=OURS):
    return client.websocket_connect(f"{PREFIX}/ws", subprotocols=[PROTOCOL, f"ticket.{ticket}"], headers=dict(headers))


def ticket_of(routes) -> str:
    return routes.tickets.mint(routes.seats.sit().id)


def until(page, type) -> Any:
    """The next message of a type; frames are acknowledged on the way."""
    for _ in range(500):
        message = page.receive()
        if message.get("bytes"):
            if type == "frame":
                return unpack(message["bytes"])
            page.send_json({"type": "ack", "sequence": unpack(message["bytes"])[0]})
        elif json.loads(message["text"])["type"] == type:
            return json.loads(message["text"])
    raise AssertionError(f"no {type} came")


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


MINUTE = 60.0


@pytest.fixture
def timed(tmp_path):
    """A house with a heartbeat a minute, on time that passes when it is told to."""
    clock = Clock()
    routes = Routes(Seats(StandIn, opening=PRESET, takes=tmp_path), {"fox": PRESET}, MINUTE, clock)
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    with TestClient(app) as client:

        def beat(times=1):
            for _ in range(times):
                clock.now += routes.connections.heartbeat
                assert client.portal
                client.portal.call(routes.connections.beat)

        yield routes, client, beat


def close_of(page) -> tuple[int, str]:
    """Code and reason of the close that is next but for messages and frames."""
    for _ in range(500):
        message = page.receive()
        if message["type"] == "websocket.close":
            return message["code"], message["reason"]
    raise AssertionError("the socket was not closed")


def paused(seat, wanted=True) -> None:
    end = time.monotonic() + 20
    while seat.state[Pause].paused is not wanted or seat.session.engine.state[Pause].paused is not wanted:
        assert time.monotonic() < end
        time.sleep(0.01)


def pause(wanted=True) -> dict[str, Any]:
    return {"type": "control", "control": to_message(Pause(wanted))}


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


def pulled(routes, client, seat) -> dict[str, str]:
    """The headers of a new link by HTTP."""
    papers = OURS | {"x-studio-ticket": routes.tickets.mint(seat.id)}
    return OURS | {"x-studio-link": client.post(f"{PREFIX}/link", headers=papers).json()["token"]}


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


def test_a_take_is_recorded_and_downloaded(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        page.send_json({"type": "command", "name": "record"})
        assert until(page, "recording")["recording"]
        page.send_json({"type": "control", "control": to_message(FOX)})
        for _ in range(4):
            page.send_json({"type": "ack", "sequence": until(page, "frame")[0]})
        page.send_json({"type": "command", "name": "stop"})
        take = until(page, "take")["take"]
    answer = client.get(f"{PREFIX}/download/{take['score']}")
    assert f'filename="{take["name"]}.jsonl"' in answer.headers["content-disposition"]
    score = Score.parse(answer.text)
    assert score.header.frames == take["frames"]
    assert FOX in [event.control for event in score.events]
    video = client.get(f"{PREFIX}/download/{take['video']}")
    assert video.headers["content-type"] == "video/mp4"
    assert client.get(f"{PREFIX}/download/guess").status_code == 404


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


@pytest.mark.parametrize("name", ["..%2flink.py", "stage.html", "nothing.js", "%2e%2e%2f%2e%2e%2fapp.py"])
def test_only_scripts_and_styles_are_served(house, name):
    _, client = house
    assert client.get(f"{PREFIX}/web/{name}").status_code == 404
    assert client.get(f"{PREFIX}/web/main.js").headers["content-type"].startswith("text/javascript")
