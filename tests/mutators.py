"""Breaks what it is given, in ways a seeded dice decides: JSON value by value, files byte by byte."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

DEEP = "[" * 3000 + "]" * 3000
ODD = (
    *(None, True, False, -1, 0, 1, 2**31, 2**53, 2**70, -(2**70), 0.5, 1e-320, 1e308, float("nan"), float("inf")),
    *("", "x", " ", "\x00", "\ud800", "é\u202e" * 40, "a" * 5000, "../../etc/passwd", "C:\\nul", "{}", "-1"),
    *([], {}, [1, 2], {"a": 1}, [[[]]], [None] * 300, {"kind": "prompt"}, {str(n): n for n in range(200)}),
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in nested JSON."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from leaves(inner, (*path, key))


def break_json(text: str, dice: random.Random) -> str:
    """JSON with one value exchanged, taken out, doubled, renamed or nested too deeply."""
    value = json.loads(text)
    path = dice.choice(list(leaves(value)) or [()])
    if not path:
        return DEEP
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    how = dice.choice(("odd", "odd", "odd", "odd", "gone", "renamed", "deep"))
    if how == "gone":
        del inner[path[-1]]
    elif how == "renamed" and isinstance(inner, dict):
        inner[dice.choice(("", "kind", "frame", "x" * 300, "\ud800"))] = inner.pop(path[-1])
    else:
        inner[path[-1]] = "@@" if how == "deep" else dice.choice(ODD)
    return json.dumps(value).replace('"@@"', DEEP)


def break_bytes(content: bytes, dice: random.Random, near: int = 4000) -> bytes:
    """A file cut off, or with bytes among its first `near` exchanged, put in or left out."""
    if not content or dice.random() < 0.3:
        return content[: dice.randrange(len(content) + 1)]
    broken = bytearray(content)
    for _ in range(dice.choice((1, 1, 3, 30))):
        place = dice.randrange(min(len(broken), near)) if broken else 0
        how = dice.random()
        if how < 0.6 and broken:
            broken[place] = dice.randrange(256)
        elif how < 0.8:
            broken[place:place] = bytes(dice.randrange(256) for _ in range(dice.choice((1, 4, 40))))
        else:
            del broken[place : place + dice.choice((1, 4, 40))]
    return bytes(broken)


def break_text(text: str, dice: random.Random) -> str:
    """Lines of JSON: one of them broken, doubled, left out or moved, or the bytes of all."""
    lines = [line for line in text.split("\n") if line.endswith("}")]
    how = dice.choice(("json", "json", "json", "bytes", "doubled", "gone", "moved"))
    at = dice.randrange(len(lines))
    if how == "json":
        lines[at] = break_json(lines[at], dice)
    elif how == "doubled":
        lines.insert(dice.randrange(len(lines) + 1), lines[at])
    elif how == "gone":
        del lines[at]
    elif how == "moved":
        lines.insert(dice.randrange(len(lines)), lines.pop(at))
    else:
        return break_bytes(text.encode(), dice).decode("utf-8", "replace")
    return "\n".join(lines) + dice.choice(("\n", ""))
