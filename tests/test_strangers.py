"""What strangers try: other sites' pages, other names, floods, full disks, seats that are kept or taken."""

import asyncio
import json
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from test_link import FOX, PRESET, Clock, pulled, socket, ticket_of, until
from ui_stand_ins import StandIn
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from studio.controls import Pause, Prompt, Stroke, to_message
from studio.score import Score
from studio.ui.address import check_address
from studio.ui.command_queue import MOST_QUEUED, CommandQueue
from studio.ui.connection import Connection
from studio.ui.errors import OptionsError, QuotaExceeded, SeatsTaken
from studio.ui.options import ServerOptions, check_certificate, read_auth
from studio.ui.protocol import CloseCode, Record, SetControl
from studio.ui.quota import TAKES_AT_ONCE, DiskQuota
from studio.ui.reading import LONGEST_WAIT, READING_AT_ONCE, READING_SHARE, ReadingBudget
from studio.ui.routes import PREFIX, Routes
from studio.ui.seat import Seat
from studio.ui.seats import GIVES_WAY_AFTER, GIVES_WAY_AFTER_PLAY, IDLE_AFTER, Seats
from studio.ui.security import HostPolicy, person_address

# Names


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:7860", True),
        ("LOCALHOST", True),
        ("app.localhost:80", True),
        ("127.0.0.1:7860", True),
        ("192.168.1.7:7860", True),
        ("[::1]:7860", True),
        ("[fe80::1]", True),
        ("", True),
        ("evil.example:7860", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("notlocalhost", False),
        ("studio.example", False),
        ("evil@localhost", False),
    ],
)
def test_a_server_answers_to_its_own_names_and_to_addresses(host, allowed):
    assert HostPolicy.of("127.0.0.1").allows(host) is allowed


def test_names_are_given_one_by_one_or_with_all_below_them():
    policy = HostPolicy.of("studio.lan", ["Studio.Example:443", "*.tunnel.example"])
    for host in ("studio.lan", "studio.example:8443", "studio.example.", "a.tunnel.example", "b.a.tunnel.example"):
        assert policy.allows(host), host
    for host in ("other.example", "tunnel.example", "xtunnel.example", "studio.example.evil.example"):
        assert not policy.allows(host), host
    assert policy.vouches_for("https://studio.example")
    assert not policy.vouches_for("https://studio.lan"), "its own name is no other site's"
    assert not policy.vouches_for("https://[evil")
    assert HostPolicy.of("0.0.0.0", share=True).allows("12ab.gradio.live")
    assert not HostPolicy.of("0.0.0.0").allows("12ab.gradio.live")


def launched(tmp_path, **options) -> Any:
    from studio.ui.app import launch

    return launch(session_factory=StandIn, presets={"fox": PRESET}, port=None, takes=tmp_path, block=False, **options)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a whole server, Gradio's part too, and its routes."""
    address, routes, page = launched(tmp_path_factory.mktemp("takes"), allowed_hosts=["studio.example"])
    yield address.rstrip("/"), routes
    routes.seats.close_all()
    page.close()


def asked_for_a_ticket(address, **headers):
    """The answer to what a page asks Gradio for."""
    with httpx.Client(headers=headers) as client:
        config = httpx.get(address + "/config").json()
        number = next(one["id"] for one in config["dependencies"] if one["targets"][0][1] == "ticket")
        body = {"data": [], "fn_index": number, "session_hash": "x", "event_data": {"seat": None}}
        return client.post(f"{address}/gradio_api/run/predict", json=body)


def test_a_page_of_this_server_gets_its_ticket(served):
    address, routes = served
    answer = asked_for_a_ticket(address, origin=address)
    assert answer.status_code == 200
    assert routes.tickets.valid(answer.json()["data"][0]["ticket"])
    routes.seats.close_all()


@pytest.mark.parametrize("named", ["host", "x-forwarded-host"])
def test_a_name_that_is_led_here_from_elsewhere_gets_no_answer_of_any_address(served, named):
    address, routes = served
    port = address.rpartition(":")[2]
    evil = {named: f"evil.example:{port}", "origin": f"http://evil.example:{port}"}
    assert asked_for_a_ticket(address, **evil).status_code == 403
    for path in ("/", "/config", "/gradio_api/info", f"{PREFIX}/web/main.js", "/theme.css", "/assets/nothing.js"):
        answer = httpx.get(address + path, headers=evil)
        assert answer.status_code == 403, path
        assert "--allowed-host" in answer.json()["error"]
    ticket = ticket_of(routes)
    with pytest.raises(InvalidStatus, match="403"):
        connect(
            f"ws://127.0.0.1:{port}{PREFIX}/ws",
            subprotocols=["studio.v1", f"ticket.{ticket}"],  # pyright: ignore[reportArgumentType]
            additional_headers={"x-forwarded-host": evil[named], "origin": evil["origin"]},
        )
    assert routes.tickets.valid(ticket)
    routes.seats.close_all()


def test_a_name_the_host_gave_is_answered_whatever_a_proxy_passes_on(served):
    address, routes = served
    assert httpx.get(address + "/config", headers={"host": "studio.example"}).status_code == 200
    public = {"origin": "https://studio.example"}  # and Host is the server's own: the proxy has rewritten it
    assert asked_for_a_ticket(address, **public).status_code == 200
    papers = public | {"x-studio-ticket": ticket_of(routes)}
    assert httpx.post(f"{address}{PREFIX}/link", headers=papers).status_code == 200
    routes.seats.close_all()


def test_nothing_is_uploaded(served):
    address, _ = served
    for headers in ({}, {"origin": address}, {"origin": "https://evil.example"}):
        answer = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.bin", b"x" * 1000)}, headers=headers)
        assert answer.status_code == 403
        assert "upload" in answer.json()["error"] or headers.get("origin") == "https://evil.example"


def test_another_sites_page_has_nothing_done_here(served):
    address, _ = served
    for origin in ("https://evil.example", "null"):
        assert asked_for_a_ticket(address, origin=origin).status_code == 403
        answer = httpx.post(f"{address}/gradio_api/queue/join", headers={"origin": origin}, content=b"{}")
        assert answer.status_code == 403


# Who has not logged in


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    address, routes, page = launched(tmp_path_factory.mktemp("takes"), auth={"ada": "countess"})
    yield address.rstrip("/"), routes
    routes.seats.close_all()
    page.close()


def test_a_login_holds_on_the_connection_the_takes_and_the_api(locked):
    address, routes = locked
    seat = routes.seats.sit()
    seat.session.step()
    secret = seat.snapshot(None).address
    papers = {"origin": address, "x-studio-ticket": routes.tickets.mint(seat.id)}
    port = address.rpartition(":")[2]

    def statuses(client):
        return {
            "link": client.post(f"{address}{PREFIX}/link", headers=papers).status_code,
            "up": client.post(f"{address}{PREFIX}/up", headers=papers, json={"messages": []}).status_code,
            "frame": client.get(f"{address}{PREFIX}/frame").status_code,
            "download": client.get(f"{address}{PREFIX}/download/{secret}").status_code,
            "info": client.get(f"{address}/gradio_api/info").status_code,
            "queue": client.get(f"{address}/gradio_api/queue/status").status_code,
        }

    with httpx.Client() as client:
        assert client.get(address).status_code == 200, "the form to log in by"
        assert set(statuses(client).values()) == {401}
        with pytest.raises(InvalidStatus, match="403"):
            connect(
                f"ws://127.0.0.1:{port}{PREFIX}/ws",
                subprotocols=["studio.v1", f"ticket.{papers['x-studio-ticket']}"],  # pyright: ignore[reportArgumentType]
                origin=address,  # pyright: ignore[reportArgumentType]
            )
        wrong = {"username": "ada", "password": "count"}
        assert client.post(f"{address}/login", data=wrong, headers={"origin": address}).status_code == 400
        right = {"username": "ada", "password": "countess"}
        assert client.post(f"{address}/login", data=right, headers={"origin": address}).status_code == 200
        after = statuses(client)
        assert (after["link"], after["download"], after["info"]) == (200, 200, 200)
        assert after["up"] == after["frame"] == 403, "with no connection yet: another refusal"
    seat.close()
    routes.seats.close_all()


def test_who_may_log_in_is_read_from_the_option_or_a_file(tmp_path):
    assert read_auth("ada:countess:of") == {"ada": "countess:of"}
    file = tmp_path / "users"
    file.write_text("# people\nada:countess\n\nalan:turing\n")
    assert read_auth(str(file)) == {"ada": "countess", "alan": "turing"}
    for text, says in (
        ("ada", "cannot be read"),
        (":x", "a user and a password"),
        ("ada:", "a user and a password"),
        (str(tmp_path), "cannot be read"),
    ):
        with pytest.raises(OptionsError, match=says):
            read_auth(text)
    file.write_text("\n# nobody\n")
    with pytest.raises(OptionsError, match="holds nobody"):
        read_auth(str(file))


def test_strangers_get_a_share_of_the_disk_and_the_owner_all_of_it():
    assert ServerOptions().disk_quota is None
    assert ServerOptions(host="0.0.0.0").disk_quota == 2 * 10**9
    assert ServerOptions(share=True).disk_quota == 2 * 10**9
    assert ServerOptions(disk_per_person=5).disk_quota == 5


# Pulls


@pytest.fixture
def house(tmp_path):
    routes = Routes(Seats(StandIn, opening=PRESET, takes=tmp_path), {"fox": PRESET})
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    with TestClient(app) as client:
        yield routes, client


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


def test_a_name_too_long_for_a_file_is_no_file(house):
    _, client = house
    for name in ("x" * 300 + ".js", "x" * 5000, "main.js%00.css"):
        assert client.get(f"{PREFIX}/web/{name}").status_code == 404


def test_a_video_that_was_deleted_is_said_to_be(house, tmp_path):
    routes, client = house
    seat = routes.seats.sit()
    seat.record()
    for _ in range(3):
        seat.session.step()
    take = seat.stop_recording()
    assert client.get(f"{PREFIX}/download/{take.video}").status_code == 200
    for film in tmp_path.glob("*.mp4"):
        film.unlink()
    answer = client.get(f"{PREFIX}/download/{take.video}")
    assert answer.status_code == 404
    assert "no longer there" in answer.json()["error"]
    assert client.get(f"{PREFIX}/download/{take.score}").status_code == 200


def test_a_socket_whose_first_word_is_binary_is_taken_as_any(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_bytes(b"\x00\x01")
        assert until(page, "hello")
    with socket(client, ticket_of(routes)) as page:
        page.close()  # before its first word


# New words


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


# Seats


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


# The disk


def test_takes_are_counted_by_the_address_they_come_from():
    clock = Clock()
    quota = DiskQuota(1000, clock)
    for _ in range(TAKES_AT_ONCE):
        quota.begin_take("a")
    with pytest.raises(QuotaExceeded, match="20 takes were begun within 200 s; the next may in 201 s"):
        quota.begin_take("a")
    quota.begin_take("b")
    clock.now += 200
    quota.begin_take("a")
    quota.add("a", 999)
    quota.begin_take("a")
    quota.add("a", 1)
    with pytest.raises(QuotaExceeded, match="as much as this server keeps for one person"):
        quota.begin_take("a")
    quota.begin_take("b")
    assert not DiskQuota().is_full("a", 10**15), "no limit where none was said"


def test_a_take_over_the_share_is_ended_kept_and_told_and_no_more_are_begun(tmp_path):
    async def test():
        house = Seats(StandIn, takes=tmp_path, disk=DiskQuota(3000))
        seat = house.sit()
        connection = Connection(seat, {})
        seat.attach(connection)
        await connection.receive('{"type": "command", "name": "record"}')
        (score,) = [seat.recorder._path.with_name(seat.recorder._path.name + ".jsonl")]
        score.write_text("x" * 4000)  # as a long take grows
        house.sweep()
        assert not seat.recorder.recording
        (take,) = [message for message in map(json.loads, connection.drain()) if message["type"] == "take"]
        assert "it fills what this server keeps" in take["take"]["problem"]
        assert Score.parse(seat.downloads.get(take["take"]["score"]).content.decode()).events
        seat.recorder._disk.add("", 3000)
        await connection.receive('{"type": "command", "name": "record"}')
        (error,) = [message for message in map(json.loads, connection.drain()) if message["type"] == "error"]
        assert "as much as this server keeps for one person" in error["message"]
        assert not seat.recorder.recording
        house.close_all()

    asyncio.run(test())


def test_recording_again_and_again_comes_to_an_end(tmp_path):
    async def test():
        connection = Connection(Seat(StandIn(), tmp_path), {})
        for _ in range(TAKES_AT_ONCE + 5):
            await connection.receive('{"type": "command", "name": "record"}')
            connection.seat.session.step()
            await connection.receive('{"type": "command", "name": "stop"}')
        assert len(list(tmp_path.glob("*.jsonl"))) == TAKES_AT_ONCE
        connection.seat.close()

    asyncio.run(test())


# Where it listens


def test_a_port_that_is_taken_or_cannot_be_is_told_before_anything_is_loaded(tmp_path):
    import socket as sockets

    from studio.ui.app import launch

    def never():
        raise AssertionError("a session was made")

    with sockets.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(OptionsError, match=f"port {taken} is in use; stop what listens there, give another"):
            launch(session_factory=never, port=taken, takes=tmp_path)
    for port in (99999, -1, 0):
        with pytest.raises(OptionsError, match=f"port is {port}; give one from 1 to 65535"):
            launch(session_factory=never, port=port, takes=tmp_path)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("192.0.2.1", "no address of this machine; give 127.0.0.1 for this machine alone, 0.0.0.0 for others too"),
        ("no-such-host.invalid", "names no address; give 127.0.0.1"),
        ("http://127.0.0.1", r"names no address \(without http://\)"),
        ("x" * 300, "names no address; give 127.0.0.1"),
    ],
)
def test_a_host_that_is_none_is_told(host, says):
    with pytest.raises(OptionsError, match=says):
        check_address(host, None)


def test_every_address_of_this_machine_can_be_listened_at():
    for host in ("127.0.0.1", "0.0.0.0", "localhost"):
        check_address(host, None)


def test_the_command_line_tells_what_cannot_be_in_one_sentence(capsys, monkeypatch, tmp_path):
    from studio.cli import main

    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: pytest.fail("it was launched"))
    for arguments, says in (
        (["--host", "http://127.0.0.1"], "which names no address (without http://)"),
        (["--auth", "nobody"], "--auth is USER:PASSWORD"),
        (["--key", "key.pem"], "https needs both"),
        (["--certificate", __file__, "--key", __file__], "https cannot be served with"),
    ):
        assert main(["run", *arguments]) == 1
        error = capsys.readouterr().err
        assert says in error
        assert "Traceback" not in error


def test_the_command_line_hands_on_what_others_may_do(monkeypatch, tmp_path):
    from studio.cli import main

    asked: dict[str, Any] = {}
    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: asked.update(options))
    users = tmp_path / "users"
    users.write_text("ada:countess\n")
    names = ["--allowed-host", "a.example", "--allowed-host", "b.example"]
    told = ["--auth", str(users), *names, "--root-path", "/studio"]
    assert main(["run", *told, "--sessions", "3", "--models", "pocket, sd-turbo", "--disk", "0.5", "--share"]) == 0
    assert ServerOptions(**{name: value for name, value in asked.items() if name != "open_browser"}) == ServerOptions(
        share=True,
        sessions=3,
        models=["pocket", "sd-turbo"],
        auth={"ada": "countess"},
        allowed_hosts=["a.example", "b.example"],
        root_path="/studio",
        disk_per_person=500_000_000,
        options={},
        takes=Path("takes"),
    )


def certificate(folder):
    """A certificate for this machine, and its key; of no use to anybody else."""
    openssl = shutil.which("openssl") or pytest.skip("needs openssl")
    paths = folder / "certificate.pem", folder / "key.pem"
    told = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [openssl, *told, "-out", str(paths[0]), "-keyout", str(paths[1])], check=True, capture_output=True, timeout=60
    )
    return paths


def test_a_certificate_serves_https(tmp_path):
    public, private = certificate(tmp_path)
    check_certificate(public, private)
    address, routes, page = launched(tmp_path / "takes", certificate=public, key=private)
    try:
        assert address.startswith("https://")
        assert httpx.get(address, verify=False).status_code == 200
        papers = {"origin": address.rstrip("/"), "x-studio-ticket": ticket_of(routes)}
        assert httpx.post(f"{address}{PREFIX[1:]}/link", headers=papers, verify=False).status_code == 200
    finally:
        routes.seats.close_all()
        page.close()
