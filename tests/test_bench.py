import json
import random
from types import SimpleNamespace

import pytest
import torch

from studio.bench import Plan, bench, response
from studio.bench.rates import TimedModel, rate_around
from studio.conditioning import Rows, condition_frames, frame_inputs, prompt_states
from studio.controls import ControlState, Prompt
from studio.session.session import Session

SMALL = Plan(frames=24, seconds=0.2, trials=4, sweeps=1, sweep_seconds=0.2)


def test_every_figure_is_there_and_makes_sense(model):
    figures = json.loads(json.dumps(bench(model, seed=3, plan=SMALL)))
    assert (figures["model"], figures["seed"]) == ("tiny", 3)
    assert figures["fps"] > 0
    assert figures["fps_end_to_end"] > 0
    assert figures["tick_ms"] > 0
    assert 0 < figures["engine_overhead"] < 1
    assert figures["fps_at_100"] is None
    assert figures["fps_at_3000"] is None
    assert figures["rss_mb"] > 50
    assert figures["machine"]["cores"] >= 1
    assert figures["date"].startswith("20")
    change, sweep = figures["control_to_picture_ticks"], figures["sweep"]
    assert 0 < change["p50"] <= change["p95"] <= change["settled"]
    assert change["settled"] <= 3.001
    assert change["prompt"]["p50"] > 0
    assert sweep["lost_finals"] == 0
    assert sweep["settle_ticks"] > 0


def test_the_clock_counts_the_forward_and_the_decode_and_nothing_else(model):
    timed = TimedModel(model)
    session = Session(timed)
    session.step()
    spent = timed.clock.spent
    assert spent > 0
    told = condition_frames(timed, ControlState(), [0])
    timed.prepare("a")
    assert timed.clock.spent == spent
    decoder = timed.new_decoder()
    decoder.decode(torch.zeros(1, *model.latent))
    assert timed.clock.spent > spent
    spent = timed.clock.spent
    timed.denoise(Rows(torch.zeros(1, *model.latent), (1.0,), told, (0,)), timed.new_cache(), 0)
    assert timed.clock.spent > spent
    assert timed.name == "tiny"


def test_a_timed_model_makes_the_same_frames(model):
    assert Session(TimedModel(model)).step().hash == Session(model).step().hash


def test_the_rate_around_a_frame_is_over_the_64_about_it():
    made = [0.1 * n for n in range(200)]
    assert rate_around(made, 100) == pytest.approx(10)
    assert rate_around(made, 31) is None
    assert rate_around(made, 168) is None


def test_a_moment_between_two_frames_counts_by_its_share():
    assert response.in_ticks([10.0, 12.0, 13.0], 11.0) == 0.5
    assert response.in_ticks([10.0, 12.0, 13.0], 12.75) == 1.75


def test_a_frame_is_wholly_new_when_nothing_of_it_was_drawn_under_the_old_controls():
    old, new = ControlState(), ControlState().after(Prompt("winter"), 5)
    watched = SimpleNamespace(drawn=[(old, (4, 5, 6)), (new, (5, 6, 7)), (new, (6, 7, 8))])
    assert response.made_wholly_under(new, watched, 5) == 7


def test_a_value_that_never_arrives_counts_as_lost(model, monkeypatch):
    send = Session.send

    def forgetful(self, control):
        """Sends, but the frames go on under something else, as with a queue that drops its newest."""
        revision = send(self, control)
        if getattr(control, "guidance", "none") == "self":
            self._inbox._waiting["sampling"] = (revision, type(control)(control.seed, "self", 3.0))
        return revision

    monkeypatch.setattr(Session, "send", forgetful)
    assert response.sweeps(model, 0, 2, 0.1)["lost_finals"] == 2


def test_a_control_that_changes_nothing_is_an_error_and_no_figure(model):
    deaf = model
    condition = deaf.condition
    words = prompt_states(deaf, ControlState())
    deaf.condition = lambda states, told, frames: condition(words, frame_inputs(ControlState(), frames), frames)
    watched = response.WatchedModel(deaf)
    session = Session(watched)
    watched.engine = session.engine
    session.step()
    with pytest.raises(RuntimeError, match="a control changed no frame"):
        response.one_change(session, watched, Prompt("winter", switch="keep"), random.Random(0))
