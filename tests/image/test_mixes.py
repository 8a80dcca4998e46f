"""A mix of texts on image models: SDXL's text of the whole too, beside a negative text, and texts of other lengths."""

import pytest
import torch

from image.drawing import picture_bytes
from studio.conditioning import prompt_states, slerp
from studio.controls import ControlState, Picture, Prompt, Sampling
from studio.engine import Engine

MIX = Prompt("a fox", "blurred", mix=(("a lake", 3),))


@pytest.mark.parametrize("name", ["sd", "sdxl"])
@pytest.mark.parametrize(("way", "between"), [("linear", torch.lerp), ("slerp", slerp)])
def test_tokens_and_the_text_of_the_whole_are_mixed_alike(opened, name, way, between):
    model = opened(name)
    fox, lake = (model.prepare(text).states for text in ("a fox", "a lake"))
    told = prompt_states(model, ControlState.of(Prompt("a fox", mix=(("a lake", 3),), interpolation=way)))
    assert torch.equal(told.states, between(fox, lake, 0.75))
    assert told.apart == (1 if name == "sdxl" else 0)


@pytest.mark.parametrize("name", ["sd", "sdxl"])
def test_a_mix_beside_a_negative_text_draws_something_between_its_texts(opened, name):
    drawn = {}
    for prompt in (
        Prompt("a fox", "blurred"),
        MIX,
        Prompt("a lake", "blurred"),
        Prompt("a fox", mix=(("x " * 90, 1),)),
    ):
        engine = Engine(opened(name))
        engine.apply([(1, Picture(picture_bytes())), (2, Sampling(guidance="full", scale=2.0, steps=2)), (3, prompt)])
        drawn[prompt] = engine.step().hash
    assert len(set(drawn.values())) == 4
