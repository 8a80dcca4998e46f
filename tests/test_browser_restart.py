"""A page that stays open, in a real browser: its server is killed in mid-take, an hour passes, a model compiles."""

import asyncio
import contextlib
import ctypes
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import pytest
from conftest import TinyModel
from ui_stand_ins import StandIn

from studio.controls import Pause
from studio.score import Digest, Score, replay

CHROMIUM = Path("/usr/bin/chromium")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs chromium at /usr/bin/chromium"),
    pytest.mark.timeout(300),
]
FASTEST = 30  # frames a second that a page's session makes


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not (got := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)
    return got


@pytest.fixture(scope="module")
def context():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser.new_context(accept_downloads=True, viewport={"width": 1440, "height": 900})
        browser.close()


@pytest.fixture
def page(context):
    page = context.new_page()
    yield page
    page.close()


def opened(page, address, query=""):
    page.goto(address + query)
    page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=90_000)


def plays_on(page):
    page.locator(".st-link[data-state=live]").wait_for(timeout=60_000)
    frame = page.evaluate("window.studio.stage.frame")
    page.wait_for_function(f"window.studio.stage.frame > {frame} + 3 || window.studio.stage.frame < {frame}")


def press(page, key):
    page.locator(".st-stage").focus()
    page.keyboard.press(key)


# A server that is killed and started again

RUN = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import conftest, studio.ui.app
from studio.cli import main
from studio.models.registry import MODELS, POCKET_COUNTS, Entry
MODELS["tiny"] = Entry("conftest:TinyModel", "for tests", "MIT", POCKET_COUNTS)
pid = 0
for line in sys.stdin:
    if pid:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    pid = os.fork() if line == "start\\n" else 0
    if line == "start\\n" and not pid:
        sys.exit(main({arguments!r}))
    print(pid, flush=True)
"""


class Servers:
    """Processes of `studio run` on one port, one after another: each is forked from one that has imported all of it."""

    def __init__(self, folder: Path) -> None:
        import studio

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address, self.takes = f"http://127.0.0.1:{self.port}/", folder / "takes"
        arguments = ["run", "--model", "tiny", "--port", str(self.port), "--takes", str(self.takes)]
        code = RUN.format(tests=str(Path(__file__).parent), arguments=arguments)
        root, state = str(Path(studio.__file__).parent.parent), str(folder / "state")
        environment = {**os.environ, "PYTHONPATH": root, "STUDIO_STATE_DIR": state, "OMP_NUM_THREADS": "1"}
        self._parent = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )

    def start(self) -> None:
        assert self._say("start")

    def kill(self) -> None:
        """As `kill -9` does."""
        assert not self._say("kill")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.kill()
        self._parent.kill()
        self._parent.wait()

    def _say(self, word: str) -> int:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(word + "\n")
        self._parent.stdin.flush()
        return next(int(line) for line in self._parent.stdout if line.strip().isdigit())

    def answers(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.address}gradio_api/app_id", timeout=5).status == 200
        except OSError:
            return False

    def get(self, link) -> bytes:
        return urllib.request.urlopen(link.get_attribute("href"), timeout=10).read()


@pytest.fixture
def servers(tmp_path):
    servers = Servers(tmp_path)
    yield servers
    servers.close()


def test_a_server_that_is_killed_in_mid_take_comes_back_with_prompt_strokes_and_the_take(servers, page, tmp_path):
    servers.start()
    until(servers.answers, 90)
    opened(page, servers.address)
    page.locator("#studio-prompt textarea").fill("a harbour in the fog")
    page.locator("#studio-apply").click()
    page.evaluate("window.studio.controls.clear()")
    page.locator(".st-label input").fill("fox")
    press(page, "3")  # pins
    box = page.locator(".st-view").bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"])
    page.evaluate("window.studio.controls.set({...window.studio.controls.get('sampling'), seed: 77})")
    press(page, "r")
    page.locator(".st-rec").wait_for()
    time.sleep(2.0)
    shown = page.evaluate("window.studio.stage.frame")
    servers.kill()
    page.locator(".st-link[data-state=lost]").wait_for()

    servers.start()
    plays_on(page)
    news = page.locator(".st-toast.news").inner_text()
    assert re.search(
        r"begins anew at frame 0, with its prompt, stroke and settings; its take was cut off at 0:0\d", news
    )
    assert page.evaluate("window.studio.stage.frame") < shown, "a new session"
    assert page.locator("#studio-prompt textarea").input_value() == "a harbour in the fog"
    assert page.locator(".st-chip").count() == 1
    (stroke,) = page.evaluate("[...window.studio.controls.strokes.values()]")
    assert (stroke["label"], stroke["mode"]) == ("fox", "pin")
    assert stroke["points"][0][1:] == pytest.approx((0.25, 0.75), abs=0.01)
    assert page.evaluate("window.studio.controls.get('sampling').seed") == 77
    assert page.locator(".st-rec").is_hidden()

    take = page.locator(".st-take")
    assert take.count() == 1
    assert "unfinished" in take.inner_text()
    score = Score.parse(servers.get(take.locator("a", has_text="Score")).decode())
    assert score.header.start + score.length >= shown - FASTEST, "at most a second is lost"
    digest = Digest()
    for frame in replay(score, TinyModel()):
        digest.add(frame)
    assert (str(digest), digest.frames) == (score.header.digest, score.length)
    (tmp_path / "film.mp4").write_bytes(servers.get(take.locator("a", has_text="Video")))
    assert score.header.start + len(iio.imread(tmp_path / "film.mp4", plugin="pyav")) >= shown - FASTEST
    press(page, "r")
    page.locator(".st-rec").wait_for()
    press(page, "r")
    until(lambda: page.locator(".st-take").count() == 2)


# A server that stays


class Stalling(StandIn):
    """A session that holds still for so many seconds before its next frame, as where a model compiles."""

    stall, keeps_interpreter = 0.0, False

    def step(self):
        if seconds := self.stall:
            self.stall = 0.0
            if self.keeps_interpreter:
                ctypes.PyDLL(None).usleep(int(seconds * 1e6))
            else:
                time.sleep(seconds)
        return super().step()


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Server:
    """The page's server in this process; `session` is the newest."""

    def __init__(self, takes: Path) -> None:
        from studio.ui.app import launch

        self.address, self.routes, self.page = launch(
            session_factory=self._made, presets={}, port=None, takes=takes, block=False
        )

    def _made(self) -> Any:
        self.session = Stalling()
        return self.session


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("takes"))
    yield server
    server.routes.seats.close_all()
    server.page.close()


@pytest.fixture
def server(here):
    connections, seats = here.routes.connections, here.routes.seats
    seats.close_all()
    usual = connections.heartbeat, connections._clock, seats._clock
    yield here
    seats.close_all()
    connections.heartbeat, connections._clock, seats._clock = usual
    connections._beat_at = connections._clock()


HOUR = 3600.0


@pytest.mark.parametrize(("query", "live"), [("", "live"), ("?link=pull", "live by HTTP")])
def test_a_page_that_was_paused_for_an_hour_plays_on(server, page, query, live):
    connections, clock = server.routes.connections, Clock()
    connections.heartbeat = 30.0  # two minutes of pings would not be answered by a page that had gone
    connections._clock = server.routes.seats._clock = clock
    connections._beat_at = clock.now
    opened(page, server.address, query)
    (seat,) = server.routes.seats.taken.values()
    link, loop = seat.connection, seat.connection.bell._loop
    press(page, " ")
    until(lambda: server.session.engine.state[Pause].paused)

    async def beat():
        clock.now += connections.heartbeat
        connections.beat()

    began = clock.now
    while clock.now - began < HOUR:
        asyncio.run_coroutine_threadsafe(beat(), loop).result(10)
        until(lambda: link.heartbeat._unanswered == 0 or link.closed)
        assert link.closed is None
    assert page.locator("[data-hud=link]").inner_text() == live
    press(page, " ")
    until(lambda: not server.session.engine.state[Pause].paused)
    plays_on(page)
    assert seat.connection is link
    assert link.closed is None


def test_a_page_stays_live_while_a_model_compiles_longer_than_a_page_may_be_silent(server, page):
    server.routes.connections.heartbeat = 0.2
    opened(page, server.address)
    page.evaluate("window.studio.link.silence = 1500")
    (seat,) = server.routes.seats.taken.values()
    link = seat.connection
    states = "window.seen = []; new MutationObserver(() => window.seen.push(window.studio.hud.link.dataset.state))"
    page.evaluate(f"{states}.observe(window.studio.hud.link, {{attributes: true}})")
    asked, count = link.heartbeat._number, seat.mailbox.count
    server.session.stall = 3.0
    until(lambda: link.heartbeat._number > asked + link.heartbeat.patience + 2)
    assert seat.mailbox.count - count < 60, "it stands still meanwhile"
    plays_on(page)
    assert page.evaluate("window.seen") == []
    assert link.closed is None
    assert seat.connection is link


def test_a_page_comes_back_to_its_session_after_a_compiler_that_held_the_whole_server(server, page):
    opened(page, server.address)
    page.evaluate("window.studio.link.silence = 1000")
    session = server.session
    threading.Timer(0.2, vars(session).update, [{"keeps_interpreter": True, "stall": 2.5}]).start()
    page.locator(".st-link[data-state=lost]").wait_for()
    plays_on(page)
    assert server.session is session
    assert len(server.routes.seats.taken) == 1
