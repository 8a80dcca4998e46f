"""CLIP's tokenizer without a download: the vocabulary of every Stable Diffusion text encoder comes with the studio.

`clip_merges.txt.gz` are the 48,894 merges of OpenAI's CLIP (github.com/openai/CLIP, MIT licence). The tokens follow
from them: the bytes, the bytes at a word's end, what each merge joins, and the two marks: 49,408.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from studio.models.libraries import Tokenizer

MERGES = Path(__file__).with_name("clip_merges.txt.gz")
START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77  # tokens a text encoder reads, both marks among them


@cache
def read_merges() -> tuple[tuple[str, str], ...]:
    """Read the merges, in their order."""
    lines = gzip.decompress(MERGES.read_bytes()).decode("utf-8").splitlines()
    return tuple((first, second) for first, second in (line.split() for line in lines))


@cache
def vocabulary() -> dict[str, int]:
    """Give every token's number."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, read_merges()), START, END]
    return {token: number for number, token in enumerate(tokens)}


def clip_tokenizer(pad: str = END) -> Tokenizer:
    """Make a CLIP tokenizer; pad: what fills a text up, the end's mark for CLIP's own encoder, "!" for OpenCLIP's."""
    from transformers import CLIPTokenizer

    merges: Any = list(read_merges())  # pairs, which the annotation forgets
    return CLIPTokenizer(vocab=vocabulary(), merges=merges, pad_token=pad, model_max_length=LENGTH)
