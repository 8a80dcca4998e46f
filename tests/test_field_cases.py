"""Small things as people of the field bring them: files, numbers, addresses and pipes that are nearly right."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny.original_files import original_file
from tiny.sd_folders import tiny_clip, tiny_sd, tiny_unet
from tiny.wan_folders import original_weights, tiny_wan_folder

from studio.cli import main, models
from studio.conditioning import MOST_BLENDED, PromptStates, in_one_length
from studio.controls import ControlError, Picture, Prompt, Sampling
from studio.models.errors import CheckpointError, OptionError, UnknownModel
from studio.models.image import lora
from studio.models.loader import load
from studio.pictures import decoded
from studio.ui.address import url_host
from studio.ui.app import launch
from studio.ui.options import ServerOptions

Q = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
STEM = "lora_unet_" + Q.replace(".", "_")


@pytest.fixture(scope="module")
def nets():
    return {"unet": tiny_unet(), "text_encoder": tiny_clip(pooled=False)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_sd(tmp_path_factory.mktemp("field") / "sd")


@pytest.fixture(scope="module")
def wan(tmp_path_factory):
    return tiny_wan_folder(tmp_path_factory.mktemp("field") / "wan")


def saved(path, tensors):
    save_file({name: held.contiguous() for name, held in tensors.items()}, path)
    return path


def ink(**more):
    """A LoRA of one layer, with more parts of it."""
    pair = {"lora_down.weight": torch.ones(2, 32), "lora_up.weight": torch.ones(32, 2)}
    return {f"{STEM}.{part}": held for part, held in (pair | more).items()}


# Weights


def in_eight_bits(tensors, kind=torch.float8_e4m3fn):
    return {name: held.to(kind) if held.ndim > 1 else held for name, held in tensors.items()}


def test_a_lora_in_plain_fp8_plays_and_one_with_scales_or_whole_numbers_is_refused(nets, tmp_path):
    path, small = tmp_path / "ink.safetensors", in_eight_bits(ink())
    change = lora.read(saved(path, small), nets)["unet", Q]
    assert torch.equal(change.of_weight(torch.zeros(32, 32)), torch.full((32, 32), 2.0))
    for scale in ("lora_down.scale_weight", "lora_down.weight_scale"):
        with pytest.raises(CheckpointError, match=r"ink.safetensors is in scaled fp8 .*fp16 or bf16"):
            lora.read(saved(path, small | {f"{STEM}.{scale}": torch.tensor(2.0)}), nets)
    with pytest.raises(CheckpointError, match=r"lora_down.weight in whole numbers \(int8\)"):
        lora.read(saved(path, in_eight_bits(ink(), torch.int8)), nets)


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.int8])
def test_a_checkpoint_in_one_file_with_scales_or_whole_numbers_is_refused(tmp_path, kind):
    path = original_file(tmp_path / "sd1.safetensors", "sd1")
    state = {
        k: held.to(kind) if "diffusion_model" in k and held.ndim == 2 else held for k, held in load_file(path).items()
    }
    scales = {"scaled_fp8": torch.zeros(2)} if kind is torch.float8_e4m3fn else {}
    with pytest.raises(
        CheckpointError, match=r"in scaled fp8, whose scales" if scales else r"in whole numbers \(int8\)"
    ):
        load(saved(path, state | scales), size=(64, 64))
    if scales:  # without them it is as it stands
        load(saved(path, state), size=(64, 64))


def test_a_wan_student_with_scales_or_whole_numbers_or_that_is_a_lora_is_refused(wan, tmp_path):
    path, state = tmp_path / "student.safetensors", original_weights()
    scaled = in_eight_bits(state) | {"blocks.0.self_attn.q.scale_weight": torch.tensor(1.0)}
    alone = {"blocks.0.self_attn.q.lora_down.weight": torch.ones(2, 48)}
    for told, held in (
        ("in scaled fp8", scaled),
        ("whole numbers", in_eight_bits(state, torch.int8)),
        ("--lora", alone),
    ):
        with pytest.raises(CheckpointError, match=told):
            load(wan, generator=saved(path, held), size=(64, 64))


def test_averaged_weights_alone_say_what_they_are(tmp_path):
    path = saved(tmp_path / "ema.safetensors", {"model_ema.diffusion_modelout2weight": torch.ones(2, 2)})
    with pytest.raises(CheckpointError, match="averaged weights alone"):
        load(path, size=(64, 64))
    path = saved(path, {"model_ema.decay": torch.ones(1), "first_stage_model.decoder.conv_in.weight": torch.ones(2)})
    with pytest.raises(CheckpointError, match="averaged weights alone"):
        load(path, size=(64, 64))


@pytest.mark.parametrize("alpha", [torch.ones(2), torch.ones(0)])
def test_an_alpha_that_is_no_number_is_told(nets, tmp_path, alpha):
    with pytest.raises(CheckpointError, match=r"an alpha of [02] numbers for layer unet.mid_block"):
        lora.read(saved(tmp_path / "a.safetensors", ink(alpha=alpha)), nets)


@pytest.mark.parametrize("alpha", [torch.tensor(4), torch.tensor([4.0]), torch.tensor(4.0).half()])
def test_an_alpha_of_any_type_is_one(nets, tmp_path, alpha):
    told = []
    change = lora.read(saved(tmp_path / "a.safetensors", ink(alpha=alpha)), nets, tell=told.append)["unet", Q]
    assert float(change.of_weight(torch.zeros(32, 32))[0, 0]) == 4.0
    assert not told


@pytest.mark.parametrize("part", [{"alpha": torch.tensor(0.0)}, {"lora_up.weight": torch.zeros(32, 2)}])
def test_a_lora_that_changes_nothing_is_told(nets, tmp_path, part):
    told = []
    lora.read(saved(tmp_path / "a.safetensors", ink(**part)), nets, tell=told.append)
    assert told == ["LoRA a.safetensors changes nothing: the strength (alpha) or a factor of every layer is 0"]


def test_a_textual_inversion_given_as_a_lora_says_what_it_is(nets, tmp_path):
    for tensors in ({"emb_params": torch.ones(2, 32)}, {"clip_l": torch.ones(2, 32), "clip_g": torch.ones(2, 64)}):
        with pytest.raises(CheckpointError, match="no LoRA but a textual inversion"):
            lora.read(saved(tmp_path / "a.safetensors", tensors), nets)


def test_a_whole_checkpoint_given_as_a_lora_says_what_it_is(nets, tmp_path):
    names = ("model.diffusion_model.input_blocks.0.0.weight", "cond_stage_model.transformer.text_model.x.weight")
    file = saved(tmp_path / "a.safetensors", {name: torch.ones(2, 2) for name in names})
    with pytest.raises(CheckpointError, match="no LoRA but a whole checkpoint; give it as --model"):
        lora.read(file, nets)


# Folders and sizes


def test_the_index_of_a_folder_is_the_folder_and_what_is_near_one_says_which(folder, tmp_path):
    assert load(folder / "model_index.json", size=(64, 64)).name == str(folder)
    with pytest.raises(UnknownModel, match=f"this is a part of {folder}, give that"):
        load(folder / "unet")
    shutil.copytree(folder, tmp_path / "unpacked" / "sd")
    with pytest.raises(UnknownModel, match=f"there is one in it: {tmp_path / 'unpacked' / 'sd'}"):
        load(tmp_path / "unpacked")


@pytest.mark.parametrize("size", ["64x64", 64, (64.0, 64.0), (64,), (64, 64, 3)])
def test_a_size_that_is_no_pair_of_whole_numbers_is_told(folder, size):
    with pytest.raises(OptionError, match=r"give \(height, width\) in whole pixels"):
        load(folder, size=size)


def test_numbers_of_numpy_are_numbers(folder):
    sampling = Sampling(seed=np.int64(7), scale=np.float32(2.0), steps=np.uint8(2))
    assert sampling == Sampling(seed=7, scale=2.0, steps=2)
    assert type(sampling.seed) is int
    assert type(sampling.scale) is float
    assert Prompt("a", blend=np.int32(3)).blend == 3
    for wrong in (np.bool_(True), np.float32(1.5), np.nan, "x"):
        with pytest.raises(ControlError, match="seed must be a whole number"):
            Sampling(seed=wrong)
    assert load(folder, size=(np.int64(64), np.int64(64))).size == (64, 64)


# Prompts


@pytest.mark.parametrize("chunks", [(53, 54), (7, 11, 9, 8, 5)])
def test_a_blend_of_long_prompts_takes_no_more_memory_than_it_is_told(chunks):
    states = [PromptStates(torch.full((77 * n + 1, 2), float(n)), 1) for n in chunks]
    mixed = states[0]
    for other in states[1:]:
        mixed = mixed.mixed(other, 0.5)
        assert len(mixed.states) - 1 <= max(MOST_BLENDED, 77 * max(chunks))
    long = in_one_length(states[0], states[1])
    assert len(long[0]) == len(long[1])
    for whole, one in zip(long, states):  # said as often as there is room for, and what stands apart once
        assert torch.equal(whole[: len(one.states) - 1], one.states[:-1])
        assert torch.equal(whole[-1], one.states[-1])


# Pictures


def picture_file(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def test_a_picture_of_one_negative_number_is_black_and_a_bigtiff_is_read():
    same = Image.fromarray(np.full((16, 16), -1, np.float32))
    assert decoded(Picture(picture_file(same, "TIFF")).data, (16, 16)).max() == 0
    red = Image.new("RGB", (16, 16), (200, 10, 0))
    data = picture_file(red, "TIFF", big_tiff=True)
    assert data.startswith(b"II+\0")
    assert decoded(Picture(data).data, (16, 16))[0, 0].tolist() == [200, 10, 0]


# Machine


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.parametrize(
    ("host", "shown"), [("::1", "[::1]"), ("[::1]", "[::1]"), ("::", "[::]"), ("0.0.0.0", "0.0.0.0")]
)
def test_an_ipv6_address_stands_in_brackets_in_a_pages_address(host, shown):
    assert url_host(host) == shown


@pytest.mark.parametrize("host", ["::1", "[::1]", "127.0.0.1", "localhost"])
def test_the_own_machine_is_the_own_machine_however_it_is_written(host):
    options = ServerOptions(host=host)
    assert options.is_own
    assert options.policy.allows("[::1]:7860")
    assert not options.policy.allows("elsewhere.example")


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_page_is_served_at_an_ipv6_address(tmp_path):
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        port = probe.getsockname()[1]
    address, _, page = launch(
        host="::1", port=port, block=False, takes=tmp_path, session_factory=lambda: None, presets={}
    )
    try:
        assert address == f"http://[::1]:{port}/"
        with socket.create_connection(("::1", port), timeout=10) as asked:
            asked.sendall(f"GET / HTTP/1.0\r\nHost: [::1]:{port}\r\n\r\n".encode())
            assert asked.recv(64).split()[1] == b"200"
    finally:
        page.close(verbose=False)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_has_read_enough_is_no_error():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        ran = subprocess.run([sys.executable, "-m", "studio", "models", "--json"], stdout=pipe, stderr=subprocess.PIPE)
    assert (ran.returncode, ran.stderr) == (141, b"")


def test_without_anybody_to_ask_nothing_is_downloaded(monkeypatch, capsys):
    def lost(question):
        raise RuntimeError("input(): lost sys.stdin")

    monkeypatch.setattr("builtins.input", lost)
    monkeypatch.setattr("studio.hub.download.find_downloaded", lambda part: None)
    assert models.ask("?") is False
    assert main(["models", "get", "sd-turbo"]) == 1
    assert "answer y, or give --yes" in capsys.readouterr().err


# Options and folders that nobody checks but us


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("loras", ["a.safetensors"], r"give \{name: file\}"),
        ("loras", "a.safetensors", r"give \{name: file\}"),
        ("loras", {"ink": ["a", "b"]}, "a LoRA's file is .*give one path"),
        ("controlnet", ["a", "b"], "controlnet is .*give one path"),
        ("dtype", "int8", "possible: float32, float16, bfloat16"),
        ("dtype", torch.float8_e4m3fn, "possible: float32, float16, bfloat16"),
    ],
)
def test_an_option_of_another_kind_is_told(folder, option, value, told):
    with pytest.raises(OptionError, match=told):
        load(folder, size=(64, 64), **{option: value})


def test_a_dtype_is_known_by_its_name(folder):
    assert load(folder, size=(64, 64), dtype="bfloat16").parts.dtype is torch.bfloat16


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_a_quantized_part_of_a_folder_is_refused(folder, tmp_path, part):
    copy = shutil.copytree(folder, tmp_path / "sd")
    (file,) = (copy / part).glob("*.safetensors")
    held = load_file(file)
    for state, told in (
        (in_eight_bits(held, torch.int8), r"in whole numbers \(I8\): it was quantized"),
        (held | {"conv_in.scale_weight": torch.tensor(2.0)}, "in scaled fp8"),
    ):
        save_file(state, file, {"format": "pt"})
        with pytest.raises(CheckpointError, match=told):
            load(copy, size=(64, 64))
    config = json.loads((copy / part / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (copy / part / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"is quantized \(bitsandbytes\), which is not played; get it in fp16"):
        load(copy, size=(64, 64))
