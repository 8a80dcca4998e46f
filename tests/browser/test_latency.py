"""From the hand to the picture: measured, shown in stages, held by the dial; the drift meter; ghosts on sliders."""

from typing import Any

import pytest

from browser.page import PHONE, TINY, real_session, until
from studio.controls import Sampling, Sink
from studio.score import replay
from studio.session import Session

READ = "document.querySelector('.st-latency').innerText"


class Slow(Session):
    """A session that tells of a machine where a picture takes 400 ms."""

    @property
    def stats(self) -> Any:
        steps = self.pending_state()[Sampling].steps
        return super().stats | {"draw_ms": 100.0 * (steps + 2)}


def rows(visit):
    """The waterfall: label to ms."""
    lines = visit.page.locator(".st-fall").all_inner_texts()
    return {line.split("\n")[0]: float(line.split("\n")[1]) for line in lines}


def test_the_way_from_hand_to_picture_falls_into_stages_and_a_slider_shows_what_the_picture_has(server, browse):
    server.make = real_session
    visit = browse()
    visit.page.locator(".st-latency-open").click()
    visit.label("fox")
    visit.drag((0.2, 0.5), *((0.2 + 0.02 * k, 0.5) for k in range(30)), pause=0.05)
    until(lambda: visit.page.locator("[data-hud=latency]").inner_text().isdigit())
    until(lambda: all(line.split("\n")[1] != "–" for line in visit.page.locator(".st-fall").all_inner_texts()))
    stages, whole = rows(visit), float(visit.page.locator(".st-latency-head b").first.inner_text().split()[0])
    assert list(stages)[:3] == ["To the server", "Waits for a frame", "Model"]
    assert 0 < whole < 5000
    assert 0.9 * whole - 5 < sum(stages.values()) < 1.5 * whole + 5
    assert visit.page.locator(".st-latency-open").get_attribute("data-level") in ("good", "fair", "slow")
    visit.page.keyboard.press("Escape")
    assert visit.page.locator(".st-latency").is_hidden()

    # A ghost stays where the picture is until a picture has what is set.
    visit.key(" ")
    visit.page.wait_for_function("window.studio.playback.paused")
    visit.page.locator("#studio-steps input[type=range]").fill("6")
    ghost = visit.page.locator("#studio-steps .st-ghost")
    ghost.wait_for()
    thumb = visit.page.locator("#studio-steps input[type=range]").bounding_box()
    box = ghost.bounding_box()
    assert abs(box["x"] + 8 - (thumb["x"] + 8 + (thumb["width"] - 16) / 7)) < 2, "at 2 of 1..8, where the picture is"
    visit.key(" ")
    ghost.wait_for(state="detached")
    assert visit.state[Sampling].steps == 6


def test_the_dial_takes_steps_away_says_why_and_the_take_replays(server, browse):
    def make():
        session = Slow(TINY)
        session.send(Sampling(steps=6))
        return session

    server.make = make
    visit = browse()
    until(lambda: visit.state[Sampling].steps == 6)
    visit.page.locator(".st-latency-open").click()
    visit.page.locator(".st-dial input").fill("150")
    visit.page.locator(".st-dial input").press("Enter")
    until(lambda: visit.state[Sampling].steps < 6)
    visit.page.wait_for_function(f"/instead of 6: a picture took 800 ms, you asked for 150 in all/.test({READ})")
    until(lambda: visit.page.locator("#studio-steps input[type=number]").input_value() == "1")
    assert visit.page.locator("[data-dial=number]").get_attribute("data-chosen") == "true"

    visit.page.locator("#studio-steps input[type=number]").fill("4")
    visit.page.locator("#studio-steps input[type=number]").press("Tab")
    until(lambda: visit.state[Sampling].steps == 4)
    visit.page.wait_for_function(f"/You set 4 steps yourself, so they stay/.test({READ})")

    visit.key("y")
    until(lambda: visit.state[Sink].refreshed == 1)
    visit.page.locator(".st-dial [data-dial=off]").click()
    until(lambda: visit.page.locator(".st-dial [data-dial=off]").get_attribute("aria-checked") == "true")
    visit.session.stop()
    score = visit.session.score
    assert {event.control.steps for event in score.events if isinstance(event.control, Sampling)} >= {1, 4, 6}
    *_, last = replay(score, TINY)
    assert last.hash == visit.session.outputs[0].newest.hash


def test_on_a_phone_it_is_a_sheet_that_a_thumb_can_use(server, browse, chromium):
    server.make = real_session
    phone = chromium.new_context(**PHONE)
    visit = browse(phone)
    visit.page.locator(".st-latency-open").tap()
    sheet = visit.page.locator(".st-latency").bounding_box()
    assert sheet["y"] + sheet["height"] == pytest.approx(844, abs=2)
    assert sheet["width"] == pytest.approx(390, abs=2)
    for box in (one.bounding_box() for one in visit.page.locator(".st-latency button, .st-dial label").all()):
        assert min(box["width"], box["height"]) >= 40
    visit.page.locator("[data-dial=snappy]").tap()
    until(lambda: visit.page.locator("[data-dial=snappy]").get_attribute("aria-checked") == "true")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    visit.page.locator(".st-latency-close").tap()
    assert visit.page.locator(".st-latency").is_hidden()
    phone.close()
