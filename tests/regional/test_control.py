"""The control: what can be a region, how many, how it is taken away; and which models refuse it."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from tiny.model import TinyModel

from regional.masks import LEFT, RIGHT, mask
from studio.controls import ControlError, ControlState, Region, from_message, regions, to_message
from studio.controls.region import MOST_REGIONS, share_of
from studio.session import Session


def test_a_region_survives_the_way_through_json():
    assert from_message(json.loads(json.dumps(to_message(RIGHT)))) == RIGHT


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Region("a", "fox", b""), "mask is b''; send the bytes of a grey PNG"),
        (lambda: Region("a", "fox", mask(level=0)), "black everywhere, so nobody can see it; paint where"),
        (lambda: Region("a", "fox", mask(0, 0.03, level=1)), "smaller than anything the model can tell apart"),
        (lambda: Region("a", "fox", b"%PDF" + bytes(9)), "mask begins with b'%PDF"),
        (lambda: Region("a", "fox", mask()[:70]), "cannot be decoded"),
        (lambda: Region("a", "fox", mask() + bytes(2**18)), "at most 262,144 are possible; send it smaller"),
        (lambda: Region("a", "fox", mask(side=2049)), "mask is 2049x2049; possible: 8 to 2048"),
        (lambda: Region("a", "fox", "not base64!"), "not base64"),
        (lambda: Region("a", "x" * 401, mask()), "401 characters, 0 to 400 are possible; shorten"),
        (lambda: Region("a", "fox", mask(), 1.5), "strength is 1.5; send a number from 0 to 1"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(make, said):
    with pytest.raises(ControlError, match=said):
        make()


def test_a_mask_may_be_of_any_size_and_what_is_transparent_is_outside():
    pixels = np.zeros((20, 90, 4), np.uint8)
    pixels[:, :45] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    assert share_of(file.getvalue()) == pytest.approx(0.5)
    assert Region("a", "fox", file.getvalue()).mask == file.getvalue()


def test_empty_words_take_a_region_away():
    state = ControlState.of(LEFT, RIGHT)
    assert [*regions(state)] == ["left", "right"]
    assert [*regions(state.updated(Region("left", "")))] == ["right"]


def test_forty_regions_are_refused_and_the_stream_goes_on(monkeypatch):
    from dataclasses import replace

    model = TinyModel()
    model.capabilities = replace(model.capabilities, hears_regions=True)
    session = Session(model)
    for number in range(MOST_REGIONS):
        session.send(Region(str(number), "fox", mask()))
    for number in range(MOST_REGIONS, 40):
        with pytest.raises(ControlError, match="8 regions in the picture, as many as are possible"):
            session.send(Region(str(number), "fox", mask()))
    session.send(Region("3", "cow", mask()))  # one that is there may change
    assert session.step() is not None
    assert len(regions(session.engine.state)) == MOST_REGIONS


def test_a_model_that_hears_one_text_says_so():
    with pytest.raises(ControlError, match="hears one text for the whole picture; say it in the prompt"):
        Session(TinyModel()).send(LEFT)
