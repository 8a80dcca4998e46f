"""The cache and positions in it (1, 2, 6-9; 18-20 of streamdiffusion.md)."""

import gc

import pytest
import torch
from tiny.causal import LATENT, controls, drawn, tiny

from causal.published import (
    CHUNK,
    LONGLIVE,
    assert_close,
    assert_same_cache,
    blocks,
    held,
    one_prompt,
    published,
    run_steps,
    stock,
    written,
)
from studio.conditioning import condition_frames
from studio.controls import Sink
from studio.kv_cache import CacheSnapshot
from studio.samplers import Rolling, Rollout, StreamBatch


def test_causal_01_a_cached_chunk_equals_the_masked_whole():
    """K/V-cached block i (clean prefix cached at t=0, block at t) equals the full forward with block-causal mask."""
    net, x, cond = tiny(chunk=CHUNK), drawn(12, *LATENT), one_prompt(12)
    sigma = torch.tensor([0.0] * 9 + [0.8] * 3)
    for positions in ("absolute", "slots"):
        cache = net.new_cache(0, 18, LATENT, positions, "after")
        written(net, x[:9], cond, cache)
        ours = net(x[9:], (0.8,) * 3, cond.rows([9, 10, 11]), range(9, 12), cache)
        assert_close(ours, stock(net, x, sigma, cond, blocks(12))[9:])
    assert not torch.allclose(stock(net, x, sigma, cond, blocks(12, window=6))[9:], ours, atol=1e-3)


@pytest.mark.parametrize(("sink", "window"), [(0, 3), (3, 3), (3, 6), (0, 6)])
def test_causal_02_a_rolling_cache_with_sink_equals_the_masked_whole(sink, window):
    """Absolute RoPE, rolling cache = mask [chunk end - (w - s) f, chunk end) and [0, s f); w counts the chunk."""
    net, x, cond = tiny(chunk=CHUNK), drawn(18, *LATENT), one_prompt(18)
    cache = net.new_cache(sink, window, LATENT, "absolute", "after")
    written(net, x[:15], cond, cache)
    sigma = torch.tensor([0.0] * 15 + [0.8] * 3)
    ours = net(x[15:], (0.8,) * 3, cond.rows([15, 16, 17]), range(15, 18), cache)
    assert_close(ours, stock(net, x, sigma, cond, blocks(18, sink, window))[15:])
    assert cache.frames == (*range(sink), *range(15 - window, 15))


# Positions and the cache


def test_causal_06_a_stream_is_the_same_at_frame_9_and_at_frame_3009():
    """Slot positions: the same inputs at frame 9 and 3009 are identical; no limit at 1024, with either positions."""
    net, x, cond = tiny(chunk=CHUNK), drawn(15, *LATENT), one_prompt(15)
    made = {}
    for positions in ("slots", "absolute"):
        for start in (9, 3009):
            cache = net.new_cache(3, 6, LATENT, positions, "after")
            written(net, x[:12], cond, cache, start=start)
            numbers = range(start + 12, start + 15)
            made[positions, start] = net(x[12:], (0.5,) * 3, cond.rows([12, 13, 14]), numbers, cache)
    assert torch.equal(made["slots", 9], made["slots", 3009])
    assert_close(made["absolute", 9], made["absolute", 3009])


def test_causal_06_slot_positions_are_absolute_ones_with_the_sink_put_before_the_window():
    """Slot positions == absolute window + re-anchored sink (3.6e-7)."""
    net, x, cond = tiny(chunk=CHUNK), drawn(33, *LATENT), one_prompt(33)
    slots = net.new_cache(3, 6, LATENT, "slots", "after")
    written(net, x[:30], cond, slots)
    state, anchored = slots.snapshot(), net.new_cache(3, 6, LATENT, "absolute", "after")
    numbers = tuple(21 + frame if frame in (0, 1, 2) else frame for frame in state.frames)
    anchored.restore(CacheSnapshot(state.keys, state.values, numbers))
    assert anchored.frames == (21, 22, 23, *range(24, 30))
    rows = (x[30:], (0.5,) * 3, cond.rows([30, 31, 32]), range(30, 33))
    assert_close(net(*rows, slots), net(*rows, anchored), 2e-6)
    far = net.new_cache(3, 6, LATENT, "absolute", "after")
    far.restore(state)
    assert not torch.allclose(net(*rows, slots), net(*rows, far), atol=1e-3)


def test_causal_07_denoising_leaves_what_is_kept_alone_and_the_clean_pass_writes_last():
    """Denoising calls leave sink and past bit-identical; the context pass is the last writer, and idempotent."""
    model, state = published(**LONGLIVE), controls(steps=4)
    stream = Rollout(model)
    run_steps(stream, state, 6)
    stream.tick(state)
    before, frames = held(stream.cache), stream.cache.frames
    for _ in range(3):
        stream.tick(state)
        assert stream.cache.frames == frames
        assert all(torch.equal(a, b) for a, b in zip(held(stream.cache), before, strict=True))
    pending, rows = stream.snapshot().pending, len(model.calls)
    assert [d.frame for d in pending] == [18, 19, 20]
    snapshot = stream.snapshot()
    written_once = []
    for _ in range(2):
        stream.restore(snapshot)
        stream.tick(state)
        written_once.append(held(stream.cache))
    assert [write for _, write in model.calls[rows:]] == [3, 0] * 2
    assert all(torch.equal(a, b) for a, b in zip(*written_once, strict=True))
    with pytest.raises(ValueError, match="cannot be written after"):
        stream.cache.begin([18, 19, 20], 3)


def test_causal_08_memory_and_what_is_seen_stay_the_same_for_a_hundred_chunks():
    """K/V bytes, attended tokens and tensors alive are constant once the window is full."""
    model, state = published(**LONGLIVE, positions="slots"), controls(steps=1)
    stream, views = Rollout(model), []
    begin = stream.cache.begin
    stream.cache.begin = lambda *rows: views.append(begin(*rows)) or views[-1]
    run_steps(stream, state, 8)

    def alive():
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    counts, sizes = [], []
    for chunk in range(100):
        stream.step(state)
        sizes.append((stream.cache.bytes, stream.cache._keys.data_ptr(), len(views[-1].ranks)))
        if chunk in (9, 99):
            counts.append(alive())
    assert len(set(sizes)) == 1
    assert sizes[0][2] == 12
    assert counts[0] == counts[1]
    assert all(type(slot) is int for slot in views[-1].rows)


def made_inputs(inputs):
    """The identities of all that is kept of a forward's inputs, by kind."""
    memos = {"levels": inputs._modulations, "sigma": inputs._levels, "places": inputs._places}
    texts = [id(states()._computed[key]) for states, key in inputs._texts._kept]
    return {"text": texts} | {kind: [id(value) for _, value in memo.entries] for kind, memo in memos.items()}


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_causal_08_no_tick_looks_at_what_is_on_the_device(sampler):
    """No `.item()` or the like per layer or per forward: all goes through on `meta`, where values cannot be seen."""
    model = published(**LONGLIVE, positions="slots", device="meta")
    stream, told_now = sampler(model), controls(steps=2)
    run_steps(stream, told_now, 3)
    for state in (controls("a city at night", steps=2), controls("fog", steps=2, guidance="full", scale=2.0)):
        stream.switch("recache", state.updated(Sink("keep")))
        latents = stream.step(state)
    assert latents.device.type == "meta"
    with pytest.raises((RuntimeError, NotImplementedError)):
        bool(latents.any())


def test_causal_08_on_a_device_nothing_is_computed_again_while_nothing_changes():
    """Noise levels, texts and places are known again without being looked at: after seven chunks none is new."""
    model = published(**LONGLIVE, positions="slots", device="meta")
    stream, state = Rollout(model), controls(steps=1)
    run_steps(stream, state, 7)
    before = made_inputs(model.net.inputs)
    run_steps(stream, state, 4)
    assert before == made_inputs(model.net.inputs)
    assert [len(before[kind]) for kind in ("text", "levels", "sigma")] == [1, 2, 2]


def test_causal_08_a_rollout_needs_no_mask_and_a_backend_gets_all_of_its_attention(monkeypatch):
    seen, model = [], published(**LONGLIVE, positions="slots")
    monkeypatch.setattr("studio.models.wan.forward_inputs.block_bias", lambda hides, *_: seen.append(hides))
    stream, state = Rollout(model), controls(steps=4)
    plain = run_steps(stream, state, 6)
    assert seen
    assert set(seen) == {None}
    model.net.attention = "native"
    calls, stream = [], Rollout(model)
    from studio.models.wan.transformer_block import dispatch_attention_fn

    monkeypatch.setattr(
        "studio.models.wan.transformer_block.dispatch_attention_fn",
        lambda *parts, **options: calls.append(options["backend"].value) or dispatch_attention_fn(*parts, **options),
    )
    assert_close(run_steps(stream, state, 6), plain)
    assert set(calls) == {"native"}
    assert len(calls) == (6 * 5 - 1) * 2  # the last clean pass is to come; words this few need no kernel


@pytest.mark.parametrize("evicts", ["before", "after"])
def test_causal_09_the_order_of_the_slots_does_not_matter(evicts):
    """Attention output equal for any slot permutation, with positions carried along."""
    net, x, cond = tiny(chunk=CHUNK), drawn(18, *LATENT), one_prompt(18)
    cache = net.new_cache(3, 6, LATENT, evicts=evicts)
    written(net, x[:15], cond, cache)
    state, rows = cache.snapshot(), (x[15:], (0.5,) * 3, cond.rows([15, 16, 17]), range(15, 18))
    plain = net(*rows, cache)
    for seed in range(3):
        order = torch.randperm(len(state.frames), generator=torch.Generator().manual_seed(seed)).tolist()
        keys, values = (p.unflatten(1, (len(order), -1))[:, order].flatten(1, 2) for p in (state.keys, state.values))
        cache.restore(CacheSnapshot(keys, values, tuple(state.frames[slot] for slot in order)))
        assert_close(net(*rows, cache), plain)


# streamdiffusion.md, section 5


def test_stream_18_chunks_on_a_cache_are_one_causal_sequence_and_the_ring_holds_sinks_and_the_last():
    """Unbounded cache: chunked == causal mask; ring: sinks + last W frames exactly, for 1, 2, 4 steps, after reset."""
    net, x, cond = tiny(chunk=CHUNK), drawn(9, *LATENT), one_prompt(9)
    sigma, cache = torch.tensor([0.0] * 6 + [0.6] * 3), net.new_cache(0, 99, LATENT)
    written(net, x[:6], cond, cache)
    chunked = net(x[6:], (0.6,) * 3, cond.rows([6, 7, 8]), range(6, 9), cache)
    assert_close(chunked, stock(net, x, sigma, cond, blocks(9))[6:])
    for steps, sampler in ((1, Rollout), (2, Rollout), (4, Rollout), (2, StreamBatch), (2, Rolling)):
        stream = sampler(published(**LONGLIVE))
        for start in (0, 50):
            stream.restart(start)
            for chunk in range(1, 7):
                stream.step(controls(steps=steps))
                done = range(start, start + (chunk - 1) * CHUNK)  # the newest is written by the next tick
                assert stream.cache.frames == (*done[:3], *done[3:][-6:])


def test_stream_19_each_frame_is_written_once_to_one_slot_and_clean():
    """The final content is that of the clean step, independent of the number of steps."""
    for steps in (1, 2, 4):
        model = published(sink=0, window=99)
        stream, state = Rollout(model), controls(steps=steps)
        latents = run_steps(stream, state, 4)
        stream.tick(state)
        frames = [frame for rows, write in model.calls for frame, sigma in rows[:write]]
        assert frames == list(range(12))
        assert all(sigma == 0 for rows, write in model.calls for _, sigma in rows[:write])
        again = model.new_cache()
        written(model.net, latents, condition_frames(model, state, range(12)), again)
        assert_same_cache(stream.cache, again, 0)


def test_stream_20_attention_hears_distances_alone_and_runs_past_every_table():
    """Shifting all positions changes nothing; 2,000 chunks without a jump; positions of chunks strictly increase."""
    net, x, cond = tiny(), drawn(3, *LATENT), one_prompt(3)
    for shift in (7, 1500, 100_000):
        assert_close(net(x, (0.5,) * 3, cond, range(shift, shift + 3)), net(x, (0.5,) * 3, cond, range(3)), 2e-5)
    cache, last = net.new_cache(1, 2, LATENT), -1
    for frame in range(2000):
        view = cache.begin([frame], 1)
        assert view.ranks[view.rows[0]] == min(frame, 2)
        assert sorted(view.ranks) == list(range(len(view.ranks)))
        assert frame > last
        last = frame
    absolute = net.new_cache(1, 2, LATENT, "absolute", "after")
    places = [view.ranks[view.rows[0]] for frame in range(5) for view in [absolute.begin([frame], 1)]]
    assert places == [0, 1, 2, 3, 4]
