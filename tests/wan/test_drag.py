"""Two-clock drags on a Wan student: what is pinned, when, how long, once for a chunk; and nothing without a stroke."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cutout_files import png

from studio.controls import Backdrop, ControlError, ControlState, CutOut, Erase, Prompt, Sampling, Stroke
from studio.models.playable import check, playable_kinds
from studio.samplers import Rollout
from studio.samplers import pin as pins
from studio.samplers.pin import Pin, Pins, encode_clip, pooled, steps_held
from studio.samplers.rows import Row, renoise
from studio.session.session import Session
from studio.trajectory import Placement
from studio.underpaint.reference import Thing, course, origins, reference
from wan.checks import SIZE, drawn, hashes, playing

CUT = CutOut("a", png())
ALONG = Stroke("a", "thing", ((0, 0.2, 0.5), (24, 0.8, 0.5)), "path", loop=False)


def drag(x, y=0.5, **more):
    return Stroke("a", "thing", ((0, x, y),), **more)


def thing(stroke, since=0, is_cut=True):
    return Thing(stroke, since, CUT.pixels, is_cut, 1)


@pytest.fixture
def ranges(monkeypatch):
    """The pictures each pin was worked out for."""
    seen = []

    def watched(moved, frames, origin):
        seen.append(frames)
        return course(moved, frames, origin)

    monkeypatch.setattr(pins, "course", watched)
    return seen


@pytest.fixture
def encoded(model, monkeypatch):
    """The clips that the encoder was given."""
    seen, encode = [], type(model.video_encoder).encode

    def watched(self, pictures, state):
        seen.append(pictures)
        return encode(self, pictures, state)

    monkeypatch.setattr(type(model.video_encoder), "encode", watched)
    return seen


def row(pin=None, steps=(1.0, 0.9, 0.6)):
    x = drawn(3, 4, 2, 2)
    return Row(0, steps, x, torch.zeros_like(x), Sampling(), pin=pin)


def test_a_pinned_row_goes_on_from_the_reference_where_the_mask_is():
    mask = torch.rand(2, 3, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    held, clean, noise = drawn(3, 4, 2, 2, seed=2), drawn(3, 4, 2, 2, seed=3), drawn(3, 4, 2, 2, seed=4)
    moved = renoise(row(Pin(held, mask, (), "")), clean, noise)
    wanted = (1 - 0.9) * (mask[0] * held + (1 - mask[0]) * clean) + 0.9 * noise
    torch.testing.assert_close(moved.x, wanted, atol=1e-6, rtol=0)
    later = renoise(moved, clean, noise)
    torch.testing.assert_close(
        later.x, (1 - 0.6) * (mask[1] * held + (1 - mask[1]) * clean) + 0.6 * noise, atol=1e-6, rtol=0
    )
    assert torch.equal(renoise(row(), clean, noise).x, (1 - np.float32(0.9)) * clean + np.float32(0.9) * noise)


def test_stiffness_chooses_how_long_a_thing_is_held():
    assert [steps_held(stiffness, 4) for stiffness in (0, 0.3, 0.5, 1)] == [1, 2, 3, 4]
    assert [steps_held(stiffness, 1) for stiffness in (0, 0.5, 1)] == [1, 1, 1]


def test_the_mask_lies_in_the_cells_of_the_thing_in_each_latents_own_pictures():
    alpha = np.zeros((9, 16, 24), np.float32)
    for number in range(9):
        alpha[number, 8:, 8 * (number // 4) : 8 * (number // 4) + 8] = 1
    cells = pooled(alpha[1:], torch.Size((2, 4, 2, 3)), 4, False)
    assert cells.shape == (2, 1, 2, 3)
    assert cells[:, 0, 1].tolist() == [[1, 1, 0], [0, 1, 1]]
    assert not cells[:, 0, 0].any()
    first = pooled(alpha, torch.Size((3, 4, 2, 3)), 4, True)
    assert first[:, 0, 1].tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]


def test_what_was_left_is_filled_and_what_moved_is_where_it_is_now():
    shown = np.full((*SIZE, 3), 60, np.uint8)
    one = thing(drag(0.75, size=0.25))
    origin = {"a": Placement("a", "thing", 0.25, 0.5, 0.25, -1.0)}
    shown[12:20, 6:18] = CUT.pixels[0, 0, :3]
    crude = reference(shown, [one], course([one], range(4), origin), origin, [[True]])
    last = crude.pictures[-1].astype(int)
    assert np.abs(last[12:20, 6:18] - 60).max() < 4
    assert np.abs(last[14:18, 32:40] - CUT.pixels[4, 5, :3]).max() < 4
    assert crude.covers[0].shape == (4, *SIZE)
    assert crude.left[16, 12] == 1
    assert crude.left[16, 36] == 0


def test_a_dragged_thing_glides_to_the_hand_and_one_on_a_path_keeps_its_time():
    start = {"a": Placement("a", "thing", 0.2, 0.5, 0.34, -1.0)}
    places = course([thing(drag(0.8))], range(100, 112), start)
    assert [row[0].x for row in places] == pytest.approx([0.2 + 0.6 * n / 12 for n in range(1, 13)])
    places = course([thing(ALONG, 100)], range(100, 112), start)
    assert [row[0].x for row in places] == pytest.approx([0.2 + 0.6 * n / 24 for n in range(12)])


def test_a_thing_that_is_taken_hold_of_was_where_the_hand_took_it():
    taken = thing(drag(0.6, grab=(9, 0.3, 0.4)), 10)
    assert (origins([taken], ())["a"].x, origins([taken], ())["a"].y) == (0.3, 0.4)
    assert origins([taken], (Placement("a", "thing", 0.5, 0.5, 0.34, -1.0),))["a"].x == 0.5
    assert origins([thing(drag(0.6, grab=(9, 0.3, 0.4)), 10, is_cut=False)], ()) == {}
    assert origins([taken], (Placement("gone", "thing", 0.5, 0.5, 0.34, -1.0),)).keys() == {"a"}


def test_what_was_cut_out_is_never_mirrored():
    right = replace(ALONG, points=((0, 0.2, 0.5), (24, 0.8, 0.5)))
    assert thing(right).at(12).facing == -1
    assert thing(right, is_cut=False).at(12).facing == 1


@pytest.mark.parametrize("sampler", ["rollout", "stream", "rolling"])
def test_every_picture_of_a_chunk_is_worked_out_for_its_own_number(model, ranges, sampler):
    session = playing(model, sampler, steps=3)
    session.send(CUT), session.send(replace(ALONG, loop=True))
    session.step()
    firsts = sorted({(one.start, one.stop) for one in ranges})
    assert firsts[0] == (0, 9)
    hashes(session, 9 + 24)
    stretches = sorted({(one.start, one.stop) for one in ranges})
    assert stretches[:4] == [(0, 9), (9, 21), (21, 33), (33, 45)]
    session.send(Prompt("the sea", switch="cut"))
    ranges.clear()
    hashes(session, 12)
    assert sorted({(one.start, one.stop) for one in ranges})[0] == (45, 54)  # a clean start again


def test_a_chunk_is_encoded_once_whatever_its_steps(model, encoded):
    session = playing(model, steps=4)
    session.step()
    assert not encoded
    session.send(CUT), session.send(ALONG)
    hashes(session, 9)
    assert [len(clip) for clip in encoded] == [13]
    hashes(session, 12)
    assert [len(clip) for clip in encoded] == [13, 13]


def test_in_a_stream_batch_another_stroke_is_encoded_anew_and_the_same_is_not(model, encoded):
    session = playing(model, "stream", steps=3)
    session.send(CUT), session.send(drag(0.3))
    session.step()
    before = len(encoded)
    hashes(session, 8), hashes(session, 12)  # one more row comes in a chunk
    assert len(encoded) - before == 1
    session.send(drag(0.7))
    hashes(session, 12)
    assert len(encoded) - before == 1 + 3  # the two in flight and the new one


@pytest.mark.parametrize("sampler", ["rollout", "stream", "rolling"])
def test_a_stroke_shows_from_the_next_chunk_on_and_once_it_is_erased_nothing_is_pinned(model, sampler):
    session, free = playing(model, sampler, steps=3), playing(model, sampler, steps=3)
    assert hashes(session, 10) == hashes(free, 10)
    session.send(CUT), session.send(replace(ALONG, stiffness=1.0))
    assert hashes(session, 11) == hashes(free, 11)
    assert (hashes(session, 30)[-1] == hashes(free, 30)[-1]) is False
    assert session.engine.sampler.pins.places[0].id == "a"
    session.send(Erase("a"))
    hashes(session, 12)
    assert not session.engine.sampler.pins.places
    assert all(row.pin is None for row in session.engine.sampler._rows)


def test_a_label_pastes_its_picture_and_one_that_names_nothing_pastes_nothing(model):
    free = hashes(playing(model), 21)
    named, unknown = playing(model), playing(model)
    named.send(Backdrop(words=0)), unknown.send(Backdrop(words=0))
    named.send(Stroke("a", "fox", ((0, 0.5, 0.5),), "pin"))
    unknown.send(Stroke("a", "democracy", ((0, 0.5, 0.5),), "pin"))
    assert not {*hashes(named, 21)} & {*free}
    assert hashes(unknown, 21) == free
    assert model.reads("a red fox") == ("fox", True)
    assert model.reads("democracy") == ("", False)


def test_the_stiffest_thing_is_in_the_clean_latent_itself_and_a_loose_one_is_not(model, monkeypatch):
    out = []
    monkeypatch.setattr(pins.Pins, "take_out", lambda self, row, is_cold: out.append(row.pin))
    state = playing(model, steps=3).pending_state()
    for stiffness in (0.0, 1.0):
        sampler = Rollout(model)
        clean = sampler.step(state.updated(CUT, Stroke("a", "t", ((0, 0.5, 0.5),), "pin", 0.8, stiffness=stiffness)))
        inside = (out[-1].masks[0] > 0.999).expand_as(clean)
        assert inside.any()
        assert torch.equal(clean[inside], out[-1].reference[inside]) is (stiffness == 1)
        assert len(out[-1].masks) == 3


def test_the_encoder_of_a_clip_repeats_the_last_picture_where_its_lead_leaves_it_short(model):
    pictures = np.random.default_rng(0).integers(0, 255, (5, *SIZE, 3), np.uint8)
    latents = encode_clip(model.video_encoder, pictures, 4)
    whole = model.codec.encode(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255)
    torch.testing.assert_close(latents, whole, atol=1e-4, rtol=0)


def test_who_cannot_show_a_cutout_says_who_can(model):
    able = replace(model.capabilities, strokes="tracks")
    other = type("Other", (), {"capabilities": able, "name": "pocket"})()
    with pytest.raises(ControlError, match=r"pocket draws the subjects that it knows.*choose a Wan student"):
        check(other, CUT)
    assert "cutout" in playable_kinds(model)
    assert "cutout" not in playable_kinds(other)


@pytest.mark.parametrize("sampler", ["rollout", "stream", "rolling"])
def test_a_take_with_a_drag_is_kept_and_shows_the_same(model, tmp_path, sampler):
    session = playing(model, sampler, steps=3)
    hashes(session, 5)
    session.send(CUT), session.send(drag(0.3, grab=(4, 0.5, 0.5)))
    hashes(session, 16)
    path = session.bookmark(tmp_path / "here.jsonl")
    session.send(drag(0.8, grab=(4, 0.5, 0.5)))
    shown = hashes(session, 24)
    other = Session(model, sampler=sampler)
    other.open_bookmark(path)
    other.send(drag(0.8, grab=(4, 0.5, 0.5)))
    assert hashes(other, 24) == shown


def test_rows_gone_back_to_are_pinned_anew_under_what_was_set_behind_them(model):
    """In the picture that was drawn last before going back, everything set was the same but for what the rows hold."""
    engine = playing(model, "stream", steps=3).engine
    engine.apply([(1, Sampling(seed=3, steps=3)), (2, CUT), (3, drag(0.3, stiffness=1.0))])
    first = 9  # pictures of the chunk that comes first after a clean start
    [engine.step() for _ in range(first)]
    engine.apply([(4, drag(0.8, stiffness=1.0))])
    before = engine.snapshot()  # what is in flight was pinned under the stroke before
    wanted = [engine.step().hash for _ in range(40)]
    engine.restore(before)
    engine.step()  # the tick that pins them
    engine.restore(before)
    assert [engine.step().hash for _ in range(40)] == wanted


@pytest.mark.parametrize(("stiffness", "held"), [(1.0, [True, True, True]), (0.0, [True, False, False])])
def test_what_a_thing_left_is_held_as_long_as_the_thing(model, stiffness, held):
    """A thing of a quarter of the width is taken at the left and let go at the right: both places count, no other."""
    pinning = Pins(model, 0)
    pinning.watch(9, np.full((*SIZE, 3), 60, np.uint8))
    hand = drag(0.85, size=0.25, grab=(8, 0.15, 0.5), stiffness=stiffness)
    x = drawn(3, *model.latent)
    rows = [Row(9, (1.0, 0.9, 0.6), x, torch.zeros_like(x), Sampling())]
    (pinned,) = pinning.pin(rows, ControlState.of(CUT, hand), is_cold=False)
    last = pinned.pin.masks[:, -1, 0].amax(1)  # of the chunk's last latent, by columns
    assert [bool(row[0] > 0.2) for row in last] == held, "the old place"
    assert [bool(row[-1] > 0.2) for row in last] == held, "where it is now"
    assert not last[:, 2].any(), "nothing in between"
