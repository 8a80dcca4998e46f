"""Rollout and rolling are the published loops (15, 16)."""

import pytest
import torch
from tiny.causal import LATENT, controls, plainly

from causal.published import CHUNK, CLOSE, LONGLIVE, assert_close, blocks, fresh, published, run_steps, stock
from studio.conditioning import condition_frames
from studio.controls import Prompt, Sampling, Sink
from studio.samplers import Rolling, Rollout
from studio.schedule import add_noise


def self_forcing(model, state, chunks, sink=0, window=99):
    """Self-Forcing's loop (causal_inference.py), its cache replaced by what it stands for: all before, under a mask."""
    clean = x0 = torch.empty(0, *LATENT)
    seed = state[Sampling].seed
    for chunk in range(chunks):
        frames = range(chunk * CHUNK, (chunk + 1) * CHUNK)
        cond = condition_frames(model, state, range(frames.stop))
        for step, level in enumerate((1.0, 0.9375, 5 / 6, 0.625)):
            x = fresh(seed, frames, step)
            if step > 0:
                x = (1 - level) * x0 + level * x
            sigma = torch.tensor([0.0] * len(clean) + [level] * CHUNK)
            seen = blocks(frames.stop, sink, window)
            x0 = stock(model.net, torch.cat([clean, x]), sigma, cond, seen)[-CHUNK:]
        clean = torch.cat([clean, x0])
    return clean


@pytest.mark.parametrize(("sink", "window"), [(0, 18), (0, 6), (3, 3)])
def test_the_rollout_is_self_forcings_loop(sink, window):
    """Chunks of 3, four warped levels, fresh noise between them, a clean pass: full cache, window, window and sink."""
    model, state = published(sink=sink, window=window), controls(steps=4, seed=3)
    assert_close(run_steps(Rollout(model), state, 5), self_forcing(model, state, 5, sink, window), 2e-5)


def longlive(model, states, sink=3, window=6, absolute=True, policy="keep"):
    """LongLive's loop (interactive_causal_inference.py) with its cache as a plain dict, a prompt for every chunk.

    At a switch the last 12 frames go through one two-way pass at t = 0. policy "keep" is `global_sink: true`, held to
    from the start; "reanchor" is `global_sink: false`: all is zeroed and written anew, so that the first three of the
    12 stand where the sink is; "recache" takes what is in the cache.
    """
    clean = x0 = torch.empty(0, *LATENT)
    cache, before, anchors = {}, states[0][Prompt].text, range(sink)
    for chunk, state in enumerate(states):
        frames = range(chunk * CHUNK, (chunk + 1) * CHUNK)
        if state[Prompt].text != before and chunk > 0:
            recent = range(max(0, frames.start - 12), frames.start)
            if policy == "recache" or (policy == "keep" and frames.start <= 12):
                recent = sorted(cache)
            elif policy == "keep":
                recent = range(frames.start - 9, frames.start)
            fixed = [frame for frame in cache if policy == "keep" and frame in anchors]
            cond = condition_frames(model, state, list(recent))
            context = {frame: cache[frame] for frame in fixed}
            _, made = plainly(model.net, clean[list(recent)], 0.0, cond, recent, context, fixed, absolute)
            if policy == "reanchor":
                cache, anchors = {}, range(recent[0], recent[0] + sink)
            cache |= {frame: pairs for frame, pairs in made.items() if frame not in fixed}
        before = state[Prompt].text
        cache = {
            f: pairs for f, pairs in cache.items() if f in anchors or f >= frames.start - window
        }  # evicted once a chunk
        cond = condition_frames(model, state, frames)
        for step, level in enumerate((1.0, 0.9375, 5 / 6, 0.625)):
            x = fresh(state[Sampling].seed, frames, step)
            if step > 0:
                x = (1 - level) * x0 + level * x
            x0, _ = plainly(model.net, x, level, cond, frames, cache, absolute=absolute)
        cache |= plainly(model.net, x0, 0.0, cond, frames, cache, absolute=absolute)[1]
        clean = torch.cat([clean, x0])
    return clean


def played_through(stream, plan):
    """The latents of a plan, a state for every chunk, with a switch where the words are others than before."""
    ours, before = [], plan[0][Prompt].text
    for state in plan:
        if state[Prompt].text != before:
            stream.switch("recache", state)
        before = state[Prompt].text
        ours.append(stream.step(state))
    return torch.cat(ours)


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize(("policy", "at"), [("keep", 1), ("keep", 2), ("keep", 6), ("recache", 6)])
def test_the_rollout_is_longlives_loop_through_a_prompt_switch(policy, at, absolute):
    """Sink 3, window 6, chunk 3 (local_attn_size 12), recache in the reference's two-way form, early and late."""
    model = published(**LONGLIVE, positions="absolute" if absolute else "slots")
    plan = [controls("a meadow" if chunk < at else "a city at night", steps=4) for chunk in range(9)]
    plan = [state.updated(Sink(policy)) for state in plan]
    theirs = longlive(model, plan, absolute=absolute, policy=policy)
    assert_close(played_through(Rollout(model), plan), theirs, 5e-5)


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("at", [(1,), (4, 8), (5, 6), (7, 9)])
def test_reanchoring_is_longlives_switch_without_a_global_sink(at, absolute):
    """`global_sink: false`: the sink is the first three of the last 12 frames, which the window has not kept all."""
    model = published(**LONGLIVE, positions="absolute" if absolute else "slots")
    words = ("a meadow", "a city at night", "fog")
    plan = [controls(words[sum(chunk >= one for one in at)], steps=4) for chunk in range(11)]
    plan = [state.updated(Sink("reanchor")) for state in plan]
    stream = Rollout(model)
    assert_close(played_through(stream, plan), longlive(model, plan, absolute=absolute, policy="reanchor"), 5e-5)
    first = max(0, CHUNK * at[-1] - 12)
    assert stream.cache.frames[:3] == tuple(range(first, first + 3))


def rolling_forcing(model, state, chunks):
    """Rolling Forcing's loop: a window of as many chunks as levels, all seeing the cache and each other, the first of
    which comes out and is written by a clean pass; growing at the start, shrinking at the end.

    Attention never spans more than `most` frames (rolling_forcing_inference.py, causal_model.py: 21): the window sees
    the sink and, beside it, as many of the last clean frames as there is room for; the clean pass the last, whatever
    they are: the sink among them only while it is near.
    """
    levels, cache, clean = model.sigmas(state[Sampling].steps), {}, {}
    most = model.max_attention_frames
    x = {chunk: fresh(0, range(chunk * CHUNK, (chunk + 1) * CHUNK), 0) for chunk in range(chunks)}
    for last in range(chunks + len(levels) - 1):
        window = range(max(0, last - len(levels) + 1), min(last, chunks - 1) + 1)
        step = {chunk: last - chunk for chunk in window}
        frames = [chunk * CHUNK + i for chunk in window for i in range(CHUNK)]
        sigma = torch.tensor([levels[step[chunk]] for chunk in window for _ in range(CHUNK)])
        rows, cond = torch.cat([x[chunk] for chunk in window]), condition_frames(model, state, frames)
        kept = sorted(cache)
        near = kept[model.sink :][-(most - len(frames) - model.sink) :]
        seen = {frame: cache[frame] for frame in [*kept[: model.sink], *near]}
        guesses, _ = plainly(model.net, rows, sigma, cond, frames, seen, absolute=False)
        guess = dict(zip(window, guesses.split(CHUNK), strict=True))
        for chunk in window:
            own = range(chunk * CHUNK, (chunk + 1) * CHUNK)
            if step[chunk] == len(levels) - 1:
                clean[chunk] = guess[chunk]
                cond, seen = condition_frames(model, state, own), {f: cache[f] for f in kept[-(most - CHUNK) :]}
                cache |= plainly(model.net, clean[chunk], 0.0, cond, own, seen, absolute=False)[1]
            else:
                x[chunk] = add_noise(guess[chunk], fresh(0, own, step[chunk] + 1), levels[step[chunk] + 1])
    return torch.cat([clean[chunk] for chunk in range(chunks)])


def rolling_model(**options):
    """Rolling Forcing's cache, smaller: a window of 9 frames, 15 that attention spans, so 12 beside a chunk."""
    return published(**{"sink": 3, "window": 12, "max_attention_frames": 15, "positions": "slots", **options})


@pytest.mark.parametrize("chunks", [1, 2, 3, 7, 9])
def test_causal_15_the_rolling_window_is_its_loop_for_any_number_of_chunks(chunks):
    """Any number of chunks >= 1, fewer than the window among them; each emitted at its last level."""
    model, state = rolling_model(), controls(steps=3)
    stream = Rolling(model)
    ours = [latents for _ in range(chunks) if (latents := stream.tick(state)) is not None]
    ours += stream.flush(state)
    assert len(ours) == chunks
    assert stream.frame == chunks * CHUNK
    assert stream.flush(state) == []
    assert_close(torch.cat(ours), rolling_forcing(model, state, chunks), 5e-5)


def test_causal_15_the_clean_pass_sees_further_than_the_window_which_costs_no_more_for_it():
    """What each forward has in view: 3 of the sink, 3 of the last and its 9 rows; 12 of the last and its 3 rows."""
    model, state = rolling_model(), controls(steps=3)
    stream, views = Rolling(model), []
    begin = stream.cache.begin
    stream.cache.begin = lambda frames, write: views.append((write, begin(frames, write))) or views[-1][1]
    run_steps(stream, state, 12)
    (write, clean), (_, window) = views[-2:]
    assert write == 3
    assert sorted(clean.frames) == [*range(18, 33)]
    assert sorted(window.frames) == [0, 1, 2, 30, 31, 32, *range(33, 42)]
    assert sorted(clean.ranks) == sorted(window.ranks) == [*range(15)]
    narrow = Rolling(rolling_model(window=3, max_attention_frames=0))
    apart = (run_steps(Rolling(model), state, 8) - run_steps(narrow, state, 8)).abs().flatten(1).amax(1)
    assert float(apart[:9].max()) < CLOSE  # until more is kept than the window sees
    assert float(apart[15:].min()) > 1e-4


def test_causal_15_every_chunk_passes_every_level_once_also_through_a_switch_and_to_the_end():
    """Each chunk is denoised exactly at every level once, in order; NFE per emitted chunk = s; the latency formula."""
    for chunks, micro in ((None, 1), (2, 2), (1, 4)):
        model, told_now = published(sink=3, window=3), controls(steps=4)
        stream = Rolling(model, chunks=chunks)
        came = [stream.tick(told_now) is not None for _ in range(9)]
        assert came == [(tick + 1) % micro == 0 and tick >= 3 for tick in range(9)]
        stream.switch("recache", told_now.updated(controls("a city at night")[Prompt]))
        out = sum(came) + len(stream.flush(controls("a city at night", steps=4)))
        assert stream.in_flight == 0
        levels = {}
        for rows, write in model.calls:
            if not write:
                for frame, sigma in rows:
                    levels.setdefault(frame, []).append(sigma)
        assert levels == {frame: list(model.sigmas(4)) for frame in range(out * CHUNK)}


def test_causal_15_a_partition_of_one_chunk_is_the_rollout():
    """N = 1 reduces to ordinary sampling (Self-Forcing)."""
    told_now = controls(steps=4, seed=2)
    one = run_steps(Rolling(published(sink=3, window=6), chunks=1), told_now, 5)
    assert torch.equal(one, run_steps(Rollout(published(sink=3, window=6)), told_now, 5))


def test_causal_15_a_chunk_as_long_as_the_clip_is_uniform_sampling():
    """c = B: all frames at one level, both ways."""
    model, told_now = published(chunk=6), controls(steps=3)
    cond, x0 = condition_frames(model, told_now, range(6)), torch.empty(0)
    for step, level in enumerate(model.sigmas(3)):
        x = fresh(0, range(6), step)
        x = x if step == 0 else add_noise(x0, x, level)
        x0 = stock(model.net, x, torch.full((6,), level), cond, blocks(6, chunk=6))
    assert_close(Rolling(model, chunks=1).step(told_now), x0)


def test_causal_15_all_rows_in_flight_hear_a_new_prompt_at_once():
    model = published(sink=3, window=3)
    stream, old, new = Rolling(model), controls(steps=3), controls("a city at night", steps=3)
    run_steps(stream, old, 4)
    heard, denoise = [], model.denoise
    model.denoise = lambda rows, *rest: heard.append((rows.sigma[0], rows.cond.text.clone())) or denoise(rows, *rest)
    stream.switch("recache", new)
    stream.step(new)
    assert [level == 0 for level, _ in heard] == [True, True, False]  # recache, clean pass, the window
    assert all(torch.equal(row, model.prepare("a city at night").states) for _, text in heard for row in text)


def test_causal_16_the_sink_stays_at_one_distance_from_the_window():
    """RF anchor: relative distance anchor-window constant over time."""
    model = published(sink=3, window=3, positions="slots")
    stream, seen = Rolling(model), []
    begin = stream.cache.begin
    stream.cache.begin = lambda frames, write: seen.append((write, begin(frames, write))) or seen[-1][1]
    run_steps(stream, controls(steps=3), 30)
    for written_rows in (0, 3):
        views = [view for write, view in seen if write == written_rows][8:]
        ranks = {tuple(rank for _, rank in sorted(zip(view.frames, view.ranks, strict=True))) for view in views}
        assert len(ranks) == 1
        assert {view.ranks[view.frames.index(0)] for view in views} == {0}
