"""Presets for real cards in a real browser: what each takes is said before it loads, then it plays."""

from dataclasses import replace

import pytest
from tiny.anyflow_folders import tiny_anyflow_folder
from tiny.model import TinyModel
from tiny.wan_folders import tiny_wan_folder

from browser.page import EXPECTED, Visit, until
from studio.controls import Sampling
from studio.hub.catalogue import list_models
from studio.hub.machine import Machine
from studio.ui.library import Library

pytestmark = pytest.mark.timeout(300)
CARD = Machine("RTX", 12_000_000_000, 64_000_000_000)
LONG = 90_000  # ms


class Shelf:
    """The catalogue as a card of 12 GB sees it, with tiny nets of the same classes behind its names."""

    def __init__(self, folder) -> None:
        self.folder = folder

    def listing(self):
        here = ("snappy", "balanced", "anyflow-far")
        return [replace(one, here=True) if one.name in here else one for one in list_models(CARD)]

    def load(self, name, progress=None, cancel=None):
        from studio.models.anyflow.model import open_anyflow
        from studio.models.wan.model import open_wan

        if name == "snappy":
            model = open_wan(tiny_wan_folder(self.folder / "wan"), size=(64, 64), chunk=1, sink=0, window=20)
            return model.with_defaults(name, steps=2, first_frame_steps=4)
        if name == "anyflow-far":
            return open_anyflow(tiny_anyflow_folder(self.folder / "anyflow"), size=(64, 64)).with_defaults(name)
        return TinyModel()


@pytest.fixture
def visit(chromium, tmp_path):
    from studio.ui.app import launch

    shelf = Shelf(tmp_path)
    library = Library("pocket", listing=shelf.listing, load=shelf.load)
    library.open()
    address, routes, served = launch(library=library, port=None, takes=tmp_path / "takes", block=False)
    context = chromium.new_context(viewport={"width": 1400, "height": 860})
    page, errors = context.new_page(), []
    page.set_default_timeout(LONG)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto(address)
    page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=LONG)
    (seat,) = routes.seats.taken.values()
    yield Visit(page, seat.session)
    context.close()
    routes.seats.close_all()
    served.close()
    assert [error for error in errors if not any(known in error for known in EXPECTED)] == []


def choose(visit, name):
    visit.page.locator(".st-model").click()
    visit.page.locator(f'.st-offer button[aria-label$=" {name}"]').click()
    until(lambda: visit.session.model.name == name, 90)
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame + 5, 90)


def test_a_preset_says_what_it_takes_before_it_loads_and_then_plays_with_its_own_steps(visit):
    visit.page.locator(".st-model").click()
    visit.page.locator(".st-offer").first.wait_for()
    rows = {row.split("\n")[0]: row for row in visit.page.locator(".st-offer").all_inner_texts()}
    assert "5.7 GB of memory" in rows["snappy"]
    assert "not measured" in rows["snappy"]
    assert "22.8 pictures a second on one H200" in rows["causal-forcing"]
    assert "needs 16.5 GB on the card, 12.0 GB are free" in rows["causal-forcing"]
    assert "NOT established" in rows["anyflow-far"]
    assert list(rows).index("snappy") < list(rows).index("balanced") < list(rows).index("self-forcing")
    visit.page.keyboard.press("Escape")
    choose(visit, "snappy")
    assert visit.session.engine.state[Sampling].steps == 2
    visit.page.locator("#studio-sampling-more").get_by_text("More").click()
    number = visit.page.locator("#studio-first_steps input[type=number]")
    assert number.input_value() == "0"
    number.fill("3")
    number.press("Tab")
    until(lambda: visit.session.engine.state[Sampling].first_steps == 3, 30)
    choose(visit, "anyflow-far")
    assert visit.session.engine.state[Sampling].first_steps == 3
    assert len(visit.session.engine.sampler.context.kept) > 0
