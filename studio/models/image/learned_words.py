"""Words that a LoRA brings: textual embeddings (arXiv 2208.01618) bundled in its file, read where a prompt names them.

A word stands for one or several vectors of its own in a text encoder. It is there whatever the LoRA's weight is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from studio.models.image.checkpoint import Words
from studio.models.libraries import Net, Tokenizer
from studio.models.lora.source import Tell, find_files

BUNDLE = "bundle_emb."  # AUTOMATIC1111's and OneTrainer's: bundle_emb.NAME.clip_l, or .string_to_param.*
ENCODERS = {"clip_l": "text_encoder", "clip_g": "text_encoder_2", "string_to_param": "text_encoder"}


class LearnedTokenizer:
    """A tokenizer that spells learned words as tokens of their own. spelling: word -> its tokens."""

    def __init__(self, tokenizer: Tokenizer, spelling: Mapping[str, str]) -> None:
        self.tokenizer = tokenizer
        self.model_max_length: int = tokenizer.model_max_length
        self.bos_token_id: int = tokenizer.bos_token_id
        self.eos_token_id: int = tokenizer.eos_token_id
        self.pad_token_id: int = tokenizer.pad_token_id
        self._spelling = {word.lower(): tokens for word, tokens in spelling.items()}
        longest_first = sorted(map(re.escape, spelling), key=len, reverse=True)
        self._words = re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", re.IGNORECASE)

    def __call__(self, text: str, **options: Any) -> Any:
        return self.tokenizer(self._words.sub(lambda found: self._spelling[found[0].lower()], text), **options)


def read_bundled(path: Path) -> dict[str, dict[str, Tensor]]:
    """Read the words bundled in a LoRA that was read before: word -> text encoder -> vectors (n, width)."""
    from safetensors import safe_open

    words: dict[str, dict[str, Tensor]] = {}
    for file in find_files(path).values():
        with safe_open(file, "pt") as held:
            for key in (key for key in held.keys() if key.startswith(BUNDLE)):  # noqa: SIM118, it is no dict
                word, _, rest = key.removeprefix(BUNDLE).partition(".")
                if (encoder := ENCODERS.get(rest.partition(".")[0])) is not None:
                    vectors = held.get_tensor(key).float()
                    words.setdefault(word, {})[encoder] = vectors.reshape(-1, vectors.shape[-1])
    return words


@torch.no_grad()
def teach(words: Words, learned: Mapping[str, Mapping[str, Tensor]], tell: Tell) -> None:
    """Have the text encoders read learned words. tell: told of one that is another family's, and left aside."""
    for place, (name, encoder) in enumerate(words.encoders.items()):
        net: Net = encoder
        theirs = {word: vectors[name] for word, vectors in learned.items() if name in vectors}
        fitting = {word: vectors for word, vectors in theirs.items() if vectors.shape[1] == net.config.hidden_size}
        for word in theirs.keys() - fitting.keys():
            tell(
                f"the word {word!r} that a LoRA brings is left aside: it has {theirs[word].shape[1]} numbers and this "
                f"model's {name} {net.config.hidden_size}; it is of another family"
            )
        if fitting:
            words.tokenizers[place] = add_words(words.tokenizers[place], net, fitting)  # type: ignore[index]


def add_words(tokenizer: Tokenizer, net: Net, learned: Mapping[str, Tensor]) -> LearnedTokenizer:
    """Give a tokenizer that spells the words, whose vectors are now the encoder's."""
    tokens = {word: [f"<{word}:{number}>" for number in range(len(vectors))] for word, vectors in learned.items()}
    tokenizer.add_tokens([token for spelled in tokens.values() for token in spelled], special_tokens=True)
    device = net.device
    net.resize_token_embeddings(max(len(tokenizer), net.config.vocab_size), mean_resizing=False)
    held = net.get_input_embeddings().weight
    for word, vectors in learned.items():
        places = tokenizer.convert_tokens_to_ids(tokens[word])
        held[torch.tensor(places, device=device)] = vectors.to(device, held.dtype)
    net.requires_grad_(False)
    for part in net.modules():  # with CLIP's old config the whole text is read at the highest token, now a learned one
        if getattr(part, "eos_token_id", None) == 2:
            part.eos_token_id = tokenizer.eos_token_id
    return LearnedTokenizer(tokenizer, {word: " ".join(spelled) for word, spelled in tokens.items()})
