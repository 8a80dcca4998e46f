"""A place of one's own: a picture is dropped on the page and named, played on, changed, taken away and found again."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from ui_stand_ins import StandInModel, StandInSession

from browser.page import PHONE, until
from studio.controls import Place, Prompt

DROP = """([name, type, data]) => {
  const files = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  files.items.add(new File([bytes], name, { type }));
  const options = { dataTransfer: files, bubbles: true, cancelable: true };
  document.querySelector('.st-view').dispatchEvent(new DragEvent('drop', options));
}"""


class Places(StandInSession):
    def __init__(self):
        super().__init__((64, 64))
        self.model = StandInModel((64, 64), own_places=True)

    def places(self):
        return {name: held.control for name, held in self.pending_state().all(Place).items()}

    def prompt(self):
        return self.pending_state()[Prompt].text


@pytest.fixture
def playing(server):
    server.make = Places


def photograph(size, bright=200, alpha=255):
    """Left half dark, right half bright, as a PNG in base64."""
    pixels = np.full((size[1], size[0], 4), (20, 20, 20, alpha), np.uint8)
    pixels[:, size[0] // 2 :, :3] = bright
    out = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def drop(visit, name, data, type="image/png"):
    visit.page.evaluate(DROP, [name, type, data])
    visit.page.wait_for_timeout(300)
    choice = visit.page.locator("button", has_text="As a place")  # where the model can use a picture in several ways
    if choice.count():
        choice.click()


def chips(visit):
    return visit.page.locator(".st-places .st-chip:not(.st-placedraft)")


def name_it(visit, name):
    field = visit.page.locator(".st-placedraft input[type=text]")
    field.fill(name)
    field.press("Enter")


def toast(visit, words):
    until(lambda: any(words in text for text in visit.page.locator(".st-toasts").all_inner_texts()))


def test_a_picture_is_dropped_and_named_and_the_prompt_plays_on_it(browse, playing):
    visit = browse()
    visit.page.evaluate("localStorage.removeItem('studio-places')")
    drop(visit, "yard.png", photograph((120, 80)))
    toast(visit, "yard.png is 120×80: its middle square is the place, what is left and right is cut off.")
    name_it(visit, "  My  Yard ")
    place = until(lambda: visit.session.places().get("my yard"))
    assert (place.time, place.end) == ("day", b"")
    square = np.asarray(Image.open(io.BytesIO(place.data)).convert("L"))
    assert square.shape == (64, 64)
    assert square[:, :28].mean() < 40 < 190 < square[:, 36:].mean(), "the middle of the picture"
    until(lambda: visit.session.prompt() == "my yard")
    until(lambda: chips(visit).all_inner_texts() == ["my yard"])
    assert "chosen" in chips(visit).get_attribute("class")

    chips(visit).locator("[aria-label='Change the place my yard']").click()
    drop(visit, "later.png", photograph((90, 90), 120))
    until(lambda: visit.page.locator(".st-placedraft img").count() == 2)
    visit.page.locator(".st-placedraft select").select_option("dawn")
    visit.page.locator(".st-placedraft input[type=number]").fill("2.5")
    name_it(visit, "the yard")
    place = until(lambda: visit.session.places().get("the yard"))
    assert (place.time, place.seconds, bool(place.end)) == ("dawn", 2.5, True)
    until(lambda: list(visit.session.places()) == ["the yard"])

    chips(visit).locator("[aria-label='Take the place the yard away']").click()
    until(lambda: not visit.session.places())
    again = browse()  # another page of this browser: what was made is kept, and is in force once it is wanted
    until(lambda: chips(again).all_inner_texts() == ["the yard"])
    chips(again).locator("button").first.click()
    until(lambda: again.session.places().get("the yard") == place)
    until(lambda: again.session.prompt() == "the yard")
    chips(again).locator("[aria-label='Take the place the yard away']").click()
    chips(again).locator("[aria-label='Forget the place the yard on this browser']").click()
    until(lambda: chips(again).count() == 0)
    assert again.page.evaluate("localStorage.getItem('studio-places')") == "[]"


def test_what_can_be_no_place_is_said_and_what_was_made_so_far_stays(browse, playing, chromium):
    visit = browse(chromium.new_context(**PHONE))
    visit.page.locator("[data-do=place]").tap()
    visit.page.locator(".st-placedraft").wait_for()
    drop(visit, "grey.png", photograph((64, 64), 20))
    toast(visit, "grey.png is one colour")
    drop(visit, "clear.png", photograph((64, 64), alpha=0))
    toast(visit, "clear.png is transparent everywhere")
    drop(visit, "photo.heic", base64.b64encode(b"\0\0\0\x18ftypheic").decode(), "image/heic")
    toast(visit, "photo.heic is no picture that this browser can show. Choose another file, such as JPEG")
    drop(visit, "yard.png", photograph((64, 64)))
    visit.page.locator(".st-placedraft img").wait_for()
    name_it(visit, "")
    toast(visit, "Name the place")
    name_it(visit, "Night")
    toast(visit, "Place name 'night' says a time of day or a weather")
    assert visit.page.locator(".st-placedraft img").count() == 1
    for button in visit.page.locator(".st-placedraft button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 40, "a finger hits it"
    name_it(visit, "yard")
    until(lambda: list(visit.session.places()) == ["yard"])
    assert not visit.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert visit.page.locator(".st-label input").bounding_box()["width"] > 60, "the subject's name is still to be seen"
