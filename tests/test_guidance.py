import pytest
import torch
from causal_nets import TinyModel, controls, drawn

from studio.conditioning import Rows, condition_frames
from studio.controls.sampling import GUIDANCE_KINDS
from studio.guidance import GUIDANCES, counted, guided
from studio.samplers import Rollout, StreamBatch

FRAMES = 7


def take(model, state, sampler=StreamBatch, source=None):
    stream = sampler(model)
    return torch.cat([stream.step(state, source) for _ in range(FRAMES)])


def test_every_kind_a_person_can_choose_is_there():
    assert set(GUIDANCES) == set(GUIDANCE_KINDS)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 1.4, 7.5])
def test_the_formula_is_classifier_free_guidance_in_the_clean_latent(scale):
    clean, negative = drawn(4, 3, 3), drawn(4, 3, 3, seed=1)
    torch.testing.assert_close(guided(clean, negative, scale), negative + scale * (clean - negative))
    assert torch.equal(guided(clean, negative, 1), clean)
    assert torch.equal(guided(clean, clean, scale), clean)


def test_guiding_the_clean_latent_is_guiding_the_noise_with_the_papers_virtual_residual():
    clean, anchor, noise = drawn(4, 3, 3), drawn(4, 3, 3, seed=1), drawn(4, 3, 3, seed=2)
    for sigma in (0.2, 0.6, 0.95):
        x = (1 - sigma) * drawn(4, 3, 3, seed=3) + sigma * noise
        predicted, residual = ((x - (1 - sigma) * x0) / sigma for x0 in (clean, anchor))
        epsilon = residual + 1.7 * (predicted - residual)
        torch.testing.assert_close(
            (x - sigma * epsilon) / (1 - sigma), guided(clean, anchor, 1.7), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("sampler", [StreamBatch, Rollout])
@pytest.mark.parametrize("kind", ["full", "self", "initialize"])
def test_scale_one_equals_no_guidance_bit_for_bit_and_costs_nothing(kind, sampler):
    model = TinyModel()
    plain = take(model, controls(steps=3), sampler)
    calls, model.calls = model.calls, []
    assert torch.equal(take(model, controls(steps=3, guidance=kind, scale=1.0, negative="fog"), sampler), plain)
    assert model.calls == calls
    assert not torch.allclose(take(model, controls(steps=3, guidance=kind, scale=1.5, negative="fog"), sampler), plain)


@pytest.mark.parametrize("kind", ["full", "initialize"])
def test_the_negative_prompt_matters_and_the_prompt_itself_as_negative_changes_nothing(kind):
    model = TinyModel()
    fog, rain = (take(model, controls(guidance=kind, scale=2.0, negative=text)) for text in ("fog", "rain"))
    assert not torch.allclose(fog, rain, atol=1e-3)
    same = take(model, controls("a meadow", negative="a meadow", guidance=kind, scale=2.0, steps=1))
    torch.testing.assert_close(same, take(model, controls("a meadow", steps=1)), atol=1e-4, rtol=1e-4)


def test_full_guidance_is_two_forwards_of_one_row_in_closed_form():
    model, scale = TinyModel(), 2.5
    out = StreamBatch(model).step(controls(steps=1, guidance="full", scale=scale, negative="fog"))
    from studio.noise import noise

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
    model = TinyModel()
    for source in (None, drawn(*model.latent, seed=5)):
        plain = StreamBatch(model).step(controls(steps=1), source)
        away = StreamBatch(model).step(controls(steps=1, guidance="self", scale=1.4), source)
        anchor = 0 if source is None else source
        torch.testing.assert_close(away, plain + 0.4 * (plain - anchor), atol=1e-6, rtol=1e-6)


def test_rows_of_a_tick_are_as_many_as_the_guidance_needs():
    steps = 3
    counts = {}
    for kind in GUIDANCES:
        model = TinyModel()
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
    model = TinyModel()
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
    stream = StreamBatch(TinyModel())
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
            guided(clean, counted(anchor, x, sigma, delta), scale),
            (x - sigma * epsilon) / (1 - sigma),
            atol=2e-3,
            rtol=1e-4,
        )
    assert counted(anchor, x, 1.0, 1.0) is anchor
    assert [kind for kind, guidance in GUIDANCES.items() if guidance.is_residual] == ["self", "initialize"]
