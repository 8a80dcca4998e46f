"""A seed is any whole number of 64 bits that people type, as other tools have them, and a take says which it was."""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny.model import TinyModel
from ui_stand_ins import StandIn

from studio.controls import ControlError, Prompt, Sampling, from_message, state_message
from studio.controls.sampling import PAGE_COUNTS_TO
from studio.noise import noise
from studio.score import Score, replay
from studio.session import Session
from studio.ui.connection import Connection
from studio.ui.seat import Seat

LARGEST = 2**64 - 1


@pytest.mark.parametrize(
    ("typed", "plays"),
    [
        (0, 0),
        (7.0, 7),
        (2**32, 2**32),
        (LARGEST, LARGEST),
        (str(LARGEST), LARGEST),
        (" 12 ", 12),
        (-2, LARGEST - 1),
        (-(2**63), 2**63),
    ],
)
def test_a_whole_number_plays(typed, plays):
    assert Sampling(seed=typed).seed == plays
    torch.manual_seed(plays)  # what else takes a seed takes it too
    np.random.default_rng(plays)


@pytest.mark.parametrize("any_seed", [-1, "-1", -1.0])
def test_minus_one_draws_a_seed_that_stays(any_seed):
    drawn = [Sampling(seed=any_seed) for _ in range(8)]
    assert len({one.seed for one in drawn}) > 1
    assert all(0 <= one.seed < 2**32 for one in drawn)
    assert from_message(drawn[0].to_message()) == drawn[0]


@pytest.mark.parametrize(
    "seed", [2**64, -(2**63) - 1, 10**400, 1.5, float("nan"), True, "x", "1.5", "", None, "1" * 30]
)
def test_what_is_no_seed_is_told_with_what_is_one(seed):
    with pytest.raises(ControlError, match=r"a whole number.* from -9223372036854775808 to 18446744073709551615"):
        Sampling(seed=seed)


def test_large_seeds_have_noise_of_their_own():
    drawn = [noise(seed, 3, 1, (4, 8)) for seed in (0, 1, 2**32 - 1, 2**32, 2**63, LARGEST - 1, LARGEST)]
    assert len({one.numpy().tobytes() for one in drawn}) == len(drawn)


@pytest.mark.parametrize("seed", [2**32, LARGEST, -1])
def test_a_take_of_a_large_or_drawn_seed_replays(tmp_path, seed):
    session = Session(TinyModel())
    session.send(Sampling(seed=seed))
    session.step()
    session.record(tmp_path / "take.jsonl")
    for _ in range(3):
        session.step()
    score = session.stop_recording()
    read = Score.read(tmp_path / "take.jsonl")
    (event,) = [event for event in read.events if isinstance(event.control, Sampling)]
    assert event.control.seed == (session.engine.state[Sampling].seed if seed == -1 else seed)
    for _ in replay(read, TinyModel()):
        pass
    assert read.header.digest == score.header.digest


@pytest.mark.parametrize("seed", [5, PAGE_COUNTS_TO, PAGE_COUNTS_TO + 1, LARGEST])
def test_a_page_is_told_a_seed_it_can_hold_and_gives_it_back(seed):
    session = StandIn()
    session.send(Sampling(seed=seed))
    told = json.loads(json.dumps(state_message(session.pending_state())))["sampling"]
    assert isinstance(told["seed"], int) == (seed <= PAGE_COUNTS_TO)
    assert from_message(told) == Sampling(seed=seed)


def said(tmp_path, control):
    """What a page is told once it has sent a control, by type."""

    async def talk():
        seat = Seat(StandIn(), tmp_path)
        connection = Connection(seat, {})
        await connection.receive(json.dumps({"type": "control", "control": control, "number": 9}))
        return seat, [json.loads(text) for text in connection.drain()]

    seat, messages = asyncio.run(talk())
    return SimpleNamespace(state=seat.state, of={message["type"]: message for message in messages})


@pytest.mark.parametrize(("given", "differs"), [(-1, True), ("-2", True), (5, False), (str(LARGEST), False)])
def test_a_page_is_told_of_a_seed_that_became_another(tmp_path, given, differs):
    told = said(tmp_path, {"kind": "sampling", "seed": given})
    assert ("state" in told.of) == differs
    if differs:
        assert from_message(told.of["state"]["state"]["sampling"]) == told.state[Sampling]


def test_a_page_is_told_nothing_of_other_controls(tmp_path):
    told = said(tmp_path, {"kind": "prompt", "text": " a meadow "})
    assert told.state[Prompt].text == "a meadow"
    assert "state" not in told.of
