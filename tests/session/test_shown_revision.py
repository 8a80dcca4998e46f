"""A frame's revision is that of the controls it was made under: what a page measures its latency and its ghosts by."""

import pytest
from tiny.model import TinyModel
from tiny.pictures import PictureModel

from session.playing import play
from studio.controls import Prompt, Sampling
from studio.session import Session


def first_other(before, after):
    """The place of the first frame that is not as without the change."""
    return next(at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other)


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("model", [PictureModel, TinyModel])
def test_the_first_frame_of_a_revision_is_the_first_that_is_another(model, steps):
    sampling = Sampling(seed=3, steps=steps, drift=7)
    without, session = Session(model()), Session(model())
    for one in (without, session):
        one.send(sampling)
        play(one, 12)
    revision = session.send(Prompt("winter"))
    frames = [session.step() for _ in range(8)]
    changed = first_other(play(without, 8), [frame.hash for frame in frames])
    assert [frame.revision >= revision for frame in frames].index(True) == changed


def test_after_a_clean_start_and_other_steps_rows_are_counted_anew():
    session = Session(PictureModel())
    session.send(Sampling(steps=4))
    play(session, 6)
    session.reset()
    revision = session.send(Prompt("winter"))
    assert session.step().revision == revision
    later = session.send(Sampling(steps=2))
    revisions = [session.step().revision for _ in range(8)]
    assert revisions == sorted(revisions)
    assert revisions[0] < later == revisions[-1]
