"""Numbers that are not finite: refused where weights are read, of every kind, and told where a model makes them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import wan_folders
from tiny.model import TinyModel
from tiny.sd_folders import tiny_controlnet, tiny_sd, tiny_taesd

from studio import Session
from studio.controls import Pause
from studio.models.errors import CheckpointError, NotFinite
from studio.models.finite import check_finite, is_finite, to_pictures
from studio.models.image.model import open_image
from studio.models.pocket.model import Pocket, PocketNet
from studio.models.wan.model import open_wan

WEIGHTS = {"text_encoder": "model.safetensors"}  # of a folder's part; else diffusers' name


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_a_tensor_is_finite_or_not(dtype):
    numbers = torch.linspace(-3, 3, 12).reshape(3, 4).to(dtype)
    assert is_finite(numbers)
    for wrong in ("nan", "inf", "-inf") if dtype != torch.float8_e4m3fn else ("nan",):
        spoiled = numbers.float()
        spoiled[1, 2] = float(wrong)
        assert not is_finite(spoiled.to(dtype))
    assert is_finite(torch.arange(3))
    assert is_finite(torch.empty(0))
    assert is_finite(torch.empty(3, device="meta"))


def test_the_words_say_what_and_where():
    with pytest.raises(
        CheckpointError, match=r"^x.safetensors holds numbers that are not finite: 2 of the 1,000 in a.b "
    ):
        check_finite(
            [("a", torch.zeros(3)), ("a.b", torch.zeros(1000).index_fill(0, torch.tensor([1, 2]), torch.nan))],
            "x.safetensors",
        )


def spoil(path: Path, value=float("nan")):
    """Put one NaN into a tensor of a file."""
    state = load_file(path)
    name = next(name for name in sorted(state) if state[name].numel() > 8)
    state[name].view(-1)[3] = value
    save_file(state, path, {"format": "pt"})


def spoiled(folder: Path):
    """Put one NaN into a diffusers folder's part."""
    spoil(next(folder.glob("*.safetensors")))
    return folder


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tiny_vae", "controlnet"])
def test_an_image_models_part_is_refused(tmp_path, part):
    folder = tiny_sd(tmp_path / "sd")
    options = {}
    if part == "tiny_vae":
        options["tiny_vae"] = tiny_taesd(tmp_path / "taesd")
    if part == "controlnet":
        options["controlnet"] = tiny_controlnet(tmp_path / "control", folder)
    spoiled(options.get(part, folder / part))
    with pytest.raises(CheckpointError, match=r"holds numbers that are not finite: 1 of the "):
        open_image(folder, size=(64, 64), **options)


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "tiny_decoder"])
def test_a_video_models_part_is_refused(tmp_path, part):
    folder = wan_folders.tiny_wan_folder(tmp_path / "wan")
    options = {}
    if part == "tiny_decoder":
        options["tiny_decoder"] = wan_folders.tiny_taehv(tmp_path / "tae.safetensors")
        spoil(options["tiny_decoder"])
    else:
        spoiled(folder / part)
    with pytest.raises(CheckpointError, match=r"holds numbers that are not finite: 1 of the "):
        open_wan(folder, size=(32, 48), **options)


def test_a_pocket_model_is_refused(tmp_path, monkeypatch):
    net, config = PocketNet.load(Pocket.__init__.__defaults__[0])
    next(net.memory.parameters()).data.view(-1)[0] = torch.nan
    monkeypatch.setattr(PocketNet, "load", staticmethod(lambda folder: (net, config)))
    with pytest.raises(CheckpointError, match="not finite"):
        Pocket()


# Pictures


def test_pictures_that_are_no_numbers_are_told_with_what_is_shown():
    pixels = torch.full((2, 3, 4, 4), 127.4)
    assert [picture.max() for picture in to_pictures([pixels, pixels[:1] * 3])] == [127, 127, 255]
    for wrong in (torch.nan, torch.inf):
        with pytest.raises(NotFinite) as told:
            to_pictures([pixels, pixels.index_fill(3, torch.tensor([1]), wrong)])
        assert [picture.shape for picture in told.value.pictures] == [(4, 4, 3)] * 4


class Overflowing(TinyModel):
    """A model that gives NaN while `wrong`."""

    wrong = False

    def denoise(self, rows, cache=None, write=0, causal=True):
        clean = super().denoise(rows, cache, write, causal)
        return clean * torch.nan if self.wrong else clean


def test_a_model_that_gives_nan_is_told_and_plays_on():
    session = Session(model := Overflowing())
    session.step()
    assert session.stats["problem"] is None
    model.wrong = True
    for _ in range(2):
        assert session.step().picture.dtype == np.uint8
        assert session.stats["problem"].startswith(
            "the model has given numbers that are not finite (NaN) since frame 1, so what is shown is no picture. Take "
        )
    assert session.stats["error"] is None
    model.wrong = False
    session.send(Pause(False))
    session.reset()
    session.step()
    assert session.stats["problem"] is None


def test_a_decoder_that_overflows_is_told(tmp_path):
    """As SDXL's in half precision: the latents are numbers, the picture is not."""
    model = open_image(tiny_sd(tmp_path / "sd"), size=(64, 64))
    session = Session(model)
    session.step()
    assert session.stats["problem"] is None
    model.parts.codec.net.decoder.conv_out.bias.data[1] = torch.inf
    frame = session.step()
    assert frame.picture.shape == (64, 64, 3)
    assert "since frame 1," in session.stats["problem"]
    model.parts.codec.net.decoder.conv_out.bias.data[1] = 0.0
    session.step()
    assert session.stats["problem"] is None


def test_a_video_decoder_that_overflows_is_told(tmp_path):
    model = open_wan(wan_folders.tiny_wan_folder(tmp_path / "wan"), size=(32, 48))
    session = Session(model)
    model.codec.net.decoder.conv_out.bias.data[1] = torch.nan
    pictures = [session.step().picture for _ in range(9)]  # of one chunk: one, and twice four
    assert {picture.shape for picture in pictures} == {(32, 48, 3)}
    assert session.engine.ahead == 0
    assert "since frame 0," in session.stats["problem"]


def test_the_page_is_told(tmp_path):
    from studio.ui.seat import Seat
    from studio.ui.updates import SessionUpdates
    from studio.ui.window import Window

    model = Overflowing()
    model.wrong = True
    session = Session(model)
    seat = Seat(session, tmp_path)
    session.step()
    updates = SessionUpdates(seat, "", [], lambda: 1e3)
    told = [json.loads(one.to_json()) for one in updates.collect(Window())]
    (status,) = [message for message in told if message["type"] == "status"]
    assert "not finite (NaN) since frame 0" in status["problem"]
    seat.close()
