"""A prompt that is a mix of several texts: what is heard, how it moves, and that it replays."""

import json

import numpy as np
import pytest
import torch
from session.playing import play, replayed
from tiny.causal import CausalModel, drawn

from studio.conditioning import PromptStates, prompt_states, slerp
from studio.controls import ControlError, ControlState, Prompt, from_message, to_message
from studio.engine import Engine
from studio.score import Score
from studio.session import Session

TEXTS = ("fog", "rain", "sun")


def along_the_arc(one, other, weight):
    """The definition, vector by vector, in float64."""
    made = []
    for a, b in zip(one.double().numpy(), other.double().numpy(), strict=True):
        angle = np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
        made.append((np.sin((1 - weight) * angle) * a + np.sin(weight * angle) * b) / np.sin(angle))
    return torch.from_numpy(np.array(made, np.float32))


def heard(model, *prompts):
    state = ControlState()
    for frame, prompt in prompts:
        state = state.after(prompt, frame)
    return prompt_states(model, state.at(prompts[-1][0])).states


def test_a_mix_is_the_mean_of_its_texts_by_weight_in_any_order():
    model = CausalModel()
    fog, rain, sun = (model.prepare(text).states for text in TEXTS)
    mean = (fog * 1 + rain * 3 + sun * 4) / 8
    for mix in (
        Prompt("fog", mix=(("rain", 3), ("sun", 4))),
        Prompt("sun", weight=2, mix=(("fog", 0.5), ("rain", 1.5))),
    ):
        torch.testing.assert_close(heard(model, (0, mix)), mean)


def test_a_spherical_mix_goes_along_the_arc_from_each_text_to_the_next():
    model = CausalModel()
    fog, rain, sun = (model.prepare(text).states for text in TEXTS)
    want = along_the_arc(along_the_arc(fog, rain, 3 / 4), sun, 4 / 8)
    mix = Prompt("fog", mix=(("rain", 3), ("sun", 4)), interpolation="slerp")
    torch.testing.assert_close(heard(model, (0, mix)), want, rtol=1e-4, atol=1e-5)
    assert (want - (fog + 3 * rain + 4 * sun) / 8).abs().max() > 0.05


def test_a_blend_goes_along_the_arc_too():
    model = CausalModel()
    fog, rain = (model.prepare(text).states for text in TEXTS[:2])
    blend = Prompt("rain", blend=3, interpolation="slerp")
    torch.testing.assert_close(
        heard(model, (0, Prompt("fog")), (10, blend)), along_the_arc(fog, rain, 0.25), rtol=1e-4, atol=1e-5
    )


def test_vectors_on_one_line_and_zeros_are_mixed_in_a_line_and_lengths_pass_over():
    one = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 0, 0], [2, 0, 0]])
    other = torch.tensor([[3.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 2, 0]])
    mixed = slerp(one, other, 0.5)
    want = torch.tensor([[2, 0, 0], [0, 0, 0], [0, 0.5, 0], [2**0.5, 2**0.5, 0]])
    torch.testing.assert_close(mixed, want)
    assert slerp(one.bfloat16(), other.bfloat16(), 0.5).dtype == torch.bfloat16


def test_texts_of_other_lengths_are_mixed_along_the_arc_as_in_a_line():
    short, long = PromptStates(drawn(1, 8)), PromptStates(drawn(3, 8, seed=1))
    mixed = short.mixed(long, 0.25, "slerp").states
    torch.testing.assert_close(mixed, along_the_arc(short.states.repeat(3, 1), long.states, 0.25), rtol=1e-4, atol=1e-5)
    assert short.mixed(long, 0.25) is not short.mixed(long, 0.25, "slerp")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"mix": [[f"text {n}", 1] for n in range(40)]}, "40 texts beside the first; send at most 8"),
        ({"mix": [["rain", -1]]}, "weight in a mix is -1; send a number from 0 to 100"),
        ({"mix": [["rain", 0], ["sun", 0]], "weight": 0}, "are all 0"),
        ({"weight": 0}, "are all 0"),
        ({"mix": [["rain", float("nan")]]}, "finite"),
        ({"mix": [["", 1]]}, "text of a mix is empty"),
        ({"mix": [["rain"]]}, "pairs"),
        ({"mix": "rain"}, "pairs"),
        ({"mix": [["rain", 1]], "interpolation": "cubic"}, "linear, slerp"),
    ],
)
def test_what_is_no_mix_is_refused_with_what_would_be(told, says):
    with pytest.raises(ControlError, match=says):
        from_message({"kind": "prompt", "text": "fog", **told})


def test_a_prompt_written_before_there_were_mixes_is_read_and_one_that_is_none_is_as_before():
    assert from_message({"kind": "prompt", "text": "fog", "negative": "", "switch": "cut", "blend": 3}) == Prompt(
        "fog", switch="cut", blend=3
    )
    mixed = Prompt("fog", weight=2, mix=(("rain", 1),), interpolation="slerp")
    assert from_message(json.loads(json.dumps(to_message(mixed)))) == mixed
    assert Prompt("fog", weight=7) == Prompt("fog")
    assert (mixed.title, Prompt("fog", mix=(("fog", 3), ("rain", 0))).title) == ("67 % fog + 33 % rain", "fog")


def switches(engine, prompts):
    """What the sampler is told of switches: (kind, whether the prompt is new) at each prompt, one a frame."""
    told, switch = [], engine.sampler.switch
    engine.sampler.switch = lambda kind, state, is_new: told.append((kind, is_new)) or switch(kind, state, is_new)
    for number, prompt in enumerate(prompts):
        engine.apply([(number, prompt)])
        engine.step()
    return told


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("recache", [("recache", False), ("recache", False), ("recache", True)]),
        ("keep", [("keep", True)]),
        ("cut", [("cut", True)]),
    ],
)
def test_moving_weights_recaches_as_a_blend_does_and_cuts_only_to_words_of_another_shot(model, kind, told):
    moves = [Prompt("fog", switch=kind, weight=1 - w, mix=(("rain", w),)) for w in (0, 0.3, 0.6, 0.6)]
    assert switches(Engine(model), [Prompt("fog", switch=kind), *moves, Prompt("snow", switch=kind)]) == told


def test_moving_weights_reads_no_text_again_and_draws_nothing_more_than_a_blend(model):
    read, forwards = [], []
    encode, denoise = model._prompts._encode, model.denoise
    model._prompts._encode = lambda text: read.append(text) or encode(text)
    model.denoise = lambda *told, **more: forwards.append(1) or denoise(*told, **more)

    def count(prompts):
        engine = Engine(model)
        engine.accept(*prompts)
        engine.step()
        before = len(read), len(forwards)
        for number, prompt in enumerate(prompts):
            engine.apply([(number, prompt)])
            engine.step()
        return len(read) - before[0], len(forwards) - before[1]

    still = Prompt("fog")
    blend = count([still, Prompt("rain", blend=7)])
    moved = count([still, Prompt("fog", mix=(("rain", 0.3),))])
    assert moved == blend == (0, blend[1])


def test_a_crossfade_that_moves_replays_bit_for_bit_and_goes_on_from_a_bookmark(model, tmp_path):
    moves = [(4 + n, Prompt("winter", weight=8 - n, mix=(("spring", n), ("fog", 1)))) for n in range(9)]
    arcs = [(14, Prompt("winter", mix=(("spring", 1),), interpolation="slerp", blend=2))]
    session, other = Session(model), Session(model)
    session.record(tmp_path / "take.jsonl")
    shown = play(session, 18, [*moves, *arcs])
    session.stop_recording()
    assert replayed(Score.read(tmp_path / "take.jsonl"), model) == shown
    other.open_bookmark(session.bookmark(tmp_path / "amid.jsonl"))
    assert play(other, 9) == play(session, 9)


def test_the_texts_of_a_mix_are_read_when_it_is_sent(model):
    engine = Engine(model)
    engine.prepare(Prompt("fog", mix=(("rain", 0), ("sun", 1))))
    assert all(engine._known.adds("prompt", text) is False for text in TEXTS)
