"""Who may come in: tickets, origins, names a server answers to, and how much anybody may say."""

import pytest

from studio.ui import security
from studio.ui.security import Allowance, HostPolicy, Tickets, same_origin
from ui.client import Clock


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
