"""The picture model: its scenes and their noise, its words, its training, and the folder that the real loaders open."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.controls import Picture, Prompt, Sampling
from studio.engine import Engine
from studio.evaluation import pictures as judge
from studio.models.image.clip_tokenizer import clip_tokenizer
from studio.models.loader import load
from studio.training import picture_codec, picture_model, picture_recipe
from studio.training.picture_card import open_picture_model
from studio.training.picture_scenes import EDGES, Scenes, flat_ground, heights, patterns, read_code, write_code
from studio.training.picture_text import new_clip_tokenizer
from studio.training.video_clips import GAIT_OF, LABELS, World
from studio.training.video_text import vocabulary

SMALL = picture_model.SHAPE | dict(block_out_channels=(16, 16, 16))


@cache
def world() -> World:
    return World.paint([("meadow", "day"), ("city", "night")])


def scenes(count=12, seed=0, free=0.5) -> Scenes:
    return Scenes.draw(world(), count, np.random.default_rng(seed), free)


# --- scenes and their noise ---


def test_the_patterns_are_coordinates_of_the_noise():
    made = patterns().flatten(1)
    torch.testing.assert_close(made @ made.T, torch.eye(14))


def test_noise_holds_a_scenes_code_and_stays_normal():
    torch.manual_seed(0)
    noise, code = torch.randn(4000, 4, 16, 16), torch.randn(4000, 14)
    written = write_code(noise, code)
    torch.testing.assert_close(read_code(written), code, atol=1e-4, rtol=0)
    along = patterns()[0]
    assert abs((written * along).sum((1, 2, 3)).var() - 1) < 0.1
    assert abs(written.var() - 1) < 0.01
    other = torch.randn(4, 16, 16)
    other -= torch.einsum("k,kchw->chw", torch.einsum("chw,kchw->k", other, patterns()), patterns())
    torch.testing.assert_close((written * other).sum((1, 2, 3)), (noise * other).sum((1, 2, 3)), atol=1e-3, rtol=0)


def test_subjects_stand_where_their_gaits_have_them_or_anywhere():
    bound, loose = scenes(400, free=0.0), scenes(400, free=1.0)
    y = bound.places()[1][:, 0]
    for n in np.flatnonzero(bound.labels[:, 0] >= 0):
        low, high = heights(bound.labels[n, 0])
        assert low - 1e-6 <= y[n] <= high + 1e-6
    x, y, size, facing = loose.places()
    for part in (x, y):
        assert part.min() >= EDGES[0]
        assert part.max() <= EDGES[1]
        assert part.max() - part.min() > 0.6
    assert size.max() - size.min() > 0.2
    assert set(facing.unique().tolist()) == {-1.0, 1.0}


def test_a_scene_is_a_function_of_its_code_and_shows_its_subject_where_it_says():
    one = scenes()
    pictures, covered = one.film(world())
    assert torch.equal(scenes().film(world())[0], pictures)
    x, y = (part[:, 0] for part in one.places()[:2])
    cells = (torch.arange(128) + 0.5) / 128
    for n in np.flatnonzero((one.labels[:, 0] >= 0) & (one.labels[:, 1] < 0)):
        mask = covered[n, 0]
        assert abs((mask.sum(0) * cells).sum() / mask.sum() - x[n]) < 0.04
        assert abs((mask.sum(1) * cells).sum() / mask.sum() - y[n]) < 0.04


def test_rough_scenes_have_their_subjects_where_the_true_ones_have():
    rng, one = np.random.default_rng(1), scenes(60)
    _, covered = one.film(world())
    for other in (one.elsewhere(world(), rng), one):
        assert torch.equal(other.film(world(), flat_ground(60, rng))[1], covered)
    recast = one.recast(rng)
    assert (recast.labels != one.labels).any()
    assert ((recast.labels >= 0) == (one.labels >= 0)).all()
    for mine, its in zip(recast.places(), one.places()):
        there = torch.from_numpy(one.labels >= 0)
        assert torch.equal(mine[there], its[there])
    gaits = [[GAIT_OF[LABELS[n]] for n in row] for row in (recast.labels[:, 0], one.labels[:, 0])]
    assert all(one.free[n] or mine == its for n, (mine, its) in enumerate(zip(*gaits)))


def test_prompts_name_the_subject_and_some_nothing_else():
    texts = scenes(400).written(world(), np.random.default_rng(2))
    assert 0 < texts.count("") < 60
    assert any(len(text.split()) == 1 for text in texts)


# --- autoencoder and words ---


def test_the_encoder_begins_as_principal_components():
    torch.manual_seed(0)
    codec = picture_codec.new_picture_codec(picture_codec.SHAPE)
    film = scenes(32).film(world())[0]
    picture_codec.start_from_means(codec, film)
    with torch.no_grad():
        latents = codec.encode(film[:, None]).movedim(2, -1).flatten(0, -2)
    torch.testing.assert_close(latents.T @ latents / len(latents), torch.eye(4), atol=0.02, rtol=0)


def test_the_tokenizer_reads_the_worlds_words_as_clips_own_does():
    ours, clips = new_clip_tokenizer(), clip_tokenizer()
    assert len(ours) < 2500
    for text in ("an octopus at the red-roofed houses by night.", " ".join(vocabulary())):
        assert ours.tokenize(text) == clips.tokenize(text)
    spelled = ours.tokenize("xylophone")
    assert "".join(spelled) == "xylophone</w>"


# --- the training ---


def filled_pool(size=40) -> picture_model.Pool:
    torch.manual_seed(0)
    pool = picture_model.Pool.empty(size)
    pool.clean.copy_(torch.randn(pool.clean.shape))
    pool.rough.copy_(pool.clean + 5)
    pool.code.copy_(torch.randn(pool.code.shape))
    pool.free[::2] = True
    pool.filled = size
    return pool


def test_what_is_drawn_from_words_alone_has_its_picture_in_the_noise_and_no_other_sign():
    pool = filled_pool()
    batch = picture_model.draw_batch(pool, 50, np.random.default_rng(0))
    alone = batch.t == 999
    assert alone.sum() == 20
    assert batch.signal[alone].abs().max() == 0
    for clean, code in zip(batch.clean[alone], read_code(batch.noise[alone])):
        row = int((pool.clean.float() - clean).abs().flatten(1).sum(1).argmin())
        assert not pool.free[row]
        torch.testing.assert_close(code, pool.code[row], atol=1e-4, rtol=0)


def test_rough_pictures_are_redrawn_only_from_high_levels_and_towards_the_clean():
    batch = picture_model.draw_batch(filled_pool(), 400, np.random.default_rng(0))
    apart = (batch.signal - batch.clean).flatten(1).mean(1)
    rough = (apart > 4) & (batch.t < 999)
    assert 0.15 < rough.float().mean() < 0.25
    assert (batch.t[rough] >= 20 * (picture_model.LOW + 1) - 1).all()
    assert batch.t.min() >= 20 * (picture_model.LOWEST + 1) - 1
    assert (((batch.t + 1) % 20) == 0).all()  # of the fifty levels, as the player has them


def test_training_and_playing_see_the_same_forward(smoke):
    model = open_picture_model(smoke[0] / "picture-model")
    levels = picture_model.picture_levels()
    assert model.sigmas(4) == tuple(levels.all_sigmas[t] for t in (999, 759, 499, 259))
    engine = Engine(model, "rollout")
    engine.apply([(1, Prompt("a fox in a meadow")), (2, Sampling(seed=3, steps=1))])
    engine.step()
    words = model.prepare("a fox in a meadow").states[None]
    noise = studio_noise(model)
    zeros, one = torch.zeros_like(noise), torch.ones(1, 1, 16, 16)
    batch = picture_model.Batch(zeros, zeros, one, words, noise, torch.tensor([999]))
    with torch.no_grad():
        ours = picture_model.guess(model.parts.unet, levels, batch)
    theirs = engine.sampler._last
    torch.testing.assert_close(ours[0], theirs, atol=0.05, rtol=0)  # in bfloat16


def studio_noise(model):
    from studio.noise import drifting_noise

    return drifting_noise(3, 0, 0, model.latent, 0)[None]


def test_own_pictures_take_the_place_of_what_is_redrawn():
    net, levels, pool = picture_model.new_unet(SMALL), picture_model.picture_levels(), filled_pool()
    batch = picture_model.draw_batch(pool, 50, np.random.default_rng(0))
    before = batch.signal.clone()
    picture_model.own_pictures(net, levels, pool, batch, np.random.default_rng(1))
    changed = (batch.signal != before).flatten(1).any(1)
    assert changed.tolist() == [False] * 44 + [True] * 6
    assert (batch.t[changed] < 999).all()


# --- the whole ---


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> tuple[Path, list[dict]]:
    """The recipe in its smallest form, from nothing to the folder."""
    folder = tmp_path_factory.mktemp("picture")
    return folder, list(picture_recipe.train(folder, "picture-smoke"))


def test_the_recipe_runs_through_every_stage_and_once_done_does_nothing(smoke):
    folder, reports = smoke
    stages = list(dict.fromkeys(report["stage"] for report in reports))
    assert stages == ["codec", "text", "witness", "scenes", "redrawn", "done"]
    assert all(np.isfinite(report["loss"]) for report in reports if "loss" in report)
    assert [report["stage"] for report in picture_recipe.train(folder, "picture-smoke")] == ["done"]


def test_load_opens_the_folder_and_plays_it_from_words_and_from_a_picture(smoke):
    model = load(smoke[0] / "picture-model", size=(128, 128))
    assert model.latent == (4, 16, 16)
    assert not model.capabilities.undistilled
    engine = Engine(model, "stream")
    engine.apply([(1, Prompt("a fox in a meadow")), (2, Sampling(seed=1, steps=2))])
    frames = [engine.step() for _ in range(3)]
    assert frames[-1].picture.shape == (128, 128, 3)
    source = judge.png(scenes(1).film(world())[0][0])
    engine.apply([(3, Picture(source)), (4, Sampling(seed=1, steps=2, strength=0.5))])
    assert engine.step().picture.shape == (128, 128, 3)


def test_diffusers_own_pipeline_draws_the_same_picture(smoke):
    from diffusers import StableDiffusionPipeline

    folder = smoke[0] / "picture-model"
    pipe = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    model = open_picture_model(folder)
    engine = Engine(model, "rollout")
    engine.apply([(1, Prompt("a fox in a meadow")), (2, Sampling(seed=3, steps=1))])
    ours = engine.step().picture
    told = dict(num_inference_steps=1, guidance_scale=1.0, height=128, width=128, output_type="np")
    b = float(model.parts.levels.b[999])
    theirs = pipe("a fox in a meadow", latents=studio_noise(model) * b, **told).images[0]
    assert np.abs(ours / 255 - theirs).max() < 0.01


def test_the_folder_says_what_it_is_and_how_good(smoke):
    base = smoke[0] / "picture-model"
    figures = json.loads((base / "figures.json").read_text())
    right = {"subject_right", "place_right", "time_right", "background_error"}
    assert set(figures["words, steps 1"]) == right | {"seconds"}
    assert set(figures["redrawn, from plain"]) == right | {"px"}
    assert "apache-2.0" in (base / "README.md").read_text()
    assert (base / "sheet.png").stat().st_size > 1000


def test_a_perfect_redrawing_is_judged_so(monkeypatch):
    """The judge itself: what is true comes back as right, and a subject moved by a tenth as 26 pixels off."""
    shown = {}

    def found(pictures, label=None):
        return [shown["at"]]

    class Sees:
        find = staticmethod(found)
        name = staticmethod(lambda made: [("meadow", "day", "clear")])

    monkeypatch.setattr(judge, "load_detector", lambda: Sees)
    monkeypatch.setattr(judge, "witness_right", lambda *_: {})
    monkeypatch.setattr(judge, "draw", lambda model, text, seed, steps, source=None: np.zeros((128, 128, 3), np.uint8))
    plain = judge.one_subject

    def remembered(*arguments, **options):
        made = plain(*arguments, **options)
        x, y = (float(part[0, 0]) for part in made.places()[:2])
        shown["at"] = (LABELS[made.labels[0, 0]], x + 0.1, y, 0.9)
        return made

    monkeypatch.setattr(judge, "one_subject", remembered)
    figures = judge.evaluate_pictures(None, World.paint([("meadow", "day")]), Sees, 1)
    assert figures["words, steps 2"]["subject_right"] == 1
    assert figures["words, steps 2"]["place_right"] == 1
    assert figures["redrawn, from plain"]["px"] == pytest.approx(25.6)
