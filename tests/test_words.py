"""The language of the drawn world: sizes of its tables, the split, prompts, subjects."""

from collections import Counter

import numpy as np
import pytest

from studio.world import scenes, words

TABLES = ("scenes", "times", "weathers", "time_adjectives", "weather_adjectives", "templates")


def test_every_place_time_and_weather_of_the_scenes_has_words():
    assert set(words.SCENE_WORDS) == set(scenes.PLACES)
    assert set(words.TIME_WORDS) == set(words.TIME_ADJECTIVES) == set(scenes.TIMES)
    assert set(words.WEATHER_WORDS) == set(words.WEATHER_ADJECTIVES) == set(scenes.WEATHERS)


def test_tables_are_large_enough():
    assert all(len(wordings) >= 36 for wordings in words.SCENE_WORDS.values())
    assert all(len(wordings) >= 14 for wordings in words.TIME_WORDS.values())
    assert all(len(wordings) >= 14 for wordings in words.WEATHER_WORDS.values())
    assert sum(len(templates) for templates in words.TEMPLATES.values()) >= 14


def test_no_wording_names_two_places():
    counts = Counter(wording for wordings in words.SCENE_WORDS.values() for wording in wordings)
    assert [wording for wording, count in counts.items() if count > 1] == []


def test_places_say_nothing_of_snow_rain_or_fog():
    weathers = ("snow", "rain", "fog", "mist", "cloud")
    said = [w for wordings in words.SCENE_WORDS.values() for w in wordings if any(x in w.split() for x in weathers)]
    assert said == []


def test_training_and_held_out_wordings_are_disjoint():
    for table in TABLES:
        for key, wordings in getattr(words.TRAIN, table).items():
            assert wordings, (table, key)
            assert not set(wordings) & set(getattr(words.HELD_OUT, table)[key]), (table, key)


def test_held_out_tables_have_something_to_ask_with():
    for table in ("scenes", "times", "weathers", "templates"):
        assert all(len(wordings) >= 2 for wordings in getattr(words.HELD_OUT, table).values())
    assert "" in words.TRAIN.weathers["clear"]


@pytest.mark.parametrize("held_out", [False, True])
def test_a_prompt_names_its_scene_in_words_of_its_own_side(held_out):
    rng = np.random.default_rng(0)
    side = words.HELD_OUT if held_out else words.TRAIN
    for place in scenes.PLACES:
        for time in scenes.times_of(place):
            for weather in scenes.weathers_of(place):
                text = words.compose(place, time, weather, rng, held_out)
                nouns = [w.removeprefix("a ").removeprefix("an ").removeprefix("the ") for w in side.scenes[place]]
                assert any(noun in text for noun in nouns), text
                if weather != "clear":
                    said = (*side.weathers[weather], *side.weather_adjectives[weather])
                    assert any(word in text for word in said), text
                assert "{" not in text
                assert " ".join(text.split()) == text
                assert 1 <= len(text) <= 200


def test_prompts_are_a_function_of_the_generator():
    first, second = (words.compose("lake", "dawn", "fog", np.random.default_rng(3)) for _ in range(2))
    assert first == second


def test_snowy_mountains_means_mountains_in_snow():
    assert "snowy" in words.TRAIN.weather_adjectives["snow"]
    assert words.described("snowy", "mountains") == "snowy mountains"
    assert words.described("overcast", "a lake") == "an overcast lake"
    assert words.described("snowy", "an alpine valley") == "a snowy alpine valley"
    assert words.described("snowy", "the high peaks") == "the snowy high peaks"
    rng = np.random.default_rng(1)
    prompts = [words.compose("mountains", "night", "snow", rng) for _ in range(400)]
    assert any(prompt.startswith("snowy") or " snowy " in prompt for prompt in prompts)


def test_there_are_128_subjects_with_words_on_both_sides():
    assert len(words.SUBJECTS) == 128
    for label, subject in words.SUBJECTS.items():
        assert label in subject.words
        assert 3 <= len(subject.words) <= 8, label
        assert 1 <= len(subject.held_out) <= 3, label
    assert words.SUBJECTS["fox"].code == "1f98a"


def test_no_word_names_two_subjects_or_stands_on_both_sides():
    counts = Counter(word for subject in words.SUBJECTS.values() for word in subject.words + subject.held_out)
    assert [word for word, count in counts.items() if count > 1] == []
    assert len({subject.code for subject in words.SUBJECTS.values()}) == 128
