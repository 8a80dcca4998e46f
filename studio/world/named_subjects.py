"""Which subjects a prompt names: by the words that the pocket's memory is addressed with, and those of one's own.

What a prompt says of its place, time and weather names nobody ("under the stars", "a castle on a hill"); nor does a
word that only tells what another is like ("a fish market", "an orange sky"). What is left, at most three, are the
subjects.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from studio.world.subject_kinds import SCENERY, SCENERY_IN_NUMBERS, can_be_named_freely
from studio.world.subject_words import subject_words
from studio.world.words import (
    SCENE_WORDS,
    TIME_ADJECTIVES,
    TIME_WORDS,
    WEATHER_ADJECTIVES,
    WEATHER_WORDS,
)

MOST = 3
BREAK = "|"  # a sign between two clauses
_TOKEN = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*['’]?|[.,;:!?()/+–—\n]")
ARTICLES = frozenset(("a", "an", "the"))


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


SMALL = _set("tiny little small baby young miniature")
LARGE = _set("big huge giant large enormous gigantic")
SCALES = (0.75, 1.0, 1.3)
# Before a thing that is plainly named; "the" too.
DETERMINERS = ARTICLES | _set(
    "one two three four five some any another my your his her our their this that these those each every"
)
SEVERAL = _set("two three four five some many several few these those")
JOINS = _set("and with plus featuring showing")
PREPOSITIONS = _set("""
in on at by under beneath below above over behind beside near between among amid along across through into
onto inside outside from to towards around past up down off against next upon within like as for during after
before while without
""")
REFUSING = _set("no without like as not nor minus")
# What may follow a subject's word: anything else makes it say what the next word is like.
FOLLOWS = (
    PREPOSITIONS
    | JOINS
    | _set("""
of is are was were has have had who which that where when looks look looking or but then alone asleep awake
here there away home together far high low please ran stood sat lay lays fly flew swim swam run walk stand sit
sleep eat play jump hop dance live graze rest wait hide sail drive go gallop trot roam lie watch see gaze
stare ride work sing talk hunt howl chase crawl climb float drift glide hover rise gather cross enter follow
meet eats out on deep all both too outdoors indoors downtown underwater
""")
)
ENDINGS = ("ing", "ed", "ly")  # of verbs and adverbs; a plain -s is one too ("a fox runs")
# Words that are more often something else than the subject they name: they need a determiner right before.
AMBIGUOUS = _set("""
watch fly duck rose ring bow saw lock coach cook guard judge pupil spirit tit robin cab present crane bug seal
bat clock train well fan cricket net cup date bark ass cod boss bull goat ram
""")
NO_SUBJECTS = _set("""
cool mobile blond blonde evergreen son siren giant captain hero ginger orange grass weed hay straw wood timber
stone water ice snow rain leaves branch home dream picture frame record score note page spring pen globe
house-fly police bowl sleeping running sailing flying
""")
KEPT_GERUNDS = _set("king ring duckling sapling")
NOT_THEM = """
sea horse; sea horses; seahorse; horse chestnut; dog rose; cat walk; tiger lily; cow parsley;
 dragon fruit; dragon boat; butterfly house; crab apple; bull rush; fish eye; bird's eye view
"""
_IRREGULAR = {
    "mouse": "mice", "goose": "geese", "wolf": "wolves", "man": "men", "woman": "women", "child": "children",
    "person": "people", "fish": "fish", "sheep": "sheep", "deer": "deer", "calf": "calves", "ox": "oxen",
    "elf": "elves",
}  # fmt: skip


class Named(NamedTuple):
    """A subject that a prompt names: its label, or the name of one's own, and how large beside what it is usually."""

    label: str
    scale: float = 1.0


class _Entry(NamedTuple):
    """What a wording means: a subject, or the scene where it is empty; in numbers: it is a plural."""

    label: str
    is_plural: bool = False


Phrases = dict[tuple[str, ...], _Entry]


@lru_cache(maxsize=256)
def named_in(text: str, owned: tuple[tuple[str, ...], ...] = (), places: tuple[str, ...] = ()) -> tuple[Named, ...]:
    """Give the subjects that a prompt names, in its order, each once, three at most.

    owned: the words of each of a person's own subjects, in small letters, its name first; they win over all others.
    places: the names of those of one's own, which name nobody.
    """
    tokens = tokens_of(text)
    found: dict[str, Named] = {}
    for at, size, entry in _matches(tokens, _own_phrases(owned, places)):
        label = entry.label
        if label and label not in found and (is_own(label, owned) or _is_meant(tokens, at, size, entry)):
            found[label] = Named(label, _scale(tokens, at))
    return tuple(found.values())[:MOST]


def is_own(label: str, owned: Sequence[Sequence[str]]) -> bool:
    """Whether a label is the name of a subject of one's own."""
    return any(words[0] == label for words in owned)


def tokens_of(text: str) -> list[str]:
    """Give a text's words in small letters; what parts clauses is `BREAK`."""
    return [part if part[0].isalnum() else BREAK for part in _TOKEN.findall(text.lower().replace("’", "'"))]


def _matches(tokens: Sequence[str], own: Phrases) -> Iterator[tuple[int, int, _Entry]]:
    """Yield the wordings of a text from its start, the longest there first: (place, length, what it means)."""
    known, at = _phrases(), 0
    longest = max(map(len, [*known, *own]))
    while at < len(tokens):
        for size in range(min(longest, len(tokens) - at), 0, -1):
            part = tuple(tokens[at : at + size])
            if (entry := own.get(part) or known.get(part)) is not None:
                yield at, size, entry
                at += size
                break
        else:
            at += 1


def _is_meant(tokens: Sequence[str], at: int, size: int, entry: _Entry) -> bool:
    """Whether a wording of a known subject puts it into the picture, where it is said."""
    after = tokens[at + size] if at + size < len(tokens) else BREAK
    if not (entry.is_plural or _ends_there(after)) or REFUSING & set(_clause_before(tokens, at)[-3:]):
        return False
    determined = at > 0 and (tokens[at - 1] in DETERMINERS or tokens[at - 1] in SMALL | LARGE)
    if size == 1 and tokens[at] in AMBIGUOUS | _many_ambiguous():
        return determined
    if entry.label in SCENERY_IN_NUMBERS and (entry.is_plural or SEVERAL & set(_clause_before(tokens, at)[-2:])):
        return False
    return can_be_named_freely(entry.label) or _is_plainly_named(tokens, at)


def _ends_there(after: str) -> bool:
    """Whether the word after a wording leaves it a noun of its own."""
    if after == BREAK or after in FOLLOWS or after in DETERMINERS or after.endswith(ENDINGS):
        return True
    return after.endswith("s") and not after.endswith(("ss", "'s"))


def _is_plainly_named(tokens: Sequence[str], at: int) -> bool:
    """Whether a thing's word begins a clause, or is joined to one, and is not where something else is."""
    before = _clause_before(tokens, at)
    if before and before[-1].endswith("ing"):
        return False  # "eating bamboo"
    for place in range(len(before) - 1, -1, -1):
        if before[place] in PREPOSITIONS:
            return False
        if before[place] in JOINS:
            return True
    return len(before) <= 5


def _clause_before(tokens: Sequence[str], at: int) -> Sequence[str]:
    """Give the words of the same clause before a place."""
    begins = max((place + 1 for place in range(at) if tokens[place] == BREAK), default=0)
    return tokens[begins:at]


def _scale(tokens: Sequence[str], at: int) -> float:
    """Give the size that the two words before a subject's ask for."""
    before = set(_clause_before(tokens, at)[-2:])
    return SCALES[0] if before & SMALL else SCALES[2] if before & LARGE else SCALES[1]


@cache
def _many_ambiguous() -> frozenset[str]:
    return frozenset(map(plural, AMBIGUOUS))


# --- the wordings -----------------------------------------------------------------------------------------------------


@cache
def _phrases() -> Phrases:
    """All wordings: of the scene, which name nobody, and of the subjects."""
    found = {key: _Entry("") for key in _scene_phrases()}
    for label, wordings in subject_words().items():
        if label in SCENERY:
            wordings = ()
        for wording in (one for one in wordings if not _is_dropped(one)):
            found.setdefault(_key(wording), _Entry(label))
            found.setdefault(_key(plural(wording)), _Entry(label, True))
    return found


def _scene_phrases() -> Iterator[tuple[str, ...]]:
    """Yield the wordings of places, times and weathers, and those of subjects that are scenery."""
    tables: tuple[Mapping[str, tuple[str, ...]], ...]
    tables = (SCENE_WORDS, TIME_WORDS, WEATHER_WORDS, TIME_ADJECTIVES, WEATHER_ADJECTIVES)
    wordings = [wording for table in tables for words in table.values() for wording in words if wording]
    wordings += [wording for label in SCENERY for wording in subject_words()[label]]
    wordings += [plural(wording) for label in SCENERY for wording in subject_words()[label]]
    yield from (_key(wording) for wording in wordings if wording not in PEOPLED)
    yield from (tuple(part.split()) for part in NOT_THEM.replace("\n", " ").split(";") if part.strip())


# Wordings of places that say who is there, too.
PEOPLED = frozenset(("sheep in a paddock",))


@lru_cache(maxsize=32)
def _own_phrases(owned: tuple[tuple[str, ...], ...], places: tuple[str, ...]) -> Phrases:
    found = {_key(place): _Entry("") for place in places}
    for words in owned:
        for word in words:
            found.setdefault(_key(word), _Entry(words[0]))
    return found


def _key(wording: str) -> tuple[str, ...]:
    """Give a wording's words, without an article before them."""
    tokens = tuple(tokens_of(wording))
    return tokens[1:] if len(tokens) > 1 and tokens[0] in ARTICLES else tokens


def _is_dropped(wording: str) -> bool:
    """Whether a wording names its subject to a brush, and is too common a word in a prompt."""
    key = _key(wording)
    if len(key) != 1:
        return False
    return key[0] in NO_SUBJECTS or (key[0].endswith("ing") and key[0] not in KEPT_GERUNDS)


def plural(wording: str) -> str:
    """Give the plural of a wording's last word."""
    *before, last = wording.split(" ")
    if last in _IRREGULAR:
        many = _IRREGULAR[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        many = last + "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return " ".join((*before, many))
