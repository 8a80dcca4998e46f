"""Levels: the steps of a schedule, its strength, what cannot be."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from tiny.sd_folders import tiny_sd

from image.drawing import SIZE, draw, state
from studio.controls import Sampling
from studio.models.errors import CheckpointError
from studio.models.image.model import guidance_embedding, open_image
from studio.models.image.noise_levels import Levels, timesteps_at
from studio.noise import noise


def test_stream_09_the_schedule_rises_with_strength_and_falls_by_its_steps(opened):
    """Property 9: strength and level are monotone, whatever the number of steps; every step is a timestep."""
    for model in (opened("sd"), opened("lcm")):
        for steps in (1, 2, 3, 4, 8, 16):
            schedules = [model.sigmas(steps, strength) for strength in np.linspace(0.02, 1, 99)]
            assert all(len(sigmas) == steps for sigmas in schedules)
            assert all(high > low for sigmas in schedules for high, low in pairwise(sigmas))
            assert all(low[0] <= high[0] for low, high in pairwise(schedules))
            assert schedules[-1][0] > schedules[0][0]
            assert all(
                model.parts.levels.all_sigmas[model.parts.levels.timestep(sigma)] == sigma
                for sigmas in schedules
                for sigma in sigmas
            )


def test_the_steps_of_a_turbo_model_and_of_a_consistency_model(opened):
    from diffusers import LCMScheduler

    turbo, distilled = opened("sd"), opened("lcm")
    assert [turbo.parts.levels.timestep(sigma) for sigma in turbo.sigmas(4)] == [999, 749, 499, 249]
    assert [turbo.parts.levels.timestep(sigma) for sigma in turbo.sigmas(2, 0.5)] == [499, 249]
    for steps in (1, 2, 3, 4, 7):
        for strength in (1.0, 0.6, 0.35):
            theirs = LCMScheduler()
            theirs.set_timesteps(steps, strength=strength)
            ours = [distilled.parts.levels.timestep(sigma) for sigma in distilled.sigmas(steps, strength)]
            assert ours == theirs.timesteps.tolist()


def test_the_places_of_a_list_of_timesteps_are_those_of_lcms_scheduler(opened):
    from diffusers import LCMScheduler

    theirs = LCMScheduler()
    theirs.set_timesteps(50)
    assert timesteps_at(range(50)) == theirs.timesteps.tolist()
    assert timesteps_at((32, 45)) == [359, 99]
    assert timesteps_at((0, 16, 32, 45)) == [999, 679, 359, 99]
    for name in ("sd", "lcm"):
        model = opened(name)
        assert [model.parts.levels.timestep(sigma) for sigma in model.sigmas_at((35, 45))] == [299, 99]
    for places in ((), (5, 5), (9, 3), (-1, 4), (50,)):
        with pytest.raises(ValueError, match="1 or more places that rise within 0 to 49"):
            timesteps_at(places)


@pytest.mark.parametrize(("steps", "strength"), [(0, 1.0), (1, 0.0), (1, 1.5), (30, 0.02), (1001, 1.0)])
def test_a_schedule_that_cannot_be_is_told(opened, steps, strength):
    with pytest.raises(ValueError, match="possible: strength in"):
        opened("sd").sigmas(steps, strength)


def test_a_level_of_no_timestep_is_told(opened):
    with pytest.raises(ValueError, match="is no level of this model; take one of sigmas"):
        draw(opened("sd"), levels=(0.51234,))


def test_levels_of_pure_noise_play_with_v_and_not_with_epsilon(folders, tmp_path):
    whole = tiny_sd(tmp_path / "v", prediction="v_prediction", scheduler="DDIMScheduler", zero_snr=True)
    model = open_image(whole, tiny_vae=folders / "taesd", size=SIZE)
    assert model.sigmas(1) == (1.0,)
    assert torch.isfinite(draw(model, levels=model.sigmas(1))).all()
    with pytest.raises(CheckpointError, match=r'pure noise .* needs prediction_type "v_prediction"'):
        open_image(
            tiny_sd(tmp_path / "e", scheduler="DDIMScheduler", zero_snr=True), tiny_vae=folders / "taesd", size=SIZE
        )


def test_predictions_and_schedules_that_are_unknown_are_told():
    falling = torch.linspace(0.99, 0.01, 1000)
    with pytest.raises(CheckpointError, match="possible: epsilon, v_prediction, sample"):
        Levels(falling, "flow")
    with pytest.raises(CheckpointError, match="do not fall"):
        Levels(falling.flip(0), "epsilon")
    levels = Levels(falling, "sample")
    said = noise(1, 0, 0, (1, 4, 2, 2))
    assert torch.equal(levels.clean(said, torch.zeros_like(said), levels.at(levels.sigmas(1), "cpu")), said)


def test_a_consistency_models_scale_is_told_as_its_pipeline_tells_it(opened, folders):
    from diffusers import LatentConsistencyModelPipeline

    theirs = LatentConsistencyModelPipeline.get_guidance_scale_embedding(None, torch.tensor([7.0]), embedding_dim=16)
    assert torch.allclose(guidance_embedding(8.0, 16), theirs[0], atol=1e-3)  # of sines of numbers up to 7000
    model = opened("lcm")
    plain, eight = draw(model), draw(model, state(Sampling(scale=8)))
    assert not torch.allclose(plain, eight)
    assert torch.equal(plain, draw(model, state(Sampling(guidance="full", scale=8))))  # made outside the net
