"""Whatever is done to strokes is in the take, and goes on where it was after a rewind, bit for bit."""

import random

import pytest

from session.playing import play, replayed
from studio.controls import Erase, Stroke
from studio.session import Session

LINES = (((0, 0.1, 0.5), (9, 0.9, 0.5)), ((0, 0.2, 0.2), (4, 0.7, 0.4), (11, 0.3, 0.9)), ((3, 0.5, 0.5),))


def some_stroke(chance, frame):
    """A path in any of its ways, set anew or going on; or a drag, with a grab of what was seen or without."""
    id, line = chance.choice("ab"), chance.choice(LINES)
    if chance.random() < 0.15:
        return Erase(id)
    if chance.random() < 0.5:
        x, y = chance.random(), chance.random()
        grab = chance.choice(((), (max(0, frame - chance.randrange(12)), chance.random(), y)))
        return Stroke(id, "fox", ((0, x, y),), grab=grab, pressure=chance.choice(((), (x,))))
    return Stroke(
        id,
        "fox",
        line,
        "path",
        loop=chance.random() < 0.7,
        ping_pong=chance.random() < 0.5,
        delay=chance.choice((0, 3, 7.5)),
        begun=chance.choice((0, 2.5, None)),
        pressure=chance.choice(((), tuple(chance.random() for _ in line))),
    )


def some_take(seed, frames):
    chance = random.Random(seed)
    moments = sorted(chance.sample(range(frames), frames // 2))
    return [(frame, some_stroke(chance, frame)) for frame in moments]


@pytest.mark.parametrize("seed", range(3))
def test_a_take_replays_and_one_that_begins_amid_it_too(model, seed):
    session, events = Session(model), some_take(seed, 40)
    made = play(session, 20, events)
    assert replayed(session.score, model) == made
    session.record()
    later = play(session, 20, events)
    assert replayed(session.stop_recording(), model) == later


@pytest.mark.parametrize("seed", range(2))
def test_what_comes_after_a_rewind_is_what_came(model, seed):
    session, events = Session(model), some_take(seed, 30)
    made = play(session, 30, events)
    session.rewind(12)
    first = session.engine.frame
    assert play(session, 30 - first, [event for event in events if event[0] >= first]) == made[first:]
