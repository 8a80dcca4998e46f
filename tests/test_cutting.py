"""A thing under a point is cut out of a picture."""

import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from studio.controls import ControlError
from studio.training.video_clips import LABELS, SIDE, Paths, Script, World
from studio.underpaint import cutting
from studio.world import compositing, scenes

pytest.importorskip("cv2")


def drawn(seed, label=None):
    """A picture of the drawn world, the subject's alpha, and a place on it near its middle."""
    rng = np.random.default_rng(seed)
    place = rng.choice(scenes.PLACES)
    time, pack = rng.choice(scenes.times_of(place)), compositing.sprites()
    ground = torch.from_numpy(scenes.paint(place, int(rng.integers(4)), time, "clear", 0)).permute(2, 0, 1)[None] / 255
    number = pack.index(label) if label else int(rng.integers(len(pack.labels)))
    x, y, size = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), rng.uniform(0.26, 0.46)
    where = (torch.tensor([value], dtype=torch.float32) for value in (x, y, size, rng.choice([-1.0, 1.0])))
    light = torch.tensor([compositing.LIGHT[time]])
    made, alpha = compositing.composite(ground, torch.tensor([number]), *where, light)
    rows, columns = np.nonzero(alpha[0, 0].numpy() > 0.9)
    at = int(np.hypot(columns / 256 - x, rows / 256 - y).argmin())
    picture = (made[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
    return picture, alpha[0, 0].numpy() > 0.5, ((columns[at] + 0.5) / 256, (rows[at] + 0.5) / 256)


def covered(cut, shape):
    """Where a cut is in its picture, (H, W)."""
    height, width = shape
    whole = np.zeros((3 * height, 3 * width), bool)
    top, left = height + round(cut.box[1] * height), width + round(cut.box[0] * width)
    whole[top : top + cut.pixels.shape[0], left : left + cut.pixels.shape[1]] = cut.pixels[..., 3] > 127
    return whole[height : 2 * height, width : 2 * width]


def overlap(cut, alpha):
    mine = covered(cut, alpha.shape)
    return (mine & alpha).sum() / (mine | alpha).sum()


def ball(shape=(96, 128), at=(40, 30), radius=14):
    """A red ball with an edge on grass."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    picture = np.full((*shape, 3), (70, 150, 60), np.uint8)
    picture += np.random.default_rng(1).integers(0, 6, picture.shape, dtype=np.uint8)
    there = np.hypot(x - at[0], y - at[1]) < radius
    picture[there] = (200, 40, 30)
    return picture, there


def test_most_things_of_the_drawn_world_are_cut_out_as_they_were_drawn():
    overlaps = []
    for seed in range(11):
        picture, alpha, point = drawn(seed)
        overlaps.append(overlap(cutting.grab(picture, point), alpha))
    assert np.median(overlaps) >= 0.85
    assert np.mean(np.array(overlaps) >= 0.8) >= 0.6


def test_what_moved_over_the_pictures_before_is_cut_out_nearly_always():
    world, rng = World.paint([("city", "night"), ("beach", "day")]), np.random.default_rng(8)
    overlaps = []
    for seed in range(6):
        label = np.array([int(rng.integers(len(LABELS)))])
        paths = Paths.draw(label, rng), Paths.draw(label, rng)
        script = Script(np.array([seed % 2]), np.array([[label[0], -1]]), paths)
        clip = script.film(world, 72)
        pictures = (clip.pictures[0].permute(0, 2, 3, 1).clamp(0, 1) * 255).round().byte().numpy()
        alpha, middle = clip.covered[0, 71, 0].numpy() > 0.5, (float(clip.x[0, 71, 0]), float(clip.y[0, 71, 0]))
        rows, columns = np.nonzero(alpha)
        at = int(np.hypot(columns / SIDE - middle[0], rows / SIDE - middle[1]).argmin())
        cut = cutting.grab(pictures[71], (columns[at] / SIDE, rows[at] / SIDE), past=pictures[7:71:8])
        overlaps.append(overlap(cut, alpha))
    assert np.mean(np.array(overlaps) >= 0.8) >= 0.85
    assert np.median(overlaps) >= 0.9


def test_what_moved_is_cut_out_whole_though_the_ring_is_far_too_small():
    def bar(left):
        picture, _ = ball(at=(-99, 0))
        there = np.zeros(picture.shape[:2], bool)
        there[30:48, left : left + 42] = True
        picture[there] = (200, 40, 30)
        return picture, there

    (picture, there), point, past = bar(60), (81 / 128, 39 / 96), [bar(left)[0] for left in range(4, 18, 2)]
    assert overlap(cutting.grab(picture, point, 0.13, past), there) > 0.9
    with pytest.raises(ControlError, match=r"outline|runs on"):
        cutting.grab(picture, point, 0.13)


def test_the_same_point_gives_the_same_file_whatever_else_was_random_before():
    import cv2

    picture, _, point = drawn(3)
    one = cutting.grab(picture, point).to_file()
    cv2.setRNGSeed(99)
    np.random.default_rng().random()
    assert cutting.grab(picture, point).to_file() == one
    read = np.array(Image.open(io.BytesIO(one)))
    assert read.shape[2] == 4
    assert (read == cutting.grab(picture, point).pixels).all()


def test_a_cut_says_where_it_was_and_its_edge_is_soft_and_closed():
    picture, there = ball()
    cut = cutting.grab(picture, (42 / 128, 30 / 96), 0.25)
    assert overlap(cut, there) > 0.93
    assert cut.middle == pytest.approx((40.5 / 128, 30.5 / 96), abs=0.01)
    assert cut.width == pytest.approx(28 / 128, abs=0.05)
    alpha = cut.pixels[..., 3]
    assert alpha.max() == 255
    assert ((alpha > 20) & (alpha < 235)).sum() > 20, "it fades"
    assert 16 <= len(cut.outline) <= 64
    assert all(abs(np.hypot(x * 128 - 40.5, y * 96 - 30.5) - 14) < 3 for x, y in cut.outline)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((96, 128, 3), 90, np.uint8), "nothing with an outline"),
        (np.tile(np.linspace(60, 90, 128).astype(np.uint8)[None, :, None], (96, 1, 3)), "outline|runs on"),
        (np.random.default_rng(0).integers(80, 100, (96, 128, 3), dtype=np.uint8), "outline|runs on"),
    ],
)
def test_a_grab_on_nothing_says_so(picture, words):
    with pytest.raises(ControlError, match=words) as refused:
        cutting.grab(picture, (0.5, 0.5))
    assert "Shift" in str(refused.value), "and what to do"


def test_a_speck_beside_the_ring_is_not_the_thing_that_was_meant_and_with_a_small_ring_it_is():
    y, x = np.mgrid[:128, :128]
    picture = np.stack([120 + 20 * np.sin(x / 23), 90 + 10 * np.sin(y / 17), 80 + 0 * x], -1).astype(np.uint8)
    picture[np.hypot(x - 64, y - 70) < 2.7] = (250, 240, 80)
    assert (cutting.grab(picture, (64 / 128, 70 / 128), 0.2).pixels[..., 3] > 127).sum() < 30
    with pytest.raises(ControlError, match="nothing with an outline of its own"):
        cutting.grab(picture, (64 / 128, 70 / 128), 0.4)


def test_a_grab_at_a_corner_of_the_picture_is_an_answer_too():
    picture, there = ball(at=(3, 4), radius=12)
    assert overlap(cutting.grab(picture, (0.0, 0.0), 0.2), there) > 0.8
    with pytest.raises(ControlError):
        cutting.grab(picture, (1.0, 1.0))


def test_what_was_brushed_is_cut_out_as_it_was_brushed():
    picture, there = ball()
    cut = cutting.brushed(picture, (there * 255).astype(np.uint8))
    assert overlap(cut, there) > 0.93
    large = np.array(Image.fromarray((there * 255).astype(np.uint8)).resize((512, 384)))
    assert overlap(cutting.brushed(picture, large), there) > 0.93
    with pytest.raises(ControlError, match="painted over"):
        cutting.brushed(picture, np.zeros((10, 10), np.uint8))
    with pytest.raises(ControlError, match="wider than 80%"):
        cutting.brushed(picture, np.full((10, 10), 255, np.uint8))


def test_a_thing_narrower_than_a_stroke_may_be_has_a_clear_margin():
    picture, there = ball(at=(64, 48), radius=4)
    cut = cutting.brushed(picture, (there * 255).astype(np.uint8))
    assert 0.1 <= cut.width < 0.13
    assert (cut.pixels[:, 0, 3] == 0).all()
    assert cut.middle == pytest.approx((64.5 / 128, 48.5 / 96), abs=0.01)


def test_a_large_thing_still_goes_into_one_message():
    picture = np.random.default_rng(2).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    mask = np.zeros((80, 100), np.uint8)
    mask[10:70, 15:85] = 255
    file = cutting.brushed(picture, mask).to_file()
    assert len(file) <= cutting.LARGEST
    assert Image.open(io.BytesIO(file)).mode == "RGBA"


@pytest.mark.parametrize("by", [(0, 0), (9, -4), (-12, 6)])
def test_where_a_thing_has_gone_is_found_in_a_newer_picture(by):
    picture, there = ball()
    cut = cutting.brushed(picture, (there * 255).astype(np.uint8))
    newer, _ = ball(at=(40 + by[0], 30 + by[1]))
    assert cutting.gone_on(cut, newer) == pytest.approx((by[0] / 128, by[1] / 96), abs=0.012)


def test_a_thing_that_is_gone_has_gone_nowhere():
    picture, there = ball()
    cut = cutting.brushed(picture, (there * 255).astype(np.uint8))
    assert cutting.gone_on(cut, np.full_like(picture, 255)) == (0.0, 0.0)


def test_without_opencv_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ControlError, match=r'pip install "live-studio\[vision\]"'):
        cutting.grab(np.zeros((8, 8, 3), np.uint8), (0.5, 0.5))
