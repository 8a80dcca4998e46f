"""What is painted is chosen and changed: on a laptop, and with fingers on a phone."""

import time

import pytest

from browser.page import PHONE, pin_fox_and_bear, until


class Fingers:
    """Fingers on the picture of a phone."""

    def __init__(self, visit) -> None:
        self.visit, self.session = visit, visit.page.context.new_cdp_session(visit.page)

    def __call__(self, kind, *places):
        points = [visit_point(self.visit, place, finger) for finger, place in enumerate(places)]
        self.session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    def drag(self, *places, rest=0.0):
        self("Start", places[0])
        time.sleep(rest)
        for place in places[1:]:
            self("Move", place)
            time.sleep(0.02)
        self("End")


def visit_point(visit, place, finger):
    x, y = visit.point(*place)
    return {"x": x, "y": y, "id": finger}


def paint_path(visit):
    visit.key("w")
    visit.label("fox")
    visit.drag((0.2, 0.3), (0.3, 0.3), (0.4, 0.3), (0.5, 0.3), pause=0.1)
    (path,) = until(lambda: visit.strokes)
    return path


def bar(visit, words):
    return visit.page.locator(f".st-deeds button[aria-label^='{words}']")


def first_point(stroke):
    return pytest.approx(stroke.points[0][1:], abs=0.002)


def test_a_path_is_chosen_copied_mirrored_moved_retimed_and_all_of_it_taken_back(browse):
    visit = browse()
    path = paint_path(visit)
    visit.key("v")
    visit.page.mouse.click(*visit.point(0.35, 0.305))
    bar(visit, "Duplicate").wait_for()
    assert visit.page.locator(".st-outlines .ring").count() == 1
    cover = "one => ((style) => [style.backgroundColor, style.boxShadow])(getComputedStyle(one))"
    assert visit.page.locator(".st-outlines").evaluate(cover) == ["rgba(0, 0, 0, 0)", "none"], "the picture is seen"
    visit.key("Control+d")
    copy = until(lambda: len(visit.strokes) == 2 and visit.strokes[1])
    assert copy.points[0][1:] == pytest.approx((0.25, 0.35), abs=0.004)
    bar(visit, "Mirror left").click()
    until(lambda: visit.strokes[1].points[0][1] == pytest.approx(0.55, abs=0.004))
    visit.drag((0.4, 0.35), (0.45, 0.5), (0.45, 0.75))
    until(lambda: visit.strokes[1].points[0][2] == pytest.approx(0.75, abs=0.012))  # it may have snapped to a line
    bar(visit, "Slower").click()
    until(lambda: visit.strokes[1].points[-1][0] == pytest.approx(1.25 * path.points[-1][0], rel=0.01))
    bar(visit, "Over and over").click()
    until(lambda: not visit.strokes[1].loop)
    moved = visit.strokes[1].points[0][2]
    visit.key("ArrowUp")
    until(lambda: visit.strokes[1].points[0][2] < moved)
    assert first_point(visit.strokes[0]) == path.points[0][1:], "the one that was not chosen stays"
    for _ in range(6):
        visit.key("Control+z")
    until(lambda: len(visit.strokes) == 1)
    assert visit.strokes[0].points == path.points
    visit.key("Control+Shift+Z")
    until(lambda: len(visit.strokes) == 2)


def test_a_frame_around_several_and_shift_choose_them_and_one_key_removes_them(browse):
    visit = browse()
    pin_fox_and_bear(visit)
    visit.key("v")
    visit.drag((0.05, 0.05), (0.5, 0.5), (0.95, 0.95))
    until(lambda: visit.page.locator(".st-chip.chosen").count() == 2)
    assert bar(visit, "Faster").is_hidden(), "what stands still has no time"
    visit.page.keyboard.down("Shift")
    visit.page.mouse.click(*visit.point(0.8, 0.8))
    visit.page.keyboard.up("Shift")
    until(lambda: visit.page.locator(".st-chip.chosen").all_inner_texts() == ["fox"])
    visit.drag((0.2, 0.2), (0.3, 0.3), (0.497, 0.3))
    until(lambda: visit.strokes[0].points[0][1] == 0.5)  # the middle of the picture
    visit.drag((0.05, 0.05), (0.5, 0.5), (0.95, 0.95))
    visit.key("x")
    until(lambda: not visit.strokes)
    visit.key("Control+z")
    until(lambda: len(visit.strokes) == 2)


def test_a_copy_is_dragged_off_with_alt_and_a_click_on_a_subject_leaves_it_as_it_is(browse):
    visit = browse()
    path = paint_path(visit)
    visit.key("v")
    visit.page.keyboard.down("Alt")
    visit.drag((0.35, 0.3), (0.35, 0.5), (0.35, 0.8))
    visit.page.keyboard.up("Alt")
    until(lambda: len(visit.strokes) == 2)
    until(lambda: visit.strokes[1].points[0][2] == pytest.approx(0.8, abs=0.02))
    assert visit.strokes[0].points == path.points
    visit.page.locator("[data-mode=drag]").click()
    sent = len(visit.session.sent)
    visit.page.mouse.click(*visit.point(0.7, 0.1))  # a new one, to be clicked at
    until(lambda: len(visit.strokes) == 3)
    visit.page.mouse.click(*visit.point(0.7, 0.1))
    bar(visit, "Remove").wait_for()
    assert len(visit.session.sent) <= sent + 2


def test_fingers_paint_choose_copy_mirror_move_and_take_back_on_a_phone(browse, chromium):
    visit = browse(chromium.new_context(**PHONE))
    fingers, page = Fingers(visit), visit.page
    visit.tap_mode("path")
    fingers.drag((0.2, 0.2), (0.3, 0.2), (0.4, 0.2), (0.5, 0.2))
    (path,) = until(lambda: visit.strokes)
    visit.tap_mode("pin")
    page.touchscreen.tap(*visit.point(0.8, 0.75))
    until(lambda: len(visit.strokes) == 2)
    fingers.drag((0.8, 0.75), (0.8, 0.75), (0.7, 0.8), rest=0.7)  # a long press, then it is moved as a whole
    until(lambda: visit.strokes[1].points[0][1:] == pytest.approx((0.7, 0.8), abs=0.03))
    assert visit.strokes[1].mode == "pin"
    visit.tap_mode("select")
    page.touchscreen.tap(*visit.point(0.35, 0.21))
    bar(visit, "Duplicate").wait_for()
    for button in page.locator(".st-deeds button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 40
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    bar(visit, "Duplicate").tap()
    until(lambda: len(visit.strokes) == 3)
    bar(visit, "Mirror left").tap()
    until(lambda: visit.strokes[2].points[0][1] == pytest.approx(0.55, abs=0.01))
    fingers.drag((0.4, 0.25), (0.4, 0.3), (0.4, 0.45))
    until(lambda: visit.strokes[2].points[0][2] == pytest.approx(0.45, abs=0.03))
    for _ in range(3):
        page.locator("[data-do=undo]").tap()
    until(lambda: len(visit.strokes) == 2)
    assert visit.strokes[0].points == path.points
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_two_fingers_drag_two_subjects_at_the_same_time(browse, chromium):
    visit = browse(chromium.new_context(**PHONE))
    fingers = Fingers(visit)
    visit.tap_mode("drag")
    for label, place in (("fox", (0.2, 0.3)), ("bear", (0.8, 0.7))):
        visit.label(label)
        visit.page.touchscreen.tap(*visit.point(*place))
    until(lambda: len(visit.strokes) == 2)
    fingers("Start", (0.2, 0.3), (0.8, 0.7))
    for step in range(1, 6):
        fingers("Move", (0.2 + 0.04 * step, 0.3), (0.8, 0.7 - 0.04 * step))
        time.sleep(0.05)
    fingers("End")
    until(lambda: visit.strokes[0].points[-1][1:] == pytest.approx((0.4, 0.3), abs=0.01))
    until(lambda: visit.strokes[1].points[-1][1:] == pytest.approx((0.8, 0.5), abs=0.01))
    assert [stroke.label for stroke in visit.strokes] == ["fox", "bear"]
    visit.page.locator("[data-do=undo]").tap()
    visit.page.locator("[data-do=undo]").tap()
    until(lambda: [one.points[-1][1] for one in visit.strokes] == pytest.approx([0.2, 0.8], abs=0.01))


def test_what_is_on_its_way_is_dotted_and_what_cannot_be_is_said(browse):
    visit = browse()
    path = paint_path(visit)
    assert path.points[-1][0] > 1
    visit.key("v")
    visit.page.mouse.click(*visit.point(0.35, 0.3))
    for _ in range(40):
        bar(visit, "Faster").click()
    visit.page.locator(".st-toast", has_text="as fast as it can be").first.wait_for()
    until(lambda: visit.strokes[0].points[-1][0] >= 1)
    visit.key("Space")  # paused: nothing comes into the picture
    visit.key("ArrowDown")
    until(lambda: visit.page.evaluate("studio.outbox.pending([...studio.controls.strokes.keys()][0]).length > 0"))
