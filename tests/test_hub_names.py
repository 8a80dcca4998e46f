"""Names and addresses of the hub as --model: what they name in its cache, or what brings it; nothing is downloaded."""

import shutil

import pytest
from original_files import original_file
from tiny.sd_folders import tiny_controlnet, tiny_lora, tiny_sd, tiny_taesd

from studio.models.errors import UnknownModel
from studio.models.loader import load, open_folder, resolve_options

COMMIT = "c" * 40


@pytest.fixture
def snapshot(tmp_path, monkeypatch):
    """The snapshot of ada/net in a hub's cache of one's own."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--ada--net" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "ada/net",
        "https://huggingface.co/ada/net",
        "huggingface.co/ada/net/",
        "https://hf.co/ada/net",
        "https://huggingface.co/ada/net/tree/main",
        "https://huggingface.co/ada/net?library=diffusers",
    ],
)
def test_a_repository_by_any_of_its_names_is_its_snapshot(snapshot, name):
    assert open_folder(name)[1] == snapshot


@pytest.mark.parametrize("form", ["blob/main/{}", "resolve/main/{}", "resolve/main/{}?download=true"])
def test_a_files_address_is_the_file_in_the_cache(snapshot, form):
    file = original_file(snapshot / "model.safetensors", "sd1")
    layout, found = open_folder(f"https://huggingface.co/ada/net/{form.format(file.name)}")
    assert found == file
    assert (layout.kind, layout.argument) == ("image", "folder")


def test_what_is_not_here_says_the_line_that_brings_it(snapshot):
    for name, told in (
        ("bob/net", r"`hf download bob/net` brings it, and then it plays by that name"),
        ("https://huggingface.co/bob/net/tree/main", r"`hf download bob/net` brings it"),
        (
            "https://huggingface.co/ada/net/blob/main/a/x.safetensors",
            r"`hf download ada/net a/x\.safetensors` brings it",
        ),
        ("https://civitai.com/models/4201", "is an address; download the file it offers, and give its path"),
        ("models/x.safetensors", r"any Stable Diffusion in one file, by its path$"),
    ):
        with pytest.raises(UnknownModel, match=told):
            load(name)


def test_a_folder_of_single_files_says_how_one_is_played(snapshot):
    (snapshot / "model_index.json").unlink()
    (snapshot / "net.safetensors").write_bytes(b"x")
    with pytest.raises(
        UnknownModel, match=r"a checkpoint in one file is played by its own path, as .*net\.safetensors"
    ):
        load("ada/net")


def test_what_is_given_beside_a_model_is_found_in_the_cache_too(snapshot, tmp_path):
    base = tiny_sd(tmp_path / "sd")
    shutil.rmtree(snapshot)
    tiny_taesd(snapshot)
    places = {"vae": snapshot}
    for name in ("control", "lcm"):
        places[name] = tmp_path / f"models--ada--{name}" / "snapshots" / COMMIT
        places[name].mkdir(parents=True)
    tiny_controlnet(places["control"], base)
    tiny_lora(places["lcm"], base)
    given = {"tiny_vae": "ada/net", "controlnet": str(tmp_path / "models--ada--control"), "lcm_lora": "hf.co/ada/lcm"}
    found = resolve_options(base, given).options
    assert found == {"tiny_vae": places["vae"], "controlnet": places["control"], "lcm_lora": places["lcm"]}
    model = load(base, size=(64, 64), device="cpu", **given)
    assert model.parts.codec.tiny
    assert model.parts.controlnet
    assert model.parts.levels.grid == 50


def test_a_lora_of_a_name_that_is_not_here_keeps_its_words(snapshot, tmp_path, capsys):
    from studio.cli import main

    assert main(["run", "--model", str(tiny_sd(tmp_path / "sd")), "--lcm-lora", "ada/none"]) == 1
    assert "--lcm-lora: there is no ada/none" in capsys.readouterr().err
