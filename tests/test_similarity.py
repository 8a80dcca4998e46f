import numpy as np
import pytest
import torch

from studio.similarity import (
    SimilarityFilter,
    SimilarityState,
    box_within,
    changed_box,
    grow_box,
    mean_colours,
    thumbnail,
)


def flat(level):
    return np.full((64, 48, 3), level, np.uint8)


@pytest.mark.parametrize("level", [0, 1, 117, 128, 254, 255])
def test_identical_pictures_of_any_brightness_are_skipped(level):
    filter = SimilarityFilter(most=100)
    assert filter.is_new(flat(level))
    assert not any(filter.is_new(flat(level)) for _ in range(50))


def test_skips_in_a_row_are_bounded_and_counted_anew_after_each_drawn_picture():
    filter = SimilarityFilter(most=3)
    assert [filter.is_new(flat(9)) for _ in range(9)] == [True, False, False, False, True, False, False, False, True]
    assert [SimilarityFilter(most=0).is_new(flat(9)) for _ in range(3)] == [True, True, True]


def test_a_change_of_brightness_is_a_change():
    filter = SimilarityFilter(threshold=0.02)
    for level in (200, 210, 220, 255, 0):
        assert filter.is_new(flat(level))


def test_the_chance_to_skip_falls_evenly_with_the_difference():
    drawn = {}
    for step in (1, 2, 4):  # of 255; the threshold is 5 of 255
        filter = SimilarityFilter(threshold=5 / 255, most=10**6, seed=4)
        count = 0
        for turn in range(600):
            filter.restore(SimilarityState(thumbnail(flat(100)), frames=turn))
            count += filter.is_new(flat(100 + step))
        drawn[step] = count / 600
    assert drawn == pytest.approx({1: 0.2, 2: 0.4, 4: 0.8}, abs=0.06)


def test_after_a_cut_the_steps_in_flight_are_let_out_before_anything_is_skipped():
    filter = SimilarityFilter(most=50, drain=3)
    new = [filter.is_new(flat(0)) for _ in range(8)]
    assert new == [True] * 4 + [False] * 4
    assert [filter.is_new(flat(255)) for _ in range(8)] == new


def test_the_filter_is_seeded_and_goes_back_to_a_snapshot():
    rng = np.random.default_rng(0)
    pictures = [flat(100) + rng.integers(0, 12, (64, 48, 3), np.uint8) for _ in range(60)]
    one, two, three = (SimilarityFilter(0.03, seed=seed) for seed in (5, 5, 6))
    first = [one.is_new(p) for p in pictures]
    assert first == [two.is_new(p) for p in pictures]
    assert first != [three.is_new(p) for p in pictures]
    assert {True, False} == set(first)
    two.restore(SimilarityFilter().snapshot())
    assert [two.is_new(p) for p in pictures[:30]] == first[:30]
    held = two.snapshot()
    rest = [two.is_new(p) for p in pictures[30:]]
    two.restore(held)
    assert [two.is_new(p) for p in pictures[30:]] == rest == first[30:]


def test_uint8_and_float_pictures_are_one_and_content_never_tells_the_range():
    picture = np.random.default_rng(1).integers(128, 256, (40, 56, 3), np.uint8)
    torch.testing.assert_close(thumbnail(picture), thumbnail(torch.from_numpy(picture).permute(2, 0, 1) / 255))
    assert thumbnail(picture).mean() > 0.5
    assert thumbnail(torch.rand(3, 8, 8).half()).dtype == torch.float32


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"0\.\.1"):
        SimilarityFilter(threshold=2)
    with pytest.raises(ValueError, match="shape"):
        thumbnail(np.zeros((4, 4), np.uint8))


def test_another_thing_told_is_a_change_and_no_picture_is_like_no_picture():
    filter = SimilarityFilter(most=100, drain=1)
    assert [filter.is_new(flat(9), "a meadow") for _ in range(4)] == [True, True, False, False]
    assert [filter.is_new(flat(9), "a city") for _ in range(4)] == [True, True, False, False]
    assert [filter.is_new(None, "a city") for _ in range(4)] == [True, True, False, False]
    assert [filter.is_new(flat(0), "a city") for _ in range(3)] == [True, True, False]


def test_the_box_of_a_change_is_whole_tiles():
    drawn = torch.zeros(3, 40, 64)
    assert changed_box(drawn, drawn, 0.0) is None
    for y, x, box in (
        (20, 33, (slice(16, 24), slice(32, 40))),
        (0, 63, (slice(0, 8), slice(56, 64))),
        (39, 0, (slice(32, 40), slice(0, 8))),
    ):
        now = drawn.clone()
        now[:, y, x] = 0.1
        assert changed_box(drawn, now, 0.1 - 1e-6) == box
        assert changed_box(drawn, now, 0.1 + 1e-6) is None
    now[:, 10, 40] = 0.1
    assert changed_box(drawn, now, 0.05) == (slice(8, 40), slice(0, 48))


def test_around_a_box_is_a_tile_more_as_far_as_there_is_one():
    assert grow_box((slice(16, 24), slice(0, 8)), (40, 64)) == (slice(8, 32), slice(0, 16))
    assert grow_box((slice(8, 40), slice(56, 64)), (40, 64)) == (slice(0, 40), slice(48, 64))
    whole = torch.arange(40 * 64).reshape(40, 64)
    part = (slice(16, 24), slice(56, 64))
    box = grow_box(part, (40, 64))
    assert torch.equal(whole[box][box_within(box, part)], whole[part])


def test_the_last_tile_may_be_smaller():
    drawn, now = torch.zeros(3, 12, 20), torch.zeros(3, 12, 20)
    now[1, 11, 19] = 1
    assert changed_box(drawn, now, 0.02) == (slice(8, 12), slice(16, 20))
    assert grow_box((slice(8, 12), slice(16, 20)), (12, 20)) == (slice(0, 12), slice(8, 20))


def test_cells_are_mean_colours():
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:8, :8] = (255, 0, 51)
    grid = mean_colours(picture, (4, 6))
    assert grid.shape == (3, 4, 6)
    assert grid[:, 0, 0].tolist() == pytest.approx([1, 0, 0.2])
    assert float(grid[:, 1:].max()) == 0


def test_a_slow_change_is_measured_from_the_last_drawn_picture():
    filter, drawn = SimilarityFilter(threshold=0.05, most=10**6), []
    for step in range(300):
        if filter.is_new(torch.full((3, 32, 32), 0.1 + 0.0005 * step)):
            drawn.append(step)
        assert 0.0005 * (step - drawn[-1]) < 0.05
    assert len(drawn) > 12
