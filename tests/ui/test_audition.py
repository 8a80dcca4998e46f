"""An audition at a seat: what the page is told and shown of it, and when it ends by itself."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from session.playing import play
from tiny.model import TinyModel

from studio.controls import Prompt, Sampling
from studio.hub.fit import NotEnoughMemory
from studio.session import Session
from studio.ui import auditions
from studio.ui.seats import Seats
from ui.client import Clock, linked, told

LAKE = {"kind": "prompt", "text": "a lake"}


def ask(*controls):
    return json.dumps({"type": "command", "name": "audition", "controls": list(controls)})


def command(name):
    return json.dumps({"type": "command", "name": name})


def real():
    return Session(TinyModel())


def test_the_page_is_told_what_is_tried_and_shown_one_picture_after_the_other():
    async def test(page, session):
        await page.receive(ask(LAKE, {"kind": "sampling", "seed": -1}))
        (now,) = told(page, "audition")
        assert now["controls"][0]["text"] == "a lake"
        assert now["controls"][1]["seed"] >= 0  # the one that was drawn
        play(session, 1)
        page.frames.acknowledge(0)
        await page.frames.next()
        (first,) = told(page, "audition-picture")
        assert first["picture"].startswith("data:image/jpeg;base64,")
        play(session, 8)
        await page.frames.next()
        assert not told(page, "audition-picture")  # the first is on its way
        await page.receive(command("audition-seen"))
        (second,) = told(page, "audition-picture")
        assert second["frame"] == first["frame"] + 2  # the newest
        await page.receive(command("audition-seen"))
        assert not told(page, "audition-picture")  # there is none that is new
        await page.receive(command("audition-drop"))
        assert told(page, "audition") == [{"type": "audition", "controls": [], "ended": ""}]
        assert session.auditioning is None
        assert session.pending_state()[Prompt].text != "a lake"

    linked(test, real())


def test_the_programmes_frames_come_first():
    async def test(page, session):
        await page.receive(ask(LAKE))
        play(session, 1)
        page.drain()  # its first frame is ready
        assert page.frames.ready
        assert not told(page, "audition-picture")
        await page.frames.next()
        assert told(page, "audition-picture")

    linked(test, real())


def test_what_is_refused_is_said_and_what_was_tried_before_is_told_again():
    async def test(page, session):
        await page.receive(ask({"kind": "prompt", "text": " "}))
        messages = [json.loads(one) for one in page.drain()]
        assert [one["message"] for one in messages if one["type"] == "error"] == [
            "prompt text is empty; type 1 to 4000 characters"
        ]
        assert [one["controls"] for one in messages if one["type"] == "audition"] == [[]]
        await page.receive(ask(LAKE))
        page.drain()
        for controls, words in [
            ([{"kind": "lora", "name": "ink"}], "LoRA is 'ink'; tiny was opened with: none"),
            ([{"kind": "picture", "data": ""}], "a picture is not auditioned here; send it"),
            ([{"kind": "pause", "paused": True}], "a pause changes no picture"),
            ([], "an audition is of 1 to 16 controls"),
            ([7], "a control is an object"),
        ]:
            await page.receive(ask(*controls))
            messages = [json.loads(one) for one in page.drain()]
            assert words in next(one["message"] for one in messages if one["type"] == "error")
            assert [one["controls"][0]["text"] for one in messages if one["type"] == "audition"] == ["a lake"]
        await page.receive(json.dumps({"type": "command", "name": "audition", "controls": "a lake"}))
        assert "an audition's controls are 'a lake'; send a list" in told(page, "error")[0]["message"]

    linked(test, real())


def test_one_that_does_not_fit_is_refused_with_words(monkeypatch):
    async def test(page, session):
        def full(*controls, output):
            raise NotEnoughMemory(
                "an audition of wan needs 3.2 GB beside the programme, and 1.0 GB are free on the card"
            )

        monkeypatch.setattr(session, "audition", full)
        await page.receive(ask(LAKE))
        assert "needs 3.2 GB beside the programme" in told(page, "error")[0]["message"]

    linked(test, real())


def test_a_picture_that_was_lost_is_not_waited_for():
    clock = Clock()

    async def test(page, session):
        await page.receive(ask(LAKE))
        play(session, 1)
        await page.frames.next()
        assert told(page, "audition-picture")
        play(session, 4)
        await page.frames.next()
        assert not told(page, "audition-picture")
        clock.now += 3
        assert told(page, "audition-picture")

    linked(test, real(), clock=clock)


@pytest.fixture
def seat(tmp_path):
    """A seat with a page, an audition on it, and time that passes when it is told to."""
    clock = Clock()
    seats = Seats(real, takes=tmp_path, clock=clock)
    seat = seats.sit()
    seat.left_at = None
    seat.session.start = lambda fps: None
    seat.audition.begin([Prompt("a lake"), Sampling(5)])
    return seats, seat, clock


def test_it_ends_when_nobody_has_looked_for_a_minute(seat):
    seats, seat, clock = seat
    one = seat.session.auditioning
    for _ in range(3):
        clock.now += 50
        seat.audition.seen()
        seats.sweep()
        assert seat.session.auditioning is one
    clock.now += 61
    seats.sweep()
    assert seat.session.auditioning is None
    assert one.ended == "Nobody looked at the audition for a minute, so it has ended."


def test_it_ends_when_the_page_is_gone_and_not_when_its_line_breaks(seat):
    seats, seat, clock = seat
    seat.left_at = clock.now
    clock.now += 2
    seats.sweep()
    assert seat.session.auditioning
    clock.now += 4
    seats.sweep()
    assert seat.session.auditioning is None


def test_why_it_ended_is_said_once():
    async def test(page, session):
        await page.receive(ask(LAKE))
        page.drain()
        session.drop_audition(auditions.UNSEEN)
        assert [one["ended"] for one in told(page, "audition")] == [auditions.UNSEEN]
        assert told(page, "audition") == []

    linked(test, real())


def test_what_is_shown_is_small():
    url = auditions.data_url(np.full((480, 832, 3), 90, np.uint8))
    assert Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).size == (208, 120)
