import gc
import threading
import weakref
from typing import Any

import pytest
import torch
from tiny.causal import LATENT, TEXT, TRACKS, CausalModel, drawn, tiny

from studio.conditioning import (
    BatchConditioning,
    Conditioning,
    PromptMemory,
    PromptStates,
    Rows,
    condition_frames,
    frame_inputs,
    prompt_states,
)
from studio.controls import ControlState, Lora, Picture, Prompt, Sampling, Stroke, Structure


def told(states, frames):
    """So many frames under one text, each with its own tracks."""
    tracks = drawn(frames, TRACKS, *LATENT[1:])
    return Conditioning((states,) * frames, tracks, {"loras": drawn(frames, 4)})


def test_rows_put_together_again_are_the_whole():
    whole = Conditioning.of(drawn(5, *TEXT), drawn(5, TRACKS, *LATENT[1:]), {"pooled": drawn(5, 4)})
    again = Conditioning.cat([whole.rows([0]), whole.rows(slice(1, 3)), whole.rows([3, 4])])
    for one, other in zip((again.text, again.tracks, again.extra["pooled"]), (whole.text, whole.tracks, drawn(5, 4))):
        assert torch.equal(one, other)
    assert torch.equal(whole.rows([4, 1]).text, whole.text[[4, 1]])


def test_frames_under_one_text_go_on_sharing_it_and_others_do_not():
    fog, rain = PromptStates(drawn(*TEXT, seed=1)), PromptStates(drawn(*TEXT, seed=2))
    together = Conditioning.cat([told(fog, 3).rows([1]), told(fog, 2), told(fog, 4).rows(slice(1, 3))])
    assert len(together) == 5
    assert together.is_one_text
    assert together.prompts == (fog,) * 5
    assert torch.equal(together.text, fog.states.expand(5, -1, -1))
    assert together.text.untyped_storage().data_ptr() == fog.states.untyped_storage().data_ptr(), "it is no copy"
    mixed = Conditioning.cat([told(fog, 2), told(rain, 1), told(PromptStates(fog.states.clone()), 1)])
    assert not mixed.is_one_text
    assert [torch.equal(row, fog.states) for row in mixed.text] == [True, True, False, True]
    assert torch.equal(mixed.text[2], rain.states)
    assert told(fog, 3).with_text(rain).prompts == (rain,) * 3


def test_what_is_heard_while_a_prompt_blends_in_is_a_mixture_by_weight():
    model = CausalModel()
    state = ControlState().after(Prompt("fog"), 0).after(Prompt("rain", blend=3), 10)
    fog, rain = model.prepare("fog"), model.prepare("rain")
    heard = [prompt_states(model, state.at(frame)) for frame in range(9, 15)]
    for states, weight in zip(heard, [0, 0.25, 0.5, 0.75, 1, 1], strict=True):
        torch.testing.assert_close(states.states, torch.lerp(fog.states, rain.states, weight))
    assert (heard[0], heard[4], heard[5]) == (fog, rain, rain), "weights of 0 and 1 are the prompts themselves"


def test_a_mixture_is_one_object_while_anybody_holds_it_and_mixes_whatever_depends_on_a_prompt():
    fog, rain, sun = (PromptStates(drawn(*TEXT, seed=seed)) for seed in (1, 2, 3))
    both = fog.mixed(rain, 0.25)
    assert fog.mixed(rain, 0.25) is both
    assert fog.mixed(rain, 0.5) is not both
    assert fog.mixed(sun, 0.25) is not both
    places = {fog: torch.zeros(3), rain: torch.ones(3), sun: torch.full((3,), 5.0)}
    assert both.blended(places.__getitem__).tolist() == [0.25] * 3
    assert both.mixed(sun, 0.5).blended(places.__getitem__).tolist() == [2.625] * 3
    held = weakref.ref(both)
    del both
    gc.collect()
    assert held() is None


def test_the_same_words_are_encoded_once_whoever_asks_and_nobody_waits_for_other_words():
    encoded, gate, entered = [], threading.Event(), threading.Event()

    def encode(text):
        encoded.append(text)
        if text == "slow":
            entered.set()
            assert gate.wait(60)
        return drawn(*TEXT, seed=len(text))

    memory, found = PromptMemory(encode, size=2), []
    threads = [threading.Thread(target=lambda: found.append(memory("slow"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.wait(60)
    assert memory("fog") is memory("fog")  # while another text is being read
    gate.set()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert sorted(encoded) == ["fog", "slow"]
    memory("rain")
    memory("sun")
    assert memory("fog") is not None
    assert encoded[-3:] == ["rain", "sun", "fog"], "only the last two are remembered"


def test_a_text_that_could_not_be_read_is_tried_again():
    answers = iter([RuntimeError("no memory"), drawn(*TEXT)])

    def encode(text):
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    memory = PromptMemory(encode, size=4)
    with pytest.raises(RuntimeError, match="no memory"):
        memory("fog")
    assert memory("fog").states.shape == TEXT


@torch.no_grad()
def test_keys_of_a_text_are_computed_once_while_it_lives_and_freed_with_it(monkeypatch):
    net, tracks, calls = tiny(), drawn(2, TRACKS, *LATENT[1:]), []
    embedder = net.transformer.condition_embedder.text_embedder
    embed = embedder.forward
    monkeypatch.setattr(embedder, "forward", lambda text: calls.append(len(text)) or embed(text))
    fog, rain = PromptStates(drawn(*TEXT, seed=1)), PromptStates(drawn(*TEXT, seed=2))
    for prompts in ((fog, fog), (fog, rain), (fog, fog), (fog, rain)):
        net(drawn(2, *LATENT), (0.5, 0.9), Conditioning(prompts, tracks), range(2))
    assert len(calls) == 2, "once alone, once beside the other"
    kept: Any = next(iter(fog._computed.values()))
    keys = weakref.ref(kept[0].keys)
    del kept, fog
    prompts = ()
    gc.collect()
    assert keys() is None
    net(drawn(2, *LATENT), (0.5, 0.9), Conditioning((rain, rain), tracks), range(2))
    assert len(calls) == 3
    net.forget()
    assert not rain._computed, "weights have changed"


def test_models_are_told_plain_values_of_the_controls():
    state = ControlState.of(
        Sampling(seed=7, scale=1.5), Stroke("a", "fox", ((0, 0.25, 0.5), (8, 0.75, 0.5)), mode="path", loop=False)
    ).updated(Picture(b"\xff\xd8\xff"), Structure(0.5, "picture"), Lora("ink", 0.7))
    inputs = frame_inputs(state, [0, 4])
    assert [[(placed.label, placed.x) for placed in frame] for frame in inputs.placements] == [
        [("fox", 0.25)],
        [("fox", 0.5)],
    ]
    assert (inputs.seed, inputs.guidance_scale, inputs.picture) == (7, 1.5, b"\xff\xd8\xff")
    assert (inputs.structure_strength, inputs.structure_look, dict(inputs.loras)) == (0.5, "picture", {"ink": 0.7})
    guided = frame_inputs(state.updated(Sampling(guidance="full", scale=8)), [0])
    assert guided.guidance_scale == 1, "what is made outside a distilled model is not told to it"


def test_the_negative_prompt_is_read_without_loras_and_told_with_the_same_inputs():
    read, model = [], CausalModel()
    prepare = model.prepare
    model.prepare = lambda prompt, loras=None: read.append((prompt, dict(loras or {}))) or prepare(prompt)
    state = ControlState.of(Prompt("fog", negative="rain"), Lora("ink", 0.7))
    state = state.updated(Stroke("a", "fox", ((0, 0.5, 0.5),)))
    told, against = (condition_frames(model, state, [0, 1], negative) for negative in (False, True))
    assert read == [("fog", {"ink": 0.7}), ("rain", {})]
    assert against.prompts == (prepare("rain"),) * 2
    assert torch.equal(told.tracks, against.tracks)


def test_rows_are_put_together_in_order():
    one = Rows(drawn(2, *LATENT), (0.5, 0.9), told(PromptStates(drawn(*TEXT)), 2), (3, 4))
    other = Rows(drawn(1, *LATENT, seed=1), (0.0,), told(PromptStates(drawn(*TEXT, seed=1)), 1), (2,))
    both = Rows.cat([other, one])
    assert (len(both), both.sigma, both.frames) == (3, (0.0, 0.5, 0.9), (2, 3, 4))
    assert torch.equal(both.x, torch.cat([other.x, one.x]))
    assert both.cond.prompts == (*other.cond.prompts, *one.cond.prompts)


def test_parts_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="do not describe the same frames"):
        Conditioning.of(drawn(2, *TEXT), drawn(3, TRACKS, *LATENT[1:]))
    with pytest.raises(ValueError, match="do not describe the same frames"):
        BatchConditioning(drawn(2, 3, *TEXT), drawn(2, 4, TRACKS, *LATENT[1:]))
    with pytest.raises(ValueError, match="rows of 2 latents, 1 levels, 2 conditionings and 2 frame numbers"):
        Rows(drawn(2, *LATENT), (0.5,), told(PromptStates(drawn(*TEXT)), 2), (0, 1))
