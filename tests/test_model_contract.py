"""The contract between a model and whoever plays it, and what is told of a model: `models.base`, `models.playable`."""

from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from tiny.pictures import PictureModel
from ui_stand_ins import StandInModel

from studio.controls import Prompt, Sampling, Stroke
from studio.models.base import Capabilities, Model
from studio.models.image.options import ImageOptions
from studio.models.loader import accepted_options
from studio.models.options import from_flat
from studio.models.playable import has_several_steps, nearest_sampling, playable_kinds, playable_parts, supports
from studio.models.wan.options import WanOptions

ABSTRACT = ("sigmas", "prepare", "condition", "denoise")


@pytest.mark.parametrize("lacking", ABSTRACT)
def test_a_model_that_lacks_a_part_of_the_contract_cannot_be_made(lacking):
    parts = {name: lambda self, *_: None for name in ABSTRACT if name != lacking}
    with pytest.raises(TypeError, match=f"abstract method '?{lacking}"):
        type("Lacking", (Model,), parts)()
    assert type("Whole", (Model,), parts | {lacking: lambda self, *_: None})()


def test_what_a_model_can_do_is_frozen_and_its_reasons_too(model):
    refuses = {"stroke": "it draws from words"}
    able = replace(model.capabilities, refuses=refuses)
    with pytest.raises(FrozenInstanceError):
        able.steps = 3
    with pytest.raises(TypeError):
        able.refuses["sink"] = "no"
    refuses["sink"] = "no"
    assert dict(able.refuses) == {"stroke": "it draws from words"}
    with pytest.raises(AttributeError):
        model.size = (64, 64)


def test_what_a_model_does_not_have_is_told_when_it_is_asked_for(model):
    still = PictureModel()
    with pytest.raises(TypeError, match="still keeps no past: it has no cache"):
        still.new_cache()
    with pytest.raises(TypeError, match="tiny takes no picture; choose an image model"):
        model.encode_picture(b"")
    assert model.reads("griffin") == ("griffin", True)


def test_a_loader_gives_a_model_another_name_and_other_defaults(model):
    named = model.with_defaults("mine", sampler="rolling", steps=5)
    assert named is model
    assert (named.name, named.capabilities.sampler, named.capabilities.steps) == ("mine", "rolling", 5)
    assert named.capabilities.window == 3


def test_what_has_an_effect_on_a_model_follows_from_its_capabilities():
    still, video = PictureModel(loras=("ink",)), StandInModel((64, 64))
    assert playable_kinds(video) == [
        "prompt",
        "sampling",
        "sink",
        "subject",
        "stroke",
        "erase",
        "camera_motion",
        "pause",
    ]
    assert playable_parts(video) == ["cache", "steps"]
    kinds = playable_kinds(still)
    assert {"picture", "similarity", "structure", "lora"} < set(kinds)
    assert "sink" not in kinds
    assert playable_parts(still) == ["noise", "camera", "steps"]
    first_frame = StandInModel((64, 64), takes_pictures=True)
    assert "picture" in playable_kinds(first_frame)
    assert "camera" not in playable_parts(first_frame), "a video model's picture is its first frame, a still"
    refusing = PictureModel(refuses={"picture": "it draws from words"})
    assert not {"picture", "similarity", "structure"} & set(playable_kinds(refusing))
    assert "camera" not in playable_parts(refusing)


def test_a_model_of_one_schedule_shows_no_steps_and_plays_that_one(monkeypatch):
    still = PictureModel()
    assert has_several_steps(still)

    def only_four(steps, strength=1.0):
        if steps != 4:
            raise ValueError("it was trained at 4 steps; send 4")
        return (0.9, 0.6, 0.4, 0.2)

    monkeypatch.setattr(still, "sigmas", only_four)
    assert not has_several_steps(still)
    assert "steps" not in playable_parts(still)
    assert not supports(still, Sampling(steps=3))
    assert nearest_sampling(still, Sampling(seed=5, steps=9)) == Sampling(seed=5, steps=4)
    assert supports(still, Prompt("a lake"))
    refusing = StandInModel((64, 64), refuses={"stroke": "it knows words alone"})
    assert not supports(refusing, Stroke("a", "fox", ((0, 0.5, 0.5),)))


@pytest.mark.parametrize(("kind", "model"), [(ImageOptions, "sd-turbo"), (WanOptions, "longlive-1.3b")])
def test_options_keep_their_flat_names_and_are_gathered_in_one_value(kind, model):
    names = accepted_options(model)
    assert {"size", "device", "quantize", "compile", "attention", "graphs"} < set(names)
    assert "acceleration" not in names
    options = from_flat(kind, {"size": (64, 96), "compile": True, "quantize": "int8"})
    assert (options.size, options.acceleration.compile, options.acceleration.quantize) == ((64, 96), True, "int8")
    assert options.acceleration.graphs is False
    assert from_flat(kind, {}) == kind()
    with pytest.raises(TypeError, match="warp"):
        from_flat(kind, {"warp": 9})


def test_options_that_cannot_be_are_told_before_anything_is_read():
    with pytest.raises(ValueError, match="recache is 'sideways'; possible: causal, bidirectional"):
        WanOptions(recache="sideways")
    with pytest.raises(ValueError, match="at least 1, 0 and 1 are needed"):
        WanOptions(window=0)
    with pytest.raises(ValueError, match="graphs is not possible with loras or cross_frame"):
        from_flat(ImageOptions, {"graphs": True, "loras": {"ink": "ink.safetensors"}})
    assert ImageOptions(device="cpu").place == (torch.device("cpu"), torch.float32)


def test_a_size_and_a_latent_are_all_that_must_be_said_of_a_model():
    able = Capabilities(size=(8, 8), latent=(1, 1, 1))
    assert (able.chunk, able.independent, able.sampler, able.takes_pictures) == (1, False, "stream", False)


def test_how_a_model_plays_strokes_is_said_and_one_that_refuses_them_plays_them_in_no_way():
    able = Capabilities(size=(8, 8), latent=(1, 1, 1))
    assert able.strokes == "tracks"
    assert replace(able, strokes="cutouts").strokes == "cutouts"
    assert replace(able, strokes="cutouts", refuses={"stroke": "it draws words alone"}).strokes == ""
    with pytest.raises(ValueError, match="strokes is 'magic'; possible: '', 'tracks', 'cutouts', 'underpainting'"):
        replace(able, strokes="magic")
