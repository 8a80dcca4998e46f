"""Noise that goes along with strokes and camera: exact in snapshots and replays, and not there unless asked for."""

import numpy as np
import pytest
import torch
from tiny.model import TinyModel
from tiny.pictures import PictureModel

from session.playing import replayed
from studio.controls import Camera, ControlError, ControlState, Sampling, Stroke
from studio.engine import Engine
from studio.geometry.camera import camera_step
from studio.geometry.flow import flow_between
from studio.geometry.noise_warp import degraded, latent_noise, new_field, warp_noise
from studio.models.playable import check
from studio.noise import noise
from studio.samplers.grain import carry
from studio.session import Session

ACROSS = Stroke("a", "fox", ((0, 0.3, 0.5), (8, 0.7, 0.5)), "path")
RIGHT = Camera(pan_x=1 / 8)  # of 32 pixels four, half a latent cell


def hashes(model, *controls, frames=6, sampler=None):
    engine = Engine(model, sampler)
    engine.apply([(1, one) for one in controls])
    return [engine.step().hash for _ in range(frames)]


@pytest.fixture(scope="module")
def model():
    return TinyModel()


def test_it_is_off_by_default_and_then_nothing_moves_but_what_the_model_hears(model):
    assert Sampling().follow == 0
    assert hashes(model, Sampling(3), RIGHT) == hashes(model, Sampling(3))
    assert hashes(model, Sampling(3, follow=0.5)) != hashes(model, Sampling(3))


@pytest.mark.parametrize("sampler", ["rollout", "stream"])
def test_strokes_and_camera_move_it(model, sampler):
    def played(*controls):
        return hashes(model, Sampling(3, follow=0.5), *controls, sampler=sampler)

    still = played()
    assert played(RIGHT) != still
    assert played(Camera(pan_x=1 / 8, frames=2))[:2] == played(RIGHT)[:2]
    assert played(RIGHT) == played(RIGHT)


def test_a_rows_noise_is_its_pictures_own():
    """The definition: a field moved picture by picture, of which each latent frame takes its last picture's."""
    state, model = ControlState.of(Sampling(5, follow=0.5), RIGHT), TinyModel()
    first = carry(None, model, state, range(4, 6), [1, 1])
    second = carry(first.after, model, state, range(6, 10), [2, 2])
    field, wanted = new_field((32, 32), 8, 5, 4), []
    for picture in range(4, 10):
        flow = flow_between([], [], (32, 32), camera_step(state, picture, (32, 32)))
        field = warp_noise(field, [flow], 5, picture)
        wanted.append(latent_noise(field, (4, 4)))
    assert torch.equal(first.noise, torch.stack(wanted[:2]))
    assert torch.equal(second.noise, torch.stack([wanted[3], wanted[5]]))
    assert torch.equal(wanted[3][:, :, :-1], wanted[1][:, :, 1:]), "two pictures of four pixels are a cell"


def test_every_step_hears_its_half_and_is_part_new(model):
    engine = Engine(model, "rollout")
    engine.apply([(1, Sampling(5, steps=3, follow=0.25))])
    row = engine.sampler.new_row(engine.state, 0, True)
    carried = row.grain.noise
    for step in range(3):
        fresh = noise(5, 0, step, model.latent)[None]
        half = carried[:, 4:] if step else carried[:, :4]
        assert torch.equal(engine.sampler.noise_of(row, step), degraded(half, fresh, 0.25))


def test_a_drag_moves_it_evenly_over_the_pictures_of_a_chunk(model):
    hand = ControlState.of(Sampling(follow=0.5), Stroke("a", "fox", ((0, 0.25, 0.5),)))
    grain = carry(None, model, hand, range(2), [1, 1]).after
    away = hand.after(Stroke("a", "fox", ((0, 0.75, 0.5),)), 2)
    there = carry(grain, model, away, range(2, 6), [2, 2]).after
    assert [round(one.x, 3) for one in there.places] == [0.75]
    moved = {int(place) for place in there.field.place[16, 20:28]} & {int(place) for place in grain.field.place[16]}
    assert len(moved) == 8, "what was under the hand is under it now"
    assert np.array_equal(there.field.place[0], grain.field.place[0])


@pytest.mark.parametrize("sampler", ["rollout", "stream", "rolling"])
def test_a_snapshot_goes_on_exactly_whatever_came_between(model, sampler):
    engine = Engine(model, sampler)
    engine.apply([(1, Sampling(3, steps=3, follow=0.5)), (2, RIGHT), (3, ACROSS)])
    for _ in range(5):
        engine.step()
    kept = engine.snapshot()
    ahead = [engine.step().hash for _ in range(4)]
    engine.apply([(4, Camera(zoom=0.1)), (5, Sampling(3, steps=2, follow=0.9))])
    engine.step()
    engine.restore(kept)
    assert [engine.step().hash for _ in range(4)] == ahead


def test_a_forward_that_fails_leaves_the_noise_where_it_was(model, monkeypatch):
    engine, straight = Engine(model), hashes(model, Sampling(3, follow=0.5), RIGHT)
    engine.apply([(1, Sampling(3, follow=0.5)), (2, RIGHT)])
    shown = [engine.step().hash for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(type(model), "denoise", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            engine.step()
    assert shown + [engine.step().hash for _ in range(3)] == straight


def test_a_take_and_a_bookmark_show_it_again(model, tmp_path):
    session = Session(model)
    for control in (Sampling(3, follow=0.5), RIGHT, ACROSS):
        session.send(control)
    shown = [session.step().hash for _ in range(5)]
    path = session.bookmark(tmp_path / "here.jsonl")
    kept = session.keep(100)
    shown += [session.step().hash for _ in range(3)]
    assert replayed(kept, model) == shown[:5]
    other = Session(model)
    other.open_bookmark(path)
    assert [other.step().hash for _ in range(3)] == shown[5:]


def test_a_snapshot_is_counted_with_what_it_holds(model):
    engine = Engine(model, "rollout")
    engine.apply([(1, Sampling(3, follow=0.5))])
    engine.step()
    without = engine.sampler.snapshot_bytes(ControlState.of(Sampling(3)))
    field = engine.sampler.snapshot().grain.field
    assert engine.sampler.snapshot_bytes(engine.state) - without >= field.nbytes


def test_an_image_model_says_that_no_camera_moves():
    still = PictureModel()
    check(still, Camera())
    with pytest.raises(ControlError, match="still draws pictures one by one, so no camera moves"):
        check(still, RIGHT)
    with pytest.raises(ControlError, match="follow is 2; send a number from 0 to 1"):
        Sampling(follow=2)
