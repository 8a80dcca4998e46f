"""Students for real cards: what a person is told before anything is loaded, and the options that go with a preset."""

import argparse
from dataclasses import asdict

import numpy as np
import pytest
import torch
from tiny.causal import CausalModel, controls

from studio.bench.shapes import CHUNK_WISE, FRAME_WISE, SHAPES
from studio.cli.arguments import add_model_arguments
from studio.cli.opening import model_options
from studio.controls import ControlError, Sampling
from studio.frames import Frame
from studio.hub.catalogue import list_models
from studio.hub.fit import smaller_options
from studio.hub.footprint import memory_need
from studio.hub.machine import Machine
from studio.models import playable
from studio.models.loader import resolve_options
from studio.models.registry import ANYFLOW_COUNTS, MODELS, WAN_COUNTS
from studio.outputs import open_output
from studio.outputs.enlarge import Enlarged, enlarged
from studio.samplers import Rollout

CAUSAL_FORCING = ("causal-forcing-2step", "causal-forcing-1step", "causal-forcing", "causal-forcing-long")
CARD = Machine("RTX", 12_000_000_000, 64_000_000_000)


def test_students_of_causal_forcing_have_the_published_files_and_nets():
    """README and configs of thu-ml/Causal-Forcing at 1fc7bbc: which file, which net of it, which steps."""
    files = {name: MODELS[name].parts["generator"].files[0] for name in CAUSAL_FORCING}
    assert files == {
        "causal-forcing-2step": "causal-forcing++/framewise-2step.pt",
        "causal-forcing-1step": "causal-forcing++/framewise-1step.pt",
        "causal-forcing": "chunkwise/causal_forcing.pt",
        "causal-forcing-long": "chunkwise/longvideo.pt",
    }
    # The chunk-wise net is `generator`; the others are played with --use_ema, which is taken unless told otherwise.
    assert {name: MODELS[name].options.get("which") for name in CAUSAL_FORCING} == {
        **dict.fromkeys(CAUSAL_FORCING), "causal-forcing": "generator",
    }  # fmt: skip
    first = {name: resolve_options(name, {}).defaults.get("first_frame_steps") for name in CAUSAL_FORCING}
    assert first == {**dict.fromkeys(CAUSAL_FORCING), "causal-forcing-2step": 4, "causal-forcing-1step": 4}
    for name in CAUSAL_FORCING[:3]:
        told = MODELS[name].options
        assert told["sink"] + told["window"] + told.get("chunk", 3) == 21, "the frames it was trained on"
    assert {part.licence for name in CAUSAL_FORCING for part in MODELS[name].parts.values()} == {
        "Apache-2.0", "Apache-2.0 (TAEHV: MIT)"
    }  # fmt: skip


def test_the_recommended_ones_come_first_among_the_videos_and_what_is_not_established_is_said():
    names = [one.name for one in list_models(Machine("H100", 80_000_000_000, 100_000_000_000))]
    assert names.index("causal-forcing-2step") < names.index("causal-forcing") < names.index("self-forcing")
    assert "recommended" in MODELS["causal-forcing-2step"].what
    assert MODELS["anyflow-far"].licence.startswith("NOT established")
    assert "Tencent" in MODELS["causal-forcing-long"].licence
    listed = {one.name: asdict(one) for one in list_models(CARD)}
    for name in (*CAUSAL_FORCING, "snappy", "balanced", "film", "anyflow-far"):
        expected = listed[name]["expect"]
        assert "not measured" in expected or "arXiv" in expected, "a figure has its source, or there is none"
        assert "GB on the card" in listed[name]["reason"]


def test_a_preset_takes_what_its_options_take():
    need = {name: memory_need(MODELS[name].memory, {**MODELS[name].options, "steps": 2}) for name in MODELS}
    assert need["snappy"].on_device["KV cache"] * 4 == need["balanced"].on_device["KV cache"]
    assert need["balanced"].on_device["KV cache"] == 21 * 287_539_200
    assert need["film"].on_device["decode"] > need["anyflow-far"].on_device["decode"]
    assert need["causal-forcing"].on_device["KV cache"] == (21 + 18) * 287_539_200, (
        "the drift guard keeps a window more"
    )
    ways = dict(smaller_options(WAN_COUNTS, CARD, MODELS["causal-forcing"].options))
    assert ways["--no-drift-guard"], "11.3 GB fit on a card of 12"
    fits = {one.name: one.fits for one in list_models(Machine("RTX", 6_000_000_000, 64_000_000_000))}
    assert (fits["snappy"], fits["balanced"]) == (True, False)
    assert resolve_options("film", {}).options["tiny_decoder"] is None
    assert "tiny_decoder" not in MODELS["film"].parts


def test_the_guard_can_be_said_no_to_on_the_command_line():
    parser = argparse.ArgumentParser()
    add_model_arguments(parser)
    told = ["--model", "causal-forcing"]
    assert "drift_guard" not in model_options(parser.parse_args(told), "causal-forcing")
    assert model_options(parser.parse_args([*told, "--no-drift-guard"]), "causal-forcing")["drift_guard"] is False
    with_guard = model_options(parser.parse_args(["--model", "self-forcing", "--drift-guard"]), "self-forcing")
    assert with_guard["drift_guard"] is True


def test_the_bench_opens_students_as_the_registry_does():
    assert dict(FRAME_WISE) == dict(MODELS["causal-forcing-2step"].options)
    assert dict(MODELS["causal-forcing"].options) == CHUNK_WISE | {"which": "generator"}
    goals = {name: dict(shape.goals) for name, shape in SHAPES.items() if shape.goals}
    frame, chunk = {"fps": 60, "pictures_to_answer": 6}, {"fps": 40}
    assert goals == {"sd-turbo": {"fps": 120}, "wan-1.3b-frame": frame, "wan-1.3b-chunk": chunk}


def test_parameters_of_anyflow_are_those_of_its_config():
    from diffusers import AnyFlowFARTransformer3DModel

    with torch.device("meta"):
        net = AnyFlowFARTransformer3DModel(num_attention_heads=12, ffn_dim=8960, num_layers=30)
    assert sum(weight.numel() for weight in net.parameters()) == ANYFLOW_COUNTS.denoiser


@pytest.mark.parametrize(("asked", "first"), [(0, 4), (2, 2), (6, 6)])
def test_the_first_chunk_has_its_own_steps_and_a_person_may_say_others(asked, first):
    model = CausalModel(first_frame_steps=4)
    stream, told = Rollout(model), controls(steps=2, first_steps=asked)
    for _ in range(3):
        stream.step(told)
    levels = [[sigma for rows, write in model.calls for frame, sigma in rows[write:] if frame == n] for n in range(3)]
    assert levels == [list(model.sigmas(first)), list(model.sigmas(2)), list(model.sigmas(2))]


def test_steps_of_the_first_chunk_that_a_model_has_not_are_refused_and_adapted(monkeypatch):
    model = CausalModel()
    monkeypatch.setattr(model, "sigmas", only_two)
    with pytest.raises(ControlError, match="it was distilled for 2"):
        playable.check(model, Sampling(steps=2, first_steps=4))
    assert playable.nearest_sampling(model, Sampling(steps=2, first_steps=4)) == Sampling(steps=2)
    with pytest.raises(ControlError, match="first_steps"):
        Sampling(first_steps=17)


def only_two(steps, strength=1.0):
    if steps != 2:
        raise ValueError("it was distilled for 2")
    return (1.0, 0.5)


def test_pictures_are_enlarged_on_their_way_into_a_file(tmp_path):
    ramp = np.repeat(np.linspace(0, 255, 12).astype(np.uint8)[None, :, None], 8, 0).repeat(3, 2)
    large = enlarged(ramp, 2)
    assert large.shape == (16, 24, 3)
    inner = large[8, 2:-2, 0].astype(int)
    assert (np.diff(inner) >= 0).all(), "a ramp stays one"
    assert abs(large.mean() - ramp.mean()) < 2
    assert enlarged(ramp, 1) is ramp
    with pytest.raises(ValueError, match="enlarge is 9; possible: 1 to 4"):
        enlarged(ramp, 9)
    output = Enlarged(open_output(tmp_path / "large.png"), 2)
    output.put(Frame(0, ramp))
    output.close()
    assert output.path.is_dir()
