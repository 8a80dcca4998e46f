"""The properties of causal video diffusion, each under its number in reference/causal-video.md, section 7.

Here are 1-16, 18, 19 and 21, on tiny random nets in float32; 17 and 20 (streamed decoder, checkpoints) are in
test_wan.py. Of 18: strokes that meet are decided by the order of painting, who was painted last is in front; floor
cells, identities and a zero-init head are MotionStream's, whose weights nobody has: the pocket's map shows what stands
where. Of 19 the algebra of guidance alone applies: joint guidance by text and motion, 3 forwards, is its teacher's;
here it is 1 forward a step, 2 with "full". At the end are 18-21 and 23 of reference/streamdiffusion.md, section 5; its
22, a noise controller that follows how much a camera's picture moves, we do not have.
"""

import gc
from dataclasses import replace

import pytest
import torch
from causal_nets import LATENT, TEXT, TRACKS, TinyModel, controls, drawn, output_that_means, plainly, tiny, told
from diffusers.models.transformers.transformer_wan import WanAttnProcessor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from studio.conditioning import BatchConditioning, Conditioning, condition_frames
from studio.controls import Picture, Prompt, Sampling, Sink
from studio.guidance import GUIDANCES, guide_away
from studio.kv_cache import CacheSnapshot
from studio.models.pocket.appearance import draw_track, fold
from studio.noise import noise
from studio.samplers import Rolling, Rollout, StreamBatch
from studio.schedule import add_noise, clean_from, sigmas, warp

CLOSE = 1e-5
CHUNK = 3
LONGLIVE = {"sink": 3, "window": 6, "chunk": 3, "recache": "bidirectional"}


@pytest.fixture(autouse=True)
def playing():
    with torch.no_grad():
        yield


def assert_close(one, other, atol=CLOSE):
    torch.testing.assert_close(one, other, atol=atol, rtol=0)


def published(**options):
    """A model with the published cache: places by frame number, eviction after writing; Wan's prediction and shift."""
    settings = {"sink": 0, "window": 18, "chunk": CHUNK, "positions": "absolute", "evicts": "after", **options}
    model = TinyModel(prediction="velocity", **settings)
    model.shift = 5.0
    return model


def run_steps(stream, state, count):
    return torch.cat([stream.step(state) for _ in range(count)])


def fresh(seed, frames, step):
    return torch.stack([noise(seed, frame, step, LATENT) for frame in frames])


class Masked:
    """diffusers' own attention, with a mask where a row's tokens look at rows' tokens."""

    def __init__(self, mask):
        self.mask, self.stock = mask, WanAttnProcessor()

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, rotary_emb=None):
        mask = self.mask if encoder_hidden_states is None else None
        return self.stock(attn, hidden_states, encoder_hidden_states, mask, rotary_emb)


def stock(model, x, sigma, cond, seen):
    """The whole sequence in one forward of diffusers' class, absolute positions, seen (F, F) saying who sees whom."""
    tokens = x.shape[-1] * x.shape[-2] // 4
    mask = torch.tensor(seen).repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)
    for block in model.transformer.blocks:
        block.attn1.set_processor(Masked(mask[None, None]))
    latents = torch.cat([x, cond.tracks], 1).transpose(0, 1)[None]
    out = model.transformer(latents, 1000 * sigma.repeat_interleave(tokens)[None], cond.text[:1], return_dict=False)[0]
    return x - sigma[:, None, None, None] * out[0].transpose(0, 1)


def blocks(frames, sink=0, window=99, chunk=CHUNK):
    """Who sees whom: each chunk itself, the `window` frames before it and the first `sink`."""
    starts = [frame // chunk * chunk for frame in range(frames)]
    return [[(j < s + chunk) and (j >= s - window or j < sink) for j in range(frames)] for s in starts]


def one_prompt(frames, seed=0):
    cond = told(frames, seed)
    return cond.with_text(cond.prompts[0])


def written(net, x, cond, cache, chunk=CHUNK, start=0):
    """Clean chunks into the cache, one after the other."""
    for at in range(0, len(x), chunk):
        part = range(at, min(at + chunk, len(x)))
        net(x[at : at + chunk], (0.0,) * len(part), cond.rows(list(part)), [start + i for i in part], cache, len(part))


def held(cache):
    """The kept frames' keys and values in the order of time, (layers, frames, tokens, width) each."""
    state = cache.snapshot()
    order = [state.frames.index(frame) for frame in cache.frames]
    return tuple(part.unflatten(1, (len(state.frames), -1))[:, order] for part in (state.keys, state.values))


def assert_same_cache(one, other, atol=CLOSE):
    assert one.frames == other.frames
    for ours, theirs in zip(held(one), held(other), strict=True):
        assert_close(ours, theirs, atol)


# 1-2


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


# The published loops


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


# 3-5: recache


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


# 6-9: positions and the cache


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


# 10-14


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


# 18, 19, 21


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


# The sink, the first frame given, flush


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
