"""Folders and files that people bring, broken in every way a seeded mutator finds: they play or are told in words."""

import json
import os
import random
import shutil
import struct

import pytest
from mutators import DEEP, break_bytes, break_json
from tiny.original_files import original_file
from tiny.sd_folders import tiny_sd
from tiny.wan_folders import tiny_wan_folder

from studio.hub.folder import folder_counts
from studio.hub.safetensors_headers import count_parameters
from studio.models.errors import CheckpointError, MissingWeights, OptionError, UnknownModel
from studio.models.loader import load
from studio.session.session import Session

WORDED = (CheckpointError, MissingWeights, OptionError, UnknownModel)
FAMILIES = ("sd", "sdxl", "wan", "file")  # the last: a checkpoint in one file
SIZES = {"sd": (64, 64), "sdxl": (64, 64), "wan": (32, 48), "file": (64, 64)}
TRIES = int(os.environ.get("BROKEN", "26"))  # of each family; BROKEN=1000 for a long run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A whole folder of each family."""
    root = tmp_path_factory.mktemp("whole")
    made = {family: tiny_sd(root / family, family=family) for family in ("sd", "sdxl")}
    (root / "file").mkdir()
    original_file(root / "file" / "model.safetensors", "sd1")
    return made | {"wan": tiny_wan_folder(root / "wan"), "file": root / "file"}


def break_header(content, dice):
    """A safetensors file whose header has a value exchanged: a name, a shape, a type, a place."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    name = dice.choice(sorted(header))
    if dice.random() < 0.5:
        header[name.replace(dice.choice("._0123456789"), dice.choice("._0123456789"), 1)] = header.pop(name)
        broken = json.dumps(header)
    else:
        broken = break_json(json.dumps(header), dice)
    return struct.pack("<Q", len(broken.encode())) + broken.encode() + content[8 + length :]


def break_one(folder, dice):
    """Break one file of a folder; gives what was done."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors", ".txt", ".model"))
    file = dice.choice(files)
    how = dice.choice(("json", "json", "json", "bytes", "deep", "missing"))
    if file.name == "model.safetensors" and how != "bytes":
        file.write_bytes(break_header(file.read_bytes(), dice))
    elif how == "missing":
        file.unlink()
    elif how == "deep":
        file.write_text(DEEP, encoding="utf-8")
    elif how == "json" and file.suffix == ".json":
        file.write_text(break_json(file.read_text(encoding="utf-8"), dice), encoding="utf-8")
    else:
        file.write_bytes(break_bytes(file.read_bytes(), dice))
    return f"{file.relative_to(folder)}: {how}"


@pytest.mark.timeout(60 + 5 * TRIES)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_broken_folder_plays_or_is_told_in_words(whole, family, tmp_path):
    dice = random.Random(f"{family} 2026")
    told = 0
    for number in range(TRIES):
        folder = shutil.copytree(whole[family], tmp_path / str(number))
        what = break_one(folder, dice)
        try:
            place = folder / "model.safetensors" if family == "file" else folder
            Session(load(place, size=SIZES[family], device="cpu")).step()
        except WORDED as error:
            told += len(str(error)) > 20
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__} is told to nobody: {error}") from error
        shutil.rmtree(folder)
    assert told > TRIES // 4, "the mutator breaks too little"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("model_index.json", UnknownModel),
        ("unet/config.json", CheckpointError),
        ("scheduler/scheduler_config.json", CheckpointError),
        ("tokenizer/tokenizer.json", CheckpointError),
        ("text_encoder/config.json", CheckpointError),
        ("vae/config.json", CheckpointError),
        ("unet/diffusion_pytorch_model.safetensors", CheckpointError),
    ],
)
def test_a_file_nested_too_deeply_is_told(whole, tmp_path, file, told):
    folder = shutil.copytree(whole["sd"], tmp_path / "sd")
    (folder / file).write_text(DEEP, encoding="utf-8")
    with pytest.raises(told):
        load(folder, size=(64, 64), device="cpu")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"beta_schedule": "foo"}, "is none that a EulerDiscreteScheduler can be made from"),
        ({"use_karras_sigmas": {"a": 1}}, "is none that a EulerDiscreteScheduler can be made from"),
        ({"beta_start": float("nan")}, "levels that are no numbers"),
        ({"_class_name": "EDMEulerScheduler", "sigma_min": None}, "whose levels are not variance-preserving"),
        ({"_class_name": "UNet2DConditionModel"}, "which is none that is played"),
        ({"_class_name": "StableDiffusionPipeline"}, "possible: DDIMScheduler, "),
        ({"_class_name": "__name__"}, "which is none that is played"),
    ],
)
def test_a_scheduler_that_is_none_or_cannot_be_built_is_told(whole, tmp_path, changed, told):
    folder = shutil.copytree(whole["sd"], tmp_path / "sd")
    file = folder / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changed), encoding="utf-8")
    with pytest.raises(CheckpointError, match=told):
        load(folder, size=(64, 64), device="cpu")


def test_a_tokenizer_without_padding_or_of_another_model_is_told_when_it_is_opened(whole, tmp_path):
    folder = shutil.copytree(whole["sd"], tmp_path / "sd")
    file = folder / "tokenizer" / "tokenizer_config.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(content | {"pad_token": None}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="no CLIP tokenizer in"):
        load(folder, size=(64, 64), device="cpu")


def test_headers_of_nonsense_count_for_nothing(tmp_path):
    file = tmp_path / "net.safetensors"
    for header in (b"[1]", DEEP.encode(), b'{"a": {"shape": [1e400]}}', b'{"a": [1]}', b'{"a": {"shape": 3}}'):
        file.write_bytes(struct.pack("<Q", len(header)) + header)
        assert count_parameters(file) == 0
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "config.json").write_text(DEEP, encoding="utf-8")
    assert folder_counts(tmp_path, "video").denoiser == 0


@pytest.mark.parametrize(
    ("family", "file", "key", "value", "told"),
    [
        ("sd", "unet", "freq_shift", None, "its UNet cannot be used"),
        ("sd", "unet", "dropout", float("nan"), "its UNet cannot be used"),
        ("sd", "unet", "addition_time_embed_dim", {"a": 1}, "its UNet cannot be used"),
        ("sd", "vae", "norm_num_groups", True, "its autoencoder cannot be used"),
        ("sd", "vae", "scaling_factor", "x", "scaling_factor is 'x', which is no number"),
        ("sd", "vae", "scaling_factor", 0, "scaling_factor is 0"),
        ("wan", "transformer", "patch_size", 0, "patch_size .* is 0, not three numbers"),
        ("wan", "transformer", "patch_size", [1, 0, 2], "not three numbers"),
        ("wan", "transformer", "eps", [[[]]], "its transformer cannot be used"),
        ("wan", "vae", "latents_mean", [0.0] * 15, "no latents_mean for each of 16 channels"),
        ("wan", "vae", "latents_std", [0.0] * 16, "latents_std that"),
        ("wan", "vae", "scale_factor_spatial", None, "scale_factor_spatial of None"),
        ("wan", "text_encoder", "relative_attention_max_distance", -1, "its text encoder cannot be used"),
        ("wan", "tokenizer", "extra_ids", 2**70, "asks for .* extra_ids"),  # each of which would be made
    ],
)
def test_a_value_that_builds_a_net_which_cannot_run_is_told(whole, tmp_path, family, file, key, value, told):
    folder = shutil.copytree(whole[family], tmp_path / family)
    config = folder / file / ("tokenizer_config.json" if file == "tokenizer" else "config.json")
    config.write_text(json.dumps(json.loads(config.read_text(encoding="utf-8")) | {key: value}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=told):
        load(folder, size=SIZES[family], device="cpu")
