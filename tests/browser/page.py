"""The page in a browser, as the tests use it: its server, a visit with a hand on it, and waiting."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tiny.model import TinyModel
from ui_stand_ins import StandIn

from studio.controls import strokes
from studio.presets import Preset
from studio.session import Session

TINY: Any = TinyModel()
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
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


class Visit:
    """A page with its session, and a hand on it."""

    def __init__(self, page, session) -> None:
        self.page, self.session = page, session

    def point(self, x, y):
        """The screen's point of a place in the picture."""
        box = self.page.locator(".st-view").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def tap_mode(self, mode):
        """Choose a mode by touch: on a busy machine a tap may take as long as a press, which clicks nothing."""
        button = self.page.locator(f"[data-mode={mode}]")
        for _ in range(5):
            button.tap()
            with suppress(AssertionError):
                until(lambda: button.get_attribute("aria-checked") == "true", 2)
                return
        raise AssertionError(f"the brush did not turn to {mode}")

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


def pin_fox_and_bear(visit):
    visit.key("e")
    for label, place in (("fox", (0.2, 0.2)), ("bear", (0.8, 0.8))):
        visit.label(label)
        visit.page.mouse.click(*visit.point(*place))
    until(lambda: len(visit.strokes) == 2)


def plays_on(visit):
    frame = visit.page.evaluate("window.studio.stage.frame")
    until(lambda: visit.page.evaluate("window.studio.stage.frame") > frame + 3)
