"""A published distilled net through our own stream: the same heights as its package draws in its one step."""

import sys

import numpy as np
import pytest
import torch
from tiny.pictures import noisy

from studio.controls import Camera, ControlError, Picture, Prompt, Sampling, Stroke
from studio.engine import Engine
from studio.hub import catalogue
from studio.hub.catalogue import list_models
from studio.models.errors import MissingWeights
from studio.models.loader import load
from studio.models.playable import check, playable_kinds
from studio.models.terrain import model as terrain
from studio.models.terrain.relief import heights_of, relief
from studio.models.terrain.words import difficulty_of, remarks
from studio.samplers import picture_stream

PACKAGE = "adaptive-terrain-diffusion and onnxruntime are not installed: " + terrain.INSTALL
generator = pytest.importorskip("terrain_diffusion.generator", reason=PACKAGE)
pytest.importorskip("onnxruntime", reason=PACKAGE)


@pytest.fixture(scope="module")
def model():
    return load("terrain")


@pytest.fixture(scope="module")
def package():
    return generator.TerrainGenerator(device="cpu")


def numpy_noise(monkeypatch, seed):
    """Have the stream draw what the package draws from a seed."""
    drawn = torch.from_numpy(np.random.default_rng(seed).standard_normal((1, 128, 128), dtype=np.float32))
    monkeypatch.setattr(picture_stream, "drifting_noise", lambda *_: drawn)


@pytest.mark.parametrize(("seed", "difficulty"), [(0, 1), (3, 73)])
def test_one_step_of_our_stream_is_the_packages_own(model, package, monkeypatch, seed, difficulty):
    numpy_noise(monkeypatch, seed)
    engine = Engine(model)
    engine.apply([(1, Prompt(str(difficulty))), (2, Sampling(steps=1))])
    heights = heights_of(engine.sampler.step(engine.state))[0, 0].numpy()
    wanted = package.generate(1, difficulty=difficulty, seed=seed)[0]
    assert np.abs(heights - heights.min() - wanted).max() < 1e-3
    assert np.ptp(wanted) > 0.3


def test_a_picture_is_redrawn_as_the_package_redraws_heights(model, package, monkeypatch):
    numpy_noise(monkeypatch, 5)
    heights = package.generate(1, difficulty=60, seed=1)[0]
    source = torch.from_numpy(package._to_model_space(heights[None])[0])
    monkeypatch.setattr(model, "encode_picture", lambda data: source)
    engine = Engine(model)
    engine.apply([(1, Prompt("60")), (2, Sampling(steps=1, strength=0.5)), (3, Picture(noisy(0)))])
    ours = heights_of(engine.sampler.step(engine.state))[0, 0].numpy()
    wanted = package.generate_from(heights, difficulty=60, strength=0.5, seed=5)[0]
    assert np.abs(ours - ours.min() - wanted).max() < 1e-3


def test_it_plays_words_and_noise_that_drifts(model):
    engine = Engine(model)
    engine.apply([(1, Prompt("gentle plains")), (2, Sampling(4, steps=1, drift=8))])
    first, second = engine.step(), engine.step()
    assert first.picture.shape == (512, 512, 3)
    assert first.hash != second.hash
    engine.restart(0)
    assert engine.step().hash == first.hash
    engine.apply([(3, Prompt("steep mountains"))])
    engine.step()
    assert engine.problem is None


def test_what_it_does_not_hear_is_told(model):
    assert playable_kinds(model) == ["prompt", "sampling", "picture", "pause"]
    with pytest.raises(ControlError, match="terrain takes no stroke: terrain is drawn frame by frame"):
        check(model, Stroke("a", "fox", ((0, 0.5, 0.5),)))
    with pytest.raises(ControlError, match="choose a video model"):
        check(model, Camera(zoom=0.1))
    assert model.prepare("a fox").remarks[0].startswith("Terrain hears one thing")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("17", 17),
        ("difficulty 100", 100),
        ("flat", 1),
        ("a fox", 40),
        ("hills", 50),
        ("very steep", 100),
        ("0 hills", 50),
    ],
)
def test_words_say_how_rough_the_ground_is(text, number):
    assert difficulty_of(text) == pytest.approx(number, abs=1)
    assert bool(remarks(text)) == (text == "a fox")


def test_rough_ground_is_rougher(model):
    x = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(2)) * (80 / 81)
    flat, steep = (heights_of(model._denoise(x, 80 / 81, model.prepare(text))) for text in ("flat", "extreme"))
    assert float(steep.std()) > 1.5 * float(flat.std())
    assert not np.array_equal(relief(flat[0]), relief(steep[0]))


def test_levels_go_down_and_begin_at_the_nets_most(model):
    assert model.sigmas(1) == pytest.approx((80 / 81,))
    levels = model.sigmas(4)
    assert list(levels) == sorted(levels, reverse=True)
    assert model.sigmas(1, 0.5)[0] == pytest.approx(0.4 / 1.4)
    with pytest.raises(ValueError, match="0 steps"):
        model.sigmas(0)


def test_what_is_missing_says_what_to_install(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(MissingWeights, match="played by onnxruntime, which is not installed; pip install"):
            terrain.open_session(terrain.find_weights())
    monkeypatch.setattr(terrain.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(catalogue, "find_spec", lambda name: None)
    with pytest.raises(MissingWeights, match="pip install --no-deps adaptive-terrain-diffusion"):
        load("terrain")
    listed = next(one for one in list_models() if one.name == "terrain")
    assert not listed.here
    assert "pip install --no-deps adaptive-terrain-diffusion" in listed.reason
