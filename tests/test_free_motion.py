"""Free motion: whom a prompt names stands in the scene and moves by itself, a pure function of seed, frame, subject."""

import math
from itertools import pairwise

import pytest
import torch
from cutout_files import png
from session.playing import play, replayed
from tiny.model import TinyModel

from studio.conditioning import FrameInputs, condition_frames, frame_inputs, heard_most
from studio.controls import ControlError, ControlState, FreeMotion, Prompt, Sampling, Stroke, Subject
from studio.models.playable import check, playable_kinds
from studio.models.pocket.appearance import FOLD, TRACK_CHANNELS
from studio.models.pocket.free_motion import GROUND, HIGH, HOP, ROUND, STEP, all_placed, hop, moved
from studio.models.pocket.guide import draw_guide, sprite_levels
from studio.models.pocket.model import Pocket
from studio.models.pocket.poses import pose_of
from studio.session import Session
from studio.world.named_subjects import Named
from studio.world.poses import POSES, is_first, pose_picture, said_pose, second_codes
from studio.world.subject_pictures import PICTURES, subject_picture

ON = FreeMotion(True)
PATH = Stroke("a", "dog", ((0, 0.2, 0.6), (48, 0.8, 0.6), (96, 0.8, 0.6)), "path", 0.4, False)


@pytest.fixture(scope="module")
def model():
    return Pocket(size=(256, 256))


def reads(label):
    """A label is read as its last word."""
    return label.split()[-1], True


def placed(state, frames=(0,), own=lambda label, owned: None):
    """Who stands in each frame, with a stand-in for the memory."""
    return all_placed(frame_inputs(state, frames), reads, own)


def alone(label, frame, seed=0):
    return moved(Named(label), 0, 1, seed, frame)


# Motion


@pytest.mark.parametrize("label", ["fox", "snail", "bee", "shark", "house"])
def test_a_subject_stays_in_the_lower_middle_of_the_picture(label):
    for frame in range(0, 400, 7):
        one, _ = alone(label, frame)
        assert 0.35 < one.x < 0.65
        assert 0.25 < one.y < 0.85
        assert one == alone(label, frame)[0]  # nothing remembers


def test_what_does_not_live_stands_still_and_what_creeps_does_not_hop():
    assert len({alone("house", frame)[0] for frame in range(0, 400, 3)}) == 1
    assert not any(alone("house", frame)[1] for frame in range(0, 400, 3))
    snail = [alone("snail", frame)[0] for frame in range(ROUND)]
    assert len({one.y for one in snail}) == 1
    assert len({one.x for one in snail}) > 50


def test_a_hop_is_a_parabola_from_the_ground_and_back_once_a_round():
    heights = [hop(time) for time in range(ROUND)]
    in_air = [height for height in heights if height]
    assert len(in_air) == HOP - 1
    assert max(in_air) == pytest.approx(1, abs=0.03)
    bends = {round(in_air[n] - 2 * in_air[n + 1] + in_air[n + 2], 9) for n in range(len(in_air) - 2)}
    assert bends == {round(-8 / HOP**2, 9)}
    fox = [alone("fox", frame)[0] for frame in range(ROUND)]
    assert max(one.y + one.size / 2 for one in fox) == pytest.approx(GROUND)
    assert min(one.y + one.size / 2 for one in fox) == pytest.approx(GROUND - HIGH, abs=0.003)


def test_a_subject_looks_to_where_it_steps():
    fox = [alone("fox", frame)[0] for frame in range(2 * ROUND)]
    steps = [(after.x - one.x, one.facing) for one, after in pairwise(fox) if abs(after.x - one.x) > 0.001]
    assert len(steps) > STEP
    assert all(step * facing > 0 for step, facing in steps)
    assert {facing for _, facing in steps} == {1.0, -1.0}


def test_what_flies_is_never_on_the_ground_and_never_still():
    bees = [alone("bee", frame)[0] for frame in range(200)]
    assert max(one.y + one.size / 2 for one in bees) < 0.6
    assert all(math.hypot(a.x - b.x, a.y - b.y) > 0 for a, b in pairwise(bees))


def test_the_seed_and_the_subject_say_when():
    ways = {tuple(alone(label, frame, seed)[0].x for frame in range(50)) for label in ("fox", "cat") for seed in (1, 2)}
    assert len(ways) == 4


def test_three_stand_beside_each_other():
    state = ControlState.of(Prompt("a fox, a bear and a rabbit in a meadow"), ON)
    for frame in range(0, 300, 11):
        ((*three,),) = placed(state, (frame,))
        assert [one.label for one in three] == ["fox", "bear", "rabbit"]
        assert all(right.x - left.x > 0.8 * left.size for left, right in pairwise(three))
        assert all(one.size / 2 < one.x < 1 - one.size / 2 for one in three)


# Whom


def test_nobody_is_there_unless_it_is_on():
    assert frame_inputs(ControlState.of(Prompt("a fox in a meadow")), [0]).free is None
    assert FrameInputs().free is None
    assert placed(ControlState.of(Prompt("a meadow"), ON)) == ((),)


def test_a_painted_subject_is_not_there_twice_and_nobody_else_moves_for_it():
    prompt = Prompt("a fox and a rabbit in a meadow")
    before = placed(ControlState.of(prompt, ON))[0]
    painted = Stroke("a", "my fox", ((0, 0.2, 0.2),))
    after = placed(ControlState.of(prompt, ON, painted))[0]
    assert [one.label for one in before] == ["fox", "rabbit"]
    assert [one.label for one in after] == ["rabbit", "my fox"]  # who is painted is in front
    assert after[0] == before[1]


def test_the_text_that_weighs_most_says_who():
    mix = Prompt("a fox", mix=(("a bear", 3.0),))
    assert heard_most(ControlState.of(mix)) == "a bear"
    state = ControlState().after(Prompt("a fox"), 0).after(Prompt("a bear", blend=3), 10)
    assert [heard_most(state.at(frame)) for frame in (9, 10, 11, 12, 20)] == [
        "a fox",
        "a fox",
        "a bear",
        "a bear",
        "a bear",
    ]


def test_a_subject_of_ones_own_is_named_by_its_words():
    mine = Subject("biscuit", png(), ("my cat",))
    state = ControlState.of(Prompt("my cat in the kitchen"), ON, mine)
    ((one,),) = placed(state, own=lambda label, owned: owned[0] if label == "biscuit" else None)
    assert (one.label, one.pose) == ("biscuit", "")


def test_a_model_that_draws_no_subject_by_its_name_refuses_it():
    tiny = TinyModel()
    with pytest.raises(ControlError, match="free motion is for the pocket model"):
        check(tiny, ON)
    check(tiny, FreeMotion(False))
    assert "free_motion" not in playable_kinds(tiny)
    with pytest.raises(ControlError, match="free motion must be true or false, got 1"):
        FreeMotion(1)  # type: ignore[arg-type]


def test_the_pocket_takes_it(model):
    check(model, ON)
    assert "free_motion" in playable_kinds(model)


# Poses


def test_a_subject_of_two_poses_shows_its_body_as_it_goes_and_its_face_once_it_stands():
    frames = range(0, 97, 4)
    seen = {
        frame: one.pose for frame, (one,) in zip(frames, placed(ControlState.of(Prompt("a meadow"), ON, PATH), frames))
    }
    assert [frame for frame, pose in seen.items() if pose == "face"] == [0, *range(60, 97, 4)]


@pytest.mark.parametrize(
    ("label", "pose"),
    [("dog face", "face"), ("walking dog", "body"), ("head of a pig", "face"), ("cow running", "body")],
)
def test_a_label_that_says_which_keeps_it(label, pose):
    subject = next(word for word in label.split() if word in POSES)
    assert said_pose(label) == pose
    assert {pose_of(label, subject, moves) for moves in (True, False)} == {pose}


def test_a_subject_with_one_picture_has_no_pose():
    assert {pose_of("fox", "fox", moves) for moves in (True, False)} == {""}
    assert is_first("fox", "face")


def test_each_second_picture_is_packed_and_another_than_the_first():
    assert len(second_codes()) == len(POSES) == 14
    for label in POSES:
        first, other = subject_picture(label), [pose for pose in ("face", "body") if not is_first(label, pose)]
        (pose,) = other
        second = pose_picture(label, pose)
        assert second.shape == first.shape == (192, 192, 4)
        assert (second != first).any()
    assert PICTURES.stat().st_size < 5_160_000


def unfolded(tracks):
    """The alpha of a track map (256, 16, 16) as it was before it was folded: (128, 128)."""
    cells = tracks[:TRACK_CHANNELS].reshape(4, FOLD, FOLD, 16, 16)
    return cells.permute(0, 3, 1, 4, 2).reshape(4, 128, 128)[3]


@pytest.mark.parametrize(("frame", "pose"), [(30, "body"), (90, "face")])
def test_the_decoder_and_the_transformer_are_told_the_same_pose(model, frame, pose):
    state = ControlState.of(Prompt("a meadow"), ON, PATH)
    told = unfolded(condition_frames(model, state, [frame]).tracks[0])
    inputs = frame_inputs(state, [frame])
    (one,) = model.placed(inputs)[0]
    assert one.pose == pose
    guide = model.guide((one,), ())
    true = draw_guide([(sprite_levels(pose_picture("dog", pose)), one)], 256)
    torch.testing.assert_close(guide, true)
    seen = torch.nn.functional.avg_pool2d(guide[:, 3:], 2)[0, 0]
    assert (told.clamp(0, 1) - seen).abs().mean() < 0.01
    without = ControlState.of(Prompt("a meadow"), PATH)  # off: the one picture it has, a face
    assert model.placed(frame_inputs(without, [frame])) == frame_inputs(without, [frame]).placements
    same = torch.equal(
        condition_frames(model, without, [frame]).tracks[0], condition_frames(model, state, [frame]).tracks[0]
    )
    assert same == (pose == "face")


def test_a_take_replays_and_a_rewind_goes_on_as_before(model):
    session = Session(model)
    shown = play(
        session, 4, [(0, Sampling(seed=5)), (0, Prompt("a rabbit in a meadow")), (0, ON), (3, FreeMotion(False))]
    )
    assert replayed(session.score, model) == shown
    session.rewind(2)
    assert play(session, 1) == shown[2:3]
