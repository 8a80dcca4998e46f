"""Dense flow, the camera, tracks and latent copies: the same strokes in each form, and each as its slow definition."""

import math

import numpy as np
import pytest
import torch

from studio.controls import Camera, ControlError, ControlState, Stroke, from_message, strokes, to_message
from studio.geometry.camera import STILL, camera_between, camera_map, camera_step, camera_tracks, inverse, moved
from studio.geometry.flow import BACKGROUND, flow_at, flow_between
from studio.geometry.latent_copy import ati, wan_move
from studio.geometry.tracks import RING, stroke_tracks
from studio.geometry.warp import warp_by_camera, warp_picture
from studio.trajectory import Placement, placements

SIZE = (24, 40)


def disc_at(number, x, y, size):
    return Placement(f"s{number}", "fox", x, y, size, 1.0)


def slow_flow(before, now, size, camera):
    """Every pixel by itself: whose it is, where that goes, and whether anything in front is there then."""
    height, width = size
    now = {one.id: one for one in now if one.id in {other.id for other in before}}
    before = {one.id: one for one in before if one.id in now}
    order = list(now)

    def owner(places, x, y):
        mine = BACKGROUND
        for number, id in enumerate(order):
            one = places[id]
            far = math.dist((x + 0.5, y + 0.5), (one.x * width, one.y * height))
            mine = number if far <= one.size * width / 2 else mine
        return mine

    motion, seen = np.zeros((*size, 2), np.float32), np.zeros(size, bool)
    for y in range(height):
        for x in range(width):
            mine = owner(before, x, y)
            if mine == BACKGROUND:
                to = camera @ (x, y, 1)
            else:
                old, new = before[order[mine]], now[order[mine]]
                grown = new.size / old.size
                to = (
                    new.x * width - 0.5 + grown * (x + 0.5 - old.x * width),
                    new.y * height - 0.5 + grown * (y + 0.5 - old.y * height),
                )
            motion[y, x] = to[0] - x, to[1] - y
            nearest = round(float(np.float32(x + motion[y, x, 0]))), round(float(np.float32(y + motion[y, x, 1])))
            inside = 0 <= nearest[0] < width and 0 <= nearest[1] < height
            seen[y, x] = inside and owner(now, *nearest) <= mine
    return motion, seen


CAMERAS = {"still": Camera(), "all": Camera(pan_x=0.021, pan_y=-0.013, zoom=0.037, rotate=3)}


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_flow_is_each_pixels_own(camera):
    before = [disc_at(0, 0.31, 0.42, 0.3), disc_at(1, 0.62, 0.53, 0.2), disc_at(2, 0.9, 0.1, 0.2)]
    now = [disc_at(0, 0.42, 0.47, 0.42), disc_at(1, 0.51, 0.5, 0.22), disc_at(3, 0.2, 0.9, 0.2)]
    affine = camera_map(camera, SIZE) if camera != Camera() else STILL
    flow = flow_between(before, now, SIZE, affine)
    motion, seen = slow_flow(before, now, SIZE, affine)
    np.testing.assert_allclose(flow.motion, motion, atol=1e-4)
    assert (flow.seen == seen).mean() > 0.995, "but for pixels on the very edge of one"
    assert flow.seen.any()
    assert not flow.seen.all()


def test_what_nobody_moves_stands_and_a_subject_that_has_just_come_is_no_motion():
    state = ControlState.of(Stroke("a", "fox", ((0, 0.5, 0.5),), "pin"))
    assert flow_at(state, 5, SIZE).is_still
    came = flow_between([], placements(strokes(state), 0), SIZE)
    assert came.is_still
    assert came.seen.all()


def test_a_subject_out_of_the_picture_or_larger_than_it_is_no_error():
    at = [disc_at(0, 0.0, 0.0, 0.8), disc_at(1, 1.0, 1.0, 0.8)]
    flow = flow_between(at, [disc_at(0, 1.0, 0.5, 0.8), disc_at(1, 0.0, 0.0, 0.1)], (16, 16))
    assert np.isfinite(flow.motion).all()


def test_the_camera_goes_one_way_and_what_is_seen_the_other():
    middle = np.array([(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2])
    right = moved(camera_map(Camera(pan_x=0.1, pan_y=0.2), SIZE), middle)
    np.testing.assert_allclose(right - middle, (-0.1 * SIZE[1], -0.2 * SIZE[0]))
    out = np.array([10, 0])
    edge = middle + out
    np.testing.assert_allclose(moved(camera_map(Camera(zoom=0.1), SIZE), edge), middle + 1.1 * out)
    turned = moved(camera_map(Camera(rotate=15), SIZE), edge) - middle
    assert turned[1] < 0, "a camera that turns clockwise sees the world turn the other way"
    assert np.hypot(*turned) == pytest.approx(10)
    affine = camera_map(Camera(pan_x=0.1, zoom=0.1, rotate=5), SIZE)
    np.testing.assert_allclose(moved(inverse(affine), moved(affine, edge)), edge)


def test_a_motion_begins_where_it_took_effect_and_lasts_its_frames():
    state = ControlState().after(Camera(pan_x=0.1, frames=3), 10)
    moves = [frame for frame in range(5, 20) if camera_step(state, frame, SIZE) is not STILL]
    assert moves == [10, 11, 12]
    gone = moved(camera_between(state, 8, 15, SIZE), np.zeros(2))
    np.testing.assert_allclose(gone, (-0.3 * SIZE[1], 0), atol=1e-9)
    assert camera_step(state.after(Camera(), 11), 12, SIZE) is STILL


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"zoom": 2}, "camera zoom is 2; send a number from -0.2 to 0.25"),
        ({"pan_x": float("nan")}, "camera pan_x must be a finite number"),
        ({"frames": 1.5}, "camera frames must be a whole number"),
        ({"tilt": 1}, "camera_motion has no field 'tilt'; its fields: pan_x, pan_y, zoom, rotate, frames"),
    ],
)
def test_a_motion_that_cannot_be_is_told_in_words(wrong, words):
    with pytest.raises(ControlError, match=words.replace("(", r"\(")):
        from_message({"kind": "camera_motion", **wrong})


def test_a_motion_is_kept_in_a_message():
    camera = Camera(0.01, -0.02, 0.03, 4, 12)
    assert from_message(to_message(camera)) == camera


def test_the_camera_as_tracks_goes_where_its_flow_goes():
    state = ControlState.of(Camera(pan_x=0.03, zoom=0.02, rotate=2))
    tracks = camera_tracks(state, range(4), SIZE)
    assert tracks.shape == (4, 60, 3)
    assert tracks[0, :, 2].all()
    x, y = np.rint(tracks[0, :, :2]).astype(int).T
    offset = tracks[0, :, :2] - np.stack([x, y], -1)
    flow = flow_at(state, 1, SIZE).motion[y, x]
    np.testing.assert_allclose(tracks[1, :, :2] - tracks[0, :, :2], flow, atol=0.06 * np.abs(offset).max())
    assert not tracks[3, :, 2].all(), "some have left the picture"


def test_strokes_as_tracks_are_where_the_strokes_are_and_seen_unless_covered():
    state = ControlState.of(
        Stroke("a", "fox", ((0, 0.2, 0.5), (8, 0.8, 0.5)), "path", 0.2),
        Stroke("b", "dog", ((0, 0.5, 0.5),), "pin", 0.2),
    )
    tracks = stroke_tracks(state, range(9), SIZE)
    assert tracks.shape == (9, 2 * (1 + RING), 3)
    np.testing.assert_allclose(tracks[2, 0, :2] + 0.5, (0.35 * SIZE[1], 0.5 * SIZE[0]))
    assert [int(seen) for seen in tracks[:, 0, 2]] == [1, 1, 1, 0, 0, 0, 1, 1, 1], "a goes behind b"
    assert tracks[:, 1 + RING, 2].all()
    assert stroke_tracks(ControlState(), range(3), SIZE).shape == (3, 0, 3)


def test_a_picture_goes_along_and_the_camera_says_what_it_did_not_see():
    picture = np.arange(SIZE[0] * SIZE[1] * 3, dtype=np.uint32).reshape(*SIZE, 3).astype(np.uint8)
    shifted, seen = warp_by_camera(picture, camera_map(Camera(pan_x=4 / SIZE[1]), SIZE))
    np.testing.assert_array_equal(shifted[:, :-4], picture[:, 4:])
    assert seen[:, :-4].all()
    assert not seen[:, -4:].any()
    flow = flow_between([disc_at(0, 0.3, 0.5, 0.2)], [disc_at(0, 0.5, 0.5, 0.2)], SIZE)
    dragged, landed = warp_picture(picture, flow)
    np.testing.assert_array_equal(dragged[12, 18:22], picture[12, 10:14])
    np.testing.assert_array_equal(dragged[0], picture[0])
    assert not landed[12, 10], "what it left is no longer known"


# Copies of the first latent


def random_tracks(points=7, times=3, size=(48, 64)):
    dice = np.random.default_rng(4)
    places = np.cumsum(dice.normal(0, 2, (1 + 4 * (times - 1), points, 2)), 0) + dice.random((points, 2)) * (64, 48)
    seen = dice.random(places.shape[:2]) > 0.2
    inside = (places > -0.5).all(-1) & (places[..., 0] < size[1] - 0.5) & (places[..., 1] < size[0] - 0.5)
    return np.concatenate([places, (seen & inside)[..., None]], -1)


LATENT = torch.randn(4, 3, 6, 8, generator=torch.Generator().manual_seed(1))


def test_wan_move_copies_the_first_cell_to_where_the_point_is():
    tracks, wanted = random_tracks(), LATENT.clone()
    for time in range(1, 3):
        for point in range(tracks.shape[1]):
            (x, y, seen), (x0, y0, seen0) = tracks[4 * time, point], tracks[0, point]
            if seen and seen0:
                first = LATENT[:, 0, int((y0 + 0.5) // 8), int((x0 + 0.5) // 8)]
                wanted[:, time, int((y + 0.5) // 8), int((x + 0.5) // 8)] = first
    assert torch.equal(wan_move(LATENT, tracks), wanted)
    assert not torch.equal(wanted, LATENT)


def test_ati_mixes_in_the_two_nearest_points():
    tracks = random_tracks()
    mixed, share = ati(LATENT, tracks)
    for time in range(1, 3):
        for row in range(6):
            for column in range(8):
                heard = []
                for point in range(tracks.shape[1]):
                    seen = [p for p in tracks[4 * time - 3 : 4 * time + 1, point] if p[2]]
                    if seen:
                        x, y = np.mean([(p[:2] + 0.5) / 8 - 0.5 for p in seen], 0)
                        far = ((x - column) / 3) ** 2 + ((y - row) / 3) ** 2
                        heard.append((math.exp(-220 * far), point))
                heard = sorted(heard)[-2:]
                total = sum(weight for weight, _ in heard)
                wanted = LATENT[:, time, row, column] * (1 - min(total, 1))
                for weight, point in heard:
                    wanted = wanted + weight * bilinear(LATENT[:, 0], *((tracks[0, point, :2] + 0.5) / 8 - 0.5))
                torch.testing.assert_close(mixed[:, time, row, column], wanted, atol=1e-5, rtol=1e-4)
                assert float(share[time, row, column]) == pytest.approx(total, abs=1e-5)
    assert torch.equal(mixed[:, 0], LATENT[:, 0])
    assert bool((share[0] == 1).all())


def bilinear(cells, x, y):
    out = torch.zeros(cells.shape[0])
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < cells.shape[1] and 0 <= column < cells.shape[2]:
                out += (1 - abs(x - column)) * (1 - abs(y - row)) * cells[:, row, column]
    return out


def test_tracks_of_another_length_are_told():
    with pytest.raises(ValueError, match="of 3 latent frames they are those of 9 pictures"):
        ati(LATENT, random_tracks(times=2))


def test_the_strokes_tracks_are_good_for_a_copy():
    state = ControlState.of(Stroke("a", "fox", ((0, 0.2, 0.5), (8, 0.8, 0.5)), "path", 0.3, loop=False))
    copied = wan_move(LATENT, stroke_tracks(state, range(9), (48, 64)))
    here = copied[:, 2, 3, 6]
    assert not torch.equal(here, LATENT[:, 2, 3, 6])
    assert any(torch.equal(here, LATENT[:, 0, row, column]) for row in (2, 3, 4) for column in (0, 1, 2))
    assert torch.equal(copied[:, :, 0], LATENT[:, :, 0])
