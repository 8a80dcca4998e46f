"""Training on the model's own past: streams are played as the studio plays them, and corrected towards the truth."""

import contextlib
import copy
from dataclasses import fields
from functools import cache

import numpy as np
import pytest
import torch
from drawn import few_prompts, few_scenes, untrained, untrained_net

from studio.conditioning import Conditioning, PromptStates, Rows, frame_inputs
from studio.controls import ControlState, Sampling, Stroke
from studio.models.pocket import model as pocket
from studio.models.pocket.sentence_encoder import text_encoder
from studio.schedule import sigmas
from studio.training import diffusion, forcing, recipe
from studio.training.clips import ClipMaker


@cache
def maker():
    return ClipMaker(few_scenes(), few_prompts(), untrained_net().memory.owner)


@cache
def channels():
    return torch.ones(untrained_net().config["codec"]["channels"])


def player(net=None):
    torch.manual_seed(0)
    return forcing.Player(net or untrained_net(), maker())


def conditions(count=2, seed=0):
    return forcing.StreamConditions.draw(maker(), count, np.random.default_rng(seed))


# --- what is asked ------------------------------------------------------------


def test_hands_carry_subjects_about_in_sight_and_leave_them_standing():
    rng, given, steps = np.random.default_rng(0), conditions(8), []
    for _ in range(60):
        before = given.at.copy()
        given.advance(maker(), rng)
        steps.append(np.abs(given.at - before).max(-1))
    assert 0 <= given.at.min() <= given.at.max() <= 1
    still = np.mean(np.array(steps) == 0)
    assert 0.3 < still < 0.9
    assert np.max(steps) > 0.1


def test_a_carried_subject_looks_where_it_goes():
    given = conditions(1)
    given.held[:], given.at[:], given.goal[:] = True, 0.2, 0.8
    for seed in range(20):  # until no hand lets go and no subject is exchanged
        moved = copy.deepcopy(given)
        moved.advance(maker(), np.random.default_rng(seed))
        if moved.held.all():
            assert (moved.facing == -1).all()  # sprites look to the left as they are drawn
            return
    raise AssertionError("every hand let go")


def test_words_change_with_the_scene_and_the_layout_stays():
    rng, given, changes = np.random.default_rng(1), conditions(16), 0
    for _ in range(30):
        before, views = given.scene.copy(), [few_scenes().scenes[n].view for n in given.scene]
        given.advance(maker(), rng)
        changes += (given.scene != before).sum()
        assert [few_scenes().scenes[n].view for n in given.scene] == views
        for scene, said in zip(given.scene, given.prompt, strict=True):
            meant = few_scenes().scenes[scene]
            assert said == -1 or said in few_prompts().of_scene[meant.place, meant.time, meant.weather]
    assert 2 < changes < 16 * 30 * 3 * forcing.SWITCH


def test_the_stream_is_told_what_the_studio_tells_and_its_truth_is_drawn(tmp_path):
    model, given = untrained(tmp_path), conditions(1)
    words = maker().prompts.of_scene["meadow", "day", "clear"]
    known, owner = recipe.memory_keys()
    given.scene[:], given.prompt[:], given.phase[:] = 0, words[0], 3
    given.subject[:] = [[int(owner[known.index("cow")]), -1, -1]]
    given.key[:], given.at[:], given.size[:], given.facing[:] = known.index("cow"), (0.4, 0.6), 0.35, 1
    net, _ = pocket.PocketNet.load(tmp_path)
    vector = maker().prompts.vectors[words[0]]
    stroke = Stroke("1", "cow", ((0, 0.4, 0.6),), mode="pin", size=0.35)
    state = ControlState().after(Sampling(seed=0), 0).after(stroke, 0)
    states = PromptStates(pocket.text_tokens(vector))
    told = model.condition(states, frame_inputs(state, [3, 4]), [3, 4])
    true, weight = player(net).ground_truth(given, 2)
    torch.testing.assert_close(true.tracks[0], told.tracks, atol=2e-2, rtol=0)
    assert weight[0, 0, 0, 9, 6] == diffusion.SUBJECT_WEIGHT
    assert weight[0, 0, 0, 0, 15] == 1
    empty = copy.deepcopy(given)
    empty.subject[:] = -1
    bare, _ = player(net).ground_truth(empty, 2)
    changed = (true.latent - bare.latent).abs().amax((0, 1, 2)) > 1e-3
    assert changed[9, 6]
    assert not changed[:4].any()
    pictures = few_scenes().frames(np.array([0, 0]), np.array([3, 4]))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        clean = net.codec.encode(pictures.contiguous(memory_format=torch.channels_last) * 2 - 1).float()
    torch.testing.assert_close(bare.latent[0], clean, atol=0.05, rtol=0.05)


# --- as the studio plays --------------------------------------------------------


def test_a_guess_is_what_the_studio_s_cache_and_rows_give(tmp_path, monkeypatch):
    """The sink in the cache, the frame that came out riding along, two rows in flight: one tick of the stream batch."""
    monkeypatch.setattr(torch, "autocast", lambda *_: contextlib.nullcontext())  # bfloat16 would hide small faults
    model = untrained(tmp_path)
    net, _ = pocket.PocketNet.load(tmp_path)
    given, ground = conditions(1), torch.Generator().manual_seed(0)
    given.prompt[:] = 2
    true, _ = player(net).ground_truth(given, 4)
    sigma = sigmas(2, 100.0)[::-1]
    rows = forcing.FrameBatch(torch.randn(true.latent.shape, generator=ground), true.tracks)
    guesses = player(net).guess(given, rows, (0.0, 0.0, *sigma))
    text = pocket.text_tokens(maker().prompts.vectors[2])
    cond, cache = Conditioning.of(text, true.tracks[0]), model.new_cache()
    play = lambda part, numbers, levels: model.denoise(  # noqa: E731
        Rows(rows.latent[0, part], tuple(levels), cond.rows(part), tuple(numbers)), cache, 1
    )
    with torch.no_grad():
        play(slice(0, 1), [0], [0.0])
        play(slice(3, 4), [6], [0.0])  # a frame of the window, which the next one takes the place of
        out = play(slice(1, 4), [7, 8, 9], [0.0, *sigma])
    torch.testing.assert_close(guesses[0, 1:], out, atol=1e-3, rtol=0)
    alone = player(net).guess(given, rows.frames(slice(1, 4)), (0.0, *sigma))
    assert (alone[0, 1:] - out[1:]).abs().max() > 0.03  # the sink does count


def test_a_tick_lets_one_row_out_and_sees_its_own_frames_from_then_on():
    play, rng = player(), np.random.default_rng(0)
    streams = play.start_streams(2, 3, rng)
    assert streams.past.latent.shape[:2] == (2, 2)
    assert streams.guesses.shape[:2] == (2, 2)
    seen, guess = [], play.guess
    play.guess = lambda *told: seen.append((told, guess(*told))) or seen[-1][1]
    sink = streams.past.latent[:, 0].clone()
    play.tick(streams, channels(), rng)
    _, made = seen[0]
    assert torch.equal(streams.past.latent[:, 0], sink)
    assert torch.equal(streams.past.latent[:, 1], made[:, 2])
    assert torch.equal(streams.guesses, made[:, 3:])
    play.tick(streams, channels(), rng)
    (_, rows, sigma), _ = seen[1]
    assert torch.equal(rows.latent[:, 1], made[:, 2])
    assert sigma[:2] == (0.0, 0.0)
    assert sigma[-1] == 1
    assert list(sigma[2:]) == sorted(sigma[2:])


def test_rows_in_flight_are_the_stream_s_own_guesses_under_noise(monkeypatch):
    play, rng = player(), np.random.default_rng(0)
    monkeypatch.setattr(forcing, "SHIFTS", (0.01, 0.011))  # hardly any noise
    streams = play.start_streams(2, 2, rng)
    guesses, seen, guess = streams.guesses.clone(), [], play.guess
    play.guess = lambda *told: seen.append(told) or guess(*told)
    play.tick(streams, channels(), rng)
    _, rows, _ = seen[0]
    assert (rows.latent[:, 2] - guesses[:, 0]).abs().mean() < 0.05
    assert rows.latent[:, 3].std() == pytest.approx(1, abs=0.1)  # who comes in is pure noise


def test_the_error_teaches_the_present_guess_and_not_the_past():
    net = copy.deepcopy(untrained_net()).requires_grad_(True)
    play, rng = player(net), np.random.default_rng(0)
    streams = play.start_streams(1, 2, rng)
    loss = play.tick(streams, channels(), rng)
    assert loss > 0
    loss.backward()
    assert net.transformer.proj_out.weight.grad.abs().max() > 0
    assert not streams.past.latent.requires_grad
    assert not streams.guesses.requires_grad


def test_who_guesses_the_truth_has_no_error():
    play, rng = player(), np.random.default_rng(0)
    streams = play.start_streams(2, 2, rng)
    ground_truth = play.ground_truth
    answers = []
    play.ground_truth = lambda conditions, frames: answers.append(ground_truth(conditions, frames)) or answers[-1]
    play.guess = lambda conditions, rows, sigma: torch.cat([streams.past.latent, answers[-1][0].latent], 1)
    assert play.tick(streams, channels(), rng) == 0


def test_streams_begin_anew_whole_and_the_others_go_on(monkeypatch):
    play, rng = player(), np.random.default_rng(0)
    streams = play.start_streams(4, 2, rng)
    before, kept = streams.past.latent.clone(), copy.deepcopy(streams.conditions)
    monkeypatch.setattr(forcing, "LENGTH", 2)
    play.renew(streams, rng)
    new = ~(streams.past.latent == before).flatten(1).all(1).numpy()
    assert 0 < new.sum() < 4
    for field in fields(kept):
        assert np.array_equal(getattr(streams.conditions, field.name)[~new], getattr(kept, field.name)[~new])
    assert (streams.conditions.at[new] != kept.at[new]).any()


# --- the stage ------------------------------------------------------------------


def test_the_stage_teaches_the_transformer_alone_and_goes_on_where_it_was(tmp_path, monkeypatch):
    weights = diffusion.channel_weights
    monkeypatch.setattr(forcing, "channel_weights", lambda net, latents: weights(net, latents[:1]))
    net = copy.deepcopy(untrained_net()).requires_grad_(True)
    net.codec.requires_grad_(False)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    reports = list(forcing.train_forcing(net, maker(), tmp_path, diffusion.Stage("forcing", 5, 1, 3, 1e-2)))
    assert reports[-1]["step"] == 5
    changed = {name.split(".")[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"transformer", "denoiser"}  # one and the same
    again = list(forcing.train_forcing(net, maker(), tmp_path, diffusion.Stage("forcing", 6, 1, 3, 1e-2)))
    assert [report["step"] for report in again] == [6]
    assert list(forcing.train_forcing(net, maker(), tmp_path, diffusion.Stage("forcing", 6, 1, 3, 1e-2))) == []


def test_nothing_said_is_told_as_no_words():
    given = conditions(1)
    given.prompt[:] = -1
    play = player()
    true, _ = play.ground_truth(given, 1)
    net = untrained_net()
    view = torch.tensor([few_scenes().scenes[given.scene[0]].view])
    with torch.no_grad():
        recalled = net.places.recall(text_encoder()([""]), view)
    torch.testing.assert_close(true.tracks[0, :, -48:], recalled)
