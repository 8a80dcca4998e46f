"""Training the decoder on frames the model has played: what is kept of them, what is counted, what changes."""

import copy
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn import few_prompts, few_scenes, large_scenes, untrained_net

from studio.models.pocket.autoencoder import Autoencoder
from studio.models.pocket.decoder import Decoder, painted_box
from studio.training import decoder, diffusion, forcing, losses
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
    return Autoencoder(channels=48, widths=(8, 8, 8), depths=(1, 1, 1), fine=8)


# --- the frames ---------------------------------------------------------------


def test_frames_are_kept_small_and_in_the_number_asked():
    played = few_frames()
    assert played.latents.shape == (4, 48, 16, 16)
    assert played.latents.dtype == torch.float16
    assert len(played.conditions.scene) == 4
    some = decoder.FrameMaker(untrained_net(), played, large_scenes()).batch(np.array([2, 0]))
    assert torch.equal(some.drawn, played.latents[[2, 0]].float())
    assert some.clean.shape == some.drawn.shape
    assert some.true.pictures.shape == (2, 3, 512, 512)
    assert 0 <= some.true.pictures.min() < some.true.pictures.max() <= 1


def test_the_same_frames_are_played_again():
    again = decoder.play_frames(untrained_net(), maker(), 4)
    assert torch.equal(again.latents, few_frames().latents)
    assert np.array_equal(again.conditions.at, few_frames().conditions.at)


def test_what_is_kept_is_the_frame_that_came_out_beside_its_own_truth(monkeypatch):
    """A model that always guesses right is caught at nothing."""

    def right(player, conditions, rows, sigma):
        count = max(1, rows.latent.shape[1] - 2)
        truth, _ = player.ground_truth(conditions, count)
        return torch.cat([rows.latent[:, : rows.latent.shape[1] - count], truth.latent], 1)

    monkeypatch.setattr(forcing.Player, "guess", right)
    played = decoder.play_frames(untrained_net(), maker(), 6)
    clean = decoder.FrameMaker(untrained_net(), played, few_scenes()).batch(np.arange(6)).clean
    torch.testing.assert_close(played.latents.float(), clean, atol=2e-2, rtol=2e-2)


def test_frames_of_which_nothing_was_said_are_left_out(monkeypatch):
    monkeypatch.setattr(forcing, "NO_PROMPT", 0.5)
    played = decoder.play_frames(untrained_net(), maker(), 6)
    assert len(played.latents) == 6
    assert (played.conditions.prompt >= 0).all()


def test_the_guide_is_what_stands_on_the_truth_without_light():
    conditions = few_frames().conditions
    pictures, guide = decoder.draw_truth(conditions, few_scenes())
    bare = few_scenes().frames(conditions.scene, conditions.phase)
    free = guide[:, 3:] == 0
    assert guide[:, 3].amax((1, 2)).max() > 0.99
    assert (guide[:, :3] <= guide[:, 3:] + 1e-3).all()
    assert ((pictures <= bare + 1e-6) | ~free).all()  # outside there is shade at most


def test_frames_that_were_kept_are_read_again(tmp_path, monkeypatch):
    path = tmp_path / "played.safetensors"
    kept = decoder.kept_frames(path, untrained_net(), maker(), 4, "cpu")
    monkeypatch.setattr(decoder, "play_frames", lambda *_, **__: pytest.fail("played again"))
    again = decoder.kept_frames(path, untrained_net(), maker(), 4, "cpu")
    assert torch.equal(kept.latents, again.latents)
    assert np.array_equal(kept.conditions.size, again.conditions.size)


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


# --- the net ------------------------------------------------------------------


@pytest.mark.parametrize("side", [256, 512])
def test_what_is_painted_is_in_the_picture_lit_and_nothing_else_of_a_new_decoder_shows_it(side):
    net = Decoder(8, widths=(8, 8, 8), depths=(1, 1, 1), fine=8).eval()
    latents, guide = torch.randn(1, 8, 16, 16), torch.zeros(1, 4, side, side)
    with torch.no_grad():
        bare = net(latents, guide)
        half = slice(0, side // 2)
        guide[..., half, 3 - 3 : 3] = 1  # three columns of white
        painted = net(latents, guide)
        net.light.bias.copy_(torch.tensor([-0.5, 0.0, 0.0]))
        dim = net(latents, guide)
    torch.testing.assert_close(painted[..., half, :3], torch.ones(1, 3, side // 2, 3))
    assert torch.equal(painted[..., 4:], bare[..., 4:])
    torch.testing.assert_close(dim[:, 0, half, :3], torch.zeros(1, side // 2, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(dim[:, 1:, half, :3], torch.ones(1, 2, side // 2, 3))


def test_what_is_half_clear_lets_the_scene_through():
    net = Decoder(8, widths=(8, 8, 8), depths=(1, 1, 1), fine=8).eval()
    latents, guide = torch.randn(1, 8, 16, 16), torch.zeros(1, 4, 512, 512)
    guide[:, 3] = 0.25  # black, a quarter opaque
    with torch.no_grad():
        bare, veiled = (net(latents, seen) / 2 + 0.5 for seen in (torch.zeros_like(guide), guide))
    torch.testing.assert_close(veiled, 0.75 * bare, atol=1e-6, rtol=1e-5)


# --- the loss -----------------------------------------------------------------


def test_a_cell_that_is_off_is_seen_at_its_borders_alone():
    error = torch.zeros(1, 3, 64, 64)
    error[..., 16:32, 16:32] = 0.5
    between, within = losses.seams(error, 4)
    assert within == 0
    assert between == pytest.approx(0.5 * 2 * 16 / (3 * 64))  # two borders of 16 pixels among three lines of 64


def test_an_error_inside_a_cell_is_no_seam():
    error = torch.zeros(1, 3, 64, 64)
    error[..., 20:24, 20:24] = 0.5
    between, within = losses.seams(error, 4)
    assert between == 0
    assert within > 0


def test_seams_and_a_blur_cost_more_than_the_codec_s_loss(monkeypatch):
    torch.manual_seed(0)
    true = losses.Target(torch.rand(1, 3, 64, 64), torch.zeros(1, 4, 64, 64), 4)
    stepped = true.pictures.clone()
    stepped[..., 16:32] += 0.1
    blurred = F.avg_pool2d(F.pad(true.pictures, (2,) * 4, mode="reflect"), 5, 1)
    flatter = (losses.texture(true.pictures) - losses.texture(blurred)).mean()
    assert flatter > 0.1

    def loss(made):
        monkeypatch.setattr(losses, "decoded", lambda *_: made)
        return losses.size_loss(None, None, true)

    assert loss(true.pictures) == 0
    for made, more in ((stepped, 0.1 * 2 / 3 / 2 * losses.SEAM), (blurred, flatter * losses.TEXTURE)):
        assert loss(made) > losses.codec_loss(made, true.pictures, true.covered) + 0.9 * more


def test_edges_of_a_blur_have_less_energy_and_of_another_picture_no_likeness():
    torch.manual_seed(0)
    true, other, weight = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    assert losses.edges(true, true, weight) == pytest.approx((1, 1))
    energy, likeness = losses.edges(0.5 * true, true, weight)
    assert (energy, likeness) == pytest.approx((0.25, 1))
    assert abs(losses.edges(other, true, weight)[1]) < 0.05


# --- the stage ----------------------------------------------------------------


def train(net, folder, stage, scenes=None):
    return list(decoder.train_decoder(net, maker(), scenes or large_scenes(), folder, stage, 4))


def test_the_stage_teaches_the_decoder_alone_and_goes_on_where_it_was(tmp_path, monkeypatch):
    played = few_frames()
    monkeypatch.setattr(decoder, "play_frames", lambda *_, **__: played)
    net = copy.deepcopy(untrained_net())
    net.codec = small_codec().eval().requires_grad_(False)
    before = {name: value.clone() for name, value in net.codec.state_dict().items()}
    reports = train(net, tmp_path, diffusion.Stage("decoder", 3, 1, 1, 1e-3))
    assert reports[-1]["step"] == 3
    assert {"inside_db", "small_inside_db", "edge_energy", "seam", "inner"} <= set(reports[-1])
    changed = {name for name, value in net.codec.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in changed} == {"decoder"}
    assert {"decoder.fine_pixels.weight", "decoder.pixels.weight", "decoder.light.weight"} <= changed
    assert {report["step"] for report in train(net, tmp_path, diffusion.Stage("decoder", 4, 1, 1, 1e-3))} == {4}
    weights = torch.load(tmp_path / "decoder.pt", weights_only=True)["average"]
    assert all(torch.equal(value, weights[name]) for name, value in net.codec.decoder.state_dict().items())


def test_a_finished_stage_gives_its_weights_and_plays_nothing(tmp_path, monkeypatch):
    played = few_frames()
    monkeypatch.setattr(decoder, "play_frames", lambda *_, **__: played)
    stage, net = diffusion.Stage("decoder", 2, 1, 1, 1e-3), SimpleNamespace(codec=small_codec())
    train(net, tmp_path, stage)
    monkeypatch.setattr(decoder, "kept_frames", lambda *_: pytest.fail("played again"))
    other = SimpleNamespace(codec=small_codec())
    assert train(other, tmp_path, stage) == []
    assert torch.equal(other.codec.decoder.linear.weight, net.codec.decoder.linear.weight)


def test_the_decoder_learns_what_its_frames_show(tmp_path, monkeypatch):
    """A small one is shown nothing but green."""
    played = few_frames()
    monkeypatch.setattr(decoder, "play_frames", lambda *_, **__: played)
    green = np.broadcast_to(np.array([60, 200, 80], np.uint8), large_scenes().pictures.shape)
    shown, stage = replace(large_scenes(), pictures=green), diffusion.Stage("decoder", 20, 1, 1, 3e-2, falling=0)
    reports = train(SimpleNamespace(codec=small_codec()), tmp_path, stage, shown)
    assert reports[-1]["outside_db"] > 15


# --- what is painted, in its box -----------------------------------------------


@pytest.mark.parametrize("side", [256, 512])
def test_what_is_painted_is_decoded_in_its_box_as_it_is_over_the_whole_picture_bit_for_bit(side, monkeypatch):
    torch.manual_seed(0)
    net = Decoder(48, (8, 8, 8), (1, 1, 1), 8)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    guide = torch.zeros(2, 4, side, side)
    guide[0, :, side // 3 : side // 2, 50:133], guide[1, :, 10:77, 99:200] = 0.5, 0.7
    latents = torch.randn(2, 48, 16, 16)
    with torch.no_grad():
        for painted in (guide, guide[:1].expand(2, -1, -1, -1), torch.zeros_like(guide)):
            boxed = net(latents, painted)
            with monkeypatch.context() as patch:
                patch.setattr("studio.models.pocket.decoder.painted_box", lambda _: (slice(0, side),) * 2)
                assert torch.equal(boxed, net(latents, painted))


def test_the_box_holds_all_that_is_painted_in_whole_steps():
    guide = torch.zeros(2, 4, 256, 256)
    assert painted_box(guide) == (slice(0, 0), slice(0, 0))
    guide[0, 3, 40, 200] = guide[1, 3, 100, 130] = 1e-3
    assert painted_box(guide) == (slice(32, 128), slice(128, 224))
