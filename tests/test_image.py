import io
import json
import shutil
import threading
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from safetensors.torch import load_file, save_file
from tiny_folders import tiny_controlnet, tiny_lora, tiny_sd, tiny_taesd, unet_shape

from studio.conditioning import Rows, condition_frames
from studio.controls import ControlError, ControlState, Lora, Picture, Prompt, Sampling, Structure
from studio.models.errors import CheckpointError, MissingWeights
from studio.models.image import lora
from studio.models.image.checkpoint import fingerprint
from studio.models.image.model import guidance_embedding, open_image
from studio.models.image.noise_levels import Levels, timesteps_at
from studio.noise import noise
from studio.samplers import PictureRollout, PictureStream
from studio.schedule import add_noise

SIZE = (64, 64)
RNG = np.random.default_rng(5)
FOX = Prompt("a red fox", negative="blurred")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    tiny_taesd(root / "taesd")
    for family in ("sd", "sdxl"):
        base = tiny_sd(root / family, family)
        tiny_controlnet(root / f"controlnet-{family}", base)
    tiny_sd(root / "v", prediction="v_prediction")
    tiny_sd(root / "lcm", scheduler="LCMScheduler", guidance_width=16)
    return root


@pytest.fixture(scope="module")
def opened(folders):
    """opened(name, **options): the model of a folder, with the tiny autoencoder, opened once for each options."""

    @cache
    def once(name="sd", loras=(), **options):
        options = {"size": SIZE, "tiny_vae": folders / "taesd"} | options
        return open_image(folders / name, loras=dict(loras), **options)

    return once


def state(*controls):
    held = ControlState()
    for control in (FOX, *controls):
        held = held.after(control, 0)
    return held


def picture_bytes(pixels=None):
    file = io.BytesIO()
    Pillow.fromarray(RNG.integers(0, 256, (*SIZE, 3), dtype=np.uint8) if pixels is None else pixels).save(file, "PNG")
    return file.getvalue()


def forward(model, x, levels, cond, frames):
    """The model's clean latents of rows."""
    return model.denoise(Rows(x, tuple(levels), cond, tuple(frames)))


def draw(model, held=None, rows=1, x=None, levels=None, text=None):
    """The clean latents of rows on the first steps of a schedule."""
    held = held or state()
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(rows)]) if x is None else x
    levels = levels or model.sigmas(max(len(x), 2))[: len(x)]
    frames = list(range(len(x)))
    cond = condition_frames(model, held, frames)
    return forward(model, x, levels, cond if text is None else cond.with_text(text), frames)


def pipeline(folder, kind, **parts):
    import diffusers

    pipe = getattr(diffusers, kind).from_pretrained(folder, **parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def tiny_autoencoder(folders):
    from diffusers import AutoencoderTiny

    return AutoencoderTiny.from_pretrained(folders / "taesd")


# The numbers


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


def test_rows_at_different_levels_are_each_as_alone(opened):
    for name in ("sd", "sdxl", "lcm"):
        model = opened(name)
        levels = model.sigmas(4)
        x = torch.stack([noise(1, row, 0, model.latent) for row in range(4)])
        together = draw(model, x=x, levels=levels)
        for row in range(4):
            alone = draw(model, x=x[[row]], levels=levels[row : row + 1])
            assert torch.allclose(together[[row]], alone, rtol=1e-5, atol=1e-4)


# Levels


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


# Rows


def rows_changed(model, held, change):
    """Which rows' answers a change of row 1 moves."""
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(3)])
    levels, frames = model.sigmas(4)[:3], [7, 6, 5]
    cond = condition_frames(model, held, frames)
    before = forward(model, x, levels, cond, frames)
    after = forward(model, *change(x, levels, cond), frames)
    return [not torch.allclose(one, other, rtol=1e-6, atol=1e-5) for one, other in zip(before, after)]


def other_latent(x, levels, cond):
    return torch.cat([x[:1], x[1:2].flip(-1), x[2:]]), levels, cond


@pytest.mark.parametrize("name", ["sd", "sdxl"])
def test_stream_06_a_changed_row_changes_that_row_alone(opened, name):
    """Property 6: rows never mix: latent, level and words of one change that one."""
    model = opened(name)

    def other_level(x, levels, cond):
        return x, (levels[0], model.sigmas(8)[3], levels[2]), cond

    def other_words(x, levels, cond):
        told = condition_frames(model, state(Prompt("a lake")), [6])
        return x, levels, cond.cat([cond.rows([0]), told, cond.rows([2])])

    for change in (other_latent, other_level, other_words):
        assert rows_changed(model, state(), change) == [False, True, False]


def test_stream_06_permuted_rows_permute_the_answers(opened):
    """Property 6."""
    model = opened("sd")
    x, levels = torch.stack([noise(1, row, 0, model.latent) for row in range(3)]), model.sigmas(3)
    order = [2, 0, 1]
    assert torch.allclose(
        draw(model, x=x, levels=levels)[order],
        draw(model, x=x[order], levels=tuple(levels[row] for row in order)),
        rtol=1e-5,
        atol=1e-4,
    )


def test_stream_06_with_cross_frame_attention_rows_see_each_other(opened):
    """Property 6: unless cross-frame attention is on; and one row alone sees what it always sees."""
    model = opened("sd", cross_frame=True)
    assert rows_changed(model, state(), other_latent) == [True, True, True]
    assert torch.allclose(draw(model), draw(opened("sd")), rtol=1e-5, atol=1e-4)


def test_branches_of_the_same_frames_do_not_see_each_other(opened):
    model = opened("sd", cross_frame=True)
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(2)])
    levels, frames = model.sigmas(2), [5, 4]
    told = condition_frames(model, state(), frames)
    against = condition_frames(model, state(), frames).with_text(model.prepare("blurred"))
    both = forward(model, torch.cat([x, x]), levels * 2, told.cat([told, against]), frames * 2)
    apart = [forward(model, x, levels, cond, frames) for cond in (told, against)]
    assert torch.allclose(both, torch.cat(apart), rtol=1e-5, atol=1e-4)
    assert not torch.allclose(apart[0], apart[1], atol=1e-3)


def test_cross_frame_attention_is_attention_over_all_rows_tokens(opened):
    """Against the same sum written plainly, on one layer."""
    from studio.models.image.cross_frame import Branches, CrossFrameAttention

    attn = opened("sd").parts.unet.mid_block.attentions[0].transformer_blocks[0].attn1
    x = noise(1, 0, 0, (3, 5, 32))
    branches = Branches()
    branches.set([1, 2, 3])
    split = [layer(x).reshape(3, 5, attn.heads, -1) for layer in (attn.to_q, attn.to_k, attn.to_v)]
    query, key, value = split
    score = torch.einsum("fqhd,gkhd->fhqgk", query, key) * query.shape[-1] ** -0.5
    share = score.flatten(3).softmax(-1).reshape(score.shape)
    plain = attn.to_out[0](torch.einsum("fhqgk,gkhd->fqhd", share, value).flatten(2))
    assert torch.allclose(CrossFrameAttention(branches)(attn, x), plain, atol=1e-5)


def test_without_cross_frame_attention_the_unet_is_diffusers_own_bit_for_bit(opened, folders):
    from diffusers import UNet2DConditionModel

    model = opened("sd")
    stock = UNet2DConditionModel.from_pretrained(folders / "sd" / "unet").eval().to(memory_format=torch.channels_last)
    x = noise(1, 0, 0, (2, *model.latent)).contiguous(memory_format=torch.channels_last)
    t, text = torch.tensor([999, 499]), condition_frames(model, state(), [0, 1]).text
    with torch.no_grad():
        said = [net(x, t, encoder_hidden_states=text).sample for net in (model.parts.unet, stock)]
    assert torch.equal(*said)


# Words


def test_a_text_is_encoded_once_and_from_any_thread(opened, monkeypatch):
    model = opened("sd")
    first = model.prepare("a fox nobody has heard of")
    assert model.prepare("a fox nobody has heard of") is first
    answers = {}
    threads = [
        threading.Thread(target=lambda n=n: answers.__setitem__(n, model.prepare(f"fox {n % 4} of many")))
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers[n] is answers[n % 4] for n in range(16))
    assert torch.equal(answers[1].states, model.parts.words.states("fox 1 of many"))


def test_a_prompt_too_long_for_one_chunk_is_read_in_two(opened):
    long = opened("sd").prepare("x " * 100).states
    assert len(long) == 2 * 77
    assert torch.equal(long[:77], opened("sd").prepare("x " * 75).states)


@pytest.mark.parametrize("name", ["sd", "sdxl"])
def test_all_that_is_told_of_words_blends(opened, name):
    model = opened(name)
    held = ControlState().after(Prompt("a fox"), 0).after(Prompt("a lake", blend=3), 10)
    told = [condition_frames(model, held.at(now), [now]) for now in (9, 11, 20)]
    pure = [condition_frames(model, state(Prompt(words)), [0]) for words in ("a fox", "a lake")]
    for part in (lambda cond: cond.text, lambda cond: cond.text[:, -1]):  # SDXL's last row is the pooled text
        assert torch.equal(part(told[0]), part(pure[0]))
        assert torch.allclose(part(told[1]), torch.lerp(part(pure[0]), part(pure[1]), 0.5), atol=1e-6)
        assert torch.equal(part(told[2]), part(pure[1]))


# Pictures


def test_stream_15_one_picture_is_one_latent_however_it_is_held(opened):
    """Property 15: bytes, uint8, PIL, [0, 1] and declared [-1, 1] are the same, also where all of it is bright."""
    model = opened("sd")
    for pixels in (
        RNG.integers(0, 256, (*SIZE, 3), dtype=np.uint8),
        RNG.integers(180, 256, (*SIZE, 3), dtype=np.uint8),
    ):
        latent = model.encode_picture(picture_bytes(pixels))
        unit = pixels.astype(np.float32) / 255
        assert latent.shape == model.latent
        for held in (pixels, Pillow.fromarray(pixels), unit, unit.astype(np.float64)):
            assert torch.equal(model.encode_picture(held), latent)
        assert torch.equal(model.encode_picture(unit * 2 - 1, signed=True), latent)
    bright = model.encode_picture(np.full((*SIZE, 3), 0.75, np.float32), signed=True)
    assert torch.equal(bright, model.encode_picture(np.full((*SIZE, 3), 0.875, np.float32)))


def test_stream_16_the_same_picture_is_the_same_latent_in_both_autoencoders(opened):
    """Property 16: the tiny autoencoder is deterministic and the full one gives its mode; nothing is drawn."""
    data = picture_bytes()
    for model in (opened("sd"), opened("sd", tiny_vae=None)):
        torch.manual_seed(1)
        first = model.encode_picture(data)
        torch.manual_seed(2)
        assert torch.equal(model.encode_picture(data), first)
    full = opened("sd", tiny_vae=None)
    x = torch.tensor(np.asarray(Pillow.open(io.BytesIO(data)))).permute(2, 0, 1)[None] / 127.5 - 1
    mean = full.parts.codec.net.encode(x).latent_dist.mean[0] * full.parts.codec.net.config.scaling_factor
    assert torch.allclose(full.encode_picture(data), mean, atol=1e-5)
    assert full.parts.codec.net.config.scaling_factor == 0.18215


def test_a_picture_of_another_shape_is_cropped_in_its_middle(opened):
    model = opened("sd")
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, 64:128] = RNG.integers(0, 256, (64, 64, 3))
    assert torch.equal(model.encode_picture(picture_bytes(wide)), model.encode_picture(wide[:, 64:128]))
    assert torch.equal(model.encode_picture(wide), model.encode_picture(wide[:, 64:128]))


def test_a_picture_that_cannot_be_drawn_from_is_told(opened):
    model = opened("sd")
    nan = np.full((*SIZE, 3), np.nan, np.float32)
    for bad in (picture_bytes()[:300], picture_bytes(np.zeros((1, 1, 3), np.uint8)), nan, b""):
        with pytest.raises(ControlError, match=r"send|scale|possible"):
            model.encode_picture(bad)
    for bad in (
        nan[0],
        RNG.standard_normal((64, 64, 3)),
        np.zeros((64, 64, 3), np.int64),
        np.zeros((64, 64, 4), np.uint8),
    ):
        with pytest.raises(ControlError, match=r"a picture is|a float picture is"):
            model.encode_picture(bad)


def test_decoding_is_the_autoencoders_and_stateless(opened, folders):
    model, decoder = opened("sd"), opened("sd").new_decoder()
    latent = noise(1, 0, 0, model.latent)
    with torch.no_grad():
        theirs = tiny_autoencoder(folders).decode(latent[None]).sample[0]
    ours = decoder.decode(latent[None])[0]
    assert (ours.dtype, ours.shape) == (np.uint8, (*SIZE, 3))
    assert np.abs(ours - ((theirs + 1) * 127.5).clamp(0, 255).permute(1, 2, 0).numpy()).max() <= 0.501
    decoder.restore(decoder.snapshot())
    assert np.array_equal(decoder.decode(latent[None])[0], ours)


# LoRAs


def lora_files(folders, **options):
    """Two LoRAs, "first" and "second", as the arguments of `opened`."""
    place = folders / "loras-text" if options.get("text") else folders / "loras"
    files = [tiny_lora(place, folders / "sd", seed=seed, **options) for seed in (4, 5)]
    return tuple(zip(("first", "second"), files))


@pytest.mark.parametrize("style", ["kohya", "diffusers"])
@pytest.mark.parametrize("weight", [1.0, -0.5])
def test_a_lora_applied_is_the_lora_merged(opened, folders, style, weight):
    ((_, file), *_) = lora_files(folders, style=style)
    model, merged = (
        opened("sd", loras=(("first", file),)),
        open_image(folders / "sd", tiny_vae=folders / "taesd", size=SIZE),
    )
    tensors = load_file(file)
    for name, layer in merged.parts.unet.named_modules():
        keys = {
            "kohya": ("lora_unet_" + name.replace(".", "_"), "lora_down", "lora_up"),
            "diffusers": (f"unet.{name}", "lora_A", "lora_B"),
        }
        stem, down, up = keys[style]
        if f"{stem}.{down}.weight" in tensors:
            scale = float(tensors.get(f"{stem}.alpha", torch.tensor(2.0))) / 2
            product = tensors[f"{stem}.{up}.weight"].flatten(1) @ tensors[f"{stem}.{down}.weight"].flatten(1)
            layer.weight.data += weight * scale * product.reshape(layer.weight.shape)
    ours, theirs = draw(model, state(Lora("first", weight)), rows=2), draw(merged, rows=2)
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))
    assert not torch.allclose(ours, draw(opened("sd"), rows=2), atol=1e-2)


def test_two_loras_of_different_ranks_applied_are_both_merged(opened, folders):
    files = [tiny_lora(folders / "ranks", folders / "sd", seed=seed, rank=seed) for seed in (2, 3)]
    model = opened("sd", loras=(("second", files[0]), ("third", files[1])))
    merged = open_image(folders / "sd", tiny_vae=folders / "taesd", size=SIZE)
    for file, weight in zip(files, (1.0, -0.6)):
        lora.fuse({"unet": merged.parts.unet}, lora.read(file, {"unet": merged.parts.unet}), weight)
    ours, theirs = draw(model, state(Lora("second", 1), Lora("third", -0.6))), draw(merged)
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))


def test_every_row_has_its_own_weights_of_every_lora(opened, folders):
    """Two styles, three rows: together as each alone; what a sampler does with rows that began under others."""
    model = opened("sd", loras=lora_files(folders))
    mixes = (state(Lora("first", 1)), state(Lora("second", 0.7), Lora("first", -1)), state())
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(3)])
    levels = model.sigmas(3)
    conds = [condition_frames(model, held, [row]) for row, held in enumerate(mixes)]
    together = forward(model, x, levels, conds[0].cat(conds), [0, 1, 2])
    for row, cond in enumerate(conds):
        alone = forward(model, x[[row]], levels[row : row + 1], cond, [row])
        assert torch.allclose(together[[row]], alone, rtol=1e-5, atol=1e-4)
    assert torch.allclose(together[[2]], draw(opened("sd"), x=x[[2]], levels=levels[2:]), rtol=1e-5, atol=1e-4)


def test_a_lora_taken_away_leaves_nothing(opened, folders):
    model = opened("sd", loras=lora_files(folders))
    before = draw(model)
    assert not torch.equal(draw(model, state(Lora("first", 2))), before)
    assert torch.equal(draw(model, state(Lora("first", 2), Lora("first", 0))), before)
    assert torch.equal(before, draw(opened("sd")))
    assert model.capabilities.loras == ("first", "second")
    assert "lora" not in model.capabilities.refuses
    assert "loras={name: file}" in opened("sd").capabilities.refuses["lora"]


def test_sessions_play_one_model_with_styles_of_their_own_at_once(opened, folders):
    model = opened("sd", loras=lora_files(folders))
    mixes = [state(Lora("first", weight)) for weight in (0, 1)]
    wanted = [draw(model, held) for held in mixes]
    wrong = []

    def play(which):
        for _ in range(20):
            if not torch.equal(draw(model, mixes[which]), wanted[which]):
                wrong.append(which)

    threads = [threading.Thread(target=play, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("guidance", ["none", "full", "initialize"])
def test_styles_structure_and_pictures_change_while_streaming_and_nothing_in_flight_is_lost(opened, folders, guidance):
    """Every frame is as drawn alone under what was in force when it began, three steps in one batch."""
    model = opened("sd", loras=lora_files(folders), controlnet=folders / "controlnet-sd")
    data = picture_bytes()
    sampling = Sampling(steps=3, guidance=guidance, scale=2, strength=0.7)
    changes = [
        (),
        (Lora("first", 1),),
        (Picture(data), Lora("first", -0.5)),
        (Picture(data), Structure(0.7)),
        (Picture(data), Structure(0.7), Lora("second", 1)),
        (Prompt("a lake"),),
    ]
    held = [state(sampling, *controls) for controls in changes]
    stream, alone = PictureStream(model), PictureRollout(model)
    came = [latent for each in held if (latent := stream.tick(each)) is not None] + stream.flush(held[-1])
    wanted = [alone.step(each) for each in held]
    assert len(came) == len(wanted)
    for one, other in zip(came, wanted):
        assert torch.allclose(one, other, rtol=1e-5, atol=2e-5 * float(other.abs().max()))


def test_a_lora_of_the_text_encoder_changes_how_the_prompt_is_read(opened, folders):
    loras = lora_files(folders, text=True)
    model, plain = opened("sd", loras=loras), opened("sd")
    told = condition_frames(model, state(Lora("first", 1)), [0]).text
    assert not torch.allclose(told, condition_frames(model, state(), [0]).text, atol=1e-3)
    assert torch.equal(condition_frames(model, state(), [0]).text, condition_frames(plain, state(), [0]).text)
    assert torch.equal(model.prepare("a fox").states, plain.prepare("a fox").states)


def test_a_consistency_lora_is_fused_and_brings_its_levels(opened, folders):
    ((_, file), *_) = lora_files(folders)
    fused, live = opened("sd", lcm_lora=file), opened("sd", loras=(("first", file),))
    assert [fused.parts.levels.timestep(sigma) for sigma in fused.sigmas(4)] == [999, 759, 499, 259]
    levels = fused.sigmas(1)
    theirs = draw(live, state(Lora("first", 1)), levels=levels)
    assert torch.allclose(draw(fused, levels=levels), theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))
    assert torch.equal(draw(opened("sd", lcm_lora=file.parent / file.name)), draw(fused))


@pytest.mark.parametrize("each", [1, 2])
def test_kohyas_names_of_sdxl_are_those_of_diffusers_own_table(each):
    """Every layer that stands in a block, by the name that Stability's code gives it; `each` layers a block."""
    from diffusers import UNet2DConditionModel
    from diffusers.loaders.lora_conversion_utils import _maybe_map_sgm_blocks_to_diffusers

    net = UNet2DConditionModel(**unet_shape("sdxl") | {"layers_per_block": each})
    ours = lora.aliases(net)
    names = {name for name, flat in lora.sgm_names(net) if "block" in name and flat in ours} - {"input_blocks_0_0"}
    theirs = _maybe_map_sgm_blocks_to_diffusers({f"lora_unet_{name}.alpha": name for name in names}, net.config)
    inner = {"in_layers_2": "conv1", "out_layers_3": "conv2", "emb_layers_1": "time_emb_proj", "_op": "_conv"}
    inner |= {"skip_connection": "conv_shortcut", "input_blocks": "down_blocks", "output_blocks": "up_blocks"}
    inner |= {"middle_block": "mid_block"}
    for key, name in theirs.items():
        flat = key.removeprefix("lora_unet_").removesuffix(".alpha")
        for old, new in inner.items():
            flat = flat.replace(old, new)
        assert ours[name] == ours[flat]
    layers = [name for name, layer in net.named_modules() if "blocks" in name and hasattr(layer, "stride")]
    assert {ours[name] for name in theirs.values()} >= set(layers)


def test_stabilitys_name_of_a_layer_after_a_block_without_attention():
    """As in SD 1.x, whose own checkpoints say output_blocks.2.1.conv; no table of diffusers has it."""
    from diffusers import UNet2DConditionModel

    turned = {"up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "layers_per_block": 2}
    names = lora.aliases(UNet2DConditionModel(**unet_shape("sd") | turned))
    assert names["output_blocks_2_1_conv"] == "up_blocks.0.upsamplers.0.conv"


def rewritten(file, path, change):
    tensors = load_file(file)
    save_file(change(tensors), path)
    return path


def test_a_lora_that_does_not_fit_is_told_and_nothing_is_changed(opened, folders, tmp_path):
    ((_, file), *_) = lora_files(folders)
    first = next(key for key in load_file(file) if key.endswith("lora_down.weight"))
    wide = tiny_lora(tmp_path, folders / "sdxl")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(file.read_bytes()[:-500])
    bad = {
        "is for another base: it has layer lora_unet_down_blocks_1_attentions_0_transformer_blocks_1_attn1_to_k": wide,
        r"for another base: its layer .* \(rank 2, .*, the model's .* use one trained": rewritten(
            file, tmp_path / "a.safetensors", lambda held: {**held, first: held[first][:, :3].contiguous()}
        ),
        "has only alpha, up of layer": rewritten(
            file, tmp_path / "b.safetensors", lambda held: {key: held[key] for key in held if key != first}
        ),
        "is a LoHa": rewritten(file, tmp_path / "c.safetensors", lambda held: {"lora_unet_x.hada_w1_a": held[first]}),
        "is no LoRA: it has conv.weight": rewritten(
            file, tmp_path / "d.safetensors", lambda held: {"conv.weight": held[first]}
        ),
        "text_encoder_2 does not exist": rewritten(
            file, tmp_path / "e.safetensors", lambda held: {"lora_te2_text_model_x.lora_down.weight": held[first]}
        ),
        "cannot be read": cut,
        "not there|No such file": tmp_path / "none.safetensors",
        "holds one safetensors file": tmp_path,
    }
    nets = {"unet": opened("sd").parts.unet, **opened("sd").parts.words.encoders}
    before = {name: held.clone() for name, held in nets["unet"].state_dict().items()}
    for message, path in bad.items():
        with pytest.raises(CheckpointError, match=message):
            lora.read(path, nets)
        with pytest.raises(CheckpointError):
            open_image(folders / "sd", tiny_vae=folders / "taesd", loras={"bad": path}, size=SIZE)
    after = nets["unet"].state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


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


def test_every_row_has_its_own_structure(opened, folders):
    model = opened("sd", controlnet=folders / "controlnet-sd")
    data = picture_bytes()
    held = [state(Picture(data), Structure(strength, "edges")) for strength in (0.5, 2)]
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(2)])
    levels = model.sigmas(2)
    conds = [condition_frames(model, each, [row]) for row, each in enumerate(held)]
    together = forward(model, x, levels, conds[0].cat(conds), [0, 1])
    alone = [forward(model, x[[row]], levels[row : row + 1], cond, [row]) for row, cond in enumerate(conds)]
    assert torch.allclose(together, torch.cat(alone), rtol=1e-5, atol=1e-4)


def test_structure_of_no_strength_is_never_asked(opened, folders, monkeypatch):
    model = opened("sd", controlnet=folders / "controlnet-sd")
    monkeypatch.setattr(model.parts.controlnet, "forward", lambda *told, **more: pytest.fail("asked"))
    for held in (state(Picture(picture_bytes())), state(Structure(1)), state()):
        assert torch.equal(draw(model, held), draw(opened("sd"), held))
    assert "structure" not in model.capabilities.refuses
    assert "controlnet=folder" in opened("sd").capabilities.refuses["structure"]


def test_a_controlnet_of_another_family_is_told(folders):
    with pytest.raises(CheckpointError, match=r"another family: its cross_attention_dim is 64, the model's 32"):
        open_image(folders / "sd", tiny_vae=folders / "taesd", controlnet=folders / "controlnet-sdxl", size=SIZE)
    with pytest.raises(CheckpointError, match="holds a AutoencoderTiny, needed is a ControlNetModel"):
        open_image(folders / "sd", tiny_vae=folders / "taesd", controlnet=folders / "taesd", size=SIZE)


def test_edges_are_thin_white_lines_where_the_picture_changes():
    from studio.pictures import edges

    pixels = np.full((64, 64, 3), 20, np.uint8)
    pixels[16:48, 16:48] = 220
    lines = edges(pixels)[:, :, 0]
    assert set(np.unique(lines)) == {0, 255}
    across = np.flatnonzero(lines[32])
    assert len(across) == 2
    assert np.abs(across - (16, 48)).max() <= 1
    assert np.array_equal(edges(pixels), edges(pixels.copy()))
    assert edges(np.full((64, 64, 3), 130, np.uint8)).max() == 0


# Folders


def copied(folders, tmp_path, name="sd"):
    return Path(shutil.copytree(folders / name, tmp_path / name))


def weights(folder, part="unet"):
    return folder / part / "diffusion_pytorch_model.safetensors"


def in_index(folder, **entries):
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def in_config(folder, part, **entries):
    path = folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def without(path, key, **more):
    tensors = load_file(path)
    del tensors[key]
    save_file(tensors | more, path)


BAD_FOLDERS = {
    "is not there; download": lambda folder: shutil.rmtree(folder),
    "model_index.json cannot be read": lambda folder: (folder / "model_index.json").write_text("{"),
    r"StableDiffusion3Pipeline \(transformer SD3Transformer2DModel\); playable": lambda folder: in_index(
        folder,
        _class_name="StableDiffusion3Pipeline",
        unet=[None, None],
        transformer=["diffusers", "SD3Transformer2DModel"],
    ),
    "text_encoder is not there, where a CLIPTextModel is needed": lambda folder: in_index(
        folder, text_encoder=[None, None]
    ),
    "text_encoder is T5EncoderModel, where a CLIP": lambda folder: in_index(
        folder, text_encoder=["transformers", "T5EncoderModel"]
    ),
    "missing_keys: 1, as conv_in.bias; unexpected_keys: 1, as more": lambda folder: without(
        weights(folder), "conv_in.bias", more=torch.zeros(1)
    ),
    "UNet2DConditionModel cannot be read .* expected shape": lambda folder: in_config(
        folder, "unet", cross_attention_dim=48
    ),
    "UNet2DConditionModel cannot be read": lambda folder: weights(folder).write_bytes(
        weights(folder).read_bytes()[:-999]
    ),
    "has no safetensors weights; it has .*bin, and pickled": lambda folder: weights(folder).rename(
        weights(folder).with_suffix(".bin")
    ),
    "CLIPTextModel cannot be read": lambda folder: (folder / "text_encoder" / "model.safetensors").write_bytes(
        b"x" * 99
    ),
    "no CLIP tokenizer": lambda folder: shutil.rmtree(folder / "tokenizer"),
    "whose levels are not variance-preserving": lambda folder: in_config(
        folder, "scheduler", _class_name="FlowMatchEulerDiscreteScheduler"
    ),
    "names the scheduler 'Nothing'": lambda folder: in_config(folder, "scheduler", _class_name="Nothing"),
    "wants additional conditioning": lambda folder: in_config(folder, "unet", class_embed_type="timestep"),
    "takes 9 channels and gives 4 .inpainting": lambda folder: inpainting(folder),
}


def inpainting(folder):
    tensors = load_file(weights(folder))
    tensors["conv_in.weight"] = torch.cat(
        [tensors["conv_in.weight"], tensors["conv_in.weight"], tensors["conv_in.weight"][:, :1]], 1
    )
    save_file(tensors, weights(folder))
    in_config(folder, "unet", in_channels=9)


@pytest.mark.parametrize("message", BAD_FOLDERS)
def test_a_folder_that_cannot_be_played_is_told(folders, tmp_path, message):
    folder = copied(folders, tmp_path)
    BAD_FOLDERS[message](folder)
    with pytest.raises((CheckpointError, MissingWeights), match=message):
        open_image(folder, tiny_vae=folders / "taesd", size=SIZE)


def test_an_autoencoder_of_another_kind_is_told(folders):
    with pytest.raises(CheckpointError, match="holds a UNet2DConditionModel, needed is a AutoencoderTiny"):
        open_image(folders / "sd", tiny_vae=folders / "sd" / "unet", size=SIZE)


@pytest.mark.parametrize("size", [(63, 64), (0, 64), (64, 100), (8, 8), (64, 8192)])
def test_a_size_that_cannot_be_is_told(folders, size):
    with pytest.raises(ValueError, match=f"size is {size[0]}x{size[1]}; possible: height and width divisible by 8"):
        open_image(folders / "sd", tiny_vae=folders / "taesd", size=size)


def test_half_precision_files_are_found(folders, tmp_path, opened):
    folder = copied(folders, tmp_path)
    for part, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
        path = folder / part / f"{name}.safetensors"
        save_file(
            {k: v.half() for k, v in load_file(path).items()}, path.with_suffix(".fp16.safetensors"), {"format": "pt"}
        )
        path.unlink()
    model = open_image(folder, tiny_vae=folders / "taesd", size=SIZE)
    assert model.parts.unet.dtype == torch.float32
    assert torch.allclose(draw(model), draw(opened("sd")), rtol=0.1, atol=0.1)


def test_the_original_names_of_clips_layers_are_read(folders, tmp_path, opened):
    """Checkpoints of the SD1.5 time say text_model. before every key, and hold position_ids."""
    folder = copied(folders, tmp_path)
    path = folder / "text_encoder" / "model.safetensors"
    held = {f"text_model.{key}": value for key, value in load_file(path).items()}
    save_file(held | {"text_model.embeddings.position_ids": torch.arange(77)[None]}, path, {"format": "pt"})
    model = open_image(folder, tiny_vae=folders / "taesd", size=SIZE)
    assert torch.equal(model.prepare("a fox").states, opened("sd").prepare("a fox").states)


def test_the_full_autoencoder_of_a_half_precision_model_stays_whole_where_it_must(folders, tmp_path):
    folder = copied(folders, tmp_path, "sdxl")
    assert open_image(folder, size=SIZE, dtype=torch.float16).parts.codec.net.dtype == torch.float32
    in_config(folder, "vae", force_upcast=False)
    assert open_image(folder, size=SIZE, dtype=torch.float16).parts.codec.net.dtype == torch.float16
    assert open_image(folder, size=SIZE, dtype=torch.float16).parts.unet.dtype == torch.float16


def test_the_id_of_the_weights_is_that_of_all_that_draws(folders, tmp_path, opened):
    folder = copied(folders, tmp_path)
    (_, file), *_ = lora_files(folders)
    same = open_image(folder, tiny_vae=folders / "taesd", size=SIZE).weights_id
    assert same == opened("sd").weights_id
    assert len(same) == 12
    others = {opened("sdxl").weights_id, opened("sd", tiny_vae=None).weights_id, opened("sd", lcm_lora=file).weights_id}
    tensors = load_file(weights(folder))
    save_file(tensors | {"conv_out.bias": tensors["conv_out.bias"] + 1}, weights(folder))
    others.add(open_image(folder, tiny_vae=folders / "taesd", size=SIZE).weights_id)
    assert len({same, *others}) == 5


@pytest.mark.parametrize("place", [3, 100_000, 2_999_999])
def test_the_id_looks_at_both_ends_of_a_large_file(tmp_path, place):
    file = tmp_path / "large.safetensors"
    file.write_bytes((1000).to_bytes(8, "little") + bytes(2_999_992))
    before = fingerprint([file])
    changed = bytearray(file.read_bytes())
    changed[place] ^= 1
    file.write_bytes(changed)
    assert fingerprint([file]) != before
    file.write_bytes(bytes(changed) + b"0")
    assert len({before, fingerprint([file])}) == 2


def test_it_says_what_it_cannot_play(opened):
    model = opened("sd")
    assert set(model.capabilities.refuses) == {"stroke", "erase", "sink", "lora", "structure"}
    assert (model.capabilities.independent, model.chunk, model.size, model.latent) == (True, 1, SIZE, (4, 8, 8))
    with pytest.raises(TypeError, match="it has no cache"):
        model.new_cache()


def test_graphs_do_not_go_with_what_changes_a_forward(folders):
    with pytest.raises(ValueError, match="not possible with loras or cross_frame"):
        open_image(folders / "sd", tiny_vae=folders / "taesd", size=SIZE, cross_frame=True, graphs=True)
