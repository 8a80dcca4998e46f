"""How image models read prompts of any length and with weights, on tiny Stable Diffusion and SDXL folders."""

import pytest
import torch

from studio.conditioning import PromptStates, condition_frames, in_one_length
from studio.controls import ControlState, Prompt, Sampling
from studio.engine import Engine

CHUNK = 77
LONG = "x " * 100  # 100 tokens of the byte tokenizer


@pytest.fixture
def models(opened):
    return {family: opened(family) for family in ("sd", "sdxl")}


def by_library(model, text):
    """The states that diffusers' own pipelines give a text of one chunk: the tokenizers pad it."""
    words, states, pooled = model.parts.words, [], None
    with torch.no_grad():
        for tokenizer, net in zip(words.tokenizers, words.encoders.values()):
            ids = tokenizer(
                text, padding="max_length", max_length=CHUNK, truncation=True, return_tensors="pt"
            ).input_ids
            out = net(ids, output_hidden_states=True)
            states.append(out.last_hidden_state[0] if len(words.tokenizers) == 1 else out.hidden_states[-2][0])
            pooled = getattr(out, "text_embeds", None)
    return torch.cat(states, 1), pooled


def tokens(model, states):
    return states[: len(states) - model.prepare("").apart]


@pytest.mark.parametrize("family", ["sd", "sdxl"])
@pytest.mark.parametrize("text", ["a red fox", "a fox: at 5, ’white’ \U0001f98a", "y " * 75, ""])
def test_a_plain_prompt_has_the_bits_it_always_had(models, family, text):
    model = models[family]
    states, pooled = by_library(model, text)
    if family == "sdxl" and not text:  # it was trained so
        states, pooled = torch.zeros_like(states), torch.zeros_like(pooled)
    ours = model.prepare(text).states
    assert torch.equal(tokens(model, ours), states)
    if pooled is not None:
        assert torch.equal(ours[-1, : pooled.shape[1]], pooled[0])


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_a_long_prompt_is_its_chunks_side_by_side(models, family):
    model = models[family]
    first, second, whole = (model.prepare(text).states for text in ("x " * 75, "x " * 25, LONG))
    assert torch.equal(tokens(model, whole), torch.cat([tokens(model, first), tokens(model, second)]))
    assert torch.equal(whole[2 * CHUNK :], first[CHUNK:]), "the pooled text is the first chunk's"
    broken = model.prepare("a fox BREAK a lake").states
    parts = [tokens(model, model.prepare(text).states) for text in ("a fox", "a lake")]
    assert torch.equal(tokens(model, broken), torch.cat(parts))


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_a_weight_moves_its_words_from_where_the_empty_prompt_is(models, family):
    model = models[family]
    plain, empty = (tokens(model, model.prepare(text).states) for text in ("a fox", ""))
    if family == "sdxl" and model.parts.words.zeros_for_empty:
        empty = by_library(model, "")[0]
    weighted = tokens(model, model.prepare("a (fox:1.5)").states)
    words = model.parts.words.tokenizers[0]("a fox").input_ids
    fox = slice(2, len(words) - 1)  # behind the mark and "a"
    torch.testing.assert_close(weighted[fox], empty[fox] + 1.5 * (plain[fox] - empty[fox]))
    rest = [place for place in range(CHUNK) if place not in range(*fox.indices(CHUNK))]
    assert torch.equal(weighted[rest], plain[rest])
    assert torch.equal(tokens(model, model.prepare("a (fox:1)").states), plain)
    assert torch.equal(tokens(model, model.prepare(r"a \(fox\)").states), by_library(model, "a (fox)")[0])
    none = tokens(model, model.prepare("a (fox:0)").states)
    assert torch.equal(none[fox], empty[fox])


def attended(states, query):
    return torch.nn.functional.scaled_dot_product_attention(query[None], states[None], states[None])[0]


def test_a_prompt_said_as_often_as_another_is_long_is_the_same_to_attention():
    first, second = (PromptStates(torch.randn(n, 16, generator=torch.Generator().manual_seed(n)), 1) for n in (5, 7))
    long = in_one_length(first, second)
    query = torch.randn(3, 16)
    for states, one in zip(long, (first, second)):
        assert len(states) == 13
        torch.testing.assert_close(attended(states[:-1], query), attended(one.states[:-1], query))
        assert torch.equal(states[-1], one.states[-1])
    same = in_one_length(first, first)
    assert same[0] is same[1] is first.states


@pytest.mark.parametrize("family", ["sd", "sdxl"])
@pytest.mark.parametrize("guidance", ["none", "full"])
def test_long_and_short_prompts_play_beside_each_other(models, family, guidance):
    model = models[family]
    engine = Engine(model)
    engine.apply([(1, Sampling(guidance=guidance, scale=2.0, steps=2)), (2, Prompt(LONG, negative="a lake"))])
    engine.step()
    frames = []
    for revision, prompt in enumerate((Prompt("a fox"), Prompt(LONG + LONG, negative=LONG, blend=3)), 3):
        engine.apply([(revision, prompt)])
        frames += [engine.step() for _ in range(3)]
    assert len({frame.hash for frame in frames}) > 2
    held = ControlState().after(Prompt("a fox"), 0).after(Prompt(LONG, blend=3), 10)
    mixed = condition_frames(model, held.at(11), [11]).text
    assert mixed.shape[1] == 2 * CHUNK + (family == "sdxl")


def test_an_image_model_says_what_is_letters_to_it_and_reads_any_length(models):
    assert models["sd"].prepare(LONG + "(fox:1.3) BREAK [b]").remarks == ()
    (remark,) = models["sd"].prepare("a fox <lora:ink:0.8>").remarks
    assert "as letters: open the model with that LoRA and move its slider" in remark
