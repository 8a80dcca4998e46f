"""Motion out of a video: a subject that goes a known way gives that way back; what is no such video says so."""

import io
from fractions import Fraction

import numpy as np
import pytest

from studio.controls import ControlState, strokes
from studio.motion import FilmError, find_motion
from studio.motion.paths import Course, reduced, smoothed, stitched
from studio.trajectory import placements

av = pytest.importorskip("av")
cv2 = pytest.importorskip("cv2")
SIZE = (144, 256)
RNG = np.random.default_rng(5)


def texture(height, width, low, high):
    rough = RNG.integers(low, high, (height // 4, width // 4, 3), dtype=np.uint8)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)


GROUND = texture(288, 512, 40, 150)
SPRITES = [texture(40, 40, 150, 255), texture(32, 48, 20, 230)]


def drawn(ways, frames, pan=0.0, hides=()):
    """Pictures of sprites whose middles go along ways (t -> (x, y) in pixels), on a ground that pans."""
    for t in range(frames):
        shift = np.float32([[1, 0, -60 - pan * t], [0, 1, -60]])
        picture = cv2.warpAffine(GROUND, shift, SIZE[::-1], flags=cv2.INTER_LINEAR)
        for number, way in enumerate(ways):
            if (number, t) in hides:
                continue
            sprite = SPRITES[number]
            height, width = sprite.shape[:2]
            x, y = way(t)
            place = np.float32([[1, 0, x - (width - 1) / 2], [0, 1, y - (height - 1) / 2]])
            mask = cv2.warpAffine(np.ones((height, width), np.float32), place, SIZE[::-1])[..., None]
            moved = cv2.warpAffine(sprite.astype(np.float32), place, SIZE[::-1])
            picture = np.where(mask > 0, moved + (1 - mask) * picture, picture).clip(0, 255).astype(np.uint8)
        yield picture


def film(pictures, rate=24, codec="libx264", format="mp4"):
    out = io.BytesIO()
    with av.open(out, "w", format=format) as container:
        stream = None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream(codec, rate=Fraction(rate))
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.options = "yuv420p", {"crf": "18", "preset": "ultrafast"}
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def circle(t):
    return 128 + 60 * np.cos(t / 12), 72 + 34 * np.sin(t / 12)


def across(t):
    return 30 + 4 * t, 100 - 0.8 * t


def errors(thing, way, frames, rate=24):
    """How far the stroke made of a thing is from the way it was drawn along, in pixels, at each picture it was seen."""
    stroke, off = thing.stroke("a", "fox"), []
    state = ControlState().after(stroke, 0)
    for t in range(frames):
        if thing.first <= t / rate <= thing.last and t * 24 / rate < stroke.points[-1][0]:
            (place,) = placements(strokes(state), t * 24 / rate)
            x, y = way(t)
            off.append(np.hypot(place.x * SIZE[1] - (x + 0.5), place.y * SIZE[0] - (y + 0.5)))
    return np.array(off)


@pytest.mark.parametrize("pan", [0.0, 1.5])
def test_a_subject_on_a_known_path_gives_the_path_back(pan):
    motion = find_motion(film(drawn([circle], 48, pan)), SIZE)
    (thing,) = motion.things
    off = errors(thing, circle, 48)
    assert len(off) > 40
    assert off.mean() < 3
    assert off.max() < 6
    assert thing.size == pytest.approx(40 / 256, rel=0.3)
    assert len(thing.points) < 48
    assert (pan > 0) == ("its camera moves, which is in no path" in motion.remarks)


def test_two_subjects_are_two_paths_as_long_as_the_video():
    motion = find_motion(film(drawn([circle, across], 44)), SIZE)
    assert len(motion.things) == 2
    for way in (circle, across):
        assert min(errors(thing, way, 44).mean() for thing in motion.things) < 4
    assert {thing.points[-1][0] for thing in motion.things} == {43.0}


def test_a_film_of_another_rate_keeps_its_time():
    half = list(drawn([circle], 48))[::2]
    (thing,) = find_motion(film(half, 12), SIZE).things
    assert errors(thing, lambda t: circle(2 * t), 24, 12).mean() < 3


def test_a_subject_hidden_for_a_moment_is_one():
    hidden = {(0, t) for t in range(20, 24)}
    things = find_motion(film(drawn([across], 44, hides=hidden)), SIZE).things
    assert len(things) == 1
    assert errors(things[0], across, 44).max() < 10


BAD = {
    "no video": (lambda: b"<html>no</html>" * 99, "it is no video that can be read"),
    "empty": (lambda: b"", "it is no video"),
    "black": (lambda: film([np.zeros((*SIZE, 3), np.uint8)] * 12), "all its pictures are black"),
    "still": (lambda: film(drawn([], 12)), "nothing in it moves by itself"),
    "camera alone": (lambda: film(drawn([], 24, 3.0)), "nothing in it moves by itself .*; its camera moves"),
    "short": (lambda: film(drawn([circle], 4)), "it has 4 pictures, 8 are needed"),
    "too large": (lambda: film([np.zeros((2400, 4400, 3), np.uint8)] * 2), "4400x2400, at most 9.4 million pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_has_no_motion_says_why(name):
    make, words = BAD[name]
    with pytest.raises(FilmError, match=words):
        find_motion(make(), SIZE)


def test_a_film_that_is_cut_off_is_read_as_far_as_it_goes():
    whole = film(drawn([circle], 36), format="mpegts")
    motion = find_motion(whole[: len(whole) * 3 // 4], SIZE)
    assert 0.8 < motion.seconds < 1.5
    assert errors(motion.things[0], circle, 36).mean() < 3


def test_a_cut_ends_the_paths():
    first, second = list(drawn([circle], 20)), [255 - one for one in drawn([across], 20)]
    motion = find_motion(film([*first, *second]), SIZE)
    assert any("1 cut" in one for one in motion.remarks)
    assert len(motion.things) == 2


def test_even_motion_is_left_as_it_is_by_smoothing_and_needs_two_points():
    even = np.stack([np.arange(20.0), 3 * np.arange(20.0)], 1)
    assert np.allclose(smoothed(even), even)
    times, _, _ = reduced(np.arange(20.0), even / 100)
    assert list(times) == [0, 19]


def test_ways_are_joined_where_one_goes_on_and_not_elsewhere():
    def way(first, x):
        frames = np.arange(first, first + 10)
        middle = np.stack([x + 2.0 * np.arange(10), np.full(10, 50.0)], 1)
        return Course(frames, middle, np.full((10, 2), 20.0))

    assert len(stitched([way(0, 0), way(14, 28)])) == 1
    assert len(stitched([way(0, 0), way(14, 80)])) == 2
    assert len(stitched([way(0, 0), way(5, 10)])) == 2
