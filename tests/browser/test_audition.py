"""The next prompt or seed small in the picture's corner, then taken or thrown away: on a laptop, and by touch."""

import numpy as np
import pytest
from tiny.pictures import PictureModel

from browser.page import PHONE, plays_on, real_session, until
from studio.controls import Prompt, Sampling
from studio.session import Session

CORNER = ".st-audition"
ANOTHER, SAME = 5.0, 2.5  # of 255, on average: a picture of other words, and as JPEG keeps it


@pytest.fixture
def phone(chromium):
    context = chromium.new_context(**PHONE)
    yield context
    context.close()


def pixels(visit, selector):
    """The picture of an element, 16 x 16; None before there is one."""
    drawn = visit.page.evaluate(
        """(selector) => {
          const image = document.querySelector(selector);
          if (image.naturalWidth === 0 || image.closest('[hidden]')) return null;
          const canvas = Object.assign(document.createElement('canvas'), { width: 16, height: 16 });
          const context = canvas.getContext('2d');
          context.drawImage(image, 0, 0, 16, 16);
          return [...context.getImageData(0, 0, 16, 16).data];
        }""",
        selector,
    )
    return None if drawn is None else np.array(drawn, float).reshape(-1, 4)[:, :3]


def apart(visit, small=None):
    """How far the corner's picture is from the programme's, of 255 on average; -1 before there is one."""
    small = pixels(visit, f"{CORNER} img") if small is None else small
    return -1 if small is None else np.abs(small - pixels(visit, ".st-view")).mean()


def write(visit, words):
    visit.page.locator("#studio-prompt textarea").fill(words)
    visit.page.locator(".st-audition-bar").wait_for()


def hidden(visit):
    visit.page.wait_for_selector(CORNER, state="hidden")


def test_what_is_written_is_tried_and_taken_or_thrown_away(server, browse):
    server.make = lambda: Session(PictureModel())  # its noise is held: the same words are the same picture
    visit = browse()
    page, first = visit.page, visit.state[Prompt].text
    page.evaluate(
        "window.overs = []; studio.box.addEventListener('st-audition-over', (event) => overs.push(event.detail.taken))"
    )
    write(visit, "snowy mountains at night")
    page.locator(".st-audition-bar button", has_text="Audition").click()
    until(lambda: apart(visit) > ANOTHER)
    assert page.locator(f"{CORNER} p").inner_text() == "snowy mountains at night"
    share = page.locator(CORNER).bounding_box()["width"] / page.locator(".st-stage").bounding_box()["width"]
    assert share < 0.3
    plays_on(visit)
    assert visit.state[Prompt].text == first
    visit.key("Escape")
    hidden(visit)
    until(lambda: visit.session.auditioning is None)
    assert page.evaluate("studio.controls.past.length") == 0
    assert page.locator("#studio-prompt textarea").input_value() == "snowy mountains at night"  # still written

    visit.key("a")
    until(lambda: apart(visit) > ANOTHER)
    tried = pixels(visit, f"{CORNER} img")
    visit.key("Enter")
    hidden(visit)
    until(lambda: visit.state[Prompt].text == "snowy mountains at night")
    until(lambda: apart(visit, tried) < SAME)  # the programme follows
    assert visit.session.auditioning is None
    visit.key("Control+z")
    until(lambda: visit.state[Prompt].text == first)
    assert page.evaluate("overs").count(True) == 1


def test_a_seed_is_drawn_tried_drawn_again_and_taken_by_touch(server, browse, phone):
    server.make = real_session
    visit = browse(phone)
    page = visit.page
    dice = page.locator(".st-audition-bar button").nth(1)
    dice.scroll_into_view_if_needed()
    dice.tap()
    until(lambda: apart(visit) >= 0)
    words = page.locator(f"{CORNER} p")
    until(lambda: page.locator(CORNER).bounding_box()["y"] >= 0)  # in sight again
    seed = words.inner_text()
    assert seed.startswith("seed ")
    box = page.locator(CORNER).bounding_box()
    assert box["x"] + box["width"] <= 390
    buttons = page.locator(f"{CORNER} button")
    sizes = [buttons.nth(at).bounding_box() for at in range(3)]
    assert all(min(one["width"], one["height"]) >= 40 for one in sizes)
    buttons.nth(1).tap()
    until(lambda: words.inner_text() != seed)
    seed = int(words.inner_text().removeprefix("seed "))
    buttons.first.tap()
    until(lambda: visit.state[Sampling].seed == seed)
    assert not visit.strokes  # nothing was painted under the corner
    page.wait_for_function(f"document.querySelector('#studio-seed :is(input, textarea)').value === '{seed}'")


def test_another_feature_begins_one_and_what_is_refused_is_said(server, browse):
    server.make = real_session
    visit = browse()
    page = visit.page
    begin = "(controls) => studio.box.dispatchEvent(new CustomEvent('st-audition', { detail: { controls } }))"
    page.evaluate(begin, [{"kind": "prompt", "text": "a lake"}, {"kind": "sampling", "seed": 9}])
    until(lambda: apart(visit) >= 0)
    assert page.locator(f"{CORNER} p").inner_text() == "a lake · seed 9"
    page.evaluate(begin, [{"kind": "lora", "name": "ink", "weight": 1}])
    page.locator(".st-toast.error", has_text="LoRA is 'ink'; tiny was opened with: none").wait_for()
    assert page.locator(f"{CORNER} p").inner_text() == "a lake · seed 9"
    page.locator(f"{CORNER} button").last.click()
    hidden(visit)
    plays_on(visit)
    assert visit.state[Sampling].seed != 9
