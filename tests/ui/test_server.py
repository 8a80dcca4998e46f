"""A whole server, Gradio's part too: other sites' pages, other names, who has not logged in, which files it gives."""

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from studio.ui.options import check_certificate
from studio.ui.routes import PREFIX
from studio.ui.snapshots import offer_snapshot
from ui.client import certificate, launched, ticket_of


@pytest.mark.parametrize("name", ["..%2flink.py", "stage.html", "nothing.js", "%2e%2e%2f%2e%2e%2fapp.py"])
def test_only_scripts_and_styles_are_served(house, name):
    _, client = house
    assert client.get(f"{PREFIX}/web/{name}").status_code == 404
    assert client.get(f"{PREFIX}/web/main.js").headers["content-type"].startswith("text/javascript")


def asked_for_a_ticket(address, seat=None, **headers):
    """The answer to what a page asks Gradio for; seat: the one it says it had."""
    with httpx.Client(headers=headers) as client:
        config = httpx.get(address + "/config").json()
        number = next(one["id"] for one in config["dependencies"] if one["targets"][0][1] == "ticket")
        body = {"data": [], "fn_index": number, "session_hash": "x", "event_data": {"seat": seat}}
        return client.post(f"{address}/gradio_api/run/predict", json=body)


def test_a_page_of_this_server_gets_its_ticket(served):
    address, routes = served
    answer = asked_for_a_ticket(address, origin=address)
    assert answer.status_code == 200
    assert routes.tickets.valid(answer.json()["data"][0]["ticket"])
    routes.seats.close_all()


@pytest.mark.parametrize("seat", [{"a": 1}, [], 3, True, "nobody's", "x" * 100_000, "\u0000"])
def test_a_page_that_names_no_seat_of_its_own_gets_a_new_one(served, seat):
    address, routes = served
    answer = asked_for_a_ticket(address, seat, origin=address)
    assert answer.status_code == 200
    assert answer.json()["data"][0]["seat"] != seat
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
    secret = offer_snapshot(seat, None).address
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


def test_a_name_too_long_for_a_file_is_no_file(house):
    _, client = house
    for name in ("x" * 300 + ".js", "x" * 5000, "main.js%00.css"):
        assert client.get(f"{PREFIX}/web/{name}").status_code == 404


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
