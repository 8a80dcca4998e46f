from dataclasses import replace

import pytest
import torch
from tiny.causal import LATENT, TEXT, CausalModel, controls, drawn

from studio.conditioning import Conditioning, PromptStates, condition_frames
from studio.controls import Prompt, Sampling, Stroke
from studio.noise import noise
from studio.samplers import Rolling, Rollout, StreamBatch, samplers_of
from studio.samplers.causal import chunk_noise
from studio.schedule import add_noise

BOTH = pytest.mark.parametrize("sampler", [StreamBatch, Rollout])
ALL = pytest.mark.parametrize("sampler", [StreamBatch, Rollout, Rolling])


def assert_close(one, other):
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def run_steps(stream, state, count):
    return torch.cat([stream.step(state) for _ in range(count)])


def same_keys(one, two):
    """The kept frames' keys of two caches, slot order aside."""
    assert one.frames == two.frames
    left, right = one.snapshot(), two.snapshot()
    for a, b in ((left.keys, right.keys), (left.values, right.values)):
        for frame in one.frames:
            ours, theirs = left.frames.index(frame), right.frames.index(frame)
            size = one.tokens
            yield a[:, ours * size : (ours + 1) * size], b[:, theirs * size : (theirs + 1) * size]


def slow_stream(model, state, count, steps):
    """The stream batch by definition: every row alone, after the kept frames and the rows before it as they are."""
    out, flight, kept, levels = [], [], [], model.sigmas(steps)
    seed, entered = state[Sampling].seed, 0
    while len(out) < count:
        if not flight or len(levels) - flight[-1][1] < steps:
            flight.append([entered, 0, noise(seed, entered, 0, LATENT)])
            entered += 1
        cache = model.net.new_cache(0, 99, LATENT)
        context = [*((f, x, 0.0) for f, x in kept), *((f, x, levels[step]) for f, step, x in flight)]
        clean = {}
        for frame, x, sigma in context:
            cond = condition_frames(model, state, [frame])
            clean[frame] = model.net(x[None], (sigma,), cond, (frame,), cache, 1)[0]
        for row in flight:
            row[1] += 1
            if row[1] < steps:
                row[2] = add_noise(clean[row[0]], noise(seed, row[0], row[1], LATENT), levels[row[1]])
        if flight[0][1] == steps:
            out.append(clean[flight[0][0]])
            kept.append((flight.pop(0)[0], out[-1]))
    return torch.stack(out)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_stream_batch_is_its_slow_definition(steps):
    model = CausalModel(sink=2, window=6)  # nothing is evicted: the context's own keys are then the cached ones
    fast = run_steps(StreamBatch(model), controls(steps=steps, seed=3), 7)
    assert_close(fast, slow_stream(model, controls(steps=steps, seed=3), 7, steps))


def test_a_rollout_is_its_slow_definition():
    model, told = CausalModel(sink=1, window=2), controls(steps=3, seed=5)
    levels = model.sigmas(3)
    cache, out = model.new_cache(), []
    for frame in range(6):
        cond, clean = condition_frames(model, told, [frame]), torch.empty(0)
        for step, level in enumerate(levels):
            fresh = noise(5, frame, step, LATENT)[None]
            x = fresh if step == 0 else add_noise(clean, fresh, level)
            clean = model.net(x, (level,), cond, (frame,), cache)
        model.net(clean, (0.0,), cond, (frame,), cache, 1)
        out.append(clean[0])
    assert_close(run_steps(Rollout(model), told, 6), torch.stack(out))


def test_a_stream_batch_of_one_step_is_a_rollout_of_one_step():
    one, other = (run_steps(sampler(CausalModel()), controls(steps=1), 9) for sampler in (StreamBatch, Rollout))
    assert torch.equal(one, other)


def test_two_steps_in_flight_are_not_two_steps_in_turn():
    one, other = (run_steps(sampler(CausalModel()), controls(steps=2), 4) for sampler in (StreamBatch, Rollout))
    assert not torch.allclose(one[2:], other[2:], atol=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_one_forward_a_tick_and_every_frame_passes_every_level_once_in_order(steps):
    model = CausalModel()
    stream, told = StreamBatch(model), controls(steps=steps)
    came = [stream.tick(told) is not None for _ in range(12)]
    assert came == [False] * (steps - 1) + [True] * (13 - steps)
    assert len(model.calls) == 12
    seen = {}
    for rows, write in model.calls:
        for frame, sigma in rows[write:]:
            seen.setdefault(frame, []).append(sigma)
        assert all(sigma == 0 for _, sigma in rows[:write])
    finished = [levels for frame, levels in seen.items() if frame < stream.frame]
    assert finished == [list(model.sigmas(steps))] * (13 - steps)
    assert [rows[0][0] for rows, write in model.calls if write] == list(range(12 - steps))


def test_a_rollout_costs_as_many_forwards_as_it_has_steps():
    model = CausalModel()
    run_steps(Rollout(model), controls(steps=3), 4)
    assert [write for _, write in model.calls] == [0, 0, 0] + [1, 0, 0] * 3


@BOTH
def test_the_opening_picture_goes_down_a_longer_schedule_and_the_next_follows_a_tick_later(sampler):
    model = CausalModel(first_frame_steps=4)
    stream, told = sampler(model), controls(steps=2)
    for _ in range(3):
        stream.step(told)
    levels = [sigma for rows, write in model.calls for frame, sigma in rows[write:] if frame == 0]
    assert levels == list(model.sigmas(4))
    assert [sigma for rows, write in model.calls for frame, sigma in rows[write:] if frame == 1] == list(
        model.sigmas(2)
    )
    assert [rows[0][0] for rows, write in model.calls if write] == [0, 1]
    assert len(model.calls) == (4 + 2 if sampler is StreamBatch else 4 + 4)
    stream.switch("cut", told)
    model.calls.clear()
    stream.step(told)
    assert [sigma for rows, _ in model.calls for frame, sigma in rows if frame == 3] == list(model.sigmas(4))


@ALL
def test_the_stream_is_a_function_of_seed_and_controls_alone(sampler):
    model = CausalModel()
    first = run_steps(sampler(model), controls(steps=2, seed=4), 6)
    torch.manual_seed(99)
    assert torch.equal(run_steps(sampler(model), controls(steps=2, seed=4), 6), first)
    assert not torch.allclose(run_steps(sampler(model), controls(steps=2, seed=5), 6), first, atol=1e-3)


@ALL
def test_a_restart_is_a_clean_start_at_any_frame(sampler):
    model = CausalModel()
    stream, told = sampler(model), controls(steps=3)
    run_steps(stream, told, 5)
    stream.restart(40)
    assert torch.equal(run_steps(stream, told, 4), run_steps(sampler(model, 40), told, 4))
    assert stream.frame == 44


@ALL
def test_two_streams_on_one_model_are_each_as_if_alone(sampler):
    model = CausalModel()
    told = [controls(steps=2, seed=1), controls("a city at night", steps=3, seed=2)]
    alone = [run_steps(sampler(model), t, 6) for t in told]
    streams = [sampler(model) for _ in told]
    turns = [[stream.step(t) for stream, t in zip(streams, told, strict=True)] for _ in range(6)]
    for mine, apart in zip(zip(*turns, strict=True), alone, strict=True):
        assert torch.equal(torch.cat(mine), apart)


@ALL
def test_a_snapshot_goes_back_bit_for_bit_and_branches(sampler):
    model = CausalModel(first_frame_steps=4)
    stream, told = sampler(model), controls(steps=3, guidance="initialize", scale=1.5)
    run_steps(stream, told, 5)
    stream.tick(told)
    held = stream.snapshot()
    first = run_steps(stream, told, 5)
    stream.restore(held)
    other = run_steps(stream, controls("a city at night", steps=3), 5)
    stream.restore(held)
    assert torch.equal(run_steps(stream, told, 5), first)
    assert not torch.allclose(other, first, atol=1e-3)
    fresh = sampler(model)
    fresh.restore(held)
    assert torch.equal(run_steps(fresh, told, 5), first)


@BOTH
def test_a_new_prompt_rebuilds_the_cache_as_if_it_had_always_been_there(sampler):
    model = CausalModel(sink=1, window=5)  # six frames: nothing evicted
    stream, told, new = sampler(model), controls(steps=2), controls("a city at night", steps=2)
    latents = run_steps(stream, told, 6)
    stream.switch("recache", new)
    stream.tick(new)  # writes the sixth
    cache = model.new_cache()
    for frame in range(6):
        model.net(latents[frame : frame + 1], (0.0,), condition_frames(model, new, [frame]), (frame,), cache, 1)
    for ours, theirs in same_keys(stream.cache, cache):
        assert_close(ours, theirs)


def test_recache_to_the_same_prompt_changes_nothing_while_nothing_was_evicted():
    model = CausalModel(sink=1, window=5)
    stream, told = StreamBatch(model), controls(steps=2)
    run_steps(stream, told, 4)
    held = stream.snapshot()
    plain = run_steps(stream, told, 3)
    stream.restore(held)
    for _ in range(2):
        stream.switch("recache", told)
    assert_close(run_steps(stream, told, 3), plain)


@ALL
def test_recache_keeps_the_strokes_each_frame_was_made_under(sampler):
    model = CausalModel(sink=0, window=3)
    stream, told = sampler(model), controls(steps=1)
    run_steps(stream, told, 2)
    painted = told.after(Stroke("1", "fox", ((0, 0.5, 0.5),)), 2)
    run_steps(stream, painted, 2)
    new = painted.updated(controls("a city at night")[Prompt])
    stream.switch("recache", new)
    state = stream.snapshot()
    tracks = {d.frame: d.cond.tracks for d in (*state.kept, *state.pending)}
    assert torch.equal(tracks[1], condition_frames(model, told, [1]).tracks)
    assert torch.equal(tracks[3], condition_frames(model, painted, [3]).tracks)
    assert all(
        torch.equal(d.cond.text[0], model.prepare("a city at night").states) for d in (*state.kept, *state.pending)
    )


@BOTH
def test_keep_leaves_the_cache_and_the_clean_frame_under_the_old_words(sampler):
    model = CausalModel()
    stream, told, new = sampler(model), controls(steps=2), controls("a city at night", steps=2)
    run_steps(stream, told, 5)
    held = stream.snapshot()
    stream.switch("keep", new)
    assert all(torch.equal(a, b) for a, b in zip(held.cache.keys, stream.snapshot().cache.keys, strict=True))
    kept = run_steps(stream, new, 4)
    assert [torch.equal(d.cond.text[0], model.prepare("a meadow").states) for d in stream.snapshot().kept] == [
        True,
        False,
        False,
    ]
    stream.restore(held)
    stream.switch("recache", new)
    assert not torch.allclose(run_steps(stream, new, 4), kept, atol=1e-3)


@ALL
def test_a_cut_is_a_new_shot_that_remembers_nothing(sampler):
    model = CausalModel()
    stream, told, new = sampler(model), controls(steps=2), controls("a city at night", steps=2)
    run_steps(stream, told, 5)
    stream.switch("cut", new)
    assert torch.equal(run_steps(stream, new, 4), run_steps(sampler(model, 5), new, 4))


@ALL
def test_frames_before_a_switch_do_not_know_of_it(sampler):
    model = CausalModel()
    told, new = controls(steps=3), controls("a city at night", steps=3)
    plain = run_steps(sampler(model), told, 8)
    stream = sampler(model)
    before = run_steps(stream, told, 4)
    stream.switch("recache", new)
    after = run_steps(stream, new, 4)
    assert torch.equal(before, plain[:4])
    assert (after - plain[4:]).flatten(1).abs().amax(1).min() > 1e-3  # the very next frame is another


def test_a_control_is_seen_in_the_next_frame_and_has_settled_within_steps_and_one():
    model, steps = CausalModel(), 4
    told = controls(steps=steps)
    painted = told.after(Stroke("1", "fox", ((0, 0.5, 0.5),)), 6)
    stream = StreamBatch(model)
    run_steps(stream, told, 6)
    seen = []
    condition = model.condition
    model.condition = lambda states, inputs, frames: (
        seen.append((len(inputs.placements[0]), frames)) or condition(states, inputs, frames)
    )
    held = stream.snapshot()
    plain = stream.step(told)
    stream.restore(held)
    assert not torch.allclose(stream.step(painted), plain, atol=1e-4)
    assert seen[-1] == (1, [6, 7, 8, 9])  # all rows in flight are told, also those begun before
    stream.step(painted)
    assert torch.equal(stream.snapshot().pending[0].cond.tracks, condition_frames(model, painted, [7]).tracks)


@BOTH
def test_another_number_of_steps_begins_the_rows_anew_and_keeps_the_cache(sampler):
    model = CausalModel(first_frame_steps=5)
    stream = sampler(model)
    run_steps(stream, controls(steps=4), 6)
    frames = stream.cache.frames
    model.calls.clear()
    stream.step(controls(steps=2))
    assert model.calls[0][0] == [(5, 0.0), (6, 1.0)]
    assert [sigma for rows, _ in model.calls for frame, sigma in rows if frame == 6] == list(model.sigmas(2))
    assert set(frames) - set(stream.cache.frames) <= {frames[1]}
    assert stream.frame == 7


@ALL
def test_memory_is_constant_over_three_hundred_ticks_and_positions_never_run_out(sampler):
    model = CausalModel()
    stream, told = sampler(model, 100_000), controls(steps=2)
    run_steps(stream, told, 10)
    place, size = stream.cache._keys.data_ptr(), stream.cache.bytes
    remembered = model.net.inputs.sizes
    for _ in range(300):
        model.calls.clear()
        stream.tick(told)
        assert torch.isfinite(stream.snapshot().rows[-1].x).all() if stream.snapshot().rows else True
    assert (stream.cache._keys.data_ptr(), stream.cache.bytes) == (place, size)
    assert model.net.inputs.sizes == remembered
    state = stream.snapshot()
    assert (len(state.kept), len(state.pending), len(state.rows)) <= (3, 1, 2)
    assert stream.cache.frames[0] == 100_000


def test_a_stream_does_not_depend_on_where_it_stands(monkeypatch):
    model = CausalModel()
    model.condition = lambda states, inputs, frames: Conditioning(
        (model.prepare("a meadow"),) * len(frames), torch.zeros(len(frames), 3, *LATENT[1:])
    )
    # the same noise at both places
    monkeypatch.setattr("studio.samplers.causal.noise", lambda seed, frame, *rest: noise(seed, frame % 100, *rest))
    early, late = (run_steps(StreamBatch(model, start), controls(steps=3), 12) for start in (9, 3009))
    assert torch.equal(early, late)


def test_denoising_leaves_the_kept_frames_bits_alone():
    model = CausalModel()
    stream, told = Rollout(model), controls(steps=4, guidance="full", scale=2.0)
    run_steps(stream, told, 5)
    stream.tick(told)
    before = stream.snapshot().cache
    for _ in range(2):
        stream.tick(told)
        after = stream.snapshot().cache
        assert before.frames == after.frames
        assert torch.equal(before.keys, after.keys)
        assert torch.equal(before.values, after.values)


def test_the_order_of_the_ring_does_not_matter():
    model = CausalModel(sink=1, window=3)
    stream, told = StreamBatch(model), controls(steps=2)
    run_steps(stream, told, 8)
    held = stream.snapshot()
    plain = run_steps(stream, told, 4)
    order = [2, 0, 3, 1]
    places = [slot * stream.cache.tokens + t for slot in order for t in range(stream.cache.tokens)]
    frames = tuple(held.cache.frames[slot] for slot in order)
    turned = type(held.cache)(held.cache.keys[:, places], held.cache.values[:, places], frames)
    assert frames != held.cache.frames
    stream.restore(replace(held, cache=turned))
    assert_close(run_steps(stream, told, 4), plain)


def test_recache_in_longlives_form_is_one_two_way_pass_and_may_spare_the_sink():
    model = CausalModel(sink=1, window=3)
    stream, told = StreamBatch(model), controls(steps=1)
    run_steps(stream, told, 8)
    state = stream.snapshot()
    text = PromptStates(drawn(*TEXT, seed=77))
    stream.context.recache(text, mode="bidirectional")
    cache = model.new_cache()
    kept = Conditioning.cat([d.cond for d in state.kept]).with_text(text)
    model.net(
        torch.stack([d.latent for d in state.kept]), (0.0,) * 4, kept, stream.cache.frames, cache, 4, causal=False
    )
    for ours, theirs in same_keys(stream.cache, cache):
        assert_close(ours, theirs)
    two_way = stream.snapshot().cache
    stream.restore(state)
    stream.context.recache(text)
    assert not torch.allclose(stream.snapshot().cache.keys[1], two_way.keys[1], atol=1e-3)
    stream.restore(state)
    stream.context.recache(text, keep_sink=True)
    size = stream.cache.tokens
    old, new = state.cache, stream.snapshot().cache
    sink = old.frames.index(0), new.frames.index(0)
    assert torch.equal(old.keys[:, sink[0] * size :][:, :size], new.keys[:, sink[1] * size :][:, :size])
    assert torch.equal(stream.snapshot().kept[0].cond.text, state.kept[0].cond.text)
    assert stream.snapshot().kept[1].cond.prompts == (text,)


def test_switching_before_anything_was_drawn_needs_nothing():
    model = CausalModel()
    stream, told = StreamBatch(model), controls("a city at night")
    for kind in ("recache", "keep", "cut"):
        stream.switch(kind, told)
    assert model.calls == []
    assert torch.equal(run_steps(stream, told, 3), run_steps(StreamBatch(model), told, 3))


@ALL
def test_chunks_of_several_frames_are_drawn_as_one(sampler):
    model = CausalModel(sink=2, window=4, chunk=2)
    stream, told = sampler(model), controls(steps=2)
    latents = [stream.step(told) for _ in range(5)]
    assert {tuple(chunk.shape) for chunk in latents} == {(2, *LATENT)}
    assert stream.frame == 10
    assert torch.equal(chunk_noise(model, 7, 4, 1, 2), torch.stack([noise(7, frame, 1, LATENT) for frame in (4, 5)]))
    stream.switch("recache", told)
    stream.step(told)
    assert stream.cache.frames == (0, 1, 6, 7, 8, 9)


@BOTH
def test_a_tick_that_fails_is_made_again_and_nothing_is_lost(sampler):
    model = CausalModel()
    stream, told = sampler(model), controls(steps=2)
    plain = run_steps(sampler(model), told, 8)
    first = run_steps(stream, told, 4)
    block = model.net.transformer.blocks[1]
    forward = block.attn2.to_q.forward
    block.attn2.to_q.forward = lambda _: 1 / 0
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            stream.step(told)
    block.attn2.to_q.forward = forward
    # kept keys are rebuilt from their latents; what they owe to evicted frames is lost, so close and not equal
    assert torch.equal(first, plain[:4])
    again = stream.step(told)
    assert stream.cache.frames == (0, 2, 3)
    again = torch.cat([again, run_steps(stream, told, 3)])
    assert stream.frame == 8
    assert (again - plain[4:]).abs().mean() < 0.2 * plain[4:].abs().mean()


class FromSource(StreamBatch):
    """A stream whose rows begin from a latent and not from pure noise."""

    begins_from = drawn(*LATENT, seed=3)

    def new_row(self, state, frame, is_first):
        row = super().new_row(state, frame, is_first)
        source = self.begins_from.expand_as(row.x)
        return replace(
            row, source=source, x=add_noise(source, noise(state[Sampling].seed, frame, 0, LATENT), row.sigma)
        )


def test_a_source_is_where_a_row_begins():
    model = CausalModel()
    model.sigmas = lambda steps, strength=1.0: (0.6, 0.3)[:steps]
    stream, source = FromSource(model), FromSource.begins_from
    stream.tick(controls(steps=2))
    row = stream.snapshot().rows[0]
    assert torch.equal(row.source[0], source)
    assert_close(
        model.net(
            add_noise(source, noise(0, 0, 0, LATENT), 0.6)[None], (0.6,), condition_frames(model, controls(), [0]), (0,)
        ),
        (row.x - 0.3 * noise(0, 0, 1, LATENT)) / 0.7,
    )


def test_what_cannot_be_is_said_with_what_can():
    stream = samplers_of(CausalModel())["stream"](CausalModel())
    with pytest.raises(ValueError, match="recache, keep, cut"):
        stream.switch("fade", controls())
    with pytest.raises(ValueError, match="causal, bidirectional"):
        stream.context.recache(PromptStates(drawn(*TEXT)), mode="sideways")
    with pytest.raises(ValueError, match="0 chunks cannot be in flight"):
        Rolling(CausalModel(), chunks=0)
