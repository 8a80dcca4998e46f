import numpy as np
import torch

from studio.models.pocket.autoencoder import PATCH, Autoencoder
from studio.models.pocket.decoder import ResidualBlock


def small(channels=12):
    torch.manual_seed(0)
    return Autoencoder(channels, widths=(8, 12, 16), depths=(1, 1, 2))


def patches(count=900, seed=0):
    """Smooth random patches in [-1, 1] whose mean is one colour."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((count, 40)) @ rng.standard_normal((40, 3 * PATCH * PATCH)) * 0.03
    mixed -= mixed.mean(0)
    colour = np.repeat([0.2, -0.1, 0.3], PATCH * PATCH)
    return torch.from_numpy(mixed + colour).float().view(count, 3, PATCH, PATCH)


def principal(rows, kept):
    """The rows as their first principal components tell them, by singular values."""
    mean = rows.mean(0)
    _, values, axes = np.linalg.svd(rows - mean, full_matrices=False)
    return mean + (rows - mean) @ axes[:kept].T @ axes[:kept], (values[:kept] ** 2).sum() / (values**2).sum()


def test_a_codec_started_from_pca_is_as_good_as_pca():
    codec, given = small().eval(), patches()
    share = codec.start_from_pca(given)
    expected, expected_share = principal(given.flatten(1).double().numpy(), 12)
    with torch.no_grad():
        made = codec.decode(codec.encode(given)).flatten(1).numpy()
    np.testing.assert_allclose(made, expected, atol=2e-4)
    assert abs(share - expected_share) < 1e-6


def test_the_principal_components_have_unit_variance_and_are_uncorrelated():
    codec, given = small(), patches()
    codec.start_from_pca(given)
    with torch.no_grad():
        latents = codec.linear_in(given).flatten(1)
    np.testing.assert_allclose(np.cov(latents.T.numpy()), np.eye(12), atol=5e-3)
    assert latents.mean(0).abs().max() < 1e-3


def test_latents_are_normalised_to_mean_zero_and_variance_one_whatever_the_encoder_gives():
    codec = small().train()
    with torch.no_grad():
        codec.linear_in.weight.mul_(9)
        codec.linear_in.bias.fill_(5)
        pictures = torch.rand(4, 3, 64, 64) * 2 - 1
        for _ in range(800):  # the running statistics move a hundredth a step
            latents = codec.encode(pictures)
        settled = codec.eval().encode(pictures)
    for got in (latents, settled):
        assert got.mean((0, 2, 3)).abs().max() < 0.02
        assert (got.var((0, 2, 3), correction=0) - 1).abs().max() < 0.05


def test_a_new_codec_is_its_linear_part_alone():
    codec = small().eval()
    pictures, latents = torch.rand(2, 3, 32, 48), torch.randn(2, 12, 2, 3)
    with torch.no_grad():
        assert codec.encoder(pictures).count_nonzero() == 0
        fine = codec.decode(latents, torch.zeros(2, 4, 64, 96))  # twice as large
        linear = torch.nn.functional.pixel_shuffle(codec.decoder.linear(latents), 4)
        torch.testing.assert_close(codec.decode(latents), torch.nn.functional.pixel_shuffle(linear, 4))
        assert fine.shape == (2, 3, 64, 96)


def test_a_new_residual_block_changes_nothing():
    x = torch.randn(1, 6, 5, 5)
    assert torch.equal(ResidualBlock(6)(x), x)


def test_zero_branches_still_learn():
    codec = small()
    codec.decode(codec.encode(torch.rand(2, 3, 32, 32))).square().mean().backward()
    last_in, last_out = codec.encoder[-1].weight, codec.decoder.pixels.weight
    assert last_in.grad.abs().sum() > 0
    assert last_out.grad.abs().sum() > 0


def test_a_cell_is_sixteen_pixels_wide_in_pictures_of_any_shape():
    codec = small()
    latents = codec.encode(torch.rand(1, 3, 64, 96))
    assert latents.shape == (1, 12, 4, 6)
    assert codec.decode(latents).shape == (1, 3, 64, 96)
