"""The vectors that tie the page's stroke geometry to the model's: tests/page/geometry.test.js reads the same file."""

import math

from stroke_vectors import PATH, drawn_lines, lines, text

from studio.controls import Stroke
from studio.controls.course import interpolate
from studio.trajectory import place


def test_the_file_says_what_the_trajectory_says():
    assert PATH.read_text("utf-8") == text(), "run `python tests/stroke_vectors.py` and look at the difference"


def test_a_thinned_line_is_the_hands_line_to_the_tolerance_at_every_time():
    for line in lines():
        points, kept, tolerance = line["points"], line["kept"], line["tolerance"]
        assert len(kept) < len(points)
        for t, x, y in points:
            _, kept_x, kept_y = interpolate(kept, t)
            assert math.hypot(kept_x - x, kept_y - y) <= tolerance + 1e-12


def test_a_thinned_path_ends_where_the_hand_ended():
    for points, line in zip(drawn_lines(), lines()[::2]):
        end = place(Stroke("a", "fox", line["kept"], mode="path", loop=False), 1e6)
        assert (end.x, end.y) == points[-1][1:]
