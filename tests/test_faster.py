"""What saves time on a processor gives the same numbers, and what is played how is told."""

from dataclasses import replace

import pytest
import torch
from einops import rearrange
from tiny.model import TinyModel

from studio.bench import rates
from studio.doctor import check_cores
from studio.models.finite import to_pictures
from studio.models.wan.causal_wan import cut_patches


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (1, 1), (4, 2), (2, 4)])
def test_patches_are_cut_in_the_order_of_the_convolutions_weights(dtype, rows, columns):
    pixels = torch.randn(2, 3, 5, 8, 16).to(dtype)
    expected = rearrange(pixels, "b f c (h p) (w q) -> b f (h w) (c p q)", p=rows, q=columns)
    for given in (pixels, pixels.clone().requires_grad_(), pixels.mT.contiguous().mT):
        assert torch.equal(cut_patches(given, rows, columns), expected)


def test_patches_pass_gradients_on():
    pixels = torch.randn(1, 1, 2, 4, 4, requires_grad=True)
    cut_patches(pixels, 2, 2).sum().backward()
    assert torch.equal(pixels.grad, torch.ones_like(pixels))


def test_making_pictures_leaves_the_pixels_as_they_are():
    pixels = torch.tensor([-9.0, 0.5, 1.5, 254.6, 300.0, 7.0]).view(1, 3, 1, 2)
    kept = pixels.clone()
    (picture,) = to_pictures([pixels])
    assert picture.tolist() == [[[0, 2, 255], [0, 255, 7]]]
    assert torch.equal(pixels, kept)


def test_the_bench_measures_both_ways_of_a_model_that_has_two():
    class Beside(TinyModel):
        capabilities = replace(TinyModel.capabilities, decodes_beside=True)

    assert set(rates.end_to_end(TinyModel(), 0, 0.1)) == {"fps_end_to_end"}
    figures = rates.end_to_end(Beside(), 0, 0.1)
    assert set(figures) == {"fps_end_to_end", "fps_step_by_step"}
    assert min(figures.values()) > 0


def test_the_doctor_says_what_is_done_with_the_cores(monkeypatch):
    for cores, says in ((1, "one after the other"), (2, "while the next frame begins")):
        monkeypatch.setattr("studio.doctor.usable_cores", lambda cores=cores: cores)
        finding = check_cores()
        assert says in finding.detail
        assert finding.well == (cores == 2)
