"""Taking hold of what moves: a hand sees it late, and the subject neither slips away nor jumps."""

import json
import math
from itertools import pairwise

import pytest

from studio.bench.grab import JUMP, grab
from studio.controls import ControlError, ControlState, Stroke, from_message, opening_events, strokes, to_message
from studio.controls.stroke import MOST_STROKES, check_room
from studio.session import Session
from studio.trajectory import place, placements, reached

LINE = ((0, 0.2, 0.5), (20, 0.8, 0.5))


def path(points=LINE, **changes):
    return Stroke("a", "fox", points, **{"mode": "path", **changes})


def at(state, frame):
    placed = placements(strokes(state), frame)[0]
    return placed.x, placed.y


def test_with_300_ms_of_latency_a_hand_grabs_what_it_saw():
    figures = grab(seed=7, trials=120)
    assert figures["with"]["grabbed"] >= 0.95
    assert figures["with"]["without_jump"] >= 0.95
    assert figures["with"]["furthest_end"] < 1e-9, "it is where the hand holds it in the end"
    assert figures["without"]["grabbed"] < 0.6
    assert figures["hit"]["without_jump"] < 0.5
    assert grab(seed=7, trials=120) == figures


def test_a_grabbed_subject_goes_on_from_where_it_was_and_is_under_the_hand_in_the_end():
    state = ControlState.of(path())
    seen = at(state, 4)
    places = [at(state, 11)]
    for frame in range(12, 32):
        state = state.after(Stroke("a", "fox", ((0, seen[0], 0.5),), grab=(4, *seen)), frame)
        places.append(at(state, frame))
    assert places[1] == pytest.approx(places[0])
    steps = [abs(one[0] - other[0]) for one, other in pairwise(places)]
    assert max(steps) <= JUMP + 1e-9
    assert places[-1] == pytest.approx(seen)


def test_the_lead_does_not_depend_on_how_many_messages_the_drag_had():
    grabbed = Stroke("a", "fox", ((0, 0.4, 0.5),), grab=(4, 0.32, 0.5))
    once = ControlState.of(path()).after(grabbed, 12)
    often = once.after(grabbed, 13).after(grabbed, 15)
    for frame in range(15, 40):
        assert at(often, frame) == pytest.approx(at(once, frame))


def test_a_take_that_begins_amid_a_grab_has_the_same_places():
    state = ControlState.of(path()).after(Stroke("a", "fox", ((0, 0.4, 0.5),), grab=(4, 0.32, 0.5)), 12)
    again = ControlState()
    for frame, control in opening_events(state, 15):
        again = again.after(from_message(json.loads(json.dumps(to_message(control)))), frame)
    assert strokes(again) == strokes(state)
    assert [at(again, frame) for frame in range(15, 40)] == [at(state, frame) for frame in range(15, 40)]


def test_a_grab_keeps_the_way_it_looked():
    state = ControlState.of(path()).after(Stroke("a", "fox", ((0, 0.4, 0.5),), grab=(4, 0.32, 0.5)), 12)
    assert placements(strokes(state), 12)[0].facing == 1.0
    older = ControlState.of(path()).after(Stroke("a", "fox", ((0, 0.4, 0.5),)), 12)
    assert placements(strokes(older), 12)[0].facing == -1.0, "scores from before have no grab"


@pytest.mark.parametrize("saw", [12, 40, 1e6])
def test_an_old_or_impossible_grab_is_none(saw):
    state = ControlState.of(path()).after(Stroke("a", "fox", ((0, 0.4, 0.5),), grab=(saw, 0.1, 0.5)), 12)
    assert at(state, 12) == (0.4, 0.5)
    late = ControlState.of(path()).after(Stroke("a", "fox", ((0, 0.4, 0.5),), grab=(4, 0.1, 0.5)), 400)
    assert at(late, 400) == (0.4, 0.5)


def test_a_path_goes_there_and_back():
    stroke = path(ping_pong=True)
    assert [round(place(stroke, frame).x, 3) for frame in (0, 10, 20, 30, 40, 50)] == [0.2, 0.5, 0.8, 0.5, 0.2, 0.5]
    assert [place(stroke, frame).facing for frame in (5, 25, 45)] == [1, -1, 1]
    assert place(path(ping_pong=True, loop=False), 99).x == 0.8


def test_a_path_waits_for_its_delay():
    assert [round(place(path(delay=10), frame).x, 3) for frame in (0, 10, 20)] == [0.2, 0.2, 0.5]


@pytest.mark.parametrize("since", [0, 7])
@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("changes", [{}, {"loop": False}, {"ping_pong": True}, {"delay": 6}])
def test_a_path_set_again_goes_on_where_it_is(since, factor, changes):
    state = ControlState().after(path(**changes), since)
    slower = path(tuple((t * factor, x, y) for t, x, y in LINE), begun=None, **changes)
    for frame in range(since + 1, since + 90, 11):
        changed = state.after(slower, frame)
        assert at(changed, frame) == pytest.approx(at(state, frame))
    assert strokes(state.after(path(), since + 9))["a"][0].begun == 0, "an older score's path sets out anew"


def test_what_begins_anew_has_gone_no_way():
    state = ControlState.of(path()).after(path(begun=None), 9).restarted(0)
    assert at(state, 0) == (0.2, 0.5)


def test_a_pen_that_is_pressed_paints_larger():
    stroke = path(pressure=(0.0, 1.0), size=0.4)
    assert [round(place(stroke, frame).size, 3) for frame in (0, 10, 19.999)] == [0.2, 0.4, 0.6]
    assert place(path(size=0.4), 3).size == 0.4
    drag = ControlState.of(Stroke("a", "fox", ((0, 0.1, 0.5), (0, 0.4, 0.5)), pressure=(0.1, 1.0), size=0.7))
    assert placements(strokes(drag), 0)[0].size == 0.8, "no larger than a subject may be"


def test_the_nearest_of_those_within_reach_is_taken():
    held = {name: (Stroke(name, "fox", ((0, x, 0.5),), size=0.2), 0) for name, x in (("far", 0.5), ("near", 0.56))}
    assert reached(held, (0.54, 0.5), 0) == "near"
    assert reached(held, (0.7, 0.5), 0) is None


BAD = {
    "delay": (-1, math.nan),
    "begun": (-1, 1e9),
    "ping_pong": (1,),
    "pressure": ((0.5,), (0.5, 2.0), 3, (True, 0.1)),
    "grab": ((1, 2), (1, 0.5, 1.5), "x"),
    "lead": ((0, 0.1, 0.1), (4, 2, 0)),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in BAD.items() for value in values])
def test_what_a_field_cannot_be_is_said(field, value):
    with pytest.raises(ControlError, match=f"stroke {field}"):
        path(**{field: value})


def test_a_path_out_of_the_picture_is_refused_with_the_point():
    with pytest.raises(ControlError, match=r"stroke point 1: x is 1\.2; send a number from 0 to 1"):
        Stroke("a", "fox", ((0, 0.5, 0.5), (5, 1.2, 0.5)), mode="path")


def test_a_path_of_no_length_is_a_place():
    for points in (((0, 0.3, 0.4),), ((0, 0.3, 0.4), (0, 0.3, 0.4))):
        for more in ({}, {"ping_pong": True}, {"delay": 4}, {"begun": None}):
            state = ControlState.of(Stroke("a", "fox", points, mode="path", **more))
            assert at(state.after(path(begun=None), 5), 5) == (0.2, 0.5)
            assert at(state, 0) == at(state, 99) == (0.3, 0.4)


def test_there_are_as_many_subjects_as_are_said(tiny_session):
    pins = [Stroke(f"s{number}", "fox", ((0, number / 70, 0.5),), mode="pin") for number in range(70)]
    for pin in pins[:MOST_STROKES]:
        tiny_session.send(pin)
    with pytest.raises(ControlError, match=f"there are {MOST_STROKES} subjects in the picture.*remove one"):
        tiny_session.send(pins[MOST_STROKES])
    tiny_session.step()
    with pytest.raises(ControlError, match="remove one"):
        check_room(tiny_session.engine.state, pins[MOST_STROKES])
    tiny_session.send(pins[3])


@pytest.fixture
def tiny_session():
    from tiny.model import TinyModel

    return Session(TinyModel())
