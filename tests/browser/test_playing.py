"""The whole job, and the buttons of a take: pause, record, snapshot, rates."""

import pytest

from browser.page import TINY, real_session, until
from studio.controls import Pause, Prompt
from studio.score import Digest, Score, replay


def test_the_whole_job_open_paint_prompt_record_download_replay(server, browse, tmp_path):
    server.make = real_session
    visit = browse()
    before = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > before + 3)

    visit.key("r")
    until(lambda: visit.session.recording)
    visit.label("fox")
    visit.drag((0.25, 0.5), (0.5, 0.5), (0.7, 0.3))
    (fox,) = until(lambda: visit.strokes)
    assert fox.label == "fox"
    until(lambda: visit.strokes[0].points[-1][1:] == pytest.approx((0.7, 0.3), abs=0.001))

    visit.page.locator("#studio-prompt textarea").fill("snowy mountains at night")
    visit.page.keyboard.press("Control+Enter")
    until(lambda: visit.state[Prompt].text == "snowy mountains at night")
    visit.page.wait_for_function("/live since frame/.test(document.getElementById('studio-live').textContent)")

    painted = visit.session.engine.frame
    until(lambda: visit.session.engine.frame > painted + 10)
    visit.key("r")
    with visit.page.expect_download() as download:
        visit.page.locator(".st-take a", has_text="Score").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    score = Score.read(path)
    kinds = [event.control.kind for event in score.events if event.frame > score.header.start]
    assert "stroke" in kinds
    assert "prompt" in kinds
    digest = Digest()
    for frame in replay(score, TINY):
        digest.add(frame)
    assert digest.frames == score.header.frames
    assert digest.frames > 10
    assert str(digest) == score.header.digest
    with visit.page.expect_download() as download:
        visit.page.locator(".st-take a", has_text="Video").click()
    assert download.value.path().stat().st_size > 1000


def test_space_pauses_and_typing_it_does_not(browse):
    visit = browse()
    visit.label("fox terrier")
    visit.page.locator(".st-label input").press("End")
    visit.page.keyboard.type(" a r s")
    assert visit.page.locator(".st-label input").input_value() == "fox terrier a r s"
    assert not any(isinstance(control, Pause) for control in visit.session.sent)
    visit.key(" ")
    until(lambda: visit.state[Pause].paused)
    visit.key(" ")
    until(lambda: not visit.state[Pause].paused)


def test_a_snapshot_is_a_png_of_the_picture(browse):
    from PIL import Image

    visit = browse()
    with visit.page.expect_download() as download:
        visit.key("s")
    picture = Image.open(download.value.path())
    assert (picture.format, picture.size) == ("PNG", (64, 64))


def test_fps_and_latency_are_always_shown(browse):
    visit = browse()
    visit.key("e")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.page.locator("[data-hud=latency]").inner_text().isdigit())
    until(lambda: float(visit.page.locator("[data-hud=fps]").inner_text()) > 3)


def test_a_take_of_a_picture_that_stood_still_is_no_take(browse):
    visit = browse()
    visit.key(" ")
    until(lambda: visit.state[Pause].paused)
    visit.key("r")
    visit.page.locator(".st-rec:visible").wait_for()
    visit.key("r")
    visit.page.locator(".st-toast", has_text="Nothing was recorded").wait_for()
    assert visit.page.locator(".st-take").count() == 0


def test_a_status_on_its_way_does_not_undo_a_pause(browse):
    visit = browse()
    status = visit.page.evaluate("window.studio.playback.status")
    visit.key(" ")
    visit.page.evaluate("status => window.studio.playback.update({ ...status, paused: false })", status)
    assert visit.page.evaluate("window.studio.playback.paused") is True
    until(lambda: visit.state[Pause].paused)
    visit.key(" ")
    until(lambda: not visit.state[Pause].paused)
    visit.session.send(Pause(True))
    visit.page.wait_for_function("window.studio.playback.paused")
