"""A camera redrawn by a causal student, and a driving video whose motion becomes strokes, in a real browser."""

import pytest
import torch
from test_motion import circle, drawn, film
from tiny.wan_folders import tiny_wan_folder

from browser.page import CHROMIUM, FLAGS, PHONE, Visit, real_session, until
from studio.controls import Live, Picture, Sampling, Stroke
from studio.models.wan.model import open_wan
from studio.session import Session

CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
LONG = 90_000  # ms


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    torch.set_num_threads(1)
    return open_wan(tiny_wan_folder(tmp_path_factory.mktemp("wan")), size=(32, 48))


@pytest.fixture
def watching(served, started, student):
    """A page of the student, in a browser that has a camera; no page may have said an error."""
    browser = started.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *CAMERA])
    served.clear()
    served.make = lambda: Session(student)
    page, errors = browser.new_page(viewport={"width": 1400, "height": 860}), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(LONG)
    page.goto(served.address)
    page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=LONG)
    yield Visit(page, served.session)
    browser.close()
    served.clear()
    assert errors == []


def said(visit):
    return visit.page.locator(".st-input-word").inner_text()


def test_a_camera_is_redrawn_live_and_the_page_says_how_late(watching):
    visit = watching
    camera = visit.page.locator("[data-source=camera]")
    until(lambda: "each picture is redrawn" in (camera.get_attribute("title") or ""))
    visit.page.locator("[data-source=camera]").click()
    until(lambda: visit.state[Live].redraw, 90)
    first = until(lambda: visit.state[Picture].data, 90)
    until(lambda: visit.state[Picture].data not in (first, b""), 90)
    until(lambda: visit.session.engine.sampler.video_in.now.strength is not None, 90)
    assert "Redrawn live, a chunk late: 12 pictures" in said(visit)
    assert visit.page.locator("#studio-redraw input").is_checked()
    visit.page.locator("#studio-strength input[type=number]").fill("0.3")
    visit.page.locator("#studio-strength input[type=number]").press("Enter")
    until(lambda: visit.state[Sampling].strength == pytest.approx(0.3), 90)
    visit.page.locator("#studio-redraw input").click()
    until(lambda: not visit.state[Live].redraw, 90)
    assert "The picture is the first frame" in said(visit)
    visit.key("Control+z")
    until(lambda: visit.state[Live].redraw, 90)
    until(lambda: "Redrawn live" in said(visit), 90)
    visit.page.evaluate("window.studio.input.begun('still')")
    until(lambda: not visit.state[Live].redraw, 90)


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    path = tmp_path_factory.mktemp("walk") / "walk.mp4"
    path.write_bytes(film(drawn([circle], 24)))
    return path


def test_a_driving_videos_motion_is_previewed_named_and_used(browse, server, walk):
    server.make = real_session
    visit = browse()
    page = visit.page
    page.locator(".st-motion-file").set_input_files(walk)
    page.wait_for_selector(".st-motion .use", timeout=LONG)
    assert page.locator(".st-motion-paths polyline").count() == 1
    assert visit.strokes == [], "a preview sets nothing"
    before = page.locator(".st-motion-paths circle").get_attribute("cx")
    until(lambda: page.locator(".st-motion-paths circle").get_attribute("cx") != before)
    page.locator(".st-motion-thing input").fill("bear")
    page.locator(".st-motion .use").click()
    (stroke,) = until(lambda: visit.strokes)
    assert isinstance(stroke, Stroke)
    assert (stroke.label, stroke.mode, stroke.loop) == ("bear", "path", True)
    assert page.locator(".st-motion").is_hidden()
    until(lambda: page.locator(".st-deeds").is_visible())
    visit.key("Delete")
    until(lambda: not visit.strokes)
    visit.key("Control+z")
    until(lambda: visit.strokes)


def test_on_a_phone_the_row_is_touched_and_what_is_no_video_says_why(browse, server, chromium, walk, tmp_path):
    server.make = real_session
    context = chromium.new_context(**PHONE)
    visit = browse(context)
    page = visit.page
    (tmp_path / "notes.mp4").write_text("no video")
    page.locator(".st-motion-file").set_input_files(tmp_path / "notes.mp4")
    page.wait_for_function(
        "/notes.mp4 gives no motion: it is no video/.test(document.querySelector('.st-toasts').textContent)"
    )
    assert page.locator(".st-motion").is_hidden()
    page.locator('[data-do="play"]').tap()  # paused, the search has the machine to itself
    page.locator(".st-motion-file").set_input_files(walk)
    page.wait_for_selector(".st-motion .use", timeout=LONG)
    for one in (".st-motion .use", '.st-motion [aria-label="Throw the motion away"]'):
        box = page.locator(one).bounding_box()
        assert min(box["width"], box["height"]) >= 40
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    page.locator('.st-motion [aria-label="Throw the motion away"]').tap()
    until(lambda: page.locator(".st-motion").is_hidden())
    assert visit.strokes == []
    context.close()
