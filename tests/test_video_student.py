"""The video student: its world, its words, its training, and the folder that the real loaders open."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.conditioning import Conditioning
from studio.controls import Prompt, Sampling
from studio.engine import Engine
from studio.evaluation import video as judge
from studio.models.wan.causal_wan import CausalWan
from studio.models.wan.model import open_wan
from studio.models.wan.video_decoder import load_tiny_decoder
from studio.models.wan.video_encoder import load_tiny_encoder
from studio.training import student_recipe, video_forcing
from studio.training import video_student as student
from studio.training.diffusion import Stage
from studio.training.video_clips import LABELS, Paths, Script, World, all_settings, prompt
from studio.training.video_codec import VideoAutoencoder, run_clips, start_from_pixels
from studio.training.video_export import TINY
from studio.training.video_text import new_tokenizer

WIDTHS = {"encoder": (12, 12, 28, 28), "decoder": (8, 8, 8, 8)}
SMALL = student.SHAPE | dict(num_attention_heads=1, ffn_dim=32, num_layers=2)


@cache
def world() -> World:
    return World.paint([("meadow", "day"), ("city", "night")])


def script(count=3, seed=0) -> Script:
    return Script.draw(world(), count, np.random.default_rng(seed))


# --- the world ---


def test_a_film_is_the_same_from_wherever_it_is_begun():
    whole, later = script().film(world(), 9), script().film(world(), 4, first=5)
    assert torch.equal(whole.pictures[:, 5:], later.pictures)
    assert torch.equal(whole.x[:, 5:], later.x)


def test_some_scripts_of_many_show_what_they_did():
    rows = np.array([2, 0])
    assert torch.equal(script().only(rows).film(world(), 2).pictures, script().film(world(), 2).pictures[rows])


def test_subjects_move_by_themselves_stay_in_the_picture_and_look_where_they_go():
    paths = Paths.draw(np.arange(len(LABELS)), np.random.default_rng(3))
    x, y, facing = paths.at(np.arange(400.0))
    assert x.min() > 0.1
    assert x.max() < 0.9
    assert y.min() > 0
    assert y.max() < 1
    step = x.diff(dim=1)
    assert (step.abs() > 0.002).float().mean() > 0.98
    towards = step.sign() * -facing[:, :-1]
    assert (towards > 0).float().mean() > 0.98  # +1 looks left


def test_a_prompt_names_place_and_subjects_and_what_is_restaged_moves_as_before():
    rng, one = np.random.default_rng(1), script(40)
    for number, labels in zip(one.setting, one.labels):
        said = prompt(world(), number, labels, rng)
        assert "a a " not in said
        assert "the the " not in said
        assert (" and " in said) or (labels < 0).any()
    other = one.restaged(world(), rng)
    assert other.paths is one.paths
    assert ((other.labels >= 0) == (one.labels >= 0)).all()
    assert (other.labels != one.labels).any()


# --- the autoencoder ---


def test_training_runs_the_layers_as_the_loaded_halves_do(tmp_path):
    torch.manual_seed(0)
    codec = VideoAutoencoder(**WIDTHS).eval()
    codec.save(tmp_path / TINY, torch.float32)
    encoder, decoder = load_tiny_encoder(tmp_path / TINY), load_tiny_decoder(tmp_path / TINY)
    clips = torch.rand(2, 9, 3, 32, 32)
    with torch.no_grad():
        latents = codec.encode(clips)
        made = codec.decode(latents)
    for clip, own, pictures in zip(clips, latents, made):
        torch.testing.assert_close(encoder.encode_clip(clip), own, atol=1e-5, rtol=0)
        torch.testing.assert_close(decoder.decode(own, decoder.start())[0], pictures, atol=1e-5, rtol=0)


def test_the_encoder_begins_as_principal_components():
    torch.manual_seed(0)
    codec = VideoAutoencoder(**WIDTHS)
    film = script(8).film(world(), 4).pictures
    start_from_pixels(codec, film)
    with torch.no_grad():
        latents = run_clips(codec.encoder.encoder, film).movedim(2, -1).flatten(0, -2)
    covariance = latents.T @ latents / len(latents)
    torch.testing.assert_close(covariance, torch.eye(16), atol=0.02, rtol=0)


# --- the forward in training ---


def test_training_sees_what_playing_sees_with_a_prompt_padded_to_512():
    net = student.new_transformer(SMALL, seed=1)
    for weight in net.parameters():
        weight.data += torch.randn_like(weight) / 20
    playing = CausalWan(copy.deepcopy(net), "velocity", student.CHUNK).eval()
    torch.manual_seed(2)
    x, sigma = torch.randn(2, 6, 16, 4, 4), torch.tensor([0, 0, 0, 0.8, 0.8, 0.8]).expand(2, -1)
    lengths, texts = torch.tensor([3, 7]), torch.zeros(2, 512, SMALL["text_dim"])
    for row, length in enumerate(lengths):
        texts[row, :length] = torch.randn(length, SMALL["text_dim"])
    with torch.no_grad():
        trained = student.predict(net, x, sigma, texts[:, : student.WORDS], lengths, torch.arange(6))
        for row in range(2):
            told = Conditioning.of(texts[row : row + 1].expand(6, -1, -1), torch.zeros(6, 0, 4, 4))
            played = playing.predict(x[row], sigma[row], told, torch.arange(6))
            torch.testing.assert_close(trained[row], played, atol=1e-5, rtol=0)


def test_an_untrained_net_passes_the_noise_through():
    net, x = student.new_transformer(), torch.randn(1, 3, 16, 8, 8)
    with torch.no_grad():
        out = student.predict(net, x, torch.ones(1, 3), torch.zeros(1, 28, 64), torch.tensor([2]), torch.arange(3))
    assert (out - x).square().mean() < 0.2


def test_clean_chunks_are_told_to_be_clean_and_do_not_count():
    pool = student.Pool.empty(4, 64)
    for part in (pool.near, pool.far, pool.other):
        part.copy_(torch.randn(part.shape))
    pool.filled = 4
    batch = student.clip_batch(pool, 64, 2, np.random.default_rng(0))
    past = batch.sigma[:, 0] == 0
    assert past.any()
    assert not past.all()
    assert (batch.sigma[:, 3:] > 0).all()  # the last chunk is always drawn
    assert (batch.sigma.unflatten(1, (2, 3)).std(2) == 0).all()  # one level a chunk
    assert (batch.seen - batch.clean)[~past].abs().max() == 0
    assert (batch.seen - batch.clean)[past].abs().max() > 0


# --- the whole ---


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> tuple[Path, list[dict]]:
    """The recipe in its smallest form, from nothing to the folder."""
    folder = tmp_path_factory.mktemp("student")
    return folder, list(student_recipe.train(folder, "student-smoke"))


def test_the_recipe_runs_through_every_stage_and_once_done_does_nothing(smoke):
    folder, reports = smoke
    stages = list(dict.fromkeys(report["stage"] for report in reports))
    assert stages == ["codec", "text", "vae", "witness", "images", "clips", "own-past", "decoder", "done"]
    assert all(np.isfinite(report["loss"]) for report in reports if "loss" in report)
    assert [report["stage"] for report in student_recipe.train(folder, "student-smoke")] == ["done"]


def test_the_real_loaders_open_the_folder_and_play_it(smoke):
    base = smoke[0] / "student"
    model = open_wan(base, tiny_decoder=base / TINY, size=(128, 128))
    assert model.chunk == 3
    assert model.latent == (16, 16, 16)
    engine = Engine(model, "rollout")
    engine.apply([(1, Prompt("a fox in a meadow")), (2, Sampling(seed=1, steps=2))])
    pictures = [engine.step().picture for _ in range(10)]
    assert pictures[0].shape == (128, 128, 3)
    engine.apply([(3, Prompt("a fox in a city at night", switch="recache"))])
    assert engine.step().picture.shape == (128, 128, 3)
    assert load_tiny_encoder(base / TINY).lead == 3


def test_the_folder_says_what_it_is_and_how_good(smoke):
    base = smoke[0] / "student"
    figures = json.loads((base / "figures.json").read_text())
    assert set(figures["takes"]) == {"subject_right", "place_right", "time_right", "background_error"}
    assert figures["fps"] > 0
    assert figures["psnr_db"] > 0
    card = (base / "README.md").read_text()
    assert "apache-2.0" in card
    assert "| takes subject_right | " in card
    assert (base / "sheet.png").stat().st_size > 1000


def test_the_witness_is_asked_for_what_is_drawn():
    clips = script(20).film(world(), 1)
    sizes = np.full((20, 2), 0.4)
    wanted = judge.answers(clips, sizes)[:, 0]
    for n, labels in enumerate(clips.labels):
        named = {int(v) - 1 for v in wanted[n].unique() if v}
        assert named <= {int(v) for v in labels}
        assert bool(named) == (labels >= 0).any()


def test_the_background_is_itself():
    made = world().frames(np.array([1]), np.array([5]))
    assert judge.background_error(made, world(), 1) == 0
    assert judge.background_error(made, world(), 0) > 20


def test_a_stage_of_clips_learns_from_whole_clips_alone(smoke, tmp_path, monkeypatch):
    monkeypatch.setattr(student, "FIRST", 8)
    teacher = student.Teacher(world(), VideoAutoencoder(**WIDTHS), smoke[0], size=16)
    net = student.new_transformer(SMALL | dict(num_layers=1))
    for stage in (Stage("images", 1, 1, 1, 1e-3), Stage("clips", 1, 1, 9, 1e-3)):
        list(student.train_video(net, teacher, tmp_path, stage, 1, (512, 512)))
    pool = teacher.pool
    for part in (pool.near, pool.far, pool.weight, pool.far_weight):
        assert (part[: pool.filled].flatten(2).abs().amax(2) > 0).all()


def test_streams_are_played_to_their_end_and_every_switch_is_heard(smoke):
    teacher = student.Teacher(world(), VideoAutoencoder(**WIDTHS), smoke[0], size=2)
    rng, net = np.random.default_rng(0), student.new_transformer(SMALL)
    streams = video_forcing.start_streams(teacher, 2, rng)
    streams.switch[:] = 2, video_forcing.CHUNKS
    before = streams.text()[0]
    loss = video_forcing.tick(net, streams, rng)
    after = streams.text()[0]  # of the next chunk, the second
    assert not torch.equal(after[0], before[0])
    assert torch.equal(after[1], before[1])
    assert loss.requires_grad
    assert streams.chunk == 2
    assert not torch.equal(streams.played[:, 3:6], streams.truth[:, 3:6])
    assert torch.equal(streams.played[:, :3], streams.truth[:, :3])


def test_the_tokenizer_knows_the_subjects_and_spells_the_rest():
    tokenizer = new_tokenizer()
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("the octopus and a zyx").input_ids)
    assert pieces == ["\u2581the", "\u2581octopus", "\u2581and", "\u2581a", "\u2581", "z", "y", "x", "</s>"]


def test_all_settings_are_those_the_world_knows():
    assert ("space", "night") in all_settings()
    assert ("space", "day") not in all_settings()
