"""A text inside a picture or a video: a take's score, which the file's other readers keep or leave aside.

The text is packed into one line of ASCII, `studio-score:1:CRC:LENGTH:` and then base64 of its zlib stream. PNG has it
in an iTXt chunk, GIF in an application extension, mp4 and webm in the `comment` tag, which ffmpeg keeps when it cuts or
converts; what is too long for a tag stands behind the video, in a box (mp4, `free`) or an element (webm, Void) that
every reader skips. It is found by the line itself, wherever that stands.
"""

from __future__ import annotations

import base64
import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from studio.outputs.errors import OutputError

MARK = b"studio-score:1:"
GIF_MARK = b"\x21\xff\x0bSTUDIOSCORE"  # an application extension of that name
LARGEST_TEXT = 64 * 2**20  # bytes of a text that is taken out
LARGEST_PNG = 32 * 2**20  # bytes in a chunk: Pillow opens no picture with more than 64 MiB of text
LONGEST_TAG = 2**20  # bytes in a tag; matroska's readers take 16 MiB, and players keep tags in memory
LONGEST_HEAD = 40  # bytes of the mark, the check and the length
BLOCK = 2**20
ZIP_NAME = "score.jsonl"
# What a file is, by how it begins: (offset, bytes).
KINDS: dict[str, tuple[tuple[int, bytes], ...]] = {
    "a picture (PNG)": ((0, b"\x89PNG\r\n\x1a\n"),),
    "a picture (JPEG)": ((0, b"\xff\xd8\xff"),),
    "a picture (WebP)": ((8, b"WEBP"),),
    "a GIF": ((0, b"GIF87a"), (0, b"GIF89a")),
    "a video (mp4)": ((4, b"ftyp"),),
    "a video (webm)": ((0, b"\x1a\x45\xdf\xa3"),),
    "a zip": ((0, b"PK\x03\x04"),),
}


class NoText(OutputError):
    """A picture or a video that carries nothing, or nothing whole. kind: what the file is, in words."""

    def __init__(self, words: str, kind: str) -> None:
        super().__init__(words)
        self.kind = kind


def carry(path: Path, text: str) -> None:
    """Put a text into a file that is complete, by its ending; raises OutputError where it is too large for it."""
    CARRIERS[path.suffix.lower()](path, pack_text(text))


def pack_text(text: str) -> bytes:
    """Give the line of ASCII that a file carries."""
    packed = zlib.compress(text.encode(), 6)
    line = base64.b64encode(packed)
    return b"%s%08x:%d:" % (MARK, zlib.crc32(line), len(line)) + line


def read_text(file: BinaryIO, name: str) -> str:
    """Give the text of a file that is one, or that a picture or a video carries.

    Raises NoText for one that carries none or whose text is damaged, UnicodeDecodeError for what is none of them.
    """
    head = file.read(BLOCK)
    kind = kind_of(head)
    if not kind and MARK not in head[:LONGEST_HEAD]:
        return (head + file.read(LARGEST_TEXT)).decode("utf-8")
    file.seek(0)
    text = text_of_zip(file) if kind == "a zip" else None
    if text is None:
        text = find_text(file, name, kind)
    if text is None:
        raise NoText(
            f"{name} is {kind} without a score in it: it was not made here, or a site it went through took out what is "
            "no picture. Give the file as it was exported, or the take's score (.jsonl)",
            kind,
        )
    return text


def kind_of(head: bytes) -> str:
    """Say what a file is by how it begins; empty for what is no picture, video or zip."""
    for kind, beginnings in KINDS.items():
        if any(head[at : at + len(bytes)] == bytes for at, bytes in beginnings):
            return kind
    return ""


def find_text(file: BinaryIO, name: str, kind: str = "") -> str | None:
    """Give the text that is packed somewhere in a file; None if there is none. Raises NoText for a damaged one."""
    damaged = False
    for place, mark in marks(file):
        file.seek(place)
        text = unpack_text(blocks_of_gif(file) if mark == GIF_MARK else file.read(LONGEST_HEAD + LARGEST_TEXT))
        if text is not None:
            return text
        damaged = True
    if damaged:
        raise NoText(
            f"the score in {name} is damaged or cut off, so the take cannot be opened from it; give the file as it was "
            "exported, or the take's score (.jsonl)",
            kind,
        )
    return None


def marks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield where a file has one of the marks, and which, reading a block at a time."""
    file.seek(0)
    at, before = 0, b""
    while block := file.read(BLOCK):
        whole = before + block
        for mark in (GIF_MARK, MARK):
            found = whole.find(mark)
            while found >= 0:
                yield at - len(before) + found, mark
                found = whole.find(mark, found + 1)
        at += len(block)
        file.seek(at)  # whoever was given a place may have read there
        before = whole[-(len(MARK) - 1) :]


def unpack_text(data: bytes) -> str | None:
    """Give the text of a line, and whatever follows it; None for one that is not whole, or too large."""
    try:
        head = data[len(MARK) : LONGEST_HEAD].split(b":", 2)
        check, length = int(head[0], 16), int(head[1])
        begin = len(MARK) + len(head[0]) + len(head[1]) + 2
        line = data[begin : begin + length]
        if length > LARGEST_TEXT or len(line) != length or zlib.crc32(line) != check:
            return None
        stream = zlib.decompressobj()
        text = stream.decompress(base64.b64decode(line, validate=True), LARGEST_TEXT)
        return None if stream.unconsumed_tail else text.decode("utf-8")
    except (ValueError, IndexError, zlib.error):
        return None


def blocks_of_gif(file: BinaryIO) -> bytes:
    """Read what stands in the extension that a GIF file is at."""
    file.seek(len(GIF_MARK), io.SEEK_CUR)
    read = bytearray()
    while (size := file.read(1)) not in (b"", b"\0") and len(read) < LARGEST_TEXT:
        read += file.read(size[0])
    return bytes(read)


def text_of_zip(file: BinaryIO) -> str | None:
    """Give the score that stands in a zip by its own name; None if there is none."""
    try:
        with zipfile.ZipFile(file) as zip, zip.open(ZIP_NAME) as one:
            data = one.read(LARGEST_TEXT + 1)
            return data.decode("utf-8") if len(data) <= LARGEST_TEXT else None
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error):
        return None


# Into a file


def png_chunk(line: bytes) -> bytes:
    """Give the iTXt chunk of a line, not compressed again."""
    if len(line) > LARGEST_PNG:
        raise OutputError(
            f"the score is {len(line) / 1e6:.0f} MB and a PNG carries {LARGEST_PNG / 1e6:.0f}; keep the score beside it"
        )
    content = b"iTXt" + b"studio-score\0\0\0\0\0" + line
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))


def png_with(png: bytes, line: bytes) -> bytes:
    """Give a PNG with a line in it, behind its header."""
    return png[:33] + png_chunk(line) + png[33:]


def carry_png(path: Path, line: bytes) -> None:
    """Put a line into a PNG."""
    insert(path, 33, png_chunk(line))


def carry_gif(path: Path, line: bytes) -> None:
    """Put a line into a GIF, behind its header and colours: a file that is cut off later has it whole."""
    with path.open("rb") as file:
        flags = file.read(13)[10]
    colours = 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
    parts = (line[at : at + 255] for at in range(0, len(line), 255))
    insert(path, 13 + colours, GIF_MARK + b"".join(bytes([len(one)]) + one for one in parts) + b"\0")


def carry_mp4(path: Path, line: bytes) -> None:
    """Put a line into an mp4: the tag, or behind it in a box that is free for anything."""
    if len(line) <= LONGEST_TAG:
        return tag(path, line, "mp4", {"movflags": "faststart"})
    size = len(line) + 16
    return append(path, struct.pack(">I4sQ", 1, b"free", size) + line)


def carry_webm(path: Path, line: bytes) -> None:
    """Put a line into a webm: the tag, or behind it in an element that is there to be skipped."""
    if len(line) <= LONGEST_TAG:
        return tag(path, line, "webm", {})
    return append(path, b"\xec" + struct.pack(">Q", len(line) | 1 << 56) + line)


def tag(path: Path, line: bytes, container: str, options: dict[str, str]) -> None:
    """Write a video again with a comment, without encoding it again."""
    from studio.outputs.fragments import copy_packets

    copy_packets(path, path, container, options=options, metadata={"comment": line.decode()})


def insert(path: Path, at: int, data: bytes) -> None:
    """Write a file again with some bytes in its middle, whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        with path.open("rb") as source, part.open("wb") as target:
            target.write(source.read(at) + data)
            shutil.copyfileobj(source, target)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def append(path: Path, data: bytes) -> None:
    """Write bytes behind a file."""
    with path.open("ab") as file:
        file.write(data)


# Ending -> what puts a line into a file of it. A zip has its score by its own name (`png.PngZip`).
CARRIERS: dict[str, Callable[[Path, bytes], None]] = {
    ".mp4": carry_mp4,
    ".webm": carry_webm,
    ".gif": carry_gif,
    ".png": carry_png,
}
