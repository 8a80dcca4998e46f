"""The picture model's text encoder: CLIP's layout, the words of the drawn world, trained to say what a prompt means.

CLIP's tokens see only those before them, so what the whole sentence asks for is in its end mark, and in the padding
behind it, which Stable Diffusion's UNets look at as at words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from studio.models.image.clip_tokenizer import END, LENGTH, START, read_merges
from studio.models.libraries import Tokenizer
from studio.training.diffusion import Stage
from studio.training.picture_scenes import Scenes
from studio.training.video_clips import LABELS, TIMES, World
from studio.training.video_text import DROPPED, Asked, fit_reader, meanings, reading_right, vocabulary
from studio.world import scenes

if TYPE_CHECKING:
    from transformers import CLIPTextModel

SHAPE: dict[str, Any] = dict(
    hidden_size=64, intermediate_size=192, num_hidden_layers=2, num_attention_heads=4, projection_dim=64
)

LETTERS = 512  # tokens of the vocabulary that are bytes, inside a word and at its end

PARTS = re.compile(r"'(?:s|t|re|ve|m|ll|d)|[a-z]+|[0-9]|[^\sa-z0-9]+")  # what CLIP joins letters within


def merges_of(word: str, ranks: dict[tuple[str, str], int]) -> list[tuple[str, str]]:
    """List the merges that CLIP's tokenizer makes of a word's letters, in turn: the lowest rank first."""
    parts, made = [*word[:-1], f"{word[-1]}</w>"], []
    while found := [pair for pair in pairwise(parts) if pair in ranks]:
        first = min(found, key=ranks.__getitem__)
        made.append(first)
        joined, rest = [], parts
        while rest:
            together = tuple(rest[:2]) == first
            joined.append("".join(rest[:2]) if together else rest[0])
            rest = rest[1 + together :]
        parts = joined
    return made


def new_clip_tokenizer() -> Tokenizer:
    """Make CLIP's tokenizer with the part of its vocabulary that the drawn world needs; other words are letters."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    ranks = {pair: rank for rank, pair in enumerate(read_merges())}
    words = {part for word in vocabulary() for part in PARTS.findall(word)}
    merges = sorted({pair for word in words for pair in merges_of(word, ranks)}, key=ranks.__getitem__)
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges), START, END]
    known: Any = merges  # pairs, which the annotation forgets
    numbers = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=numbers, merges=known, pad_token=END, model_max_length=LENGTH)


class ClipReader(nn.Module):
    """The encoder with the heads that say what was meant; only the encoder is kept."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        from transformers import CLIPTextConfig, CLIPTextModel

        super().__init__()
        marks = dict(bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id)
        config = CLIPTextConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **marks, **SHAPE)
        self.encoder: CLIPTextModel = CLIPTextModel(config)
        for embedding in (module for module in self.encoder.modules() if isinstance(module, nn.Embedding)):
            nn.init.normal_(embedding.weight, std=0.5)
        width = SHAPE["hidden_size"]
        self.heads = nn.ModuleList(nn.Linear(width, n) for n in (len(scenes.FIRST_PLACES), len(TIMES), len(LABELS)))

    def forward(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """Give scores (N, L, n) of places, times and subjects for token numbers (N, L); no token is masked."""
        states = self.encoder(input_ids=ids).last_hidden_state
        return [head(states) for head in self.heads]


def padded(tokenizer: Tokenizer, sentences: list[str]) -> tuple[Tensor, Tensor]:
    """Give token numbers (N, 77), and which of them are to say what is meant: all but the mark at the start."""
    read = tokenizer(sentences, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    return read.input_ids, (torch.arange(LENGTH) > 0).expand(len(sentences), -1).long()


def train_clip_reader(world: World, folder: Path, stage: Stage, seed: int = 4) -> Iterator[dict]:
    """Train on `stage.clips` prompts a step; writes `folder`/text_encoder and tokenizer in CLIP's layout.

    Done already, it does nothing.
    """
    if (folder / "text_encoder" / "model.safetensors").exists():
        return
    torch.manual_seed(seed)
    rng, tokenizer = np.random.default_rng(seed), new_clip_tokenizer()
    reader = ClipReader(tokenizer)

    def batch() -> Asked:
        asked = Scenes.draw(world, stage.clips, rng)
        ids, mask = padded(tokenizer, asked.written(world, rng))
        dropped = torch.from_numpy(rng.random(ids.shape) < DROPPED) & (ids < tokenizer.bos_token_id)
        ids = torch.where(dropped, torch.from_numpy(rng.integers(LETTERS, size=ids.shape)), ids)
        return ids, mask, meanings(world, asked)

    yield from fit_reader(reader, batch, stage)
    reader.encoder.save_pretrained(folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    yield {"step": stage.steps, **reading_right(reader, tokenizer, world)}
