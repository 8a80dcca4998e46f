import copy
import functools
import json
import zipfile
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from drawn import SCENES, few_prompts, few_scenes, large_scenes, untrained, untrained_net, vector
from einops import rearrange
from PIL import Image

from studio.conditioning import condition_frames
from studio.controls import ControlState, Stroke
from studio.engine import Engine
from studio.models.pocket import guide
from studio.models.pocket import model as pocket
from studio.models.pocket.appearance import FOLD, TRACK_CHANNELS
from studio.models.pocket.autoencoder import Autoencoder
from studio.training import codec, diffusion, forcing, losses, recipe, vocabulary
from studio.training import fit_places as memory
from studio.training.checkpoint import load_checkpoint, save_checkpoint
from studio.training.clips import SLOTS, ClipMaker, track_maps, wander
from studio.world import backgrounds, compositing, scenes, subject_pictures, words

# --- the drawn world ----------------------------------------------------------


def row(*values):
    return tuple(torch.tensor([float(value)]) for value in values)


def put(label, x, y, size=0.3, facing=1, light=(1.0, 1.0, 1.0), under=None):
    """One subject on grey, or on `under`: the picture (3, 256, 256), its alpha (1, 256, 256)."""
    under = torch.full((1, 3, 256, 256), 0.5) if under is None else under
    number = torch.tensor([compositing.sprites().index(label)])
    picture, alpha = compositing.composite(under, number, *row(x, y, size, facing), torch.tensor([light]))
    return picture[0], alpha[0]


def centroid(alpha):
    """Where the weight of a picture (1, H, W) lies, in shares of its width and height."""
    height, width = alpha.shape[-2:]
    total = alpha.sum()
    across = (alpha.sum((0, 1)) * (torch.arange(width) + 0.5)).sum() / total / width
    down = (alpha.sum((0, 2)) * (torch.arange(height) + 0.5)).sum() / total / height
    return float(across), float(down)


@pytest.mark.parametrize(("x", "y", "size"), [(0.5, 0.5, 0.3), (0.3712, 0.6109, 0.25), (0.42, 0.55, 0.5)])
def test_a_subject_is_drawn_where_it_was_asked_to_half_a_pixel(x, y, size):
    pack = compositing.sprites()
    _, alpha = put("basketball", x, y, size)
    inside = centroid(pack.full[pack.index("basketball"), 3:])  # the ball's own weight is not quite its middle
    across, down = centroid(alpha)
    assert abs(across - x - size * (inside[0] - 0.5)) * 256 < 0.5
    assert abs(down - y - size * (inside[1] - 0.5)) * 256 < 0.5


@pytest.mark.parametrize("size", [0.22, 0.4])
def test_the_drawn_subject_stands_where_the_track_map_says(size):
    x, y = 0.437, 0.561
    _, alpha = put("fox", x, y, size)
    net = untrained_net()
    plane = net.memory.read(vector("fox")[None]).detach()
    track = pocket.draw_track(torch.zeros(1, 4, pocket.MAP, pocket.MAP), plane, *row(x, y, size, 1))
    for drawn, told in zip(centroid(alpha), centroid(track[0, 3:])):
        assert abs(drawn - told) * 256 < 0.5
    small = torch.nn.functional.avg_pool2d(alpha, 2)
    assert (small - track[0, 3:]).abs().mean() < 0.01


def test_a_mirrored_subject_is_the_mirror_image():
    here, _ = put("bus", 0.5, 0.5, facing=1)
    there, _ = put("bus", 0.5, 0.5, facing=-1)
    torch.testing.assert_close(here, there.flip(-1), atol=1e-4, rtol=0)


def test_every_picture_of_a_batch_gets_its_own_subject():
    numbers = torch.tensor([compositing.sprites().index(label) for label in ("fox", "bus")])
    where = (torch.tensor([0.3, 0.6]), torch.tensor([0.5, 0.4]), torch.tensor([0.25, 0.4]), torch.ones(2))
    together, _ = compositing.composite(torch.full((2, 3, 256, 256), 0.5), numbers, *where, torch.ones(2, 3))
    for n, label in enumerate(("fox", "bus")):
        alone, _ = put(label, *(float(value[n]) for value in where))
        torch.testing.assert_close(together[n], alone)


def test_no_subject_leaves_the_picture_as_it_is():
    under = torch.rand(1, 3, 256, 256)
    made, alpha = compositing.composite(under, torch.tensor([-1]), *row(0.5, 0.5, 0.3, 1), torch.ones(1, 3))
    assert torch.equal(made, under)
    assert alpha.count_nonzero() == 0


def test_night_light_falls_on_the_subject_alone():
    day, alpha = put("fox", 0.5, 0.5)
    night, _ = put("fox", 0.5, 0.5, light=compositing.LIGHT["night"])
    assert torch.equal(day[:, :40], night[:, :40])
    inside = alpha[0] > 0.99
    expected = day[:, inside] * torch.tensor(compositing.LIGHT["night"])[:, None]
    torch.testing.assert_close(night[:, inside], expected, atol=0.02, rtol=0)


def test_a_shadow_lies_below_the_subject():
    made, alpha = put("fox", 0.5, 0.4)
    dark = (0.5 - made.mean(0)) * (alpha[0] < 0.01)
    assert centroid(dark.clamp_min(0)[None])[1] > centroid(alpha)[1]
    assert dark.max() > 0.05


def test_the_sprites_are_the_subjects_the_language_knows():
    pack = compositing.sprites()
    assert len(pack.labels) >= 100
    assert set(pack.labels) == set(words.SUBJECTS)
    assert [level.shape for level in pack.levels] == [(len(pack.labels), 4, side, side) for side in guide.SIDES]
    assert len(pack.shadow) == len(pack.labels)
    assert (pack.full[:, :3] <= pack.full[:, 3:] + 1e-3).all()  # colours are premultiplied


def test_a_packed_picture_is_what_is_visible_in_its_middle(tmp_path, monkeypatch):
    assets = tmp_path / "assets"
    assets.mkdir()
    for code, box in (("a", (0, 0, 200, 400)), ("b", (500, 600, 900, 800))):
        drawn = Image.new("RGBA", (1000, 1000))
        drawn.paste((255, 0, 0, 255), box)
        drawn.save(assets / f"{code}.webp", lossless=True)
    subject_pictures.pack_pictures(assets, {"tall": "a", "wide": "b"}, tmp_path / "pack.zip")
    monkeypatch.setattr(subject_pictures, "_opened", lambda: zipfile.ZipFile(tmp_path / "pack.zip"))
    monkeypatch.setattr(subject_pictures, "codes", lambda pack: {"tall": "a", "wide": "b"} if pack == "added" else {})
    pack = compositing.pack_of(("tall", "wide"))
    assert pack.labels == ("tall", "wide")
    for number, (wide, high) in enumerate(((0.5, 1), (1, 0.5))):
        alpha = pack.full[number, 3:].float()
        assert centroid(alpha) == pytest.approx((0.5, 0.5), abs=0.01)
        width, height = (float((alpha.amax(d) > 0.5).sum()) / guide.SIDES[0] * 1.08 for d in ((0, 1), (0, 2)))
        assert (width, height) == pytest.approx((wide, high), abs=0.05)


# --- backgrounds --------------------------------------------------------------


def test_every_scene_the_world_knows_is_listed_once():
    listed = backgrounds.all_scenes()
    assert len(set(listed)) == len(listed)
    assert {scene.place for scene in listed} == set(scenes.PLACES)
    assert {scene.time for scene in listed if scene.place == "space"} == {"night"}
    assert set(SCENES) <= set(listed)


def test_backgrounds_are_painted_once_and_opened_again(tmp_path, monkeypatch):
    monkeypatch.setattr(backgrounds, "all_scenes", lambda places: list(SCENES[1:3]))
    made = backgrounds.render_backgrounds(tmp_path, workers=1)
    assert np.array_equal(made.pictures, few_scenes().pictures[1:3])
    stamp = (tmp_path / "backgrounds.npy").stat().st_mtime_ns
    again = backgrounds.render_backgrounds(tmp_path, workers=1)
    assert (tmp_path / "backgrounds.npy").stat().st_mtime_ns == stamp
    assert again.number == {SCENES[1]: 0, SCENES[2]: 1}


def test_backgrounds_of_another_world_are_painted_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(backgrounds, "all_scenes", lambda places: [SCENES[2]])
    np.save(tmp_path / "backgrounds.npy", np.zeros((3, scenes.PHASES, 256, 256, 3), np.uint8))
    assert np.array_equal(backgrounds.render_backgrounds(tmp_path, workers=1).pictures[0], few_scenes().pictures[2])


def test_frames_are_the_pictures_of_those_scenes_at_those_phases():
    frames = few_scenes().frames(np.array([1, 3]), np.array([5, 0]))
    assert frames.shape == (2, 3, 256, 256)
    expected = scenes.paint("meadow", 0, "night", "snow", 5).transpose(2, 0, 1) / np.float32(255)
    np.testing.assert_allclose(frames[0].numpy(), expected, atol=1e-6)


# --- clips --------------------------------------------------------------------


@cache
def maker():
    return ClipMaker(few_scenes(), few_prompts(), untrained_net().memory.owner)


def clips(batch=6, frames=4, seed=0):
    return maker().draw(batch, frames, np.random.default_rng(seed))


def test_clips_have_the_shapes_they_say():
    drawn = clips(2, 3)
    assert drawn.pictures.shape == (2, 3, 3, 256, 256)
    assert drawn.covered.shape == (2, 3, 1, 256, 256)
    assert drawn.prompt.shape == drawn.view.shape == drawn.phase.shape == (2, 3)
    assert drawn.subject.shape == drawn.label.shape == (2, SLOTS)
    assert drawn.x.shape == drawn.y.shape == drawn.size.shape == drawn.facing.shape == (2, 3, SLOTS)
    assert 0 <= drawn.pictures.min() <= drawn.pictures.max() <= 1


def test_the_same_generator_draws_the_same_clips():
    assert torch.equal(clips(2, 2, seed=3).pictures, clips(2, 2, seed=3).pictures)
    assert not torch.equal(clips(2, 2, seed=3).pictures, clips(2, 2, seed=4).pictures)


def scene_meant(wording):
    """The number of the background a wording was composed for."""
    of_scene = few_prompts().of_scene
    return next(n for n, s in enumerate(SCENES) if wording in of_scene[s.place, s.time, s.weather])


def test_a_clip_without_subjects_shows_the_scene_its_prompt_means_at_its_phase():
    for seed in range(40):
        drawn = clips(4, 2, seed)
        for b in (drawn.subject < 0).all(1).nonzero().flatten().tolist():
            for t in range(2):
                number = scene_meant(int(drawn.prompt[b, t]))
                painted = few_scenes().frames(np.array([number]), drawn.phase[b, t : t + 1].numpy())
                assert torch.equal(drawn.pictures[b, t], painted[0])
                return
    raise AssertionError("no clip without subjects was drawn")


def test_labels_are_words_of_their_subjects():
    drawn, owner = clips(16, 1), untrained_net().memory.owner
    there = drawn.subject >= 0
    assert torch.equal(owner[drawn.label][there], drawn.subject[there])
    assert ((drawn.size[:, 0] > 0) == there).all()


def test_the_clock_runs_on_except_after_a_sink_from_long_ago():
    phase = torch.cat([clips(12, 3, seed).phase for seed in range(5)])
    runs_on = (phase[:, 1:] - phase[:, :-1]) % scenes.PHASES == 1
    assert runs_on[:, 1:].all()
    far = (~runs_on[:, 0]).float().mean()
    assert 0.1 < far < 0.45


def test_in_single_pictures_and_pairs_there_is_no_sink():
    drawn = clips(24, 2)
    assert ((drawn.phase[:, 1] - drawn.phase[:, 0]) % scenes.PHASES == 1).all()


def test_some_clips_switch_their_prompt_and_keep_their_view():
    drawn = clips(40, 4)
    switched = (drawn.prompt != drawn.prompt[:, :1]).any(1)
    assert 0.05 < switched.float().mean() < 0.5
    assert torch.equal(drawn.view, drawn.view[:, :1].expand_as(drawn.view))


def test_subjects_wander_in_every_way_and_stay_in_sight():
    rng = np.random.default_rng(0)
    steps = [np.abs(np.diff(wander(5, rng), axis=0)).max() for _ in range(200)]
    assert 0.1 < np.mean(np.array(steps) == 0) < 0.4  # some stand still
    assert max(steps) > 0.15  # some are thrown about
    drawn = clips(12, 3)
    assert -0.05 <= drawn.x.min() <= drawn.x.max() <= 1.05


def test_clips_show_subjects_where_and_as_their_track_maps_say():
    drawn = clips(10, 2)
    with torch.no_grad():
        cells = track_maps(drawn, untrained_net().memory).flatten(0, 1)
    track = rearrange(cells, "n (c a b) h w -> n c (h a) (w b)", a=FOLD, b=FOLD)
    shown = torch.nn.functional.avg_pool2d(drawn.covered.flatten(0, 1), 2)
    apart = (shown - track[:, 3:]).abs().mean((1, 2, 3)) / shown.mean((1, 2, 3)).clamp_min(1e-3)
    assert apart.max() < 0.1


def test_training_is_told_the_same_track_map_as_the_studio_draws(tmp_path):
    """A clip of one subject, and strokes that ask for the same."""
    model = untrained(tmp_path)
    labels, owner = recipe.memory_keys()
    label = labels.index("cow")
    drawn = clips(1, 2)
    one = torch.tensor([[[0.3, 0, 0]], [[0.4, 0, 0]]]).view(1, 2, SLOTS)
    size = torch.tensor([0.35, 0, 0]).expand(1, 2, SLOTS)
    asked = replace(
        drawn, subject=torch.tensor([[int(owner[label]), -1, -1]]), label=torch.tensor([[label, 0, 0]]),
        x=one, y=one + 0.2, size=size, facing=torch.full((1, 2, SLOTS), -1.0),
    )  # fmt: skip
    path = Stroke("1", "cow", ((0, 0.3, 0.5), (1, 0.4, 0.6), (2, 0.5, 0.7)), mode="path", size=0.35)
    told = condition_frames(model, ControlState().after(path, 0), [0, 1]).tracks[:, :TRACK_CHANNELS]
    with torch.no_grad():
        torch.testing.assert_close(track_maps(asked, model.memory)[0], told, atol=2e-2, rtol=0)


# --- noise levels, batches, rates ----------------------------------------------


def kind(levels):
    """Which of the three a clip's noise levels are."""
    flying = levels[int((levels > 0).argmax()) :]
    if (flying == flying[0]).all():
        return "rollout"
    return "stream" if (np.diff(flying) > 0).all() and flying[-1] == 1 else "independent"


def test_noise_levels_are_rollouts_streams_and_independent_ones():
    levels = diffusion.noise_levels(3000, 6, np.random.default_rng(0))
    assert levels.min() == 0
    assert levels.max() == 1
    kinds = [kind(clip) for clip in levels]
    shares = {name: kinds.count(name) / len(kinds) for name in ("rollout", "stream", "independent")}
    # a stream with one frame in flight is a rollout too: one sixth of 45 %
    assert shares == pytest.approx({"rollout": 0.375, "stream": 0.375, "independent": 0.25}, abs=0.03)
    assert all((clip[: int((clip > 0).argmax())] == 0).all() for clip in levels)


def test_the_last_frame_of_a_stream_comes_in_as_pure_noise():
    levels = diffusion.noise_levels(2000, 5, np.random.default_rng(1))
    streams = [clip for clip in levels if kind(clip) == "stream"]
    assert len(streams) > 500
    assert all(clip[-1] == 1 for clip in streams)


def test_single_pictures_are_often_drawn_from_pure_noise_and_never_clean():
    levels = diffusion.noise_levels(2000, 1, np.random.default_rng(2))
    assert levels.min() > 0
    assert (levels == 1).mean() > 0.3


def test_half_of_the_first_frames_stand_up_to_twelve_frames_further_back():
    numbers = diffusion.frame_numbers(400, 5, np.random.default_rng(0))
    assert numbers.shape == (400, 5)
    assert (numbers[:, 0] == 0).all()
    assert (numbers[:, 1:].diff() == 1).all()
    gaps = numbers[:, 1] - 1
    assert (gaps.min(), gaps.max()) == (0, 12)
    assert 0.4 < (gaps > 0).float().mean() < 0.55


def test_recached_frames_are_shown_clean_under_the_later_prompt():
    net, rng = untrained_net(), np.random.default_rng(0)
    drawn = clips(24, 4, seed=5)
    vectors = torch.cat([few_prompts().nothing[None], few_prompts().vectors])
    batch = diffusion.encode_batch(net, drawn, vectors, rng, "cpu")
    earlier = drawn.prompt != drawn.prompt[:, -1:]
    assert batch.recached.any()
    assert (earlier & ~batch.recached).any()  # and some keep the prompt they were drawn under
    assert not (batch.recached & ~earlier).any()
    _, sigma = diffusion.noised(batch, rng)
    assert (sigma[batch.recached] == 0).all()
    last = batch.text[:, -1:].expand_as(batch.text)
    assert torch.equal(batch.text[batch.recached], last[batch.recached])
    assert batch.clean.shape == (24, 4, net.config["codec"]["channels"], 16, 16)


def test_frames_without_noise_cost_nothing():
    net, rng = untrained_net(), np.random.default_rng(0)
    vectors = torch.cat([few_prompts().nothing[None], few_prompts().vectors])
    batch = diffusion.encode_batch(net, clips(2, 3), vectors, rng, "cpu")
    batch = replace(batch, recached=torch.ones(2, 3, dtype=torch.bool))
    loss, _ = diffusion.diffusion_loss(net, batch, torch.ones(net.config["codec"]["channels"]), rng)
    assert loss == 0


def test_the_rate_rises_stays_and_falls():
    rates = [diffusion.rate_at(step, 1000, 0.5) for step in (0, 99, 400, 500, 750, 1000)]
    assert rates == pytest.approx([0.01, 1, 1, 1, 0.51, 0.02])


# --- the codec's training -----------------------------------------------------


def test_crops_hold_subjects_and_say_where():
    true = codec.crops(large_scenes(), 6, np.random.default_rng(0))
    assert true.pictures.shape == (6, 3, 256, 256)
    assert true.guide.shape == (6, 4, 256, 256)
    assert true.cells == 8
    assert codec.small(true).shape == (6, 3, 128, 128)
    assert true.covered.amax((1, 2, 3)).mean() > 0.5
    assert 0 <= true.pictures.min() <= true.pictures.max() <= 1


def test_psnr_of_a_known_error():
    true = torch.full((1, 3, 8, 8), 0.5)
    assert losses.psnr(true + 0.1, true) == pytest.approx(20, abs=1e-3)
    inside = torch.zeros(1, 1, 8, 8)
    inside[..., :4] = 1
    made = true.clone()
    made[..., 4:] = 0  # wrong only outside
    made[..., :4] += 0.01
    assert losses.psnr(made, true, inside) == pytest.approx(40, abs=1e-2)


def some_codec():
    torch.manual_seed(0)
    return Autoencoder(channels=8, widths=(8, 8, 8), depths=(1, 1, 1))


def test_the_loss_counts_subjects_more():
    true = torch.zeros(1, 3, 16, 16)
    made, covered = true.clone(), torch.zeros(1, 1, 16, 16)
    made[..., :8] = 0.2
    inside, outside = covered.clone(), covered.clone()
    inside[..., :8], outside[..., 8:] = 1, 1
    assert losses.codec_loss(true, true, inside) == 0
    assert losses.codec_loss(made, true, inside) > 2 * losses.codec_loss(made, true, outside)


def test_a_picture_s_latents_are_the_same_whatever_is_in_its_batch_but_what_is_usual_follows():
    codec_ = some_codec()
    codec_.train()
    dark, bright = torch.full((1, 3, 32, 32), -0.9), torch.full((1, 3, 32, 32), 0.9)
    before = codec_.normalise.running_mean.clone()
    alone = codec.encode_pictures(copy.deepcopy(codec_), dark)
    together = codec.encode_pictures(codec_, torch.cat([dark, bright]))[:1]
    torch.testing.assert_close(alone, together, atol=0.05, rtol=0.05)
    assert (codec_.normalise.running_mean - before).abs().max() > 0


# --- checkpoints --------------------------------------------------------------


def test_a_checkpoint_restores_its_parts_and_its_step(tmp_path):
    first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    path = tmp_path / "deep" / "run.pt"
    assert load_checkpoint(path, model=second) == 0
    save_checkpoint(path, 7, model=first)
    assert load_checkpoint(path, model=second) == 7
    assert torch.equal(first.weight, second.weight)


def test_a_crash_while_saving_leaves_the_former_checkpoint(tmp_path, monkeypatch):
    def interrupted(state, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    model = torch.nn.Linear(2, 2)
    save_checkpoint(tmp_path / "run.pt", 3, model=model)
    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "run.pt", 4, model=model)
    assert load_checkpoint(tmp_path / "run.pt", model=model) == 3


# --- the whole recipe ---------------------------------------------------------


STAGES = ["codec", "places", "images", "clips", "forcing", "decoder", "done"]
TRAINED = ("codec", "images", "clips", "forcing", "decoder")  # the stages that leave a checkpoint


@pytest.fixture(scope="module")
def brief():
    """Less to read: four wordings a scene, a reader that looks at them fifty times, channels weighed on one
    frame, and two added subjects."""
    few = {label: vocabulary.added()[label] for label in ("castle", "tree")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "WORDINGS", 4)
        patch.setattr(vocabulary, "added", lambda: few)
        patch.setattr(memory, "fit_reader", functools.partial(memory.fit_reader, steps=50))
        weights = diffusion.channel_weights
        for stage in (diffusion, forcing):
            patch.setattr(stage, "channel_weights", lambda net, latents: weights(net, latents[:1]))
        yield patch


@pytest.fixture(scope="module")
def trained(brief, tmp_path_factory):
    """The smoke recipe, run once: its folder, where its weights went, and its reports."""
    folder = tmp_path_factory.mktemp("run")
    reports = list(recipe.train(folder, "smoke", folder / "weights", (few_scenes(), large_scenes())))
    return folder, folder / "weights", reports


@pytest.fixture(scope="module")
def again(trained, brief):
    """The finished recipe, run once more, as if its weights went into a package without a detector."""
    folder, _, _ = trained
    stamps, asked, out = checkpoints(folder), [], folder / "again"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pocket, "WEIGHTS", out)
        patch.setattr(recipe.detector, "WEIGHTS", folder / "detector.safetensors")
        patch.setattr(recipe.detector, "train_detector", lambda scenes, path: asked.append(path) or [])
        reports = list(recipe.train(folder, "smoke", out, (few_scenes(), large_scenes())))
    return stamps, asked, reports


def checkpoints(folder):
    """When each stage's checkpoint was written."""
    return {name: (folder / f"{name}.pt").stat().st_mtime_ns for name in TRAINED}


def test_the_recipe_reports_every_stage_to_its_end(trained):
    *_, reports = trained
    assert list(dict.fromkeys(report["stage"] for report in reports)) == STAGES
    for name in ("codec", "images", "clips", "forcing"):
        last = [report for report in reports if report["stage"] == name][-1]
        assert last["step"] == last["of"] == 2
    assert reports[-1]["outside_db"] > 10
    assert reports[-1]["small_outside_db"] > 10


def test_the_recipe_leaves_weights_that_play(trained):
    _, out, _ = trained
    model = pocket.Pocket(out, torch.float32)
    assert model.capabilities.labels == (*compositing.sprites().labels, "castle", "tree")
    assert Engine(model).step().picture.shape == (*model.size, 3)
    config = json.loads((out / "config.json").read_text())
    assert config["recipe"] == "smoke"
    assert {"commit", "date"} <= set(config)


def test_the_recipe_trains_what_it_should(trained):
    _, out, _ = trained
    net, _ = pocket.PocketNet.load(out)
    fresh = untrained_net()
    changed = lambda name: (getattr(net, name).state_dict()[key][: len(value)] - value).abs().max()  # noqa: E731
    keys = {"transformer": "proj_out.weight", "memory": "planes", "codec": "decoder.fine_linear.weight"}
    for name, key in keys.items():
        value = getattr(fresh, name).state_dict()[key]
        assert changed(name) > 1e-6, name


def test_the_latents_stay_those_of_the_trained_codec_while_its_decoder_is_polished(trained):
    folder, out, _ = trained
    codec_trained = torch.load(folder / "codec.pt", weights_only=True)["model"]
    shipped = pocket.PocketNet.load(out)[0].codec.state_dict()
    for name, weight in codec_trained.items():
        if name.startswith(("encoder", "linear_in", "normalise.running")):
            torch.testing.assert_close(shipped[name], weight, rtol=2**-8, atol=1e-30, msg=name)


def test_a_finished_recipe_is_not_trained_again(trained, again):
    folder, _, _ = trained
    stamps, _, reports = again
    assert checkpoints(folder) == stamps
    assert [report["stage"] for report in reports] == ["places", "done"]
    for name in pocket.FILES:
        file = f"{name}.safetensors"
        assert (folder / "again" / file).read_bytes() == (folder / "weights" / file).read_bytes()


def test_training_into_the_package_makes_the_missing_detector(trained, again):
    folder, _, _ = trained
    _, asked, _ = again
    assert asked == [folder / "detector.safetensors"]


def test_a_stage_that_was_stopped_goes_on_where_it_was(trained, tmp_path):
    folder, _, _ = trained
    (tmp_path / "images.pt").write_bytes((folder / "images.pt").read_bytes())
    longer = diffusion.Stage("images", 4, 1, 1, 1e-3)
    net = recipe.new_net(recipe.RECIPES["smoke"], few_scenes())
    list(diffusion.train_diffusion(net, maker(), tmp_path, longer))
    assert torch.load(tmp_path / "images.pt", weights_only=True)["step"] == 4
    optimiser = torch.load(tmp_path / "images.pt", weights_only=True)["optimiser_1"]["state"]
    assert {int(state["step"]) for state in optimiser.values()} == {4}


def test_the_codec_goes_on_where_it_was(trained, tmp_path):
    folder, _, _ = trained
    (tmp_path / "codec.pt").write_bytes((folder / "codec.pt").read_bytes())
    reports = list(codec.train_codec(large_scenes(), tmp_path, 3, 2, **recipe.CODEC))
    assert reports[-1]["step"] == 3
    state = torch.load(tmp_path / "codec.pt", weights_only=True)
    assert state["step"] == 3
    assert {int(part["step"]) for part in state["optimiser"]["state"].values()} == {3}


def test_an_unknown_recipe_is_refused(tmp_path):
    with pytest.raises(KeyError):
        next(recipe.train(tmp_path, "banana"))


def test_every_recipe_builds_its_net_on_the_same_codec():
    assert {"cpu", "h100", "smoke"} == set(recipe.RECIPES)
    for known in recipe.RECIPES.values():
        assert [stage.frames > 1 for stage in known.stages] == [False, True]


def test_keys_are_training_words_only():
    known, owner = recipe.memory_keys()
    assert len(known) == len(owner)
    held_out = {word for subject in words.SUBJECTS.values() for word in subject.held_out}
    assert not held_out & set(known)


def test_prompts_are_composed_of_training_words_for_every_scene():
    prompts = few_prompts()
    assert set(prompts.of_scene) == {(s.place, s.time, s.weather) for s in SCENES}
    assert len(prompts.vectors) == 4 * len(prompts.of_scene)
    assert sorted(np.concatenate(list(prompts.of_scene.values())).tolist()) == list(range(len(prompts.vectors)))
    torch.testing.assert_close(prompts.vectors.norm(dim=-1), torch.ones(len(prompts.vectors)))
