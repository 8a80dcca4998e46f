"""The panel: words, sliders, presets, and what of them is kept while the session goes on."""

import time

import pytest

from browser.page import until
from studio.controls import Prompt, Sampling


def test_a_slider_acts_while_it_is_dragged_and_its_last_value_arrives(browse):
    visit = browse()
    scale = visit.page.locator("#studio-scale input[type=range]")
    scale.scroll_into_view_if_needed()
    box = scale.bounding_box()
    visit.page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2)
    visit.page.mouse.down()
    for step in range(40):
        visit.page.mouse.move(box["x"] + 60 + 4 * step, box["y"] + box["height"] / 2)
        time.sleep(0.01)
    assert sum(isinstance(control, Sampling) for control in visit.session.sent) > 3, "it acts before the hand lets go"
    visit.page.mouse.up()
    shown = float(visit.page.locator("#studio-scale input[type=number]").input_value())
    assert shown > 2
    until(lambda: visit.state[Sampling].scale == pytest.approx(shown))
    visit.key("Control+z")
    until(lambda: visit.state[Sampling].scale == 1)
    until(lambda: float(visit.page.locator("#studio-scale input[type=number]").input_value()) == 1)


def test_guidance_switch_negative_and_steps_all_arrive(browse):
    visit = browse()
    visit.page.locator("#studio-guidance label", has_text="Self").click()
    visit.page.locator("#studio-steps input[type=number]").fill("4")
    until(lambda: (visit.state[Sampling].guidance, visit.state[Sampling].steps) == ("self", 4))
    visit.page.locator("#studio-switch label", has_text="Cut").click()
    visit.page.locator("#studio-more button").click()
    visit.page.locator("#studio-negative textarea").fill("people")
    visit.page.locator("#studio-prompt textarea").fill("a beach")
    visit.page.locator("#studio-apply").click()
    until(lambda: visit.state[Prompt] == Prompt("a beach", "people", "cut"))


def test_an_empty_prompt_is_explained_and_the_picture_goes_on(browse):
    visit = browse()
    visit.page.locator("#studio-prompt textarea").fill("  ")
    visit.page.keyboard.press("Control+Enter")
    visit.page.locator(".st-toast.error", has_text="empty").wait_for()
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame)
    assert visit.state[Prompt].text == "a meadow"


def test_a_preset_sets_prompt_strokes_and_panel(browse):
    visit = browse()
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    until(lambda: visit.state[Prompt].text == "a lake")
    until(lambda: visit.page.locator("#studio-prompt textarea").input_value() == "a lake")
    assert visit.page.locator(".st-chip").all_inner_texts() == ["duck"]


def test_words_that_are_being_written_are_not_overwritten(browse):
    visit = browse()
    visit.page.locator("#studio-prompt textarea").fill("half a tho")
    visit.session.send(Prompt("from a notebook"))
    until(lambda: visit.page.evaluate("window.studio.controls.get('prompt').text") == "from a notebook")
    time.sleep(0.5)
    assert visit.page.locator("#studio-prompt textarea").input_value() == "half a tho"


def test_the_panel_is_filled_in_the_page_at_once_and_not_by_the_server(browse):
    """What a person types while an answer is on its way would be lost."""
    visit, asked = browse(), []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    words = visit.page.locator("#studio-prompt textarea")
    until(lambda: words.input_value() == "a lake")
    visit.page.evaluate("window.studio.panel.show()")
    words.fill("a storm")
    visit.page.keyboard.press("Control+Enter")
    until(lambda: visit.state[Prompt].text == "a storm")
    assert [
        url for url in asked if "/gradio_api/run" in url or "/gradio_api/queue" in url or "/gradio_api/call" in url
    ] == []


def test_a_preset_is_one_step_back_and_one_forth(browse):
    visit = browse()
    visit.key("e")
    visit.label("fox")
    visit.page.mouse.click(*visit.point(0.3, 0.6))
    until(lambda: visit.strokes)
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    until(lambda: [stroke.label for stroke in visit.strokes] == ["duck"])
    until(lambda: visit.page.locator("#studio-prompt textarea").input_value() == "a lake")
    visit.key("Control+z")
    until(lambda: [stroke.label for stroke in visit.strokes] == ["fox"])
    assert visit.strokes[0].points[0][1:] == pytest.approx((0.3, 0.6), abs=0.01)
    until(lambda: visit.state[Prompt].text == "a meadow")
    until(lambda: visit.page.locator("#studio-prompt textarea").input_value() == "a meadow")
    visit.key("Control+Shift+Z")
    until(lambda: (visit.state[Prompt].text, [stroke.label for stroke in visit.strokes]) == ("a lake", ["duck"]))


def test_words_not_applied_yet_outlive_what_the_session_does(browse):
    visit = browse()
    words = visit.page.locator("#studio-prompt textarea")
    words.fill("a town of glass")
    words.blur()
    visit.session.send(Prompt("from a notebook"))
    until(lambda: visit.page.evaluate("window.studio.controls.get('prompt').text") == "from a notebook")
    time.sleep(0.5)
    assert words.input_value() == "a town of glass"
    visit.page.locator("#studio-apply.unapplied").wait_for()
    visit.page.locator("#studio-apply").click()
    until(lambda: visit.state[Prompt].text == "a town of glass")
    visit.session.send(Prompt("from a notebook again"))
    until(lambda: words.input_value() == "from a notebook again")


def test_a_preset_says_what_it_is_about(browse):
    visit = browse()
    titles = visit.page.eval_on_selector_all("#studio-presets button", "buttons => buttons.map(one => one.title)")
    assert titles == ["Quiet", "Lake"]
    assert not visit.page.locator("#studio-preset-words").is_visible()


def test_the_keyboard_sees_where_it_is_in_the_panel(browse):
    visit = browse()
    visit.page.locator("#studio-seed input").focus()
    for _ in range(2):
        outline = "[document.activeElement.type, getComputedStyle(document.activeElement).outlineStyle]"
        kind, style = visit.page.evaluate(outline)
        assert style == "solid", kind
        visit.page.keyboard.press("Tab")


def test_a_number_that_is_typed_anew_is_no_mistake(browse):
    visit = browse()
    number = visit.page.locator("#studio-seed input")
    number.fill("")
    number.press_sequentially("12")
    number.press("Enter")
    until(lambda: visit.state[Sampling].seed == 12)
    assert visit.page.locator(".st-toast").count() == 0
