"""The jobs of the page on trained models, in a real browser: STUDIO_STUDENTS=DIR, where net/ and sd/ were trained.

`studio train --recipe student` and `--recipe picture` make them. With STUDIO_SHOTS=DIR the page is photographed there.
"""

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from test_motion import circle, drawn, film

from browser.page import CHROMIUM, FLAGS, Visit, until
from studio.controls import Backdrop, CutOut, Live, Picture, Prompt, Region, Sampling
from studio.session import Session

STUDENTS, SHOTS = Path(os.environ.get("STUDIO_STUDENTS", "")), os.environ.get("STUDIO_SHOTS", "")
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
LONG = 180  # seconds: it may have a part of a core
SCENE = "a fox in a meadow"
pytestmark = [
    pytest.mark.skipif("STUDIO_STUDENTS" not in os.environ, reason="STUDIO_STUDENTS names no folder of trained models"),
    pytest.mark.timeout(3 * LONG),
]


@pytest.fixture(scope="module")
def net():
    from studio.models import load

    torch.set_num_threads(1)
    folder = STUDENTS / "net"
    return load(str(folder), size=(128, 128), tiny_decoder=str(folder / "taew2_1.safetensors"))


@pytest.fixture(scope="module")
def sd():
    from studio.models import load

    torch.set_num_threads(1)
    return load(str(STUDENTS / "sd"), size=(128, 128))


@pytest.fixture
def stage(served, started):
    """`stage(model, *controls)`: a page that plays it, in a browser with a camera; no page may have said an error."""
    browser, errors = started.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *CAMERA]), []

    def opened(model, *controls):
        served.clear()
        served.make = lambda: Session(model)
        page = browser.new_page(viewport={"width": 1400, "height": 860})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(1000 * LONG)
        page.goto(served.address)
        page.wait_for_function("window.studio?.stage?.drawn >= 2")
        visit = Visit(page, served.session)
        for control in controls:  # after the preset that every page opens with
            visit.session.send(control)
        jumps = visit.session.engine.jumps
        visit.key("Backspace")
        until(lambda: visit.session.engine.jumps > jumps, LONG)
        return visit

    yield opened
    browser.close()
    served.clear()
    assert errors == []


def look(visit, name):
    """Photograph the page, where somebody wants to see it."""
    if SHOTS:
        visit.page.screenshot(path=Path(SHOTS) / f"{name}.png")


def shown(visit):
    return visit.session.engine._last_picture


def orange(picture):
    """Where what is as orange as a fox is, x and y in 0..1, and how many pixels that are."""
    red, green, blue = picture.astype(int).transpose(2, 0, 1)
    rows, columns = np.nonzero((red - blue > 90) & (red - green > 35))
    if not len(rows):
        return None, 0
    return ((np.median(columns) + 0.5) / 128, (np.median(rows) + 0.5) / 128), len(rows)


def away(place, other):
    return np.hypot(place[0] - other[0], place[1] - other[1])


def frames(visit, count):
    end = visit.session.engine.frame + count
    until(lambda: visit.session.engine.frame >= end, LONG)


def test_a_thing_is_taken_hold_of_and_follows_the_hand(stage, net):
    pytest.importorskip("cv2")
    visit = stage(net, Prompt(SCENE), Sampling(seed=5))
    frames(visit, 21)
    visit.key("Space")  # a paused picture is one that a hand can be put on, however slow the machine
    time.sleep(1)
    at, count = orange(shown(visit))
    assert count > 100, "the fox is there"
    visit.page.mouse.move(*visit.point(*at))
    visit.page.mouse.down()
    until(lambda: visit.session.pending_state().all(CutOut), LONG)
    visit.key("Space")
    for step in range(1, 13):
        visit.page.mouse.move(*visit.point(at[0] + step * (0.7 - at[0]) / 12, at[1] + step * (0.35 - at[1]) / 12))
        frames(visit, 2)
    look(visit, "drag")
    frames(visit, 24)
    there, count = orange(shown(visit))
    assert count > 100
    assert away(there, (0.7, 0.35)) < 0.12
    visit.page.mouse.up()
    until(lambda: not visit.strokes, LONG)


@pytest.mark.parametrize("kind", ["net", "sd"])
def test_a_labelled_path_is_painted_and_gone_along(stage, kind, request):
    model = request.getfixturevalue(kind)
    visit = stage(model, Prompt("a snowy field at night"), Sampling(seed=3, steps=model.capabilities.steps))
    frames(visit, 4)
    visit.key("w")
    visit.label("fox")
    visit.drag(*((0.2 + 0.05 * n, 0.6 - 0.02 * n) for n in range(13)), pause=0.15)
    (path,) = until(lambda: visit.strokes, LONG)
    assert path.label == "fox"
    near = []
    for number in range(5):
        frames(visit, 8)
        _, count = orange(shown(visit))
        near.append(count)
        if number == 2:
            look(visit, f"path-{kind}")
    assert max(near) > 40, "a fox was seen"


def test_words_for_a_part_are_painted_and_change_what_is_drawn_there(stage, sd):
    visit = stage(sd, Prompt("a meadow"), Sampling(seed=3, steps=2))
    frames(visit, 6)
    before = shown(visit).astype(float)
    visit.key("o")
    visit.page.locator(".st-draft input[type=text]").fill("a snowy field at night")
    for y in (0.75, 0.8, 0.85, 0.9):
        visit.drag((0.1, y), (0.5, y), (0.9, y))
    until(lambda: visit.state.all(Region), LONG)
    frames(visit, 8)
    changed = np.abs(shown(visit).astype(float) - before).mean(2)
    look(visit, "region")
    assert changed[96:].mean() > 2  # how little it keeps to the part on this small net is in the log


def test_a_camera_is_redrawn(stage, net):
    visit = stage(net, Prompt("a meadow"), Sampling(seed=3, strength=0.3))
    visit.page.locator("[data-source=camera]").click()
    until(lambda: visit.state[Live].redraw and visit.state[Picture].data, LONG)
    frames(visit, 36)
    incoming = visit.session.engine.sampler.video_in.now.last
    assert np.corrcoef(shown(visit).mean(2).ravel(), incoming.mean(2).ravel())[0, 1] > 0.3
    look(visit, "camera")
    assert re.search(r"Redrawn live, a chunk late: 12 pictures", visit.page.locator(".st-input-word").inner_text())


def test_motion_out_of_a_file_moves_what_it_is_named(stage, sd, tmp_path):
    walk = tmp_path / "walk.mp4"
    walk.write_bytes(film(drawn([circle], 24)))
    visit = stage(sd, Prompt("a meadow"), Sampling(seed=3, steps=2), Backdrop("pocket"))
    visit.page.locator(".st-motion-file").set_input_files(walk)
    visit.page.wait_for_selector(".st-motion .use")
    visit.page.locator(".st-motion-thing input").fill("fox")
    visit.page.locator(".st-motion .use").click()
    (path,) = until(lambda: visit.strokes, LONG)
    assert (path.label, path.mode) == ("fox", "path")
    frames(visit, 12)
    look(visit, "motion")
    _, count = orange(shown(visit))
    assert count > 40
