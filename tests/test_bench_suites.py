"""The core and gpu suites, and the references run beside them."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny.model import TinyModel

from studio.bench import BenchError, core, gpu, instrument, reference, roofline, shapes, suite
from studio.bench.nets import PastingVideo, TinyPictures, TinyVideo, camera
from studio.bench.paired import Timings, paired
from studio.cli import main
from studio.pictures import decoded


def test_a_ratio_is_the_median_of_the_rounds_own_ratios():
    assert Timings({"slow": [2.0, 40.0, 6.0], "fast": [1.0, 10.0, 2.0]}).ratio("slow", "fast") == 3.0


def test_pairs_are_timed_in_turn_and_the_turn_is_reversed():
    order = []
    timings = paired({name: lambda name=name: order.append(name) for name in "ab"}, rounds=3, warm=1)
    assert "".join(order) == "ab" + "ba" + "ab" + "ba"
    assert {len(times) for times in timings.seconds.values()} == {3}


@pytest.mark.parametrize("make", [TinyPictures, lambda: TinyVideo(cells=(4, 4))], ids=["pictures", "video"])
def test_the_two_ways_that_are_compared_are_one_forward_against_as_many_as_steps(make, monkeypatch):
    model, rows = make(), []
    denoise = model.denoise
    model.denoise = lambda noisy, *rest: rows.append(len(noisy) // model.chunk) or denoise(noisy, *rest)
    for name, wanted in (("stream", [4]), ("rollout", [1, 1, 1, 1])):
        step = core.warm_step(model, name, core.sampling_state(steps=4))
        rows.clear()
        step()
        written = int(model.chunk > 1)  # the chunk that came out rides along and writes its keys
        assert rows == [wanted[0] + written, *wanted[1:]]


def test_the_core_suite_gives_every_ratio(monkeypatch):
    monkeypatch.setattr(core, "STEPS", (2,))
    monkeypatch.setattr(core, "KINDS", ("none", "full"))
    monkeypatch.setattr(core, "TinyPictures", lambda seed, cells=8: TinyPictures(seed, min(cells, 16)))
    monkeypatch.setattr(core, "TinyVideo", lambda seed, cells=(4, 4): TinyVideo(seed, (4, 4)))
    monkeypatch.setattr(core, "PastingVideo", lambda seed: PastingVideo(seed, (4, 4)))
    figures = json.loads(json.dumps(core.core(seed=1, rounds=1)))
    nets = {"tiny pictures", "tiny video"}
    named = {
        "stream_batch",
        "guidance",
        "guidance_large",
        "recache",
        "cache",
        "similarity_regions",
        "two_clock",
        "regional_words",
    }
    assert set(figures) == named
    assert figures["two_clock"]["encode"] > 0
    assert set(figures["stream_batch"]) == set(figures["guidance"]) == nets
    assert set(figures["guidance"]["tiny video"]) == {"full"}
    assert figures["recache"] > 0
    assert figures["cache"] > 0
    assert figures["similarity_regions"]["apart"] < 1


def test_the_cameras_pictures_change_in_their_corner_alone():
    first, second = (decoded(picture.data, (64, 64)).astype(int) for picture in camera(2, (64, 64), share=0.25))
    apart = abs(first - second).max(2)
    assert apart[:16, :16].max() > 30
    assert apart[24:, 24:].max() < 4


@pytest.mark.parametrize(
    ("name", "parameters"), [("sd-turbo", 865_910_724), ("sdxl-turbo", 2_567_463_684), ("wan-1.3b", 1_418_996_800)]
)
def test_the_architectures_have_the_published_number_of_parameters(name, parameters):
    from diffusers import UNet2DConditionModel, WanTransformer3DModel

    shape = shapes.SHAPES[name]
    with torch.device("meta"):
        net = (UNet2DConditionModel if shape.kind == "image" else WanTransformer3DModel)(**shape.net)
    assert sum(weight.numel() for weight in net.parameters()) == parameters


def test_the_work_of_a_chunk_of_wan_is_the_published_one():
    products, attention = roofline.wan_chunk(shapes.WAN, (480, 832))
    assert 138e12 < products + attention < 144e12  # LongLive's 141 TFLOP a chunk (causal-video.md, section 2)
    assert 28 < 12 / roofline.seconds((products, attention), roofline.PEAKS["H100"]) < 60
    assert roofline.peak_of("NVIDIA H100 80GB HBM3") == 989e12
    assert roofline.peak_of("a toaster") is None


@pytest.mark.parametrize("name", ["sd-turbo", "sdxl-turbo", "wan-1.3b"])
def test_the_gpu_suite_runs_in_small_on_any_machine(name):
    plan = gpu.Plan(pictures=2, chunks=1, warm=1)
    figures = json.loads(json.dumps(gpu.gpu([name], ("eager",), quick=True, plan=plan)))
    measured = figures[name]["eager"]
    assert figures["size"].startswith("tiny")
    assert measured["denoise_fps"] > 0
    assert measured["fps"] > 0
    assert 0 < measured["latency_ms"]["p50"] <= measured["latency_ms"]["p95"]
    assert measured["first_frame_ms"] > 0
    assert measured["peak_memory_gb"] is None or torch.cuda.is_available()


@pytest.mark.skipif(torch.cuda.is_available(), reason="here there is a GPU")
def test_without_a_gpu_the_suite_says_so_and_names_the_command(capsys):
    assert main(["bench", "--suite", "gpu", "--json"]) == 1
    said = capsys.readouterr()
    assert "torch sees no CUDA GPU here" in said.err
    assert "studio bench --suite gpu --json" in said.err
    assert not said.out


@pytest.mark.skipif(torch.cuda.is_available(), reason="here there is a GPU")
def test_a_variant_this_machine_cannot_play_is_named_with_its_reason():
    plan = gpu.Plan(pictures=1, chunks=1, warm=1)
    figures = gpu.gpu(["sd-turbo"], ("graphs",), quick=True, plan=plan)
    assert "CUDA graphs need an NVIDIA GPU" in figures["sd-turbo"]["graphs"]["not_measured"]


def test_variants_are_read_as_options():
    read = gpu.wrapper_options
    assert read("eager") == {}
    assert read("fp8-dynamic+compile+graphs") == {"quantize": "fp8-dynamic", "compile": True, "graphs": True}
    assert read("attention:flash") == {"attention": "flash"}
    with pytest.raises(BenchError, match="no wrapper is called 'warp'; possible, joined by"):
        read("eager+warp")


def test_unknown_suites_and_architectures_are_refused_with_what_there_is(capsys):
    with pytest.raises(BenchError, match="play, core, gpu"):
        suite("speed")
    assert main(["bench", "--suite", "gpu", "--quick", "--only", "sd-turbo,sd3"]) == 1
    assert "no architecture is called sd3; there are: sd-turbo" in capsys.readouterr().err


def test_the_core_suite_is_stamped_with_machine_and_date(monkeypatch, capsys):
    monkeypatch.setattr(core, "core", lambda seed, rounds: {"rounds": rounds})
    assert main(["bench", "--suite", "core", "--quick", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["suite"], figures["rounds"]) == ("core", core.QUICK)
    assert figures["machine"]["cores"] >= 1
    assert figures["date"].startswith("20")


def checkout(folder: Path, program: str) -> Path:
    """A folder that looks like a checkout; its program is `program`."""
    file = folder / "src/streamdiffusion/pipeline.py"
    file.parent.mkdir(parents=True)
    file.write_text("")
    (file.parent / "__init__.py").write_text(program)
    return folder


def test_a_reference_is_known_by_its_files(tmp_path):
    assert reference.reference_at(checkout(tmp_path / "a", "")).of == "sd-turbo"
    (tmp_path / "b/pipeline").mkdir(parents=True)
    (tmp_path / "b/pipeline/causal_inference.py").write_text("")
    assert reference.reference_at(tmp_path / "b").name == "LongLive 1.0"
    with pytest.raises(BenchError, match="no checkout of a program that can be compared: StreamDiffusion has src"):
        reference.reference_at(tmp_path)


PROGRAM = """
import torch
from tiny.model import TinyModel
class StreamDiffusion:
    def __init__(self, pipe, t_index_list, torch_dtype, width, height, cfg_type):
        self.pipe, self.steps = pipe, len(t_index_list)
    def prepare(self, prompt, num_inference_steps, guidance_scale):
        self.told = self.pipe.encode_prompt(prompt, self.pipe.device, 1, False)[0]
    def predict_x0_batch(self, x):
        return self.pipe.unet(x, 500, self.told).sample
    def __call__(self, picture):
        assert self.vae.config.latent_channels == 4
        return self.vae.decode(self.predict_x0_batch(self.vae.encode(picture[None].to(self.pipe.dtype)).latents)).sample
"""


def test_the_runner_of_streamdiffusion_times_it_on_the_checkpoint_it_is_given(tmp_path, monkeypatch):
    runner = importlib.import_module("studio.bench.references.streamdiffusion")
    there = checkout(tmp_path / "there", PROGRAM)
    paths = shapes.write(shapes.SMALL["sd-turbo"], tmp_path / "weights", torch.bfloat16)
    told = reference.streamdiffusion_arguments(shapes.SMALL["sd-turbo"], paths, 1)
    monkeypatch.setattr(torch.cuda, "Event", torch.cuda.Event)  # the runner replaces them where there is no GPU
    monkeypatch.setattr(torch.cuda, "synchronize", torch.cuda.synchronize)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "streamdiffusion", None)
    del sys.modules["streamdiffusion"]
    figures = runner.main({"checkout": str(there), **json.loads(json.dumps(told))})
    assert figures["denoise_fps"] > 0
    assert figures["fps"] > 0


def beside(folder, monkeypatch, runner):
    """Figures of a reference whose runner is these lines, and of stood-in ones of ours."""
    known = reference.reference_at(checkout(folder / "there", ""))
    monkeypatch.setattr(reference, "RUNNERS", folder)
    (folder / known.runner).write_text(runner)
    ours = {"eager": {"fps": 30.0, "denoise_fps": 40.0}, "graphs": {"not_measured": "no GPU"}}
    shape, plan = shapes.SMALL["sd-turbo"], gpu.Plan(pictures=7)
    return gpu.compared(known, folder / "there", sys.executable, shape, {"folder": folder}, ours, plan)


def test_a_reference_runs_in_a_process_of_its_own_and_the_ratio_is_given(tmp_path, monkeypatch):
    runner = (
        "import json, sys; told = json.loads(sys.argv[1]); print('loading'); print(json.dumps({'fps': told['count']}))"
    )
    figures = beside(tmp_path, monkeypatch, runner)
    assert figures == {"program": "StreamDiffusion", "fps": 7, "ratio": {"eager": {"fps": 4.29}, "graphs": {}}}


def test_a_reference_that_does_not_run_says_why(tmp_path, monkeypatch):
    figures = beside(tmp_path, monkeypatch, "import no_such_package")
    assert "No module named 'no_such_package'" in figures["not_measured"]
    assert "--reference-python" in figures["not_measured"]


def test_an_interpreter_that_is_not_there_is_named(tmp_path, monkeypatch):
    known = reference.reference_at(checkout(tmp_path, ""))
    monkeypatch.setattr(reference, "RUNNERS", tmp_path)
    shape = SimpleNamespace(size=(8, 8), steps=1)
    with pytest.raises(BenchError, match="there is no interpreter /nowhere/python"):
        reference.run(known, tmp_path, "/nowhere/python", shape, {}, 1)


def test_going_back_auditions_and_recordings_are_weighed_against_a_session_without(monkeypatch):
    monkeypatch.setattr(instrument, "BACK", 24)
    monkeypatch.setattr(instrument, "FRAMES", 4)
    figures = instrument.instrument(TinyModel(), rounds=2, minute=60)
    assert {name for name in figures if name.endswith("_rate")} == {"ring_rate", "audition_rate", "recording_rate"}
    assert figures["ring_mb"] > 0
    assert figures["rewind_ms"][0] <= figures["rewind_ms"][1]


def test_a_session_without_a_ring_keeps_no_checkpoint_but_its_start():
    session = instrument.prepared(TinyModel(), 0, instrument.without_ring)
    beside = instrument.prepared(TinyModel(), 0, lambda session: None)
    instrument.play(session, 40)
    instrument.play(beside, 40)
    assert len(session.history.stretches) < len(beside.history.stretches) // 2
