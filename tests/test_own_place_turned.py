"""A place of one's own on the pocket model's own weights: shown as it is, turned as prompts say, the same again."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from session.playing import replayed

from studio.conditioning import OwnPlace, condition_frames
from studio.controls import ControlState, Place, Prompt, Stroke
from studio.engine import Engine
from studio.evaluation.detector import load_detector
from studio.models.pocket.model import Pocket
from studio.models.pocket.own_place import RIDGE, OwnPlaces, features
from studio.models.pocket.place_memory import PlaceMemory
from studio.pictures import decoded
from studio.session import Session
from studio.world.scenes import TIMES, WEATHERS


def picture(seed=0, size=(320, 256)):
    """A drawing that no training saw: a striped sky over a hill, houses of flat colour; its file."""
    rng = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[:height, :width] / 256
    pixels = np.empty((height, width, 3))
    pixels[:] = np.array([150, 190, 230]) + 40 * np.sin(9 * y)[..., None]
    pixels[y > 0.6 + 0.08 * np.sin(5 * x)] = (90, 140, 70)
    for _ in range(5):
        left, top, wide = rng.uniform(0.1, 1), rng.uniform(0.35, 0.6), rng.uniform(0.1, 0.2)
        pixels[(x > left) & (x < left + wide) & (y > top) & (y < 0.72)] = rng.uniform(60, 250, 3)
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


GARDEN = Place("my garden", picture())


@pytest.fixture(scope="module")
def model():
    return Pocket(size=(256, 256))


def recalled(model, text, *places, frames=(0,), since=0):
    """The mean (F, 48, 16, 16) around which the model draws frames."""
    state = ControlState().updated(Prompt(text)).updated(*places, frame=since)
    return condition_frames(model, state, frames).tracks[:, -model.latent[0] :]


def psnr(one, other):
    return float(-10 * np.log10(np.mean((one.astype(float) - other.astype(float)) ** 2) / 255**2))


def shown(model, text, *controls, frames=4):
    engine = Engine(model)
    sent = (*controls, Prompt(text))
    engine.accept(*sent)
    engine.apply(list(enumerate(sent, 1)))
    return [engine.step().picture for _ in range(frames)][-1]


def test_a_prompt_that_says_the_name_recalls_the_picture_and_no_other_prompt_does(model):
    own = model.own_places.latent(GARDEN.data)
    torch.testing.assert_close(recalled(model, "My Garden", GARDEN), own, atol=1e-3, rtol=0)
    for text in ("my gardens", "a meadow"):
        assert torch.equal(recalled(model, text, GARDEN), recalled(model, text))


def test_the_latent_is_the_middle_square_of_the_picture(model):
    middle = io.BytesIO()
    Image.fromarray(decoded(GARDEN.data, (256, 256))).save(middle, "PNG")
    assert torch.equal(model.own_places.latent(middle.getvalue()), model.own_places.latent(GARDEN.data))


def test_its_name_wins_over_a_known_place(model):
    beach = Place("a beach", picture(1))
    torch.testing.assert_close(
        recalled(model, "a beach", beach), model.own_places.latent(beach.data), atol=1e-3, rtol=0
    )


def test_what_is_shown_is_the_picture_as_the_codec_has_it_with_subjects_on_it(model):
    as_kept = model.new_decoder().decode(model.own_places.latent(GARDEN.data))[0]
    assert psnr(as_kept, decoded(GARDEN.data, (256, 256))) > 26
    frame = shown(model, "my garden", GARDEN)
    assert psnr(frame, as_kept) > 32
    fox = Stroke("f", "fox", ((0, 0.25, 0.75),), "pin", 0.3)
    with_fox = shown(model, "my garden", GARDEN, fox)
    assert psnr(with_fox[:, 128:], as_kept[:, 128:]) > 32
    assert psnr(with_fox[154:230, 32:96], as_kept[154:230, 32:96]) < 20, "the fox stands on it"


@pytest.mark.parametrize(
    ("words", "time", "weather"),
    [("at night", "night", "clear"), ("at sunset", "sunset", "clear"), ("in the fog", "day", "fog")],
)
def test_a_prompt_turns_it(model, words, time, weather):
    frame = shown(model, f"my garden {words}", GARDEN)
    (named,) = load_detector().name(torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float() / 255)
    assert named[1:] == (time, weather)


def test_a_turn_is_the_ridge_regression_of_every_known_place_cell_by_cell(model):
    """The slow definition: from normal equations that are summed place by place, at one time and in one weather."""
    own, night, fog = model.own_places, TIMES.index("night"), WEATHERS.index("fog")
    memory = model.places
    layouts = {tuple(row): memory.layouts[n] for n, row in enumerate(memory.layout_of.tolist())}
    airs = {tuple(row): memory.airs[n] for n, row in enumerate(memory.air_of.tolist())}
    square, product, rows = 0, 0, 0
    for place, view, time in layouts:
        if time or (place, night, fog) not in airs:
            continue
        day = layouts[place, view, 0] + airs[place, 0, 0]
        change = layouts[place, view, night] + airs[place, night, fog] - day
        seen = features(day[None])[0].flatten(1).T.double()
        square, product = square + seen.T @ seen, product + seen.T @ change.flatten(1).T.double()
        rows += len(seen)
    slow = torch.linalg.solve(square + rows * RIDGE * torch.eye(len(square)).double(), product)
    torch.testing.assert_close(own.turns(0)[night, fog].double(), slow, atol=1e-4, rtol=1e-3)
    assert not own.turns(0)[0, 0].any(), "where it is already nothing turns it"


def test_a_picture_at_night_stays_as_it_is_unless_the_prompt_says_a_time(model):
    at_night = Place("my garden", GARDEN.data, "night")
    own = model.own_places.latent(GARDEN.data)
    torch.testing.assert_close(recalled(model, "my garden", at_night), own, atol=1e-3, rtol=0)
    torch.testing.assert_close(recalled(model, "my garden at night", at_night), own, atol=1e-3, rtol=0)
    by_day = model.new_decoder().decode(recalled(model, "my garden by day", at_night))[0]
    assert by_day.mean() > model.new_decoder().decode(own)[0].mean() + 20


def test_a_blend_and_a_mix_of_two_prompts_recall_each_its_own(model):
    other = Place("the harbour", picture(2))
    first, second = recalled(model, "my garden", GARDEN), recalled(model, "the harbour", other)
    mixed = Prompt("my garden", mix=(("the harbour", 3.0),))
    state = ControlState.of(GARDEN, other, mixed)
    got = condition_frames(model, state, [0]).tracks[:, -model.latent[0] :]
    torch.testing.assert_close(got, first.lerp(second, 0.75))
    blending = ControlState.of(GARDEN, Prompt("my garden")).after(Prompt("a meadow", blend=4), 0).at(1)
    half = condition_frames(model, blending, [1]).tracks[:, -model.latent[0] :]
    assert 0.1 < float((half - first).norm() / (recalled(model, "a meadow") - first).norm()) < 0.9


def test_it_goes_over_to_its_second_picture(model):
    both = Place("my garden", picture(), end=picture(3), seconds=1)
    start, end = (recalled(model, "my garden", Place("my garden", data)) for data in (picture(), picture(3)))
    told = recalled(model, "my garden", both, frames=[5, 11, 29], since=5)
    torch.testing.assert_close(told, torch.cat([start, start.lerp(end, 0.25), end]), atol=1e-4, rtol=0)


def test_a_take_with_it_shows_the_same_again(model):
    session = Session(model)
    session.send(Place("my garden", picture(), end=picture(3), seconds=0.3))
    session.send(Prompt("my garden at dusk"))
    frames = [session.step().hash for _ in range(4)]
    session.send(Place("my garden", picture(4), "night"))
    frames += [session.step().hash for _ in range(3)]
    session.send(Place("my garden"))
    frames += [session.step().hash for _ in range(2)]
    kept = session.keep(100)
    assert replayed(kept, model) == frames
    session.rewind(4)
    assert session.engine.frame <= 4
    again = [session.step().hash for _ in range(4 - session.engine.frame)]
    assert again == frames[4 - len(again) : 4]


def test_a_memory_that_knows_no_place_whole_turns_nothing(model):
    untaught = OwnPlaces(PlaceMemory([2, 4, 5, 4], 3, 3, [48, 16, 16]), model.codec, 256, model.own_places.read)
    states, place = model.prepare("my garden at night"), OwnPlace("my garden", GARDEN.data)
    assert torch.equal(untaught.recall(place, states), untaught.latent(GARDEN.data))
