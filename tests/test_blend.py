"""A prompt that blends in, on the pocket model as it is shipped."""

from itertools import pairwise

import pytest

from studio.controls import Prompt, Sampling, Stroke
from studio.engine import Engine
from studio.models.loader import load
from studio.score import replay
from studio.session.session import Session

DAY, NIGHT = "a meadow on a sunny day", "a meadow at night"
FRAMES = 8


@pytest.fixture(scope="module")
def pocket():
    return load("pocket")


def brightness(frames):
    return [float(frame.picture.mean()) for frame in frames]


def played(session, count):
    return [session.step() for _ in range(count)]


def test_a_blend_goes_from_one_prompt_to_the_other_and_never_back(pocket):
    ends, engine = {}, Engine(pocket)
    for prompt in (DAY, NIGHT):
        engine.restart(0, engine.state.after(Prompt(prompt), 0))
        ends[prompt] = brightness([engine.step() for _ in range(4)])[-1]
    engine.restart(0, engine.state.after(Prompt(DAY), 0))
    before = brightness([engine.step() for _ in range(4)])
    engine.apply([(1, Prompt(NIGHT, blend=FRAMES))])
    during = brightness([engine.step() for _ in range(FRAMES + 4)])
    path = [before[-1], *during]
    total = ends[DAY] - ends[NIGHT]
    assert total > 20
    steps = [one - other for one, other in pairwise(path)]
    assert min(steps) > -0.03 * total  # always darker, but for what is drawn anew in every frame
    assert max(steps) < 0.4 * total  # and never at once
    assert path[-1] == pytest.approx(ends[NIGHT], abs=0.15 * total)


@pytest.mark.parametrize("switch", ["recache", "keep", "cut"])
def test_a_blend_replays_bit_for_bit_also_when_the_take_begins_amid_it(pocket, switch):
    with Session(pocket) as session:
        session.send(Prompt(DAY))
        session.send(Sampling(seed=3))
        played(session, 2)
        session.send(Prompt(NIGHT, switch=switch, blend=FRAMES))
        session.send(Stroke("1", "fox", ((0, 0.4, 0.6),)))
        played(session, 3)
        session.record()
        frames = played(session, 3)
        session.send(Prompt("a beach on a sunny day", blend=3))
        frames += played(session, 5)
        score = session.stop_recording()
    again = list(replay(score, pocket))
    assert [frame.hash for frame in again] == [frame.hash for frame in frames]
