import pytest
import torch
from tiny.causal import output_that_means

from studio.schedule import PREDICTIONS, add_noise, clean_from, sigmas, warp


def test_four_steps_at_shift_five_are_self_forcings_steps():
    assert sigmas(4, 5) == pytest.approx((1, 0.9375, 0.83333333, 0.625))
    assert sigmas(5, 5) == pytest.approx((1, 0.9523809, 0.88235294, 0.76923077, 0.5555556))  # Rolling Forcing's


@pytest.mark.parametrize("shift", [0.5, 1, 3, 8])
@pytest.mark.parametrize("steps", [1, 2, 16])
def test_a_schedule_falls_from_one_and_stays_above_zero(steps, shift):
    levels = sigmas(steps, shift)
    assert len(levels) == steps
    assert levels[0] == 1
    assert levels[-1] > 0
    assert list(levels) == sorted(set(levels), reverse=True)


def test_the_ends_of_the_scale_are_not_warped():
    assert warp(0, 5) == 0
    assert warp(1, 5) == 1
    assert warp(0.3, 1) == pytest.approx(0.3)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_clean_latent_comes_back_at_every_level(prediction):
    clean, noise = torch.randn(6, 4, 3, 3), torch.randn(6, 4, 3, 3)
    sigma = torch.tensor([1.0, 0.9375, 0.625, 0.3, 0.05, 1e-3])
    x = add_noise(clean, noise, sigma)
    torch.testing.assert_close(
        clean_from(prediction, x, sigma, output_that_means(prediction, x, sigma, clean)), clean, atol=1e-5, rtol=1e-5
    )


def test_velocity_is_noise_minus_clean():
    clean, noise = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    sigma = torch.tensor([0.8, 0.2])
    torch.testing.assert_close(clean_from("velocity", add_noise(clean, noise, sigma), sigma, noise - clean), clean)


def test_wieners_skip_is_the_best_linear_guess_and_its_rest_has_unit_size():
    clean, noise = torch.randn(3, 200_000), torch.randn(3, 200_000)
    sigma = torch.tensor([0.9, 0.5, 0.2])
    x = add_noise(clean, noise, sigma)
    guess = clean_from("wiener", x, sigma, torch.zeros_like(x))
    best = (x * clean).mean(1) / x.square().mean(1)
    torch.testing.assert_close((guess * x).mean(1) / x.square().mean(1), best, atol=0.01, rtol=0)
    rest = output_that_means("wiener", x, sigma, clean)
    torch.testing.assert_close(rest.std(1), torch.ones(3), atol=0.01, rtol=0)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_at_no_noise_the_input_is_the_result_and_at_full_noise_it_is_not_used(prediction):
    x, output = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    assert torch.equal(clean_from(prediction, x, 0.0, output), x)
    full = clean_from(prediction, x, 1.0, output)
    torch.testing.assert_close(full, output if prediction == "wiener" else x - output)


def test_levels_are_one_a_row_one_for_all_or_a_batch_of_rows():
    clean, noise = torch.randn(2, 3, 4, 5, 5), torch.randn(2, 3, 4, 5, 5)
    sigma = torch.rand(2, 3)
    batched = add_noise(clean, noise, sigma)
    torch.testing.assert_close(batched[1, 2], add_noise(clean[1, 2], noise[1, 2], float(sigma[1, 2])))
    assert torch.equal(add_noise(clean, noise, 0.0), clean)
    assert torch.equal(add_noise(clean, noise, 1.0), noise)


def test_results_are_float32_whatever_the_model_computes_in():
    x = torch.randn(2, 4, 3, 3, dtype=torch.bfloat16)
    assert clean_from("wiener", x, 0.5, x).dtype == torch.float32


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="1 or more steps"):
        sigmas(0)
    with pytest.raises(ValueError, match="velocity, wiener"):
        clean_from("epsilon", torch.zeros(1, 1), 0.5, torch.zeros(1, 1))


def test_a_level_given_as_a_number_noises_as_one_given_as_a_tensor_bit_for_bit():
    clean, fresh = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1))[:, None].expand(2, 5, 3, 4, 4)
    for level in (1.0, 0.9375, 1 / 3, 0.1, 1e-6):
        assert torch.equal(add_noise(clean, fresh, level), add_noise(clean, fresh, torch.tensor(level)))
