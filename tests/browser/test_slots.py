"""Prompt slots: stored, played by a key, crossfaded, on the beat; and what the strip shows of it."""

import time

import pytest

from browser.page import PHONE, real_session, until
from studio.controls import Prompt

NIGHT = "snowy mountains at night"


def prompt(visit, words):
    visit.page.locator("#studio-prompt textarea").fill(words)
    visit.page.keyboard.press("Control+Enter")
    until(lambda: visit.state[Prompt].text == words)


def slot(visit, number):
    return visit.page.locator(".st-slot").nth(number - 1)


def crossfader(visit, *numbers):
    visit.page.locator(".st-mixer summary").click()
    for number in numbers:
        visit.page.locator(".st-picks button", has_text=str(number)).click()
    return visit.page.locator(".st-weight input")


@pytest.fixture
def visit(server, browse):
    server.make = real_session
    visit = browse(prepare=lambda page: page.add_init_script("localStorage.clear()"))
    slot(visit, 1).wait_for()
    return visit


def test_two_slots_are_stored_played_and_crossfaded_and_the_strip_says_how(visit):
    first = visit.state[Prompt].text
    slot(visit, 1).click()
    prompt(visit, NIGHT)
    visit.key("Control+Alt+2")
    assert slot(visit, 2).inner_text().split("\n")[-1] == NIGHT
    slot(visit, 2).locator("img[src^='data:image/jpeg']").wait_for()  # about a second later

    visit.page.locator("#studio-switch label", has_text="Cut").click()
    prompt(visit, NIGHT)  # the same words, another way in
    visit.key("Control+Alt+2")
    visit.key("1")
    until(lambda: visit.state[Prompt].text == first)
    visit.key("2")
    until(lambda: visit.state[Prompt] == Prompt(NIGHT, switch="cut"))
    visit.page.locator(f".st-marks i.cut[title^='{NIGHT} · cut, a new shot']").first.wait_for()

    range_ = crossfader(visit, 1, 2)
    box = range_.bounding_box()
    visit.page.mouse.move(box["x"] + 8, box["y"] + 8)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 8, steps=6)
    until(lambda: len(visit.state[Prompt].heard) == 2)
    mixed = visit.state[Prompt]
    assert mixed.texts == (first, NIGHT)
    assert mixed.heard[1][1] < 0.5
    visit.page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 8, steps=12)
    visit.page.mouse.up()
    until(lambda: visit.state[Prompt].heard == ((NIGHT, 1.0),))
    visit.page.locator(".st-marks i.blend").first.wait_for()

    visit.page.locator(".st-choice button", has_text="Spherical").click()
    visit.page.locator(".st-over input").fill("12")
    range_.fill("0.5")
    until(lambda: visit.state[Prompt].blend == 12)
    assert visit.state[Prompt].interpolation == "slerp"
    visit.page.locator(".st-heard", has_text="50 %").wait_for()
    prompt(visit, "a lake")  # what is written is heard whole
    assert visit.state[Prompt].texts == ("a lake",)

    visit.page.reload()
    slot(visit, 2).locator(f"text={NIGHT}").wait_for()


def test_on_the_beat_a_slot_waits_for_its_frame_and_can_be_called_off(visit):
    slot(visit, 1).click()
    first = visit.state[Prompt].text
    prompt(visit, NIGHT)
    tempo = visit.page.locator(".st-tempo")
    tempo.fill("0")
    tempo.press("Enter")
    visit.page.locator(".st-toast", has_text="type 20 to 300 beats").wait_for()
    visit.page.locator(".st-choice button", has_text="Marker").click()
    visit.key("1")
    visit.page.locator(".st-toast", has_text="No marker lies ahead").wait_for()
    visit.page.locator(".st-choice button", has_text="Bar").click()
    tempo.fill("20")
    tempo.press("Enter")
    assert abs(int(tempo.input_value()) - 20) <= 1
    visit.key("1")
    (event,) = until(lambda: visit.session.ahead)
    line = visit.page.locator(".st-ahead")
    line.locator(f"text=at frame {event.frame}").wait_for()
    visit.page.locator(".st-flags i.ahead").wait_for()
    line.locator("button").click()
    until(lambda: not visit.session.ahead)
    line.wait_for(state="hidden")
    assert visit.state[Prompt].text == NIGHT

    visit.page.locator(".st-choice button", has_text="Beat").click()
    for _ in range(4):
        visit.key("g")
        time.sleep(0.25)
    visit.key("1")
    until(lambda: visit.state[Prompt].text == first)
    came = [one for one in visit.session.history.stretches for one in one.events if one.control == Prompt(first)]
    visit.page.locator(f"#studio-live >> text=live since frame {came[-1].frame}").wait_for()
    visit.key("Control+z")
    until(lambda: visit.state[Prompt].text == NIGHT)
    visit.key("m")
    visit.page.locator(".st-marker").click()
    visit.page.locator(".st-marker").wait_for(state="detached")


def test_alt_and_an_arrow_walk_through_what_was_applied_and_shift_auditions(visit):
    box = visit.page.locator("#studio-prompt textarea")
    first = visit.state[Prompt].text
    visit.page.evaluate("window.studio.box.addEventListener('st-audition', ({ detail }) => { window.heard = detail; })")
    slot(visit, 1).click()
    prompt(visit, NIGHT)
    box.fill("a lak")
    for key, words in (
        ("ArrowUp", NIGHT),
        ("ArrowUp", first),
        ("ArrowUp", first),
        ("ArrowDown", NIGHT),
        ("ArrowDown", "a lak"),
    ):
        box.press(f"Alt+{key}")
        assert box.input_value() == words
    visit.page.locator("#studio-apply.unapplied").wait_for()
    visit.key("Shift+!")  # what Shift and the key of 1 type
    assert visit.page.evaluate("window.heard.controls[0].text") == first
    assert visit.state[Prompt].text == NIGHT


def test_on_a_phone_a_slot_is_filled_held_and_mixed_by_touch(server, browse, chromium):
    server.make = real_session
    context = chromium.new_context(**PHONE)
    visit = browse(context)
    first = visit.state[Prompt].text
    slot(visit, 1).tap()
    box = visit.page.locator("#studio-prompt textarea")
    box.fill(NIGHT)
    visit.page.locator("#studio-apply button, button#studio-apply").tap()
    until(lambda: visit.state[Prompt].text == NIGHT)
    slot(visit, 2).tap()
    slot(visit, 1).tap()
    until(lambda: visit.state[Prompt].text == first)
    slot(visit, 2).dispatch_event("pointerdown", {"button": 0, "pointerType": "touch"})  # held
    slot(visit, 2).locator(f"text={first}").wait_for()
    slot(visit, 2).dispatch_event("pointerup", {"button": 0, "pointerType": "touch"})
    small = visit.page.evaluate(
        "[...document.querySelectorAll('.st-slotbox :is(button, input)')].filter((one) => one.offsetParent)"
        ".map((one) => one.getBoundingClientRect()).filter(({ width, height }) => Math.min(width, height) < 40).length"
    )
    assert small == 0
    context.close()
