"""A control of one's own in a real browser: its panel, its undo, and what the buttons of the panel send."""

import pytest
from test_own_control import Sparkle, Sticker, Unstick
from ui_stand_ins import StandIn

from browser.page import Visit, until
from studio.controls import CONTROLS, Prompt, Sink


@pytest.fixture
def visit(chromium, tmp_path, monkeypatch):
    """A page of a server whose controls are three more than the studio's."""
    from studio.ui.app import launch

    for kind in (Sparkle, Sticker, Unstick):
        monkeypatch.setitem(CONTROLS, kind.kind, kind)
    session = StandIn()
    address, routes, page = launch(session_factory=lambda: session, presets={}, port=None, takes=tmp_path, block=False)
    tab = chromium.new_page(viewport={"width": 1280, "height": 1200})
    tab.goto(address)
    tab.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=60_000)
    opened = Visit(tab, session)
    opened.routes = routes
    yield opened
    tab.close()
    routes.seats.close_all()
    page.close()


def test_a_control_of_ones_own_is_set_and_taken_back_in_the_page(visit):
    amount = visit.page.locator("#studio-amount input[type=number]")
    amount.fill("0.4")
    amount.press("Enter")
    until(lambda: visit.state[Sparkle].amount == pytest.approx(0.4))
    assert visit.state[Sparkle].colour == "gold"
    visit.key("Control+z")
    until(lambda: visit.state[Sparkle] == Sparkle())
    until(lambda: float(amount.input_value()) == 0)

    visit.page.evaluate("window.studio.controls.set({ kind: 'sticker', name: 'star', turned: 2 })")
    until(lambda: list(visit.state.all(Sticker)) == ["star"])
    visit.key("Control+z")
    until(lambda: not visit.state.all(Sticker))

    visit.session.send(Sparkle(0.7, "silver"))  # a notebook
    until(lambda: float(amount.input_value()) == pytest.approx(0.7))
    assert visit.page.evaluate("window.studio.controls.get('sparkle').colour") == "silver"


def test_a_page_whose_session_has_ended_says_that_it_is_a_new_one(visit):
    first = visit.page.evaluate("sessionStorage.getItem('studio-seat')")
    assert visit.page.locator(".st-toast").count() == 0
    visit.routes.seats.close_all()  # as a server that was started again
    visit.page.locator(".st-toast", has_text="Your session here has ended, and this is a new one").wait_for()
    assert visit.page.evaluate("sessionStorage.getItem('studio-seat')") != first


def test_the_buttons_of_the_panel_send_what_they_stand_beside(visit):
    visit.page.locator("#studio-more button").first.click()
    for renewed in (1, 2):
        visit.page.locator("#studio-renew").click()
        until(lambda: visit.state[Sink].renewed == renewed)  # noqa: B023
    visit.page.locator("#studio-policy").get_by_test_id("Keep-radio-label").click()
    until(lambda: visit.state[Sink] == Sink("keep", 2))
    visit.page.locator("#studio-blend input[type=number]").fill("12")
    visit.page.locator("#studio-prompt textarea").fill("a storm")
    visit.page.locator("#studio-apply").click()
    until(lambda: visit.state[Prompt] == Prompt("a storm", blend=12))
