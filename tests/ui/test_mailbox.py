"""Frames on their way to a page: packing, the mailbox, how many are sent ahead."""

import time
from dataclasses import replace

import numpy as np
import pytest

from studio.outputs.png import encode_png
from studio.ui.mailbox import HEADER, Mailbox, encode_jpeg, pack, unpack
from studio.ui.window import NARROWEST, PATIENCE, WIDEST, Window
from ui.client import frame


def test_a_packed_frame_reads_back_as_it_was():
    sequence, index, revision, tick, age, made, jpeg = unpack(pack(frame(), 12))
    assert (sequence, index, revision, tick) == (12, 7, 3, 41.5)
    assert 0 <= age < 5000
    assert made == pytest.approx(time.time() * 1e3, abs=5000)
    assert jpeg[:2] == b"\xff\xd8"


def test_the_header_is_32_bytes_as_the_page_expects():
    assert HEADER.size == 32


def test_what_is_no_frame_is_named():
    with pytest.raises(ValueError, match="STF1"):
        unpack(b"x" * 40)


def test_jpeg_by_either_library_shows_the_picture(monkeypatch):
    import io

    from PIL import Image

    across, down = np.meshgrid(np.arange(64), np.arange(64))
    smooth = np.stack([across, down, np.full((64, 64), 90)], -1).astype(np.uint8) * 2
    for library in ("simplejpeg", "pillow"):
        if library == "pillow":
            monkeypatch.setattr("studio.ui.mailbox.simplejpeg", None)
        shown = np.asarray(Image.open(io.BytesIO(encode_jpeg(smooth))), dtype=int)
        assert abs(shown - smooth).mean() < 3


def test_png_keeps_every_pixel():
    import io

    from PIL import Image

    picture = frame().picture
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(picture)))), picture)


def test_a_mailbox_keeps_the_newest_and_finds_what_was_seen():
    mailbox = Mailbox()
    assert mailbox.newest is None
    assert mailbox.frame(3) is None
    frames = [frame(index) for index in range(40)]
    for made in frames:
        mailbox.put(made)
    assert mailbox.count == 40
    assert mailbox.newest is frames[39]
    assert mailbox.frame(35) is frames[35]
    assert mailbox.frame(41) is frames[39]


def test_a_mailbox_says_how_long_to_wait_for_a_frame_made_ahead():
    mailbox = Mailbox()
    assert mailbox.wait(0.25) == 0.25
    mailbox.put(replace(frame(1), due=time.monotonic() + 3600))
    assert (mailbox.count, mailbox.wait(0.25)) == (0, 0.25)
    assert 3500 < mailbox.wait(9000) <= 3600


# Window


def played(window: Window, round_trip, seconds: float, fps: float = 30.0) -> None:
    """Frames at a rate, acknowledged after `round_trip(frames on their way)` seconds."""
    now, sequence, waiting = 0.0, 0, []
    while now < seconds:
        now += 1 / fps / 4
        for due, number in [entry for entry in waiting if entry[0] <= now]:
            window.acknowledged(number, due)
            waiting.remove((due, number))
        if window.open(now) and sequence < now * fps:
            sequence += 1
            window.sent(sequence, now)
            waiting.append((now + round_trip(len(waiting)), sequence))


def test_the_window_fills_a_long_clear_line():
    window = Window()
    window.pinged(0.1)
    played(window, lambda waiting: 0.1, 10)
    assert 3 <= window.size <= WIDEST


def test_the_window_stays_narrow_where_frames_queue():
    window = Window()
    window.pinged(0.01)
    window.size = WIDEST
    played(window, lambda waiting: 0.01 + 0.1 * (waiting + 1), 20)
    assert window.size == NARROWEST


def test_a_full_window_lets_nothing_out_until_an_acknowledgement_or_patience_ends():
    window = Window()
    for sequence in range(NARROWEST):
        assert window.open(0.0)
        window.sent(sequence, 0.0)
    assert not window.open(0.1)
    window.acknowledged(0, 0.2)
    assert window.open(0.2)
    window.sent(9, 0.2)
    assert not window.open(0.3)
    assert window.open(0.3 + PATIENCE)


def test_an_acknowledgement_of_nothing_changes_nothing():
    window = Window()
    window.acknowledged(99, 1.0)
    assert window.typical == 0.0
