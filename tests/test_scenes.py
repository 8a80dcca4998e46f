"""The drawn world's scenes: deterministic, looping, and distinguishable."""

from itertools import combinations

import numpy as np
import pytest

from studio.world import scenes
from studio.world.lights import WEATHERLESS


def small(picture):
    """A 16 x 16 thumbnail as floats, what a small classifier would see at a glance."""
    return picture.reshape(16, 16, 16, 16, 3).mean((1, 3))


def lights(place):
    return [(time, weather) for time in scenes.times_of(place) for weather in scenes.weathers_of(place)]


def test_there_are_thirty_places_and_the_tables_agree():
    assert len(scenes.PLACES) == len(set(scenes.PLACES)) == 30
    assert len(scenes.FIRST_PLACES) == 14
    assert scenes.FIRST_PLACES[::13] == ("meadow", "room")  # the order is part of trained weights
    assert scenes.times_of("space") == ("night",)
    assert all(scenes.weathers_of(place) == ("clear",) for place in WEATHERLESS)
    assert lights("lake") == [(time, weather) for time in scenes.TIMES for weather in scenes.WEATHERS]


def test_painting_is_deterministic_and_knows_no_global_generator():
    np.random.seed(1)
    first = scenes.paint("village", 2, "sunset", "rain", 5)
    np.random.seed(2)
    assert np.array_equal(first, scenes.paint("village", 2, "sunset", "rain", 5))
    assert first.shape == (256, 256, 3)
    assert first.dtype == np.uint8


def test_all_phases_are_the_single_frames():
    loop = scenes.paint_all_phases("ocean", 1, "night", "snow")
    assert loop.shape == (scenes.PHASES, 256, 256, 3)
    for phase in (0, 3, 7):
        assert np.array_equal(loop[phase], scenes.paint("ocean", 1, "night", "snow", phase))


def test_the_loop_closes():
    assert np.array_equal(scenes.paint("lake", 0, "day", "rain", 8), scenes.paint("lake", 0, "day", "rain", 0))
    loop = scenes.paint_all_phases("lake", 0, "day", "rain").astype(int)
    steps = [np.abs(loop[(i + 1) % 8] - loop[i]).mean() for i in range(8)]
    assert steps[-1] < 1.5 * max(steps[:-1])  # the step back to the start is no jump


@pytest.mark.parametrize("place", scenes.PLACES)
def test_every_view_of_a_place_moves_gently(place):
    for view in range(scenes.VIEWS):
        loop = scenes.paint_all_phases(place, view, "night", "clear").astype(int)
        change = np.abs(np.diff(loop, axis=0)).mean((1, 2, 3))
        assert (change > 0).all()
        assert change.max() < 6


def test_only_rain_and_snow_fall_through_a_daytime_sky():
    for weather in scenes.WEATHERS:
        skies = scenes.paint_all_phases("desert", 0, "day", weather)[:, :90].astype(int)
        moves = np.abs(np.diff(skies, axis=0)).max() > 40
        assert moves == (weather in ("rain", "snow")), weather


@pytest.mark.parametrize("place", scenes.PLACES)
def test_views_and_lights_of_a_place_differ(place):
    time, weather = lights(place)[0]
    views = [small(scenes.paint(place, view, time, weather, 0)) for view in range(scenes.VIEWS)]
    assert all(np.abs(a - b).mean() > 3 for a, b in combinations(views, 2))
    lit = {light: small(scenes.paint(place, 0, *light, 0)) for light in lights(place)}
    for a, b in combinations(lit, 2):
        assert np.abs(lit[a] - lit[b]).mean() > 3, (a, b)


@pytest.mark.parametrize(
    ("time", "weather"), [("day", "clear"), ("night", "fog"), ("sunset", "rain"), ("dawn", "snow")]
)
def test_places_differ_under_the_same_light(time, weather):
    outside = [place for place in scenes.PLACES if (time, weather) in lights(place)]
    pictures = {place: small(scenes.paint(place, 0, time, weather, 0)) for place in outside}
    for a, b in combinations(outside, 2):
        assert np.abs(pictures[a] - pictures[b]).mean() > 2, (a, b)


def test_layout_stays_when_the_light_changes():
    # edges of the village's houses, well below the sky, correlate between day and an overcast day
    day, cloudy = (scenes.paint("city", 0, "day", w, 0)[100:190].mean(2) for w in ("clear", "cloudy"))
    edges = [np.abs(np.diff(picture, axis=1)).ravel() for picture in (day, cloudy)]
    assert np.corrcoef(*edges)[0, 1] > 0.9


@pytest.mark.parametrize(
    "scene",
    [
        ("moor", 0, "day", "clear"),
        ("lake", 4, "day", "clear"),
        ("space", 0, "day", "clear"),
        ("room", 0, "day", "rain"),
    ],
)
def test_what_cannot_be_painted_is_said_with_what_can(scene):
    place, view, time, weather = scene
    with pytest.raises(ValueError, match="choose one of"):
        scenes.paint(place, view, time, weather, 0)
