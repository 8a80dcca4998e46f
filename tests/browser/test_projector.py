"""The picture in a window of its own, for a projector, and as H.264 where a line is slow, in a real browser."""

import pytest

from browser.page import until

pytestmark = pytest.mark.timeout(300)
DRAWN = "window.studioView?.stage.drawn > 2"


def shown(window) -> int:
    return window.evaluate("window.studioView.stage.frame")


def plays_on(window):
    frame = shown(window)
    window.wait_for_function(f"window.studioView.stage.frame > {frame} + 2", timeout=20_000)


def test_a_projectors_window_shows_the_same_session_changes_nothing_and_outlives_it(browse, server):
    visit = browse()
    with visit.page.expect_popup() as popup:
        visit.key("Shift+F")
    window = popup.value
    errors = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.wait_for_function(DRAWN, timeout=20_000)
    (seat,) = server.routes.seats.taken.values()
    assert window.url.endswith(f"/view/{seat.viewers.secret}")
    before = len(visit.session.sent)
    for key in ("r", "Backspace", "c", " "):
        window.keyboard.press(key)
    window.mouse.click(40, 40)
    window.set_viewport_size({"width": 700, "height": 300})
    box = window.evaluate("""(() => {
      const { width, height } = document.querySelector('canvas');
      return [width, height, getComputedStyle(document.body).backgroundColor, document.body.innerText.trim(),
        getComputedStyle(document.querySelector('canvas')).objectFit];
    })()""")
    assert box == [64, 64, "rgb(0, 0, 0)", "", "contain"]
    window.wait_for_function("document.body.classList.contains('still')")  # the pointer goes after two seconds
    assert len(visit.session.sent) == before
    window.mouse.dblclick(40, 40)
    window.wait_for_function("document.fullscreenElement === document.documentElement")
    window.keyboard.press("f")
    window.wait_for_function("!document.fullscreenElement")

    if window.evaluate("import('../web/pictures.js').then((pictures) => pictures.decodesH264())"):
        (viewer,) = seat.viewers
        for frames in (viewer.frames, seat.connection.frames):
            frames.video.choice.decide = lambda *_: 0  # as a slow line would have it
            frames.video.choice.rate = 300_000
        window.wait_for_function("window.studioView.stage.pictures.decoder?.state === 'configured'", timeout=20_000)
        plays_on(window)
        until(lambda: "H.264" in (visit.page.locator(".st-link").get_attribute("title") or ""))
        white = "Math.max(...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 64, 64).data)"
        assert window.evaluate(white) > 0
        assert window.evaluate("window.studioView.stage.pictures.decoder.state") == "configured"

    server.routes.seats.close(seat)  # and another begins: its link is another, and the window goes there
    window.wait_for_function(f"!location.href.includes('{seat.viewers.secret}')", timeout=20_000)
    window.wait_for_function(DRAWN, timeout=20_000)
    visit.page.locator("[data-do=picture]").click()
    visit.page.locator("[data-do=withdraw-views]").click()
    window.wait_for_function("document.body.innerText.includes('withdrawn')", timeout=20_000)
    assert errors == []
    window.close()
