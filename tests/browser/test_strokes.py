"""Strokes: where they land, how they are taken hold of, chosen, removed and brought back."""

import math
import time

import pytest

from browser.page import PHONE, pin_fox_and_bear, until
from studio.controls import Stroke


@pytest.mark.parametrize("place", [(0.25, 0.75), (0.515, 0.5), (0.02, 0.03), (0.98, 0.97)])
def test_a_stroke_lands_on_the_pixel_pointed_at(browse, place):
    visit = browse()
    visit.key("e")
    visit.label("fox")
    visit.page.mouse.click(*visit.point(*place))
    (stroke,) = until(lambda: visit.strokes)
    pixel = 1 / visit.page.locator(".st-view").bounding_box()["width"]
    assert stroke.points[0][1:] == pytest.approx(place, abs=0.6 * pixel)
    assert stroke.mode == "pin"
    # The stand-in draws white where the subject is; look for it in the page's own picture, under the pointer.
    bright = """([x, y]) => {
      const view = document.querySelector('.st-view');
      const at = (share, size) => Math.min(size - 1, Math.floor(share * size));
      return view.getContext('2d').getImageData(at(x, view.width), at(y, view.height), 1, 1).data[0];
    }"""
    until(lambda: visit.page.evaluate(bright, list(place)) > 200)


def test_a_live_drag_ends_where_the_hand_ended(browse):
    visit = browse()
    visit.label("bear")
    circle = [(0.5 + 0.3 * math.cos(k / 10), 0.5 + 0.3 * math.sin(k / 10)) for k in range(60)]
    visit.drag(*circle, pause=0.004)
    until(lambda: visit.strokes and visit.strokes[0].points[-1][1:] == pytest.approx(circle[-1], abs=0.001))
    assert visit.strokes[0].mode == "drag"
    assert len(visit.strokes) == 1
    assert 3 < sum(isinstance(control, Stroke) for control in visit.session.sent) <= 61


def test_the_last_move_of_a_hand_counts_even_if_it_lets_go_at_once(browse):
    visit = browse()
    visit.label("bear")
    stab = """places => {
      const stage = document.querySelector('.st-stage');
      const kinds = ['pointerdown', 'pointermove', 'pointerup'];
      kinds.forEach((kind, k) => stage.dispatchEvent(new PointerEvent(kind, {
        pointerId: 1, clientX: places[k][0], clientY: places[k][1], bubbles: true, cancelable: true })));
    }"""
    visit.page.mouse.move(*visit.point(0.5, 0.5))
    visit.page.evaluate(stab, [visit.point(0.2, 0.2), visit.point(0.8, 0.7), visit.point(0.8, 0.7)])
    until(lambda: visit.strokes)
    until(lambda: visit.strokes[0].points[-1][1:] == pytest.approx((0.8, 0.7), abs=0.001))


def test_a_path_keeps_the_hands_line_and_time(browse):
    visit = browse()
    visit.key("w")
    visit.label("fox")
    began = time.monotonic()
    visit.drag(*[(0.2 + 0.03 * k, 0.8 - 0.02 * k) for k in range(21)], pause=0.03)
    took = time.monotonic() - began
    (path,) = until(lambda: visit.strokes)
    assert path.mode == "path"
    assert path.points[0][1:] == pytest.approx((0.2, 0.8), abs=0.002)
    assert path.points[-1][1:] == pytest.approx((0.8, 0.4), abs=0.002)
    assert 0.4 * took < path.points[-1][0] / 50 < 1.2 * took, "the stand-in says it makes 50 frames a second"
    visit.page.locator(".st-chip button[aria-label*='starts over']").click()
    until(lambda: not visit.strokes[0].loop)


def test_a_subject_is_taken_hold_of_again_and_another_laid_over_it(browse):
    visit = browse()
    visit.label("fox")
    visit.drag((0.5, 0.5), (0.4, 0.5))
    until(lambda: len(visit.strokes) == 1)
    visit.label("bear")
    visit.drag((0.42, 0.5), (0.7, 0.7))
    until(lambda: visit.strokes[0].points[-1][1:] == pytest.approx((0.68, 0.7), abs=0.001))
    assert [stroke.label for stroke in visit.strokes] == ["fox"]
    visit.page.keyboard.down("Alt")
    visit.drag((0.7, 0.7), (0.72, 0.7))
    visit.page.keyboard.up("Alt")
    until(lambda: sorted(stroke.label for stroke in visit.strokes) == ["bear", "fox"])


def test_strokes_are_listed_removed_and_brought_back(browse):
    visit = browse()
    pin_fox_and_bear(visit)
    assert visit.page.locator(".st-chip").all_inner_texts() == ["fox", "bear"]
    colours = visit.page.eval_on_selector_all(
        ".st-chip", "chips => chips.map(c => c.style.getPropertyValue('--colour'))"
    )
    assert len(set(colours)) == 2
    visit.page.locator(".st-chip", has_text="fox").get_by_label("Remove fox").click()
    until(lambda: [stroke.label for stroke in visit.strokes] == ["bear"])
    assert visit.page.locator(".st-chip").all_inner_texts() == ["bear"]
    visit.key("Control+z")
    until(lambda: sorted(stroke.label for stroke in visit.strokes) == ["bear", "fox"])
    visit.key("Control+z")
    until(lambda: [stroke.label for stroke in visit.strokes] == ["fox"])
    visit.key("Control+Shift+Z")
    until(lambda: len(visit.strokes) == 2)
    visit.key("c")
    until(lambda: not visit.strokes)
    visit.key("Control+z")
    until(lambda: len(visit.strokes) == 2)


def test_a_subject_the_model_refuses_disappears_with_a_reason(browse):
    visit = browse()
    visit.label("unicorn")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    visit.page.locator(".st-toast.error", has_text="unicorn").wait_for()
    until(lambda: visit.page.locator(".st-chip").count() == 0)


def test_the_keyboard_alone_places_a_subject(browse):
    visit = browse()
    visit.label("owl")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Enter"):
        visit.key(key)
    (owl,) = until(lambda: visit.strokes)
    assert owl.points[0][1:] == pytest.approx((0.54, 0.48))


def test_a_finger_paints_on_a_phone(browse, chromium):
    visit = browse(chromium.new_context(**PHONE))
    visit.tap_mode("pin")
    visit.page.touchscreen.tap(*visit.point(0.25, 0.75))
    (stroke,) = until(lambda: visit.strokes)
    assert stroke.points[0][1:] == pytest.approx((0.25, 0.75), abs=0.003)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_cleared_has_no_forth_from_before(browse):
    visit = browse()
    pin_fox_and_bear(visit)
    visit.key("Control+z")
    visit.key("c")
    until(lambda: not visit.strokes)
    visit.key("Control+Shift+Z")
    time.sleep(0.3)
    assert not visit.strokes
    assert visit.page.locator("[data-do=redo]").get_attribute("aria-disabled") == "true"
    assert visit.page.locator("[data-do=undo]").get_attribute("aria-disabled") == "false"
    assert visit.page.locator("[data-do=clear]").get_attribute("aria-disabled") == "true"


def test_what_the_hand_does_is_said_until_it_was_done_once(browse, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    visit = browse(context)
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    until(lambda: visit.page.locator(".st-chip").count() == 1)
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    visit.key("Control+z")  # sends a stroke that no hand has painted
    until(lambda: visit.page.locator(".st-chip").count() == 1)
    hint = visit.page.locator(".st-hint")
    assert hint.inner_text() == "Drag in the picture: fox follows your hand."
    visit.key("w")
    visit.label("bear")
    assert hint.inner_text() == "Draw a line in the picture: bear goes along it."
    visit.label("")
    assert hint.inner_text() == "Type a subject, then paint it into the picture."
    visit.label("bear")
    visit.drag((0.2, 0.8), (0.4, 0.9))
    until(lambda: visit.page.locator(".st-chip").count() == 2)
    assert hint.count() == 0
    context.close()


def test_a_long_name_is_cut_with_an_ellipsis_and_can_be_removed(browse):
    visit = browse()
    name = "a giraffe with a hat on a bicycle in the rain of a very long name 🦒"
    visit.key("e")
    visit.label(name)
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.strokes)
    words = visit.page.locator(".st-chip span")
    style = "one => one.scrollWidth > one.clientWidth && getComputedStyle(one).textOverflow"
    assert words.evaluate(style) == "ellipsis"
    fit = "async ([words, wide]) => { const { pen } = window.studio.ink; pen.font = '12px sans-serif'; "
    fit += "return (await import('/gradio_api/studio/web/ink.js')).fitText(pen, words, wide); }"
    cut = visit.page.evaluate(fit, [name, 120])
    assert cut.endswith("…")
    assert len(cut) < len(name) / 2
    assert name.startswith(cut[:-1])
    assert visit.page.evaluate(fit, [name, 1200]) == name
    visit.page.get_by_label(f"Remove {name}").click()
    until(lambda: not visit.strokes)


def test_a_chosen_subject_is_removed_by_a_key_every_keyboard_has(browse):
    visit = browse()
    visit.key("e")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.strokes)
    visit.key("x")
    until(lambda: not visit.strokes)


def test_a_second_finger_neither_moves_a_stroke_nor_ends_it(browse):
    visit = browse()
    visit.label("bear")
    fingers = """([down, away, end]) => {
      const stage = document.querySelector('.st-stage');
      const send = (kind, finger, [clientX, clientY]) => stage.dispatchEvent(new PointerEvent(kind, {
        pointerId: finger, clientX, clientY, bubbles: true, cancelable: true }));
      send('pointerdown', 1, down);
      send('pointerdown', 2, away);
      send('pointermove', 2, away);
      send('pointerup', 2, away);
      send('pointermove', 1, end);
      send('pointerup', 1, end);
    }"""
    visit.page.mouse.move(*visit.point(0.5, 0.5))
    visit.page.evaluate(fingers, [visit.point(0.2, 0.2), visit.point(0.9, 0.9), visit.point(0.4, 0.3)])
    until(lambda: visit.strokes and visit.strokes[0].points[-1][1:] == pytest.approx((0.4, 0.3), abs=0.001))
    assert len(visit.strokes) == 1
