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

import imageio.v3 as iio
import pytest
from tiny.model import TinyModel
from ui.client import Clock
from ui_stand_ins import StandInSession

from browser.page import Visit, plays_on, until
from studio.controls import Pause
from studio.score import Digest, Score, replay

pytestmark = pytest.mark.timeout(300)
FASTEST = 30  # frames a second that a page's session makes
HOUR = 3600.0


# A server that is killed and started again

RUN = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import tiny.model, studio.ui.app
from studio.cli import main
from studio.models.registry import MODELS, POCKET_COUNTS, Entry
MODELS["tiny"] = Entry("tiny.model:TinyModel", "for tests", "MIT", POCKET_COUNTS)
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
        code = RUN.format(tests=str(Path(__file__).parent.parent), arguments=arguments)
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


@pytest.fixture
def visit(servers, laptop):
    """A page of the first of them."""
    servers.start()
    until(servers.answers, 90)
    page = laptop.new_page()
    page.goto(servers.address)
    page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=90_000)
    yield Visit(page, None)
    page.close()


def test_a_server_that_is_killed_in_mid_take_comes_back_with_prompt_strokes_and_the_take(servers, visit, tmp_path):
    page = visit.page
    page.locator("#studio-prompt textarea").fill("a harbour in the fog")
    page.locator("#studio-apply").click()
    page.evaluate("window.studio.controls.clear()")
    visit.label("fox")
    visit.key("e")  # pins
    page.mouse.click(*visit.point(0.25, 0.75))
    page.evaluate("window.studio.controls.set({...window.studio.controls.get('sampling'), seed: 77})")
    visit.key("r")
    page.locator(".st-rec").wait_for()
    time.sleep(2.0)
    shown = page.evaluate("window.studio.stage.frame")
    servers.kill()
    page.locator(".st-link[data-state=lost]").wait_for()

    servers.start()
    news = page.locator(".st-toast.news").inner_text(timeout=90_000)
    plays_on(visit)
    goes_on = re.search(
        r"goes on at frame (\d+), with its prompt, stroke and settings; its take was cut off at 0:0\d", news
    )
    assert goes_on
    assert int(goes_on[1]) >= shown - FASTEST, "at most a second is lost"
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
    visit.key("r")
    page.locator(".st-rec").wait_for()
    visit.key("r")
    until(lambda: page.locator(".st-take").count() == 2)


# A server that stays


class Stalling(StandInSession):
    """Holds still for so many seconds before its next frame, as where a model compiles."""

    stall, keeps_interpreter = 0.0, False

    def step(self):
        if seconds := self.stall:
            self.stall = 0.0
            if self.keeps_interpreter:
                ctypes.PyDLL(None).usleep(int(seconds * 1e6))
            else:
                time.sleep(seconds)
        return super().step()


@pytest.fixture
def timed(server):
    """The server on a clock of its own; with heartbeats of a minute, of which an hour has sixty."""
    connections, seats = server.routes.connections, server.routes.seats
    usual, clock = (connections.heartbeat, connections._clock, seats._clock), Clock()
    connections.heartbeat, connections._clock, seats._clock, connections._beat_at = 60.0, clock, clock, clock.now
    yield server, clock
    server.clear()
    connections.heartbeat, connections._clock, seats._clock = usual
    connections._beat_at = connections._clock()


@pytest.mark.parametrize(("query", "live"), [("", "live"), ("?link=pull", "live by HTTP")])
def test_a_page_that_was_paused_for_an_hour_plays_on(timed, browse, query, live):
    (server, clock), visit = timed, browse(query=query)
    connections, (seat,) = server.routes.connections, server.routes.seats.taken.values()
    link = seat.connection
    visit.key(" ")
    until(lambda: visit.state[Pause].paused)

    async def beat():
        clock.now += connections.heartbeat
        connections.beat()

    began = clock.now
    while clock.now - began < HOUR:
        asyncio.run_coroutine_threadsafe(beat(), link.bell._loop).result(10)
        until(lambda: link.heartbeat._unanswered == 0 or link.closed)
        assert link.closed is None
    assert visit.page.locator("[data-hud=link]").inner_text() == live
    visit.key(" ")
    until(lambda: not visit.state[Pause].paused)
    plays_on(visit)
    assert seat.connection is link
    assert link.closed is None


@pytest.fixture
def impatient(server):
    """The server with heartbeats of which a page may leave two seconds' worth unanswered."""
    usual, server.routes.connections.heartbeat = server.routes.connections.heartbeat, 0.2
    yield server
    server.routes.connections.heartbeat = usual


def test_a_page_stays_live_while_a_model_compiles_longer_than_a_page_may_be_silent(impatient, browse):
    impatient.make = Stalling
    visit = browse()
    visit.page.evaluate("window.studio.link.silence = 1500")
    (seat,) = impatient.routes.seats.taken.values()
    link = seat.connection
    states = "window.seen = []; new MutationObserver(() => window.seen.push(window.studio.hud.link.dataset.state))"
    visit.page.evaluate(f"{states}.observe(window.studio.hud.link, {{attributeFilter: ['data-state']}})")
    asked, count = link.heartbeat._number, seat.mailbox.count
    visit.session.stall = 3.0
    until(lambda: link.heartbeat._number > asked + link.heartbeat.patience + 2)
    assert seat.mailbox.count - count < 60, "it stands still meanwhile"
    plays_on(visit)
    assert visit.page.evaluate("window.seen") == []
    assert link.closed is None
    assert seat.connection is link


def test_a_page_comes_back_to_its_session_after_a_compiler_that_held_the_whole_server(server, browse):
    server.make = Stalling
    visit = browse()
    visit.page.evaluate("window.studio.link.silence = 1000")
    threading.Timer(0.2, vars(visit.session).update, [{"keeps_interpreter": True, "stall": 2.5}]).start()
    visit.page.locator(".st-link[data-state=lost]").wait_for()
    visit.page.locator(".st-link[data-state=live]").wait_for()
    plays_on(visit)
    assert server.session is visit.session
    assert len(server.routes.seats.taken) == 1
