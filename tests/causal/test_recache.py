"""A new prompt and the cache (3, 4, 5), and the sink at a switch."""

import pytest
import torch
from tiny.causal import controls, plainly
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from causal.published import CHUNK, LONGLIVE, assert_close, assert_same_cache, held, published, run_steps, written
from studio.conditioning import condition_frames
from studio.controls import Sink
from studio.samplers import Rolling, Rollout, StreamBatch


def recached(model, state, chunks):
    stream = Rollout(model)
    latents = run_steps(stream, state, chunks)
    new = controls("a city at night")
    stream.switch("recache", new)
    return stream, latents, new


def test_causal_03_a_block_wise_recache_is_as_if_the_new_words_had_always_been_there():
    """recache(A->B) == cache built with B from scratch while nothing was evicted; a second changes nothing (1e-6)."""
    model = published(window=18)
    stream, latents, new = recached(model, controls(steps=2), 5)
    stream.tick(new)  # writes the chunk that came out last
    scratch = model.new_cache()
    written(model.net, latents, condition_frames(model, new, range(15)), scratch)
    assert_same_cache(stream.cache, scratch, 5e-6)  # products of other shapes round otherwise
    old = model.new_cache()
    written(model.net, latents, condition_frames(model, controls(), range(15)), old)
    assert (held(old)[0] - held(stream.cache)[0]).abs().max() > 1e-2
    before = held(stream.cache)
    stream.switch("recache", new)
    for ours, theirs in zip(held(stream.cache), before, strict=True):
        assert_close(ours, theirs, 1e-6)


@pytest.mark.parametrize("chunks", [1, 2, 4, 7])
def test_causal_04_the_references_recache_is_one_two_way_pass_that_spares_the_sink_also_early(chunks):
    """recache == one two-way t=0 forward of the last min(W, n) frames; sink slots untouched: always, also early."""
    model = published(**LONGLIVE)
    start = chunks * CHUNK
    stream = Rollout(model)
    latents = run_steps(stream, controls(steps=2), chunks)
    reference = model.new_cache()
    written(model.net, latents, condition_frames(model, controls(), range(start)), reference)
    stream.switch("recache", controls("a city at night").updated(Sink("keep")))
    stream.tick(controls("a city at night", steps=2))
    recent = range(max(0, start - 9), start)
    dead = [frame for frame in recent if frame < 3]
    rows = [frame for frame in recent if frame not in dead]
    for ours, theirs in zip(held(stream.cache), held(reference), strict=True):
        assert torch.equal(ours[:, :3], theirs[:, :3])
    if rows:
        keys, values = held(reference)
        context = {f: list(zip(keys[:, f], values[:, f], strict=True)) for f in range(3)}
        cond = condition_frames(model, controls("a city at night"), rows)
        _, made = plainly(model.net, latents[rows], 0.0, cond, rows, context)
        for place, frame in enumerate(stream.cache.frames[3:], 3):
            for layer, pair in enumerate(made[frame]):
                for ours, theirs in zip(held(stream.cache), pair, strict=True):
                    assert_close(ours[layer, place], theirs)


def test_causal_05_only_frames_that_survive_are_recomputed():
    """Recompute of only the W-S window frames gives the same cache as the reference's W frames."""
    model = published(**LONGLIVE)
    stream = Rollout(model)
    latents = run_steps(stream, controls(steps=2), 7)
    stream.tick(controls(steps=2))  # so that all is written, and nothing pending
    stream.flush(controls(steps=2))
    before, new = held(stream.cache), controls("a city at night").updated(Sink("keep"))
    recent = range(12, 24)
    everything = torch.cat([latents, torch.stack([one.latent for one in stream.snapshot().pending])])
    context = {f: list(zip(before[0][:, f], before[1][:, f], strict=True)) for f in range(3)}
    cond = condition_frames(model, new, recent)
    _, made = plainly(model.net, everything[recent], 0.0, cond, recent, context, dead=(12, 13, 14))
    model.calls.clear()
    stream.switch("recache", new)
    assert [[frame for frame, _ in rows] for rows, _ in model.calls] == [[*range(15, 24)]]
    assert stream.cache.frames == (0, 1, 2, *range(18, 24))
    for place, frame in enumerate(stream.cache.frames[3:], 3):
        for layer, pair in enumerate(made[frame]):
            for ours, theirs in zip(held(stream.cache), pair, strict=True):
                assert_close(ours[layer, place], theirs)


def flops(work):
    """Floating-point operations of matrix products and attention, counted and not timed."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        work()
    return counter.get_total_flops()


@pytest.mark.parametrize(("recache", "policy", "most"), [("bidirectional", "keep", 0.45), ("causal", "recache", 0.65)])
def test_recache_over_the_frames_that_survive_costs_at_most_six_tenths_of_a_chunk(recache, policy, most):
    """What a switch adds to a chunk of four steps and a clean pass, against such a chunk, on the same shapes."""
    model = published(**{**LONGLIVE, "recache": recache})
    stream, old = Rollout(model), controls(steps=4)
    new = controls("a city at night", steps=4).updated(Sink(policy))
    run_steps(stream, old, 8)
    state = stream.snapshot()
    plain = flops(lambda: stream.step(old))
    stream.restore(state)
    switched = flops(lambda: (stream.switch("recache", new), stream.step(new)))
    assert 0 < switched - plain <= min(most, 0.6) * plain


# The sink


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_the_sink_is_renewed_once_for_every_higher_count_and_keeps_its_place(sampler):
    model, state = published(**LONGLIVE, positions="slots"), controls(steps=2)
    stream = sampler(model)
    stream.step(state.updated(Sink(renewed=3)))  # a clean start asks for none
    for _ in range(5):
        stream.step(state.updated(Sink(renewed=3)))
    assert stream.cache.frames[:3] == (0, 1, 2)
    window = stream.cache.frames[3:6]
    renewed = state.updated(Sink(renewed=4))
    for _ in range(4):
        stream.step(renewed)
        assert stream.cache.frames[:3] == window
    assert len(stream.cache) == 9
    snapshot, other = stream.snapshot(), sampler(model)
    other.restore(snapshot)
    other.step(renewed)
    assert other.cache.frames[:3] == window
    stream.step(state.updated(Sink(renewed=2)))
    assert stream.cache.frames[:3] == window


def test_the_sink_is_renewed_once_for_a_prompt_however_long_it_blends():
    model = published(**LONGLIVE)
    stream, sinks = Rollout(model), []
    new = controls("a city at night", steps=2).updated(Sink("renew"))
    run_steps(stream, controls(steps=2), 6)
    window = stream.cache.frames[3:6]
    for anew in (True, False, False):
        stream.switch("recache", new, anew)
        stream.step(new)
        sinks.append(stream.cache.frames[:3])
    assert sinks == [window] * 3


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_at_a_switch_the_sink_is_recached_kept_or_made_of_the_oldest_of_the_window(sampler):
    frames, texts = {}, {}
    for policy in ("recache", "keep", "renew"):
        model = published(**{**LONGLIVE, "recache": "causal"})
        stream, new = sampler(model), controls("a city at night", steps=2).updated(Sink(policy))
        run_steps(stream, controls(steps=2), 6)
        window = stream.cache.frames[3:]
        stream.switch("recache", new)
        stream.step(new)
        kept = stream.snapshot().kept
        frames[policy] = tuple(d.frame for d in kept[:3])
        texts[policy] = [torch.equal(d.cond.text[0], model.prepare("a city at night").states) for d in kept]
    assert frames == {"recache": (0, 1, 2), "keep": (0, 1, 2), "renew": window[:3]}
    assert texts["keep"][:3] == [False] * 3
    assert all(texts["keep"][3:] + texts["recache"] + texts["renew"])


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_a_sink_that_is_kept_is_kept_also_where_it_is_not_written_yet(sampler):
    """Section 0.2: with global_sink a switch in the first frames overwrote the sink all the same."""
    model = published(**LONGLIVE)
    stream, new = sampler(model), controls("a city at night", steps=2).updated(Sink("keep"))
    stream.step(controls(steps=2))
    stream.switch("recache", new)
    run_steps(stream, new, 3)
    old, first = model.prepare("a meadow").states, stream.snapshot().kept[:3]
    assert [(d.frame, torch.equal(d.cond.text[0], old)) for d in first] == [(0, True), (1, True), (2, True)]
