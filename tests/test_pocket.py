import dataclasses
import json

import numpy as np
import pytest
import torch
from drawn import untrained, untrained_net, vector
from einops import rearrange

from studio.conditioning import condition_frames, frame_inputs
from studio.controls import ControlState, Prompt, Sampling, Stroke
from studio.engine import Engine
from studio.models.errors import MissingWeights
from studio.models.pocket import model as pocket
from studio.models.pocket.appearance import FOLD, MAP, TRACK_CHANNELS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def model(folder):
    return untrained(folder)


def told(*controls):
    state = ControlState()
    for control in controls:
        state = state.after(control, 0)
    return state


def pin(x, y, id="1", label="fox", size=0.375):
    return Stroke(id, label, ((0, x, y),), mode="pin", size=size)


def track_map(model, frames, *controls):
    """(F, 4, 128, 128): the strokes as they were drawn before they were folded into cells."""
    cells = condition_frames(model, told(*controls), frames).tracks[:, :TRACK_CHANNELS]
    return rearrange(cells, "n (c a b) h w -> n c (h a) (w b)", a=FOLD, b=FOLD)


def constants(model, frame, *controls):
    return condition_frames(model, told(*controls), [frame]).tracks[0, TRACK_CHANNELS:][: pocket.CONSTANTS]


@pytest.mark.parametrize(("right", "down"), [(8, 0), (1, 0), (0, 3), (-5, 13)])
def test_a_moved_stroke_moves_the_track_map_exactly(model, right, down):
    here = track_map(model, [0], pin(0.5, 0.5))
    there = track_map(model, [0], pin(0.5 + right / MAP, 0.5 + down / MAP))
    assert here.abs().max() > 0.5
    torch.testing.assert_close(there, here.roll((down, right), (2, 3)), atol=1e-4, rtol=0)


def test_every_frame_is_told_its_own_place_on_a_path(model):
    path = Stroke("1", "fox", ((0, 0.25, 0.5), (8, 0.25 + 8 / 16, 0.5)), mode="path", size=0.375)
    maps = track_map(model, [0, 3], path)
    torch.testing.assert_close(maps[1], maps[0].roll(3 * FOLD, -1), atol=1e-4, rtol=0)


def test_a_subject_looks_where_it_goes(model):
    right = Stroke("1", "bus", ((0, 0.5, 0.5), (100, 0.6, 0.5)), mode="path")
    left = Stroke("1", "bus", ((0, 0.5, 0.5), (100, 0.4, 0.5)), mode="path")
    going = [track_map(model, [0], stroke)[0] for stroke in (right, left)]
    torch.testing.assert_close(going[0], going[1].flip(-1), atol=1e-4, rtol=0)
    assert (going[0] - going[1]).abs().max() > 0.3  # a bus is not its own mirror image


def test_who_was_painted_last_is_in_front(model):
    fox, cow = pin(0.5, 0.5), pin(0.5, 0.5, "2", "cow")
    both = track_map(model, [0], fox, cow)
    alone = track_map(model, [0], cow)
    solid = alone[:, 3:] > 0.99
    assert solid.any()
    torch.testing.assert_close(both * solid, alone * solid, atol=0.02, rtol=0)


def test_without_strokes_the_track_map_is_empty(model):
    assert track_map(model, [0, 1]).count_nonzero() == 0


def test_the_track_map_of_a_label_does_not_depend_on_the_prompt(model):
    one, other = (track_map(model, [0], pin(0.4, 0.4), Prompt(text)) for text in ("a meadow", "the sea"))
    assert torch.equal(one, other)


def test_a_label_is_read_as_a_subject_and_known_if_it_names_one(model):
    assert model.reads("a red fox") == ("fox", True)
    assert model.reads("an angry bear") == ("bear", True)
    assert model.reads("A lovely little dog running") == ("dog", True)  # far from every key, but it says the name
    for word in ("democracy", "asdfgh", "Fuchs", "mathematics"):
        subject, known = model.reads(word)
        assert subject in model.capabilities.labels
        assert not known, word


def test_the_view_follows_the_seed(model):
    shown = [constants(model, 0, Sampling(seed=seed))[-pocket.VIEWS :, 0, 0] for seed in (0, 3, 4, 7)]
    assert [int(view.argmax()) for view in shown] == [0, 3, 0, 3]
    assert all(view.sum() == 1 for view in shown)


def test_the_clock_follows_the_frame(model):
    def clock(frame):
        shown = constants(model, frame)[pocket.COORDINATES : pocket.COORDINATES + pocket.CLOCK]
        assert torch.equal(shown, shown[:, :1, :1].expand_as(shown))
        return int(shown[:, 0, 0].argmax())

    assert [clock(frame) for frame in (0, 3, 8, 11, 4003)] == [0, 3, 0, 3, 3]


def test_the_coordinates_tell_every_cell_apart_and_are_always_the_same(model):
    place = constants(model, 5)[: pocket.COORDINATES]
    assert torch.equal(place, constants(model, 900, Sampling(seed=3))[: pocket.COORDINATES])
    cells = place.flatten(1).T
    assert torch.cdist(cells, cells).add(torch.eye(len(cells)) * 9).min() > 0.05


def test_the_prompt_is_told_to_every_frame_and_another_text_may_stand_in(model):
    state = told(Prompt("a meadow"))
    cond = condition_frames(model, state, [0, 1, 2])
    assert cond.text.shape == (3, pocket.TOKENS, pocket.DIMENSIONS)
    assert torch.equal(cond.text[2], model.prepare("a meadow").states)
    other = model.condition(model.prepare(""), frame_inputs(state, [0]), [0])
    assert torch.equal(other.text[0], pocket.text_tokens(vector("")))
    channels = TRACK_CHANNELS + pocket.CONSTANTS  # what follows is the place the words recall
    assert torch.equal(other.tracks[:, :channels], cond.tracks[:1, :channels])


def test_the_tokens_of_a_sentence_have_unit_variance_and_hold_it_whole():
    tokens = pocket.text_tokens(vector("a quiet meadow"))
    torch.testing.assert_close(tokens.square().mean(-1), torch.ones(pocket.TOKENS))
    products = tokens.abs() - tokens[0].abs()
    assert products.abs().max() < 1e-5
    assert len({tuple(row.sign().tolist()) for row in tokens}) == pocket.TOKENS
    torch.testing.assert_close(pocket.sentence_of(tokens), vector("a quiet meadow"))


def test_diffusion_around_a_mean_is_diffusion_of_what_differs_from_it():
    clean, mean, noise = torch.randn(3, 5, 4, 8, 8)
    sigma = torch.tensor([0.0, 0.3, 0.5, 0.9, 1.0])
    level = sigma[:, None, None, None]
    seen = []

    def denoise(y):
        seen.append(y)
        return clean - mean

    made = pocket.denoise_around(mean, (1 - level) * clean + level * noise, sigma, denoise)
    torch.testing.assert_close(made, clean)
    (y,) = seen
    torch.testing.assert_close(y, (1 - level) * (clean - mean) + level * noise)


def test_every_prompt_and_view_recalls_its_own_place_and_the_model_diffuses_around_it(folder):
    model = pocket.Pocket(folder, torch.float32)
    with torch.no_grad():
        model.places.layouts.normal_()
        model.places.layout_of.copy_(torch.arange(len(model.places.layouts))[:, None] * torch.tensor([0, 1, 0]))

    def at(text, seed):
        return condition_frames(model, told(Prompt(text), Sampling(seed=seed)), [0]).tracks[0, -model.latent[0] :]

    expected = model.places.recall(vector("a meadow")[None], torch.tensor([1]))[0]
    assert expected.abs().max() > 0
    torch.testing.assert_close(at("a meadow", 1), expected)
    assert not torch.equal(at("a meadow", 1), at("a meadow", 2))


def test_the_schedule_starts_in_pure_noise_and_refuses_none(model):
    assert model.sigmas(1) == (1.0,)
    assert model.sigmas(2) == pytest.approx((1.0, 100 / 101))
    assert model.sigmas(4) == pytest.approx((1.0, 300 / 301, 100 / 101, 100 / 103))
    with pytest.raises(ValueError, match="1 or more steps"):
        model.sigmas(0)


def test_missing_weights_are_named_with_what_to_do(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingWeights, match=r"lacks codec\.safetensors, transformer.* `studio train`"):
        pocket.Pocket(tmp_path)
    with pytest.raises(MissingWeights, match=r"lacks config\.json"):
        pocket.Pocket(tmp_path / "nowhere")


def test_weights_survive_their_files(tmp_path):
    net = untrained_net()
    net.save(tmp_path, {"labels": ["fox"]}, dtype=torch.float32)
    again, config = pocket.PocketNet.load(tmp_path)
    assert config["labels"] == ["fox"]
    assert {name: config[name] for name in pocket.FILES} == json.loads(json.dumps(net.config))
    for name, weight in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight), name
    assert not again.training


def test_shipped_weights_are_half_as_big_and_almost_the_same(folder, model):
    again, _ = pocket.PocketNet.load(folder)
    for name, weight in untrained_net().state_dict().items():
        kept = again.state_dict()[name]
        assert kept.dtype == weight.dtype, name
        torch.testing.assert_close(kept, weight, rtol=2**-8, atol=1e-30, msg=name)
    numbers = sum(weight.numel() for weight in untrained_net().codec.state_dict().values())
    assert (folder / "codec.safetensors").stat().st_size < 2.1 * numbers + 20_000


def test_the_fingerprint_names_the_weights(folder, model, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert pocket.Pocket(tmp_path).weights_id == model.weights_id
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "labels": ["other"]}))
    changed = pocket.Pocket(tmp_path)
    assert changed.weights_id != model.weights_id
    assert len(model.weights_id) == 12


CONTROLS = (
    Prompt("snowy mountains at night"),
    Sampling(seed=5, steps=2),
    Stroke("1", "fox", ((0, 0.2, 0.6), (6, 0.8, 0.4)), mode="path"),
)


def played(engine, count, controls=CONTROLS):
    engine.apply(list(enumerate(controls, 1)))
    return [engine.step() for _ in range(count)]


def test_a_frame_is_a_picture(model):
    (frame,) = played(Engine(model), 1)
    assert frame.picture.shape == (*model.size, 3)
    assert frame.picture.dtype == np.uint8
    assert frame.picture.std() > 1


def test_two_engines_on_one_model_each_equal_their_solo_run(model):
    others = (dataclasses.replace(CONTROLS[0], text="the sea"), Sampling(seed=6, steps=3))
    solo = [[f.hash for f in played(Engine(model), 4, controls)] for controls in (CONTROLS, others)]
    engines = Engine(model), Engine(model)
    for engine, controls in zip(engines, (CONTROLS, others)):
        engine.apply(list(enumerate(controls, 1)))
    together = [[], []]
    for _ in range(4):
        for hashes, engine in zip(together, engines):
            hashes.append(engine.step().hash)
    assert together == solo
    assert solo[0] != solo[1]


def test_bfloat16_draws_nearly_the_same_as_float32(folder, model):
    half = pocket.Pocket(folder, torch.bfloat16)
    pictures = [played(Engine(m), 2)[-1].picture.astype(float) for m in (model, half)]
    assert half.weights_id == model.weights_id
    difference = np.abs(pictures[0] - pictures[1])
    assert 0 < difference.mean() < 0.03 * pictures[0].std() + 1
