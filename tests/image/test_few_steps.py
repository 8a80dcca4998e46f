"""A checkpoint that was not distilled says so in a few steps, on the page and in the log; one that was says nothing."""

import json
import logging
import shutil
from types import SimpleNamespace

import pytest
from tiny.sd_folders import tiny_lora, tiny_sd
from ui_stand_ins import StandInModel, StandInSession

from studio.controls import ControlState, Sampling
from studio.models.loader import load
from studio.models.playable import FEW_STEPS, advise
from studio.ui.dial import Dial
from studio.ui.library import Library
from studio.ui.protocol import Notice
from studio.ui.updates import SessionUpdates
from studio.ui.window import Window

SIZE = (64, 64)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with the scheduler that base models have."""
    return plain(tiny_sd(tmp_path_factory.mktemp("base") / "sd"))


def plain(folder, **values):
    file = folder / "scheduler" / "scheduler_config.json"
    told = {"_class_name": "PNDMScheduler", "timestep_spacing": "leading", "skip_prk_steps": True} | values
    file.write_text(json.dumps(json.loads(file.read_text()) | told))
    return folder


def opened(place, **options):
    return load(place, size=SIZE, device="cpu", **options)


def test_a_base_model_says_that_a_few_steps_are_too_few(base):
    model = opened(base)
    told = advise(model, Sampling(steps=1))
    assert told.startswith("1 step may be too few: nothing in this checkpoint's files")
    assert "--lcm-lora FILE" in told
    assert advise(model, Sampling(steps=FEW_STEPS))
    assert advise(model, Sampling(steps=8, t_index_list=(32, 45)))
    assert not advise(model, Sampling(steps=FEW_STEPS + 1))


SIGNS = {
    "turbo's scheduler": lambda folder, root: ({"timestep_spacing": "trailing"}, {}),
    "LCM's scheduler": lambda folder, root: ({"_class_name": "LCMScheduler"}, {}),
    "TCD's scheduler": lambda folder, root: ({"_class_name": "TCDScheduler"}, {}),
    "an LCM-LoRA": lambda folder, root: ({}, {"lcm_lora": tiny_lora(root, folder)}),
    "a LoRA's name": lambda folder, root: ({}, {"loras": {"lightning": tiny_lora(root, folder)}}),
}


@pytest.mark.parametrize("sign", SIGNS)
def test_a_distilled_one_says_nothing(base, tmp_path, sign):
    folder = shutil.copytree(base, tmp_path / "sd")
    config, options = SIGNS[sign](folder, tmp_path)
    assert not advise(opened(plain(folder, **config), **options), Sampling(steps=1))


@pytest.mark.parametrize("name", ["dreamshaper-lcm", "sd-turbo", "models--a--Hyper-SD/snapshots/0"])
def test_a_name_that_says_it_is_believed(base, tmp_path, name):
    folder = shutil.copytree(base, tmp_path / name)
    assert not advise(opened(folder), Sampling(steps=1))


def test_an_embedding_of_the_guidance_scale_is_lcms(tmp_path):
    assert not advise(opened(plain(tiny_sd(tmp_path / "sd", guidance_width=8))), Sampling(steps=1))


def test_trailing_steps_that_predict_v_are_no_sign(tmp_path):
    folder = tiny_sd(tmp_path / "sd", prediction="v_prediction", zero_snr=True)
    assert advise(opened(folder), Sampling(steps=1))


def test_the_page_is_told_once_for_each_number_of_steps_and_of_each_model():
    session = StandInSession()
    session.model = StandInModel((64, 64), undistilled="it blurs")
    steps = 2
    models = SimpleNamespace(progress=None, told=None, name="x", has_choice=False)
    recorder = SimpleNamespace(recording=False, takes=[])

    class Seat(SimpleNamespace):
        @property
        def state(self):
            return ControlState().after(Sampling(steps=steps), 0)

    updates = SessionUpdates(
        Seat(session=session, models=models, recorder=recorder, dial=Dial(lambda: 0.0)), "t", [], lambda: 0.0
    )

    def told():
        return [one.message for one in updates.collect(Window()) if isinstance(one, Notice)]

    assert told() == ["2 steps may be too few: it blurs."]
    assert told() == []
    steps = 1
    assert told() == ["1 step may be too few: it blurs."]
    steps = 8
    assert told() == []
    steps = 1
    assert told() == ["1 step may be too few: it blurs."]
    session.model = StandInModel((64, 64), undistilled="it blurs")
    assert told() == ["1 step may be too few: it blurs."]
    session.model = StandInModel((64, 64))
    assert told() == []


def test_the_log_is_told_when_it_is_opened(base, caplog):
    with caplog.at_level(logging.WARNING):
        Library(str(base), options={"size": SIZE, "device": "cpu"}).open()
    assert "sd: 2 steps may be too few: nothing in this checkpoint's files says that it was distilled" in caplog.text
