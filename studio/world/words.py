"""The language of the drawn world: how people name its places, times, weathers and subjects.

The tables are data (`words.json`). In every table every sixth wording is held out of training (`TRAIN`, `HELD_OUT`),
so that evaluation can ask with words the model never saw. `compose` makes a prompt of a place, a time and a weather;
what is left out means day and clear. A weather word before the place counts as weather: "snowy mountains at night"
means mountains, night, snow.

Subject names build on unicode-emoji-json, emojilib and emojibase-data (MIT), with wordings added by hand.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.world.lights import ALWAYS_NIGHT, WEATHERLESS

EVERY = 6  # every sixth wording is held out
Table = dict[str, tuple[str, ...]]


def listed(text: str) -> tuple[str, ...]:
    """Give wordings written as one text, separated by semicolons."""
    return tuple(" ".join(wording.split()) for wording in text.split(";"))


_DATA = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))


def _table(name: str) -> Table:
    """Reads a table of `words.json`: wordings by what they mean."""
    return {key: tuple(wordings) for key, wordings in _DATA[name].items()}


SCENE_WORDS = _table("scene_words")  # places: no time and no weather in them
TIME_WORDS = _table("time_words")
TIME_ADJECTIVES = _table("time_adjectives")
WEATHER_WORDS = _table("weather_words")
WEATHER_ADJECTIVES = _table("weather_adjectives")
TEMPLATES = _table("templates")  # by what the prompt says besides the place
# What people say of a place without meaning a time or a weather.
MOODS = tuple(_DATA["moods"])


# --- the split --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """One side of the split: the same tables, only that side's wordings."""

    scenes: Table
    times: Table
    weathers: Table
    time_adjectives: Table
    weather_adjectives: Table
    templates: Table


def _side(table: Table, held_out: bool) -> Table:
    """Every sixth wording when held out, the others for training."""
    return {
        key: tuple(word for i, word in enumerate(wordings) if (i % EVERY == EVERY - 1) == held_out)
        for key, wordings in table.items()
    }


def _words(held_out: bool) -> Words:
    tables = (SCENE_WORDS, TIME_WORDS, WEATHER_WORDS, TIME_ADJECTIVES, WEATHER_ADJECTIVES, TEMPLATES)
    return Words(*(_side(table, held_out) for table in tables))


TRAIN, HELD_OUT = _words(False), _words(True)


# --- prompts ----------------------------------------------------------------------------------------------------------

_ARTICLES = ("a ", "an ", "the ")
_SITUATED = (
    "under",
    "beneath",
    "below",
    "in ",
    "on ",
    "at ",
    "by ",
    "among",
    "out ",
    "far ",
    "deep under",
    "down ",
    "somewhere",
    "inside",
    "indoors",
    "downtown",
    "diving",
    "orbit",
    "palm trees by",
    "waves o",
    "another",
    "zero",
)


def described(adjective: str, place: str) -> str:
    """An adjective put before a place's noun: ("snowy", "a rocky valley") -> "a snowy rocky valley"."""
    article = next((a for a in _ARTICLES if place.startswith(a)), "")
    if article in ("a ", "an "):
        start = "an " if adjective[0] in "aeiou" else "a "
        return f"{start}{adjective} {place[len(article) :]}"
    return f"{article}{adjective} {place[len(article) :]}"


def compose(place: str, time: str, weather: str, rng: np.random.Generator, held_out: bool = False) -> str:
    """A prompt for a scene, drawn with `rng`; with `held_out` every table gives only wordings kept from training.

    Day is left unsaid half of the time, clear mostly; every other time and weather is always said.
    """
    words = HELD_OUT if held_out else TRAIN

    def pick(choices: tuple[str, ...]) -> str:
        return choices[int(rng.integers(len(choices)))]

    text = pick(words.scenes[place])
    say_time = rng.random() < (0.2 if place in ALWAYS_NIGHT else 0.5 if time == "day" else 1.0)
    say_weather = place not in WEATHERLESS and rng.random() < (0.3 if weather == "clear" else 1.0)
    takes_adjective = not text.startswith(_SITUATED)
    if takes_adjective and rng.random() < 0.2:
        text = described(pick(MOODS), text)
    # a table too short to hold a wording out is empty on that side
    weather_adjectives, time_adjectives = words.weather_adjectives[weather], words.time_adjectives[time]
    if say_weather and takes_adjective and weather_adjectives and rng.random() < 0.35:
        text, say_weather = described(pick(weather_adjectives), text), False
    elif say_time and takes_adjective and time_adjectives and rng.random() < 0.2:
        text, say_time = described(pick(time_adjectives), text), False
    said_weather = pick(words.weathers[weather]) if say_weather else ""
    said_time = pick(words.times[time]) if say_time else ""
    kind = "place" + " time" * bool(said_time) + " weather" * bool(said_weather)
    return pick(words.templates[kind]).format(place=text, time=said_time, weather=said_weather)


# --- subjects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """Something to put on the stage: a Fluent 3D emoji (`code`.webp) and what people call it."""

    emoji: str
    code: str
    words: tuple[str, ...]
    held_out: tuple[str, ...]


def subject(label: str, emoji: str, words: str, held_out: str) -> Subject:
    """A subject whose wordings are each one text, separated by semicolons; empty ones are left out."""
    code = "-".join(f"{ord(sign):x}" for sign in emoji)
    named, kept = (tuple(wording for wording in listed(text) if wording) for text in (words, held_out))
    return Subject(emoji, code, (label, *named), kept)


SUBJECTS: dict[str, Subject] = {row["label"]: subject(**row) for row in _DATA["subjects"]}
