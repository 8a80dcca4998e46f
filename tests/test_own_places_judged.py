"""`studio evaluate --places`: what is judged, and what it says of a folder with nothing in it."""

import numpy as np
import pytest
from test_own_places import file, flat
from tiny.model import TinyModel

from studio.cli import main
from studio.evaluation import own_places


def test_every_picture_of_a_folder_is_judged_and_what_is_none_left_aside(tmp_path, monkeypatch):
    for name, data in {"a.png": file(seed=1), "b.png": file(seed=2), "flat.png": flat("red"), "NOTICE": b"MIT"}.items():
        (tmp_path / name).write_bytes(data)
    rows = iter(
        (
            {"psnr_db": 30.0, "psnr_codec_db": 40.0, "at night": 1.0},
            {"psnr_db": 20.0, "psnr_codec_db": 34.0, "at night": 0.5},
        )
    )
    monkeypatch.setattr(own_places, "judge", lambda *_: next(rows))
    monkeypatch.setattr(own_places, "known_turned", lambda *_: {"psnr_db": 22.0})
    figures = own_places.evaluate_places(TinyModel(), tmp_path)
    assert (figures["pictures"], figures["psnr_db"], figures["at night"]) == (2, 25.0, 0.75)
    assert (figures["at_least_28_db"], figures["at_least_28_db_codec"]) == (0.5, 1.0)
    assert list(figures["each"]) == ["a.png", "b.png"]


def test_it_is_judged_outside_the_subject_alone():
    true, made = np.full((64, 64, 3), 100, np.uint8), np.full((64, 64, 3), 110, np.uint8)
    part = own_places.outside(64, 0.5, 0.5)
    made[~part] = 255
    assert own_places.psnr(made, true, part) == pytest.approx(-10 * np.log10(100 / 255**2))
    assert not part[32, 32]
    assert part[32, 5]
    assert part[5, 32]


def test_a_folder_without_a_picture_and_a_model_without_places_are_said(tmp_path, monkeypatch, capsys):
    assert main(["evaluate", "--places", str(tmp_path / "nowhere")]) != 0
    assert "is no folder; give --places a folder of pictures" in capsys.readouterr().err
    monkeypatch.setattr("studio.cli.evaluate.open_model", lambda _: TinyModel())
    assert main(["evaluate", "--places", str(tmp_path)]) != 0
    assert "tiny has no places of one's own" in capsys.readouterr().err
    with pytest.raises(ValueError, match="holds no picture that can be a place; give a folder of photographs"):
        own_places.pictures_in(tmp_path)
