"""Picture files of every kind and number format, each read as it is meant to be seen."""

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms

from studio.controls import ControlError, Picture, from_message, image_file
from studio.pictures import as_bytes, decoded

RAMP = np.tile(np.linspace(0, 1, 64), (64, 1))
SIZE = (64, 64)


def file(image, kind="PNG", **options):
    return image_file.encoded(image, kind, **options)


def grey_of(data, size=SIZE):
    return decoded(data, size)[..., 0]


NUMBERS = {
    "16 bits": (Image.fromarray(np.round(RAMP * 65535).astype(np.uint16)), "PNG"),
    "16 bits, big-endian": (Image.fromarray(np.round(RAMP * 65535).astype(">u2")), "TIFF"),
    "32 bits of 16": (Image.fromarray(np.round(RAMP * 65535).astype(np.int32)), "TIFF"),
    "floats to 1": (Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
    "metres": (Image.fromarray((80 * RAMP).astype(np.float32)), "TIFF"),
    "below zero": (Image.fromarray((4 * RAMP - 2).astype(np.float32)), "TIFF"),
    "large numbers": (Image.fromarray(np.round(RAMP * 1e6).astype(np.int32)), "TIFF"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_ramp_is_a_ramp_in_every_number_format(name):
    image, kind = NUMBERS[name]
    data = file(image, kind)
    assert np.abs(grey_of(data).astype(int) - np.round(255 * RAMP)).max() <= 1
    assert np.array_equal(as_bytes(image), decoded(data, SIZE))


def test_white_is_declared_and_a_dark_picture_stays_dark():
    dark = Image.fromarray(np.full(SIZE, 257 * 20, np.uint16))
    assert np.unique(grey_of(file(dark))) == [20]
    assert np.unique(grey_of(file(Image.fromarray(np.full(SIZE, 0.5, np.float32)), "TIFF"))) == [128]
    assert np.unique(grey_of(file(Image.fromarray(np.full(SIZE, 0.0, np.float32)), "TIFF"))) == [0]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_numbers_that_are_none_are_told(wrong):
    floats = RAMP.astype(np.float32)
    floats[3, 3] = wrong
    with pytest.raises(ControlError, match="not finite"):
        decoded(file(Image.fromarray(floats), "TIFF"), SIZE)


def transparent(mode):
    """(picture, what its left half, which nothing can be seen of, may not show): the right half is (0, 0, 255)."""
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (32, 0, 64, 64))
    if mode == "PA":
        return image.convert("P")
    if mode == "LA":
        return image.convert("LA")
    return image


def grey_16_with_transparency():
    """A 16-bit grey PNG whose value 257 is transparent, as its tRNS chunk says."""
    pixels = np.full(SIZE, 65535, np.uint16)
    pixels[:, :32] = 257
    return file(Image.fromarray(pixels), transparency=257)


SEE_THROUGH = {
    "RGBA": lambda: file(transparent("RGBA")),
    "WebP": lambda: file(transparent("RGBA"), "WEBP", lossless=True),
    "AVIF": lambda: file(transparent("RGBA"), "AVIF", quality=100),
    "grey with alpha": lambda: file(transparent("LA")),
    "palette": lambda: file(transparent("RGBA").quantize(8)),
    "GIF": lambda: file(transparent("RGBA"), "GIF"),
    "animated GIF": lambda: file(
        transparent("RGBA"), "GIF", save_all=True, append_images=[Image.new("RGBA", (64, 64), "green")]
    ),
    "animated WebP": lambda: file(
        transparent("RGBA"), "WEBP", save_all=True, lossless=True, append_images=[Image.new("RGBA", (64, 64), "green")]
    ),
    "TIFF": lambda: file(transparent("RGBA"), "TIFF"),
    "16 bits": grey_16_with_transparency,
}


@pytest.mark.parametrize("name", SEE_THROUGH)
@pytest.mark.parametrize(("paper", "colour"), [("white", (255, 255, 255)), ("#00ff00", (0, 255, 0))])
def test_what_is_transparent_shows_the_paper(name, paper, colour):
    picture = Picture(SEE_THROUGH[name](), paper)
    pixels = decoded(picture.data, SIZE).astype(int)
    assert np.abs(pixels[:, 2:28] - colour).max() <= 3
    assert not np.abs(pixels[:, 36:62] - (0, 255, 0)).max() <= 3
    assert from_message(picture.to_message()) == picture


def test_a_picture_on_white_is_the_bytes_that_came_and_says_no_more_than_it_did():
    data = file(transparent("RGBA"))
    assert Picture(data).data is data
    assert set(Picture(data).to_message()) == {"kind", "data"}
    opaque = file(Image.new("RGB", (16, 16)))
    assert Picture(opaque, "black").data is opaque


@pytest.mark.parametrize("paper", ["", "no colour", "#12345678", 7, None])
def test_a_paper_that_is_no_colour_is_told(paper):
    with pytest.raises(ControlError, match=r'paper is .*, no opaque colour; give a name as "white", or "#rrggbb"'):
        Picture(b"", paper)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_every_kind_of_file_is_read(kind):
    data = file(Image.new("RGB", (40, 30), (200, 100, 50)), kind)
    assert image_file.kind_of(data).upper() == kind
    assert np.abs(decoded(Picture(data).data, (30, 40)).astype(int) - (200, 100, 50)).max() <= 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(kind, orientation):
    image = Image.new("RGB", (64, 64), "black")
    image.paste("white", (0, 0, 64, 20))
    image.paste("red", (0, 0, 20, 20))
    held = Image.Exif()
    held[0x0112] = orientation
    undone = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # how a camera held so saw it
    turned = image if undone is None else image.transpose(Image.Transpose(undone))
    pixels = decoded(file(turned, kind, exif=held), SIZE).astype(int)
    assert np.abs(pixels[3:16, 3:16] - (255, 0, 0)).mean() < 20
    assert pixels[3:16, 30:60].min() > 220
    assert pixels[30:60, 3:60].max() < 35


def test_cmyk_is_read_as_it_was_meant():
    data = file(Image.new("RGB", (32, 32), (250, 40, 40)).convert("CMYK"), "JPEG", quality=100)
    assert np.abs(decoded(data, (32, 32)).astype(int) - (250, 40, 40)).max() <= 4


def linear_profile():
    """A colour profile of sRGB's primaries with a curve of its own: a grey of 128 is much brighter than sRGB's."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    place = profile.index(b"para")
    profile[place + 12 : place + 16] = (65536).to_bytes(4, "big")  # the exponent: 1
    profile[place + 8 : place + 10] = bytes(2)  # of the simplest kind of curve
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "Line".encode("utf-16-be"))


def test_a_colour_profile_counts_and_a_broken_one_does_not():
    grey = Image.new("RGB", (32, 32), (128, 128, 128))
    assert decoded(file(grey, icc_profile=linear_profile()), (32, 32)).mean() == pytest.approx(188, abs=2)
    clear = grey.convert("RGBA")
    clear.putalpha(0)
    assert decoded(file(clear, icc_profile=linear_profile()), (32, 32)).min() == 255
    for profile in (b"no profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        assert np.unique(decoded(file(grey, icc_profile=profile), (32, 32))) == [128]


def noise(width, height, mode="RGB"):
    channels = len(mode)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8), mode)


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("RGBA", "WebP")])
def test_a_large_one_is_made_smaller_before_it_is_refused(mode, kind):
    held = Image.Exif()
    held[0x0112] = 6
    data = file(noise(1900, 900, mode), exif=held)
    assert len(data) > 4 * 2**20
    picture = Picture(data)
    assert len(picture.data) <= 4 * 2**20
    assert image_file.kind_of(picture.data) == kind
    assert Image.open(io.BytesIO(picture.data)).size == (900, 1900)
    with pytest.raises(ControlError, match="at most 100 are possible; send it smaller"):
        image_file.shrunk(data, 100)


def test_a_large_jpeg_is_decoded_at_a_size_of_use_and_another_of_so_many_pixels_is_refused(monkeypatch):
    monkeypatch.setattr("studio.pictures.LARGEST", 500_000)
    image = Image.new("RGB", (2000, 1500), (200, 100, 50))
    assert np.abs(decoded(file(image, "JPEG"), SIZE).astype(int) - (200, 100, 50)).max() <= 4
    with pytest.raises(ControlError, match="picture is 2000x1500"):
        decoded(file(image), SIZE)


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)


def test_heic_says_what_reads_it_where_nothing_does(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ControlError, match=r"HEIC, which pillow-heif reads: pip install 'live-studio\[heic\]'"):
        decoded(Picture(HEIC).data, SIZE)


def test_heic_is_read_where_the_library_is():
    heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (64, 64), (200, 100, 50))).save(out, quality=95)
    assert np.abs(decoded(Picture(out.getvalue()).data, SIZE).astype(int) - (200, 100, 50)).max() <= 6


@pytest.mark.parametrize("data", [b"%PDF-1.7 a paper", b"\0\0\0\x18ftypmp42\0\0\0\0", b"hello", b"GIF7", b"II*"])
def test_what_is_no_picture_is_refused_with_what_is_possible(data):
    with pytest.raises(ControlError, match="possible: JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF, HEIC"):
        Picture(data)


def test_a_sound_that_begins_as_webp_does_is_told():
    with pytest.raises(ControlError, match="cannot be decoded"):
        decoded(b"RIFF\x24\0\0\0WAVEfmt " + bytes(30), SIZE)
