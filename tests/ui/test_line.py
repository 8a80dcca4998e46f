"""What a slow line is sent: H.264 where JPEG is too much for it, the newest frame whoever reads, never a queue."""

import asyncio
from itertools import pairwise

import av
import numpy as np
import pytest

from studio.frames import Frame
from studio.outputs.h264 import H264Stream
from studio.ui.frame_sender import FrameSender, Sending
from studio.ui.line import LineChoice, LineMeter, Taken, bounds
from studio.ui.mailbox import H264_KEY, H264_NEXT, HEADER, MAGIC, Mailbox
from studio.ui.window import NARROWEST, Window
from ui.client import Clock

PIXELS, JPEG_BITS = 256 * 256, 8 * 13_000
LEAST, MOST = bounds(PIXELS)
FPS = 24


def picture(number: int, side: int = 64) -> np.ndarray:
    """Noise of large grains that goes to the left, as much for a codec as a painted picture."""
    grains = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    return np.roll(grains.repeat(8, 0).repeat(8, 1), -number, 1)


def decoded(chunks: list[bytes]) -> list[np.ndarray]:
    codec = av.CodecContext.create("h264", "r")
    frames = [frame for chunk in chunks for frame in codec.decode(av.Packet(chunk))]
    return [frame.reformat(format="rgb24", src_colorspace=1).to_ndarray() for frame in frames]


def test_each_chunk_of_a_stream_is_shown_at_once_and_looks_like_its_picture():
    stream = H264Stream(64, 64, 2_000_000)
    chunks = [stream.encode(picture(number)) for number in range(6)]
    seen = decoded(chunks)
    assert len(seen) == 6
    for number, got in enumerate(seen):
        away = np.abs(got.astype(int) - picture(number)).mean()
        assert away < 14, f"picture {number} is {away:.1f} levels off"  # colour has half the resolution
    flat = H264Stream(64, 64, 2_000_000).encode(np.full((64, 64, 3), (200, 40, 30), np.uint8))
    assert np.abs(decoded([flat])[0][32, 32].astype(int) - (200, 40, 30)).max() <= 4


def test_a_stream_keeps_to_its_rate_and_a_new_one_begins_with_a_key_picture():
    stream = H264Stream(256, 256, 400_000)
    sizes = [len(stream.encode(picture(number, 256))) for number in range(2 * FPS)]
    assert 8 * sum(sizes) / 2 < 1.2 * 400_000
    with pytest.raises(av.error.InvalidDataError):
        decoded([stream.encode(picture(0, 256))])  # it needs those before it
    assert len(decoded([H264Stream(256, 256, 400_000).encode(picture(0, 256))])) == 1


def test_a_picture_of_odd_size_stays_jpeg():
    with pytest.raises(ValueError, match="both must be even"):
        H264Stream(63, 64, 400_000)


# What is chosen


def played(choice: LineChoice, bits: float, seconds: int, made: float = FPS, start: int = 0) -> list[tuple[int, float]]:
    """(rate, frames a second) of each second on a line that takes so many bits a second."""
    got = []
    for now in range(start, start + seconds):
        size = choice.rate / FPS if choice.rate else JPEG_BITS
        shown = min(made, bits / size)
        choice.decide(float(now), Taken(shown, made, 0.01 if shown == made else 0.3, shown * size), PIXELS)
        got.append((choice.rate, shown))
    return got


def test_a_fast_line_has_jpeg_for_ever():
    assert {rate for rate, _ in played(LineChoice(), 50e6, 600)} == {0}


@pytest.mark.parametrize("bits", [0.4e6, 1e6, 1.7e6])
def test_a_slow_line_has_all_frames_by_h264_within_seconds(bits):
    got = played(LineChoice(), bits, 300)
    assert got[1][1] < 0.85 * FPS
    first = next(second for second, (rate, _) in enumerate(got) if rate)
    assert first <= 3
    late = [shown for _, shown in got[10:]]
    assert np.mean(late) > 0.95 * FPS
    assert min(rate for rate, _ in got[10:] if rate) >= LEAST


def test_quality_grows_where_the_line_has_room_and_jpeg_is_back_where_it_fits():
    choice = LineChoice()
    played(choice, 1e6, 20)
    slow = choice.rate
    assert 0.3e6 < slow < 1e6
    got = played(choice, 50e6, 200, start=20)
    assert got[-1][0] == 0
    rates = [rate for rate, _ in got if rate]
    assert all(one <= other for one, other in pairwise(rates))
    assert max(rates) == MOST


def test_jpeg_is_tried_again_ever_more_seldom_where_it_is_too_much():
    rates = [rate for rate, _ in played(LineChoice(), 1.5e6, 3600)]
    tries = sum(not now and bool(before) for before, now in pairwise(rates))
    assert 1 <= tries <= 6
    assert sum(rate == 0 for rate in rates) < 40


def test_a_reader_that_is_slow_itself_goes_back_to_jpeg():
    choice = LineChoice()
    for now in range(60):
        choice.decide(float(now), Taken(1.0, FPS, 0.9, 1e5), PIXELS)
    assert choice.rate == 0


def test_a_paused_stream_changes_nothing():
    choice = LineChoice()
    for now in range(60):
        choice.decide(float(now), Taken(0.0, 0.0, 0.9, 0.0), PIXELS)
    assert choice.rate == 0


# What is sent


class Line:
    """A reader behind a line, on time that passes when it is told to: a queue of frames, so many bits a second."""

    def __init__(self, bits: float, fps: float = FPS, side: int = 64, decodes: bool = True) -> None:
        self.bits, self.fps, self.side, self.decodes = bits, fps, side, decodes
        self.got: list[tuple[float, float, bytes]] = []  # (when, how old the frame was in seconds, what it was)
        self.most_waiting = 0

    def run(self, seconds: float, each: float = 0.0) -> None:
        """Have frames made and sent; each: seconds that the reader takes for one."""
        asyncio.run(self._run(seconds, each))

    async def _run(self, seconds: float, each: float) -> None:
        clock, mailbox = Clock(), Mailbox()
        sender = FrameSender(mailbox, None, clock, Sending())
        sender._bell = self
        sender.video.begin(self.decodes)
        sender.window.pinged(0.02)
        made: dict[int, float] = {}
        waiting: list[tuple[int, bytes]] = []
        start, free, due = clock.now, clock.now, clock.now
        while clock.now < start + seconds:
            clock.now += 0.01
            if clock.now >= due:
                due += 1 / self.fps
                made[len(made)] = clock.now
                mailbox.put(Frame(len(made) - 1, picture(len(made), self.side), made_ns=1))
            while waiting and clock.now >= free:
                data = waiting.pop(0)[1]
                magic, sequence, index, *_ = HEADER.unpack_from(data)
                self.got.append((clock.now, clock.now - made[index], magic))
                free = clock.now + max(each, 8 * len(waiting[0][1]) / self.bits if waiting else 0.0)
                sender.acknowledge(sequence)
            if sender.ready and (data := await sender.next()):
                if not waiting:
                    free = max(free, clock.now + 8 * len(data) / self.bits)
                waiting.append((0, data))
                self.most_waiting = max(self.most_waiting, len(waiting))

    def ring(self) -> None:
        """Nobody sleeps here."""


def test_h264_brings_the_frames_that_jpeg_does_not_and_begins_with_a_key():
    slow = Line(150e3)  # of pictures of 64x64
    slow.run(7)
    plain = Line(150e3, decodes=False)
    plain.run(7)
    forms = [magic for *_, magic in slow.got]
    assert {magic for *_, magic in plain.got} == {MAGIC}
    begun = forms.index(H264_KEY)
    assert all(form in (H264_KEY, H264_NEXT) for form in forms[begun:])

    def last(line):
        return sum(when > 104 for when, *_ in line.got)

    assert last(slow) > 1.3 * last(plain)


def test_who_reads_a_frame_a_second_gets_a_new_one_each_time_and_nothing_waits():
    line = Line(1e9)
    line.run(30, each=1.0)
    assert 25 <= len(line.got) <= 31
    ages = [age for when, age, _ in line.got if when > 105]
    assert max(ages) < 1.5
    assert line.most_waiting <= NARROWEST
    assert line.got[-1][2] == MAGIC  # fewer bytes are no help to it


def test_who_reads_slower_than_patience_makes_nothing_grow():
    line = Line(1e9)
    line.run(60, each=4.0)
    ages = [age for when, age, _ in line.got if when > 130]
    assert max(ages) < 4.5
    assert line.most_waiting <= 4


def test_a_window_of_one_grows_again_with_its_reader():
    window, now = Window(), 0.0
    window.pinged(0.01)
    for sequence, trip in enumerate([1.0] * 4 + [0.03] * 60):
        assert window.open(now)
        window.sent(sequence, now)
        now += trip
        window.acknowledged(sequence, now)
        if sequence == 3:
            assert window.size == 1
    assert window.size >= NARROWEST


def test_frames_that_came_at_one_moment_say_nothing_of_a_line():
    clock = Clock()
    meter = LineMeter(clock)
    meter.sent(1, 1000, 5)
    meter.sent(2, 1000, 6)
    clock.now += 3600  # a clock that stands, and then is far on
    assert meter.measure(0.0, 30.0) is None
