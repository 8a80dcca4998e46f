"""What the pocket's decoder is told of strokes: the fast way, in boxes, is the slow one, over whole pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from studio.conditioning import FrameInputs
from studio.controls import ControlState, Prompt, Sampling, Stroke
from studio.controls.subject import subject_of
from studio.engine import Engine
from studio.evaluation import takes
from studio.evaluation.evaluate import as_tensor
from studio.models.pocket import guide
from studio.models.pocket.model import Pocket
from studio.trajectory import Placement
from studio.world import compositing
from studio.world.backgrounds import Scene
from studio.world.subject_pictures import subject_picture

PLACED = (
    Placement("a", "fox", 0.3, 0.4, 0.3, 1.0),
    Placement("b", "owl", 0.42, 0.45, 0.45, -1.0),  # over the fox
    Placement("c", "castle", 1.02, 0.9, 0.2, 1.0),  # half out of the picture
    Placement("d", "bus", 0.02, -0.3, 0.4, 1.0),  # out of it
    Placement("e", "cat", 0.7, 0.7, 0.1, -1.0),
)


@pytest.fixture(scope="module")
def model():
    return Pocket(size=(256, 256))


def slowly(placed, side, pack=None):
    """Each subject drawn over a whole picture, as the drawn world does."""
    drawn, pack = torch.zeros(1, 4, side, side), pack or compositing.every_sprite()
    for one in placed:
        number = torch.tensor([pack.index(one.label)])
        where = (torch.tensor([value]) for value in (one.x, one.y, one.size, -one.facing))
        _, alone = compositing.stand(torch.zeros(1, 3, side, side), number, *where, torch.ones(1, 3), pack)
        drawn = compositing.over(drawn, alone)
    return drawn


@pytest.mark.parametrize("side", [256, 512])
def test_what_is_drawn_in_boxes_is_what_is_drawn_over_whole_pictures(side):
    painted = [(guide.sprite_levels(subject_picture(one.label)), one) for one in PLACED]
    torch.testing.assert_close(guide.draw_guide(painted, side), slowly(PLACED, side), atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [0.101, 0.29, 0.8])
def test_nothing_is_cut_off_of_a_picture_that_fills_its_square(size):
    pixels, one = np.full((192, 192, 4), 255, np.uint8), Placement("a", "block", 0.437, 0.52, size, 1.0)
    pack = compositing.sprites_of(["block"], [pixels])
    drawn = guide.draw_guide([(guide.sprite_levels(pixels), one)], 256)
    torch.testing.assert_close(drawn, slowly((one,), 256, pack), atol=1e-3, rtol=0)


def test_a_subject_is_drawn_from_the_smallest_level_that_is_as_wide():
    widths = torch.tensor([20.0, 48.0, 49.0, 96.0, 97.0, 400.0])
    assert [guide.SIDES[number] for number in guide.level_for(widths)] == [48, 48, 96, 96, 192, 192]


def test_a_decoder_draws_each_frame_s_own_strokes(model):
    inputs = FrameInputs(placements=((PLACED[0],), (PLACED[4],), ()))
    first, second, bare = model.new_decoder().decode(torch.zeros(3, *model.latent), inputs)
    alone = [slowly(inputs.placements[number], 256)[0, 3].numpy() > 0.99 for number in (0, 1)]
    for picture, other, where in ((first, second, alone[0]), (second, first, alone[1])):
        assert np.abs(picture.astype(int) - bare)[where].mean() > 20
        assert np.abs(other.astype(int) - bare)[where].mean() < 5


def test_what_is_painted_is_in_the_picture_as_the_drawn_world_has_it(model):
    scene = Scene("meadow", 3, "day", "clear")
    stroke = Stroke("s", "fox", ((0.0, 0.2, 0.6), (20.0, 0.8, 0.6)), mode="path", size=0.3)
    engine = Engine(model)
    engine.apply([(1, Prompt("a flowery meadow on a sunny day")), (2, Sampling(seed=7)), (3, stroke)])
    frames = [engine.step() for _ in range(7)]
    true, alpha = takes.hand_truth(ControlState().after(stroke, 0), scene, frames[-1].index)
    made = as_tensor(frames[-1].picture)
    assert takes.subject_psnr(made, true, alpha) > 30
    assert takes.subject_edges(made, true, alpha)["edge_energy"] > 0.7
    late, _ = takes.hand_truth(ControlState().after(stroke, 0), scene, frames[-1].index - 1)
    assert takes.subject_psnr(made, late, alpha) < 25, "the strokes of this frame, and not of the one before"


@pytest.mark.parametrize(("faces", "is_mirrored"), [("left", True), ("ahead", False)])
def test_a_subject_of_one_s_own_is_told_as_it_is_and_mirrored_where_it_turns(model, faces, is_mirrored):
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 3], pixels[:, :32, 0], pixels[:, 32:, 2] = 255, 255, 255  # red to the left, blue to the right
    own = replace(subject_of(pixels, "zorbo"), faces=faces)
    right = Placement("a", "zorbo", 0.5, 0.5, 0.5, 1.0)
    seen = model.guide((right,), (own.own,))[0]
    left = seen[:, 128, 128 - 30].tolist()
    assert left == pytest.approx([0, 0, 1, 1] if is_mirrored else [1, 0, 0, 1], abs=0.01)
    inputs = FrameInputs(placements=((right,),), subjects=(own.own,))
    red, green, blue = model.new_decoder().decode(torch.zeros(1, *model.latent), inputs)[0][128, 128 - 30].tolist()
    assert (blue if is_mirrored else red) > 150 > 60 > max(green, red if is_mirrored else blue)
