"""The page in a real browser: Debian's chromium, a real server, a mouse."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import TinyModel
from ui_stand_ins import StandIn

from studio.controls import Erase, Pause, Prompt, Sampling, Stroke, strokes
from studio.presets import Preset
from studio.score import Digest, Score, replay
from studio.session import Session
from studio.ui.protocol import CloseCode

TINY: Any = TinyModel()
CHROMIUM = Path("/usr/bin/chromium")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs chromium at /usr/bin/chromium")

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
# What Chromium says by itself about a socket that a test cuts or blocks; anything else in the console is our fault.
EXPECTED = ("WebSocket connection to", "net::ERR_", "403 (Forbidden)")


def preset(name, text, **stroke):
    controls = [{"kind": "prompt", "text": text}, *([{"kind": "stroke", **stroke}] if stroke else [])]
    return Preset.parse(json.dumps({"name": name, "description": name, "controls": controls}))


PRESETS = {
    "quiet": preset("Quiet", "a meadow"),
    "lake": preset("Lake", "a lake", id="d", label="duck", mode="pin", points=[[0, 0.5, 0.25]]),
}


class Server:
    """The page of one server for all tests; `make` is what the next session comes from."""

    def __init__(self, takes: Path) -> None:
        from studio.ui.app import launch

        self.make = StandIn
        self.takes = takes
        self.address, self.routes, self.page = launch(
            session_factory=self._made, presets=PRESETS, port=None, takes=takes, block=False
        )

    def _made(self):
        self.session = self.make()
        return self.session

    def clear(self) -> None:
        self.make = StandIn
        self.routes.seats.close_all()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("takes"))
    yield server
    server.page.close()


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def server(served):
    served.clear()
    yield served
    served.clear()


@pytest.fixture(scope="module")
def laptop(chromium):
    """One browser profile for all tests on a laptop, so that only the first loads Gradio's scripts."""
    context = chromium.new_context(accept_downloads=True, viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def browse(server, chromium, laptop):
    """`browse()` opens the page, waits for pictures, and gives a Visit; no page may have said an error."""
    pages, errors = [], []

    def opened(context=laptop, query="", frames=2, prepare=lambda page: None):
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        prepare(page)
        page.goto(server.address + query)
        if frames:
            page.wait_for_function(f"window.studio?.stage?.drawn >= {frames}", timeout=60_000)
        return Visit(page, server.session)

    yield opened
    for page in pages:
        page.close()
    assert [error for error in errors if not any(known in error for known in EXPECTED)] == []


class Visit:
    """A page with its session, and a hand on it."""

    def __init__(self, page, session) -> None:
        self.page, self.session = page, session

    def point(self, x, y):
        """The screen's point of a place in the picture."""
        box = self.page.locator(".st-view").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, *places, pause=0.02):
        self.page.mouse.move(*self.point(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.point(*place))
            time.sleep(pause)
        self.page.mouse.up()

    def label(self, text):
        self.page.locator(".st-label input").fill(text)

    def key(self, name):
        self.page.locator(".st-stage").focus()
        self.page.keyboard.press(name)

    @property
    def state(self):
        return self.session.engine.state

    @property
    def strokes(self):
        return [stroke for stroke, _ in strokes(self.state).values()]


def until(condition, seconds=30.0):
    """Wait for what a person would see within moments."""
    end = time.monotonic() + seconds
    while not (got := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
    return got


def real_session():
    return Session(TINY)


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


@pytest.mark.parametrize("place", [(0.25, 0.75), (0.515, 0.5), (0.02, 0.03), (0.98, 0.97)])
def test_a_stroke_lands_on_the_pixel_pointed_at(browse, place):
    visit = browse()
    visit.key("3")
    visit.label("fox")
    visit.page.mouse.click(*visit.point(*place))
    (stroke,) = until(lambda: visit.strokes)
    pixel = 1 / visit.page.locator(".st-view").bounding_box()["width"]
    assert stroke.points[0][1:] == pytest.approx(place, abs=0.6 * pixel)
    assert stroke.mode == "pin"
    # The stand-in draws white where the subject is; look for it in the page's own picture, under the pointer.
    bright = """([x, y]) => {
      const view = document.querySelector('.st-view');
      const at = (share, size) => Math.min(size - 1, Math.floor(share * size));
      return view.getContext('2d').getImageData(at(x, view.width), at(y, view.height), 1, 1).data[0];
    }"""
    until(lambda: visit.page.evaluate(bright, list(place)) > 200)


def test_a_live_drag_ends_where_the_hand_ended(browse):
    visit = browse()
    visit.label("bear")
    circle = [(0.5 + 0.3 * math.cos(k / 10), 0.5 + 0.3 * math.sin(k / 10)) for k in range(60)]
    visit.drag(*circle, pause=0.004)
    until(lambda: visit.strokes and visit.strokes[0].points[-1][1:] == pytest.approx(circle[-1], abs=0.001))
    assert visit.strokes[0].mode == "drag"
    assert len(visit.strokes) == 1
    assert 3 < sum(isinstance(control, Stroke) for control in visit.session.sent) <= 61


def test_the_last_move_of_a_hand_counts_even_if_it_lets_go_at_once(browse):
    visit = browse()
    visit.label("bear")
    stab = """places => {
      const stage = document.querySelector('.st-stage');
      const kinds = ['pointerdown', 'pointermove', 'pointerup'];
      kinds.forEach((kind, k) => stage.dispatchEvent(new PointerEvent(kind, {
        pointerId: 1, clientX: places[k][0], clientY: places[k][1], bubbles: true, cancelable: true })));
    }"""
    visit.page.mouse.move(*visit.point(0.5, 0.5))
    visit.page.evaluate(stab, [visit.point(0.2, 0.2), visit.point(0.8, 0.7), visit.point(0.8, 0.7)])
    until(lambda: visit.strokes)
    until(lambda: visit.strokes[0].points[-1][1:] == pytest.approx((0.8, 0.7), abs=0.001))


def test_a_path_keeps_the_hands_line_and_time(browse):
    visit = browse()
    visit.key("2")
    visit.label("fox")
    began = time.monotonic()
    visit.drag(*[(0.2 + 0.03 * k, 0.8 - 0.02 * k) for k in range(21)], pause=0.03)
    took = time.monotonic() - began
    (path,) = until(lambda: visit.strokes)
    assert path.mode == "path"
    assert path.points[0][1:] == pytest.approx((0.2, 0.8), abs=0.002)
    assert path.points[-1][1:] == pytest.approx((0.8, 0.4), abs=0.002)
    assert 0.4 * took < path.points[-1][0] / 50 < 1.2 * took, "the stand-in says it makes 50 frames a second"
    visit.page.locator(".st-chip button[aria-label*='starts over']").click()
    until(lambda: not visit.strokes[0].loop)


def test_a_subject_is_taken_hold_of_again_and_another_laid_over_it(browse):
    visit = browse()
    visit.label("fox")
    visit.drag((0.5, 0.5), (0.4, 0.5))
    until(lambda: len(visit.strokes) == 1)
    visit.label("bear")
    visit.drag((0.42, 0.5), (0.7, 0.7))
    until(lambda: visit.strokes[0].points[-1][1:] == pytest.approx((0.7, 0.7), abs=0.001))
    assert [stroke.label for stroke in visit.strokes] == ["fox"]
    visit.page.keyboard.down("Alt")
    visit.drag((0.7, 0.7), (0.72, 0.7))
    visit.page.keyboard.up("Alt")
    until(lambda: sorted(stroke.label for stroke in visit.strokes) == ["bear", "fox"])


def pin_fox_and_bear(visit):
    visit.key("3")
    for label, place in (("fox", (0.2, 0.2)), ("bear", (0.8, 0.8))):
        visit.label(label)
        visit.page.mouse.click(*visit.point(*place))
    until(lambda: len(visit.strokes) == 2)


def test_strokes_are_listed_removed_and_brought_back(browse):
    visit = browse()
    pin_fox_and_bear(visit)
    assert visit.page.locator(".st-chip").all_inner_texts() == ["fox", "bear"]
    colours = visit.page.eval_on_selector_all(
        ".st-chip", "chips => chips.map(c => c.style.getPropertyValue('--colour'))"
    )
    assert len(set(colours)) == 2
    visit.page.locator(".st-chip", has_text="fox").get_by_label("Remove fox").click()
    until(lambda: [stroke.label for stroke in visit.strokes] == ["bear"])
    assert visit.page.locator(".st-chip").all_inner_texts() == ["bear"]
    visit.key("Control+z")
    until(lambda: sorted(stroke.label for stroke in visit.strokes) == ["bear", "fox"])
    visit.key("Control+z")
    until(lambda: [stroke.label for stroke in visit.strokes] == ["fox"])
    visit.key("Control+Shift+Z")
    until(lambda: len(visit.strokes) == 2)
    visit.key("c")
    until(lambda: not visit.strokes)
    visit.key("Control+z")
    until(lambda: len(visit.strokes) == 2)


def test_a_slider_acts_while_it_is_dragged_and_its_last_value_arrives(browse):
    visit = browse()
    box = visit.page.locator("#studio-scale input[type=range]").bounding_box()
    visit.page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2)
    visit.page.mouse.down()
    for step in range(40):
        visit.page.mouse.move(box["x"] + 60 + 4 * step, box["y"] + box["height"] / 2)
        time.sleep(0.01)
    assert sum(isinstance(control, Sampling) for control in visit.session.sent) > 3, "it acts before the hand lets go"
    visit.page.mouse.up()
    shown = float(visit.page.locator("#studio-scale input[type=number]").input_value())
    assert shown > 2
    until(lambda: visit.state[Sampling].scale == pytest.approx(shown))
    visit.key("Control+z")
    until(lambda: visit.state[Sampling].scale == 1)
    until(lambda: float(visit.page.locator("#studio-scale input[type=number]").input_value()) == 1)


def test_guidance_switch_negative_and_steps_all_arrive(browse):
    visit = browse()
    visit.page.locator("#studio-guidance label", has_text="Self").click()
    visit.page.locator("#studio-steps input[type=number]").fill("4")
    until(lambda: (visit.state[Sampling].guidance, visit.state[Sampling].steps) == ("self", 4))
    visit.page.locator("#studio-switch label", has_text="Cut").click()
    visit.page.locator("#studio-more button").click()
    visit.page.locator("#studio-negative textarea").fill("people")
    visit.page.locator("#studio-prompt textarea").fill("a beach")
    visit.page.locator("#studio-apply").click()
    until(lambda: visit.state[Prompt] == Prompt("a beach", "people", "cut"))


def test_an_empty_prompt_is_explained_and_the_picture_goes_on(browse):
    visit = browse()
    visit.page.locator("#studio-prompt textarea").fill("  ")
    visit.page.keyboard.press("Control+Enter")
    visit.page.locator(".st-toast.error", has_text="empty").wait_for()
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame)
    assert visit.state[Prompt].text == "a meadow"


def test_a_subject_the_model_refuses_disappears_with_a_reason(browse):
    visit = browse()
    visit.label("unicorn")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    visit.page.locator(".st-toast.error", has_text="unicorn").wait_for()
    until(lambda: visit.page.locator(".st-chip").count() == 0)


def test_a_preset_sets_prompt_strokes_and_panel(browse):
    visit = browse()
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    until(lambda: visit.state[Prompt].text == "a lake")
    until(lambda: visit.page.locator("#studio-prompt textarea").input_value() == "a lake")
    assert visit.page.locator(".st-chip").all_inner_texts() == ["duck"]


def test_words_that_are_being_written_are_not_overwritten(browse):
    visit = browse()
    visit.page.locator("#studio-prompt textarea").fill("half a tho")
    visit.session.send(Prompt("from a notebook"))
    until(lambda: visit.page.evaluate("window.studio.controls.get('prompt').text") == "from a notebook")
    time.sleep(0.5)
    assert visit.page.locator("#studio-prompt textarea").input_value() == "half a tho"


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
    visit.key("3")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.page.locator("[data-hud=latency]").inner_text().isdigit())
    until(lambda: float(visit.page.locator("[data-hud=fps]").inner_text()) > 3)


def test_the_keyboard_alone_places_a_subject(browse):
    visit = browse()
    visit.label("owl")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Enter"):
        visit.key(key)
    (owl,) = until(lambda: visit.strokes)
    assert owl.points[0][1:] == pytest.approx((0.54, 0.48))


def test_a_finger_paints_on_a_phone(browse, chromium):
    visit = browse(chromium.new_context(**PHONE))
    visit.page.locator("[data-mode=pin]").tap()
    visit.page.touchscreen.tap(*visit.point(0.25, 0.75))
    (stroke,) = until(lambda: visit.strokes)
    assert stroke.points[0][1:] == pytest.approx((0.25, 0.75), abs=0.003)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_help_lists_the_keys(browse):
    visit = browse()
    visit.key("?")
    visit.page.locator(".st-help[open] kbd", has_text="Backspace").wait_for()
    visit.page.keyboard.press("Escape")
    until(lambda: visit.page.locator(".st-help[open]").count() == 0)


def test_the_picture_is_the_hero_and_nothing_jumps(browse):
    watch = """
    window.jumps = 0;
    const unasked = (jump) => (jump.hadRecentInput ? 0 : jump.value);
    const jumped = (list) => list.getEntries().forEach((jump) => { window.jumps += unasked(jump); });
    new PerformanceObserver(jumped).observe({ type: 'layout-shift' });
    """
    visit = browse()
    box = visit.page.locator(".st-stage").bounding_box()
    assert box["height"] >= 0.7 * 900
    assert visit.page.evaluate("document.documentElement.scrollHeight") <= 900
    visit.page.evaluate(watch)
    visit.key("3")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    visit.key("r")
    until(lambda: visit.page.locator(".st-rec:visible").count() == 1)
    visit.key("r")
    visit.page.locator(".st-take").wait_for()
    assert visit.page.locator(".st-stage").bounding_box() == box
    assert visit.page.evaluate("window.jumps") < 0.01


def test_dark_comes_first_and_the_choice_of_light_is_kept(browse):
    visit = browse()
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = visit.page.evaluate(ground)
    visit.key("t")
    light = visit.page.evaluate(ground)
    assert sum(map(int, dark[4:-1].split(","))) < 100 < 600 < sum(map(int, light[4:-1].split(",")))
    visit.page.reload()
    visit.page.wait_for_function("window.studio?.stage?.drawn >= 2")
    assert visit.page.evaluate(ground) == light
    visit.page.evaluate("localStorage.clear()")


def test_without_a_socket_the_page_pulls(browse):
    def no_socket(page):
        page.route_web_socket("**/studio/ws", lambda socket: None)  # opens, and nothing ever comes

    visit = browse(prepare=no_socket, frames=5)
    assert visit.page.locator("[data-hud=link]").inner_text() == "live by HTTP"
    visit.key("3")
    visit.page.mouse.click(*visit.point(0.4, 0.6))
    (stroke,) = until(lambda: visit.strokes)
    assert stroke.points[0][1:] == pytest.approx((0.4, 0.6), abs=0.002)


def test_a_lost_link_comes_back_to_the_same_session(browse):
    visit = browse()
    visit.key("3")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.strokes)
    visit.page.evaluate("window.studio.link.socket.close()")
    until(lambda: visit.page.evaluate("window.studio.link.deliver === null"))
    until(lambda: visit.page.evaluate("window.studio.link.deliver !== null"))
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame)
    assert visit.session.running
    assert visit.page.locator(".st-chip").count() == 1


@pytest.fixture
def quick(server):
    """The server with heartbeats so short that a page may be silent for three seconds only."""
    usual, server.routes.connections.heartbeat = server.routes.connections.heartbeat, 0.3
    yield server
    server.routes.connections.heartbeat = usual


def plays_on(visit):
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame + 3)


@pytest.mark.parametrize(("query", "live"), [("", "live"), ("?link=pull", "live by HTTP")])
def test_a_page_that_was_paused_longer_than_it_may_be_silent_plays_on(quick, browse, query, live):
    visit = browse(query=query)
    (seat,) = quick.routes.seats.taken.values()
    link = seat.connection
    visit.key(" ")
    until(lambda: visit.state[Pause].paused)
    asked = link.heartbeat._number
    until(lambda: link.closed or link.heartbeat._number > asked + 1.5 * link.heartbeat.patience)
    assert visit.page.locator("[data-hud=link]").inner_text() == live
    visit.key(" ")
    until(lambda: not visit.state[Pause].paused)
    plays_on(visit)
    assert link.closed is None
    assert seat.connection is link


FOR_GOOD = (CloseCode.SUPERSEDED, CloseCode.IDLE)


@pytest.mark.parametrize("code", [code for code in CloseCode if code not in FOR_GOOD])
def test_a_page_whose_socket_the_server_closes_says_so_and_comes_back(server, browse, code):
    visit = browse()
    visit.key(" ")
    until(lambda: visit.state[Pause].paused)
    (seat,) = server.routes.seats.taken.values()
    seat.connection.end(code)
    visit.page.locator(".st-link[data-state=lost]", has_text="reconnecting").wait_for()
    visit.page.locator(".st-veil[data-show=true]", has_text=code.words).wait_for()
    visit.page.locator(".st-link[data-state=live]").wait_for()
    assert visit.page.locator("[data-hud=link]").inner_text() == "live"
    visit.key(" ")
    until(lambda: not visit.state[Pause].paused)
    plays_on(visit)
    assert server.session is visit.session
    assert len(server.routes.seats.taken) == 1


def test_a_page_whose_seat_went_to_who_waited_says_so_and_stays_ended(server, browse):
    visit = browse()
    (seat,) = server.routes.seats.taken.values()
    server.routes.seats.close(seat, CloseCode.IDLE)
    visit.page.locator(".st-veil[data-show=true]", has_text=CloseCode.IDLE.words).wait_for()
    time.sleep(1.5)  # a page that comes back does so after 0.4 s
    assert visit.page.evaluate("[window.studio.link.ended, window.studio.link.deliver]") == [True, None]
    assert not server.routes.seats.taken


def unsaid(page):
    """The word that another tab has taken over is lost on its way; the close code is not."""

    def through(socket):
        server = socket.connect_to_server()
        server.on_message(lambda message: None if '"superseded"' in str(message) else socket.send(message))

    page.route_web_socket("**/studio/ws", through)


@pytest.mark.parametrize(
    ("query", "prepare"),
    [("", lambda page: None), ("", unsaid), ("?link=pull", lambda page: None)],
    ids=["socket", "code alone", "pull"],
)
def test_a_superseded_page_says_elsewhere_and_stays_ended(server, browse, query, prepare):
    first = browse(query=query, prepare=prepare)
    seat = first.page.evaluate("sessionStorage.getItem('studio-seat')")
    take = f"sessionStorage.setItem('studio-seat', {json.dumps(seat)})"
    second = browse(query=query, prepare=lambda page: page.add_init_script(take))
    first.page.locator(".st-link[data-state=superseded]", has_text="elsewhere").wait_for()
    first.page.locator(".st-veil[data-show=true]", has_text="goes on in another tab").wait_for()
    time.sleep(1.5)  # a page that comes back does so after 0.4 s
    assert first.page.locator("[data-hud=link]").inner_text() == "elsewhere"
    assert first.page.evaluate("[window.studio.link.ended, window.studio.link.deliver]") == [True, None]
    assert second.page.locator("[data-hud=link]").inner_text() == ("live by HTTP" if query else "live")
    assert second.session is first.session
    plays_on(second)


def test_a_pull_that_falls_silent_is_given_up_and_taken_up_again(browse):
    visit = browse(query="?link=pull")
    visit.page.evaluate("window.studio.link.pullSilence = 1500")
    for address in ("**/studio/up", "**/studio/frame"):
        visit.page.route(address, lambda route: None)  # no answer, nor a refusal
    visit.page.locator(".st-link[data-state=lost]", has_text="reconnecting").wait_for(timeout=40_000)
    visit.page.unroute_all()
    visit.page.locator(".st-link[data-state=live]").wait_for(timeout=40_000)
    plays_on(visit)


def test_a_reload_goes_on_with_the_same_session(server, browse):
    visit = browse()
    visit.session.send(Prompt("before the reload"))
    until(lambda: visit.state[Prompt].text == "before the reload")
    visit.page.reload()
    visit.page.wait_for_function("window.studio?.stage?.drawn >= 2")
    assert server.session is visit.session
    until(lambda: visit.page.locator("#studio-prompt textarea").input_value() == "before the reload")


def test_a_third_tab_waits_and_starts_when_one_is_closed(server, browse):
    first = browse()
    second = browse()
    third = browse(frames=0)
    third.page.locator("[data-veil]", has_text="Close one of the other tabs").wait_for()
    assert len(server.routes.seats.taken) == 2
    first.page.close()
    third.page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=30_000)
    assert second.session.running


def test_a_closed_tab_leaves_its_score(server, browse):
    known = set(server.takes.glob("*.jsonl"))
    visit = browse()
    visit.label("fox")
    visit.drag((0.3, 0.3), (0.6, 0.6))
    until(lambda: visit.strokes)
    visit.page.close()
    until(lambda: all(seat.left_at for seat in server.routes.seats.taken.values()))
    server.routes.seats.close_all()
    (path,) = set(server.takes.glob("*.jsonl")) - known
    assert any(isinstance(event.control, Stroke) for event in Score.read(path).events)
    assert not any(isinstance(event.control, Erase) for event in Score.read(path).events if event.frame > 1)


# What is not lost


def test_the_panel_is_filled_in_the_page_at_once_and_not_by_the_server(browse):
    """What a person types while an answer is on its way would be lost."""
    visit, asked = browse(), []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    words = visit.page.locator("#studio-prompt textarea")
    until(lambda: words.input_value() == "a lake")
    visit.page.evaluate("window.studio.panel.show()")
    words.fill("a storm")
    visit.page.keyboard.press("Control+Enter")
    until(lambda: visit.state[Prompt].text == "a storm")
    assert [
        url for url in asked if "/gradio_api/run" in url or "/gradio_api/queue" in url or "/gradio_api/call" in url
    ] == []


def test_a_preset_is_one_step_back_and_one_forth(browse):
    visit = browse()
    visit.key("3")
    visit.label("fox")
    visit.page.mouse.click(*visit.point(0.3, 0.6))
    until(lambda: visit.strokes)
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    until(lambda: [stroke.label for stroke in visit.strokes] == ["duck"])
    until(lambda: visit.page.locator("#studio-prompt textarea").input_value() == "a lake")
    visit.key("Control+z")
    until(lambda: [stroke.label for stroke in visit.strokes] == ["fox"])
    assert visit.strokes[0].points[0][1:] == pytest.approx((0.3, 0.6), abs=0.01)
    until(lambda: visit.state[Prompt].text == "a meadow")
    until(lambda: visit.page.locator("#studio-prompt textarea").input_value() == "a meadow")
    visit.key("Control+Shift+Z")
    until(lambda: (visit.state[Prompt].text, [stroke.label for stroke in visit.strokes]) == ("a lake", ["duck"]))


def test_what_is_cleared_has_no_forth_from_before(browse):
    visit = browse()
    pin_fox_and_bear(visit)
    visit.key("Control+z")
    visit.key("c")
    until(lambda: not visit.strokes)
    visit.key("Control+Shift+Z")
    time.sleep(0.3)
    assert not visit.strokes
    assert visit.page.locator("[data-do=redo]").get_attribute("aria-disabled") == "true"
    assert visit.page.locator("[data-do=undo]").get_attribute("aria-disabled") == "false"
    assert visit.page.locator("[data-do=clear]").get_attribute("aria-disabled") == "true"


def test_words_not_applied_yet_outlive_what_the_session_does(browse):
    visit = browse()
    words = visit.page.locator("#studio-prompt textarea")
    words.fill("a town of glass")
    words.blur()
    visit.session.send(Prompt("from a notebook"))
    until(lambda: visit.page.evaluate("window.studio.controls.get('prompt').text") == "from a notebook")
    time.sleep(0.5)
    assert words.input_value() == "a town of glass"
    visit.page.locator("#studio-apply.unapplied").wait_for()
    visit.page.locator("#studio-apply").click()
    until(lambda: visit.state[Prompt].text == "a town of glass")
    visit.session.send(Prompt("from a notebook again"))
    until(lambda: words.input_value() == "from a notebook again")


def test_a_line_that_falls_silent_is_given_up_and_the_words_on_it_are_kept(browse):
    sockets = []

    def through(socket):
        server = socket.connect_to_server()
        sockets.append({"page": socket, "silent": False})
        line = sockets[-1]
        socket.on_message(lambda message: None if line["silent"] else server.send(message))
        server.on_message(lambda message: None if line["silent"] else socket.send(message))

    visit = browse(prepare=lambda page: page.route_web_socket("**/studio/ws", through))
    visit.page.evaluate("window.studio.link.silence = 1500")
    visit.page.wait_for_timeout(600)  # the next word is waited for no longer than that
    sockets[0]["silent"] = True
    visit.page.locator("#studio-prompt textarea").fill("a storm at sea")
    visit.page.keyboard.press("Control+Enter")
    visit.page.locator(".st-link[data-state=lost]").wait_for()
    visit.page.locator(".st-veil[data-show=true]", has_text="The link is lost").wait_for()
    visit.page.locator(".st-link[data-state=live]").wait_for(timeout=30_000)
    assert len(sockets) == 2
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame)
    assert visit.state[Prompt].text == "a meadow"
    assert visit.page.locator("#studio-prompt textarea").input_value() == "a storm at sea"
    visit.page.locator("#studio-apply.unapplied").click()
    until(lambda: visit.state[Prompt].text == "a storm at sea")


def test_without_a_link_nothing_is_set_and_it_is_said(browse):
    visit = browse()
    visit.page.evaluate("""() => {
      window.deliver = window.studio.link.deliver;
      Object.defineProperty(window.studio.link, 'deliver', { get: () => null, set() {}, configurable: true });
    }""")
    visit.drag((0.3, 0.3), (0.6, 0.6))
    visit.page.locator(".st-toast", has_text="Not connected just now").wait_for()
    visit.page.locator("#studio-prompt textarea").fill("a storm at sea")
    visit.page.locator("#studio-apply").click()
    visit.key("Control+z")
    assert visit.page.locator(".st-chip").count() == 0
    assert visit.page.evaluate("window.studio.controls.get('prompt').text") == "a meadow"
    visit.page.evaluate("delete window.studio.link.deliver; window.studio.link.deliver = window.deliver")
    visit.page.locator("#studio-apply").click()
    until(lambda: visit.state[Prompt].text == "a storm at sea")


def test_a_take_of_a_picture_that_stood_still_is_no_take(browse):
    visit = browse()
    visit.key(" ")
    until(lambda: visit.state[Pause].paused)
    visit.key("r")
    visit.page.locator(".st-rec:visible").wait_for()
    visit.key("r")
    visit.page.locator(".st-toast", has_text="Nothing was recorded").wait_for()
    assert visit.page.locator(".st-take").count() == 0


# What a newcomer sees


def test_what_the_hand_does_is_said_until_it_was_done_once(browse, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    visit = browse(context)
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    until(lambda: visit.page.locator(".st-chip").count() == 1)
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    visit.key("Control+z")  # sends a stroke that no hand has painted
    until(lambda: visit.page.locator(".st-chip").count() == 1)
    hint = visit.page.locator(".st-hint")
    assert hint.inner_text() == "Drag in the picture: fox follows your hand."
    visit.key("2")
    visit.label("bear")
    assert hint.inner_text() == "Draw a line in the picture: bear goes along it."
    visit.label("")
    assert hint.inner_text() == "Type a subject, then paint it into the picture."
    visit.label("bear")
    visit.drag((0.2, 0.8), (0.4, 0.9))
    until(lambda: visit.page.locator(".st-chip").count() == 2)
    assert hint.count() == 0
    context.close()


def test_a_preset_says_what_it_is_about(browse):
    visit = browse()
    titles = visit.page.eval_on_selector_all("#studio-presets button", "buttons => buttons.map(one => one.title)")
    assert titles == ["Quiet", "Lake"]
    assert not visit.page.locator("#studio-preset-words").is_visible()


@pytest.mark.parametrize("width", [320, 390, 862, 1000, 1024, 1180, 1280])
def test_nothing_is_cut_off_at_any_width(browse, chromium, width):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    visit = browse(context)
    hidden = """() => [...document.querySelectorAll('.st-top [data-do], .st-dock [data-do], .st-modes button')]
      .filter((one) => one.offsetParent).filter((one) => {
        window.scrollBy(0, one.getBoundingClientRect().y - 300); // scrollIntoView would show what is cut off
        const box = one.getBoundingClientRect();
        return !one.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
      }).map((one) => one.dataset.do || one.dataset.mode)"""
    assert visit.page.evaluate(hidden) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    for row in (".st-top", ".st-dock", ".st-brush"):
        over = visit.page.locator(row).evaluate("one => one.scrollWidth - one.clientWidth")
        assert over <= 1, row
    stage = visit.page.locator(".st-stage").bounding_box()
    right = visit.page.locator("#studio-main").bounding_box()
    assert stage["x"] + stage["width"] <= right["x"] + right["width"]
    context.close()


def test_bold_words_are_in_the_pages_own_letters(browse):
    visit = browse()
    tools = visit.page.context.new_cdp_session(visit.page)
    tools.send("DOM.enable")
    tools.send("CSS.enable")
    root = tools.send("DOM.getDocument")["root"]["nodeId"]
    node = tools.send("DOM.querySelector", {"nodeId": root, "selector": ".st-brand span"})["nodeId"]
    (font,) = tools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    assert font["isCustomFont"], font


def test_a_long_name_is_cut_with_an_ellipsis_and_can_be_removed(browse):
    visit = browse()
    name = "a giraffe with a hat on a bicycle in the rain of a very long name 🦒"
    visit.key("3")
    visit.label(name)
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.strokes)
    words = visit.page.locator(".st-chip span")
    style = "one => one.scrollWidth > one.clientWidth && getComputedStyle(one).textOverflow"
    assert words.evaluate(style) == "ellipsis"
    fit = "async ([words, wide]) => { const { pen } = window.studio.ink; pen.font = '12px sans-serif'; "
    fit += "return (await import('/gradio_api/studio/web/ink.js')).fitText(pen, words, wide); }"
    cut = visit.page.evaluate(fit, [name, 120])
    assert cut.endswith("…")
    assert len(cut) < len(name) / 2
    assert name.startswith(cut[:-1])
    assert visit.page.evaluate(fit, [name, 1200]) == name
    visit.page.get_by_label(f"Remove {name}").click()
    until(lambda: not visit.strokes)


def test_the_keyboard_sees_where_it_is_in_the_panel(browse):
    visit = browse()
    visit.page.locator("#studio-seed input").focus()
    for _ in range(2):
        outline = "[document.activeElement.type, getComputedStyle(document.activeElement).outlineStyle]"
        kind, style = visit.page.evaluate(outline)
        assert style == "solid", kind
        visit.page.keyboard.press("Tab")


def test_a_chosen_subject_is_removed_by_a_key_every_keyboard_has(browse):
    visit = browse()
    visit.key("3")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.strokes)
    visit.key("x")
    until(lambda: not visit.strokes)


def test_a_second_finger_neither_moves_a_stroke_nor_ends_it(browse):
    visit = browse()
    visit.label("bear")
    fingers = """([down, away, end]) => {
      const stage = document.querySelector('.st-stage');
      const send = (kind, finger, [clientX, clientY]) => stage.dispatchEvent(new PointerEvent(kind, {
        pointerId: finger, clientX, clientY, bubbles: true, cancelable: true }));
      send('pointerdown', 1, down);
      send('pointerdown', 2, away);
      send('pointermove', 2, away);
      send('pointerup', 2, away);
      send('pointermove', 1, end);
      send('pointerup', 1, end);
    }"""
    visit.page.mouse.move(*visit.point(0.5, 0.5))
    visit.page.evaluate(fingers, [visit.point(0.2, 0.2), visit.point(0.9, 0.9), visit.point(0.4, 0.3)])
    until(lambda: visit.strokes and visit.strokes[0].points[-1][1:] == pytest.approx((0.4, 0.3), abs=0.001))
    assert len(visit.strokes) == 1


def test_a_number_that_is_typed_anew_is_no_mistake(browse):
    visit = browse()
    number = visit.page.locator("#studio-seed input")
    number.fill("")
    number.press_sequentially("12")
    number.press("Enter")
    until(lambda: visit.state[Sampling].seed == 12)
    assert visit.page.locator(".st-toast").count() == 0


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


@pytest.mark.parametrize(("width", "height"), [(844, 390), (640, 450)])
def test_on_a_short_screen_the_brush_is_there_without_scrolling(browse, chromium, width, height):
    context = chromium.new_context(viewport={"width": width, "height": height})
    visit = browse(context)
    box = visit.page.locator(".st-modes").bounding_box()
    assert box["y"] + box["height"] <= height
    assert visit.page.locator(".st-stage").bounding_box()["height"] > 0.4 * height
    context.close()
