"""Picture files: which kinds are read, and each as one upright picture of eight bits a channel, in sRGB. No torch.

The page reads the same files in the browser (`ui/web/media.js`, `input.js`); `tests/test_browser_pictures.py` holds the
two equal. Of an animation or of many pages both read the first.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from studio.controls.errors import ControlError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

SMALLEST, LARGEST = 8, 64_000_000  # pixels a side, pixels altogether
WIDEST = 2048  # pixels a side of a picture that is made smaller, as a server takes it
QUALITIES = (95, 85, 70, 50)  # of one that is encoded anew, the best that fits
SEEN = 12  # of 255: alpha above which a pixel is seen
MARGIN = 0.04  # of a square, on every side of what is seen in it, as the drawn world's subjects have it
WHITE = {"F": 1.0, "I": 65535.0}  # the number that is white, of floats and of whole numbers above eight bits
# How files begin, and Pillow's names of their formats: a server opens no other kind with it.
STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"RIFF": "WebP",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF
    b"MM\0+": "TIFF",
    b"BM": "BMP",
}
BRANDS = dict.fromkeys(("avif", "avis"), "AVIF") | dict.fromkeys(
    ("heic", "heix", "heim", "heis", "hevc", "mif1"), "HEIC"
)
KINDS = tuple(dict.fromkeys((*STARTS.values(), *BRANDS.values())))
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "HEIF")
SEND = "send a whole JPEG, PNG or WebP"


def kind_of(data: bytes) -> str | None:
    """Give the kind of file that bytes begin, as a person calls it; None for any that is not read."""
    if data[4:8] == b"ftyp":
        box = data[8 : max(12, min(int.from_bytes(data[:4], "big"), 256))]  # the brand, a version, the brands it is too
        brands = [box[place : place + 4].decode("latin-1") for place in range(0, len(box), 4)]
        known = [BRANDS[brand] for brand in brands if brand in BRANDS]
        return "AVIF" if "AVIF" in known else next(iter(known), None)
    return next((kind for start, kind in STARTS.items() if data.startswith(start)), None)


@contextmanager
def reading(data: bytes) -> Iterator[Image]:
    """Open a picture that has to be read whole meanwhile; ControlError for what cannot be."""
    from PIL import Image, UnidentifiedImageError

    if kind_of(data) == "HEIC":
        register_heic()
    try:
        with Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in known_formats()]) as picture:
            yield picture
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, ControlError):
            raise
        what = "no picture can be made out in it" if isinstance(error, UnidentifiedImageError) else error
        raise ControlError(f"this picture ({len(data):,} bytes) cannot be decoded: {what}; {SEND}") from error


def known_formats() -> list[str]:
    """Give the formats that this Pillow reads."""
    from PIL import Image

    Image.init()
    return Image.ID


def register_heic() -> None:
    """Let Pillow read HEIC; ControlError where the library for it is not installed."""
    try:
        from pillow_heif import register_heif_opener  # type: ignore[import-not-found]
    except ImportError:
        raise ControlError(
            "this picture is HEIC, which pillow-heif reads: pip install 'live-studio[heic]', or save it as JPEG"
        ) from None
    register_heif_opener()


def seen(picture: Image) -> Image:
    """Give an opened picture as it is meant to be seen: RGB, or RGBA where something of it is transparent; upright."""
    from PIL import ImageOps

    return in_srgb(eight_bits(ImageOps.exif_transpose(picture)))


def eight_bits(picture: Image) -> Image:
    """Give a picture of 16 or 32 bits or of floats in eight bits, grey; any other as it is.

    White is 65535 of whole numbers (a 16-bit value is divided by 257) and 1.0 of floats, black is 0. One whose numbers
    leave that range has a range of its own: black is its lowest number, or 0 where none is below, white its highest.
    """
    import numpy as np
    from PIL import Image

    white = WHITE["I"] if picture.mode.startswith("I;16") else WHITE.get(picture.mode)
    if white is None:
        return picture
    numbers = np.asarray(picture).astype(np.float64)
    grey = Image.fromarray(scaled(numbers, white))
    clear = picture.info.get("transparency")
    if isinstance(clear, int):  # a 16-bit PNG's transparent grey
        grey.putalpha(Image.fromarray(np.where(numbers == clear, 0, 255).astype(np.uint8)))
    if profile := picture.info.get("icc_profile"):
        grey.info["icc_profile"] = profile
    return grey


def scaled(numbers: np.ndarray, white: float) -> np.ndarray:
    """Give numbers as uint8: 0..white, or where they leave that, their own range, as 0..255."""
    import numpy as np

    low, high = min(0.0, float(numbers.min())), float(numbers.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ControlError("this picture has numbers that are not finite (NaN or infinity); fill them in")
    if low == 0 and high <= white:
        high = white
    return np.round((numbers - low) * (255 / ((high - low) or 1.0))).astype(np.uint8)


def in_srgb(picture: Image) -> Image:
    """Give a picture of eight bits as RGB or RGBA, its colours those that its colour profile means.

    A profile that cannot be read is passed over, as browsers do.
    """
    from PIL import ImageCms

    clear = with_short_transparency(picture).has_transparency_data
    profile = picture.info.get("icc_profile")
    plain = picture.convert("RGBA" if clear else "RGB")
    if not profile:
        return plain
    source_mode = "RGB" if picture.mode not in ("L", "CMYK", "LAB") else picture.mode
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return plain
        srgb = ImageCms.createProfile("sRGB")
        colours = ImageCms.profileToProfile(picture.convert(source_mode), source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return plain
    assert colours is not None  # it was not asked to work in place
    if clear:
        colours.putalpha(plain.getchannel("A"))
    return colours


def with_short_transparency(picture: Image) -> Image:
    """Write the transparent colour of a 16-bit PNG, whose pixels Pillow gives in eight bits, in eight bits too."""
    clear = picture.info.get("transparency")
    if isinstance(clear, tuple) and max(clear) > 255:
        picture.info["transparency"] = tuple(value >> 8 for value in clear)
    return picture


def on_paper(picture: Image, paper: str = "white") -> Image:
    """Give a picture of eight bits in RGB; what is transparent shows the paper's colour."""
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, paper), layer).convert("RGB")


def seen_box(picture: Image) -> tuple[int, int, int, int] | None:
    """Give the box (left, top, right, bottom) of what is seen of an RGBA picture; None where nothing is."""
    return picture.getchannel("A").point([255 * (alpha > SEEN) for alpha in range(256)]).getbbox()


def in_middle(picture: Image, box: tuple[int, int, int, int], side: int) -> Image:
    """Put what is in a box of an RGBA picture in the middle of a clear square, so many pixels wide."""
    from PIL import Image

    left, top, right, bottom = box
    square = Image.new("RGBA", (side, side))
    square.paste(picture.crop(box), ((side - right + left) // 2, (side - bottom + top) // 2))
    return square


def check_shape(size: tuple[int, int], largest: int = LARGEST) -> None:
    """Raise ControlError unless a picture of this (width, height) can be drawn from."""
    width, height = size
    if min(size) < SMALLEST or width * height > largest:
        raise ControlError(
            f"this picture is {width}x{height}; possible: {SMALLEST} pixels a side and more, at most {largest:,} in all"
        )


def check_colour(name: str, value: object) -> str:
    """The colour, if it is one: a name as "white", or "#rrggbb"."""
    if value == "white":  # the usual one, of every camera's picture
        return "white"
    from PIL import ImageColor

    try:
        if not isinstance(value, str) or len(ImageColor.getrgb(value)) != 3:
            raise ValueError
    except ValueError:
        text = repr(value)[:60]
        raise ControlError(f'{name} is {text}, no opaque colour; give a name as "white", or "#rrggbb"') from None
    return value


def laid_on(data: bytes, paper: str) -> bytes:
    """Give the file of a picture laid on paper of a colour; the same bytes for one that nothing shines through."""
    with reading(data) as picture:
        check_shape(picture.size)
        whole = seen(picture)
        if not whole.has_transparency_data:
            return data
        return encoded(on_paper(whole, paper), "PNG")


def shrunk(data: bytes, most: int) -> bytes:
    """Give a picture that is too large to keep in at most so many bytes: upright, its longer side 2048 at most.

    As JPEG; as WebP where something of it is transparent. Raises ControlError where that cannot be.
    """
    over = f"this picture has {len(data):,} bytes, at most {most:,} are possible"
    try:
        with reading(data) as picture:
            picture.draft("RGB", (WIDEST, WIDEST))  # a large JPEG is decoded no larger than is of use
            check_shape(picture.size)
            whole = seen(picture)
    except ControlError as error:
        raise ControlError(f"{over}, and it cannot be made smaller: {error}") from error
    whole.thumbnail((WIDEST, WIDEST))
    kind = "WEBP" if whole.has_transparency_data else "JPEG"
    for quality in QUALITIES:
        if len(smaller := encoded(whole, kind, quality=quality)) <= most:
            return smaller
    raise ControlError(f"{over}; send it smaller")


def encoded(picture: Image, kind: str, **options: int) -> bytes:
    """Give the bytes of a picture's file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
