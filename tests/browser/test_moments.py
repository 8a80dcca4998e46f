"""Moments on the page: bookmarked, played on from, left as a branch, named, compared, gone back to, kept."""

from browser.page import TINY, real_session, until
from browser.test_rewind import drag_strip, played, prompt
from studio.controls import Prompt
from studio.score import Digest, Score, replay

OPACITY = "(one) => one.getContext('2d').getImageData(9, 9, 1, 1).data[3]"


def row(visit, name):
    """The row of the moment that is called so."""
    return visit.page.locator(".st-moment").filter(has=visit.page.locator(f"input[aria-label='Name of {name}']"))


def test_bookmark_branch_rename_compare_go_back_and_keep(server, browse, tmp_path):
    server.make = real_session
    visit = browse()
    first = visit.state[Prompt].text
    played(visit, 30)
    visit.key("b")
    row(visit, first).wait_for()
    (seat,) = server.routes.seats.taken.values()
    bookmark = seat.bookmarks[0]
    played(visit, 20)
    prompt(visit, "snowy mountains at night")
    played(visit, 30)
    drag_strip(visit, 0.3)
    row(visit, "branch 1").wait_for()
    played(visit, 30)

    name = row(visit, "branch 1").locator("input")
    name.fill("the snow")
    name.press("Enter")
    row(visit, "the snow").wait_for()
    assert visit.session.history.branches[0].name == "the snow"

    row(visit, "the snow").locator("button[aria-label^=Compare]").click()
    visit.page.wait_for_function("document.querySelector('.st-compare progress').hidden", timeout=60_000)
    words = visit.page.locator(".st-compare header").inner_text()
    assert "where they part" in words
    until(lambda: not seat.offline.busy)
    assert visit.page.evaluate(f"[...document.querySelectorAll('.st-compare canvas')].map({OPACITY})") == [255, 255]
    visit.page.locator(".st-compare button").click()
    visit.page.locator(".st-compare").wait_for(state="hidden")

    row(visit, "the snow").locator("button[aria-label^=Play]").click()
    until(lambda: visit.state[Prompt].text == "snowy mountains at night")
    visit.key("Control+z")
    until(lambda: visit.state[Prompt].text == first)
    row(visit, first).locator("button[aria-label^=Play]").click()
    until(lambda: visit.session.history.stretches[0].frame == bookmark.frame)
    played(visit, 10)

    keep = visit.page.locator(".st-moment button[aria-label^=Keep]").first
    keep.click()
    video = visit.page.locator(".st-take a", has_text="Video")
    video.wait_for(timeout=60_000)
    with visit.page.expect_download() as download:
        visit.page.locator(".st-take a", has_text="Score").click()
    download.value.save_as(tmp_path / "kept.jsonl")
    score, digest = Score.read(tmp_path / "kept.jsonl"), Digest()
    for frame in replay(score, TINY):
        digest.add(frame)
    assert str(digest) == score.header.digest
    rows = visit.page.locator(".st-moment").count()
    row(visit, first).locator("button[aria-label^=Remove]").click()
    until(lambda: not seat.bookmarks)
    until(lambda: visit.page.locator(".st-moment").count() == rows - 1)
    assert not seat.bookmarks.path(bookmark.name).exists()
