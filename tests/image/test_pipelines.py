"""What an image model draws is what diffusers' own pipelines and schedulers draw."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from image.drawing import FOX, draw, forward, picture_bytes, pipeline, state, tiny_autoencoder
from studio.conditioning import condition_frames
from studio.controls import Picture, Structure
from studio.noise import noise
from studio.schedule import add_noise


@pytest.mark.parametrize(
    ("name", "prediction", "dtype"),  # of v not in bfloat16: the answer is no bfloat16 number
    [("sd", "epsilon", torch.float32), ("sd", "epsilon", torch.bfloat16), ("v", "v_prediction", torch.float32)],
)
def test_stream_08_a_known_answer_comes_out_of_epsilon_and_of_v(opened, monkeypatch, name, prediction, dtype):
    """Property 8: a, b once in high precision, x0 divided in float32 at a = .068, epsilon and v both right."""
    model = opened(name, dtype=dtype)
    steps = torch.tensor([999, 499, 19])
    alphas = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0)[steps]
    a, b = (part.sqrt()[:, None, None, None] for part in (alphas, 1 - alphas))
    clean = torch.stack([noise(3, n, 0, model.latent) for n in range(3)]).bfloat16().double()
    fresh = torch.stack([noise(4, n, 0, model.latent) for n in range(3)]).bfloat16().double()
    says = {"epsilon": fresh, "v_prediction": a * fresh - b * clean}[prediction]
    told = []

    def known(x, t, **options):
        told.append(t.tolist())
        return (says.to(x.dtype),)

    monkeypatch.setattr(model.parts.unet, "forward", known)
    sigma = (b / (a + b)).flatten().tolist()
    x = ((a * clean + b * fresh) / (a + b)).float()
    answer = forward(model, x, sigma, condition_frames(model, state(), [0, 1, 2]), [0, 1, 2])
    assert answer.dtype == torch.float32
    assert told == [[999, 499, 19]]
    assert (answer - clean).abs().max() < 3e-5


@pytest.mark.parametrize("step", [999, 679, 19])
@pytest.mark.parametrize(("name", "scheduler"), [("sd", "LCM"), ("sd", "EulerDiscrete"), ("v", "LCM"), ("v", "DDIM")])
def test_the_clean_latent_is_the_one_of_diffusers_schedulers(opened, folders, name, scheduler, step):
    import diffusers

    kind = getattr(diffusers, f"{scheduler}Scheduler")
    config = json.loads((folders / name / "scheduler" / "scheduler_config.json").read_text())
    steps = kind.from_config(config, clip_sample=False)
    if scheduler == "LCM":
        steps.set_timesteps(timesteps=[step])
    else:
        steps.set_timesteps(1000)
    model = opened(name)
    sigma, a = model.parts.levels.all_sigmas[step], model.parts.levels.a[step].float()
    b = model.parts.levels.b[step].float()
    x = noise(1, 0, 0, (1, *model.latent))
    ours = draw(model, x=x, levels=(sigma,))
    cond = condition_frames(model, state(), [0])
    preserving = x * (a + b)
    said = model.parts.unet(preserving, torch.tensor([step]), encoder_hidden_states=cond.text).sample
    given = preserving / a if scheduler == "EulerDiscrete" else preserving  # Euler's own x is x0 + (b / a) noise
    timestep = next(t for t in steps.timesteps if int(t) == step)
    done = steps.step(said, int(timestep) if scheduler != "EulerDiscrete" else timestep, given)
    theirs = done.denoised if scheduler == "LCM" else done.pred_original_sample
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=2e-5 * float(theirs.abs().max()))


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_a_picture_from_noise_is_the_pipelines_own(opened, folders, family):
    """One step of SD-Turbo's sampler; the picture too, through the folder's full autoencoder."""
    pipe = pipeline(folders / family, "StableDiffusionPipeline" if family == "sd" else "StableDiffusionXLPipeline")
    model = opened(family, tiny_vae=None)
    fresh = noise(1, 0, 0, model.latent)
    options = dict(num_inference_steps=1, guidance_scale=0.0, height=64, width=64, latents=fresh[None].clone())
    theirs = pipe(FOX.text, output_type="latent", **options).images[0]
    (sigma,) = model.sigmas(1)
    ours = draw(model, x=sigma * fresh[None], levels=(sigma,))[0]
    assert torch.allclose(ours, theirs, atol=1e-4 * float(theirs.abs().max()))
    picture = (pipe(FOX.text, output_type="np", **options).images[0] * 255).round()
    assert np.abs(model.new_decoder().decode(ours[None])[0].astype(float) - picture).max() <= 1


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_a_picture_from_a_picture_is_the_pipelines_own(opened, folders, family):
    kind = "StableDiffusionImg2ImgPipeline" if family == "sd" else "StableDiffusionXLImg2ImgPipeline"
    pipe = pipeline(folders / family, kind, vae=tiny_autoencoder(folders))
    model = opened(family)
    data = picture_bytes()
    theirs = pipe(
        FOX.text,
        image=Pillow.open(io.BytesIO(data)),
        strength=0.5,
        num_inference_steps=2,
        guidance_scale=0.0,
        generator=torch.Generator().manual_seed(7),
        output_type="latent",
    ).images[0]
    fresh = torch.randn((1, *model.latent), generator=torch.Generator().manual_seed(7))
    (sigma,) = model.sigmas(1, 0.5)
    ours = draw(model, x=add_noise(model.encode_picture(data)[None], fresh, sigma), levels=(sigma,))[0]
    assert torch.allclose(ours, theirs, atol=1e-4 * float(theirs.abs().max()))


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_words_and_negative_words_are_the_pipelines_own(opened, folders, family):
    pipe = pipeline(folders / family, "StableDiffusionPipeline" if family == "sd" else "StableDiffusionXLPipeline")
    model = opened(family)
    fresh = noise(1, 0, 0, model.latent)[None]
    (sigma,) = model.sigmas(1)
    for negative in ("blurred", None):  # of SDXL no negative words are zeros
        theirs = pipe(
            FOX.text,
            negative_prompt=negative,
            num_inference_steps=1,
            guidance_scale=3.0,
            height=64,
            width=64,
            latents=fresh.clone(),
            output_type="latent",
        ).images
        under = draw(model, x=sigma * fresh, levels=(sigma,), text=model.prepare(negative or ""))
        ours = under + 3 * (draw(model, x=sigma * fresh, levels=(sigma,)) - under)
        assert torch.allclose(ours, theirs, atol=1e-4 * float(theirs.abs().max()))


# ControlNet


@pytest.mark.parametrize("family", ["sd", "sdxl"])
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_structure_is_the_pipelines_controlnet(opened, folders, family, strength):
    from diffusers import ControlNetModel

    kind = f"StableDiffusion{'XL' if family == 'sdxl' else ''}ControlNetPipeline"
    net = ControlNetModel.from_pretrained(folders / f"controlnet-{family}")
    pipe = pipeline(folders / family, kind, controlnet=net)
    model = opened(family, controlnet=folders / f"controlnet-{family}")
    data, fresh = picture_bytes(), noise(1, 0, 0, model.latent)[None]
    theirs = pipe(
        FOX.text,
        image=Pillow.open(io.BytesIO(data)),
        controlnet_conditioning_scale=strength,
        num_inference_steps=1,
        guidance_scale=0.0,
        latents=fresh.clone(),
        output_type="latent",
    ).images[0]
    held = state(Picture(data), Structure(strength, "picture"))
    (sigma,) = model.sigmas(1)
    ours = draw(model, held, x=sigma * fresh, levels=(sigma,))[0]
    assert torch.allclose(ours, theirs, atol=1e-4 * float(theirs.abs().max()))
    assert not torch.allclose(ours, draw(model, x=sigma * fresh, levels=(sigma,))[0], atol=1e-2)
