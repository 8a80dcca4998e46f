"""A chunk of a model that was taught so begins from the crude picture of what moves, noised to the set level."""

import copy
from dataclasses import replace

import pytest
import torch
from cutout_files import png

from studio.controls import Camera, CutOut, Sampling, Stroke
from studio.samplers import causal
from studio.schedule import add_noise, warp
from wan.checks import hashes, playing

CUT = CutOut("a", png())
ALONG = Stroke("a", "thing", ((0, 0.2, 0.5), (40, 0.8, 0.5)), "path")
PAN = Camera(pan_x=0.02)


@pytest.fixture
def taught(model):
    """The same student, as if it had learned to begin so."""
    taught = copy.copy(model)
    taught.capabilities = replace(model.capabilities, preview=0.8)
    return taught


@pytest.fixture
def begun(monkeypatch):
    """The rows whose x is about to be denoised for the first time."""
    seen, begins = [], causal.from_preview

    def watched(sampler, row, state):
        row = begins(sampler, row, state)
        if not row.step_index:
            seen.append((row, sampler))
        return row

    monkeypatch.setattr(causal, "from_preview", watched)
    return seen


@pytest.mark.parametrize("sampler", ["rollout", "stream", "rolling"])
@pytest.mark.parametrize("moved", [(CUT, ALONG), (PAN,)], ids=["stroke", "camera"])
def test_it_begins_there_from_the_second_chunk_on(taught, begun, sampler, moved):
    session = playing(taught, sampler, strength=0.7)
    for control in moved:
        session.send(control)
    hashes(session, 21)
    (first, _), *others = begun
    assert first.sigmas == (1.0, warp(0.5, 5))
    assert not first.source.any(), "nothing was shown before a stream's first chunk"
    for row, stream in others:
        assert row.sigmas == pytest.approx((warp(0.7, 5), warp(0.35, 5)))
        wanted = add_noise(row.pin.reference, stream.noise_of(row, 0), row.sigmas[0])
        torch.testing.assert_close(row.x, wanted, atol=0, rtol=0)
    assert others


def test_where_nothing_moves_and_on_other_students_it_begins_from_noise(model, taught):
    assert hashes(playing(taught), 21) == hashes(playing(model), 21)
    told, other = playing(taught), playing(model)
    for session in (told, other):
        session.send(CUT), session.send(ALONG)
    first, second = hashes(told, 21), hashes(other, 21)
    assert first[:9] == second[:9]
    assert not {*first[9:]} & {*second[9:]}


def test_a_video_that_comes_in_comes_first(taught, begun):
    from studio.controls import Live, Picture
    from wan.checks import picture_file

    session = playing(taught)
    for control in (Picture(picture_file(1)), Live(redraw=True), CUT, ALONG):
        session.send(control)
    hashes(session, 10)
    assert not begun


def test_it_replays_from_a_file_in_mid_play(taught, tmp_path):
    from studio.session.session import Session

    session, other = playing(taught, "stream"), Session(taught, sampler="stream")
    session.send(CUT), session.send(ALONG)
    hashes(session, 12)
    other.open_bookmark(session.bookmark(tmp_path / "here.jsonl"))
    assert hashes(other, 24) == hashes(session, 24)


def test_the_level_its_maker_has_is_set_at_the_start(taught):
    from studio.models.playable import initial_state

    assert initial_state(taught)[Sampling].strength == 0.8
