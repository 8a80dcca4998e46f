"""Warped noise: it follows the flow, and is noise after any flow; the fast way is the slow definition's."""

import numpy as np
import pytest
import torch

from studio.controls import Camera, ControlState, Stroke
from studio.geometry.flow import Flow, flow_at
from studio.geometry.noise_warp import (
    changing_box,
    degraded,
    latent_noise,
    new_field,
    warp_noise,
    warp_slowly,
    whole_steps,
)

SIZE = (16, 20)


def even(dx, dy, size=SIZE, seen=True):
    return Flow(np.full((*size, 2), (dx, dy), np.float32), np.full(size, seen))


def wild(number, size=SIZE, most=3.0):
    """A flow that tears, crushes and turns, another each time."""
    dice = np.random.default_rng(number)
    coarse = dice.normal(0, most / 2, (4, 4, 2)).repeat(-(-size[0] // 4), 0).repeat(-(-size[1] // 4), 1)
    fine = dice.normal(0, 0.5, (*size, 2))
    motion = coarse[: size[0], : size[1]] + (fine if number % 2 else 0)
    return Flow(motion.astype(np.float32), dice.random(size) > 0.1 * (number % 3 == 0))


def painted(*controls):
    return ControlState.of(
        Stroke("a", "fox", ((0, 0.3, 0.4), (10, 0.7, 0.6)), "path", pressure=(0.2, 0.9)),
        Stroke("b", "dog", ((0, 0.7, 0.5), (8, 0.2, 0.5)), "path"),
        *controls,
    )


FLOWS = {
    "strokes": [flow_at(painted(), frame, SIZE) for frame in range(1, 5)],
    "zoom": [flow_at(painted(Camera(zoom=0.04, rotate=2)), frame, SIZE) for frame in range(1, 5)],
    "out": [flow_at(ControlState.of(Camera(zoom=-0.1, pan_x=0.03)), frame, SIZE) for frame in range(1, 5)],
    "wild": [wild(number) for number in range(6)],
    "still": [even(0, 0), even(0.3, 0.4), even(0, 0)],
}


@pytest.mark.parametrize("flows", FLOWS.values(), ids=FLOWS)
def test_the_fast_way_is_the_definitions(flows):
    field = new_field(SIZE, 3, 7, 0)
    values, weight = field.values, field.weight
    for frame, flow in enumerate(flows, 1):
        field = warp_noise(field, [flow], 7, frame)
        values, weight = warp_slowly(values, weight, flow, (7, frame))
        np.testing.assert_allclose(field.values, values, atol=2e-5)
        np.testing.assert_allclose(field.weight, weight, rtol=2e-5)
        assert (np.sort(field.place.reshape(-1)) == np.arange(field.place.size)).all()


def test_without_a_flow_it_is_the_same_noise():
    field = new_field(SIZE, 4, 1, 0)
    assert warp_noise(field, [even(0, 0)] * 9, 1, 1) is field


@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (0, -3), (-2, 5)])
def test_a_shift_of_whole_pixels_moves_it_exactly(dx, dy):
    field = new_field(SIZE, 4, 1, 0)
    moved = warp_noise(field, [even(dx, dy)], 1, 5).values
    kept = np.roll(field.values, (dy, dx), (0, 1))
    rows = slice(max(dy, 0), SIZE[0] + min(dy, 0))
    columns = slice(max(dx, 0), SIZE[1] + min(dx, 0))
    np.testing.assert_array_equal(moved[rows, columns], kept[rows, columns])
    came = np.ones(SIZE, bool)
    came[rows, columns] = False
    assert not np.isin(moved[came], field.values).any()


def test_a_part_of_a_pixel_comes_to_its_whole_in_time():
    gone = sum(whole_steps(even(0.3, -0.7, (1, 1)), frame)[0, 0] for frame in range(1000))
    np.testing.assert_allclose(gone, (300, -700), atol=2)


@pytest.mark.parametrize("name", ["wild", "zoom", "out", "strokes"])
def test_after_a_hundred_pictures_every_pixel_is_still_normal_and_knows_no_other(name):
    """Of 512 channels, which are 512 trials of each pixel: mean, deviation, and what neighbours have in common."""
    size, channels = (12, 16), 512
    states = {
        "zoom": ControlState.of(Camera(zoom=0.03, rotate=1)),
        "out": ControlState.of(Camera(zoom=-0.06, rotate=1)),
        "strokes": painted(),
    }
    field = new_field(size, channels, 3, 0)
    flows = [wild(i, size) if name == "wild" else flow_at(states[name], i, size) for i in range(1, 101)]
    values = warp_noise(field, flows, 3, 1).values
    assert not np.array_equal(values, field.values)
    pixels = values.reshape(-1, channels).astype(np.float64)
    spread = channels**-0.5
    assert np.abs(pixels.mean(1)).max() < 4.5 * spread
    assert np.abs(pixels.std(1) - 1).max() < 4.5 * spread / 2**0.5
    assert pixels.std() == pytest.approx(1, abs=0.01)
    assert (pixels**4).mean() == pytest.approx(3, abs=0.1)
    common = np.corrcoef(pixels) - np.eye(len(pixels))
    assert np.abs(common).max() < 5.5 * spread
    assert common.std() == pytest.approx(spread, rel=0.05)
    across = np.corrcoef(pixels[:, :64].T) - np.eye(64)
    assert np.abs(across).max() < 6 * len(pixels) ** -0.5


def test_it_goes_along_with_a_subject_and_has_nothing_in_common_with_what_stands_beside():
    size, state = (64, 96), ControlState.of(Stroke("a", "fox", ((0, 0.3, 0.5), (12, 0.675, 0.5)), "path", 0.3))
    first = new_field(size, 8, 5, 0)
    last = warp_noise(first, [flow_at(state, frame, size) for frame in range(1, 12)], 5, 1)
    shift = 11 * 3
    before, now = (slice(28, 37), slice(24, 33)), (slice(28, 37), slice(24 + shift, 33 + shift))
    assert correlation(first.values[before], last.values[now]) > 0.9
    assert abs(correlation(first.values[before], last.values[before])) < 0.15
    assert abs(correlation(first.values[now], last.values[now])) < 0.15
    far = (slice(0, 8), slice(0, 96))
    np.testing.assert_array_equal(first.values[far], last.values[far])


def test_a_zoom_carries_the_middle_and_tears_no_more_than_it_must():
    size, state = (64, 96), ControlState.of(Camera(zoom=0.01))
    field, flows = new_field(size, 4, 5, 0), [flow_at(state, frame, size) for frame in range(1, 11)]
    moved = warp_noise(field, flows, 5, 1)
    whole = np.isin(moved.values[..., 0], field.values[..., 0]).mean()
    assert whole > 0.6, "ten pictures of 1 % each let a fifth of the pixels come in, each pair of which is shared out"


def correlation(one, other):
    return float(np.corrcoef(one.reshape(-1), other.reshape(-1))[0, 1])


def test_the_same_seed_and_flow_give_the_same_bits_whatever_the_pictures_are_taken_in():
    flows = [wild(number) for number in range(6)]
    at_once = warp_noise(new_field(SIZE, 4, 9, 0), flows, 9, 1)
    start = new_field(SIZE, 4, 9, 0)
    kept = start.values.copy()
    halfway = warp_noise(start, flows[:2], 9, 1)
    for _ in range(2):
        in_turn = warp_noise(halfway, flows[2:], 9, 3)
        np.testing.assert_array_equal(at_once.values, in_turn.values)
        np.testing.assert_array_equal(at_once.weight, in_turn.weight)
    np.testing.assert_array_equal(start.values, kept)
    assert not np.array_equal(at_once.values, warp_noise(new_field(SIZE, 4, 8, 0), flows, 8, 1).values)


def test_nothing_outside_of_a_strokes_box_is_looked_at():
    flow = flow_at(ControlState.of(Stroke("a", "fox", ((0, 0.2, 0.3), (9, 0.5, 0.3)), "path", 0.2)), 1, (64, 96))
    rows, columns = changing_box(whole_steps(flow, 1), flow.seen)
    assert rows.stop - rows.start < 24
    assert columns.stop - columns.start < 32


def test_latent_noise_is_normal_and_sums_its_own_pixels():
    field = new_field((32, 64), 64, 2, 0)
    latent = latent_noise(field, (4, 8))
    assert latent.shape == (64, 4, 8)
    assert float(latent.std()) == pytest.approx(1, abs=0.05)
    own = field.values[8:16, 16:24].sum((0, 1)) / 8
    np.testing.assert_allclose(latent[:, 1, 2], own, atol=1e-5)
    with pytest.raises(ValueError, match="5 x 8 is no whole share of 32 x 64"):
        latent_noise(field, (5, 8))


def test_what_follows_in_part_is_normal_too():
    one, other = torch.randn(2, 200_000, generator=torch.Generator().manual_seed(0))
    for follow in (0.3, 0.5, 1.0):
        assert float(degraded(one, other, follow).std()) == pytest.approx(1, abs=0.01)
    assert torch.equal(degraded(one, other, 1.0), one)
