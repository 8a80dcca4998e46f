"""The page's link: how it is lost, taken up again, taken over and ended."""

import json
import time

import pytest

from browser.page import plays_on, until
from studio.controls import Erase, Pause, Prompt, Stroke
from studio.score import Score
from studio.ui.protocol import CloseCode


def test_without_a_socket_the_page_pulls(browse):
    def no_socket(page):
        page.route_web_socket("**/studio/ws", lambda socket: None)  # opens, and nothing ever comes

    visit = browse(prepare=no_socket, frames=5)
    assert visit.page.locator("[data-hud=link]").inner_text() == "live by HTTP"
    visit.key("e")
    visit.page.mouse.click(*visit.point(0.4, 0.6))
    (stroke,) = until(lambda: visit.strokes)
    assert stroke.points[0][1:] == pytest.approx((0.4, 0.6), abs=0.002)


def test_a_lost_link_comes_back_to_the_same_session(browse):
    visit = browse()
    visit.key("e")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.strokes)
    visit.page.evaluate("window.studio.link.socket.close()")
    until(lambda: visit.page.evaluate("window.studio.link.deliver === null"))
    until(lambda: visit.page.evaluate("window.studio.link.deliver !== null"))
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame)
    assert visit.session.running
    assert visit.page.locator(".st-chip").count() == 1


@pytest.fixture
def quick(server):
    """The server with heartbeats so short that a page may be silent for three seconds only."""
    usual, server.routes.connections.heartbeat = server.routes.connections.heartbeat, 0.3
    yield server
    server.routes.connections.heartbeat = usual


@pytest.mark.parametrize(("query", "live"), [("", "live"), ("?link=pull", "live by HTTP")])
def test_a_page_that_was_paused_longer_than_it_may_be_silent_plays_on(quick, browse, query, live):
    visit = browse(query=query)
    (seat,) = quick.routes.seats.taken.values()
    link = seat.connection
    visit.key(" ")
    until(lambda: visit.state[Pause].paused)
    asked = link.heartbeat._number
    until(lambda: link.closed or link.heartbeat._number > asked + 1.5 * link.heartbeat.patience)
    assert visit.page.locator("[data-hud=link]").inner_text() == live
    visit.key(" ")
    until(lambda: not visit.state[Pause].paused)
    plays_on(visit)
    assert link.closed is None
    assert seat.connection is link


FOR_GOOD = (CloseCode.SUPERSEDED, CloseCode.IDLE, CloseCode.WITHDRAWN)


@pytest.mark.parametrize("code", [code for code in CloseCode if code not in FOR_GOOD])
def test_a_page_whose_socket_the_server_closes_says_so_and_comes_back(server, browse, code):
    visit = browse()
    visit.key(" ")
    until(lambda: visit.state[Pause].paused)
    (seat,) = server.routes.seats.taken.values()
    seat.connection.end(code)
    visit.page.locator(".st-link[data-state=lost]", has_text="reconnecting").wait_for()
    visit.page.locator(".st-veil[data-show=true]", has_text=code.words).wait_for()
    visit.page.locator(".st-link[data-state=live]").wait_for()
    assert visit.page.locator("[data-hud=link]").inner_text() == "live"
    visit.key(" ")
    until(lambda: not visit.state[Pause].paused)
    plays_on(visit)
    assert server.session is visit.session
    assert len(server.routes.seats.taken) == 1


def test_a_page_whose_seat_went_to_who_waited_says_so_and_stays_ended(server, browse):
    visit = browse()
    (seat,) = server.routes.seats.taken.values()
    server.routes.seats.close(seat, CloseCode.IDLE)
    visit.page.locator(".st-veil[data-show=true]", has_text=CloseCode.IDLE.words).wait_for()
    time.sleep(1.5)  # a page that comes back does so after 0.4 s
    assert visit.page.evaluate("[window.studio.link.ended, window.studio.link.deliver]") == [True, None]
    assert not server.routes.seats.taken


def unsaid(page):
    """The word that another tab has taken over is lost on its way; the close code is not."""

    def through(socket):
        server = socket.connect_to_server()
        server.on_message(lambda message: None if '"superseded"' in str(message) else socket.send(message))

    page.route_web_socket("**/studio/ws", through)


@pytest.mark.parametrize(
    ("query", "prepare"),
    [("", lambda page: None), ("", unsaid), ("?link=pull", lambda page: None)],
    ids=["socket", "code alone", "pull"],
)
def test_a_superseded_page_says_elsewhere_and_stays_ended(server, browse, query, prepare):
    first = browse(query=query, prepare=prepare)
    seat = first.page.evaluate("sessionStorage.getItem('studio-seat')")
    take = f"sessionStorage.setItem('studio-seat', {json.dumps(seat)})"
    second = browse(query=query, prepare=lambda page: page.add_init_script(take))
    first.page.locator(".st-link[data-state=superseded]", has_text="elsewhere").wait_for()
    first.page.locator(".st-veil[data-show=true]", has_text="goes on in another tab").wait_for()
    time.sleep(1.5)  # a page that comes back does so after 0.4 s
    assert first.page.locator("[data-hud=link]").inner_text() == "elsewhere"
    assert first.page.evaluate("[window.studio.link.ended, window.studio.link.deliver]") == [True, None]
    assert second.page.locator("[data-hud=link]").inner_text() == ("live by HTTP" if query else "live")
    assert second.session is first.session
    plays_on(second)


def test_a_pull_that_falls_silent_is_given_up_and_taken_up_again(browse):
    visit = browse(query="?link=pull")
    visit.page.evaluate("window.studio.link.pullSilence = 1500")
    for address in ("**/studio/up", "**/studio/frame"):
        visit.page.route(address, lambda route: None)  # no answer, nor a refusal
    visit.page.locator(".st-link[data-state=lost]", has_text="reconnecting").wait_for(timeout=40_000)
    visit.page.unroute_all()
    visit.page.locator(".st-link[data-state=live]").wait_for(timeout=40_000)
    plays_on(visit)


def test_a_reload_goes_on_with_the_same_session(server, browse):
    visit = browse()
    visit.session.send(Prompt("before the reload"))
    until(lambda: visit.state[Prompt].text == "before the reload")
    visit.page.reload()
    visit.page.wait_for_function("window.studio?.stage?.drawn >= 2")
    assert server.session is visit.session
    until(lambda: visit.page.locator("#studio-prompt textarea").input_value() == "before the reload")


def test_a_third_tab_waits_and_starts_when_one_is_closed(server, browse, monkeypatch):
    monkeypatch.setattr("studio.ui.seats.GIVES_WAY_AFTER", 0.1)  # how long is for tests/ui/test_seats.py
    first = browse()
    second = browse()
    third = browse(frames=0)
    third.page.locator("[data-veil]", has_text="Close one of the other tabs").wait_for()
    assert len(server.routes.seats.taken) == 2
    first.page.close()
    third.page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=30_000)
    assert second.session.running


def test_a_closed_tab_leaves_its_score(server, browse):
    known = set(server.takes.glob("*.jsonl"))
    visit = browse()
    visit.label("fox")
    visit.drag((0.3, 0.3), (0.6, 0.6))
    until(lambda: visit.strokes)
    visit.page.close()
    until(lambda: all(seat.left_at for seat in server.routes.seats.taken.values()))
    server.routes.seats.close_all()
    (path,) = set(server.takes.glob("*.jsonl")) - known
    assert any(isinstance(event.control, Stroke) for event in Score.read(path).events)
    assert not any(isinstance(event.control, Erase) for event in Score.read(path).events if event.frame > 1)


def test_a_line_that_falls_silent_is_given_up_and_the_words_on_it_are_kept(browse):
    sockets = []

    def through(socket):
        server = socket.connect_to_server()
        sockets.append({"page": socket, "silent": False})
        line = sockets[-1]
        socket.on_message(lambda message: None if line["silent"] else server.send(message))
        server.on_message(lambda message: None if line["silent"] else socket.send(message))

    visit = browse(prepare=lambda page: page.route_web_socket("**/studio/ws", through))
    visit.page.evaluate("window.studio.link.silence = 1500")
    visit.page.wait_for_timeout(600)  # the next word is waited for no longer than that
    sockets[0]["silent"] = True
    visit.page.locator("#studio-prompt textarea").fill("a storm at sea")
    visit.page.keyboard.press("Control+Enter")
    visit.page.locator(".st-link[data-state=lost]").wait_for()
    visit.page.locator(".st-veil[data-show=true]", has_text="The link is lost").wait_for()
    visit.page.locator(".st-link[data-state=live]").wait_for(timeout=30_000)
    assert len(sockets) == 2
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame)
    assert visit.state[Prompt].text == "a meadow"
    assert visit.page.locator("#studio-prompt textarea").input_value() == "a storm at sea"
    visit.page.locator("#studio-apply.unapplied").click()
    until(lambda: visit.state[Prompt].text == "a storm at sea")


def test_without_a_link_nothing_is_set_and_it_is_said(browse):
    visit = browse()
    visit.page.evaluate("""() => {
      window.deliver = window.studio.link.deliver;
      Object.defineProperty(window.studio.link, 'deliver', { get: () => null, set() {}, configurable: true });
    }""")
    visit.drag((0.3, 0.3), (0.6, 0.6))
    visit.page.locator(".st-toast", has_text="Not connected just now").wait_for()
    visit.page.locator("#studio-prompt textarea").fill("a storm at sea")
    visit.page.locator("#studio-apply").click()
    visit.key("Control+z")
    assert visit.page.locator(".st-chip").count() == 0
    assert visit.page.evaluate("window.studio.controls.get('prompt').text") == "a meadow"
    visit.page.evaluate("delete window.studio.link.deliver; window.studio.link.deliver = window.deliver")
    visit.page.locator("#studio-apply").click()
    until(lambda: visit.state[Prompt].text == "a storm at sea")
