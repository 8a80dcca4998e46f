"""Training the decoder on frames the model has played: what is kept of them, what is counted, what changes."""

import copy
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn import few_prompts, few_scenes, untrained_net

from studio.models.pocket import model as pocket
from studio.models.pocket.autoencoder import Autoencoder
from studio.training import decoder, diffusion, forcing
from studio.training.clips import ClipMaker


@pytest.fixture(autouse=True)
def briefly(monkeypatch):
    """Two kinds of streams instead of five, every frame kept."""
    monkeypatch.setattr(decoder, "STEPS", (1, 2))
    monkeypatch.setattr(decoder, "APART", 1)


@cache
def maker():
    return ClipMaker(few_scenes(), few_prompts(), untrained_net().memory.owner)


@cache
def few_frames():
    return decoder.play_frames(untrained_net(), maker(), 4)


def small_codec():
    torch.manual_seed(0)
    return Autoencoder(channels=48, widths=(8, 8, 8), depths=(1, 1, 1))


# --- the frames ---------------------------------------------------------------


def test_frames_are_kept_small_and_in_the_number_asked():
    frames = few_frames()
    assert [tuple(part.shape) for part in (frames.drawn, frames.pictures, frames.covered)] == [
        (4, 48, 16, 16),
        (4, 3, 256, 256),
        (4, 1, 256, 256),
    ]
    assert frames.drawn.dtype == frames.clean.dtype == torch.float16
    assert frames.pictures.dtype == frames.covered.dtype == torch.uint8
    drawn, _, pictures, covered = frames.batch(np.array([2, 0]), "cpu")
    assert torch.equal(drawn, frames.drawn[[2, 0]].float())
    assert 0 <= pictures.min() < pictures.max() <= 1
    assert covered.max() == 1


def test_the_same_frames_are_played_again():
    again = decoder.play_frames(untrained_net(), maker(), 4)
    assert torch.equal(again.drawn, few_frames().drawn)
    assert torch.equal(again.pictures, few_frames().pictures)


def test_what_is_kept_is_the_frame_that_came_out_beside_its_own_truth(monkeypatch):
    """A model that always guesses right is caught at nothing."""

    def right(player, conditions, rows, sigma):
        count = max(1, rows.latent.shape[1] - 2)
        truth, _ = player.ground_truth(conditions, count)
        return torch.cat([rows.latent[:, : rows.latent.shape[1] - count], truth.latent], 1)

    monkeypatch.setattr(forcing.Player, "guess", right)
    frames = decoder.play_frames(untrained_net(), maker(), 6)
    torch.testing.assert_close(frames.drawn, frames.clean, atol=2e-3, rtol=1e-2)


def test_frames_of_which_nothing_was_said_are_left_out(monkeypatch):
    """Their truth is painted black here, and no black picture is kept."""
    monkeypatch.setattr(forcing, "NO_PROMPT", 0.5)
    silent, real = [], forcing.Player.draw_frames

    def blackened(player, conditions, frames, *drawn_at):
        pictures, *others = real(player, conditions, frames, *drawn_at)
        nothing = torch.from_numpy(conditions.prompt < 0).repeat_interleave(frames)
        silent.append(int(nothing.sum()))
        return torch.where(nothing.view(-1, 1, 1, 1), 0, pictures), *others

    monkeypatch.setattr(forcing.Player, "draw_frames", blackened)
    frames = decoder.play_frames(untrained_net(), maker(), 6)
    assert sum(silent) > 0
    assert len(frames.pictures) == 6
    assert (frames.pictures.amax((1, 2, 3)) > 0).all()


# --- what is decoded ----------------------------------------------------------


@pytest.mark.parametrize(("drawn_share", "clean_share"), [(1.0, 0.0), (0.0, 1.0)])
def test_latents_are_the_model_s_own_or_encoded_ones_with_noise(monkeypatch, drawn_share, clean_share):
    monkeypatch.setattr(decoder, "DRAWN", drawn_share)
    monkeypatch.setattr(decoder, "CLEAN", clean_share)
    drawn, clean = torch.full((8, 2, 4, 4), 5.0), torch.zeros(8, 2, 4, 4)
    latents = decoder.mixed(drawn, clean, np.random.default_rng(0))
    if drawn_share:
        assert torch.equal(latents, drawn)
    else:
        assert 0 < latents.std() < decoder.NOISE
        assert latents.mean().abs() < 0.05


def test_other_latents_lie_between_the_two(monkeypatch):
    monkeypatch.setattr(decoder, "DRAWN", 0)
    monkeypatch.setattr(decoder, "CLEAN", 0)
    latents = decoder.mixed(torch.full((64, 1, 4, 4), 5.0), torch.zeros(64, 1, 4, 4), np.random.default_rng(0))
    middles = latents.mean((1, 2, 3))
    assert middles.min() > -0.3
    assert middles.max() < 5.3
    assert middles.std() > 1


# --- the loss -----------------------------------------------------------------


def test_a_cell_that_is_off_is_seen_at_its_borders_alone():
    error = torch.zeros(1, 3, 64, 64)
    error[..., 16:32, 16:32] = 0.5
    between, within = decoder.seams(error)
    assert within == 0
    assert between == pytest.approx(0.5 * 2 * 16 / (3 * 64))  # two borders of 16 pixels among three lines of 64


def test_an_error_inside_a_cell_is_no_seam():
    error = torch.zeros(1, 3, 64, 64)
    error[..., 20:24, 20:24] = 0.5
    between, within = decoder.seams(error)
    assert between == 0
    assert within > 0


def test_seams_and_a_blur_cost_more_than_the_codec_s_loss():
    torch.manual_seed(0)
    true, covered = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    assert decoder.decoder_loss(true, true, covered) == 0
    stepped = true.clone()
    stepped[..., 16:32] += 0.1
    blurred = F.avg_pool2d(F.pad(true, (2,) * 4, mode="reflect"), 5, 1)
    flatter = (decoder.texture(true) - decoder.texture(blurred)).mean()
    assert flatter > 0.1
    for made, more in ((stepped, 0.1 * 2 / 3 / 2 * decoder.SEAM), (blurred, flatter * decoder.TEXTURE)):
        assert decoder.decoder_loss(made, true, covered) > decoder.codec_loss(made, true, covered) + 0.9 * more


# --- a decoder that is heard --------------------------------------------------


def test_a_decoder_whose_convolutions_fell_silent_starts_anew_and_learns():
    codec = small_codec()
    with torch.no_grad():
        codec.decoder[-4].conv_2.bias.fill_(-1e4)
    latents = torch.randn(2, 48, 4, 4)
    assert codec.decoder[:-2](latents).abs().max() == 0
    linear = codec.linear_out.weight.clone()
    assert decoder.revive(codec)
    assert torch.equal(codec.linear_out.weight, linear)
    codec.decode(latents).square().sum().backward()
    assert codec.decoder[-2].weight.grad.abs().max() > 0


def test_a_decoder_that_is_heard_is_left_alone():
    codec = small_codec()
    before = copy.deepcopy(codec.state_dict())
    assert not decoder.revive(codec)
    assert all(torch.equal(value, before[name]) for name, value in codec.state_dict().items())


def test_the_shipped_decoder_is_heard():
    net, _ = pocket.PocketNet.load(pocket.WEIGHTS)
    assert not decoder.revive(net.codec)


# --- the stage ----------------------------------------------------------------


def test_the_stage_teaches_the_decoder_alone_and_goes_on_where_it_was(tmp_path, monkeypatch):
    frames = few_frames()
    monkeypatch.setattr(decoder, "play_frames", lambda *_, **__: frames)
    net = copy.deepcopy(untrained_net())
    before = {name: value.clone() for name, value in net.codec.state_dict().items()}
    stage = diffusion.Stage("decoder", 3, 1, 1, 1e-3)
    reports = list(decoder.train_decoder(net, maker(), tmp_path, stage, 4))
    assert reports[-1]["step"] == 3
    assert {"psnr_db", "subject_psnr_db", "seam", "inner"} <= set(reports[-1])
    changed = {name for name, value in net.codec.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in changed} == {"decoder", "linear_out"}
    assert "decoder.12.weight" in changed
    longer = diffusion.Stage("decoder", 4, 1, 1, 1e-3)
    assert {report["step"] for report in decoder.train_decoder(net, maker(), tmp_path, longer, 4)} == {4}
    weights = torch.load(tmp_path / "decoder.pt", weights_only=True)["average"]
    assert all(torch.equal(value, weights[name]) for name, value in net.codec.state_dict().items())


def test_a_finished_stage_gives_its_weights_and_plays_nothing(tmp_path, monkeypatch):
    frames = few_frames()
    monkeypatch.setattr(decoder, "play_frames", lambda *_, **__: frames)
    stage, net = diffusion.Stage("decoder", 2, 1, 1, 1e-3), copy.deepcopy(untrained_net())
    list(decoder.train_decoder(net, maker(), tmp_path, stage, 4))
    monkeypatch.setattr(decoder, "play_frames", lambda *_, **__: pytest.fail("played again"))
    other = copy.deepcopy(untrained_net())
    assert list(decoder.train_decoder(other, maker(), tmp_path, stage, 4)) == []
    assert torch.equal(other.codec.linear_out.weight, net.codec.linear_out.weight)


def test_the_decoder_learns_what_its_frames_show(tmp_path, monkeypatch):
    """A small one is shown nothing but green."""
    green = torch.tensor([60, 200, 80], dtype=torch.uint8).view(1, 3, 1, 1).expand(4, 3, 256, 256)
    frames = replace(few_frames(), pictures=green)
    monkeypatch.setattr(decoder, "play_frames", lambda *_, **__: frames)
    net = SimpleNamespace(codec=small_codec())
    before = decoder.decoder_quality(net.codec, frames)["psnr_db"]
    list(decoder.train_decoder(net, maker(), tmp_path, diffusion.Stage("decoder", 40, 1, 1, 3e-2, falling=0), 4))
    assert decoder.decoder_quality(net.codec, frames)["psnr_db"] > before + 1
