"""An hour of two people, as fast as it goes: what is kept of it does not grow. Minutes long: `pytest -m long`."""

import asyncio
import gc
import json
import random

import psutil
import pytest
from tiny.model import TinyModel

from studio.controls import Control, Erase, Prompt, Sampling, Sink, Stroke, to_message
from studio.session.session import Session
from studio.ui.connection import Connection
from studio.ui.seat import Seat

HOUR = 24 * 3600  # frames
WARM = 12_000  # caches of words, downloads and takes are full by then
GREW = 0.03
WORDS = ["fox", "sea", "night", "snow", "hill", "city", "fog", "rain", "tree", "moon"]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def words(dice: random.Random) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randrange(1, 6)))


def any_control(dice: random.Random) -> Control:
    """What a person may do next; strokes are the most of it, some of them large."""
    how = dice.random()
    if how < 0.25:
        return Prompt(words(dice), blend=dice.choice((0, 0, 8)), switch=dice.choice(("recache", "keep", "cut")))
    if how < 0.75:
        mode = dice.choice(("path", "path", "drag", "pin"))
        count = dice.choice((1, 20, 200, 1000)) if mode == "path" else 1
        points = tuple((t * 0.5, dice.random(), dice.random()) for t in range(count))
        return Stroke(dice.choice("abcdef"), dice.choice(WORDS), points, mode=mode)
    if how < 0.85:
        return Erase(dice.choice(("*", "a", "b")))
    if how < 0.95:
        return Sampling(dice.randrange(1000), dice.choice(("none", "self")), 1.5, dice.choice((1, 2, 4)))
    return Sink(dice.choice(("recache", "keep", "renew")), dice.randrange(1000))


COMMANDS = (("record", 0.002), ("stop", 0.002), ("reset", 0.0005), ("snapshot", 0.0015))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_an_hour_of_two_people_leaves_no_more_memory_behind_than_its_first_minutes(tmp_path):
    async def play() -> list[int]:
        clock, dice, model, process, resident = Clock(), random.Random(1), TinyModel(), psutil.Process(), []
        seats = [Seat(Session(model), tmp_path / str(number)) for number in range(2)]
        connections = [Connection(seat, {}, clock) for seat in seats]
        for frame in range(HOUR // 2):
            for place, seat in enumerate(seats):
                clock.now += 0.05
                connection = connections[place]
                if dice.random() < 0.3:
                    message = {"type": "control", "number": frame, "control": to_message(any_control(dice))}
                    await connection.receive(json.dumps(message))
                for name, chance in COMMANDS:
                    if dice.random() < chance:
                        await connection.receive(json.dumps({"type": name, "number": frame}))
                if dice.random() < 0.002:
                    connections[place] = Connection(seat, {}, clock)
                seat.session.step()
                connection.drain()
            if frame >= WARM and frame % 1000 == 0:
                gc.collect()
                resident.append(process.memory_info().rss)
        return resident

    resident = asyncio.run(play())
    print([round(size / 1e6, 1) for size in resident])
    assert max(resident) / resident[0] < 1 + GREW
