"""The sink's policy at a prompt switch: the one each model was published with, and LongLive's rule of the first window.

The policies themselves are held to the published loops in the causal properties.
"""

from dataclasses import replace

import pytest
import torch
from tiny.causal import CausalModel, controls
from tiny.model import TinyModel

from studio.controls import Prompt, Sampling, Sink
from studio.models import playable
from studio.models.loader import resolve_options
from studio.models.registry import MODELS
from studio.samplers import Rollout
from studio.session.session import Session

LONGLIVE = {"sink": 3, "window": 6, "chunk": 3, "recache": "bidirectional", "positions": "absolute", "evicts": "after"}


def play_switches(policy, at, chunks=9):
    """The latents of a rollout of LongLive's shape whose words change before the chunks named."""
    model = CausalModel(prediction="velocity", **LONGLIVE)
    words, stream, latents = ("a meadow", "a city at night", "fog"), Rollout(model), []
    for chunk in range(chunks):
        state = controls(words[sum(chunk >= one for one in at)], steps=4).updated(Sink(policy))
        if chunk in at:
            stream.switch("recache", state)
        latents.append(stream.step(state))
    return torch.cat(latents)


@torch.no_grad()
@pytest.mark.parametrize(
    ("at", "like"), [((1,), "recache"), ((3,), "recache"), ((4,), "recache"), ((5,), "keep"), ((7,), "keep")]
)
def test_the_sink_is_kept_once_a_frame_has_left_the_window(at, like):
    """interactive_causal_inference.py: the sink is written anew while the recache starts at frame 0, at 12 the last."""
    ours = play_switches("keep_after_window", at)
    assert torch.equal(ours, play_switches(like, at))
    assert not torch.equal(ours, play_switches({"keep": "recache", "recache": "keep"}[like], at))


@torch.no_grad()
def test_an_early_switch_takes_the_sink_along_and_a_later_one_leaves_it():
    """The first words are forgotten, the second kept: neither "keep" nor "recache" plays both."""
    ours = play_switches("keep_after_window", (2, 6))
    assert not any(torch.equal(ours, play_switches(policy, (2, 6))) for policy in ("keep", "recache"))
    until_second = 6 * LONGLIVE["chunk"]
    assert torch.equal(ours[:until_second], play_switches("recache", (2, 6))[:until_second])


def test_each_student_starts_as_it_was_published():
    published = {name: resolve_options(name, {}).defaults.get("sink_policy", "recache") for name in MODELS}
    assert published == dict.fromkeys(MODELS, "recache") | {"longlive-1.3b": "keep_after_window"}
    assert resolve_options("longlive-1.3b", {"sink_policy": "keep"}).defaults["sink_policy"] == "keep"


@pytest.fixture
def longlive():
    return TinyModel().with_defaults("longlive", sink_policy="keep_after_window")


def test_a_session_begins_with_it_and_a_take_says_so(longlive):
    assert Sink not in [type(control) for _, control in opening(Session(TinyModel()))]
    session = Session(longlive)
    assert session.engine.state[Sink] == Sink("keep_after_window")
    assert (0, Sink("keep_after_window")) in opening(session)


def opening(session):
    session.record()
    session.step()
    return [(event.frame, event.control) for event in session.stop_recording().events]


def test_a_change_of_model_brings_the_next_ones_own(longlive, model):
    session = Session(model)
    session.hand_over(longlive)
    assert session.engine.state[Sink].policy == "keep_after_window"
    session.hand_over(TinyModel())
    assert session.engine.state[Sink].policy == "recache"
    session.send(Sink("renew"))
    session.step()
    session.hand_over(longlive)
    assert session.engine.state[Sink].policy == "renew", "what a person chose stays"


def test_the_controls_in_force_at_the_start_are_those_the_model_was_made_for(model):
    state = playable.initial_state(replaced(model, steps=4, sink_policy="keep"))
    assert (state[Sampling].steps, state[Sink]) == (4, Sink("keep"))
    assert state[Prompt] == Prompt.initial()


def replaced(model, **capabilities):
    model.capabilities = replace(model.capabilities, **capabilities)
    return model
