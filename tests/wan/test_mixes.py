"""A mix of texts on a Wan student, whose words have one length each: it moves, and every switch is played."""

import pytest

from studio.controls import Prompt
from studio.engine import Engine


@pytest.mark.parametrize("switch", ["recache", "keep", "cut"])
def test_a_crossfade_is_played_with_every_switch(model, switch):
    def shown(*mixes):
        engine = Engine(model)
        for number, mix in enumerate((Prompt("a fox"), *mixes)):
            engine.apply([(number, mix)])
            frames = [engine.step().hash for _ in range(13 if not number else 12)]
        return frames

    moves = [
        Prompt("a fox", switch=switch, mix=(("a lake at night", weight),), interpolation="slerp") for weight in (1, 3)
    ]
    assert shown(*moves) != shown(moves[0], moves[0])
