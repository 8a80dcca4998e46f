"""Strokes on an image model in a real browser: a labelled path is painted under each picture, and redrawn there."""

import pytest
import torch
from tiny.pictures import PictureModel

from browser.page import PHONE, until
from studio.controls import Backdrop, Camera, Prompt, Sampling
from studio.session import Session

ORANGE = """() => {
  const canvas = document.querySelector('.st-view');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const halves = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] - data[at + 2] > 110) halves[Math.floor(2 * ((at / 4) % canvas.width) / canvas.width)] += 1;
  }
  return halves;
}"""
STRENGTH = "#studio-strength"


@pytest.fixture
def painted(server):
    """The server plays an image model that nearly copies what a frame begins from."""

    def session():
        model = PictureModel(
            lambda x, t, text: torch.zeros_like(x), side=32, strokes="underpainting", hears_regions=True
        )
        made = Session(model)
        made.send(Prompt("a meadow"))
        made.send(Sampling(steps=1, strength=0.02))
        return made

    server.make = session


@pytest.fixture
def visit(painted, browse):
    return browse()


@pytest.fixture
def visit_on_a_phone(painted, browse, chromium):
    context = chromium.new_context(**PHONE)
    yield browse(context)
    context.close()


def orange(visit):
    """How many of the canvas's pixels are a fox's: left and right half; of noise alone none is."""
    return visit.page.evaluate(ORANGE)


def test_a_labelled_path_is_seen_where_it_was_painted_on_what_was_chosen(visit):
    page = visit.page
    assert page.locator(".st-brush").is_visible()
    page.locator("#studio-backdrop label", has_text="Colour").click()
    until(lambda: visit.state[Backdrop].source == "colour")
    page.locator(STRENGTH).wait_for()  # with something to redraw there is a strength to redraw it with
    until(lambda: orange(visit) == [0, 0])
    visit.key("e")
    visit.label("fox")
    page.mouse.click(*visit.point(0.25, 0.5))
    until(lambda: orange(visit)[0] > 100)
    assert orange(visit)[1] == 0
    page.locator("#studio-backdrop label", has_text="None").click()
    until(lambda: visit.state[Backdrop].source == "none")
    until(lambda: not page.locator(STRENGTH).is_visible())


def test_on_a_phone_the_pad_is_pushed_and_pinched_and_the_camera_stands_once_it_is_let_go(visit_on_a_phone):
    visit = visit_on_a_phone
    pad = visit.page.locator(".st-pad")
    visit.page.locator("#studio-backdrop label", has_text="Pocket").tap()
    until(lambda: visit.state[Backdrop].source == "pocket")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box["height"] >= 40
    fingers = visit.page.context.new_cdp_session(visit.page)

    def touch(kind, *places):
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": finger}
            for finger, (x, y) in enumerate(places)
        ]
        fingers.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    touch("Start", (0.5, 0.5))
    touch("Move", (0.9, 0.5))
    until(lambda: visit.state[Camera] == Camera(pan_x=0.04))
    touch("End")
    until(lambda: not visit.state[Camera].moves)
    touch("Start", (0.4, 0.5), (0.6, 0.5))
    touch("Move", (0.3, 0.5), (0.7, 0.5))
    until(lambda: visit.state[Camera].zoom == 0.05)
    assert "held" in pad.get_attribute("class")
    touch("End")
    until(lambda: not visit.state[Camera].moves)
    assert visit.page.evaluate("studio.controls.past.length") == 1, "the backdrop alone can be undone"
