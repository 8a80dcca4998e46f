"""What the command line says of a machine, before anything is loaded: addresses, numbers, folders, names, devices."""

import io
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny.model import TinyModel

from studio import doctor
from studio.cli import main
from studio.folders import use_own_gradio_folder, write_error
from studio.models.devices import count_devices, resolve_device
from studio.models.errors import OptionError, UnknownModel
from studio.models.loader import load, open_folder
from studio.models.registry import MODELS, POCKET_COUNTS, Entry

ROOT = Path(__file__).parent.parent


class Styled:
    """Stands for an image model that takes LoRAs and a device."""

    def __new__(cls, loras=None, controlnet=None, device=None):
        return TinyModel()


@pytest.fixture
def launched(monkeypatch):
    """What the page was served with, where it came to that; no page is served."""
    asked = {}
    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: asked.update(options, args=args))
    monkeypatch.setitem(MODELS, "styled", Entry("test_cli_machine:Styled", "", "MIT", POCKET_COUNTS))
    return asked


@pytest.fixture
def taken():
    """A port that something listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


# Addresses


def test_a_port_in_use_is_told_before_anything_is_loaded(launched, taken, capsys):
    assert main(["run", "--port", str(taken)]) == 1
    err = capsys.readouterr().err
    assert f"port {taken} is in use; stop what listens there, give another with --port" in err
    assert err.count("\n") == 1
    assert not launched


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_a_host_that_is_not_this_machines_is_told_before_anything_is_loaded(launched, capsys, host):
    assert main(["run", "--host", host]) == 1
    err = capsys.readouterr().err
    assert (
        f"--host is '{host}', which is no address of this machine; give 127.0.0.1" in err or "nothing can listen" in err
    )
    assert not launched


@pytest.mark.parametrize("host", ["no such host", "http://127.0.0.1", "a" * 300])
def test_a_host_that_is_no_name_is_told_before_anything_is_loaded(launched, capsys, host):
    assert main(["run", "--host", host]) == 1
    err = capsys.readouterr().err
    assert "which names no address" in err
    assert ("without http://" in err) == host.startswith("http")
    assert not launched


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_the_usual_hosts_are_served(launched, host):
    assert main(["run", "--host", host]) == 0
    assert launched["args"] == ("pocket", host, None)


@pytest.mark.parametrize(("host", "is_warned"), [("::", True), ("[::]", True), ("0.0.0.0", False), ("::1", False)])
def test_a_host_that_answers_ipv6_alone_is_said(launched, caplog, host, is_warned):
    if main(["run", "--host", host]):
        pytest.skip("this machine has no IPv6")
    assert ("0.0.0.0 answers IPv4" in caplog.text) == is_warned


def test_a_file_in_the_folder_it_is_called_in_is_not_taken_for_a_library(tmp_path):
    (tmp_path / "torch.py").write_text("raise SystemExit('this is not torch')")
    command = [sys.executable, "-m", "studio", "models"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    assert "pocket" in said.stdout


@pytest.mark.parametrize("port", ["99999", "-1", "0", "65536", "9" * 30, "eighty", "1" * 6000])
def test_a_port_that_cannot_be_is_refused_as_an_argument(launched, capsys, port):
    for command in ("run",) if port == "0" else ("run", "doctor"):
        with pytest.raises(SystemExit) as caught:
            main([command, f"--port={port}"])
        assert caught.value.code == 2
        assert "argument --port: " in capsys.readouterr().err
    assert not launched


@pytest.mark.parametrize("fps", ["0", "-5", "1.5", "1000000000"])
def test_a_rate_that_cannot_be_is_refused_as_an_argument(capsys, fps):
    with pytest.raises(SystemExit):
        main(["render", "take.jsonl", f"--fps={fps}"])
    assert "argument --fps: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "used"),
    [("-1", range(2**32)), ("4294967296", [2**32]), ("18446744073709551615", [2**64 - 1]), ("-2", [2**64 - 2])],
)
def test_a_seed_is_any_whole_number(monkeypatch, given, used):
    seeds = []
    monkeypatch.setitem(MODELS, "tiny", Entry("tiny.model:TinyModel", "", "MIT", POCKET_COUNTS))
    monkeypatch.setattr("studio.evaluation.evaluate.evaluate", lambda model, seed, **_: seeds.append(seed) or {})
    assert main(["evaluate", "--model", "tiny", f"--seed={given}"]) == 0
    assert len(seeds) == 1
    assert seeds[0] in used


# Folders


def test_takes_that_cannot_be_written_are_told_and_the_page_is_served(launched, caplog, tmp_path):
    (tmp_path / "file").write_text("")
    assert main(["run", "--takes", str(tmp_path / "file" / "takes")]) == 0
    assert "kept in memory and offered on the page; give another folder with --takes" in caplog.text
    caplog.clear()
    assert main(["run", "--takes", str(tmp_path / "takes")]) == 0
    assert not caplog.text
    assert not (tmp_path / "takes").exists(), "looking makes no folder"


def test_the_doctor_sees_folders_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "file" / "compiled"))
    found = {finding.name: finding for finding in doctor.check_folders(tmp_path / "file" / "takes")}
    assert not any(found[name].well for name in ("takes", "downloads' folder", "compiled code"))
    assert "run --takes" in str(found["takes"])
    assert "HF_HOME" in str(found["downloads' folder"])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    assert all(finding.well for finding in doctor.check_folders(tmp_path / "takes"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "looking makes no folder"


def test_the_doctor_sees_a_temporary_folder_of_gradio_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file"))
    found = doctor.check_temporary()
    assert found.stops
    assert not found.well
    assert "GRADIO_TEMP_DIR" in str(found)


def test_a_temporary_folder_of_gradio_that_cannot_be_written_is_told_before_anything_is_loaded(
    launched, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file"))
    assert main(["run"]) == 1
    assert "set it to another folder" in capsys.readouterr().err
    assert not launched


@pytest.mark.parametrize("occupied", ["gradio", "gradio/vibe_edit_history"])
def test_another_persons_temporary_folder_does_not_keep_the_page_from_starting(tmp_path, occupied):
    (tmp_path / occupied).parent.mkdir(exist_ok=True)
    (tmp_path / occupied).write_text("this stands for a folder that only somebody else may write to")
    code = (
        "import studio.ui, os; from gradio.route_utils import DEFAULT_TEMP_DIR as used; from pathlib import Path;"
        "(Path(used) / 'vibe_edit_history').mkdir(parents=True); print(used)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("GRADIO_TEMP_DIR", None)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parent == tmp_path
    assert not Path(done.stdout.strip()).exists(), "it is taken away at the end"


def test_gradios_own_folder_stays_where_it_can_be_written_and_where_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    assert use_own_gradio_folder() == tmp_path / "gradio"
    assert "GRADIO_TEMP_DIR" not in os.environ
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/named")
    assert use_own_gradio_folder() == Path("/named")


def test_a_folder_is_tried_where_it_would_be_made(tmp_path):
    assert write_error(tmp_path / "new" / "deeper") == ""
    (tmp_path / "file").write_text("")
    assert write_error(tmp_path / "file")
    assert write_error(tmp_path / "file" / "below")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_a_place_a_video_cannot_be_written_to_is_told_before_the_model_is_opened(tmp_path, monkeypatch, capsys, model):
    from studio.session.session import Session

    session = Session(model)
    session.record(tmp_path / "take.jsonl")
    session.step()
    session.stop_recording()
    monkeypatch.setattr("studio.cli.render.open_take_model", lambda *_: pytest.fail("opened the model"))
    assert main(["render", str(tmp_path / "take.jsonl"), "-o", str(tmp_path / "none" / "take.mp4")]) == 1
    assert "there is no folder" in capsys.readouterr().err


# Names


def test_two_loras_of_one_name_are_refused(launched, tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"")
    given = ["--lora", f"ink={tmp_path / 'a'}", "--lora", f"ink={tmp_path / 'b'}"]
    assert main(["run", "--model", "styled", *given]) == 1
    assert "--lora ink is given twice" in capsys.readouterr().err
    assert not launched


def test_names_with_blanks_and_a_home_folder_that_the_shell_left_are_found(launched, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    style = tmp_path / "my styles" / "wet ink (v2).safetensors"
    style.parent.mkdir()
    style.write_bytes(b"")
    told = [
        "--lora",
        "wet ink = ~/my styles/wet ink (v2).safetensors",
        "--controlnet=~/my styles",
        "--takes=~/my takes",
    ]
    assert main(["run", "--model", " styled ", *told]) == 0
    assert launched["options"] == {"loras": {"wet ink": style}, "controlnet": style.parent}
    assert launched["takes"] == tmp_path / "my takes"


def test_a_score_and_a_video_are_found_in_the_home_folder(tmp_path, monkeypatch, model, capsys):
    from studio.session.session import Session

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(MODELS, "tiny", Entry("tiny.model:TinyModel", "", "MIT", POCKET_COUNTS))
    session = Session(model)
    session.record(tmp_path / "my take.jsonl")
    session.step()
    session.stop_recording()
    assert main(["render", "~/my take.jsonl", "--output=~/my video.mp4"]) == 0
    assert (tmp_path / "my video.mp4").exists()


def test_a_home_folder_in_an_option_of_load_is_read(tmp_path, monkeypatch):
    given = {}

    def make(controlnet=None, loras=None):
        given.update(controlnet=controlnet, loras=loras)
        return TinyModel()

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("test_cli_machine.make", make, raising=False)
    monkeypatch.setitem(MODELS, "mine", Entry("test_cli_machine:make", "", "MIT", POCKET_COUNTS))
    load("mine", controlnet="~/net", loras={"ink": "~/ink.safetensors"})
    assert given == {"controlnet": tmp_path / "net", "loras": {"ink": tmp_path / "ink.safetensors"}}


def test_the_home_folder_of_nobody_is_a_folder_that_is_not_there(launched, capsys):
    for told in (
        ["--model", "~nobody-of-this-name/net"],
        ["--model", "styled", "--lora", "ink=~nobody-of-this-name/a"],
    ):
        assert main(["run", *told]) == 1
        assert "Traceback" not in capsys.readouterr().err


def test_blanks_in_lists_and_sizes_do_no_harm():
    from studio.cli.arguments import comma_list, picture_size

    assert comma_list("sd-turbo, wan-1.3b ,") == ("sd-turbo", "wan-1.3b")
    assert picture_size(" 480 x 832 ") == (480, 832)


def test_letters_a_terminal_has_not_got_are_written_some_other_way(monkeypatch, launched):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("studio.ui.app.launch", lambda *_, **__: print("piñata"))
    assert main(["run"]) == 0
    assert terminal.buffer.getvalue() == b"pi\\xf1ata\n"


# Devices


@pytest.fixture
def no_card(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize("name", ["cuda", "cuda:7", "mps", "cdua", "cpu:3", "0", "xpu"])
def test_a_device_that_is_not_here_is_told_with_those_that_are(no_card, launched, capsys, name):
    assert main(["bench", "--model", "styled", "--device", name, "--quick"]) == 1
    err = capsys.readouterr().err
    assert f"device is '{name}'" in err
    assert "this machine has: cpu" in err
    assert "Traceback" not in err


def test_cards_are_counted(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert count_devices() == {"cuda": 2, "mps": 0, "cpu": 1}
    assert str(resolve_device("cuda:1")) == "cuda:1"
    assert str(resolve_device(None)) == "cuda"
    with pytest.raises(OptionError, match=r"device is 'cuda:2'; this machine has: cuda:0, cuda:1, cpu"):
        resolve_device("cuda:2")


def test_models_opened_without_the_command_line_refuse_a_device_too(no_card, tmp_path):
    from tiny.sd_folders import tiny_sd

    from studio.models.image.model import open_image

    with pytest.raises(OptionError, match="this machine has: cpu"):
        open_image(tiny_sd(tmp_path), size=(64, 64), device="cuda")


# A checkpoint of one's own


class Checkpoint:
    """Stands for an image checkpoint with a decoder to choose."""

    def __new__(cls, folder=None, tiny_vae="its own", lcm_lora=None):
        return TinyModel()


def test_an_lcm_lora_and_a_tiny_decoder_are_given_by_option(launched, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(MODELS, "mine", Entry("test_cli_machine:Checkpoint", "", "MIT", POCKET_COUNTS))
    lcm, tiny = tmp_path / "lcm.safetensors", tmp_path / "taesd"
    assert main(["run", "--model", "mine", "--lcm-lora", str(lcm)]) == 1
    assert "--lcm-lora: there is no " in capsys.readouterr().err
    lcm.write_bytes(b"")
    tiny.mkdir()
    assert main(["run", "--model", "mine", "--lcm-lora", str(lcm), "--tiny-vae", str(tiny)]) == 0
    assert launched["options"] == {"lcm_lora": lcm, "tiny_vae": tiny}
    assert main(["run", "--model", "mine", "--full-vae", "--tiny-vae", str(tiny)]) == 1
    assert "give one of them" in capsys.readouterr().err
    assert main(["run", "--tiny-vae", str(tiny)]) == 1
    assert "pocket has one decoder; leave --tiny-vae out" in capsys.readouterr().err


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A folder of the hub's cache, as `hf download ada/net` leaves it: an index, of no pipeline that is played."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--ada--net"
    for commit in ("a" * 40, "b" * 40):
        (folder / "snapshots" / commit).mkdir(parents=True)
        (folder / "snapshots" / commit / "model_index.json").write_text(f'{{"_class_name": "WanPipeline {commit}"}}')
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("b" * 40)
    return folder


@pytest.mark.parametrize("name", ["ada/net", "https://huggingface.co/ada/net", "{folder}"])
def test_a_hub_name_and_a_folder_of_the_hubs_cache_are_its_main_snapshot(cached, name):
    layout, folder = open_folder(name.format(folder=cached))
    assert folder == (cached / "snapshots" / ("b" * 40)).resolve()
    assert layout.argument == "base"


def test_without_a_main_snapshot_the_only_one_is_taken_and_of_several_one_is_asked_for(cached):
    (cached / "refs" / "main").unlink()
    with pytest.raises(UnknownModel, match="holds 2 snapshots; give the path of one"):
        open_folder(cached)
    shutil.rmtree(cached / "snapshots" / ("b" * 40))
    assert open_folder(cached)[1].name == "a" * 40


def test_a_hub_name_that_is_not_here_says_how_to_get_it(cached):
    with pytest.raises(UnknownModel, match="`hf download ada/other` brings it"):
        open_folder("ada/other")
    with pytest.raises(UnknownModel, match=r"by its path$"):
        open_folder("sd-trubo")
