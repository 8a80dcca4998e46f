import pytest
import torch
from drawn import untrained_net, vector
from einops import rearrange

from studio.models.pocket.appearance import FOLD, MAP, PLANE, TRACK_CHANNELS, AppearanceMemory, draw_track, fold
from studio.training.recipe import memory_keys

TRUE_SIZE = PLANE / MAP  # at which a texel of the plane is a texel of the map


def row(*values):
    return tuple(torch.tensor([float(value)]) for value in values)


def plane(seed=0, alpha=1.0):
    """A random opaque plane (1, 4, 48, 48)."""
    drawn = torch.rand(1, 4, PLANE, PLANE, generator=torch.Generator().manual_seed(seed))
    drawn[:, 3] = alpha
    return drawn


def empty():
    return torch.zeros(1, 4, MAP, MAP)


@pytest.mark.parametrize(("left", "top"), [(40, 40), (45, 40), (40, 61), (0, 80)])
def test_a_plane_stands_exactly_where_it_was_put(left, top):
    given, half = plane(), PLANE / 2
    track = draw_track(empty(), given, *row((left + half) / MAP, (top + half) / MAP, TRUE_SIZE, 1))
    torch.testing.assert_close(track[..., top : top + PLANE, left : left + PLANE], given, atol=1e-4, rtol=0)
    track[..., top : top + PLANE, left : left + PLANE] = 0
    assert track.abs().max() < 1e-4


def test_a_plane_between_two_texels_is_their_mean():
    given = plane()
    track = draw_track(empty(), given, *row((64.5) / MAP, 0.5, TRUE_SIZE, 1))
    expected = (given[..., 1:] + given[..., :-1]) / 2
    torch.testing.assert_close(track[..., 40:88, 41:88], expected, atol=1e-4, rtol=0)


def test_facing_the_other_way_mirrors_left_and_right():
    given = plane()
    track = draw_track(empty(), given, *row(0.5, 0.5, TRUE_SIZE, -1))
    torch.testing.assert_close(track[..., 40:88, 40:88], given.flip(-1), atol=1e-4, rtol=0)


def test_size_is_the_width_the_plane_takes():
    track = draw_track(empty(), torch.ones(1, 4, PLANE, PLANE), *row(0.5, 0.5, 0.25, 1))
    across = track[0, 3].amax(0)
    assert int((across > 0.5).sum()) == MAP // 4


def test_who_comes_later_covers_who_was_there():
    first, second = plane(1), plane(2)
    at = row(0.5, 0.5, TRUE_SIZE, 1)
    track = draw_track(draw_track(empty(), first, *at), second, *at)
    torch.testing.assert_close(track[..., 40:88, 40:88], second, atol=1e-4, rtol=0)


def test_what_is_half_transparent_shows_half_of_what_is_behind():
    first, second = plane(1), plane(2, alpha=0.5)
    at = row(0.5, 0.5, TRUE_SIZE, 1)
    track = draw_track(draw_track(empty(), first, *at), second, *at)
    torch.testing.assert_close(track[..., 40:88, 40:88], second + 0.5 * first, atol=1e-4, rtol=0)


def test_size_zero_draws_nothing():
    assert draw_track(empty(), plane(), *row(0.5, 0.5, 0, 1)).count_nonzero() == 0


def test_folding_loses_nothing_and_keeps_every_texel_in_its_cell():
    track = torch.randn(2, 4, MAP, MAP)
    cells = fold(track)
    assert cells.shape == (2, TRACK_CHANNELS, MAP // FOLD, MAP // FOLD)
    back = rearrange(cells, "n (c a b) h w -> n c (h a) (w b)", a=FOLD, b=FOLD)
    assert torch.equal(back, track)
    one = empty()
    one[0, 2, 19, 101] = 1
    assert fold(one)[0, :, 19 // FOLD, 101 // FOLD].sum() == 1


def test_a_known_word_reads_its_own_plane():
    generator = torch.Generator().manual_seed(0)
    memory = AppearanceMemory(subjects=3, keys=5, dimensions=64)
    memory.keys.copy_(torch.nn.functional.normalize(torch.randn(5, 64, generator=generator), dim=-1))
    memory.owner.copy_(torch.tensor([0, 0, 1, 2, 2]))
    memory.planes.data.copy_(torch.rand(memory.planes.shape, generator=generator))
    torch.testing.assert_close(memory.read(memory.keys), memory.planes[memory.owner], atol=1e-3, rtol=0)


def test_shares_of_a_word_add_up_to_one():
    shares = untrained_net().memory.weights(torch.stack([vector("a purple umbrella"), vector("fox")]))
    torch.testing.assert_close(shares.sum(1), torch.ones(2))


def test_the_pocket_memory_knows_every_word_of_every_subject():
    words, owner = memory_keys()
    memory = untrained_net().memory
    with torch.no_grad():
        found = memory.weights(memory.keys).argmax(1)
    wrong = {words[n] for n in (found != owner).nonzero().flatten().tolist()}
    assert not wrong


def test_a_word_near_two_subjects_is_a_mixture_of_their_planes():
    memory = AppearanceMemory(subjects=2, keys=2, dimensions=2)
    memory.keys.copy_(torch.eye(2))
    memory.owner.copy_(torch.tensor([0, 1]))
    memory.planes.data[1] = 1
    between = torch.nn.functional.normalize(torch.ones(1, 2), dim=-1)
    torch.testing.assert_close(memory.read(between), torch.full((1, 4, PLANE, PLANE), 0.5))
