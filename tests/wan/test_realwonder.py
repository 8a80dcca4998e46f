"""RealWonder's student: an image-to-video net, told its picture as diffusers tells it, whose noise follows motion."""

import pytest
import torch
from tiny.realwonder_files import TOKENS, WIDTH, tiny_i2v, tiny_picture_encoder, tiny_student
from tiny.wan_folders import TEXT

from studio.conditioning import Conditioning, FrameInputs, PromptStates
from studio.controls import Camera, Picture, Prompt, Sampling
from studio.engine import Engine
from studio.models.errors import CheckpointError, OptionError
from studio.models.loader import instantiate, load
from studio.models.playable import playable_kinds
from studio.models.registry import MODELS, REALWONDER
from studio.models.wan.causal_wan import CausalWan
from studio.session.session import Session
from wan.checks import SIZE, drawn, picture_file


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("realwonder")
    return tiny_student(folder / "step=000800.pt"), tiny_picture_encoder(folder)


@pytest.fixture(scope="module")
def student(base, files):
    return instantiate(REALWONDER, {"base": base, "generator": files[0], "image_encoder": files[1], "size": SIZE})


def test_its_net_is_diffusers_own_told_words_and_a_picture():
    net, frames = tiny_i2v(), 3
    x, told, tokens = drawn(frames, 16, 4, 6), drawn(frames, 20, 4, 6, seed=1), drawn(TOKENS, WIDTH, seed=2)
    words, sigma = PromptStates(drawn(512, TEXT, seed=3)), torch.tensor([0.3, 0.6, 0.9])
    cond = Conditioning((words.with_picture(tokens, "one"),) * frames, told)
    stock = net(
        torch.cat([x, told], 1).transpose(0, 1)[None],
        1000 * sigma.repeat_interleave(6)[None],
        words.states[None],
        tokens[None],
        return_dict=False,
    )[0][0].transpose(0, 1)
    model = CausalWan(net, "velocity", frames).eval()
    with torch.no_grad():
        torch.testing.assert_close(model.ready().predict(x, sigma, cond, range(3)), stock, atol=2e-5, rtol=0)
        bare = model.ready().predict(x, sigma, Conditioning((words,) * frames, told), range(3))
    assert float((bare - stock).abs().max()) > 1e-3
    torch.testing.assert_close(model.predict(x, sigma, cond, range(3)), stock, atol=2e-5, rtol=0)


def test_frames_told_several_pictures_hear_each_its_own():
    net = CausalWan(tiny_i2v(), "velocity").ready()
    x, told, words = drawn(2, 16, 4, 6), drawn(2, 20, 4, 6, seed=1), PromptStates(drawn(4, TEXT, seed=3))
    one, other = (words.with_picture(drawn(TOKENS, WIDTH, seed=seed), str(seed)) for seed in (5, 6))
    with torch.no_grad():
        both = net(x, (0.9, 0.9), Conditioning((one, other), told), (0, 1))
        first = net(x, (0.9, 0.9), Conditioning((one, one), told), (0, 1))
    torch.testing.assert_close(both[0], first[0], atol=1e-5, rtol=0)
    assert float((both[1] - first[1]).abs().max()) > 1e-3


def test_words_keep_the_picture_they_are_told_beside():
    words, others = PromptStates(drawn(4, TEXT)), PromptStates(drawn(4, TEXT, seed=1))
    pictured = words.with_picture(drawn(TOKENS, WIDTH), "one")
    assert words.with_picture(drawn(TOKENS, WIDTH), "one") is pictured
    again = Conditioning((pictured, pictured), torch.zeros(2, 20, 4, 6)).with_text(others)
    assert again.is_one_text
    assert again.prompts[0].picture is pictured.picture
    assert torch.equal(again.prompts[0].states, others.states)


def test_the_channels_are_mask_and_latents_of_the_picture_and_then_grey(student):
    data, states = picture_file(1), student.prepare("a fox")
    told = student.condition(states, FrameInputs(picture=data, begun=7), [7, 8, 9, 500]).tracks
    clip = torch.full((9, 3, *SIZE), 0.5)
    clip[0] = torch.tensor(picture_array(data)).permute(2, 0, 1) / 255
    wanted = student.codec.encode(clip)
    torch.testing.assert_close(told[:3, 4:], wanted, atol=1e-5, rtol=0)
    assert told[:, :4].mean((1, 2, 3)).tolist() == [1, 0, 0, 0]
    none = student.condition(states, FrameInputs(begun=7), [7]).tracks
    assert not none[:, :4].any()


def picture_array(data):
    from studio.pictures import decoded

    return decoded(data, SIZE)


def test_it_plays_a_picture_with_noise_that_follows(student):
    able = student.capabilities
    assert (able.chunk, able.sink, able.window, able.follow, able.preview) == (3, 1, 17, 0.5, 0.8)
    assert student.sigmas(4) == pytest.approx((1, 0.9375, 0.8333, 0.625), abs=1e-4)
    assert {"picture", "camera_motion", "stroke"} <= set(playable_kinds(student))
    engine = Engine(student)
    assert engine.state[Sampling].follow == 0.5

    def shown(*controls, frames=10):
        engine = Engine(student)
        engine.apply([(1, Prompt("a fox")), (2, Sampling(3, steps=2, follow=0.5)), *((3, one) for one in controls)])
        return [engine.step().hash for _ in range(frames)]

    first = shown(Picture(picture_file(1)))
    assert first == shown(Picture(picture_file(1)))
    assert first != shown(Picture(picture_file(2)))
    assert first != shown()
    assert first[-1] != shown(Picture(picture_file(1)), Camera(pan_x=0.1))[-1]


def test_a_bookmark_and_a_switch_of_words_keep_the_picture(student, tmp_path):
    session = Session(student)
    for control in (Prompt("a fox"), Sampling(3, steps=2, follow=0.5), Picture(picture_file(1))):
        session.send(control)
    for _ in range(10):
        session.step()
    path = session.bookmark(tmp_path / "here.jsonl")
    session.send(Prompt("the sea at night"))
    ahead = [session.step().hash for _ in range(13)]
    kept = session.engine.sampler.context.kept
    assert {one.cond.prompts[0].name for one in kept} == {kept[0].cond.prompts[0].name}
    other = Session(student)
    other.open_bookmark(path)
    other.send(Prompt("the sea at night"))
    assert [other.step().hash for _ in range(13)] == ahead


def test_what_the_person_is_to_bring_is_said_before_anything_is_downloaded(base, files, tmp_path):
    with pytest.raises(OptionError, match="realwonder plays from a file that you bring, as the option generator"):
        load("realwonder")
    with pytest.raises(OptionError, match="as the option image_encoder: a folder with image_encoder/"):
        load("realwonder", generator=files[0])
    assert MODELS["realwonder"].licence.startswith("NOT established")
    with pytest.raises(OptionError, match="generator is not given"):
        instantiate(REALWONDER, {"base": base, "image_encoder": files[1]})
    with pytest.raises(CheckpointError, match=r"no image_encoder/config\.json"):
        instantiate(REALWONDER, {"base": base, "generator": files[0], "image_encoder": tmp_path, "size": SIZE})


def test_another_students_file_is_told(base, files, tmp_path):
    from tiny.wan_folders import tiny_wan_file

    plain = tiny_wan_file(tmp_path / "plain.pt")
    with pytest.raises(CheckpointError, match="does not fit"):
        instantiate(REALWONDER, {"base": base, "generator": plain, "image_encoder": files[1], "size": SIZE})


def test_a_row_and_its_negative_are_told_the_same_place_since_the_clean_start(student, monkeypatch):
    told, condition = [], student.condition

    def watched(states, inputs, frames):
        told.append(inputs)
        return condition(states, inputs, frames)

    monkeypatch.setattr(student, "condition", watched)
    engine = Engine(student, start=40)
    engine.apply([(1, Picture(picture_file(1))), (2, Sampling(guidance="full", scale=2.0, steps=2))])
    engine.apply([(3, Prompt("a fox", negative="blur"))])
    engine.step()
    assert {(inputs.begun, inputs.painted) for inputs in told} == {(40, None)}
