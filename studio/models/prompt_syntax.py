"""What people write in prompts beside words: weights, breaks, and what other tools read that is letters here.

Weights are written as AUTOMATIC1111's web UI reads them (its wiki, "Attention/emphasis"): `(word)` weighs 1.1 times as
much, `[word]` 1.1 times less, `(word:1.3)` 1.3 times, and brackets in brackets multiply; `\\(` is a bracket that is
meant as one. `BREAK` begins a new chunk of tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

STEP = 1.1  # of one pair of brackets
MOST = 100.0  # a weight, either way: more is no number of half precision any more
SIGN = re.compile(
    r"\\(?P<escaped>[\\()\[\]])|(?P<weight>:\s*(?P<number>[+-]?(?:\d{1,4}(?:\.\d*)?|\.\d+))\s*\))|(?P<bracket>[()\[\]])"
    r"|(?P<new>\bBREAK\b)|(?P<letters>[^\\()\[\]:B]+|.)",
    re.DOTALL,
)
QUOTED = 40  # characters of a prompt that a remark quotes


@dataclass(frozen=True)
class Fragment:
    """A part of a prompt that has one weight."""

    text: str
    weight: float = 1.0


def weighted(prompt: str) -> list[list[Fragment]]:
    """Give a prompt's fragments, a list for each part between BREAKs; a prompt without signs is one fragment."""
    parts: list[list[Fragment]] = [[]]
    for letters, weight in weighted_letters(prompt):
        if letters is None:
            parts.append([])
        else:
            parts[-1].append(Fragment(letters, weight))
    return [[joined(list(same)) for _, same in groupby(part, lambda one: one.weight)] for part in parts]


def joined(same: list[Fragment]) -> Fragment:
    """Put fragments of one weight together."""
    return Fragment("".join(one.text for one in same), same[0].weight)


def weighted_letters(prompt: str) -> Iterator[tuple[str | None, float]]:
    """Yield the letters of a prompt with their weights, None for BREAK.

    A bracket that is never closed counts to the end; one that closes nothing is a letter.
    """
    read: list[tuple[str | None, float]] = []
    opened: list[tuple[str, int]] = []  # brackets, and how much had been read before each
    for sign in SIGN.finditer(prompt):
        text = sign.group()
        if text in ("(", "["):
            opened.append((text, len(read)))
        elif sign["weight"] and opened and opened[-1][0] == "(":
            multiply(read, opened.pop()[1], float(sign["number"]))
        elif text in (")", "]") and opened and opened[-1][0] == "(["[text == "]"]:
            multiply(read, opened.pop()[1], STEP if text == ")" else 1 / STEP)
        else:
            read.append((None if sign["new"] else sign["escaped"] or text, 1.0))
    for bracket, before in opened:
        multiply(read, before, STEP if bracket == "(" else 1 / STEP)
    return ((letters, max(-MOST, min(MOST, weight))) for letters, weight in read)


def multiply(read: list[tuple[str | None, float]], before: int, factor: float) -> None:
    """Weigh what was read from a place on by a factor."""
    read[before:] = [(letters, weight * factor) for letters, weight in read[before:]]


# What is letters to every model here, and what to do instead.
LETTERS = (
    (r"<(?:lora|lyco|hypernet):[^<>]*>", "open the model with that LoRA and move its slider, under Styles"),
    (r"\[[^\[\]|]*:[^\[\]|]*:\s*\d*\.?\d+\s*\]", "prompts change here by Apply, and blend over the frames you choose"),
    (r"\[[^\[\]]*\|[^\[\]]*\]", "words do not take turns here"),
    (r"\{[^{}]+\}", "write (word) for more and [word] for less"),
    (r"(?:(?<!\w)\w{2,}|\))(?:\+{1,4}|-{2,4})(?=[\s,.;)]|$)", "write (word) for more and [word] for less"),
    (r"\)\d*\.\d+", "write the number in the brackets: (word:1.3)"),
    (r"\([^()]*:\s*\d{0,4},\d+\s*\)", "write the number with a point: (word:1.3)"),
    (r"\S::\s*-?\d*\.?\d+", "write (word:1.3)"),
    (
        r"(?<=\s)--(?:ar|no|v|s|q|seed|stylize|chaos|style|niji|iw|neg)\b(?:\s+[^\s-]\S*)?",
        "use the dials here",
    ),
    (r"(?<=[a-z0-9,.)] )AND(?= [a-z0-9(])", "prompts are not added up here"),
    (r"__[\w/-]+__", "there are no wildcards here; write the word"),
    (r"\bembedding:[\w.-]+", "there are no textual inversions here; a LoRA may do"),
)
# What is letters to a model that weighs no words.
WEIGHTS = (
    (r"\((?:[^()]|\([^()]*\))*:\s*[+-]?\d*\.?\d+\s*\)", "it weighs no words; say in words what matters"),
    (r"\(\([^()]*\)+|\[[^\[\]]+\]", "it weighs no words; say in words what matters"),
    (r"\bBREAK\b", "it reads a prompt as one"),
)


def letters(prompt: str, name: str, weighs: bool) -> Iterator[str]:
    """Yield what of a prompt a model reads as letters though it was meant as a sign, in words; one of a kind.

    weighs: whether the model's words have weights and breaks.
    """
    told: set[str] = set()
    kinds = LETTERS if weighs else (*LETTERS, *WEIGHTS)
    for pattern, instead in kinds:
        advice = "it weighs no words" if not weighs and instead.startswith("write") else instead
        found = re.search(pattern, prompt)
        if found and advice not in told:
            told.add(advice)
            yield f"{name} reads “{shortened(found.group().strip())}” as letters: {advice}."


def shortened(text: str) -> str:
    """Give a text as a remark quotes it."""
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 1]}…"


def not_read(prompt: str, name: str, cut: tuple[int, int, str] | None) -> list[str]:
    """Say what a model that weighs no words does not read of a prompt; cut: where it ends early, as `read_so_far`."""
    return [*letters(prompt, name, weighs=False), *([ends_early(name, *cut)] if cut else [])]


def ends_early(name: str, read: int, total: int, words: str) -> str:
    """Say where a model stops reading: how many tokens of a prompt it reads, and the words they end with."""
    end = " ".join(words.split())
    end = end if len(end) <= QUOTED else f"…{end[1 - QUOTED :]}"
    return (
        f"{name} reads the first {read} of {total} tokens, which end with “{end}”; the rest does nothing. "
        "Shorten it, or put first what matters."
    )


def read_so_far(tokenizer: object, text: str, most: int, **called: object) -> tuple[int, int, str] | None:
    """Give how many tokens of a text are read, of how many, and the words that they are; None where that is all.

    tokenizer: a fast one of transformers; most: with its marks, and called: as the model calls it, so that a call on
    another thread finds it as it needs it.
    """
    chunks = tokenizer(  # type: ignore[operator]
        [text], truncation=True, max_length=most, return_overflowing_tokens=True, return_offsets_mapping=True, **called
    )["offset_mapping"]
    tokens = [[(begin, end) for begin, end in chunk if end > begin] for chunk in map(list, chunks)]
    read, total = len(tokens[0]), sum(map(len, tokens))
    return (read, total, text[: tokens[0][-1][1]]) if read < total else None
