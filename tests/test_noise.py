import hashlib
import itertools
import math
import statistics

import numpy as np
import pytest
import torch

from studio.noise import drifting_noise, gaussian_quantile, logarithm, noise, uniform


def test_noise_is_a_pure_function_of_its_key():
    first = noise(7, 11, 2, (3, 5, 7))
    np.random.seed(0)
    torch.manual_seed(0)
    noise(1, 1, 1, (64, 64))
    assert torch.equal(first, noise(7, 11, 2, (3, 5, 7)))
    assert first.dtype == torch.float32
    assert first.device.type == "cpu"


def test_the_bits_are_those_of_every_other_machine():
    digest = hashlib.blake2b(noise(7, 11, 2, (3, 5, 7)).numpy().tobytes(), digest_size=8).hexdigest()
    assert digest == "b05e3a7279ee6439"


@pytest.mark.parametrize("other", [(8, 11, 2), (7, 12, 2), (7, 11, 3), (11, 7, 2), (7, 2, 11), (2**32 - 1, 11, 2)])
def test_every_part_of_the_key_matters_and_neighbours_are_unrelated(other):
    ours, theirs = noise(7, 11, 2, (4096,)), noise(*other, shape=(4096,))
    assert abs(float((ours * theirs).mean())) < 0.08
    # no overlap: the one is not a shifted copy of the other
    assert not np.isin(ours.numpy()[:64], theirs.numpy()).any()


def test_noise_is_unit_gaussian():
    x = noise(3, 0, 0, (1000, 300)).double()
    assert abs(float(x.mean())) < 0.01
    assert abs(float(x.std()) - 1) < 0.01
    assert abs(float((x**3).mean())) < 0.03
    assert abs(float((x**4).mean()) - 3) < 0.06
    assert x.isfinite().all()


def test_the_quantiles_are_those_of_the_normal_distribution():
    p = np.concatenate([np.linspace(1e-9, 1 - 1e-9, 2001), 10.0 ** -np.arange(1, 10), 1 - 10.0 ** -np.arange(1, 10)])
    exact = np.array([statistics.NormalDist().inv_cdf(v) for v in p])
    np.testing.assert_allclose(gaussian_quantile(p - 0.5), exact, atol=2e-6)


def test_the_logarithm_is_the_logarithm():
    x = np.concatenate([np.logspace(-12, 3, 1001), np.linspace(0.4, 2.1, 1001)])
    np.testing.assert_allclose(logarithm(x), np.log(x), atol=1e-13)


def test_odd_and_empty_shapes_are_filled():
    assert noise(0, 0, 0, (3, 1, 5)).shape == (3, 1, 5)
    assert noise(0, 0, 0, (0, 4)).shape == (0, 4)
    assert torch.equal(noise(0, 0, 0, (3,)), noise(0, 0, 0, (5,))[:3])
    assert 0 < uniform(0, 0, 0, 9999).min() < uniform(0, 0, 0, 9999).max() < 1


def test_a_negative_key_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        noise(-1, 0, 0, (2,))


def test_noise_that_is_held_is_the_first_frames_at_any_time():
    assert torch.equal(drifting_noise(7, 123, 2, (4, 8), 0), noise(7, 0, 2, (4, 8)))


def test_noise_that_drifts_walks_from_one_noise_to_the_next_at_even_speed_and_unit_variance():
    shape, drift = (64, 64), 6
    walk = [drifting_noise(7, frame, 2, shape, drift) for frame in range(13)]
    for key in (0, 1, 2):
        assert torch.equal(walk[6 * key], noise(7, key, 2, shape))
    for step in walk:
        assert float(step.std()) == pytest.approx(1, abs=0.03)
        assert float(step.mean()) == pytest.approx(0, abs=0.05)
    even = 2 * math.sin(math.pi / 4 / drift)
    for before, after in itertools.pairwise(walk):
        assert float((after - before).std()) == pytest.approx(even, rel=0.06)
    assert torch.equal(walk[4], drifting_noise(7, 4, 2, shape, drift))
