"""In a real browser: what is said beside the prompt, fields that cut no paste, and seeds as people type them."""

import pytest

from browser.page import until
from studio.controls import Prompt, Sampling


@pytest.fixture
def visit(browse):
    """A page of a session with a stand-in's model, which reads no brackets."""
    return browse()


def notes(visit):
    return visit.page.locator("#studio-remarks p").all_text_contents()


def apply(visit, text):
    visit.page.locator("#studio-prompt textarea").fill(text)
    visit.page.locator("#studio-apply").click()


def middle(visit, selector):
    box = visit.page.locator(selector).bounding_box()
    return box["y"] + box["height"] / 2


def test_what_the_model_does_not_read_is_said_beside_the_prompt_until_the_next(visit):
    assert notes(visit) == []
    apply(visit, "a (red:1.3) fox")
    until(lambda: notes(visit) == ["It reads no brackets."])
    assert middle(visit, "#studio-prompt") < middle(visit, "#studio-remarks p") < middle(visit, "#studio-switch")
    visit.page.reload()
    visit.page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=60_000)
    until(lambda: notes(visit) == ["It reads no brackets."])
    visit.session.send(Prompt("a meadow", negative="(blurred)"))  # a notebook
    until(lambda: notes(visit) == ["Negative prompt: It reads no brackets."])
    apply(visit, "a red fox")
    visit.session.send(Prompt("a red fox"))
    until(lambda: notes(visit) == [])


def test_a_long_paste_is_kept_whole_and_its_end_is_said(visit):
    text = "".join(f"{number:05d}" for number in range(1000))
    visit.page.locator("#studio-prompt textarea").fill(text)
    said = f"This prompt has 5 000 characters, and 4 000 can be sent: they end with “…{text[3960:4000]}”."
    until(lambda: notes(visit) == [said])
    assert visit.page.locator("#studio-prompt textarea").input_value() == text
    visit.page.locator("#studio-apply").click()
    visit.page.locator(".st-toast", has_text="5000 characters, 1 to 4000 are possible").wait_for()
    assert visit.page.locator("#studio-prompt textarea").input_value() == text
    apply(visit, text[:4000])
    until(lambda: visit.state[Prompt].text == text[:4000])
    until(lambda: notes(visit) == [])


def test_no_field_cuts_a_paste(visit):
    cut = visit.page.evaluate("""() => [...document.querySelectorAll('input, textarea')]
      .filter(({ maxLength }) => maxLength > 0).map(({ outerHTML }) => outerHTML)""")
    assert cut == []
    visit.label("fox " * 30)
    visit.drag((0.3, 0.3), (0.6, 0.6))
    visit.page.locator(".st-toast", has_text="stroke label has 119 characters, 1 to 80 are possible").wait_for()
    assert visit.strokes == []


def test_a_seed_is_any_whole_number_that_is_typed(visit):
    seed = visit.page.locator("#studio-seed input")
    for typed in (2**64 - 1, 2**53 + 1, 2**32, 7):
        seed.fill(str(typed))
        until(lambda: visit.state[Sampling].seed == typed)  # noqa: B023
        assert seed.input_value() == str(typed)
    visit.page.locator("#studio-scale input[type=number]").fill("2")
    until(lambda: visit.state[Sampling].scale == 2)
    assert visit.state[Sampling].seed == 7


def test_a_large_seed_outlives_another_dial(visit):
    seed = visit.page.locator("#studio-seed input")
    seed.fill(str(2**64 - 3))
    until(lambda: visit.state[Sampling].seed == 2**64 - 3)
    visit.page.locator("#studio-scale input[type=number]").fill("3")
    until(lambda: visit.state[Sampling].scale == 3)
    assert visit.state[Sampling].seed == 2**64 - 3


def test_minus_one_draws_a_seed_and_the_box_says_which(visit):
    seed = visit.page.locator("#studio-seed input")
    seed.fill("12")
    until(lambda: visit.state[Sampling].seed == 12)
    seed.fill("")
    seed.press_sequentially("-1")
    until(lambda: visit.state[Sampling].seed != 12)
    until(lambda: seed.input_value() == str(visit.state[Sampling].seed))
    assert visit.page.locator(".st-toast", has_text="seed").count() == 0


def test_what_is_no_seed_is_said_and_the_box_goes_back(visit):
    seed = visit.page.locator("#studio-seed input")
    seed.fill("5")
    until(lambda: visit.state[Sampling].seed == 5)
    seed.fill("1.5")
    visit.page.locator(".st-toast", has_text="Seed must be a whole number, got '1.5'").wait_for()
    until(lambda: seed.input_value() == "5")
