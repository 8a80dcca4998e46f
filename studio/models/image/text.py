"""How an image model reads a prompt of any length: chunks of 75 tokens side by side, and words that weigh more or less.

A chunk is what a CLIP encoder was trained on: a mark, 75 tokens, a mark. The states of all chunks stand one behind the
other, as AUTOMATIC1111's web UI and sd_embed put them. A word's weight w moves its state z away from the state e that
the empty prompt has in its place, to e + w (z - e): what compel does with a weight above 1, here with every weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from studio.models.libraries import Net, Tokenizer
from studio.models.prompt_syntax import Fragment, weighted


class Token(NamedTuple):
    """A token's number, and what it weighs."""

    number: int
    weight: float = 1.0


def read_prompt(tokenizer: Tokenizer, net: Net, text: str, layer: int) -> tuple[Tensor, Tensor | None]:
    """Give the states (77 n, D) of a prompt's n chunks, float32, and the pooled text of the first, if there is one.

    layer: of the encoder's hidden states, or 0 for the last one with the final norm.
    """
    length = min(tokenizer.model_max_length, net.config.max_position_embeddings)
    chunks = chunked([tokens_of(tokenizer, part) for part in weighted(text)], length - 2)
    outputs = [net(numbers(tokenizer, chunk, length).to(net.device), output_hidden_states=True) for chunk in chunks]
    states = [output.hidden_states[layer] if layer else output.last_hidden_state for output in outputs]
    found = [one[0].float() for one in states]
    if any(token.weight != 1 for chunk in chunks for token in chunk):
        empty = net(numbers(tokenizer, (), length).to(net.device), output_hidden_states=True)
        base = (empty.hidden_states[layer] if layer else empty.last_hidden_state)[0].float()
        found = [weighed(one, base, chunk) for one, chunk in zip(found, chunks, strict=True)]
    pooled = getattr(outputs[0], "text_embeds", None)
    return torch.cat(found), None if pooled is None else pooled[0].float()


def tokens_of(tokenizer: Tokenizer, fragments: Sequence[Fragment]) -> list[Token]:
    """Give the tokens of fragments, without marks."""
    return [
        Token(number, fragment.weight)
        for fragment in fragments
        for number in tokenizer(fragment.text, add_special_tokens=False, verbose=False).input_ids
    ]


def chunked(parts: Sequence[Sequence[Token]], most: int) -> list[tuple[Token, ...]]:
    """Give chunks of at most so many tokens, at least one; what stood behind a BREAK begins a chunk of its own."""
    return [tuple(part[begin : begin + most]) for part in parts for begin in range(0, len(part), most)] or [()]


def numbers(tokenizer: Tokenizer, chunk: Sequence[Token], length: int) -> Tensor:
    """Give what the encoder is given of a chunk, (1, length): the tokens between their marks, padded."""
    marked = [tokenizer.bos_token_id, *(token.number for token in chunk), tokenizer.eos_token_id]
    return torch.tensor([marked + [tokenizer.pad_token_id] * (length - len(marked))])


def weighed(states: Tensor, empty: Tensor, chunk: Sequence[Token]) -> Tensor:
    """Give a chunk's states (L, D) with every weight but 1 laid on the state of its token."""
    places = [place for place, token in enumerate(chunk, 1) if token.weight != 1]
    weights = torch.tensor([chunk[place - 1].weight for place in places], device=states.device)[:, None]
    moved = states.clone()
    moved[places] = empty[places] + weights * (states[places] - empty[places])
    return moved
