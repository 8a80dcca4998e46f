"""What a page is told of the model: what plays, what does not and why, how far one is that is loading."""

import gc
import json
import weakref
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ui_stand_ins import StandIn, StandInModel

from studio.controls import Prompt, strokes, to_message
from studio.ui.model_load import LoadProgress
from ui.client import FOX, Clock, Draws, linked, told


def test_a_page_is_told_what_plays_and_why_the_rest_does_not():
    class Refusing(StandInModel):
        def __init__(self, size):
            super().__init__(size, refuses={"stroke": "it knows words alone"})

        def sigmas(self, steps, strength=1.0):
            if steps != 4:
                raise ValueError("4 steps")
            return super().sigmas(steps)

    async def test(connection, session):
        connection.send_hello()
        (hello,) = told(connection, "hello")
        assert hello["plays"] == ["prompt", "sampling", "sink", "erase", "camera_motion", "pause", "cache"]
        assert hello["refuses"] == {"stroke": "it knows words alone"}
        assert hello["strokes"] == {"by": "", "words": ""}
        assert not hello["choice"]
        session.model = Draws((32, 48))
        (hello,) = told(connection, "hello")
        assert {"picture", "similarity", "structure", "lora", "noise", "camera", "steps", "stroke"} < set(
            hello["plays"]
        )
        assert not {"sink", "cache"} & set(hello["plays"])
        assert hello["size"] == [48, 32]
        assert hello["loras"] == ["ink"]
        assert hello["strokes"]["by"] == "tracks"
        assert "name one and paint it" in hello["strokes"]["words"]
        assert told(connection, "hello") == [], "once for each model"

    session = StandIn()
    session.model = Refusing((64, 64))
    linked(test, session)


def test_a_link_does_not_hold_a_model_that_is_no_longer_played():
    async def test(connection, session):
        connection.send_hello()
        before = weakref.ref(session.model)
        session.model = Draws((32, 48))
        gc.collect()
        assert before() is None

    linked(test)


def test_a_page_is_told_once_what_a_word_is_painted_as_that_the_model_does_not_know():
    async def test(connection, session):
        session.model.reads = lambda label: ("fox", label == "fox")
        for label in ("fox", "democracy", "democracy", "fox"):
            await connection.receive(json.dumps({"type": "control", "control": to_message(replace(FOX, label=label))}))
        (notice,) = told(connection, "notice")
        assert notice["message"] == "stand-in has no word for “democracy”; what is nearest is painted: fox."
        connection.send_hello()  # as with another model
        await connection.receive(
            json.dumps({"type": "control", "control": to_message(replace(FOX, label="democracy"))})
        )
        assert len(told(connection, "notice")) == 1, "it may read the word as something else"
        connection.send_hello()
        connection.seat.session.model.reads = lambda label: (label, True)
        await connection.receive(
            json.dumps({"type": "control", "control": to_message(replace(FOX, label="democracy"))})
        )
        assert not told(connection, "notice")

    linked(test)


def test_a_preset_gives_what_the_model_plays_and_says_what_it_leaves_aside():
    async def test(connection, session):
        session.model = StandInModel((64, 64), refuses={"stroke": "it knows words alone"})
        await connection.receive('{"type": "command", "name": "preset", "preset": "fox"}')
        (notice,) = told(connection, "notice")
        assert notice["message"] == "stand-in takes no strokes: it knows words alone."
        session.step()
        assert session.engine.state[Prompt].text == "a meadow"
        assert not strokes(session.engine.state)

    linked(test)


@pytest.mark.parametrize(
    "command",
    [{"name": "load", "model": "/etc"}, {"name": "load"}, {"name": "load", "model": ["tiny"]}],
)
def test_a_model_that_is_not_offered_is_answered(command):
    async def test(connection, session):
        await connection.receive(json.dumps({"type": "command", **command}))
        assert "one model" in told(connection, "error")[0]["message"]
        await connection.receive('{"type": "command", "name": "cancel"}')
        await connection.receive('{"type": "command", "name": "models"}')
        assert told(connection, "models")[0]["items"] == []

    linked(test)


def test_how_far_a_model_is_is_told_in_turn_and_its_end_always():
    clock = Clock()

    async def test(connection, session):
        def far(done, stage="download"):
            connection.seat.models.load = SimpleNamespace(progress=LoadProgress("big", stage, done, 100))
            return [(message["stage"], message["done"]) for message in told(connection, "loading")]

        assert far(1) == [("download", 1)]
        assert far(2) == [], "not for every megabyte"
        clock.now += 1
        assert far(3) == [("download", 3)]
        assert far(3, "load") == [("load", 3)]
        assert far(3, "ready") == [("ready", 3)]
        assert far(3, "ready") == []
        connection.send_hello()
        assert far(3, "ready") == [], "what is over is not told again"
        connection.seat.models.load = SimpleNamespace(progress=LoadProgress("big", "failed"))
        connection.send_hello()
        assert far(0, "failed") == [("failed", 0)], "but what came to its end while the line was broken is"

    linked(test, clock=clock)
