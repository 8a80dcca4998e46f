"""When frames are shown: even where a chunk's pictures are made at once, at once where each is made alone."""

from itertools import cycle, islice, pairwise

import pytest
from test_chunked import Chunked

from studio.controls import Sampling
from studio.outputs.latest import Latest
from studio.session.playout import Playout
from studio.session.session import Session


def played(fps, draws, count, latency=0.001):
    """A session's thread on a clock of its own: [(begun, due)] of every picture; `count` a draw, of so many seconds."""
    playout, now, shown = Playout(fps), 100.0, []
    for seconds in draws:
        begun = now
        now += seconds
        for ahead in reversed(range(count)):
            now += latency  # what a step costs that draws nothing
            shown.append((begun, playout.due(now, seconds if ahead == count - 1 else 0.0, ahead)))
            now += playout.wait(now)
    return shown


def gaps(shown):
    return [later - sooner for (_, sooner), (_, later) in pairwise(shown)]


def test_a_chunk_is_drawn_while_the_one_before_it_is_shown():
    shown = played(30, [0.35] * 20, 12)[12:]
    assert gaps(shown) == pytest.approx([1 / 30] * len(gaps(shown))), "one after the other it would be 16 a second"


def test_a_model_that_is_slower_than_the_frame_rate_is_shown_evenly():
    shown = played(30, [0.9] * 20, 12)[24:]
    assert max(gaps(shown)) < 1.3 * 0.9 / 12
    assert min(gaps(shown)) > 0.8 * 0.9 / 12


def test_the_next_chunk_is_begun_no_earlier_than_it_must_be():
    """The longer a draw waits, the newer the controls it hears."""
    for begun, due in played(30, [0.1] * 20, 12)[24::12]:
        assert due - begun < 0.1 + 0.03


def test_a_first_draw_that_warms_up_does_not_slow_what_follows():
    shown = played(30, [8.0, *[0.3] * 10], 12)
    assert gaps(shown)[:11] == pytest.approx([1 / 30] * 11)
    assert gaps(shown)[24:] == pytest.approx([1 / 30] * len(gaps(shown)[24:]))


def test_a_frame_that_is_drawn_alone_is_shown_at_once_and_not_too_often():
    draws = list(islice(cycle((0.05, 0.025, 0.04)), 60))
    slow = played(30, draws, 1)
    assert all(due <= begun + 0.002 + took for (begun, due), took in zip(slow, draws, strict=True)), "none waits"
    fast = played(30, [0.004] * 90, 1)
    assert (len(fast) - 1) / (fast[-1][1] - fast[0][1]) == pytest.approx(30, rel=0.05)
    free = played(None, [0.004] * 90, 1)
    assert max(gaps(free)) < 0.006


def test_a_running_session_says_when_the_pictures_of_a_chunk_are_due():
    made, due = [], []

    class Notes(Latest):
        def put(self, frame):
            made.append(frame.index)
            due.append(frame.due)
            super().put(frame)

    with Session(Chunked()) as session:
        session.send(Sampling(steps=1))
        session.outputs.append(notes := Notes())
        assert session.step().due == 0.0, "made by hand, it is there at once"
        session.start(fps=100)
        serial = 1
        while serial < 30:
            serial, frame = notes.read(serial, timeout=60)
            assert frame.index == made[serial - 1]
        session.stop()
    assert made == list(range(len(made)))
    spaces = [later - sooner for sooner, later in pairwise(due[21:33])]
    assert max(spaces) - min(spaces) < 1e-6, "the pictures of one chunk"
    assert min(spaces) >= 0.0099
