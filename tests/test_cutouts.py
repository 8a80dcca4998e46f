"""Cut-outs: what is one, that they belong to a stroke, and what is said of what is none."""

import base64

import pytest
from cutout_files import png

from studio.controls import (
    ControlError,
    ControlState,
    CutOut,
    Erase,
    Stroke,
    cutout,
    cutouts,
    from_message,
    opening_events,
)


def stroke(id="a"):
    return Stroke(id, "thing", ((0, 0.5, 0.5),))


def test_a_cutout_goes_through_a_message_byte_for_byte():
    cut = CutOut("a", png())
    assert from_message(cut.to_message()) == cut
    assert cut.pixels.shape == (8, 12, 4)
    assert not cut.pixels.flags.writeable
    assert CutOut("a", base64.b64encode(png(kind="WebP")).decode()).pixels[0, 0, 3] == 0


@pytest.mark.parametrize("erased", ["a", "*"])
def test_erasing_a_stroke_takes_its_cutout_away_and_no_other(erased):
    state = ControlState.of(CutOut("a", png()), CutOut("b", png()), stroke("a"), stroke("b"))
    left = state.updated(Erase(erased))
    assert list(cutouts(left)) == ([] if erased == "*" else ["b"])
    assert len(cutouts(state)) == 2


def test_a_cutout_is_in_the_opening_of_a_take():
    state = ControlState.of(CutOut("a", png()), stroke())
    again = ControlState()
    for frame, control in opening_events(state, 7):
        again = again.after(control, frame)
    assert (cutouts(again), again.all(Stroke)) == (cutouts(state), state.all(Stroke))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png(alpha=0), "all of this cut-out is transparent"),
        (png(alpha=255), "no transparent background: it is a whole picture"),
        (b"GIF89a", "no PNG or WebP; send a PNG whose background is transparent"),
        (png()[:60], "cannot be decoded"),
        (png(1025, 4), "1025x4, at most 1024 pixels a side"),
        ("no base64!", "not base64"),
        (7, "cut-out data is 7"),
        (png() + b"\0" * cutout.LARGEST_CUTOUT, "at most 262,144 are possible"),
    ],
)
def test_what_is_no_cutout_is_told_with_what_to_do(data, said):
    with pytest.raises(ControlError, match=said):
        CutOut("a", data)


def test_there_is_room_for_so_many_and_one_may_be_replaced():
    state = ControlState.of(*(CutOut(str(n), png()) for n in range(cutout.MOST_CUTOUTS)))
    cutout.check_room(state, CutOut("3", png()).slot)
    with pytest.raises(ControlError, match="erase the stroke of one first"):
        cutout.check_room(state, CutOut("more", png()).slot)


def test_a_stroke_of_before_has_the_middle_stiffness_and_one_out_of_range_is_told():
    old = {"kind": "stroke", "id": "a", "label": "fox", "points": [[0, 0.5, 0.5]]}
    assert from_message(old).stiffness == 0.5
    with pytest.raises(ControlError, match="stiffness"):
        from_message(old | {"stiffness": 1.2})
