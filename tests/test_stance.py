"""Whether a subject moves or rests: by where it was in the last half second, with hysteresis."""

import json
import math
from itertools import pairwise

import pytest

from studio.controls import ControlState, Stroke, from_message, opening_events, strokes, to_message
from studio.controls.course import where
from studio.controls.stance import KEEP, START, STILL, is_moving, moves, way_of


def path(*points, **changes):
    return Stroke("a", "dog", points, "path", **{"loop": False, **changes})


def changes(answers):
    return sum(one != other for one, other in pairwise(answers))


def test_it_moves_at_once_and_rests_half_a_second_after_it_stopped():
    stroke = path((0, 0.2, 0.5), (40, 0.8, 0.5), (100, 0.8, 0.5))
    seen = [moves(stroke, elapsed) for elapsed in range(100)]
    assert seen.index(True) <= 2
    assert changes(seen) == 2
    assert seen.index(False, 5) == 40 + STILL


def test_a_hand_that_trembles_turns_nothing_either_way():
    for moving_before in (True, False):
        at = lambda t, far=moving_before: (0.3 * (t < 0 and far) * t / 30 + 0.003 * math.sin(t), 0.5)  # noqa: E731
        answers = [is_moving(at, time) for time in range(STILL, 90)]
        assert not any(answers)


def test_a_speed_between_the_two_keeps_what_was():
    speed = (START + KEEP) / 2 / STILL
    slows = lambda t: (0.05 * min(t, 0) + speed * max(t, 0), 0.5)  # noqa: E731
    starts = lambda t: (speed * max(t, 0), 0.5)  # noqa: E731
    assert all(is_moving(slows, time) for time in range(0, 60))
    assert not any(is_moving(starts, time) for time in range(0, 60))


def test_a_pin_rests_and_a_path_that_is_set_again_goes_on():
    assert not moves(Stroke("a", "dog", ((0, 0.5, 0.5),), "pin"), 5)
    assert moves(path((0, 0.1, 0.5), (60, 0.9, 0.5), begun=30.0), 0)


def dragged(*places, every=1, state=None, since=0):
    """The states of a hand that is at these places, a message every few frames."""
    state, states = state or ControlState(), []
    for number, (x, y) in enumerate(places):
        state = state.after(Stroke("a", "dog", ((0, x, y),)), since + number * every)
        states.append(state)
    return states


def moves_at(state, frame):
    stroke, since = strokes(state)["a"]
    return moves(stroke, frame - since)


def test_a_dragged_subject_moves_with_the_hand_and_rests_when_it_does():
    *_, last = dragged(*((0.2 + 0.02 * n, 0.5) for n in range(10)))
    assert moves_at(last, 9)
    assert moves_at(last, 9 + STILL - 1)
    assert not moves_at(last, 9 + STILL)
    assert not moves_at(dragged((0.4, 0.5))[0], 0)  # it was only put there


def test_a_hand_that_trembles_on_what_it_holds_lets_it_rest():
    *_, moved = dragged(*((0.2 + 0.02 * n, 0.5) for n in range(10)))
    trembling = dragged(*((0.38 + 0.003 * (-1) ** n, 0.5) for n in range(60)), state=moved, since=10)
    seen = [moves_at(state, 10 + number) for number, state in enumerate(trembling)]
    assert changes(seen) == 1
    assert seen[0]
    assert not seen[-1]
    (nudged,) = dragged((0.38 + (KEEP + START) / 2, 0.5), state=trembling[-1], since=70)
    assert not moves_at(nudged, 70)
    (again,) = dragged((0.38 + 1.2 * START, 0.5), state=trembling[-1], since=70)
    assert moves_at(again, 70)


def test_who_takes_hold_of_a_path_that_goes_holds_one_that_moves():
    state = ControlState().after(path((0, 0.1, 0.5), (60, 0.9, 0.5)), 0)
    assert moves_at(state.after(Stroke("a", "dog", ((0, 0.4, 0.5),)), 20), 20)
    assert not moves_at(state.after(Stroke("a", "cow", ((0, 0.4, 0.5),)), 20), 20)  # another subject


@pytest.mark.parametrize("frame", [12, 18, 30])
def test_a_take_that_begins_in_mid_drag_goes_on_the_same(frame):
    *_, state = dragged(*((0.2 + 0.02 * n, 0.5) for n in range(10)))
    again = ControlState()
    for since, control in opening_events(state, frame):
        again = again.after(from_message(json.loads(json.dumps(to_message(control)))), since)
    assert [moves_at(again, at) for at in range(frame, 40)] == [moves_at(state, at) for at in range(frame, 40)]
    assert not moves_at(state.restarted(frame), frame)


@pytest.mark.parametrize(
    "loops", [dict(loop=False), dict(loop=True), dict(loop=True, ping_pong=True, delay=3, begun=5.5)]
)
def test_the_way_that_is_looked_back_on_is_the_path_itself(loops):
    stroke = path((0, 0.2, 0.5), (10, 0.8, 0.3), (25, 0.4, 0.9), **loops)
    for elapsed in (0, 0.5, 7, 24.75, 25, 31, 50, 61.5, 130):
        at = where(stroke, elapsed)
        assert way_of(stroke)(elapsed) == (at.x, at.y)
