"""The editor of a take: its words changed, a stroke moved, shown and left again, kept as a version, rendered finer."""

import imageio.v3 as iio
from tiny.model import TinyModel

from browser.page import PHONE, real_session, until
from studio.controls import Prompt, Stroke
from studio.score import Digest, Score, replay

TINY = TinyModel()
NOTE_PROGRESS = """() => {
  window.told = [];
  const row = document.querySelector('.ed-progress');
  new MutationObserver(() => window.told.push(row.textContent)).observe(row, { subtree: true, childList: true });
}"""
BUTTONS = """() => [...document.querySelectorAll('.st-editor button:not(.ed-clip)')]
  .map((one) => one.getBoundingClientRect()).filter(({ width }) => width).map(({ width, height }) => [width, height])"""


def played(visit, frames):
    frame = visit.session.engine.frame
    until(lambda: visit.session.engine.frame > frame + frames)


def record(visit, server):
    """A take of two prompts and a dragged fox, in the list; its score."""
    visit.page.locator('[data-do="record"]').click()
    until(lambda: visit.session.recording)
    played(visit, 10)
    visit.page.locator("#studio-prompt textarea").fill("snowy mountains at night")
    visit.page.keyboard.press("Control+Enter")
    until(lambda: visit.state[Prompt].text == "snowy mountains at night")
    played(visit, 5)
    visit.drag((0.3, 0.3), (0.5, 0.5), (0.7, 0.5))
    played(visit, 25)
    visit.page.locator('[data-do="record"]').click()
    visit.page.locator(".st-take").wait_for()
    return Score.read(max(server.takes.glob("*.jsonl"), key=lambda path: path.stat().st_mtime))


def open_editor(visit):
    visit.page.locator(".st-take button", has_text="Edit").last.click()
    visit.page.locator(".ed-clip.ed-prompt").nth(1).wait_for()


def button(visit, words):
    return visit.page.locator(".st-editor button", has_text=words)


def test_a_take_is_edited_kept_as_a_version_rendered_finer_and_downloaded(server, browse, tmp_path):
    server.make = real_session
    visit = browse()
    page = visit.page
    taken = record(visit, server)
    open_editor(visit)

    page.locator(".ed-clip.ed-prompt").nth(1).click()
    page.locator(".ed-fields .ed-text input").first.fill("a lake in autumn")
    page.keyboard.press("Enter")
    page.locator(".ed-clip", has_text="a lake in autumn").wait_for()
    clip = page.locator(".ed-clip.ed-stroke").last
    box = clip.bounding_box()
    before = clip.get_attribute("title")
    page.mouse.move(box["x"] + 6, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] - 60, box["y"] + 8, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "before => [...document.querySelectorAll('.ed-clip.ed-stroke')].at(-1)?.title !== before", arg=before
    )
    page.locator(".ed-clip.ed-prompt").nth(1).click()
    page.keyboard.press("Delete")
    page.wait_for_function("document.querySelectorAll('.ed-clip.ed-prompt').length === 1")
    page.keyboard.press("Control+z")
    page.wait_for_function("document.querySelectorAll('.ed-clip.ed-prompt').length === 2")
    assert visit.state[Prompt].text == "snowy mountains at night", "the live picture is not touched"

    button(visit, "Save version").click()
    version = page.locator(".st-take:has(.st-parent)")
    version.wait_for()
    assert version.locator(".st-parent").inner_text().startswith("v2, from ")
    with page.expect_download() as download:
        version.locator("a", has_text="Score").click()
    download.value.save_as(tmp_path / "version.jsonl")
    kept = Score.read(tmp_path / "version.jsonl")
    assert kept.header.versions[0][1] == taken.fingerprint
    assert [event.control.text for event in kept.events if isinstance(event.control, Prompt)][-1] == "a lake in autumn"
    moved, first = ([e.frame for e in score.events if isinstance(e.control, Stroke)] for score in (kept, taken))
    assert len(moved) == len(first)
    assert sum(moved) < sum(first), "its last events come earlier"

    button(visit, "Render").first.click()
    page.locator(".ed-options input").first.fill("4")
    page.evaluate(NOTE_PROGRESS)
    button(visit, "Render mp4").click()
    page.locator(".ed-progress a").wait_for()
    assert "dB on average" in page.locator(".ed-progress p").inner_text()
    assert any("Rendering frame" in words for words in page.evaluate("window.told"))
    with page.expect_download() as download:
        page.locator(".ed-progress a").click()
    download.value.save_as(tmp_path / "fine.mp4")
    assert len(iio.imread(tmp_path / "fine.mp4", plugin="pyav")) == kept.length
    scores = [Score.read(path) for path in server.takes.glob("*-4-steps.jsonl")]
    digest = Digest()
    for frame in replay(scores[-1], TINY):
        digest.add(frame)
    assert str(digest) == scores[-1].header.digest


def test_on_a_phone_a_take_is_shown_and_one_touch_goes_back_to_the_live_picture(server, browse, chromium):
    server.make = real_session
    context = chromium.new_context(**PHONE)
    visit = browse(context)
    page = visit.page
    record(visit, server)
    words = visit.state[Prompt].text
    page.locator(".st-take button", has_text="Edit").last.tap()
    page.locator(".ed-clip.ed-prompt").nth(1).wait_for()
    small = [box for box in page.evaluate(BUTTONS) if min(box) < 40]
    assert not small
    live = visit.session.engine.frame
    button(visit, "Preview").tap()
    page.locator(".st.previewing").wait_for()
    until(lambda: visit.session.engine.frame < live)
    button(visit, "Back to live").tap()
    until(lambda: visit.session.engine.frame >= live)
    page.wait_for_function("!document.querySelector('.st').classList.contains('previewing')")
    assert visit.state[Prompt].text == words
    assert not visit.session.history.branches
    context.close()
