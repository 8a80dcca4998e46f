"""The subjects' pictures: one WebP each in a zip, so that one can be opened without the others."""

import io
import json
import zipfile
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.controls.image_file import MARGIN, in_middle, seen_box

PACK = Path(__file__).parent / "sprites"
PICTURES = PACK / "pictures.zip"
SIDE = 192  # pixels of a picture
_reading = Lock()  # a zip that is open has one place where it reads


def pack_pictures(assets: Path, codes: Mapping[str, str], out: Path = PICTURES) -> None:
    """Write the pictures of subjects (label -> emoji code, CODE.webp in `assets`) into a zip, as CODE.webp."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as pack:
        for code in sorted(set(codes.values())):
            seen = trimmed(Image.open(assets / f"{code}.webp").convert("RGBA"))
            data = io.BytesIO()
            seen.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(data, "webp", quality=88, method=4)
            pack.writestr(zipfile.ZipInfo(f"{code}.webp"), data.getvalue())


def trimmed(picture: Image.Image) -> Image.Image:
    """Cut an RGBA picture to what is seen of it, centred in a square with 4 % margin, so that `size` means that.

    Raises ValueError where nothing is seen.
    """
    if (box := seen_box(picture)) is None:
        raise ValueError("nothing is seen in the picture: all of it is transparent")
    left, top, right, bottom = box
    return in_middle(picture, box, round(max(right - left, bottom - top) * (1 + 2 * MARGIN)))


@cache
def codes(pack: str) -> dict[str, str]:
    """Give label -> emoji code of a pack, "sprites" or "added", in the order of its subjects."""
    table = json.loads((PACK / f"{pack}.json").read_text(encoding="utf-8"))
    return {label: table["codes"][label] for label in table["labels"]}


@lru_cache(maxsize=64)
def subject_picture(label: str) -> NDArray[np.uint8]:
    """Give a subject's picture by its label as `open_picture` does; the last few are remembered."""
    return open_picture(label)


def open_picture(label: str) -> NDArray[np.uint8]:
    """Open a subject's picture by its label: RGBA (192, 192, 4), straight alpha, looking left; not to be written to.

    Raises KeyError for a label of no pack.
    """
    return open_code(codes("sprites").get(label) or codes("added")[label])


def open_code(code: str) -> NDArray[np.uint8]:
    """Open a picture by its emoji code, as `open_picture` does; raises KeyError for one that is not packed."""
    with _reading:
        data = _opened().read(f"{code}.webp")
    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGBA"))
    pixels.flags.writeable = False
    return pixels


@cache
def _opened() -> zipfile.ZipFile:
    return zipfile.ZipFile(PICTURES)
