"""Words by region in causal video models: masked attention and its slow definition, caches, the past, takes."""

from dataclasses import replace

import pytest
import torch
from tiny.causal import CausalModel, controls

from regional.masks import LEFT, RIGHT, WHOLE, mask
from studio.conditioning import Rows, condition_frames
from studio.controls import ControlState, Prompt, Region, Sampling
from studio.models.wan import transformer_block
from studio.noise import noise
from studio.regional import side_by_side
from studio.samplers import samplers_of
from studio.session import Session

CLOSE = dict(rtol=1e-4, atol=1e-5)


@pytest.fixture(autouse=True)
def playing():
    with torch.no_grad():
        yield


def tiny(**able):
    return CausalModel("velocity", **{"hears_regions": True, "chunk": 1} | able)


def drawn(model, *held, rows=2, cache=None, sigma=0.7):
    """The clean latents of the first frames under controls; of each frame its own, where a list is given."""
    frames = range(rows)
    x = torch.stack([noise(3, frame, 0, model.latent) for frame in frames])
    cond = condition_frames(model, ControlState.of(Prompt("a meadow"), *held), frames)
    return model.denoise(Rows(x, (sigma,) * rows, cond, tuple(frames)), cache)


def apart(model, cond, grid):
    """The slow definition of a block's cross-attention: each text by itself, then the mean by share and sum."""
    beside = side_by_side(cond.regions)
    shares = torch.nn.functional.adaptive_avg_pool2d(beside.shares, grid).flatten(2)
    embed, dtype = model.net.transformer.condition_embedder.text_embedder, torch.float32

    def attend(attn, x, text, heard, attention):
        query = transformer_block.rms_norm(attn.to_q(x[0]), attn.norm_q).unflatten(-1, (attn.heads, -1))
        said, sums = 0, 0
        for place, share in enumerate(shares.unbind(1)):
            rows = [cond.prompts[row] if not place else beside.texts[place - 1] for row in range(len(cond))]
            states = embed(torch.stack([one.states for one in rows]).to(dtype))
            keys = transformer_block.rms_norm(attn.to_k(states), attn.norm_k).unflatten(-1, (attn.heads, -1))
            values = attn.to_v(states).unflatten(-1, (attn.heads, -1))
            scores = torch.einsum("fqhc,fkhc->fqhk", query, keys) / query.shape[-1] ** 0.5
            weight = share[:, :, None, None] * scores.logsumexp(-1, keepdim=True).exp()
            said = said + weight * torch.einsum("fqhk,fkhc->fqhc", scores.softmax(-1), values)
            sums = sums + weight
        return attn.to_out[0]((said / sums).flatten(2))[None]

    return attend


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("folds", [False, True])
def test_one_masked_attention_is_each_text_attended_by_itself(monkeypatch, folds, moving):
    """Of rows under one text and under two; with keys folded into products, as of short texts, and not."""
    model = tiny()
    frames, state = (0, 1), ControlState.of(Prompt("a meadow"), LEFT, RIGHT)
    cond = condition_frames(model, state, frames)
    if moving:  # a row under other words, which hears one region alone
        cond = replace(
            cond, prompts=(cond.prompts[0], model.prepare("rain")), regions=(cond.regions[0], cond.regions[1][:1])
        )
    if not folds:
        monkeypatch.setattr(
            "studio.models.wan.text_keys.fold_into_products", lambda attn, *kv: transformer_block.TextKeys(*kv)
        )
    rows = Rows(torch.stack([noise(3, f, 0, model.latent) for f in frames]), (0.7, 0.7), cond, frames)
    fast = model.denoise(rows)
    monkeypatch.setattr(transformer_block, "cross_attention", apart(model, cond, (4, 3)))
    torch.testing.assert_close(fast, model.denoise(rows), **CLOSE)


def test_short_texts_are_folded_with_their_regions():
    model = tiny()
    cond = condition_frames(model, ControlState.of(Prompt("a meadow"), LEFT), [0])
    keys = model.net.inputs.texts(cond, torch.float32, True, side_by_side(cond.regions).texts)
    assert keys[0].folded


def test_words_for_the_whole_picture_at_full_strength_are_the_prompt():
    model = tiny()
    torch.testing.assert_close(drawn(model, WHOLE), drawn(model, Prompt(WHOLE.text)), **CLOSE)


def test_without_a_region_not_one_bit_differs_and_nothing_is_computed(monkeypatch):
    model = tiny()
    now = drawn(model)
    monkeypatch.setattr("studio.models.wan.causal_wan.side_by_side", None)
    monkeypatch.setattr("studio.models.wan.causal_wan.heard_by_region", None)
    assert torch.equal(drawn(model, Region("a", "rain", mask(), 0.0)), now)
    assert condition_frames(model, ControlState.of(Prompt("a")), [0]).regions == ()


def test_texts_of_other_lengths_stand_side_by_side_with_all_their_states(model):
    """A Wan text has 512 states, also behind its last token; of a region's all are heard, as of the prompt's."""
    cond = condition_frames(model, ControlState.of(Prompt("a meadow"), LEFT, RIGHT), [0])
    beside = side_by_side(cond.regions)
    keys = model.net.inputs.texts(cond, torch.float32, True, beside.texts)
    assert [len(one.states) for one in (cond.prompts[0], *beside.texts)] == [512] * 3
    assert keys[0].keys.shape[1] == 3 * 512
    torch.testing.assert_close(drawn(model, WHOLE, rows=1), drawn(model, Prompt(WHOLE.text), rows=1), **CLOSE)


def test_keys_of_a_text_with_and_without_regions_are_kept_apart():
    model = tiny()
    plain, heard = drawn(model), drawn(model, LEFT)
    assert torch.equal(drawn(model), plain)
    assert torch.equal(drawn(model, LEFT), heard)
    assert len(model.net.inputs._texts) == 2
    assert torch.equal(drawn(model, RIGHT), drawn(tiny(), RIGHT)), "other words of as many regions are others"


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_the_past_keeps_what_it_heard_and_a_rebuilt_cache_is_the_one_that_was(sampler):
    """Frames carry their regions into the cache, and a cache that is built again from them draws the same."""
    model = tiny(chunk=3, sink=3, window=3)
    stream = samplers_of(model)[sampler](model)
    state = controls(steps=2).updated(LEFT, RIGHT)
    for _ in range(4):
        stream.step(state)
    assert all(one.cond.regions for one in stream.context.kept)
    kept = stream.snapshot()
    after = [stream.step(state.updated(Region("left", ""))) for _ in range(3)]  # the past has them, new rows have not
    stream.restore(kept)
    stream.cache.clear()  # as after a forward that failed
    again = [stream.step(state.updated(Region("left", ""))) for _ in range(3)]
    for one, other in zip(after, again, strict=True):
        torch.testing.assert_close(one, other, **CLOSE)
    stream.restore(kept)
    stream.switch("recache", state.updated(Prompt("rain")))
    assert all(one.cond.regions and one.cond.prompts[0] is model.prepare("rain") for one in stream.context.kept)


def test_the_negative_prompt_is_for_the_whole_picture():
    model = tiny()
    state = ControlState.of(Prompt("a meadow", "fog"), LEFT)
    assert not condition_frames(model, state, [0], negative=True).regions
    stream = samplers_of(model)["stream"](model)
    held = state.updated(Sampling(1, "full", 2.0, 2))
    assert torch.cat([stream.step(held) for _ in range(3)]).isfinite().all()


def test_a_take_with_regions_is_kept_in_a_file_and_goes_on_the_same(model, tmp_path):
    session, other = Session(model, sampler="rollout"), Session(model, sampler="rollout")
    session.send(LEFT)
    for _ in range(3):
        session.step()
    session.send(RIGHT)
    session.step()
    other.open_bookmark(session.bookmark(tmp_path / "here.jsonl"))
    assert [other.step().hash for _ in range(6)] == [session.step().hash for _ in range(6)]


@pytest.mark.parametrize("texts", [1, 2])
def test_in_bfloat16_on_a_cpu_the_same_is_heard(texts):
    """There attention is plain products, with the shares of each text's rows in their place."""
    shape = (texts, 6, 2, 8)
    query, key, value = (torch.randn(shape, generator=torch.Generator().manual_seed(n)) for n in range(3))
    bias = torch.rand(texts, 1, 6, 6, generator=torch.Generator().manual_seed(3)).log()
    wanted = transformer_block.attend(query, key, value, bias)
    half = transformer_block.attend(*(part.bfloat16() for part in (query, key, value, bias)))
    torch.testing.assert_close(half.float(), wanted, rtol=0.05, atol=0.03)
