import pytest

from studio.controls import ControlState, Stroke, strokes
from studio.trajectory import place, placements


def path(*points, **changes):
    return Stroke("a", "fox", points, **{"mode": "path", **changes})


ACROSS = ((0, 0.2, 0.5), (10, 0.8, 0.7))


def at(stroke, elapsed):
    placed = place(stroke, elapsed)
    return round(placed.x, 6), round(placed.y, 6), placed.facing


def test_a_path_goes_straight_from_point_to_point():
    assert at(path(*ACROSS), 0) == (0.2, 0.5, 1)
    assert at(path(*ACROSS), 5) == (0.5, 0.6, 1)


def test_a_path_that_does_not_loop_stays_at_its_end():
    assert at(path(*ACROSS, loop=False), 10) == at(path(*ACROSS, loop=False), 999) == (0.8, 0.7, 1)


def test_a_path_that_loops_starts_over():
    assert at(path(*ACROSS), 10) == at(path(*ACROSS), 0)
    assert at(path(*ACROSS), 25) == at(path(*ACROSS), 5)


def test_a_path_waits_at_its_first_point_until_its_time():
    assert at(path((4, 0.3, 0.5), (8, 0.6, 0.5)), 2)[:2] == (0.3, 0.5)


def test_two_points_of_one_time_are_a_jump():
    jump = path((0, 0.1, 0.5), (4, 0.2, 0.5), (4, 0.8, 0.5), (8, 0.9, 0.5))
    assert at(jump, 4)[0] == 0.8
    assert at(jump, 2)[0] == 0.15


def test_a_path_of_one_point_is_a_place():
    assert at(path((0, 0.3, 0.4)), 7) == (0.3, 0.4, -1)


def test_a_path_looks_where_it_goes_from_its_first_frame_on():
    there_and_back = path((0, 0.8, 0.5), (10, 0.2, 0.5), (20, 0.8, 0.5))
    assert [at(there_and_back, t)[2] for t in (0, 5, 12, 18)] == [-1, -1, 1, 1]
    # The second lap begins as the first ended, until it turns.
    assert [at(there_and_back, t)[2] for t in (20, 25)] == [1, -1]


def test_a_path_that_only_climbs_looks_as_it_was_drawn():
    assert at(path((0, 0.5, 0.9), (10, 0.5, 0.1)), 5)[2] == -1


def test_a_drag_is_at_its_last_point_and_a_pin_at_its_first():
    points = ((0, 0.6, 0.5), (0, 0.2, 0.4))
    assert at(Stroke("a", "fox", points), 99) == (0.2, 0.4, -1)
    assert at(Stroke("a", "fox", points, mode="pin"), 99) == (0.6, 0.5, -1)


def test_placements_count_from_the_frame_each_stroke_took_effect_at():
    state = ControlState().after(path(*ACROSS), 100).after(Stroke("b", "cow", ((0, 0.1, 0.1),), size=0.5), 3)
    first, second = placements(strokes(state), 105)
    assert (first.id, first.label, round(first.x, 6), first.size) == ("a", "fox", 0.5, 0.34)
    assert (second.id, second.label, second.x, second.size) == ("b", "cow", 0.1, 0.5)


@pytest.mark.parametrize("elapsed", range(0, 60, 7))
def test_a_placement_does_not_depend_on_how_its_frame_was_reached(elapsed):
    stroke = path((0, 0.8, 0.5), (10, 0.2, 0.5), (20, 0.8, 0.5))
    alone = place(stroke, elapsed)
    for before in range(elapsed):
        place(stroke, before)
    assert place(stroke, elapsed) == alone
