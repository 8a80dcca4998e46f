"""The newest frame, and how it is packed for the page.

A mailbox holds one frame: a reader that is late gets the newest and never a queue of old ones, so a slow page has a
lower frame rate and not a growing delay.
"""

from __future__ import annotations

import asyncio
import io
import struct
import time

import numpy as np
from PIL import Image

from studio.frames import Frame
from studio.outputs.timeline import Timeline

try:
    import simplejpeg
except ImportError:  # an optional speed-up: Pillow writes the same JPEG in about twice the time
    simplejpeg = None

HEADER = struct.Struct("<4sIIIffd")
MAGIC = b"STF1"  # JPEG
H264_KEY, H264_NEXT = b"STVK", b"STVD"  # a key picture, and one that needs those before it (`outputs.h264`)
QUALITY = 88
KEPT = 72  # frames a hand may still reach into, 3 s at 24 a second: what was seen longer ago is no grab
KEPT_BYTES = 48 * 2**20  # of pictures; a snapshot finds more than the widest window has on its way whatever their size


class Bell:
    """Wakes everything that waits on an event loop; may be rung from any thread.

    Nobody is woken later by a ring they missed: look first, wait after, with no `await` between the two.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def ring(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    async def wait(self, timeout: float) -> bool:
        """True if rung within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):  # not wait_for, which begins to listen one turn of the loop later
                await self._event.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        self._event.set()
        self._event.clear()


class Mailbox:
    """A FrameOutput that keeps the newest frame, and a few before it for snapshots; rings the bells that listen."""

    def __init__(self) -> None:
        self._bells: tuple[Bell, ...] = ()
        self._timeline = Timeline(KEPT, KEPT_BYTES)

    def put(self, frame: Frame) -> None:
        self._timeline.put(frame)
        for bell in self._bells:
            bell.ring()

    def listen(self, bell: Bell) -> None:
        """Ring this bell too, for each frame."""
        self._bells += (bell,)

    def forget(self, bell: Bell) -> None:
        """Ring it no more."""
        self._bells = tuple(one for one in self._bells if one is not bell)

    def close(self) -> None:
        self._bells = ()

    @property
    def count(self) -> int:
        """How many frames have come into sight."""
        return self._timeline.look()[0]

    @property
    def newest(self) -> Frame | None:
        return self.frame(None)

    def wait(self, longest: float) -> float:
        """Seconds, `longest` at most, until a frame comes into sight that was put here before: no bell rings for it."""
        wait = self._timeline.wait()
        return longest if wait is None else min(wait, longest)

    def frame(self, index: int | None) -> Frame | None:
        """Give the frame of a number, if it is still kept, or else the newest."""
        _, frames = self._timeline.look()
        newest = frames[-1] if frames else None
        return next((frame for frame in frames if frame.index == index), newest)

    def upto(self, index: int) -> tuple[Frame, ...]:
        """Give the kept frames up to the one of a number, with none left out; nothing where that one is gone."""
        _, frames = self._timeline.look()
        number = next((at for at in reversed(range(len(frames))) if frames[at].index == index), None)
        if number is None:
            return ()
        first = number
        while first and frames[first - 1].index == frames[first].index - 1:
            first -= 1
        return frames[first : number + 1]

    @property
    def made(self) -> Frame | None:
        """The newest frame there is, though it may not have come into sight."""
        return self._timeline.newest


def encode_jpeg(picture: np.ndarray, quality: int = QUALITY) -> bytes:
    """A uint8 (H, W, 3) picture as JPEG."""
    if simplejpeg is not None:
        return simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=quality, fastdct=True)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def pack(frame: Frame, sequence: int, data: bytes | None = None, magic: bytes = MAGIC) -> bytes:
    """A frame as the page reads it: 32 bytes of header, then its picture; JPEG if no data is given.

    Little-endian: what the picture is (`MAGIC`, `H264_KEY`), sequence on this link, frame index, control revision
    (uint32 each), tick in ms, age when packed in ms (float32 each), the time it was made in ms since 1970 (float64).
    """
    age = max(0.0, (time.time_ns() - frame.made_ns) / 1e6)
    made = frame.made_ns / 1e6
    header = HEADER.pack(magic, sequence, frame.index, frame.revision, frame.tick_ms, age, made)
    return header + (encode_jpeg(frame.picture) if data is None else data)


def unpack(data: bytes) -> tuple[int, int, int, float, float, float, bytes]:
    """(sequence, index, revision, tick_ms, age_ms, made_ms, jpeg): what `pack` wrote."""
    magic, *fields = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise ValueError(f"a frame begins with {MAGIC!r}, got {magic!r}; is the page older than the server? Reload it")
    return (*fields, data[HEADER.size :])
