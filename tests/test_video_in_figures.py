"""The figures of video in: structure kept, and by how many pictures a redrawn film is late."""

import numpy as np
import pytest

from studio.cli import main
from studio.evaluation.video_in import drawn_films, edges, kept, late, passed, png
from studio.pictures import decoded
from studio.training.video_clips import World, all_settings


def squares(length, side=32):
    film = []
    for n in range(length):
        picture = np.full((side, side, 3), 40, np.uint8)
        picture[10:20, n % 22 : n % 22 + 10] = 220
        film.append(picture)
    return film


def test_a_film_that_comes_late_is_found_so_late():
    source = squares(40)
    shown = [source[max(0, n - 9)] for n in range(40)]
    lag, alike = late(shown, source, 16, 14)
    assert lag == 9
    assert alike == pytest.approx(1)
    noise = [np.random.default_rng(n).integers(0, 255, (32, 32, 3), dtype=np.uint8) for n in range(40)]
    assert late(noise, source, 16, 14)[1] < 0.2


def test_edges_are_alike_whatever_the_colours_and_none_are_alike_with_nothing():
    one = squares(1)[0]
    everywhere = np.ones((30, 30), bool)
    assert edges(one).shape == (30, 30)
    assert kept(255 - one, one, everywhere) == pytest.approx(1)
    assert kept(np.zeros_like(one), one, everywhere) == 0
    assert passed(squares(22)).any()
    assert not passed([one] * 5).any()


def test_the_films_are_of_the_drawn_world_and_arrive_as_they_are():
    world = World.paint(all_settings()[:1])
    (film,) = drawn_films(world, 1, 5, (64, 96), 3)
    assert len(film.pictures) == 5
    assert film.pictures[0].shape == (64, 96, 3)
    assert film.text
    assert np.array_equal(decoded(png(film.pictures[0]), (64, 96)), film.pictures[0])


def test_a_model_that_redraws_none_says_so(capsys):
    assert main(["evaluate", "--video-in", "--quick"]) != 0
    assert "pocket redraws no videos; give a Wan student" in capsys.readouterr().err
