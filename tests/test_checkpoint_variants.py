"""Weights in half precision and in several files, in each spelling that libraries have written; Wans of other kinds."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny.sd_folders import tiny_sd
from tiny.wan_folders import original_weights, tiny_wan_folder

from studio.hub.safetensors_headers import count_parameters
from studio.models.errors import CheckpointError, MissingWeights
from studio.models.loader import load
from studio.models.weight_files import variant_of, weight_files
from studio.session.session import Session

HALF = {"fp16": torch.float16, "bf16": torch.bfloat16}
NETS = {"sdxl": ("unet", "vae", "text_encoder", "text_encoder_2"), "wan": ("transformer", "vae", "text_encoder")}
SIZES = {"sdxl": (64, 64), "wan": (32, 48)}
MAKE = {"sdxl": lambda folder: tiny_sd(folder, "sdxl"), "wan": tiny_wan_folder}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    return {family: make(root / family) for family, make in MAKE.items()}


def spelled(spelling, stem, variant, number, count):
    """A shard's name: "new" and "old" as libraries had it, "one" for a single file."""
    return {
        "one": f"{stem}.{variant}.safetensors",
        "new": f"{stem}.{variant}-{number:05}-of-{count:05}.safetensors",
        "old": f"{stem}-{number:05}-of-{count:05}.{variant}.safetensors",
    }[spelling]


def rewrite(folder, spelling, variant, count=3, index=True):
    """Write a net's weights anew in half precision, in files of another spelling; the plain ones are gone then."""
    (plain,) = folder.glob("*.safetensors")
    stem = plain.name.partition(".")[0]
    state = {name: weight.to(HALF[variant]) for name, weight in load_file(plain).items()}
    plain.unlink()
    names, told = sorted(state), {}
    count = 1 if spelling == "one" else count
    for number in range(count):
        file = spelled(spelling, stem, variant, number + 1, count)
        ours = names[number::count]
        save_file({name: state[name] for name in ours}, folder / file, {"format": "pt"})
        told |= dict.fromkeys(ours, file)
    if index and spelling != "one":
        content = {"metadata": {"total_size": 1}, "weight_map": told}
        (folder / f"{stem}.safetensors.index.{variant}.json").write_text(json.dumps(content))


def drawn(folder, family):
    return Session(load(folder, size=SIZES[family], device="cpu")).step().picture


@pytest.mark.parametrize("family", MAKE)
@pytest.mark.parametrize("variant", HALF)
def test_every_spelling_of_a_variant_is_read(whole, tmp_path, family, variant):
    made = []
    for spelling, index in (("one", True), ("new", True), ("old", True), ("new", False)):
        folder = shutil.copytree(whole[family], tmp_path / f"{spelling}{index}")
        for net in NETS[family]:
            rewrite(folder / net, spelling, variant, index=index)
        made.append(drawn(folder, family))
    assert all((picture == made[0]).all() for picture in made)
    assert abs(made[0].astype(int) - drawn(whole[family], family)).mean() < (2 if variant == "fp16" else 8)


def test_what_diffusers_itself_writes_is_read(whole, tmp_path):
    from diffusers import UNet2DConditionModel

    folder = shutil.copytree(whole["sdxl"], tmp_path / "sdxl")
    net = UNet2DConditionModel.from_pretrained(folder / "unet").half()
    shutil.rmtree(folder / "unet")
    net.save_pretrained(folder / "unet", variant="fp16", max_shard_size="50KB")
    assert re.search(r"fp16-00001-of-000\d\d\.safetensors", " ".join(f.name for f in (folder / "unet").iterdir()))
    assert drawn(folder, "sdxl").std() > 1


@pytest.mark.parametrize("spelling", ["new", "old"])
@pytest.mark.parametrize("family", MAKE)
def test_a_missing_shard_of_a_variant_is_named(whole, tmp_path, family, spelling):
    folder = shutil.copytree(whole[family], tmp_path / family)
    net = folder / NETS[family][0]
    rewrite(net, spelling, "fp16", index=False)
    (lost,) = net.glob("*00002-of-00003*")
    lost.unlink()
    with pytest.raises(MissingWeights, match=r"lacks 1 of its 3 shards: number 2"):
        load(folder, size=SIZES[family], device="cpu")


def test_a_name_says_its_variant_in_each_spelling():
    for name, variant in (
        ("model", None),
        ("model-00001-of-00002", None),
        ("model.fp16", "fp16"),
        ("model.bf16-00001-of-00002", "bf16"),
        ("diffusion_pytorch_model-00002-of-00002.fp16", "fp16"),
    ):
        assert variant_of(Path(f"{name}.safetensors")) == variant


def test_the_whole_precision_is_taken_where_it_is_there_and_then_fp16(tmp_path):
    for name in ("model.non_ema", "model.bf16", "model.fp16-00001-of-00001", "model.fp16", "model"):
        save_file({"a": torch.zeros(3)}, tmp_path / f"{name}.safetensors")
    assert weight_files(tmp_path) == (None, [tmp_path / "model.safetensors"])
    assert count_parameters(tmp_path) == 6  # a variant counts once; the one in shards beside the whole one twice
    (tmp_path / "model.safetensors").unlink()
    assert weight_files(tmp_path) == ("fp16", [tmp_path / "model.fp16.safetensors"])
    for file in tmp_path.glob("model.?p16*"):
        file.unlink()
    (tmp_path / "model.bf16.safetensors").unlink(missing_ok=True)
    with pytest.raises(MissingWeights, match=r"it has model\.non_ema\.safetensors.*other variants"):
        weight_files(tmp_path)


# Wans of other kinds


def told_of(base, **options):
    with pytest.raises(CheckpointError) as error:
        load(base, size=SIZES["wan"], device="cpu", **options)
    assert "Played are text-to-video nets" in str(error.value)
    return str(error.value)


def changed(folder, file, **values):
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_wan_of_two_transformers_is_refused_and_not_played_by_half(whole, tmp_path):
    folder = shutil.copytree(whole["wan"], tmp_path / "wan")
    shutil.copytree(folder / "transformer", folder / "transformer_2")
    assert "two transformers, one for high and one for low noise (Wan 2.2 A14B)" in told_of(folder)
    shutil.rmtree(folder / "transformer_2")
    changed(folder, "model_index.json", transformer_2=["diffusers", "WanTransformer3DModel"], boundary_ratio=0.875)
    assert "half of it would be left out" in told_of(folder)
    changed(folder, "model_index.json", transformer_2=[None, None], boundary_ratio=None)
    assert drawn(folder, "wan").shape == (32, 48, 3)  # as Wan 2.1 and 2.2 5B have it


@pytest.mark.parametrize(
    ("file", "values", "what"),
    [
        ("model_index.json", {"_class_name": "WanImageToVideoPipeline"}, "image-to-video"),
        ("model_index.json", {"_class_name": "WanVACEPipeline"}, "VACE"),
        ("model_index.json", {"_class_name": "WanAnimatePipeline"}, "Wan-Animate"),
        ("transformer/config.json", {"_class_name": "WanVACETransformer3DModel"}, "VACE"),
        ("transformer/config.json", {"image_dim": 1280}, "image-to-video"),
    ],
)
def test_a_wan_of_another_kind_says_which(whole, tmp_path, file, values, what):
    folder = shutil.copytree(whole["wan"], tmp_path / "wan")
    changed(folder, file, **values)
    assert what in told_of(folder)


def test_an_image_to_video_net_of_36_channels_says_so(whole, tmp_path):
    folder = shutil.copytree(whole["wan"], tmp_path / "wan")
    changed(folder, "transformer/config.json", in_channels=36)
    with pytest.raises(CheckpointError, match=r"in_channels is 36.*an image-to-video net \(I2V\)"):
        load(folder, size=SIZES["wan"], device="cpu")


@pytest.mark.parametrize(
    ("name", "what"), [("vace_blocks.0.after_proj.bias", "VACE"), ("img_emb.proj.0.weight", "image-to-video")]
)
def test_a_student_of_another_kind_says_which(whole, tmp_path, name, what):
    save_file(original_weights() | {name: torch.zeros(2)}, tmp_path / "student.safetensors")
    assert what in told_of(whole["wan"], generator=tmp_path / "student.safetensors")


def test_a_student_as_ckpt_plays(whole, tmp_path):
    torch.save(original_weights(3), tmp_path / "student.ckpt")
    torch.save(original_weights(3), tmp_path / "student.pt")
    one, other = (
        Session(load(whole["wan"], size=SIZES["wan"], device="cpu", generator=tmp_path / name)).step().picture
        for name in ("student.ckpt", "student.pt")
    )
    assert (one == other).all()
