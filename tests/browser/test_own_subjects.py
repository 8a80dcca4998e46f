"""A picture of one's own is dropped, named, painted and moves on the canvas; on a phone a finger touches it up."""

from functools import cache

import pytest
from PIL import Image
from test_own_subjects import RED, ball, written

from browser.page import PHONE, real_session, until
from browser.test_media import drop
from studio.controls import Prompt, Sampling, own_subjects
from studio.models.pocket.model import Pocket
from studio.session import Session

pytest.importorskip("cv2")
SEEN = """([x, y]) => {
  const view = document.querySelector('.st-view');
  const side = Math.round(view.width / 8);
  const {data} = view.getContext('2d').getImageData(x * view.width - side / 2, y * view.height - side / 2, side, side);
  return [0, 1, 2].map((c) => data.filter((_, at) => at % 4 === c).reduce((a, b) => a + b) / (side * side));
}"""


@cache
def pocket():
    return Pocket()


def pocket_session():
    session = Session(pocket())
    session.send(Prompt("a flowery meadow on a sunny day"))
    session.send(Sampling(seed=7, steps=1))
    return session


def is_red(visit, x, y):
    red, green, blue = visit.page.evaluate(SEEN, [x, y])
    return red > 150 and green < 90 and blue < 100


def card(visit):
    return visit.page.locator(".st-own-card")


def test_a_picture_that_is_dropped_named_and_painted_moves_on_the_canvas_and_is_there_after_a_reload(server, browse):
    server.make = pocket_session
    visit = browse()
    drop(visit.page, "my_ball.png", "image/png", ball(RED, 160))
    visit.page.get_by_role("button", name="As a subject").click()
    card(visit).locator("[data-does=remove]").wait_for()
    assert card(visit).locator("input[type=text]").input_value() == "my ball"
    card(visit).locator("input[type=text]").fill("Zorbo")
    visit.page.keyboard.press("Enter")
    until(lambda: [one.name for one in own_subjects(visit.state)] == ["zorbo"])
    assert card(visit).is_hidden()
    assert visit.page.locator(".st-label input").input_value() == "zorbo"
    visit.key("q")
    x, y = visit.point(0.3, 0.4)
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    until(lambda: is_red(visit, 0.3, 0.4))
    visit.page.mouse.move(*visit.point(0.7, 0.4), steps=4)
    until(lambda: is_red(visit, 0.7, 0.4) and not is_red(visit, 0.3, 0.4))
    visit.page.mouse.up()

    visit.page.reload()
    visit.page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=60_000)
    until(lambda: visit.page.locator(".st-own .st-chip").count() == 1)
    visit.page.locator(".st-own .st-chip button").last.click()
    until(lambda: not own_subjects(visit.state))
    visit.key("Control+z")
    until(lambda: len(own_subjects(visit.state)) == 1)
    visit.page.locator(".st-own .st-chip button").last.click()
    until(lambda: not own_subjects(visit.state))


def finger(visit, where, *places):
    """Draw one finger over an element, by places in 0..1 of it."""
    box = visit.page.locator(where).bounding_box()
    tools = visit.page.context.new_cdp_session(visit.page)
    points = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": 1} for x, y in places]
    tools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        tools.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    tools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def seen_share(visit):
    return visit.page.evaluate("""() => {
      const view = document.querySelector('.st-cut');
      const {data} = view.getContext('2d').getImageData(0, 0, view.width, view.height);
      return data.filter((value, at) => at % 4 === 3 && value > 127).length / (data.length / 4);
    }""")


def test_on_a_phone_a_finger_rubs_out_brings_back_and_steps_back_and_what_is_left_is_sent(server, browse, chromium):
    server.make = real_session
    context = chromium.new_context(**PHONE)
    visit = browse(context)
    drop(visit.page, "IMG_1234.png", "image/png", ball(RED, 160))
    card(visit).locator("[data-does=remove]").wait_for()
    whole = until(lambda: seen_share(visit))
    assert whole == pytest.approx(0.5, abs=0.05)
    card(visit).locator("input[type=range]").fill("0.2")
    finger(visit, ".st-cut", (0.1, 0.5), (0.5, 0.5), (0.9, 0.5))
    less = until(lambda: (now := seen_share(visit)) < whole - 0.1 and now)
    visit.page.wait_for_timeout(500)  # a second touch so soon were the second half of a double tap
    keep = card(visit).locator("[data-does=keep]")
    until(lambda: keep.get_attribute("aria-pressed") == "true" or keep.tap())
    finger(visit, ".st-cut", (0.5, 0.5), (0.65, 0.5), (0.8, 0.5))
    until(lambda: less < seen_share(visit) < whole)
    visit.page.wait_for_timeout(500)
    card(visit).get_by_label("A step back on the card").tap()
    until(lambda: seen_share(visit) == pytest.approx(less))

    for button in card(visit).locator("button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 40, button.get_attribute("aria-label")
    card(visit).locator(".use").tap()
    assert "Give it a name" in card(visit).locator(".st-own-note").inner_text()
    card(visit).locator("input[type=text]").fill("zorbo, my ball")
    card(visit).locator(".use").tap()
    (own,) = until(lambda: own_subjects(visit.state))
    assert own.words == ("zorbo", "my ball")
    alpha = own.pixels[..., 3] > 127
    middle = len(alpha) // 2
    assert not alpha[middle].any(), "what was rubbed out"
    assert alpha[: middle // 2].any()
    assert alpha[-middle // 2 :].any()
    visit.page.evaluate("indexedDB.deleteDatabase('studio-own')")
    context.close()


def test_a_picture_that_gives_no_subject_is_told_on_the_card_and_what_was_typed_stays(server, browse):
    visit = browse()
    visit.label("bear")
    drop(visit.page, "flat.gif", "image/gif", written(Image.new("RGB", (16, 16), "teal"), "GIF"))
    note = card(visit).locator(".st-own-note")
    until(lambda: "of one colour all over" in note.inner_text())
    assert visit.page.locator(".st-label input").input_value() == "bear"
    card(visit).get_by_label("Close, and use nothing").click()
    assert card(visit).is_hidden()
    visit.key("d")
    card(visit).locator(".use").click()
    assert "Give it a name" in note.inner_text()
    card(visit).locator("input[type=text]").fill("zorbo")
    card(visit).locator(".use").click()
    until(lambda: "Nothing of it is left to see" in note.inner_text())
