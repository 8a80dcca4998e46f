"""A hand takes hold of what is in the picture: with a mouse, with a brushed mask, and with fingers on a phone."""

import time

import numpy as np
import pytest
from tiny import wan_folders
from ui_stand_ins import StandInModel, StandInSession

from browser.page import PHONE, until
from browser.test_selection import Fingers, bar
from studio.controls import CutOut, Erase, Stroke, strokes
from studio.session import Session
from studio.trajectory import placements

pytest.importorskip("cv2")
RADIUS = 12


class Ball(StandInSession):
    """A red ball on grass, 96 x 128 pixels, where a stroke holds it, or else where it was left."""

    def __init__(self, **able):
        super().__init__((96, 128))
        self.model = StandInModel((96, 128), **{"strokes": "cutouts"} | able)
        self.place = (0.25, 0.4)

    def _drawn(self):
        for held in placements(strokes(self.engine.state), self.engine.frame):
            self.place = (held.x, held.y)
        y, x = np.mgrid[:96, :128]
        picture = np.full((96, 128, 3), (70, 150, 60), np.uint8)
        picture[np.hypot(x + 0.5 - 128 * self.place[0], y + 0.5 - 96 * self.place[1]) < RADIUS] = (200, 40, 30)
        return picture


@pytest.fixture
def ball(server):
    server.make = Ball


def kinds(visit):
    """What was sent after the preset that every session opens with."""
    return [type(one) for one in visit.session.sent][2:]


def taken(visit):
    return visit.page.locator(".st-taken polygon").count() == 1


def press(visit, *place):
    visit.page.mouse.move(*visit.point(*place))
    visit.page.mouse.down()


def test_a_thing_is_taken_hold_of_dragged_and_let_go_and_nothing_jumps(browse, ball):
    visit = browse()
    assert visit.page.locator(".st-label input").input_value() == "", "nothing needs a name here"
    assert "Press on a thing" in visit.page.locator(".st-hint").inner_text()
    press(visit, 0.28, 0.43)
    until(lambda: taken(visit))
    for step in range(1, 11):
        visit.page.mouse.move(*visit.point(0.28 + 0.04 * step, 0.43 + 0.02 * step))
        time.sleep(0.02)
    until(lambda: visit.session.place == pytest.approx((0.65, 0.6), abs=0.015))
    first = next(one for one in visit.session.sent if isinstance(one, Stroke))
    assert kinds(visit)[:2] == [CutOut, Stroke]
    assert first.points[0][1:] == pytest.approx((0.25, 0.4), abs=0.015), "it goes on from where it was"
    visit.page.mouse.up()
    until(lambda: not visit.strokes and kinds(visit)[-1] is Erase)
    assert visit.session.place == pytest.approx((0.65, 0.6), abs=0.015)
    assert not visit.session.engine.state.all(CutOut)
    assert visit.page.evaluate("studio.controls.past.length") == 0, "nothing is in force of it"


def test_a_grab_on_nothing_says_why_and_the_hand_is_free(browse, ball):
    visit = browse()
    press(visit, 0.8, 0.85)
    toast = visit.page.locator(".st-toast.error")
    toast.wait_for()
    assert "nothing with an outline" in toast.inner_text()
    visit.page.mouse.move(*visit.point(0.5, 0.5))
    visit.page.mouse.up()
    assert kinds(visit) == []
    assert (
        visit.page.evaluate("[studio.hand.strokes.size, studio.grabs.asked.size, studio.controls.strokes.size]")
        == [0] * 3
    )


def test_kept_with_shift_it_is_stiffened_taken_away_and_brought_back_with_its_cut_out(browse, ball):
    visit = browse()
    press(visit, 0.25, 0.4)
    until(lambda: taken(visit))
    visit.page.mouse.move(*visit.point(0.5, 0.4))
    visit.page.keyboard.down("Shift")
    visit.page.mouse.up()
    visit.page.keyboard.up("Shift")
    slider = visit.page.locator(".st-stiffness input")
    slider.wait_for()
    time.sleep(0.8)
    assert len(visit.strokes) == 1, "it stays"
    slider.fill("0.9")
    until(lambda: visit.strokes[0].stiffness == 0.9)
    assert visit.strokes[0].points[-1][1:] == pytest.approx((0.5, 0.4), abs=0.02)
    visit.drag((0.5, 0.4), (0.5, 0.5), (0.5, 0.6))  # as any stroke
    until(lambda: visit.session.place[1] == pytest.approx(0.6, abs=0.02))
    assert visit.strokes[0].stiffness == 0.9
    for _ in range(3):
        visit.key("Control+z")
    until(lambda: not visit.strokes and not visit.session.engine.state.all(CutOut))
    visit.key("Control+Shift+Z")
    until(lambda: len(visit.strokes) == 1 and len(visit.session.engine.state.all(CutOut)) == 1)


def test_on_a_model_that_is_told_subjects_nothing_changes(browse):
    visit = browse()
    assert visit.page.locator(".st-label input").input_value() == "fox"
    assert visit.page.locator(".st-takes-hold").is_hidden()
    visit.label("")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    visit.page.locator(".st-toast", has_text="Type what to paint first").wait_for()


def test_what_a_causal_student_draws_is_painted_over_and_goes_along_a_path(browse, server, tmp_path):
    from studio.models.wan.model import open_wan

    model = open_wan(wan_folders.tiny_wan_folder(tmp_path / "base"), size=(32, 48))
    server.make = lambda: Session(model)
    visit = browse(frames=3)
    visit.key("w")
    visit.page.keyboard.down("Shift")
    visit.drag((0.3, 0.3), (0.35, 0.4), (0.4, 0.45))
    visit.page.keyboard.up("Shift")
    assert visit.page.locator("canvas.st-mask").count() == 1
    visit.drag((0.34, 0.38), (0.5, 0.4), (0.7, 0.4), pause=0.2)
    (path,) = until(lambda: [one for one in visit.strokes if one.mode == "path"])
    assert visit.page.locator("canvas.st-mask").count() == 0
    assert path.points[-1][1] - path.points[0][1] == pytest.approx(0.36, abs=0.03)
    cut = visit.state.all(CutOut)[path.id].control
    assert cut.pixels[..., 3].max() > 200
    frame = visit.page.evaluate("studio.stage.frame")
    until(lambda: visit.page.evaluate("studio.stage.frame") > frame + 4, 60)


def test_fingers_take_hold_on_a_phone_and_two_taps_keep_it(browse, chromium, ball):
    visit = browse(chromium.new_context(**PHONE))
    fingers, page = Fingers(visit), visit.page
    tops = {round(one.bounding_box()["y"]) for one in page.locator(".st-modes, .st-takes-hold").all()}
    assert max(tops) - min(tops) < 12, "the tools stand in the row of the modes"
    for button in page.locator(".st-takes-hold button").all():
        box = button.bounding_box()
        assert box["height"] >= 40
        assert box["x"] + box["width"] <= 390
    fingers("Start", (0.25, 0.4))
    until(lambda: taken(visit))
    for step in range(1, 8):
        fingers("Move", (0.25 + 0.05 * step, 0.4))
        time.sleep(0.03)
    fingers("End")
    until(lambda: not visit.strokes and visit.session.place[0] == pytest.approx(0.6, abs=0.02))
    for _ in range(2):
        fingers("Start", (0.6, 0.4))
        time.sleep(0.1)
        fingers("End")
        until(lambda: visit.strokes)
    bar(visit, "Remove").wait_for()
    time.sleep(0.8)
    assert len(visit.strokes) == 1, "it stays"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
