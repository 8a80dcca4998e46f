"""The page in a real browser, playing real tiny models: pictures in from a camera, and one model after another."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
from tiny.model import TinyModel
from tiny.sd_folders import tiny_controlnet, tiny_lora, tiny_sd, tiny_taesd
from tiny.wan_folders import tiny_wan_folder

from browser.page import CHROMIUM, EXPECTED, FLAGS, Visit, preset, until
from studio.controls import Picture, Prompt, Sampling, Similarity, Structure, lora_weights
from studio.models.errors import CheckpointError
from studio.models.loader import Progress
from studio.ui.library import Library

pytestmark = pytest.mark.timeout(400)
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
WINDOW = {"viewport": {"width": 1280, "height": 1000}}
LONG = 90_000  # ms: a loaded machine of two cores is slow, and what does not come never comes
PRESETS = {"lake": preset("Lake", "a lake", id="d", label="duck", mode="pin", points=[[0, 0.5, 0.25]])}
TELL = """() => {
  const { toasts } = window.studio;
  const show = toasts.show.bind(toasts);
  window.told = [];
  toasts.show = (text, kind) => { window.told.push(text); show(text, kind); };
}"""
SHOWN = """() => {
  const view = document.querySelector('.st-view');
  const { data } = view.getContext('2d').getImageData(0, 0, view.width, view.height);
  return data.reduce((sum, value, at) => (sum * 31 + value * (at % 251)) % 2147483647, 7);
}"""


@dataclass
class Offer:
    """A line of the catalogue."""

    name: str
    what: str = "tiny random weights"
    licence: str = "Apache-2.0"
    download_bytes: int = 0
    memory_bytes: int = 1_000_000
    here: bool = True
    fits: bool = True
    reason: str = ""
    slow: bool = False


class Shelf:
    """A catalogue of tiny models, with the manners of `studio.models.load`."""

    def __init__(self, folder) -> None:
        self.folder = folder

    def listing(self):
        return [
            *(Offer(name) for name in ("tiny", "sd", "sd-full", "wan", "broken")),
            Offer("afar", here=False, download_bytes=5_000_000_000),
            Offer("huge", fits=False, reason="needs a CUDA card with 80 GB free"),
        ]

    def load(self, name, progress: Progress, cancel):
        from studio.models.image.model import open_image
        from studio.models.wan.model import open_wan

        if name == "broken":
            raise CheckpointError("unet/diffusion_pytorch_model.safetensors ends in the middle; download it again")
        if name == "afar":
            for done in range(0, 5_000_000_000, 50_000_000):
                progress(done, 5_000_000_000, "a file")
                if cancel.wait(0.1):
                    raise RuntimeError("stopped")
        if name == "wan":
            return open_wan(self.made("wan", tiny_wan_folder), size=(64, 64), chunk=1, sink=1, window=3)
        if name in ("sd", "sd-full"):
            base, tiny = self.made("sd", tiny_sd), self.made("taesd", tiny_taesd)
            more = {}
            if name == "sd-full":
                controlnet = self.made("controlnet", lambda folder: tiny_controlnet(folder, base))
                style = tiny_lora(self.folder / "style", base)
                more = {"controlnet": controlnet, "loras": {"ink": style}}
            return open_image(base, tiny_vae=tiny, size=(64, 96), **more)
        return TinyModel()

    def made(self, name, make):
        folder = self.folder / name
        if not folder.exists():
            make(folder)
        return folder


class Server:
    """One server for all tests; `open(home)` says which model its pages open with."""

    def __init__(self, folder) -> None:
        from studio.ui.app import launch

        self.shelf = Shelf(folder)
        self.library = Library("tiny", listing=self.shelf.listing, load=self.shelf.load)
        self.address, self.routes, self.page = launch(
            library=self.library, presets=PRESETS, port=None, takes=folder / "takes", block=False
        )

    def open(self, home: str) -> None:
        self.routes.seats.close_all()
        self.library.home = home
        self.library.open()

    @property
    def seat(self):
        (seat,) = self.routes.seats.taken.values()
        return seat


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("models"))
    yield made
    made.page.close()


@pytest.fixture(scope="module")
def chromium(started):
    """A browser with a camera, whose picture moves, and leave to use it."""
    browser = started.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *CAMERA])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def profile(chromium):
    """One browser profile for all tests, so that only the first loads Gradio's scripts."""
    context = chromium.new_context(**WINDOW)
    yield context
    context.close()


@pytest.fixture
def browse(server, profile):
    """`browse(home)` opens the page on a model; no page may have said an error."""
    pages, errors = [], []

    def opened(home, browser=None, query=""):
        server.open(home)
        page = browser.new_page(**WINDOW) if browser else profile.new_page()
        pages.append(page)
        page.set_default_timeout(LONG)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(server.address + query)
        page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=LONG)
        page.evaluate(TELL)
        return Visit(page, server.seat.session)

    yield opened
    for page in pages:
        if not page.is_closed():
            page.evaluate("localStorage.clear()")
            page.close()
    server.routes.seats.close_all()
    assert [error for error in errors if not any(known in error for known in EXPECTED)] == []


def shown(visit):
    """A number for the picture on the page."""
    return visit.page.evaluate(SHOWN)


def play_on(visit, frames=3):
    """Some more frames come."""
    before = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") >= before + frames, 90)


def toast(visit, text):
    """The page says this, or has said it: a notice goes after some seconds."""
    until(lambda: any(text in told for told in visit.page.evaluate("window.told")), 90)


def choose(visit, name):
    visit.page.locator(".st-model").click()
    visit.page.locator(f'.st-offer button[aria-label$=" {name}"]').click()


def still(path):
    """A video of one picture, as Chromium's fake camera plays it: dark on the left, bright on the right."""
    frame = b"FRAME\n" + (bytes([40]) * 32 + bytes([200]) * 32) * 64 + bytes([128]) * (2 * 32 * 32)
    path.write_bytes(b"YUV4MPEG2 W64 H64 F20:1 Ip A1:1 C420jpeg\n" + frame * 20)
    return path


def brighter(picture):
    """The side of a picture that is."""
    import io

    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(picture.data)).convert("L"), float)
    left, right = np.array_split(pixels, 2, axis=1)
    return "left" if left.mean() > right.mean() else "right"


def png(path, seed=0):
    from PIL import Image

    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    return path


# Pictures in


def test_a_tiny_stable_diffusion_is_played_from_the_camera(browse):
    visit = browse("sd")
    play_on(visit, 4)
    before = shown(visit)
    play_on(visit, 3)
    assert shown(visit) == before, "without a camera the noise is held and nothing moves"

    visit.page.locator("[data-source=camera]").click()
    until(lambda: visit.state[Picture].data, 90)
    first = visit.state[Picture]
    until(lambda: visit.state[Picture] != first, 90)
    until(lambda: shown(visit) != before, 90)
    moved = shown(visit)
    until(lambda: shown(visit) != moved, 90)
    visit.page.evaluate("window.camera = window.studio.input.media")
    visit.page.locator(".st-stage").click()
    play_on(visit)
    assert visit.page.evaluate("window.camera === window.studio.input.media"), "a click elsewhere chooses nothing"
    assert visit.page.locator(".st-preview canvas").is_visible()

    visit.page.locator("#studio-prompt textarea").fill("a harbour at night")
    visit.page.keyboard.press("Control+Enter")
    until(lambda: visit.state[Prompt].text == "a harbour at night", 90)
    visit.page.wait_for_function(
        "/live since frame/.test(document.getElementById('studio-live').textContent)", timeout=LONG
    )
    visit.page.locator("[data-source=none]").click()
    until(lambda: not visit.state[Picture].data, 90)
    assert visit.page.evaluate("window.studio.input.media") is None


def test_a_picture_is_cropped_to_the_models_shape_and_one_is_under_way_at_most(browse):
    import io

    from PIL import Image

    visit = browse("sd")
    visit.page.evaluate("""() => {
      window.most = 0;
      let flying = 0;
      const { link } = window.studio;
      const send = link.send.bind(link);
      link.send = (message) => {
        if (message instanceof Uint8Array) window.most = Math.max(window.most, flying += 1);
        return send(message);
      };
      const { uploader } = window.studio.input;
      const answered = uploader.answered.bind(uploader);
      uploader.answered = (number) => { flying -= 1; answered(number); };
    }""")
    visit.page.locator("[data-source=camera]").click()
    until(lambda: visit.state[Picture].data, 90)
    play_on(visit, 5)
    assert Image.open(io.BytesIO(visit.state[Picture].data)).size == (96, 64)
    assert visit.page.evaluate("window.most") == 1


def test_the_filter_skips_before_a_still_camera_and_the_page_says_how_much(browse, started, tmp_path):
    video = still(tmp_path / "still.y4m")
    args = [*FLAGS, *CAMERA, f"--use-file-for-fake-video-capture={video}"]
    browser = started.chromium.launch(executable_path=str(CHROMIUM), args=args)
    try:
        visit = browse("sd", browser)
        visit.page.locator("[data-source=camera]").click()
        until(lambda: visit.state[Picture].data, 90)
        assert brighter(visit.state[Picture]) == "left", "a camera is a mirror"
        visit.page.locator("[data-mirror]").click()
        until(lambda: brighter(visit.state[Picture]) == "right", 90)
        assert visit.page.locator("#studio-skips").text_content() == ""
        visit.page.locator("#studio-threshold input[type=number]").fill("0.1")
        visit.page.locator("#studio-threshold input[type=number]").press("Enter")
        until(lambda: visit.state[Similarity].threshold == 0.1, 90)
        until(lambda: visit.session.stats["skip_rate"] > 0.5, 90)
        visit.page.wait_for_function(
            "parseInt(document.getElementById('studio-skips').textContent.replace('skips ', '')) > 50", timeout=LONG
        )
        play_on(visit, 3)
        visit.page.close()
    finally:
        browser.close()


def test_strength_acts_while_it_is_moved_and_is_undone(browse):
    visit = browse("sd")
    visit.page.locator("[data-source=camera]").click()
    visit.page.locator("#studio-seed input").fill("5")
    visit.page.locator("#studio-seed input").press("Enter")
    visit.page.locator("#studio-strength input[type=number]").fill("0.3")
    visit.page.locator("#studio-strength input[type=number]").press("Enter")
    until(lambda: visit.state[Sampling].strength == pytest.approx(0.3), 90)
    assert visit.state[Sampling].seed == 5, "a slider moves its own field and no other"
    visit.key("Control+z")
    until(lambda: visit.state[Sampling].strength == pytest.approx(0.6), 90)
    until(lambda: float(visit.page.locator("#studio-strength input[type=number]").input_value()) == 0.6, 90)


def test_a_still_picture_stays_and_a_file_that_is_none_is_explained(browse, tmp_path):
    visit = browse("sd")
    visit.page.locator("[data-file=still]").set_input_files(png(tmp_path / "still.png"))
    first = until(lambda: visit.state[Picture].data, 90)
    play_on(visit)
    assert visit.state[Picture].data == first
    (tmp_path / "notes.png").write_text("no picture")
    visit.page.locator("[data-file=still]").set_input_files(tmp_path / "notes.png")
    toast(visit, "notes.png is no picture")
    play_on(visit)
    assert visit.state[Picture].data == first


def test_a_video_file_plays_into_the_picture(browse, tmp_path):
    imageio = pytest.importorskip("imageio.v3")
    film = tmp_path / "film.webm"
    frames = [np.full((64, 96, 3), 12 * k, np.uint8) for k in range(20)]
    imageio.imwrite(film, np.stack(frames), plugin="pyav", codec="libvpx", fps=10)
    visit = browse("sd")
    visit.page.locator("[data-file=film]").set_input_files(film)
    first = until(lambda: visit.state[Picture].data, 90)
    until(lambda: visit.state[Picture].data != first, 90)


def test_a_camera_that_vanishes_leaves_its_last_picture_and_a_word(browse):
    visit = browse("sd")
    visit.page.locator("[data-source=camera]").click()
    until(lambda: visit.state[Picture].data, 90)
    visit.page.evaluate("window.studio.input.media.srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    toast(visit, "The camera is gone. The last picture stays")
    assert "The camera is gone" in visit.page.locator(".st-input-word").inner_text()
    play_on(visit)
    assert visit.state[Picture].data
    visit.page.locator("[data-source=camera]").click()  # and it may come back
    until(lambda: visit.page.evaluate("window.studio.input.source") == "camera", 90)


def test_a_camera_that_is_not_allowed_is_explained(browse, started):
    browser = started.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, "--deny-permission-prompts"])
    try:
        visit = browse("sd", browser)
        visit.page.locator("[data-source=camera]").click()
        toast(visit, "camera")
        play_on(visit)
        assert not visit.state[Picture].data
        visit.page.close()
    finally:
        browser.close()


def test_the_camera_comes_in_where_no_socket_does(browse):
    visit = browse("sd", query="?link=pull")
    assert visit.page.locator("[data-hud=link]").inner_text() == "live by HTTP"
    visit.page.locator("[data-source=camera]").click()
    first = until(lambda: visit.state[Picture].data, 90)
    until(lambda: visit.state[Picture].data != first, 90)


def test_loras_and_the_controlnet_are_there_when_the_model_has_them(browse):
    visit = browse("sd-full")
    lora = visit.page.locator("#studio-loras input[type=range]")
    lora.focus()
    lora.press("ArrowRight")
    until(lambda: lora_weights(visit.state).get("ink") == pytest.approx(0.05), 90)
    visit.page.locator("[data-source=camera]").click()
    visit.page.locator("#studio-structure input[type=number]").fill("0.8")
    visit.page.locator("#studio-structure input[type=number]").press("Enter")
    until(lambda: visit.state[Structure].strength == pytest.approx(0.8), 90)
    visit.key("Control+z")
    visit.key("Control+z")
    until(lambda: not lora_weights(visit.state), 90)
    until(lambda: visit.page.locator("#studio-loras output").inner_text() == "0.00", 90)


@pytest.mark.parametrize(
    ("home", "there", "absent"),
    [
        ("tiny", ["prompt", "switch", "guidance"], ["input", "strength", "structure", "loras", "threshold"]),
        ("sd", ["prompt", "input", "threshold", "guidance"], ["switch", "strength", "structure", "loras"]),
        ("sd-full", ["input", "loras"], ["switch", "strength", "structure"]),
        ("wan", ["prompt", "switch", "input"], ["strength", "threshold", "structure", "loras"]),
    ],
)
def test_only_what_plays_is_shown(browse, home, there, absent):
    visit = browse(home)
    visible = {name: visit.page.locator(f"#studio-{name}").is_visible() for name in [*there, *absent]}
    assert visible == dict.fromkeys(there, True) | dict.fromkeys(absent, False)
    if "loras" in there:  # and the rest once there is a picture that it acts on
        visit.page.locator("[data-source=camera]").click()
        visit.page.locator("#studio-strength").wait_for()
        assert visit.page.locator("#studio-structure").is_visible()


# A video model that was not taught strokes


def test_a_tiny_wan_takes_a_presets_strokes_and_switches_prompts(browse):
    visit = browse("wan")
    assert visit.page.locator(".st-brush").is_visible()
    visit.page.locator("#studio-presets button", has_text="Lake").click()
    until(lambda: visit.strokes, 90)
    until(lambda: visit.state[Prompt].text == "a lake", 90)
    before = shown(visit)
    visit.page.locator("#studio-switch label", has_text="Recache").click()
    visit.page.locator("#studio-prompt textarea").fill("a storm at sea")
    visit.page.keyboard.press("Control+Enter")
    until(lambda: (visit.state[Prompt].text, visit.state[Prompt].switch) == ("a storm at sea", "recache"), 90)
    visit.page.wait_for_function(
        "/live since frame/.test(document.getElementById('studio-live').textContent)", timeout=LONG
    )
    play_on(visit)
    assert shown(visit) != before


# One model after another


def test_the_list_says_what_fits_and_why_the_rest_does_not(browse):
    visit = browse("tiny")
    visit.page.locator(".st-model").click()
    visit.page.locator(".st-offer").first.wait_for()
    rows = {row.split("\n")[0]: row for row in visit.page.locator(".st-offer").all_inner_texts()}
    assert "Playing" in rows["tiny"]
    assert "5.0 GB to download" in rows["afar"]
    assert "Apache-2.0" in rows["afar"]
    assert "Download and play" in rows["afar"]
    assert "needs a CUDA card with 80 GB free" in rows["huge"]
    assert "Play" not in rows["huge"].replace("Playing", "")


def test_a_model_is_handed_over_while_it_plays(browse, server):
    visit = browse("tiny")
    visit.key("e")
    visit.label("fox")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    until(lambda: visit.strokes)
    before = visit.session.engine.frame
    choose(visit, "sd")
    toast(visit, "sd plays now")
    assert server.seat.session is visit.session
    assert visit.session.model.name != "tiny"
    assert visit.session.engine.frame > before, "the same session goes on"
    play_on(visit)
    assert visit.page.locator("[data-hud=model]").inner_text() == "sd"
    view = "(({ width, height }) => [width, height])(document.querySelector('.st-view'))"
    until(lambda: visit.page.evaluate(view) == [96, 64], 90)
    assert visit.page.locator("#studio-input").is_visible()
    assert visit.page.locator(".st-brush").is_visible()
    assert visit.strokes, "what was painted goes on, painted under each picture"
    choose(visit, "tiny")
    until(lambda: visit.page.evaluate(view) == [32, 32], 90)
    assert visit.page.locator(".st-brush").is_visible()
    until(lambda: list(server.library._loaded) == ["tiny"], 90)  # what nobody plays is let go


def test_a_load_that_fails_leaves_the_first_playing(browse, server):
    visit = browse("tiny")
    model = visit.session.model
    choose(visit, "broken")
    toast(visit, "ends in the middle; download it again")
    assert not visit.page.locator(".st-loading").is_visible()
    play_on(visit)
    assert visit.session.model is model
    assert visit.page.locator("[data-hud=model]").inner_text() == "tiny"


def test_a_download_is_seen_and_called_off(browse, server):
    visit = browse("tiny")
    choose(visit, "afar")
    visit.page.locator(".st-loading", has_text="of 5.0 GB").wait_for(timeout=LONG)
    play_on(visit)
    visit.page.locator("[data-do=cancel-load]").click()
    toast(visit, "afar was called off")
    until(lambda: not visit.page.locator(".st-loading").is_visible())
    play_on(visit)
    time.sleep(0.3)
    assert visit.session.model.name == "tiny"
