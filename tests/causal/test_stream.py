"""A stream from its first frame to its last: words, steps, batches, guidance, snapshots.

10-14, 18, 19 and 21 of causal-video.md; 21 and 23 of streamdiffusion.md.
"""

from dataclasses import replace

import pytest
import torch
from tiny.causal import LATENT, TEXT, TRACKS, controls, drawn, output_that_means, tiny

from causal.published import (
    CHUNK,
    LONGLIVE,
    assert_close,
    blocks,
    fresh,
    one_prompt,
    published,
    run_steps,
    stock,
    written,
)
from studio.conditioning import BatchConditioning, Conditioning, condition_frames
from studio.controls import Picture, Sink
from studio.guidance import GUIDANCES, guide_away
from studio.models.pocket.appearance import draw_track, fold
from studio.samplers import Rolling, Rollout, StreamBatch
from studio.schedule import add_noise, clean_from, sigmas, warp


def test_causal_10_a_switch_takes_the_old_words_out_of_cross_attention_exactly_once(monkeypatch):
    """A switch resets cross-attention K/V exactly once; to the same prompt it is none; at chunk 0 no recache."""
    model = published(**LONGLIVE)
    calls, embedder = [], model.net.transformer.condition_embedder.text_embedder
    monkeypatch.setattr(embedder, "forward", lambda text, forward=embedder.forward: calls.append(1) or forward(text))
    stream, old, new = Rollout(model), controls(steps=4), controls("a city at night", steps=4)
    stream.switch("recache", old)
    assert (calls, model.calls) == ([], [])
    run_steps(stream, old, 3)
    assert len(calls) == 1
    stream.switch("recache", new)
    after = run_steps(stream, new, 3)
    assert len(calls) == 2
    other = published(**LONGLIVE)  # which never heard the old words
    fresh_stream = Rollout(other)
    fresh_stream.restore(replace(stream.snapshot()))
    assert torch.equal(run_steps(fresh_stream, new, 2), run_steps(stream, new, 2))
    assert after.isfinite().all()


def test_causal_11_timesteps_and_the_arithmetic_of_noise():
    """warp(shift 5) = [1000, 937.5, 833.33, 625]; add_noise/x0 round trip <= 1e-6; sigma(1000) = 1, sigma(0) = 0."""
    assert [round(1000 * sigma, 2) for sigma in sigmas(4, 5.0)] == [1000, 937.5, 833.33, 625]
    assert [round(1000 * sigma, 2) for sigma in sigmas(5, 5.0)] == [1000, 952.38, 882.35, 769.23, 555.56]
    assert (warp(1, 5), warp(0, 5)) == (1, 0)
    clean, grain, sigma = drawn(3, *LATENT), drawn(3, *LATENT, seed=1), torch.tensor([1.0, 0.9375, 0.625])
    x = add_noise(clean, grain, sigma)
    assert_close(clean_from("velocity", x, sigma, grain - clean), clean, 1e-6)
    assert_close(clean_from("velocity", x, sigma, output_that_means("velocity", x, sigma, clean)), clean, 1e-6)


def test_causal_11_the_last_step_gives_the_clean_latent_without_noise():
    model, state = published(), controls(steps=4)
    stream = Rollout(model)
    for _ in range(3):
        assert stream.tick(state) is None
    row = stream.snapshot().rows[0]
    out = stream.tick(state)
    assert_close(out, model.net(row.x, (0.625,) * 3, condition_frames(model, state, range(3)), range(3)))


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_causal_12_a_stream_is_its_log_of_events_and_no_chunk_knows_of_later_ones(sampler):
    """All noise is keyed by (seed, chunk, step); chunks < k do not change with a prompt at chunk k."""

    def play(chunks, at=99):
        model, came = published(**LONGLIVE), []
        stream = sampler(model)
        for chunk in range(chunks):
            state = controls("a city at night" if chunk >= at else "a meadow", steps=3, seed=7)
            if chunk == at:
                stream.switch("recache", state)
            came.append(stream.step(state))
        return torch.cat(came)

    whole = play(7)
    torch.manual_seed(5)
    torch.randn(3)
    assert torch.equal(play(7), whole)
    assert torch.equal(play(4), whole[:12])
    switched = play(7, at=4)
    assert torch.equal(switched[:12], whole[:12])
    assert not torch.allclose(switched[12:15], whole[12:15], atol=1e-3)


def test_causal_13_a_batch_is_each_alone_also_under_different_prompts():
    """Batch of 2 == two single runs; different prompts per sample."""
    net, x, sigma = tiny(chunk=CHUNK), drawn(2, 6, *LATENT), drawn(2, 6).sigmoid()
    conds = [one_prompt(6, seed) for seed in (1, 5)]
    batch = BatchConditioning(torch.stack([c.text for c in conds]), torch.stack([c.tracks for c in conds]))
    both = net(x, sigma, batch, torch.arange(6))
    assert_close(both, torch.stack([net(x[i], sigma[i], conds[i], range(6)) for i in range(2)]))


@pytest.mark.parametrize(("height", "width"), [(2, 2), (6, 10), (16, 32), (14, 2)])
def test_causal_14_any_height_and_width_that_patches_fill(height, width):
    """Any H, W divisible by 16 (latents by 2); also where tokens are a multiple of 128."""
    net, x = tiny(chunk=CHUNK), drawn(9, LATENT[0], height, width)
    cond = Conditioning.of(drawn(*TEXT), drawn(9, TRACKS, height, width))
    cache = net.new_cache(0, 3, (LATENT[0], height, width), "absolute", "after")
    written(net, x[:6], cond, cache)
    ours = net(x[6:], (0.7,) * 3, cond.rows([6, 7, 8]), range(6, 9), cache)
    sigma = torch.tensor([0.0] * 6 + [0.7] * 3)
    assert_close(ours, stock(net, x, sigma, cond, blocks(9, window=3))[6:])


def test_causal_18_the_track_map_shows_what_stands_there_and_nothing_elsewhere():
    """Zero elsewhere and where invisible; chunk by chunk == the whole; a step of one cell shifts the map by one."""
    plane = drawn(1, 4, 32, 32).abs().clamp(0.2, 0.9)

    def mapped(xs, empty=False):
        x = torch.tensor(xs)
        track = torch.zeros(len(xs), 4, 128, 128)
        if not empty:
            one = torch.ones(len(xs))
            track = draw_track(track, plane.expand(len(xs), -1, -1, -1), x, 0.5 * one, 0.25 * one, one)
        return fold(track)

    xs = [0.25, 0.25 + 1 / 16, 0.5]
    whole = mapped(xs)
    assert not mapped(xs, empty=True).any()
    assert whole.any()
    assert not whole[0, :, :, 8:].any()  # it is in the left half, and nothing is elsewhere
    assert not mapped([-1.0]).any()  # out of sight
    assert torch.equal(torch.cat([mapped([x]) for x in xs]), whole)
    assert_close(whole[1], whole[0].roll(1, -1))
    model = tiny()
    bare = Conditioning.of(drawn(1, *TEXT), torch.zeros(1, TRACKS, *LATENT[1:]))
    x, untold = drawn(1, *LATENT), tiny()
    untold.transformer.patch_embedding.weight[:, LATENT[0] :] = 0  # as a model that has no such channels
    assert torch.equal(model(x, (0.5,), bare, (0,)), untold(x, (0.5,), bare, (0,)))


def test_causal_19_guidance_between_equals_changes_nothing_and_costs_what_it_says():
    """v(c) = v(0) implies v; limits at 0 and 1; forwards a step: 1, and 2 with "full"."""
    clean, anchor = drawn(3, *LATENT), drawn(3, *LATENT, seed=1)
    for scale in (0.0, 1.5, 7.0):
        assert torch.equal(guide_away(clean, clean, scale), clean)
    assert torch.equal(guide_away(clean, anchor, 1.0), clean)
    assert_close(guide_away(clean, anchor, 0.0), anchor, 1e-6)
    for kind, forwards in {"none": 1, "self": 1, "initialize": 1, "full": 2}.items():
        model = published(**LONGLIVE)
        Rollout(model).tick(controls(steps=3, guidance=kind, scale=2.0))
        assert len(model.calls) == forwards, kind
    assert set(GUIDANCES) == {"none", "full", "self", "initialize"}


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_causal_21_a_snapshot_restored_goes_on_identically(sampler):
    """Restoring a snapshot and regenerating gives identical frames (undo, branch)."""
    model, old, new = published(**LONGLIVE), controls(steps=3), controls("a city at night", steps=3)
    stream = sampler(model)
    run_steps(stream, old, 5)
    state = stream.snapshot()
    onward = run_steps(stream, old, 4)
    for _ in range(2):
        stream.restore(state)
        stream.switch("recache", new.updated(Sink("renew")))
        branch = run_steps(stream, new, 3)
        stream.restore(state)
        assert torch.equal(run_steps(stream, old, 4), onward)
        other = sampler(model)
        other.restore(state)
        assert torch.equal(run_steps(other, old, 4), onward)
    assert not torch.allclose(branch, onward[:9], atol=1e-3)


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_a_picture_in_force_at_a_clean_start_is_the_first_frame_and_is_written_as_it_is(sampler):
    """Self-Forcing's initial_latent: pushed through at t = 0, then chunks follow it; a restart keeps the rule."""
    model, given = published(sink=0, window=18, takes_pictures=True), drawn(*LATENT, seed=11)
    model.encode_picture = lambda picture: given
    state = controls(steps=2).updated(Picture(b"\xff\xd8\xff"))
    stream = sampler(model)
    for start in (0, 40):
        stream.restart(start)
        first = stream.step(state)
        assert torch.equal(first, given[None])
        second = stream.step(state)
        assert (len(second), stream.frame) == (CHUNK, start + 1 + CHUNK)
        stream.step(state)
        assert stream.cache.frames[0] == start
        assert torch.equal(stream.snapshot().kept[0].latent, given)
    if sampler is Rollout:
        cond, cache, x0 = condition_frames(model, state, range(40, 44)), model.new_cache(), torch.empty(0)
        model.net(given[None], (0.0,), cond.rows([0]), (40,), cache, 1)
        for step, level in enumerate(model.sigmas(2)):
            x = fresh(0, range(41, 44), step)
            x = x if step == 0 else add_noise(x0, x, level)
            x0 = model.net(x, (level,) * 3, cond.rows([1, 2, 3]), range(41, 44), cache)
        assert_close(second, x0)
    without = sampler(model)
    assert len(without.step(controls(steps=2))) == CHUNK


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_flush_gives_what_is_in_flight_in_order_and_begins_nothing(sampler):
    model, state = published(**LONGLIVE), controls(steps=4)
    stream = sampler(model)
    run_steps(stream, state, 3)
    begun = stream.in_flight
    rest = stream.flush(state)
    assert sum(map(len, rest)) == begun
    assert (stream.in_flight, stream.frame) == (0, 9 + begun)
    if sampler is not Rollout:
        assert begun == 9
        assert torch.equal(rest[0], rest[0])
    onward = stream.step(state)
    assert onward.isfinite().all()
    assert stream.frame == 12 + begun


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_stream_21_after_a_reset_the_second_session_is_the_first(sampler):
    """Reset makes session 2 bit-equal to session 1 with the same seed."""
    stream, state = sampler(published(**LONGLIVE)), controls(steps=3, seed=4)
    first = run_steps(stream, state, 6)
    stream.restart(0)
    assert torch.equal(run_steps(stream, state, 6), first)


@pytest.mark.parametrize("sampler", [Rollout, Rolling, StreamBatch])
def test_stream_23_streams_side_by_side_are_each_as_if_alone(sampler):
    """A batch of streams == each stream alone; ours share a model and take turns."""
    model = published(**LONGLIVE)
    plan = [controls(steps=2, seed=1), controls("a city at night", steps=3, seed=2)]
    alone = [run_steps(sampler(model), state, 5) for state in plan]
    streams = [sampler(model) for _ in plan]
    turns = [[stream.step(state) for stream, state in zip(streams, plan, strict=True)] for _ in range(5)]
    for mine, apart in zip(zip(*turns, strict=True), alone, strict=True):
        assert torch.equal(torch.cat(mine), apart)
