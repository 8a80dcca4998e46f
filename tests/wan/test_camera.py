"""The camera on a Wan student: what was shown last, moved on, is what a chunk is held to at its first re-noising."""

import numpy as np
import pytest
import torch
from cutout_files import png

from studio.controls import Camera, ControlState, CutOut, Sampling, Stroke
from studio.geometry.camera import camera_between
from studio.geometry.warp import warp_by_camera
from studio.samplers.pin import Pins, encode_clip, pooled
from studio.samplers.rows import Row
from wan.checks import SIZE, drawn, hashes, playing

RIGHT = Camera(pan_x=1 / 6, frames=2)  # of 48 pixels eight a picture: a latent cell


def pinned(model, state, shown, first=9, steps=(1.0, 0.9, 0.6)):
    pins = Pins(model, 0)
    pins.watch(first, shown)
    x = drawn(3, *model.latent)
    (row,) = pins.pin([Row(first, steps, x, torch.zeros_like(x), Sampling())], state, is_cold=False)
    return row.pin


def test_a_chunk_is_held_to_what_was_shown_moved_on(model):
    shown = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    state = ControlState().after(RIGHT, 9)
    pin = pinned(model, state, shown)
    views = [camera_between(state, 8, frame, SIZE) for frame in range(9, 21)]
    pictures, seen = zip(*(warp_by_camera(shown, view) for view in views))
    wanted = encode_clip(model.video_encoder, np.stack([shown, *pictures]), 4)[1:]
    torch.testing.assert_close(pin.reference, wanted)
    np.testing.assert_array_equal(
        pin.masks[0], pooled(np.stack(seen).astype(np.float32), pin.reference.shape, 4, False)
    )
    assert pin.masks[0, 0, 0].mean(0).tolist() == [1, 1, 1, 1, 1, 0], (
        "the most of its pictures: a cell is not known yet"
    )
    assert pin.masks[0, 2, 0].mean(0).tolist() == [1, 1, 1, 1, 0, 0]
    assert not pin.masks[1:].any(), "later steps are the model's own"


def test_a_camera_that_stands_or_has_stopped_pins_nothing(model):
    shown = np.zeros((*SIZE, 3), np.uint8)
    assert pinned(model, ControlState(), shown) is None
    assert pinned(model, ControlState().after(RIGHT, 2), shown) is None
    assert pinned(model, ControlState().after(Camera(zoom=0.1), 2), shown) is not None


def test_a_thing_is_pasted_on_what_the_camera_moved(model):
    shown = np.full((*SIZE, 3), 60, np.uint8)
    thing = Stroke("a", "thing", ((0, 0.5, 0.5),), "pin", stiffness=1.0)
    state = ControlState.of(CutOut("a", png()), thing).after(RIGHT, 9)
    pin = pinned(model, state, shown)
    alone = pinned(model, ControlState.of(CutOut("a", png()), thing), shown)
    assert float(pin.masks[0].sum()) > float(alone.masks[0].sum())
    assert torch.equal(pin.masks[1], alone.masks[1])


@pytest.mark.parametrize("sampler", ["rollout", "stream"])
def test_it_is_seen_and_replays(model, sampler):
    def played(*controls):
        session = playing(model, sampler)
        for control in controls:
            session.send(control)
        return hashes(session, 12)

    moved = played(Camera(pan_x=0.05))
    assert moved == played(Camera(pan_x=0.05))
    assert moved[:9] == played()[:9] or sampler == "stream", "the first chunk has nothing before it to move"
    assert moved[-1] != played()[-1]
