"""Folders of image models: which can be played, what is said of the others, and their ids."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from image.drawing import SIZE, copied, draw, in_config, in_index, lora_files, weights, without
from studio.models.errors import CheckpointError, MissingWeights
from studio.models.image.checkpoint import fingerprint
from studio.models.image.model import open_image


def test_a_controlnet_of_another_family_is_told(folders):
    with pytest.raises(CheckpointError, match=r"another family: its cross_attention_dim is 64, the model's 32"):
        open_image(folders / "sd", tiny_vae=folders / "taesd", controlnet=folders / "controlnet-sdxl", size=SIZE)
    with pytest.raises(CheckpointError, match="holds a AutoencoderTiny, needed is a ControlNetModel"):
        open_image(folders / "sd", tiny_vae=folders / "taesd", controlnet=folders / "taesd", size=SIZE)


BAD_FOLDERS = {
    "is not there; download": lambda folder: shutil.rmtree(folder),
    "model_index.json cannot be read": lambda folder: (folder / "model_index.json").write_text("{"),
    r"StableDiffusion3Pipeline \(transformer SD3Transformer2DModel\); playable": lambda folder: in_index(
        folder,
        _class_name="StableDiffusion3Pipeline",
        unet=[None, None],
        transformer=["diffusers", "SD3Transformer2DModel"],
    ),
    "text_encoder is not there, where a CLIPTextModel is needed": lambda folder: in_index(
        folder, text_encoder=[None, None]
    ),
    "text_encoder is T5EncoderModel, where a CLIP": lambda folder: in_index(
        folder, text_encoder=["transformers", "T5EncoderModel"]
    ),
    "missing_keys: 1, as conv_in.bias; unexpected_keys: 1, as more": lambda folder: without(
        weights(folder), "conv_in.bias", more=torch.zeros(1)
    ),
    "UNet2DConditionModel cannot be read .* expected shape": lambda folder: in_config(
        folder, "unet", cross_attention_dim=48
    ),
    "unet/.*cannot be read as safetensors": lambda folder: weights(folder).write_bytes(
        weights(folder).read_bytes()[:-999]
    ),
    "has no safetensors weights; it has .*bin, and pickled": lambda folder: weights(folder).rename(
        weights(folder).with_suffix(".bin")
    ),
    "text_encoder/.*cannot be read as safetensors": lambda folder: (
        folder / "text_encoder" / "model.safetensors"
    ).write_bytes(b"x" * 99),
    "no CLIP tokenizer": lambda folder: shutil.rmtree(folder / "tokenizer"),
    "whose levels are not variance-preserving": lambda folder: in_config(
        folder, "scheduler", _class_name="FlowMatchEulerDiscreteScheduler"
    ),
    "names the scheduler 'Nothing'": lambda folder: in_config(folder, "scheduler", _class_name="Nothing"),
    "wants additional conditioning": lambda folder: in_config(folder, "unet", class_embed_type="timestep"),
    "takes 9 channels and gives 4 .inpainting": lambda folder: inpainting(folder),
}


def inpainting(folder):
    tensors = load_file(weights(folder))
    tensors["conv_in.weight"] = torch.cat(
        [tensors["conv_in.weight"], tensors["conv_in.weight"], tensors["conv_in.weight"][:, :1]], 1
    )
    save_file(tensors, weights(folder))
    in_config(folder, "unet", in_channels=9)


@pytest.mark.parametrize("message", BAD_FOLDERS)
def test_a_folder_that_cannot_be_played_is_told(folders, tmp_path, message):
    folder = copied(folders, tmp_path)
    BAD_FOLDERS[message](folder)
    with pytest.raises((CheckpointError, MissingWeights), match=message):
        open_image(folder, tiny_vae=folders / "taesd", size=SIZE)


def test_an_autoencoder_of_another_kind_is_told(folders):
    with pytest.raises(CheckpointError, match="holds a UNet2DConditionModel, needed is a AutoencoderTiny"):
        open_image(folders / "sd", tiny_vae=folders / "sd" / "unet", size=SIZE)


@pytest.mark.parametrize("size", [(63, 64), (0, 64), (64, 100), (8, 8), (64, 8192)])
def test_a_size_that_cannot_be_is_told(folders, size):
    with pytest.raises(ValueError, match=f"size is {size[0]}x{size[1]}; possible: height and width divisible by 8"):
        open_image(folders / "sd", tiny_vae=folders / "taesd", size=size)


def test_half_precision_files_are_found(folders, tmp_path, opened):
    folder = copied(folders, tmp_path)
    for part, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
        path = folder / part / f"{name}.safetensors"
        save_file(
            {k: v.half() for k, v in load_file(path).items()}, path.with_suffix(".fp16.safetensors"), {"format": "pt"}
        )
        path.unlink()
    model = open_image(folder, tiny_vae=folders / "taesd", size=SIZE)
    assert model.parts.unet.dtype == torch.float32
    assert torch.allclose(draw(model), draw(opened("sd")), rtol=0.1, atol=0.1)


def test_the_original_names_of_clips_layers_are_read(folders, tmp_path, opened):
    """Checkpoints of the SD1.5 time say text_model. before every key, and hold position_ids."""
    folder = copied(folders, tmp_path)
    path = folder / "text_encoder" / "model.safetensors"
    held = {f"text_model.{key}": value for key, value in load_file(path).items()}
    save_file(held | {"text_model.embeddings.position_ids": torch.arange(77)[None]}, path, {"format": "pt"})
    model = open_image(folder, tiny_vae=folders / "taesd", size=SIZE)
    assert torch.equal(model.prepare("a fox").states, opened("sd").prepare("a fox").states)


def test_the_full_autoencoder_of_a_half_precision_model_stays_whole_where_it_must(folders, tmp_path):
    folder = copied(folders, tmp_path, "sdxl")
    assert open_image(folder, size=SIZE, dtype=torch.float16).parts.codec.net.dtype == torch.float32
    in_config(folder, "vae", force_upcast=False)
    assert open_image(folder, size=SIZE, dtype=torch.float16).parts.codec.net.dtype == torch.float16
    assert open_image(folder, size=SIZE, dtype=torch.float16).parts.unet.dtype == torch.float16


def test_the_id_of_the_weights_is_that_of_all_that_draws(folders, tmp_path, opened):
    folder = copied(folders, tmp_path)
    (_, file), *_ = lora_files(folders)
    same = open_image(folder, tiny_vae=folders / "taesd", size=SIZE).weights_id
    assert same == opened("sd").weights_id
    assert len(same) == 12
    others = {opened("sdxl").weights_id, opened("sd", tiny_vae=None).weights_id, opened("sd", lcm_lora=file).weights_id}
    tensors = load_file(weights(folder))
    save_file(tensors | {"conv_out.bias": tensors["conv_out.bias"] + 1}, weights(folder))
    others.add(open_image(folder, tiny_vae=folders / "taesd", size=SIZE).weights_id)
    assert len({same, *others}) == 5


@pytest.mark.parametrize("place", [3, 100_000, 2_999_999])
def test_the_id_looks_at_both_ends_of_a_large_file(tmp_path, place):
    file = tmp_path / "large.safetensors"
    file.write_bytes((1000).to_bytes(8, "little") + bytes(2_999_992))
    before = fingerprint([file])
    changed = bytearray(file.read_bytes())
    changed[place] ^= 1
    file.write_bytes(changed)
    assert fingerprint([file]) != before
    file.write_bytes(bytes(changed) + b"0")
    assert len({before, fingerprint([file])}) == 2


def test_it_says_what_it_cannot_play(opened):
    model = opened("sd")
    assert set(model.capabilities.refuses) == {"sink", "lora", "structure"}
    assert (model.capabilities.independent, model.chunk, model.size, model.latent) == (True, 1, SIZE, (4, 8, 8))
    with pytest.raises(TypeError, match="it has no cache"):
        model.new_cache()
