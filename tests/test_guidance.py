from dataclasses import replace
from itertools import permutations

import pytest
import torch
from tiny.causal import CausalModel, controls, drawn
from tiny.pictures import PictureModel, noisy

from studio.conditioning import Rows, condition_frames
from studio.controls import ControlState, Picture, Prompt, Sampling, from_message
from studio.controls.sampling import GUIDANCE_KINDS
from studio.engine import Engine
from studio.guidance import GUIDANCES, Guidance, apply_guidance, discount_anchor, guide_away
from studio.noise import noise
from studio.samplers import PictureStream, Rolling, Rollout, StreamBatch
from studio.schedule import add_noise

FRAMES = 7


def take(model, state, sampler=StreamBatch):
    stream = sampler(model)
    return torch.cat([stream.step(state) for _ in range(FRAMES)])


def from_source(source):
    """A stream batch whose rows begin from a latent, as far as their noise level lets it through, and not from zero."""

    class FromSource(StreamBatch):
        def new_row(self, state, frame, is_first):
            row = super().new_row(state, frame, is_first)
            fresh = noise(state[Sampling].seed, frame, 0, self.model.latent)[None]
            begun = source.expand_as(row.x)
            return replace(row, source=begun, x=add_noise(begun, fresh, row.sigma))

    return FromSource


def test_every_kind_a_person_can_choose_is_there():
    assert set(GUIDANCES) == set(GUIDANCE_KINDS)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 1.4, 7.5])
def test_the_formula_is_classifier_free_guidance_in_the_clean_latent(scale):
    clean, negative = drawn(4, 3, 3), drawn(4, 3, 3, seed=1)
    torch.testing.assert_close(guide_away(clean, negative, scale), negative + scale * (clean - negative))
    assert torch.equal(guide_away(clean, negative, 1), clean)
    assert torch.equal(guide_away(clean, clean, scale), clean)


def test_guiding_the_clean_latent_is_guiding_the_noise_with_the_papers_virtual_residual():
    clean, anchor, noise = drawn(4, 3, 3), drawn(4, 3, 3, seed=1), drawn(4, 3, 3, seed=2)
    for sigma in (0.2, 0.6, 0.95):
        x = (1 - sigma) * drawn(4, 3, 3, seed=3) + sigma * noise
        predicted, residual = ((x - (1 - sigma) * x0) / sigma for x0 in (clean, anchor))
        epsilon = residual + 1.7 * (predicted - residual)
        torch.testing.assert_close(
            (x - sigma * epsilon) / (1 - sigma), guide_away(clean, anchor, 1.7), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("sampler", [StreamBatch, Rollout])
@pytest.mark.parametrize("kind", ["full", "self", "initialize"])
def test_scale_one_equals_no_guidance_bit_for_bit_and_costs_nothing(kind, sampler):
    model = CausalModel()
    plain = take(model, controls(steps=3), sampler)
    calls, model.calls = model.calls, []
    assert torch.equal(take(model, controls(steps=3, guidance=kind, scale=1.0, negative="fog"), sampler), plain)
    assert model.calls == calls
    assert not torch.allclose(take(model, controls(steps=3, guidance=kind, scale=1.5, negative="fog"), sampler), plain)


@pytest.mark.parametrize("kind", ["full", "initialize"])
def test_the_negative_prompt_matters_and_the_prompt_itself_as_negative_changes_nothing(kind):
    model = CausalModel()
    fog, rain = (take(model, controls(guidance=kind, scale=2.0, negative=text)) for text in ("fog", "rain"))
    assert not torch.allclose(fog, rain, atol=1e-3)
    same = take(model, controls("a meadow", negative="a meadow", guidance=kind, scale=2.0, steps=1))
    torch.testing.assert_close(same, take(model, controls("a meadow", steps=1)), atol=1e-4, rtol=1e-4)


def test_full_guidance_is_two_forwards_of_one_row_in_closed_form():
    model, scale = CausalModel(), 2.5
    out = StreamBatch(model).step(controls(steps=1, guidance="full", scale=scale, negative="fog"))
    x = noise(0, 0, 0, model.latent)[None]
    told = controls(steps=1)
    cond = condition_frames(model, told, [0])
    positive, negative = (
        model.denoise(Rows(x, (1.0,), each, (0,)), model.new_cache())
        for each in (cond, cond.with_text(model.prepare("fog")))
    )
    torch.testing.assert_close(out, negative + scale * (positive - negative), atol=1e-6, rtol=1e-6)
    initialize = StreamBatch(model).step(controls(steps=1, guidance="initialize", scale=scale, negative="fog"))
    torch.testing.assert_close(initialize, out, atol=1e-5, rtol=1e-5)


def test_self_guidance_is_away_from_the_input_latent_and_from_zero_without_one():
    model = CausalModel()
    for source in (None, drawn(*model.latent, seed=5)):
        sampler = StreamBatch if source is None else from_source(source)
        plain = sampler(model).step(controls(steps=1))
        away = sampler(model).step(controls(steps=1, guidance="self", scale=1.4))
        anchor = 0 if source is None else source
        torch.testing.assert_close(away, plain + 0.4 * (plain - anchor), atol=1e-6, rtol=1e-6)


def test_rows_of_a_tick_are_as_many_as_the_guidance_needs():
    steps = 3
    counts = {}
    for kind in GUIDANCES:
        model = CausalModel()
        stream = StreamBatch(model)
        for _ in range(5):
            stream.step(controls(steps=steps, guidance=kind, scale=1.5, negative="fog"))
        model.calls.clear()
        stream.step(controls(steps=steps, guidance=kind, scale=1.5, negative="fog"))
        counts[kind] = [len(rows) for rows, _ in model.calls]
    assert counts == {
        "none": [1 + steps],
        "self": [1 + steps],
        "initialize": [1 + steps + 1],
        "full": [1 + steps, steps],
    }


def test_the_first_steps_negative_is_kept_as_anchor_for_all_steps():
    model = CausalModel()
    stream = StreamBatch(model)
    told = controls(steps=3, guidance="initialize", scale=1.5, negative="fog")
    for _ in range(3):
        stream.step(told)
    entered = stream.snapshot().rows[-1]
    stream.tick(told)
    assert stream.snapshot().rows[0].anchor is entered.anchor
    assert all(row.anchor is not None for row in stream.snapshot().rows)


@pytest.mark.parametrize("kind", ["full", "self", "initialize"])
def test_guidance_stays_bounded_over_hundreds_of_frames(kind):
    stream = StreamBatch(CausalModel())
    told = controls(steps=1, guidance=kind, scale=1.4, negative="fog")
    sizes = [float(stream.step(told).abs().max()) for _ in range(200)]
    assert max(sizes[100:]) < 1.5 * max(sizes[:100])


@pytest.mark.parametrize("delta", [0.0, 0.5, 1.0, 2.5])
@pytest.mark.parametrize("scale", [0.0, 1.4, 7.0])
def test_counting_on_a_share_of_the_residual_is_the_papers_delta(delta, scale):
    clean, anchor, x = drawn(4, 3, 3), drawn(4, 3, 3, seed=1), drawn(4, 3, 3, seed=2)
    for sigma in (0.2, 0.6, 0.95):
        predicted, residual = ((x - (1 - sigma) * x0) / sigma for x0 in (clean, anchor))
        epsilon = delta * residual + scale * (predicted - delta * residual)
        torch.testing.assert_close(
            guide_away(clean, discount_anchor(anchor, x, sigma, delta), scale),
            (x - sigma * epsilon) / (1 - sigma),
            atol=2e-3,
            rtol=1e-4,
        )
    assert discount_anchor(anchor, x, 1.0, 1.0) is anchor
    assert [kind for kind, guidance in GUIDANCES.items() if guidance.is_residual] == ["self", "initialize"]


# Switched live


LIVE = list(permutations(("none", "full", "self", "initialize"), 2))


def guided(kind, **more):
    return controls(negative="fog", guidance=kind, scale=1.5, **more)


@pytest.mark.parametrize("sampler", [StreamBatch, Rollout, Rolling])
@pytest.mark.parametrize(("was", "becomes"), LIVE)
def test_a_causal_stream_hears_another_guidance_at_once_with_rows_in_flight_at_every_step(sampler, was, becomes):
    model = CausalModel()
    stream = sampler(model)
    for ticks in range(5):  # the change meets rows at every step of their way
        for _ in range(ticks):
            stream.tick(guided(was, steps=3))
        rows = stream.snapshot().rows
        for _ in range(4):
            stream.tick(guided(becomes, steps=3))
        if becomes == "initialize" and sampler is not Rollout:
            assert all(row.anchor is not None for row in stream.snapshot().rows)
        if ticks == 4 and sampler is not Rollout:
            assert {row.step_index for row in rows} == {1, 2}
    assert stream.step(guided(becomes, steps=3)).isfinite().all()


def test_initialize_turned_on_live_gives_every_row_in_flight_an_anchor_under_the_negative_prompt():
    model = CausalModel()
    stream = StreamBatch(model)
    for _ in range(6):
        stream.tick(guided("none", steps=3))
    model.calls.clear()
    held = stream.snapshot()
    stream.tick(guided("initialize", steps=3))
    assert [len(rows) for rows, _ in model.calls] == [1 + 3 + 3]
    stream.tick(guided("initialize", steps=3))
    assert [len(rows) for rows, _ in model.calls] == [1 + 3 + 3, 1 + 3 + 1]
    stream.restore(held)
    full = stream.tick(guided("full", steps=3))
    stream.restore(held)
    once = stream.tick(guided("initialize", steps=3))
    torch.testing.assert_close(
        once, full, atol=1e-5, rtol=1e-5
    )  # of the oldest row, which sees no other one's negative


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_an_image_model_switches_between_all_guidances_live(steps):
    engine, kinds = Engine(PictureModel()), [kind for pair in LIVE for kind in pair]
    for number, kind in enumerate(kinds, 1):
        sampling = Sampling(steps=steps, guidance=kind, scale=1.6, strength=1.0)
        engine.apply([(number, sampling), (number, Picture(noisy(number % 3)))])
        engine.step()
    assert engine.frame == len(kinds)


def test_rows_of_every_guidance_in_one_tick_are_one_call_and_each_as_if_alone():
    model, kinds = PictureModel(), ("full", "initialize", "none", "self")
    told = [
        ControlState.of(Prompt("a meadow", "fog"), Picture(noisy(k)), Sampling(steps=4, guidance=kind, scale=1.6))
        for k, kind in enumerate(kinds)
    ]
    stream = PictureStream(model)
    frames = [stream.tick(state) for state in told][-1:] + stream.flush(told[-1])
    assert len(model.calls[3]) == 4 + 1  # of those in flight full asks every time, initialize has asked
    assert [frame for frame, _ in model.calls[3]] == [0, 1, 2, 3, 0]
    for frame, state in zip(frames, told, strict=True):
        alone = PictureStream(PictureModel())
        torch.testing.assert_close(frame, alone.step(state), atol=1e-5, rtol=1e-5)


def both_ways(model, state, x, sigma):
    """The clean latents of a row of frame 0 under its prompt and under its negative prompt, each on an empty cache."""
    conds = (condition_frames(model, state, [0], negative=negative) for negative in (False, True))
    return [model.denoise(Rows(x, (sigma,), cond, (0,)), model.new_cache()) for cond in conds]


# One of one's own


def halfway(denoise, rows):
    """Halfway to the negative prompt, and a note of it at the row."""
    clean, negative = denoise(rows, [row.negated() for row in rows])
    return [(c + n) / 2 for c, n in zip(clean, negative, strict=True)], [replace(row, anchor=row.x) for row in rows]


def test_a_new_guidance_is_one_function_and_one_line_for_video_and_for_pictures(monkeypatch):
    monkeypatch.setitem(GUIDANCES, "halfway", Guidance(halfway))
    sampling = from_message({"kind": "sampling", "guidance": "halfway", "scale": 2.0, "steps": 1})
    state = ControlState.of(Prompt("a meadow", "fog"), sampling)
    model = CausalModel()
    x, told = noise(0, 0, 0, model.latent)[None], controls(steps=1)
    positive, negative = both_ways(model, told.updated(Prompt("a meadow", "fog")), x, 1.0)
    stream = StreamBatch(model)
    torch.testing.assert_close(stream.step(state), (positive + negative) / 2, atol=1e-6, rtol=1e-6)
    stream.tick(state.updated(replace(sampling, steps=2)))
    assert stream.snapshot().rows[0].anchor is not None
    for words, other in (("a meadow", "fog"), ("fog", "a meadow")):
        engine = Engine(PictureModel())
        engine.apply([(1, Prompt(words, other)), (2, sampling)])
        frame = engine.step()
        assert len(engine.model.calls[0]) == 2
        assert frame.picture.tolist() == Engine(PictureModel(), state=state).step().picture.tolist()


def test_a_guidance_may_ask_more_than_once_beside_others_in_the_same_tick(monkeypatch):
    def twice(denoise, rows):
        (first,), (second,) = denoise(rows), denoise([row.negated() for row in rows])
        return [(c + n) / 2 for c, n in zip(first, second, strict=True)], rows

    monkeypatch.setitem(GUIDANCES, "twice", Guidance(twice))
    monkeypatch.setitem(GUIDANCES, "halfway", Guidance(halfway))
    told = [
        ControlState.of(Prompt("a meadow", "fog"), Picture(noisy(k)), Sampling(steps=3, guidance=kind, scale=1.6))
        for k, kind in enumerate(("twice", "full", "halfway"))
    ]
    stream = PictureStream(PictureModel())
    frames = [stream.tick(state) for state in told][-1:] + stream.flush(told[-1])
    for k, (frame, state) in enumerate(zip(frames, told, strict=True)):
        same = state.updated(replace(state[Sampling], guidance="halfway")) if k == 0 else state
        torch.testing.assert_close(frame, PictureStream(PictureModel()).step(same), atol=1e-5, rtol=1e-5)
    assert apply_guidance(lambda *batches: [], []) == ([], [])


@pytest.mark.parametrize("kind", ["self", "initialize"])
@pytest.mark.parametrize("delta", [0.0, 0.5, 1.7])
def test_delta_counts_in_a_causal_stream_as_in_the_paper(kind, delta):
    """Where a schedule begins below pure noise: epsilon = delta stock + scale (epsilon_c - delta stock)."""
    model, sigma, scale = CausalModel(), 0.6, 1.6
    model.sigmas = lambda steps, strength=1.0: (sigma,)
    state = guided(kind, steps=1, delta=delta).updated(
        Sampling(steps=1, guidance=kind, scale=scale, delta=delta, seed=2)
    )
    frame = StreamBatch(model).step(state)
    x = sigma * noise(2, 0, 0, model.latent)[None]
    clean, negative = both_ways(model, state, x, sigma)
    anchor = torch.zeros_like(x) if kind == "self" else negative
    predicted, stock = ((x - (1 - sigma) * x0) / sigma for x0 in (clean, anchor))
    epsilon = delta * stock + scale * (predicted - delta * stock)
    torch.testing.assert_close(frame, (x - sigma * epsilon) / (1 - sigma), atol=1e-4, rtol=1e-4)


def test_delta_at_pure_noise_is_refused_in_words_wherever_it_is_met():
    state = guided("self", steps=1, delta=0.5)
    with pytest.raises(ValueError, match="pure noise, where delta is 1: send 1"):
        StreamBatch(CausalModel()).step(state)
