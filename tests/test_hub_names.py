"""Names and addresses of the hub as --model: what they name in its cache, or what brings it; nothing is downloaded."""

import pytest
from original_files import original_file

from studio.models.errors import UnknownModel
from studio.models.loader import load, open_folder

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
