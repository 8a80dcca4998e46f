"""The strip below the picture: dragged back, the stream plays on from there; the last seconds are kept by one key."""

from browser.page import TINY, real_session, until
from studio.controls import Prompt
from studio.score import Digest, Score, replay


def prompt(visit, words):
    visit.page.locator("#studio-prompt textarea").fill(words)
    visit.page.keyboard.press("Control+Enter")
    until(lambda: visit.state[Prompt].text == words)


def played(visit, frames):
    frame = visit.session.engine.frame
    until(lambda: visit.session.engine.frame > frame + frames)


def drag_strip(visit, share):
    box = visit.page.locator(".st-strip").bounding_box()
    y = box["y"] + box["height"] / 2
    visit.page.mouse.move(box["x"] + box["width"] - 2, y)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + share * box["width"], y, steps=4)
    held = visit.page.locator(".st-ago").inner_text()
    visit.page.mouse.up()
    return held


def test_dragged_back_the_picture_is_as_it_was_and_what_was_left_is_a_branch(server, browse, tmp_path):
    server.make = real_session
    visit = browse()
    first = visit.state[Prompt].text
    played(visit, 60)
    prompt(visit, "snowy mountains at night")
    played(visit, 20)
    visit.page.locator(".st-marks i[title^='snowy mountains at night']").wait_for()
    now = visit.session.engine.frame
    assert "s back" in drag_strip(visit, 0.2)
    until(lambda: visit.session.history.branches)
    until(lambda: visit.state[Prompt].text == first)
    (left,) = visit.session.history.branches
    assert left.fork < now // 2
    assert left.words == "snowy mountains at night"
    visit.page.wait_for_function(f"window.studio.controls.get('prompt').text === {first!r}")
    branch = visit.page.locator(".st-marks button")
    branch.wait_for()
    branch.hover()
    visit.page.locator(".st-marks img").wait_for()
    branch.click()
    until(lambda: visit.state[Prompt].text == "snowy mountains at night")
    other = until(lambda: visit.session.history.branches)[0]
    assert other.words == first
    drag_strip(visit, 0.05)
    until(lambda: visit.state[Prompt].text == first)
    assert len(visit.session.history.branches) == 2

    visit.key("Control+z")  # the picture, as everything else
    until(lambda: visit.state[Prompt].text == "snowy mountains at night")
    visit.key("Control+Shift+z")
    until(lambda: visit.state[Prompt].text == first)


def test_one_key_keeps_what_was_just_shown(server, browse, tmp_path):
    server.make = real_session
    visit = browse()
    played(visit, 30)
    visit.key("k")
    with visit.page.expect_download() as download:
        visit.page.locator(".st-take a", has_text="Score").click()
    download.value.save_as(tmp_path / "kept.jsonl")
    score, digest = Score.read(tmp_path / "kept.jsonl"), Digest()
    for frame in replay(score, TINY):
        digest.add(frame)
    assert digest.frames >= 30
    assert str(digest) == score.header.digest
    assert visit.page.locator(".st-rec:visible").count() == 0


def test_shift_z_takes_the_picture_back_and_without_a_past_that_is_said(server, browse):
    visit = browse()
    visit.key("Shift+Z")
    visit.page.locator(".st-toast", has_text="Nothing to go back to yet").wait_for()
    server.clear()
    server.make = real_session
    visit = browse()
    played(visit, 80)
    visit.key("Shift+Z")
    branch = until(lambda: visit.session.history.branches)[0]
    assert branch.fork < branch.frame
    visit.page.wait_for_function(f"window.studio.stage.frame < {branch.frame}")
    played(visit, 20)
    strip = visit.page.locator(".st-strip")
    strip.focus()
    visit.page.keyboard.press("ArrowLeft")
    visit.page.keyboard.press("Enter")
    until(lambda: len(visit.session.history.branches) == 2)
