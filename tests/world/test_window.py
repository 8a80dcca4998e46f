"""The camera's window: nothing at zoom 1, and otherwise a part of the picture, never what is beyond it."""

import pytest
import torch

from studio.world.window import seen, window


def of(*values):
    return torch.tensor(values)


def noisy(count=2, size=32):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_at_zoom_one_the_picture_is_itself_bit_for_bit_wherever_the_centre_is():
    pictures = noisy()
    assert torch.equal(window(pictures, of(1.0, 1.0), of(0.0, 0.7), of(0.5, 1.0)), pictures)


def test_each_picture_has_a_window_of_its_own():
    pictures = noisy()
    both = window(pictures, of(1.0, 2.0), of(0.5, 0.3), of(0.5, 0.6))
    assert torch.equal(both[0], pictures[0])
    torch.testing.assert_close(both[1:], window(pictures[1:], of(2.0), of(0.3), of(0.6)))


@pytest.mark.parametrize(
    ("x", "y", "left", "top"), [(0.5, 0.5, 8, 8), (0.0, 0.0, 0, 0), (1.0, 0.0, 16, 0), (0.4, 9.0, 4.8, 16)]
)
def test_twice_enlarged_it_is_the_half_around_its_centre_moved_in_at_the_borders(x, y, left, top):
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    ramps = torch.stack([columns, rows, columns + rows])[None]
    made = window(ramps, of(2.0), of(x), of(y))
    # pixel k of the window is at (k + 0.5) / 2 from its edge; a pixel's value is its number, at its middle
    expected = torch.arange(32.0) / 2 - 0.25
    torch.testing.assert_close(made[0, 0, 16], (left + expected).clamp(0, 31), atol=1e-4, rtol=0)
    torch.testing.assert_close(made[0, 1, :, 16], (top + expected).clamp(0, 31), atol=1e-4, rtol=0)


def test_a_place_is_where_the_window_shows_it():
    picture = torch.zeros(1, 3, 64, 64)
    picture[..., 20, 40] = 1
    camera = of(1.6), of(0.7), of(0.2)
    made = window(picture, *camera)[0, 0]
    row, column = divmod(int(made.argmax()), 64)
    x, y = seen(*camera, of(40.5 / 64), of(20.5 / 64))
    assert (column + 0.5) / 64 == pytest.approx(float(x), abs=0.6 / 64)
    assert (row + 0.5) / 64 == pytest.approx(float(y), abs=0.6 / 64)


def test_a_zoom_below_one_is_refused():
    with pytest.raises(ValueError, match=r"1 or more, not 0\.5"):
        window(noisy(), of(1.0, 0.5), of(0.5, 0.5), of(0.5, 0.5))
