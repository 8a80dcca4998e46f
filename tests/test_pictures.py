import io
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from studio import pictures
from studio.controls import ControlError
from studio.pictures import decoded

RNG = np.random.default_rng(0)


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def random_image(width=100, height=60):
    return Image.fromarray(RNG.integers(0, 255, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_kind_is_read_at_the_size_asked_for_and_remembered(kind):
    data = encoded(Image.new("RGB", (100, 60), (200, 100, 50)), kind)
    picture = decoded(data, (32, 48))
    assert picture.shape == (32, 48, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - (200, 100, 50)).max() <= 4
    assert decoded(bytes(bytearray(data)), (32, 48)) is picture
    with pytest.raises(ValueError, match="read-only"):
        picture[0] = 0


def test_the_middle_is_taken_and_its_shape_is_kept():
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = 255
    assert decoded(encoded(Image.fromarray(image)), (40, 40)).min() == 255


def test_a_picture_at_its_own_size_is_itself():
    image = random_image(48, 32)
    assert np.array_equal(decoded(encoded(image), (32, 48)), np.asarray(image))


def test_it_is_turned_as_the_camera_was_held():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:20] = 255
    turned = Image.Exif()
    turned[0x0112] = 3  # held upside down
    picture = decoded(encoded(Image.fromarray(image), "JPEG", exif=turned), (40, 40))
    assert picture[:18].max() < 30
    assert picture[22:].min() > 225


@pytest.mark.parametrize("mode", ["P", "L", "RGBA", "1", "I;16"])
def test_every_mode_becomes_rgb(mode):
    image = Image.new(mode, (20, 20)) if mode == "I;16" else random_image(20, 20).convert(mode)
    assert decoded(encoded(image), (16, 16)).shape == (16, 16, 3)


def test_what_is_transparent_is_white():
    assert decoded(encoded(Image.new("RGBA", (20, 20), (255, 0, 0, 0))), (8, 8)).min() == 255


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_was_cut_off_is_told_wherever_it_was_cut(kind):
    data = encoded(random_image(), kind)
    for length in (0, 4, 20, 60, len(data) // 2, len(data) - 30):
        with pytest.raises(ControlError, match=r"picture .* cannot be decoded: .*; send a whole JPEG, PNG or WebP"):
            decoded(data[:length], (32, 48))


def test_bytes_that_went_wrong_on_the_way_raise_nothing_else():
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encoded(random_image(), kind)
        for place in RNG.integers(0, len(data), 60):
            broken = bytearray(data)
            broken[place] ^= int(RNG.integers(1, 256))
            with suppress(ControlError):
                decoded(bytes(broken), (16, 16))


def test_a_picture_too_large_to_hold_is_told(monkeypatch):
    monkeypatch.setattr(pictures, "LARGEST", 1000)
    with pytest.raises(
        ControlError, match="picture is 100x60; possible: 8 pixels a side and more, at most 1,000 in all"
    ):
        decoded(encoded(random_image()), (8, 8))
