"""The drift meter: what it sees of a picture, where its anchor is, and what it costs."""

import time

import numpy as np
import pytest

from studio.frames import Frame
from studio.session.drift import EVERY, LAST, Drift, DriftMeter, look_of

CHANCE = np.random.default_rng(1)
PICTURE = CHANCE.integers(60, 180, (256, 256, 3)).astype(np.uint8)


def blurred(picture):
    return ((picture.astype(int) + np.roll(picture, 1, 1) + np.roll(picture, -1, 1)) // 3).astype(np.uint8)


def contrasted(picture, by):
    return np.clip((picture.astype(float) - 120) * by + 120, 0, 255).astype(np.uint8)


def greyed(picture):
    return np.repeat(picture.mean(2, keepdims=True), 3, 2).astype(np.uint8)


class Shown:
    """A meter that is shown a picture for a while."""

    def __init__(self):
        self.scene, self.frame = "meadow", 0
        self.meter = DriftMeter(lambda: self.scene)

    def show(self, picture, frames=EVERY * (LAST + 4)):
        for _ in range(frames):
            self.meter.put(Frame(self.frame, picture))
            self.frame += 1
        return self.meter.drift


def test_nothing_is_told_before_there_is_an_anchor_and_no_drift_where_nothing_changes():
    shown = Shown()
    assert shown.show(PICTURE, EVERY * LAST) is None
    assert shown.show(PICTURE, EVERY) == Drift(1, 1, 1)


@pytest.mark.parametrize(
    ("changed", "measure", "low", "high"),
    [
        (blurred(PICTURE), "sharpness", 0.0, 0.7),
        (contrasted(PICTURE, 1.4), "contrast", 1.3, 1.5),
        (contrasted(PICTURE, 0.5), "contrast", 0.45, 0.55),
        (greyed(PICTURE), "colour", 0.0, 0.1),
    ],
)
def test_it_tells_blur_contrast_and_colour(changed, measure, low, high):
    shown = Shown()
    shown.show(PICTURE)
    assert low <= getattr(shown.show(changed), measure) <= high


def test_a_new_scene_and_another_moment_begin_a_new_anchor():
    shown = Shown()
    shown.show(PICTURE)
    shown.scene = "winter"
    assert shown.show(blurred(PICTURE)) == Drift(1, 1, 1)
    shown.frame = 3
    assert shown.show(PICTURE) == Drift(1, 1, 1)


def test_a_wide_picture_is_looked_at_in_few_rows_and_alike():
    """Twice as many rows of the same kind look the same, and cost no more."""
    tall = np.concatenate([PICTURE, PICTURE])
    one, other = look_of(PICTURE), look_of(tall)
    assert one.contrast == pytest.approx(other.contrast, rel=0.02)
    assert one.sharpness == pytest.approx(other.sharpness, rel=0.02)


def test_it_costs_less_than_a_hundredth_of_a_frame_at_thirty_a_second():
    def best(picture):
        times = []
        for _ in range(20):
            began = time.thread_time()
            look_of(picture)
            times.append(time.thread_time() - began)
        return min(times)

    assert best(PICTURE) / EVERY < 0.01 / 30
    assert best(CHANCE.integers(0, 255, (480, 832, 3)).astype(np.uint8)) / EVERY < 0.01 / 30
