"""Strokes on an image model in a real browser: a labelled path is painted under each picture, and redrawn there."""

import pytest
import torch
from tiny.pictures import PictureModel

from browser.page import until
from studio.controls import Backdrop, Prompt, Sampling
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
def visit(server, browse):
    """A page of an image model that nearly copies what a frame begins from."""

    def session():
        model = PictureModel(
            lambda x, t, text: torch.zeros_like(x), side=32, strokes="underpainting", hears_regions=True
        )
        made = Session(model)
        made.send(Prompt("a meadow"))
        made.send(Sampling(steps=1, strength=0.02))
        return made

    server.make = session
    return browse()


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
