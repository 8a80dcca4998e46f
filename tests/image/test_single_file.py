"""Checkpoints and ControlNets in one file: they draw what their diffusers folder draws, or say what they are."""

import io
import struct

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny import original_files
from tiny.original_files import (
    KINDS,
    controlnet_state,
    original_controlnet,
    original_file,
    original_folder,
    original_state,
)

from studio.controls import Lora, Picture, Prompt, Sampling, Structure
from studio.hub.folder import folder_counts
from studio.models.errors import CheckpointError, OptionError
from studio.models.image import original_layout as layout
from studio.models.image.clip_tokenizer import clip_tokenizer, vocabulary
from studio.models.loader import load
from studio.models.registry import SD2_COUNTS, SD15_COUNTS, SDXL_COUNTS
from studio.session.session import Session

SIZE = (64, 64)
V_BIAS = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder and a file of each kind, SD, SD.safetensors, ..."""
    root = tmp_path_factory.mktemp("checkpoints")
    for kind in KINDS:
        original_folder(root / kind, kind)
        original_file(root / f"{kind}.safetensors", kind)
    return root


def opened(place, **options):
    return load(place, size=SIZE, device="cpu", **options)


def drawn(model, *controls):
    """Two pictures of a prompt."""
    session = Session(model)
    for control in (Prompt("a fox! in snow, 3 o'clock"), Sampling(steps=2), *controls):
        session.send(control)
    return np.stack([session.step().picture for _ in range(2)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_draws_what_its_folder_draws(root, kind):
    folder, file = opened(root / kind), opened(root / f"{kind}.safetensors")
    for text in ("a fox! in snow", "", "naïve 模型 " * 20):
        ours, its = file.prepare(text).states, folder.prepare(text).states
        assert (ours - its).abs().max() < 1e-5
    for name, weight in folder.parts.unet.state_dict().items():
        assert torch.equal(weight, file.parts.unet.state_dict()[name]), name
    assert torch.equal(folder.parts.levels.b, file.parts.levels.b)
    assert file.parts.codec.scale == folder.parts.codec.scale
    assert (drawn(file) == drawn(folder)).all()
    assert drawn(file).std() > 5


def test_clip_reads_words_as_published():
    assert len(vocabulary()) == 49408
    assert clip_tokenizer()("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    padded = clip_tokenizer("!")("a cat", padding="max_length", max_length=7).input_ids
    assert padded == [49406, 320, 2368, 49407, 0, 0, 0]


def test_the_command_line_says_in_one_sentence_what_a_file_is(tmp_path, capsys):
    from studio.cli import main

    save_file(tensors("lora_unet_a.lora_down.weight"), tmp_path / "ink.safetensors")
    assert main(["run", "--model", str(tmp_path / "ink.safetensors")]) == 1
    said = capsys.readouterr().err
    assert "is a LoRA, which changes a model and is none; give the model it was made for as --model" in said
    assert "Traceback" not in said


def test_a_lora_is_played_on_a_file_as_on_its_folder(root, tmp_path):
    layer = "mid_block_attentions_0_transformer_blocks_0_attn2_to_v"
    state = {"lora_down": torch.ones(2, 64), "lora_up": torch.ones(64, 2)}
    state = {f"lora_unet_{layer}.{side}.weight": weight for side, weight in state.items()}
    save_file(state, tmp_path / "ink.safetensors")
    given = {"loras": {"ink": tmp_path / "ink.safetensors"}}
    files = [opened(root / place, **given) for place in ("sd1", "sd1.safetensors")]
    folder, file = (drawn(model, Lora("ink", 1.0)) for model in files)
    assert (file == folder).all()
    assert (file != drawn(opened(root / "sd1"))).any()


PUBLISHED = {
    "sd1": dict(block_out_channels=(320, 640, 1280, 1280), attention_head_dim=8, cross_attention_dim=768),
    "sd2": dict(
        block_out_channels=(320, 640, 1280, 1280), attention_head_dim=(5, 10, 20, 20), cross_attention_dim=1024
    ),
    "sdxl": dict(
        block_out_channels=(320, 640, 1280),
        attention_head_dim=(5, 10, 20),
        cross_attention_dim=2048,
        transformer_layers_per_block=(1, 2, 10),
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_nets_at_their_size_are_told_by_their_shapes(kind, monkeypatch):
    from accelerate import init_empty_weights
    from diffusers import UNet2DConditionModel

    down = {"sd1": "CCCD", "sd2": "CCCD", "sdxl": "DCC"}[kind]
    monkeypatch.setitem(original_files.UNET, kind, PUBLISHED[kind])
    monkeypatch.setitem(original_files.DOWN, kind, down)
    with init_empty_weights():
        net = UNet2DConditionModel(**original_files.unet_shape(kind))
    original = {original_files.unet_name(name, down): weight for name, weight in net.state_dict().items()}
    weights = layout.unet_weights(original)
    config = layout.unet_config(weights)
    with init_empty_weights():
        made = UNet2DConditionModel(**config)
    assert {name: each.shape for name, each in weights.items()} == {n: w.shape for n, w in net.state_dict().items()}
    counts = {"sd1": SD15_COUNTS, "sd2": SD2_COUNTS, "sdxl": SDXL_COUNTS}[kind]
    assert sum(weight.numel() for weight in made.parameters()) == counts.denoiser
    for key in (*PUBLISHED[kind], "down_block_types", "up_block_types", "use_linear_projection", "layers_per_block"):
        given = net.config[key]
        assert config[key] == (list(given) if isinstance(given, tuple) else given), key


def test_a_ckpt_of_plain_weights_plays_and_one_that_could_run_code_does_not(root, tmp_path):
    file = original_file(tmp_path / "model.ckpt", "sd1")
    assert (drawn(opened(file)) == drawn(opened(root / "sd1"))).all()
    torch.save({"state_dict": original_state("sd1"), "callbacks": {pytest.Session: 1}}, file)
    with pytest.raises(CheckpointError, match="holds more than weights"):
        opened(file)
    old = tmp_path / "old.pt"  # as torch saved before 1.6
    torch.save({"state_dict": original_state("sd1")}, old, _use_new_zipfile_serialization=False)
    assert (drawn(opened(old)) == drawn(opened(root / "sd1"))).all()


@pytest.mark.parametrize(
    ("kind", "metadata", "more", "told"),
    [
        ("sd1", None, {}, "epsilon"),
        ("sd1", None, {V_BIAS: torch.linspace(-1, 1, 64)}, None),
        ("sd2", {"modelspec.prediction_type": "v"}, {}, "v_prediction"),
        ("sd2", {"modelspec.architecture": "stable-diffusion-v2-768-v"}, {}, "v_prediction"),
        ("sd2", {"modelspec.prediction_type": "epsilon"}, {}, "epsilon"),
        ("sdxl", None, {"v_pred": torch.tensor([])}, "v_prediction"),
        ("sdxl", None, {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}, "v_prediction"),
    ],
)
def test_the_prediction_is_read_from_what_marks_it(tmp_path, kind, metadata, more, told):
    file = original_file(tmp_path / "model.safetensors", kind, metadata, **more)
    if told is None:  # a weight of a deeper net
        with pytest.raises(CheckpointError, match="UNet does not fit"):
            opened(file)
        return
    model = opened(file)
    assert model.parts.levels.prediction == told
    assert (model.parts.levels.a[-1] < 1e-3) == ("ztsnr" in more)


def test_the_prediction_can_be_told(root):
    assert opened(root / "sd1.safetensors", prediction="v_prediction").parts.levels.prediction == "v_prediction"
    assert opened(root / "sd1", prediction="v_prediction").parts.levels.prediction == "v_prediction"
    with pytest.raises(OptionError, match="possible: epsilon, v_prediction, sample"):
        opened(root / "sd1", prediction="velocity")


def test_an_sd_2_of_wide_biases_predicts_v():
    from studio.models.image.single_file import SingleFile

    for spread, told in ((0.02, "epsilon"), (0.2, "v_prediction")):
        file = object.__new__(SingleFile)
        file.kind, file._metadata, file._weights = "sd2", {}, {V_BIAS: torch.tensor([-spread, spread])}
        assert file._prediction() == told


def test_its_memory_is_counted_from_its_header(root):
    counts, folder = (folder_counts(root / name, "image") for name in ("sdxl.safetensors", "sdxl"))
    assert counts.denoiser == folder.denoiser > 1e6
    assert counts.text_encoder == pytest.approx(folder.text_encoder, rel=1e-3)  # logit_scale and positions beside
    assert counts.decoder == pytest.approx(folder.decoder, rel=1e-3)


# What else people have in one file


def tensors(*names, **shapes):
    return {name: torch.zeros(2, 2) for name in names} | {name: torch.zeros(shape) for name, shape in shapes.items()}


CONV = "model.diffusion_model.input_blocks.0.0.weight"
OTHERS = {
    "inpainting": (tensors("cond_stage_model.a", **{CONV: (4, 9, 3, 3)}), "inpainting checkpoint.*9 channels"),
    "pix2pix": (tensors("cond_stage_model.a", **{CONV: (4, 8, 3, 3)}), "InstructPix2Pix.*8 channels"),
    "edm": (tensors("edm_mean", CONV, "conditioner.embedders.1.model.a"), "an EDM checkpoint.*variance-preserving"),
    "refiner": (tensors("conditioner.embedders.0.model.transformer.a", CONV), "SDXL's refiner.*SDXL base"),
    "lora": (tensors("lora_unet_down_blocks_0.lora_down.weight"), "a LoRA.*--lora NAME=FILE"),
    "controlnet": (tensors("control_model.time_embed.0.weight"), "a ControlNet;.*--controlnet FILE"),
    "flux": (tensors("model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale"), "FLUX"),
    "sd3": (tensors("model.diffusion_model.joint_blocks.0.context_block.a"), "Stable Diffusion 3"),
    "wan": (tensors("blocks.0.self_attn.q.weight", "head.modulation"), "Wan's transformer alone.*--generator FILE"),
    "unet": (tensors("model.diffusion_model.time_embed.0.weight"), "a UNet alone.*whole checkpoint"),
    "part": (tensors("down_blocks.0.resnets.0.conv1.weight"), "a net of a diffusers folder alone.*model_index.json"),
    "vae": (tensors("decoder.conv_in.weight"), "a VAE alone"),
    "nf4": (tensors("a.weight.quant_state.bitsandbytes__nf4"), "quantized by bitsandbytes"),
    "ti": (tensors("clip_g", "clip_l"), "a textual inversion"),
    "nothing": (tensors("a", "b"), "no whole checkpoint in the original layout"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_something_else_says_what_it_is_and_what_would_do(tmp_path, kind):
    state, told = OTHERS[kind]
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=told):
        opened(tmp_path / "model.safetensors")


NO_WEIGHTS = {
    "gguf": (b"GGUF\x03" + bytes(100), r"a GGUF file.*give the \.safetensors it was made from"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "Git LFS.*git lfs pull"),
    "html": (b"\n<!DOCTYPE html><html>", "a web page.*download button"),
    "engine": (b"ftrt" + bytes(90), "TensorRT"),
    "empty": (b"", "it is empty"),
    "nonsense": (bytes(range(200)), "cannot be read as weights"),
    "cut": (struct.pack("<Q", 10**6) + b'{"a": {"dtype":', "cannot be read as weights"),
    "header": (struct.pack("<Q", 5) + b"[[[[]" + bytes(20), "cannot be read as weights"),
}
GIVEN = ("model", "controlnet", "tiny_vae", "generator", "tiny_decoder")


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("kind", NO_WEIGHTS)
def test_a_file_that_is_none_of_weights_says_what_it_is_wherever_it_is_given(root, wan, tmp_path, kind, given):
    content, told = NO_WEIGHTS[kind]
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    if given == "tiny_vae" and "cannot be read" in told:
        told = "file without its config.json"
    place = {"model": file, "generator": wan, "tiny_decoder": wan}.get(given, root / "sd1")
    size = (32, 48) if place is wan else SIZE
    with pytest.raises(CheckpointError, match=told):
        load(place, size=size, device="cpu", **({} if given == "model" else {given: file}))


@pytest.fixture(scope="module")
def wan(tmp_path_factory):
    from tiny.wan_folders import tiny_wan_folder

    return tiny_wan_folder(tmp_path_factory.mktemp("wan") / "base")


def test_a_cut_or_mixed_checkpoint_is_told(root, tmp_path):
    whole = load_file(root / "sd1.safetensors")
    broken = {
        "lacks its autoencoder": {n: w for n, w in whole.items() if not n.startswith("first_stage_model.")},
        "UNet does not fit .*1 missing": {
            n: w for n, w in whole.items() if "input_blocks.1.0.in_layers.0.bias" not in n
        },
        "text encoder does not fit": {n: w for n, w in whole.items() if "final_layer_norm.bias" not in n},
        "autoencoder does not fit": whole | {"first_stage_model.quant_conv.weight": torch.zeros(3, 3)},
        "weights that such a net has not": whole | {"model.diffusion_model.more": torch.zeros(1)},
        "two models": whole
        | {n: w[:, :32] for n, w in whole.items() if "attn2.to_k.weight" in n or "attn2.to_v.w" in n},
    }
    for told, state in broken.items():
        save_file({name: weight.clone() for name, weight in state.items()}, tmp_path / "model.safetensors")
        with pytest.raises(CheckpointError, match=told):
            opened(tmp_path / "model.safetensors")  # fmt: skip


# ControlNets


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("kind", ["sd1", "sdxl"])
def test_a_controlnet_in_one_file_is_its_folder(root, tmp_path, kind):
    original_controlnet(kind).save_pretrained(tmp_path / "folder")
    save_file(controlnet_state(kind), tmp_path / "control.safetensors")
    torch.save(controlnet_state(kind), tmp_path / "control.pth")
    save_file(dict(original_controlnet(kind).state_dict()), tmp_path / "diffusers.safetensors")
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[20:40, 10:50] = 255
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    controls = (Picture(data.getvalue()), Structure(1.0))
    places = ["folder", "control.safetensors", "control.pth", "diffusers.safetensors"]
    places += ["folder/diffusion_pytorch_model.safetensors"]
    places = places if kind == "sd1" else places[:2]
    made = [drawn(opened(root / kind, controlnet=tmp_path / place), *controls) for place in places]
    assert all((each == made[0]).all() for each in made[1:])
    assert (made[0] != drawn(opened(root / kind), controls[0])).any()


def test_a_controlnet_file_of_another_family_or_of_something_else_is_told(root, tmp_path):
    save_file(controlnet_state("sdxl"), tmp_path / "control.safetensors")
    with pytest.raises(
        CheckpointError, match=r"ControlNet control.safetensors is for another family: its cross_attention"
    ):
        opened(root / "sd1", controlnet=tmp_path / "control.safetensors")
    for state, told in (
        (tensors("lora_unet_a.lora_down.weight"), "a LoRA"),
        (tensors("adapter.body.0.a"), "a T2I-Adapter"),
        (tensors("lora_controlnet"), "a control-LoRA"),
        (tensors("controlnet_cond_embedding.a", "control_add_embedding.a"), "a ControlNet union"),
        (original_state("sd1"), "a whole checkpoint, and no ControlNet"),
        (tensors("control_model.input_blocks.1.0.a"), "no ControlNet that diffusers can convert"),
    ):
        save_file(state, tmp_path / "control.safetensors")
        with pytest.raises(CheckpointError, match=told):
            opened(root / "sd1", controlnet=tmp_path / "control.safetensors")
