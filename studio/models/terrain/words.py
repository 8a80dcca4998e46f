"""Words to what the net is told: how hard the ground is to cross, 1 to 100."""

from __future__ import annotations

import re

LEAST, MOST = 1, 100
PLAIN = 40  # of words that say nothing of it
WORDS = {
    1: "flat level sea lake water calm",
    12: "plain plains meadow marsh swamp beach shore coast island islands steppe",
    30: "gentle soft rolling dunes dune desert valley field fields",
    50: "hill hills hilly wavy uneven forest woods",
    70: "rough rugged rocky stony badlands canyon gorge crater craters",
    90: "mountain mountains mountainous steep cliff cliffs peak peaks ridge ridges snow glacier volcano alps",
    100: "extreme wild jagged impassable himalaya",
}
DIFFICULTY = {word: number for number, words in WORDS.items() for word in words.split()}


def difficulty_of(text: str) -> float:
    """Give the difficulty that a text says, 1..100: its first number in that range, else the mean of its known words.

    "very" and "slightly" before a word take it further from the middle, or nearer to it.
    """
    words = re.findall(r"[a-z]+|\d+", text.lower())
    for word in words:
        if word.isdigit() and LEAST <= int(word) <= MOST:
            return float(word)
    known = [strengthened(DIFFICULTY[word], before) for before, word in zip(["", *words], words) if word in DIFFICULTY]
    return sum(known) / len(known) if known else float(PLAIN)


def strengthened(number: float, before: str) -> float:
    """Give a word's number, as the word before it has it."""
    more = {"very": 1.3, "extremely": 1.6, "slightly": 0.6, "somewhat": 0.8}.get(before, 1.0)
    middle = (LEAST + MOST) / 2
    return min(max(middle + more * (number - middle), LEAST), MOST)


def remarks(text: str) -> list[str]:
    """Say of a text that the net hears none of it, and what it would hear."""
    words = re.findall(r"[a-z]+|\d+", text.lower())
    if not words or any(word in DIFFICULTY or (word.isdigit() and LEAST <= int(word) <= MOST) for word in words):
        return []
    return [
        f"Terrain hears one thing, how rough the ground is, and {text!r} says nothing of it: {PLAIN} of {MOST} is "
        f"drawn. Type a number from {LEAST} to {MOST}, or words as: plains, hills, canyon, steep mountains."
    ]
