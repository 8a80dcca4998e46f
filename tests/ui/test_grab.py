"""Taking hold of a thing in the picture, as a page asks for it."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from ui_stand_ins import StandInModel, StandInSession

from studio.controls import CutOut, Erase, Stroke
from studio.frames import Frame
from studio.ui.mailbox import KEPT, Mailbox
from ui.client import linked, told

pytest.importorskip("cv2")
RADIUS = 12


class Ball(StandInSession):
    """A red ball on grass, `pace` pixels further in each frame, of 96 x 128 pixels."""

    pace = 0

    def __init__(self, **able):
        super().__init__((96, 128))
        self.model = StandInModel((96, 128), **{"strokes": "cutouts"} | able)

    def _drawn(self):
        y, x = np.mgrid[:96, :128]
        picture = np.full((96, 128, 3), (70, 150, 60), np.uint8)
        picture[np.hypot(x - self.at(self.engine.frame), y - 40) < RADIUS] = (200, 40, 30)
        return picture

    def at(self, frame):
        return 30 + self.pace * frame


def grab(connection, **values):
    message = {"type": "command", "name": "grab", "number": 5, "id": "g1", "frame": 20, "size": 0.25}
    return connection.receive(json.dumps(message | values))


def played(frames=21, **able):
    session = Ball(**able)
    return session, lambda: [session.step() for _ in range(frames)]


def test_the_thing_is_cut_out_and_gets_a_stroke_and_the_page_is_told_both():
    session, play = played()

    async def test(connection, _):
        play()
        await grab(connection, x=31 / 128, y=38 / 96, stiffness=0.8)
        (answer,) = told(connection, "grabbed")
        cutout, stroke = session.sent
        assert isinstance(cutout, CutOut)
        assert isinstance(stroke, Stroke)
        assert (cutout.id, stroke.id, stroke.label, stroke.mode, stroke.stiffness) == ("g1", "g1", "thing", "drag", 0.8)
        assert stroke.points[0][1:] == pytest.approx((30.5 / 128, 40.5 / 96), abs=0.012)
        assert stroke.size == pytest.approx(2 * RADIUS / 128, abs=0.05)
        assert (answer["number"], answer["id"], answer["revision"]) == (5, "g1", 2)
        assert answer["stroke"]["points"] == [list(stroke.points[0])]
        assert base64.b64decode(answer["cutout"]["data"]) == cutout.data
        assert answer["box"][2] - answer["box"][0] == pytest.approx(stroke.size)
        assert all(abs(np.hypot(x * 128 - 30.5, y * 96 - 40.5) - RADIUS) < 3 for x, y in answer["outline"])
        session.step()
        assert told(connection, "state") == [], "the page knows what it did itself"
        assert session.engine.state.all(Stroke).keys() == {"g1"}

    linked(test, session)  # type: ignore[arg-type]


def test_a_thing_that_went_on_since_it_was_seen_is_let_go_on_from_where_it_is_now():
    session, play = played(31)
    session.pace = 1

    async def test(connection, _):
        play()
        await grab(connection, x=(session.at(20) + 0.5) / 128, y=0.42)
        _, stroke = session.sent
        seen, now = (session.at(20) + 0.5) / 128, (session.at(30) + 0.5) / 128
        assert stroke.points[0][1] == pytest.approx(seen, abs=0.015), "under the hand"
        assert stroke.grab[0] == 30
        assert stroke.grab[1] == pytest.approx(now, abs=0.02)
        assert stroke.lead[1:] == pytest.approx((now - seen, 0), abs=0.02)
        session.step()
        assert session.engine.state.all(Stroke)["g1"].control.lead == stroke.lead

    linked(test, session)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"x": 0.8, "y": 0.9}, "nothing with an outline"),
        ({"x": 0.2, "y": 0.4, "frame": 900}, "shown too long ago"),
        ({"x": 1.5, "y": 0.4}, "grab x is 1.5; send a number from 0 to 1"),
        ({"y": 0.4}, "grab x must be a finite number"),
        ({"x": 0.2, "y": 0.4, "id": "*"}, "means every stroke"),
        ({"x": 0.2, "y": 0.4, "mask": "AAAA"}, "no PNG in base64"),
        ({"x": 0.2, "y": 0.4, "mask": 7}, "no PNG in base64"),
    ],
)
def test_what_cannot_be_taken_hold_of_is_told_under_its_number_and_the_stream_goes_on(values, words):
    session, play = played()

    async def test(connection, _):
        play()
        await grab(connection, **values)
        (error,) = told(connection, "error")
        assert words in error["message"]
        assert error["number"] == 5
        assert session.sent == []
        assert session.step() is not None

    linked(test, session)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("able", "words"),
    [({"strokes": "tracks"}, "name one, and paint it"), ({"refuses": {"stroke": "it draws words"}}, "it draws words")],
)
def test_a_model_that_pastes_nothing_says_what_it_does(able, words):
    session, play = played(**able)

    async def test(connection, _):
        play()
        await grab(connection, x=0.24, y=0.42)
        (error,) = told(connection, "error")
        assert words in error["message"]
        assert session.sent == []

    linked(test, session)  # type: ignore[arg-type]


def test_a_cut_out_whose_stroke_is_refused_does_not_stay():
    session, play = played()

    async def test(connection, _):
        play()
        await grab(connection, x=31 / 128, y=38 / 96, label="unicorn")
        assert told(connection, "error")
        assert [type(one) for one in session.sent] == [CutOut, Erase]
        session.step()
        assert not session.engine.state.all(CutOut)

    linked(test, session)  # type: ignore[arg-type]


def test_what_was_painted_over_is_taken_whatever_its_edges_are():
    session, play = played()
    mask = np.zeros((48, 64), np.uint8)
    mask[20:40, 30:50] = 255
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")

    async def test(connection, _):
        play()
        await grab(connection, x=0.6, y=0.6, mask=base64.b64encode(file.getvalue()).decode())
        _, stroke = session.sent
        assert stroke.points[0][1:] == pytest.approx((40 / 64, 30 / 48), abs=0.01)
        assert stroke.size == pytest.approx(20 / 64, abs=0.04)

    linked(test, session)  # type: ignore[arg-type]


def frame(index, side=8):
    return Frame(index, np.zeros((side, side, 3), np.uint8))


def test_pictures_of_three_seconds_are_kept_and_fewer_of_large_ones():
    mailbox = Mailbox()
    for index in range(100):
        mailbox.put(frame(index))
    assert [one.index for one in mailbox.upto(90)] == list(range(100 - KEPT, 91))
    assert mailbox.upto(100 - KEPT - 1) == ()
    large = Mailbox()
    for index in range(40):
        large.put(frame(index, 1024))
    assert len(large.upto(39)) == 16


def test_pictures_before_a_step_back_in_time_do_not_lead_to_those_after_it():
    mailbox = Mailbox()
    for index in (7, 8, 9, 4, 5, 6, 7):
        mailbox.put(frame(index))
    assert [one.index for one in mailbox.upto(7)] == [4, 5, 6, 7]
    assert [one.index for one in mailbox.upto(8)] == [7, 8]
    assert mailbox.made.index == 7
