"""Folders that people bring, broken in every way a seeded mutator finds: they play or are told in words."""

import json
import os
import random
import shutil
import struct

import pytest
from tiny.sd_folders import tiny_sd
from tiny.wan_folders import tiny_wan_folder

from studio.hub.folder import folder_counts
from studio.hub.safetensors_headers import count_parameters
from studio.models.errors import CheckpointError, MissingWeights, OptionError, UnknownModel
from studio.models.loader import load
from studio.session.session import Session

WORDED = (CheckpointError, MissingWeights, OptionError, UnknownModel)
DEEP = "[" * 3000 + "]" * 3000
ODD = (None, True, -1, 0, 2**70, 1e308, float("nan"), "", "x", [], {}, [1, 2], {"a": 1}, [[[]]], "../../etc")
FAMILIES = ("sd", "sdxl", "wan")
SIZES = {"sd": (64, 64), "sdxl": (64, 64), "wan": (32, 48)}
TRIES = int(os.environ.get("BROKEN", "24"))  # of each family; BROKEN=1000 for a long run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A whole folder of each family."""
    root = tmp_path_factory.mktemp("whole")
    made = {family: tiny_sd(root / family, family=family) for family in ("sd", "sdxl")}
    return made | {"wan": tiny_wan_folder(root / "wan")}


def leaves(value, path=()):
    """The path of every value in nested JSON."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from leaves(inner, (*path, key))


def break_json(text, dice):
    """A JSON file with one value exchanged, taken out, or nested too deeply."""
    value = json.loads(text)
    path = dice.choice(list(leaves(value)) or [()])
    if not path:
        return DEEP
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    how = dice.choice(("odd", "odd", "odd", "gone", "deep"))
    if how == "gone":
        del inner[path[-1]]
    else:
        inner[path[-1]] = dice.choice(ODD) if how == "odd" else "@@"
    return json.dumps(value).replace('"@@"', DEEP)


def break_bytes(content, dice):
    """A file cut off, empty, or with bytes of its beginning exchanged."""
    if dice.random() < 0.4:
        return content[: dice.randrange(len(content) + 1)]
    broken = bytearray(content)
    for _ in range(3):
        broken[dice.randrange(min(len(broken), 4000))] = dice.randrange(256)
    return bytes(broken)


def break_one(folder, dice):
    """Break one file of a folder; gives what was done."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors", ".txt", ".model"))
    file = dice.choice(files)
    how = dice.choice(("json", "json", "json", "bytes", "deep", "missing"))
    if how == "missing":
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
            Session(load(folder, size=SIZES[family], device="cpu")).step()
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
