"""Words for parts of the picture: painted, written, changed and taken away, on a laptop and on a phone."""

import io

import numpy as np
import pytest
from PIL import Image
from ui_stand_ins import StandInModel, StandInSession

from browser.page import PHONE, until
from browser.test_selection import Fingers
from studio.controls import ControlError
from studio.controls.region import Region, regions


class Hears(StandInSession):
    """Hears words in two parts of the picture, and no more."""

    def __init__(self):
        super().__init__((64, 64))
        self.model = StandInModel((64, 64), hears_regions=True)

    def send(self, control):
        held = regions(self.pending_state())
        if isinstance(control, Region) and control.text and control.id not in held and len(held) >= 2:
            raise ControlError("there are 2 regions in the picture, as many as are possible; take one away")
        return super().send(control)


@pytest.fixture
def hears(server):
    server.make = Hears


def held(visit):
    return list(regions(visit.state).values())


def mask(region):
    return np.array(Image.open(io.BytesIO(region.mask)).convert("L"))


def field(visit):
    return visit.page.locator(".st-draft input[type=text]")


def chips(visit):
    return visit.page.locator(".st-regions .st-chip:not(.st-draft)")


def test_a_part_is_painted_and_written_changed_taken_away_and_brought_back(browse, hears):
    visit = browse()
    visit.key("o")
    field(visit).fill("a lake")
    visit.drag((0.2, 0.8), (0.4, 0.8), (0.6, 0.8))
    (region,) = until(lambda: held(visit))
    assert (region.text, region.strength) == ("a lake", 1.0)
    white = mask(region)
    assert white.shape == (64, 64)
    assert white[51, 26] > 200
    assert white[20, 26] == 0
    assert not visit.strokes, "the brush paints the part alone"
    field(visit).press("Enter")
    until(lambda: chips(visit).all_inner_texts() == ["a lake"])
    visit.drag((0.3, 0.2), (0.5, 0.2))
    until(lambda: visit.strokes)
    chips(visit).locator("button").first.click()
    visit.page.locator(".st-draft button[aria-label^='Take away']").click()
    visit.drag((0.1, 0.8), (0.25, 0.8))
    until(lambda: mask(held(visit)[0])[51, 14] == 0)
    visit.page.locator(".st-draft input[type=range]").fill("0.5")
    until(lambda: held(visit)[0].strength == 0.5)
    field(visit).fill("a frozen lake")
    field(visit).press("Enter")
    until(lambda: held(visit)[0].text == "a frozen lake")
    assert mask(held(visit)[0])[51, 36] > 200
    chips(visit).locator("button").last.click()
    until(lambda: not held(visit))
    assert chips(visit).count() == 0
    visit.key("Control+z")
    until(lambda: [one.text for one in held(visit)] == ["a frozen lake"])


def test_what_is_lacking_and_what_is_too_much_is_said_and_nothing_is_lost(browse, hears):
    visit = browse()
    visit.key("o")
    field(visit).fill("a lake")
    field(visit).press("Enter")
    visit.page.locator(".st-toast", has_text="Paint over the picture").wait_for()
    for number, words in enumerate(("a lake", "a hill", "a wood")):
        if number:
            visit.key("o")
            field(visit).fill(words)
        visit.drag((0.2, 0.3 + 0.2 * number), (0.6, 0.3 + 0.2 * number))
        if number < 2:
            until(lambda words=words: held(visit) and held(visit)[-1].text == words)
            field(visit).press("Enter")
    visit.page.locator(".st-toast.error", has_text="as many as are possible").wait_for()
    assert [one.text for one in held(visit)] == ["a lake", "a hill"]
    assert field(visit).input_value() == "a wood", "what was written stays, to be sent again"


def test_a_finger_paints_a_part_on_a_phone(browse, chromium, hears):
    visit = browse(chromium.new_context(**PHONE))
    visit.page.locator("[data-do=region]").tap()
    assert field(visit).bounding_box()["width"] > 120
    field(visit).fill("a lake")
    Fingers(visit).drag((0.2, 0.7), (0.4, 0.7), (0.7, 0.7))
    until(lambda: held(visit))
    assert not visit.strokes
    for button in visit.page.locator(".st-draft button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 40
    visit.page.locator(".st-draft button[aria-label^='Done']").tap()
    until(lambda: chips(visit).all_inner_texts() == ["a lake"])
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_model_that_hears_one_prompt_offers_no_parts(browse):
    visit = browse()
    assert visit.page.locator(".st-region-tool").is_hidden()
    visit.key("o")
    visit.page.locator(".st-toast", has_text="one prompt for the whole picture").wait_for()
