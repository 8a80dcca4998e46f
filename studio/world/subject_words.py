"""Every word that names a subject the pocket knows: the tables of the trained and of the added ones, side by side."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from studio.world.subject_pictures import PACK
from studio.world.words import SUBJECTS, Subject, subject

TABLE = PACK / "added.txt"


def read_table(path: Path = TABLE) -> list[Subject]:
    """Read a table of subjects; raises ValueError for a line that is no "emoji label | words | held-out words"."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.count("|") != 2:
            raise ValueError(f"{path.name}, line {number}: got {line!r}, not 'emoji label | words | held-out words'")
        named, words, held_out = line.split("|")
        emoji, label = named.strip().split(" ", 1)
        rows.append(subject(label, emoji, words, held_out))
    return rows


@cache
def subject_words() -> Mapping[str, tuple[str, ...]]:
    """Give every subject's wordings by its label, its label first; a line of a trained one's label gives it more."""
    found: dict[str, tuple[str, ...]] = {}
    rows = [(label, row) for label, row in SUBJECTS.items()] + [(row.words[0], row) for row in read_table()]
    for label, row in rows:
        found[label] = tuple(dict.fromkeys((*found.get(label, ()), *row.words, *row.held_out)))
    return MappingProxyType(found)
