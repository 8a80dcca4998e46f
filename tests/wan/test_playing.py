"""A Wan folder played: its schedule and sizes, its options, a session on it."""

import numpy as np
import pytest
import torch
from tiny import wan_folders

from studio.conditioning import condition_frames
from studio.controls import ControlError, ControlState, Picture, Prompt, Similarity
from studio.models.wan.model import open_wan
from studio.session.session import Session
from wan.checks import SIZE, hashes, picture_file, playing


def test_causal_11_the_schedule_is_the_published_one(model):
    assert model.sigmas(4) == pytest.approx((1, 0.9375, 0.83333, 0.625), abs=1e-5)
    assert model.sigmas(5) == pytest.approx((1, 0.95238, 0.88235, 0.76923, 0.55556), abs=1e-5)
    assert model.sigmas(2, 0.5) == pytest.approx((5 * 0.5 / 3, 5 * 0.25 / 2))


@pytest.mark.parametrize("size", [(16, 16), (48, 80), (112, 32)])
def test_causal_14_any_height_and_width_divisible_by_16_can_be_played(base, size):
    student = open_wan(base, size=size)
    session = Session(student, sampler="rollout")
    assert session.step().picture.shape == (*size, 3)
    assert student.latent == (16, size[0] // 8, size[1] // 8)


@pytest.mark.parametrize(
    ("size", "near"), [((480, 830), "480 x 816 or 832"), ((100, 48), "96 or 112 x 48"), ((8, 48), "16 x 48")]
)
def test_another_size_is_refused_with_the_nearest_possible(base, size, near):
    with pytest.raises(ValueError, match=f"size is {size[0]} x {size[1]}.*multiples of 16, the nearest: {near}$"):
        open_wan(base, size=size)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"recache": "sideways"}, "recache is 'sideways'; possible: causal, bidirectional"),
        ({"positions": "none"}, "positions is 'none'; possible: slots, absolute"),
        ({"evicts": "never"}, "evicts is 'never'; possible: before, after"),
        ({"window": 0}, "chunk, sink, window are 3, 3, 0; at least 1, 0 and 1"),
    ],
)
def test_an_option_that_is_not_possible_is_told_before_anything_is_read(tmp_path, option, words):
    with pytest.raises(ValueError, match=words):
        open_wan(tmp_path, **option)


def test_an_attention_backend_can_be_chosen_and_one_that_is_not_here_is_refused(base, model):
    student = open_wan(base, size=SIZE, attention="native")
    assert hashes(playing(student), 9) == hashes(playing(model), 9)
    with pytest.raises(ValueError, match="native"):
        open_wan(base, size=SIZE, attention="telepathy")


@pytest.mark.parametrize("sampler", ["rollout", "stream", "rolling"])
def test_a_session_plays_a_wan_folder_and_a_new_prompt_shows(model, sampler):
    session = playing(model, sampler)
    frames = [session.step() for _ in range(9 + 12 + 5)]  # in the midst of a chunk
    assert [frame.index for frame in frames] == list(range(26))
    assert all(frame.picture.shape == (*SIZE, 3) for frame in frames)
    assert np.std([frame.picture for frame in frames]) > 2
    state = session.snapshot()
    stayed = hashes(session, 24)
    session.restore(state)
    revision = session.send(Prompt("the sea at night"))
    changed = [session.step() for _ in range(24)]
    assert [frame.revision >= revision for frame in changed] == [False] * 7 + [True] * 17
    same = [old == frame.hash for old, frame in zip(stayed, changed, strict=True)]
    assert all(same[:7]), "pictures already decoded come out"
    assert not any(same[7:]), "from the next chunk on the new words are heard"


def test_causal_21_a_restored_session_plays_the_same_frames(model):
    session = playing(model)
    hashes(session, 14)
    state = session.snapshot()
    first = hashes(session, 20)
    session.restore(state)
    assert hashes(session, 20) == first


def test_causal_12_the_same_controls_give_the_same_frames_and_another_seed_others(base, model):
    first = hashes(playing(model), 21)
    assert hashes(playing(open_wan(base, size=SIZE)), 21) == first
    other = hashes(playing(model, seed=4), 21)
    assert not set(first) & set(other)


def test_in_bfloat16_the_pictures_are_the_same_within_rounding(base, model, tmp_path):
    tiny = wan_folders.tiny_taehv(tmp_path / "taew2_1.safetensors")
    for decoder in (None, tiny):
        exact, rounded = (
            open_wan(base, tiny_decoder=decoder, size=SIZE, dtype=d) for d in (torch.float32, torch.bfloat16)
        )
        assert rounded.new_cache()._keys.dtype == torch.bfloat16
        frames, others = ([s.step().picture.astype(float) for _ in range(9)] for s in map(playing, (exact, rounded)))
        assert 0 < np.abs(np.subtract(frames, others)).mean() < 3


def test_the_tiny_decoder_shows_the_same_latents_otherwise(base, model, tmp_path):
    tiny = open_wan(base, tiny_decoder=wan_folders.tiny_taehv(tmp_path / "taew2_1.pth"), size=SIZE)
    frames, others = ([s.step() for _ in range(9)] for s in (playing(tiny), playing(model)))
    assert frames[0].picture.shape == (*SIZE, 3)
    assert not {frame.hash for frame in frames} & {frame.hash for frame in others}


def test_a_picture_in_force_at_the_start_is_the_first_frame_and_the_stream_goes_on_from_it(model):
    data = picture_file(1)
    session, without = playing(model), playing(model)
    session.send(Picture(data))
    frames = [session.step() for _ in range(13)]
    shown = model.new_decoder().decode(model.encode_picture(data)[None])[0]
    assert np.array_equal(frames[0].picture, shown)
    assert len({frame.hash for frame in frames}) == 13
    assert not {frame.hash for frame in frames} & set(hashes(without, 13))


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (Similarity(0.9), "takes no similarity: .*no frame can be skipped"),
    ],
)
def test_what_it_cannot_play_is_refused_with_the_reason_and_the_stream_goes_on(model, control, words):
    session, undisturbed = playing(model), playing(model)
    hashes(session, 9), hashes(undisturbed, 9)
    with pytest.raises(ControlError, match=words):
        session.send(control)
    assert hashes(session, 12) == hashes(undisturbed, 12)


def test_a_blend_of_prompts_lies_between_them(model):
    begun, ended = (ControlState().after(Prompt(text), 0) for text in ("a fox", "the sea"))
    between = begun.after(Prompt("the sea", blend=3), 4).at(5)
    states = [condition_frames(model, told, [0]).text[0] for told in (begun, between, ended)]
    torch.testing.assert_close(states[1], torch.lerp(states[0], states[2], 0.5))
