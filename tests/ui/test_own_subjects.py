"""Subjects of one's own at a seat: the address that cuts a picture out, its limits, and what the page is told."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from test_own_subjects import BLUE, ball, written

from studio.controls import Subject, own_subjects
from studio.controls.subject import subject_of
from studio.ui import own_pictures
from studio.ui.routes import PREFIX
from ui.client import OURS, pulled


def sent(client, headers, data):
    return client.post(f"{PREFIX}/cut", headers=headers, content=data)


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_a_page_sends_a_picture_and_is_given_what_of_it_is_the_subject_and_nothing_is_set_or_kept(house):
    routes, client = house
    seat, other = routes.seats.sit(), routes.seats.sit()
    headers, before = pulled(routes, client, seat), seat.state
    answer = sent(client, headers, ball(size=160)).json()
    assert pixels(answer["picture"]).shape == (160, 160, 3)
    alpha = pixels(answer["mask"])[..., -1]
    assert (alpha[80, 80], alpha[0, 0]) == (255, 0)
    assert answer["remarks"] == []
    assert seat.state == before
    assert not own_subjects(other.state)
    for data, said in (
        (b"a diary", "no picture can be made out"),
        (written(Image.new("RGB", (64, 64), "teal")), "of one colour all over"),
        (written(Image.new("RGBA", (64, 64))), "all of this picture is transparent"),
    ):
        assert said in sent(client, headers, data).json()["error"]


def test_nobody_without_a_link_has_a_picture_cut_out_and_none_is_larger_than_a_camera_writes(house, monkeypatch):
    routes, client = house
    seat = routes.seats.sit()
    assert sent(client, OURS, ball()).status_code == 403
    headers = pulled(routes, client, seat)
    assert sent(client, headers | {"origin": "https://elsewhere.example"}, ball()).status_code == 403
    monkeypatch.setattr(own_pictures, "LARGEST", 1000)
    answer = sent(client, headers, bytes(2000))
    assert answer.status_code == 413
    assert "send it smaller" in answer.json()["error"]


def test_who_has_had_much_looked_at_waits_so_that_the_others_play_on(house):
    routes, client = house
    seat = routes.seats.sit()
    headers = pulled(routes, client, seat)
    seat.reading.spend(100)
    answer = sent(client, headers, ball())
    assert (answer.status_code, answer.json()["error"]) == (
        429,
        "that was much to look at; send the next picture in 2 s",
    )


def told(client, headers, *messages):
    answer = client.post(f"{PREFIX}/up", headers=headers, json={"messages": messages}).json()["messages"]
    return [one if isinstance(one, dict) else json.loads(one) for one in answer]


@pytest.mark.parametrize(("name", "clashes"), [("fox", True), ("mia", False)])
def test_a_name_that_clashes_with_a_known_one_wins_and_it_is_said(house, monkeypatch, name, clashes):
    monkeypatch.setattr(
        "ui_stand_ins.StandInModel.reads",
        lambda model, label: (label, label in model.capabilities.labels),
        raising=False,
    )
    routes, client = house
    seat = routes.seats.sit()
    headers = pulled(routes, client, seat)
    control = Subject(name, ball()).to_message()
    heard = told(client, headers, {"type": "control", "number": 1, "control": control})
    notices = [one["message"] for one in heard if one["type"] == "notice"]
    assert [f"“{name}” is your own picture from now on" in one for one in notices] == [True] * clashes


def test_the_label_of_ones_own_subject_needs_no_explanation(house, monkeypatch):
    monkeypatch.setattr("ui_stand_ins.StandInModel.reads", lambda model, label: ("fox", False), raising=False)
    routes, client = house
    seat = routes.seats.sit()
    headers = pulled(routes, client, seat)
    stroke = {"kind": "stroke", "id": "q", "label": "mia", "points": [[0, 0.5, 0.5]]}
    own = Subject("mia", ball(BLUE)).to_message()
    heard = told(
        client,
        headers,
        {"type": "control", "number": 1, "control": own},
        {"type": "control", "number": 2, "control": stroke},
    )
    assert not [one for one in heard if one["type"] == "notice"]
    stranger = told(client, headers, {"type": "control", "number": 3, "control": stroke | {"label": "zorbo"}})
    assert "what is nearest is painted: fox" in str(stranger)


def test_a_subject_as_large_as_a_message_goes_through_the_link(house):
    routes, client = house
    seat = routes.seats.sit()
    headers = pulled(routes, client, seat)
    noise = np.random.default_rng(1).integers(0, 255, (192, 192, 4), np.uint8)
    control = subject_of(noise, "noise")
    told(client, headers, {"type": "control", "number": 1, "control": control.to_message()})
    seat.session.step()
    assert own_subjects(seat.session.engine.state) == (control.own,)
