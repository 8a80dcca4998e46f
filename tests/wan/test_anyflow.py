"""AnyFlow-FAR through our samplers: equal to diffusers' own pipeline, snapshots exact, a rough take rendered finer."""

import io

import pytest
import torch
from PIL import Image
from tiny.anyflow_folders import published, tiny_anyflow_folder
from tiny.wan_folders import tiny_wan_folder

from studio.controls import ControlState, Picture, Prompt, Sampling
from studio.engine import Engine
from studio.models.anyflow.model import open_anyflow
from studio.models.errors import CheckpointError, OptionError
from studio.models.loader import load
from studio.noise import noise
from studio.samplers import Rollout, StreamBatch
from studio.samplers.base import next_noise
from studio.samplers.rows import renoise
from studio.score import Score
from studio.score.render import render_again
from studio.score.snapshot import pack, unpack
from studio.session.session import Session

SIZE = (128, 256)  # 128 fine tokens a frame: diffusers pads to that, and looks at what it pads with
WORDS = "a fox runs in the forest"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_anyflow_folder(tmp_path_factory.mktemp("anyflow"))


@pytest.fixture(scope="module")
def model(folder):
    return load(folder, size=SIZE)


def told(**sampling):
    return ControlState.of(Prompt(WORDS), Sampling(seed=5, **sampling))


def drawn(model, state, chunks, sampler=Rollout):
    stream = sampler(model)
    return torch.cat([stream.step(state) for _ in range(chunks)])


def of_published(model, folder, frames, steps, first=None):
    begun = torch.stack([noise(5, frame, 0, model.latent) for frame in range(frames)])
    return published(folder, model.prepare(WORDS).states.float(), begun, steps, first)


def test_frames_are_those_of_diffusers_own_pipeline_and_so_are_those_after_a_picture(model, folder):
    ours = drawn(model, told(steps=3), 4)
    theirs = of_published(model, folder, 10, 3)
    assert ours.shape == theirs.shape == (10, 16, 16, 32)
    assert theirs.std() > 0.3
    assert torch.allclose(ours, theirs, atol=1e-4), (ours - theirs).abs().max()
    still = ControlState.of(Prompt(WORDS), Sampling(seed=5, steps=1), Picture(picture()))
    ours = drawn(model, still, 2)
    theirs = of_published(model, folder, 4, 1, model.encode_picture(picture()))
    assert torch.allclose(ours, theirs, atol=1e-4), "a picture is the first frame, as in its image to video"


@pytest.fixture(scope="module")
def small(folder):
    return load(folder, size=(64, 64), window=6)


def picture(shade=90):
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, 40, 200 - shade)).save(file, "PNG")
    return file.getvalue()


def test_it_begins_with_one_frame_and_every_number_of_steps_begins_from_the_same_noise(small):
    stream = Rollout(small)
    assert [len(stream.step(told(steps=2))) for _ in range(3)] == [1, 3, 3]
    assert stream.frame == 7
    engine = Engine(small, state=told(steps=1))
    assert [engine.step().index for _ in range(14)] == [*range(14)], "one picture, then twelve a chunk"
    few, many = (drawn(small, told(steps=steps), 1) for steps in (1, 16))
    other = drawn(small, ControlState.of(Prompt(WORDS), Sampling(seed=6, steps=16)), 1)
    assert (few - many).abs().mean() < (other - many).abs().mean() / 2, "more steps are the same film"


def test_a_net_of_one_velocity_is_walked_along_a_straight_line_whatever_the_steps(small):
    stream = Rollout(small)
    row = stream.new_row(told(steps=4), 0, True)
    velocity = torch.randn(row.x.shape, generator=torch.Generator().manual_seed(1))
    start = row.x
    while row.steps_left > 1:
        clean = row.x - row.sigma * velocity
        before, row = row, renoise(row, clean, next_noise(stream, row, clean))
        assert torch.allclose(row.x, before.x - (before.sigma - row.sigma) * velocity, atol=1e-5)
    assert torch.allclose(row.x, start - (1 - row.sigma) * velocity, atol=1e-5)


@pytest.mark.parametrize("sampler", [Rollout, StreamBatch])
def test_a_snapshot_goes_on_bit_for_bit_and_so_does_one_from_a_file(small, sampler):
    stream, state = sampler(small), told(steps=2)
    for _ in range(4):
        stream.step(state)
    held = stream.snapshot()
    on = [stream.step(state) for _ in range(2)]
    tensors = {}
    tree = pack(held, tensors)
    read = unpack(tree, tensors, small)
    for snapshot in (held, read):
        other = sampler(small)
        other.restore(snapshot)
        assert all(torch.equal(a, b) for a, b in zip(on, [other.step(state) for _ in range(2)], strict=True))
    shapes = sum(part.nbytes for part in (held.cache.keys, held.cache.values))
    assert shapes <= stream.snapshot_bytes(state)


def test_kept_frames_are_read_anew_under_the_words_each_has(small):
    old, new = told(steps=1), ControlState.of(Prompt("the sea at night"), Sampling(seed=5, steps=1))
    kept = {}
    for kind in ("recache", "keep", "cut"):
        stream = Rollout(small)
        for _ in range(4):
            stream.step(old)
        stream.switch(kind, new)
        stream.step(new)
        kept[kind] = stream.context.kept, stream.cache.snapshot().keys
    assert [len(frames) for frames, _ in kept.values()] == [7, 7, 0]
    sea = small.prepare("the sea at night")
    assert {id(one.cond.prompts[0]) for one in kept["recache"][0]} == {id(sea)}
    assert {id(one.cond.prompts[0]) for one in kept["keep"][0]} == {id(small.prepare(WORDS))}
    assert not torch.equal(kept["recache"][1], kept["keep"][1])


def test_a_window_that_rolls_keeps_the_first_frame_and_sees_the_last_six_finely(small):
    stream = Rollout(small)
    for _ in range(6):
        stream.step(told(steps=1))
    assert stream.cache.frames == (0, 7, 8, 9, 10, 11, 12)
    assert stream.cache.snapshot().keys.shape[1] == 1 * 4 + 6 * 16
    stream.context.drop_sink()
    assert stream.cache.frames == (), "what is left would have been read otherwise: it is read anew"
    stream.step(told(steps=1))
    assert stream.cache.frames == (7, 10, 11, 12, 13, 14, 15), "the oldest of the window is kept for ever now"


def test_a_take_performed_rough_is_rendered_with_more_steps(small, tmp_path):
    session = Session(small)
    session.send(Prompt(WORDS))
    session.send(Sampling(seed=5, steps=1))
    session.record(tmp_path / "rough.jsonl")
    for _ in range(14):
        session.step()
    session.stop_recording()
    score = Score.read(tmp_path / "rough.jsonl")
    made = render_again(score, tmp_path / "clean.gif", small, steps=4)
    assert (tmp_path / "clean.gif").stat().st_size > 100
    assert {event.control.steps for event in made.score.events if isinstance(event.control, Sampling)} == {4}
    assert made.difference is not None, "the two films are compared frame by frame"


def test_the_layout_that_was_published_is_read_too_and_others_are_told_apart(tmp_path, folder):
    there = tiny_anyflow_folder(tmp_path / "published", original=True)
    assert load(there, size=(64, 64)).weights_id == load(folder, size=(64, 64)).weights_id
    for name, (config, words) in BROKEN.items():
        broken = tiny_anyflow_folder(tmp_path / name, **config)
        with pytest.raises((CheckpointError, OptionError), match=words):
            load(broken, size=(64, 64))
    with pytest.raises(CheckpointError, match="is one file, and AnyFlow's net has a config"):
        open_anyflow(there, generator=there / "transformer" / "diffusion_pytorch_model.safetensors", size=(64, 64))
    wan = tiny_wan_folder(tmp_path / "wan")
    with pytest.raises(CheckpointError, match="holds a WanTransformer3DModel, not AnyFlowFARTransformer3DModel"):
        open_anyflow(there, generator=wan, size=(64, 64))
    with pytest.raises(OptionError, match="multiples of 32"):
        load(there, size=(64, 80))
    with pytest.raises(OptionError, match="window is 7; it is a multiple"):
        load(there, size=(64, 64), window=7)
    with pytest.raises(OptionError, match="compile and graphs are not possible with AnyFlow"):
        load(there, size=(64, 64), graphs=True)
    with pytest.raises(CheckpointError, match="AnyFlow's causal net, which is opened by its own folder"):
        load(wan, generator=there / "transformer", size=(64, 64))


BROKEN = {
    "clips": ({"_class_name": "AnyFlowTransformer3DModel"}, "which is not causal and not played"),
    "patches": ({"compressed_patch_size": [1, 3, 3]}, "seen coarsely"),
    "pictures": ({"image_dim": 1280}, "image-to-video net"),
    "larger": ({"num_layers": 3}, "does not fit"),
}
