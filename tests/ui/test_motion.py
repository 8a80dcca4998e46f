"""Motion transfer at a seat: the page sends a video, and is told what moves in it, or why nothing was found."""

import json
import time

import pytest
from test_motion import circle, drawn, film

from studio.controls import Stroke
from studio.motion import MovingThing
from studio.ui import driving, motion_job
from studio.ui.parsing import parse
from studio.ui.routes import PREFIX
from ui.client import OURS, pulled

VIDEO = film(drawn([circle], 24))


def job(data):
    """What the page is told of a video's motion."""
    heard = []
    steps = motion_job.MotionJob(data, "walk.mp4", (64, 96), heard.append).steps()
    return steps, heard


def test_it_tells_how_far_it_is_and_then_what_moves():
    steps, heard = job(VIDEO)
    assert len(list(steps)) == 25  # a picture at a step
    assert heard[0].stage == "finding"
    done = heard[-1]
    assert done.stage == "done"
    (thing,) = done.things
    stroke = MovingThing(**thing).stroke("m1", "fox")
    assert stroke.mode == "path"
    assert Stroke.from_message({k: v for k, v in json.loads(json.dumps(stroke.to_message())).items() if k != "kind"})
    assert json.loads(done.to_json())["things"][0]["points"][0][0] == 0


@pytest.mark.parametrize(
    ("data", "words"), [(b"nothing", "walk.mp4 gives no motion: it is no video"), (b"", "it is no video")]
)
def test_what_gives_no_motion_is_told_and_ends(data, words):
    steps, heard = job(data)
    list(steps)
    assert heard[-1].stage == "failed"
    assert words in heard[-1].note


def test_it_can_be_called_off():
    steps, heard = job(VIDEO)
    next(steps), next(steps)
    steps.close()
    assert heard[-1].stage == "cancelled"


def test_a_page_sends_a_video_and_is_told_what_moves_and_nothing_is_set(house):
    routes, client = house
    seat = routes.seats.sit()
    headers = pulled(routes, client, seat) | {"x-studio-name": "f%C3%BChrung.mp4"}
    before = seat.state
    assert client.post(f"{PREFIX}/motion", headers=headers, content=VIDEO).json() == {}
    found, end = [], time.monotonic() + 60
    while not found or found[-1]["stage"] == "finding":
        assert time.monotonic() < end
        messages = client.post(f"{PREFIX}/up", headers=headers, json={"messages": []}).json()["messages"]
        found += [one for one in messages if one["type"] == "motion"]
        time.sleep(0.05)
    assert (found[-1]["stage"], found[-1]["name"], len(found[-1]["things"])) == ("done", "f\u00fchrung.mp4", 1)
    assert seat.state == before


def test_who_has_no_link_and_who_sends_too_much_is_refused(house, monkeypatch):
    routes, client = house
    headers = pulled(routes, client, routes.seats.sit())
    assert client.post(f"{PREFIX}/motion", headers=OURS, content=VIDEO).status_code == 403
    monkeypatch.setattr(driving, "LARGEST", 1000)
    answer = client.post(f"{PREFIX}/motion", headers=headers, content=b"x" * 1001)
    assert answer.status_code == 413
    assert "send a shorter or smaller one" in answer.json()["error"]


def test_cancelling_is_a_command():
    assert type(parse('{"type": "command", "name": "cancel-motion"}')).__name__ == "CancelMotion"
