"""A refresh builds the cache anew from the newest chunk: a control with a frame's number, that keeps what is seen."""

import numpy as np
import pytest
import torch
from tiny.model import TinyModel

import studio
from session.playing import play, replayed
from studio.controls import Prompt, Sampling, Sink
from studio.session import Session

REFRESH = Sink(refreshed=1)


def psnr(one, other):
    """dB of two uint8 pictures."""
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_a_take_with_refreshes_replays_bit_for_bit(sampler):
    model = TinyModel()
    session = Session(model, sampler=sampler)
    session.record()
    hashes = play(session, 16, [(5, REFRESH), (9, Prompt("winter")), (11, Sink(refreshed=2))])
    assert replayed(session.stop_recording(), model) == hashes
    assert hashes[:5] == play(Session(model, sampler=sampler), 5)
    assert hashes[5:9] != play(Session(model, sampler=sampler), 9)[5:], "it changes what comes"


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_the_cache_holds_the_newest_chunk_alone_and_fills_again(sampler):
    session = Session(TinyModel(), sampler=sampler)
    play(session, 12)
    kept = session.engine.sampler.context
    last = (*kept.kept, *kept.pending)[-1]
    session.send(REFRESH)
    session.step()
    assert [one.frame for one in kept.kept] == [last.frame]
    assert torch.equal(kept.kept[0].latent, last.latent)
    play(session, 8)
    assert len(kept.kept) == session.model.sink + session.model.window


def test_a_refresh_is_once_and_before_the_first_frame_nothing():
    model = TinyModel()
    plain = play(Session(model), 8)
    assert play(Session(model), 8, [(0, REFRESH)]) == plain
    once = play(Session(model), 12, [(4, REFRESH)])
    assert play(Session(model), 12, [(4, REFRESH), (8, REFRESH)]) == once


def test_a_lower_count_as_undo_sends_it_refreshes_nothing():
    model = TinyModel()
    once = play(Session(model), 12, [(4, Sink(refreshed=2))])
    assert play(Session(model), 12, [(4, Sink(refreshed=2)), (8, REFRESH)]) == once


def test_going_back_over_a_refresh_plays_the_same_again():
    session = Session(TinyModel())
    hashes = play(session, 20, [(6, REFRESH)])
    session.rewind(4)
    assert play(session, 2) == hashes[4:6], "before the refresh"
    session.rewind(5)
    assert play(session, 15, [(6, REFRESH)]) == hashes[5:]


def test_it_can_be_gone_on_from_a_snapshot_after_it():
    model = TinyModel()
    session, another = Session(model), Session(model)
    play(session, 10, [(6, REFRESH)])
    another.restore(session.snapshot())
    assert play(another, 5) == play(session, 5)


def test_the_composition_of_pocket_is_kept():
    session = studio.open("pocket", prompt="a snowy mountain lake", seed=3)
    session.send(Sampling(seed=3))
    before = [session.step() for _ in range(40)][-1]
    session.send(REFRESH)
    after = [session.step() for _ in range(4)]
    assert min(psnr(before.picture, frame.picture) for frame in after) > 24
