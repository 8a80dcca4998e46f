"""Things pasted on a picture: place, size, direction, order; and the holes they leave filled from around."""

import numpy as np
import pytest

from studio.trajectory import Placement
from studio.underpaint.compose import FAINT, filled, paste
from studio.underpaint.sprites import sprite

GREY = np.full((40, 80, 3), 100, np.uint8)


def thing(height=20, width=20):
    """Red to the left, green to the right, opaque."""
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 1] = pixels[..., 3] = 255
    return pixels


def at(x=0.5, y=0.5, size=0.25, facing=-1.0):
    return Placement("a", "thing", x, y, size, facing)


def middle(alpha):
    rows, columns = (np.arange(n) + 0.5 for n in alpha.shape)
    return (alpha.sum(0) @ columns / alpha.sum(), alpha.sum(1) @ rows / alpha.sum())


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.5), (0.3, 0.61), (0.2503, 0.4377)])
def test_a_thing_is_centred_at_its_place_to_a_quarter_of_a_pixel_and_as_wide_as_it_says(x, y):
    picture, alpha = paste(GREY, [(thing(), at(x, y))])
    assert middle(alpha) == pytest.approx((80 * x, 40 * y), abs=0.13)
    assert alpha.sum() == pytest.approx(20 * 20, rel=2e-3)  # a quarter of 80 wide, and square
    assert alpha.dtype == np.float32
    assert (picture[alpha == 0] == 100).all()


def test_its_height_keeps_its_shape():
    _, alpha = paste(GREY, [(thing(height=10), at())])
    assert (alpha.max(0) > 0).sum() == 20
    assert (alpha.max(1) > 0).sum() == 10


def test_it_is_mirrored_where_it_faces_right():
    left, _ = paste(GREY, [(thing(), at(facing=-1.0))])
    right, _ = paste(GREY, [(thing(), at(facing=1.0))])
    assert left[20, 34].tolist() == [255, 0, 0]
    assert right[20, 34].tolist() == [0, 255, 0]


def test_a_later_thing_covers_an_earlier_one():
    blue = thing()
    blue[..., :3] = (0, 0, 255)
    picture, _ = paste(GREY, [(thing(), at()), (blue, at())])
    assert picture[20, 40].tolist() == [0, 0, 255]


@pytest.mark.parametrize("place", [(0, 0), (1, 1), (0.0, 1.0)])
def test_what_is_out_of_the_picture_is_cut_off(place):
    _, alpha = paste(GREY, [(thing(), at(*place))])
    assert alpha.sum() == pytest.approx(100, rel=0.02)


def test_nothing_pasted_is_the_picture_itself():
    picture, alpha = paste(GREY, [])
    assert np.array_equal(picture, GREY)
    assert not alpha.any()


def test_a_hole_is_filled_from_around_and_nothing_else_changes():
    rows, columns = np.mgrid[:64, :96]
    smooth = np.stack([2 * columns, 3 * rows, 128 + 0 * rows], -1).astype(np.uint8)
    spoilt, alpha = paste(smooth, [(thing(), at(size=0.3))])
    mended = filled(spoilt, alpha)
    assert np.abs(mended.astype(int) - smooth)[alpha > FAINT].mean() < 6
    assert np.array_equal(mended[alpha <= FAINT], spoilt[alpha <= FAINT])


@pytest.mark.parametrize("hole", [0.0, 1.0])
def test_a_picture_without_a_hole_or_without_anything_else_stays(hole):
    assert np.array_equal(filled(GREY, np.full(GREY.shape[:2], hole)), GREY)


def test_a_label_gives_the_picture_of_the_subject_that_the_embedded_model_reads_in_it():
    fox = sprite("fox")
    assert fox.shape == (192, 192, 4)
    assert fox[..., 3].max() == 255
    assert fox[0, 0, 3] == 0
    assert sprite("a red fox") is fox
    assert sprite("castle").shape == fox.shape  # one of the subjects that were added
    assert sprite("democracy") is None
